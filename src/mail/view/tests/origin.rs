//! The way back from what is seen to the octets of the message.

use proptest::prelude::*;

use super::super::*;

/// Where the first `text` of a mail stands in its raw octets.
fn raw_of(raw: &[u8], text: &str) -> Vec<Vec<u8>> {
    let message = Message::read(raw);
    let view = View::read(&message);
    let at = view.parts[0].text.find(text).unwrap_or_else(|| panic!("{text} is not in {}", view.parts[0].text));
    let span = Span { text_part: 0, text: at..at + text.len() };
    assert_eq!(view.text_of(&span), Some(text));
    let ranges = view.raw_of(&message, &span).unwrap_or_else(|| panic!("{text} is from nowhere"));
    ranges.into_iter().map(|r| raw[r].to_vec()).collect()
}

/// A mail of one part, and what of it is the origin of `text`: runs of octets with `|` between.
fn check(head: &str, body: &[u8], text: &str, expected: &[u8]) {
    let raw = [format!("Content-Type: {head}\r\n\r\n").as_bytes(), body].concat();
    assert_eq!(raw_of(&raw, text).join(&b'|'), expected, "{text} in {head}");
}

const QUOTED: &str = "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable";
const BASE64: &str = "; charset=utf-8\r\nContent-Transfer-Encoding: base64";

#[test]
fn a_run_of_plain_text_leads_back_through_charset_and_encoding() {
    check("text/plain; charset=utf-8", "残念です".as_bytes(), "念", "念".as_bytes());
    check("text/plain; charset=shift_jis", b"\x8ec\x94O", "念", b"\x94O");
    check("text/plain; charset=iso-2022-jp", b"a \x1b$B;DG0\x1b(B b", "残念", b"\x1b$B;DG0");
    check(&format!("text/plain{QUOTED}"), b"x=E6=AE=\r\n=8B=E5=BF=B5y", "残念", b"=E6=AE=\r\n=8B=E5=BF=B5");
    check(&format!("text/plain{BASE64}"), b"YWJjZGVm\r\nZ2hp\r\n", "cd", b"YWJjZGVm");
    check(&format!("text/plain{BASE64}"), b"YWJjZGVm\r\nZ2hp\r\n", "def", b"ZGVm");
    check("text/plain; charset=utf-8", "\u{feff}残\r\n念".as_bytes(), "残念", "残|念".as_bytes());
}

#[test]
fn a_run_of_html_leads_back_around_tags_and_through_references() {
    let html = "text/html; charset=utf-8";
    check(html, b"<p>a<b>b</b>c</p>", "abc", b"a|b|c");
    check(html, b"<p>a &amp; <!-- x -->b</p>", "& b", b"&amp; |b");
    check(html, "<p>&#27531;念</p>".as_bytes(), "残念", "&#27531;念".as_bytes());
    check(html, b"<p>a \r\n\t b</p>", "a b", b"a |b");
    check(html, b"<p>a</p><p>b</p>", "ab", b"a|b");
    check(html, b"<p>a<span style='display:none'>x</span>b&zwnj;&shy; c</p>", "ab c", b"a|b| c");
    check(html, b"a <br>b<br>c", "bc", b"b|c");
    check(&format!("text/html{QUOTED}"), b"<p style=3D=\r\n''>=E6=AE=8B&a=\r\nmp;</p>", "残&", b"=E6=AE=8B&a=\r\nmp;");
}

#[test]
fn what_does_not_lie_between_characters_is_from_nowhere() {
    let raw = "Content-Type: text/plain; charset=utf-8\r\n\r\n残念".as_bytes();
    let view = View::read(&Message::read(raw));
    assert_eq!(view.parts[0].octets_of(1..3), None);
    assert_eq!(view.parts[0].octets_of(0..99), None);
    assert_eq!(view.parts[0].octets_of(3..3), Some(vec![]));
    assert_eq!(view.span_of_line(0, 1), None);
    assert_eq!(view.span_of_line(0, 0).and_then(|s| view.text_of(&s)), Some("残念"));
}

/// Asserts that every character of a part is from octets of its own, in order, that decode to it and nothing else.
fn assert_exact(part: &TextPart) {
    let mut last = 0;
    for (at, c) in part.text.char_indices() {
        let ranges = part.octets_of(at..at + c.len_utf8()).unwrap_or_else(|| panic!("{c:?} of {:?}", part.text));
        // What no line holds, as a byte order mark, is from nowhere.
        let held = part.lines.iter().any(|l| l.text.contains(&at));
        assert_eq!(ranges.len(), usize::from(held), "{c:?} at {at} of {:?}", part.text);
        let Some(range) = ranges.first() else { continue };
        assert!(last <= range.start && range.end <= part.decoded.octets.len(), "{c:?} at {at} of {:?}", part.text);
        last = range.end;
        let octets = &part.decoded.octets[range.clone()];
        if part.charset.is_ascii_compatible() {
            let said = part.charset.decode_line(octets).unwrap_or_else(|| panic!("{octets:?}")).into_owned();
            let same = said.starts_with(c) && said.chars().count() == 1;
            let refers = part.kind == TextKind::Html && (said.starts_with('&') || said.trim_ascii().is_empty());
            assert!(same || refers, "{c:?} from {said:?}");
        }
    }
    let whole = part.octets_of(0..part.text.len()).unwrap_or_else(|| panic!("{:?}", part.text));
    assert!(whole.windows(2).all(|w| w[0].end < w[1].start), "{whole:?}");
}

proptest! {
    #[test]
    fn every_character_of_a_text_is_from_its_own_octets(
        text in "[a-z残念です①é =\n]{0,40}",
        charset in prop::sample::select(vec!["utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "gb18030"]),
        quoted in any::<bool>(),
    ) {
        let known = Charset::from_label(Some(charset), b"").unwrap_or_else(|e| panic!("{e}"));
        let Some(octets) = known.encode(&text) else { return Ok(()) };
        let (name, body) = if quoted {
            let escape = |b: &u8| if *b == b'\n' { "\r\n".to_owned() } else { format!("={b:02X}") };
            ("quoted-printable", octets.iter().map(escape).collect::<String>().into_bytes())
        } else {
            ("8bit", octets)
        };
        let head = format!("Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {name}\r\n\r\n");
        let raw = [head.as_bytes(), &body].concat();
        let message = Message::read(&raw);
        let view = View::read(&message);
        for part in &view.parts {
            assert_exact(part);
            let span = Span { text_part: 0, text: 0..part.text.len() };
            let ranges = view.raw_of(&message, &span).unwrap_or_default();
            prop_assert!(ranges.iter().all(|r| r.start >= head.len() && r.end <= raw.len()));
            prop_assert!(ranges.windows(2).all(|w| w[0].end < w[1].start));
        }
    }

    #[test]
    fn every_character_of_markup_is_from_its_own_octets(pieces in prop::collection::vec(prop::sample::select(vec![
        "<p>", "</p>", "<br>", "<b>", "</b>", "<td>", "<table>", "text", " ", "\r\n ", "残念", "&nbsp;", "&amp;", "&",
        "&#x", "&shy;", "\u{200b}", "<!-- x -->", "<pre>", "</pre>", "<p hidden>", "<span style='font-size:0'>x</span>",
    ]), 0..30)) {
        let raw = format!("Content-Type: text/html; charset=utf-8\r\n\r\n{}", pieces.concat());
        View::read(&Message::read(raw.as_bytes())).parts.iter().for_each(assert_exact);
    }
}
