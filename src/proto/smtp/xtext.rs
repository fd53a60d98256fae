//! xtext, in which parameters of SMTP commands carry what is no atom (RFC 3461 4).

/// The octets behind an xtext; `None` when it is none.
///
/// The grammar is closed: `!` to `~` without `+` and `=`, and `+` with two upper case hexadecimal digits.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        match octet {
            b'+' => decoded.push(hex(octets.next()?)? << 4 | hex(octets.next()?)?),
            b'=' => return None,
            b'!'..=b'~' => decoded.push(octet),
            _ => return None,
        }
    }
    Some(decoded)
}

/// Like [`decode`], for values that are printable ASCII, blanks included.
pub fn decode_printable(text: &str) -> Option<String> {
    let decoded = decode(text)?;
    let printable = decoded.iter().all(|octet| matches!(octet, b' '..=b'~'));
    String::from_utf8(decoded).ok().filter(|_| printable)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xtext_is_read_by_its_closed_grammar() {
        let check = |text, octets: Option<&[u8]>| assert_eq!(decode(text).as_deref(), octets, "{text:?}");
        check("", Some(b""));
        check("abc!~", Some(b"abc!~"));
        check("a+2Bb+3Dc+20", Some(b"a+b=c "));
        check("+00+FF", Some(b"\0\xff"));
        for not in ["+", "+2", "+2b", "+GG", "a=b", "a b", "a\u{7f}", "あ", "a\tb", "+ 1"] {
            check(not, None);
        }
        assert_eq!(decode_printable("a+20b"), Some("a b".to_owned()));
        assert_eq!(decode_printable("a+0Ab"), None);
        assert_eq!(decode_printable("a+E3+81+82"), None);
    }
}
