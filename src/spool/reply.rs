//! Replies of next hops as they may be kept: without addresses, without controls, and not too long.

/// Longest reply kept, in characters.
const CHARS_MAX: usize = 500;

/// The reply with each address in it replaced by `<rcpt>`, controls by blanks, and cut to 500 characters.
///
/// Linear in the length of the reply. What stands around an `@` (or its URL form `%40`) counts as an address, wrongly
/// formed ones too: a word lost from a reply is a smaller harm than an address kept.
pub fn without_addresses(reply: &str) -> String {
    let mut kept = String::with_capacity(reply.len().min(CHARS_MAX));
    let mut from = 0;
    while let Some((sign, sign_octets)) = next_at_sign(reply, from) {
        let start = local_part_start(reply, from, sign);
        let mut end = sign + sign_octets;
        if start == sign {
            kept.push_str(&reply[from..end]);
        } else {
            end = domain_end(reply, end);
            let bracketed = reply[from..start].ends_with('<') && reply[end..].starts_with('>');
            kept.push_str(&reply[from..start - usize::from(bracketed)]);
            kept.push_str("<rcpt>");
            end += usize::from(bracketed);
        }
        from = end;
    }
    kept.push_str(&reply[from..]);
    kept.chars().take(CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Where the next `@` or `%40` at or behind `from` stands, and how many octets it has.
fn next_at_sign(reply: &str, from: usize) -> Option<(usize, usize)> {
    let rest = reply.get(from..)?;
    let found = rest.bytes().enumerate().find_map(|(i, b)| match b {
        b'@' => Some((i, 1)),
        b'%' if rest[i..].starts_with("%40") => Some((i, 3)),
        _ => None,
    });
    found.map(|(i, octets)| (from + i, octets))
}

/// Where the local part in front of the sign begins; `sign` itself when there is none.
fn local_part_start(reply: &str, from: usize, sign: usize) -> usize {
    let before = &reply[from..sign];
    if let Some(quoted) = before.strip_suffix('"') {
        return quoted.rfind('"').map_or(sign, |open| from + open);
    }
    let end_of_gap = before.char_indices().rev().find(|(_, c)| is_gap(*c)).map(|(i, c)| i + c.len_utf8());
    from + end_of_gap.unwrap_or(0)
}

fn is_gap(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "<>()[],;:\"".contains(c)
}

/// Where the domain or address literal that begins at `from` ends.
fn domain_end(reply: &str, from: usize) -> usize {
    let rest = &reply[from..];
    if rest.starts_with('[') {
        return rest.find(']').map_or(from, |close| from + close + 1);
    }
    let of_domain = |c: char| c.is_alphanumeric() || c == '-' || c == '.' || c == '_';
    let end = rest.find(|c| !of_domain(c)).unwrap_or(rest.len());
    from + rest[..end].trim_end_matches('.').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reply: &str, kept: &str) {
        assert_eq!(without_addresses(reply), kept);
    }

    #[test]
    fn every_form_of_an_address_is_replaced() {
        check("550 5.1.1 <taro@sakura.example>: unknown", "550 5.1.1 <rcpt>: unknown");
        check("550 taro.y@sakura.example. Try later", "550 <rcpt>. Try later");
        check("550 \"taro y\"@sakura.example gone", "550 <rcpt> gone");
        check("450 rcpt=a@[192.0.2.1] and b@c.example", "450 <rcpt> and <rcpt>");
        check("550 see https://mx.example/?to=taro%40sakura.example&x", "550 see https:<rcpt>&x");
        check("550 太郎@日本語.example unknown", "550 <rcpt> unknown");
    }

    #[test]
    fn a_reply_without_an_address_stays_as_it_is() {
        check("451 4.7.1 Greylisted, try again in 300 s", "451 4.7.1 Greylisted, try again in 300 s");
        check("550 @ is not allowed, nor is <@mx.example>", "550 @ is not allowed, nor is <@mx.example>");
    }

    #[test]
    fn controls_become_blanks_and_long_replies_are_cut() {
        check("550 a\x1b[2J\r\nb", "550 a [2J  b");
        assert_eq!(without_addresses(&"あ".repeat(600)).chars().count(), 500);
    }

    proptest::proptest! {
        #[test]
        fn no_local_part_with_its_sign_is_ever_left(reply in "[a-z\"<>@%40 .\\[\\]é]{0,60}") {
            let kept = without_addresses(&reply);
            proptest::prop_assert!(!kept.contains("a@") && !kept.contains("é@"), "{:?} from {:?}", kept, reply);
        }

        #[test]
        fn any_text_is_taken(reply in proptest::prelude::any::<String>()) {
            without_addresses(&reply);
        }
    }
}
