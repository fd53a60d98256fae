//! Bodies decode exactly, and every decoded octet knows where it stood.

use super::*;
use crate::mail::message::Message;

fn decoded(encoding: &str, body: &str) -> Result<(Decoded, usize), TransferFault> {
    let raw = format!("Content-Transfer-Encoding: {encoding}\r\n\r\n{body}");
    let message = Message::read(raw.as_bytes());
    let part = &message.parts()[0];
    decode(part, message.raw()).map(|d| (d, part.body.start))
}

fn check(encoding: &str, body: &str, expected: Result<&[u8], TransferFault>) {
    let octets = decoded(encoding, body).map(|(d, _)| d.octets);
    assert_eq!(octets.as_deref().map_err(|e| *e), expected, "{encoding} {body:?}");
}

fn spot(encoding: &str, body: &str, offset: usize) -> Option<Spot> {
    let (decoded, start) = decoded(encoding, body).unwrap_or_else(|e| panic!("{body:?}: {e}"));
    decoded.spot(offset).map(|s| Spot { raw: s.raw - start, ..s })
}

#[test]
fn bodies_decode_to_their_octets() {
    check("7bit", "a\r\nb", Ok(b"a\r\nb"));
    check("base64", "YWJj\r\nZGVm\r\n", Ok(b"abcdef"));
    check("base64", "YWJjZ\r\nA==\r\n", Ok(b"abcd"));
    check("base64", "YWJjZGU=", Ok(b"abcde"));
    check("base64", "", Ok(b""));
    check("base64", "YWJjZ \t\r\n  \r\nGU= ", Ok(b"abcde"));
    check("quoted-printable", "a=3Db=\r\n c=e6=AE=8B\r\n-- \r\n", Ok("a=b c残\r\n-- \r\n".as_bytes()));
}

#[test]
fn what_is_not_certain_is_a_fault() {
    for body in ["YWJ", "Y", "YR==", "YWK="] {
        check("base64", body, Err(TransferFault::Base64Truncated));
    }
    for body in ["YW Jj", "YWJj\r\n----", "YQ==YQ==", "YW=j", "=", "YWJj====", "YWJjZ=", " YWJj", "Y\u{e9}=="] {
        check("base64", body, Err(TransferFault::Base64Stray));
    }
    for body in ["=", "a=\r\n", "=4", "=GG", "a= \r\nb", "é", "=\u{e9}"] {
        check("quoted-printable", body, Err(TransferFault::QuotedPrintable));
    }
    check("x-uuencode", "", Err(TransferFault::Unknown));
}

#[test]
fn a_base64_spot_names_the_quantum_the_phase_and_the_column() {
    let at = |raw, phase, column| Some(Spot { raw, phase, column, after_soft_break: false });
    let body = "YWJjZGVm\r\nZ2hp\r\nams=\r\n";
    assert_eq!(spot("base64", body, 0), at(0, 0, 0));
    assert_eq!(spot("base64", body, 4), at(4, 1, 4));
    assert_eq!(spot("base64", body, 6), at(10, 0, 0));
    assert_eq!(spot("base64", body, 10), at(16, 1, 0));
    assert_eq!(spot("base64", body, 11), at(16, 2, 0));
    assert_eq!(spot("base64", body, 12), None);
    assert_eq!(spot("base64", "YWJj\r\n", 3), at(4, 0, 4));
    assert_eq!(spot("base64", "YWJj \r\nZGVm", 3), at(7, 0, 0));
    assert_eq!(spot("base64", "", 0), at(0, 0, 0));
}

#[test]
fn a_base64_layout_is_that_of_its_first_line() {
    let layout = |body| decoded("base64", body).ok().and_then(|(d, _)| d.layout());
    assert_eq!(layout("YWJjZGVm\r\nZ2hp\r\n"), Some(Layout { line_chars: 8, crlf: true }));
    assert_eq!(layout("YWJj\nZ2hp\n"), Some(Layout { line_chars: 4, crlf: false }));
    assert_eq!(layout("YWJj"), Some(Layout { line_chars: 76, crlf: true }));
}

#[test]
fn a_quoted_spot_knows_physical_lines() {
    let at = |raw, column, after_soft_break| Some(Spot { raw, phase: 0, column, after_soft_break });
    let body = "=41b=\r\nc\r\nd\r\n";
    assert_eq!(spot("quoted-printable", body, 0), at(0, 0, false));
    assert_eq!(spot("quoted-printable", body, 1), at(3, 3, false));
    assert_eq!(spot("quoted-printable", body, 2), at(7, 0, true));
    assert_eq!(spot("quoted-printable", body, 5), at(10, 0, false));
    assert_eq!(spot("quoted-printable", body, 8), at(13, 0, false));
}

proptest::proptest! {
    #[test]
    fn every_plain_octet_is_found_again(
        lines in proptest::collection::vec("[ -<>-~]{0,9}(=[0-9A-F]{2}|=\r\n|)", 0..6),
    ) {
        let body = lines.join("\r\n") + "\r\n.";
        let Ok((decoded, start)) = decoded("quoted-printable", &body) else { return Ok(()) };
        let mut last = 0;
        for (offset, octet) in decoded.octets.iter().enumerate() {
            let spot = decoded.spot(offset).map_or(0, |s| s.raw - start);
            assert!(spot >= last);
            let there = body.as_bytes()[spot];
            assert!(there == *octet || there == b'=', "{body:?} {offset}");
            last = spot;
        }
    }

    #[test]
    fn base64_agrees_with_an_independent_decoder(
        octets in proptest::collection::vec(0u8.., 0..200),
        width in 1usize..80,
    ) {
        let text = data_encoding::BASE64.encode(&octets);
        let lines: Vec<&str> = text.as_bytes().chunks(width).filter_map(|c| str::from_utf8(c).ok()).collect();
        check("base64", &lines.join("\r\n"), Ok(&octets));
    }

    #[test]
    fn base64_is_never_more_lenient_than_the_independent_decoder(text in "[A-D=+/. ]{0,12}") {
        let ours = decoded("base64", &text).map(|(d, _)| d.octets).ok();
        // The other one takes padded bodies one behind another.
        let theirs = data_encoding::BASE64.decode(text.trim_end_matches(' ').as_bytes()).ok();
        assert!(ours == theirs || (ours.is_none() && text.contains('=')), "{text:?}");
    }
}
