//! The fields of one name in a message's header, found by their octets whatever else is wrong with it.
//!
//! [`super::message::Message`] says what a mail means and stops at its limits; this finds every field that another
//! reader might take for one of that name, so that what must not leave does not.

use std::ops::Range;

use memchr::memchr;

/// One header field. Offsets count octets of the message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FieldOctets {
    /// All of it, with the line ends of its continuation lines and its own.
    pub whole: Range<usize>,
    /// What stands behind the colon, the last line end included.
    pub value: Range<usize>,
}

/// Every field of that name in any case, also with blanks in front of the colon (RFC 5322 4.5), from the top to the
/// empty line that ends the header.
pub fn named(message: &[u8], name: &str) -> Vec<FieldOctets> {
    let mut found: Vec<FieldOctets> = Vec::new();
    let mut continues = false;
    let mut at = 0;
    while at < message.len() && !name.is_empty() {
        let next = memchr(b'\n', &message[at..]).map_or(message.len(), |n| at + n + 1);
        let line = &message[at..next];
        if line == b"\r\n" || line == b"\n" {
            break;
        }
        if line[0] == b' ' || line[0] == b'\t' {
            if let Some(field) = found.last_mut().filter(|_| continues) {
                (field.whole.end, field.value.end) = (next, next);
            }
        } else {
            let colon =
                memchr(b':', line).filter(|n| line[..*n].trim_ascii_end().eq_ignore_ascii_case(name.as_bytes()));
            found.extend(colon.map(|n| FieldOctets { whole: at..next, value: at + n + 1..next }));
            continues = colon.is_some();
        }
        at = next;
    }
    found
}

/// The value on one line (RFC 5322 2.2.3), without the blanks around it.
pub fn unfolded(value: &[u8]) -> Vec<u8> {
    let mut line: Vec<u8> = value.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    line.truncate(line.trim_ascii_end().len());
    line.drain(..line.len() - line.trim_ascii_start().len());
    line
}

/// The message without these octets; the ranges rise and do not overlap.
pub fn without(message: &[u8], cut: &[Range<usize>]) -> Vec<u8> {
    let mut rest = Vec::with_capacity(message.len());
    let mut at = 0;
    for range in cut {
        rest.extend_from_slice(&message[at..range.start]);
        at = range.end;
    }
    rest.extend_from_slice(&message[at..]);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of the fields called `X-Route`, and what is left when they are cut.
    fn check(message: &str, values: &[&str], rest: &str) {
        let found = named(message.as_bytes(), "X-Route");
        let read =
            |f: &FieldOctets| String::from_utf8_lossy(&unfolded(&message.as_bytes()[f.value.clone()])).into_owned();
        assert_eq!(found.iter().map(read).collect::<Vec<_>>(), values, "{message:?}");
        let cut: Vec<_> = found.into_iter().map(|f| f.whole).collect();
        assert_eq!(String::from_utf8_lossy(&without(message.as_bytes(), &cut)), rest, "{message:?}");
    }

    #[test]
    fn a_field_is_found_in_every_form_another_reader_might_take_for_it() {
        check("A: b\r\nX-Route: s\r\nC: d\r\n\r\nx\r\n", &["s"], "A: b\r\nC: d\r\n\r\nx\r\n");
        check("x-ROUTE:s\r\nA: b\r\n\r\n", &["s"], "A: b\r\n\r\n");
        check("X-Route \t: s\r\n\r\n", &["s"], "\r\n");
        check("X-Route:\r\n s\r\n\tt \r\nA: b\r\n\r\n", &["s\tt"], "A: b\r\n\r\n");
        check("X-Route:\r\n \r\n s\r\nA: b\r\n\r\n", &["s"], "A: b\r\n\r\n");
        check("X-Route: s\r\nA: b\r\n c\r\nX-Route: t\r\n\r\n", &["s", "t"], "A: b\r\n c\r\n\r\n");
        check("no field at all\r\nX-Route: s\r\n\r\n", &["s"], "no field at all\r\n\r\n");
        check("X-Route: s", &["s"], "");
    }

    #[test]
    fn nothing_but_a_field_of_the_header_is_taken_for_one() {
        for message in
            ["A: X-Route: s\r\n\r\n", "A: b\r\n X-Route: s\r\n\r\n", "\r\nX-Route: s\r\n", "X-Route\r\n\r\n", ""]
        {
            check(message, &[], message);
        }
        check("X-Route-More: s\r\n\r\nX-Route: body\r\n", &[], "X-Route-More: s\r\n\r\nX-Route: body\r\n");
    }

    proptest::proptest! {
        #[test]
        fn what_is_cut_is_what_was_found_and_none_is_left(message in "(X-Route|A|\\PC| |\t|:|\r\n|\n){0,40}") {
            let octets = message.as_bytes();
            let cut: Vec<_> = named(octets, "X-Route").into_iter().map(|f| f.whole).collect();
            let rest = without(octets, &cut);
            assert_eq!(rest.len() + cut.iter().map(Range::len).sum::<usize>(), octets.len());
            assert!(named(&rest, "X-Route").is_empty());
        }
    }
}
