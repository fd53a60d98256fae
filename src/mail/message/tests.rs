//! How messages are read: structure, faults, bounds, and agreement with mail-parser on well-formed mail.

use proptest::prelude::*;

use super::*;

/// CRLF for the line ends of a test mail.
fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

fn codes(message: &Message<'_>) -> Vec<&'static str> {
    message.faults().iter().map(|f| f.code()).collect()
}

fn check(text: &str, expected: &[&str]) {
    let raw = crlf(text);
    assert_eq!(codes(&Message::read(raw.as_bytes())), expected, "{text}");
}

const NESTED: &str = "From: HR <hr@sakura.example>
To: a@kaede.example, =?utf-8?B?5bGx55Sw?= <b@kaede.example>, nobody
Cc: team:c@kaede.example;
Subject: =?utf-8?B?6YG46ICD?=
 =?utf-8?B?57WQ5p6c?= 4/6
MIME-Version: 1.0 (by hand)
Content-Type: multipart/mixed; boundary=\"out er\"

preamble
--out er
Content-Type: multipart/alternative;
\tboundary=in

--in
Content-Type: Text/Plain; charset=ISO-2022-JP; format=flowed; delsp=yes
Content-Transfer-Encoding: 7BIT

one
--in
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<p>two
--in-- \x20
epilogue
--out er\t
Content-Type: application/pdf; name*0*=utf-8''%E5%B1%B1; name*1*=.pdf
Content-Transfer-Encoding: base64

JVBERg==

--out er
Content-Type: message/rfc822

Content-Type: multipart/mixed; boundary=in

--in

--out er--
";

#[test]
fn parts_are_found_with_their_octets() {
    let raw = crlf(NESTED);
    let message = Message::read(raw.as_bytes());
    assert_eq!(codes(&message), [""; 0]);
    let parts: Vec<_> = message.parts().iter().map(|p| (p.path.as_str(), p.media.as_str(), p.parent)).collect();
    assert_eq!(
        parts,
        [
            ("0", "multipart/mixed", None),
            ("1", "multipart/alternative", Some(0)),
            ("1.1", "text/plain", Some(1)),
            ("1.2", "text/html", Some(1)),
            ("2", "application/pdf", Some(0)),
            ("3", "message/rfc822", Some(0)),
        ]
    );
    let body = |i: usize| &raw[message.parts()[i].body.clone()];
    assert_eq!([body(2), body(3), body(4)], ["one", "<p>two", "JVBERg==\r\n"]);
    assert!(body(1).ends_with("\r\nepilogue"));
}

#[test]
fn headers_of_parts_say_how_to_read_them() {
    let raw = crlf(NESTED);
    let message = Message::read(raw.as_bytes());
    let [_, _, plain, html, pdf, attached] = message.parts() else { panic!("six parts") };
    assert_eq!((plain.charset.as_deref(), plain.transfer), (Some("ISO-2022-JP"), Transfer::SevenBit));
    assert!(plain.format_flowed && plain.delsp && plain.is_inline_text());
    assert_eq!((html.transfer, pdf.transfer), (Transfer::QuotedPrintable, Transfer::Base64));
    assert_eq!((pdf.attachment, pdf.file_name.as_deref()), (true, Some("山.pdf")));
    assert!(!attached.is_multipart());
}

#[test]
fn header_fields_are_decoded_where_they_should_be() {
    let raw = crlf(NESTED);
    let message = Message::read(raw.as_bytes());
    assert_eq!(message.subject(), "選考結果 4/6");
    assert_eq!(message.header("subject"), Some("=?utf-8?B?6YG46ICD?= =?utf-8?B?57WQ5p6c?= 4/6"));
    assert_eq!(message.from().map(Address::as_str), Some("hr@sakura.example"));
    let visible: Vec<&str> = message.to_and_cc().iter().map(Address::as_str).collect();
    assert_eq!(visible, ["a@kaede.example", "b@kaede.example", "c@kaede.example"]);
    assert_eq!(message.unparsed_recipients(), 1);
    assert_eq!(&raw[message.header_octets()][..5], "From:");
}

#[test]
fn subjects_are_read_under_the_labels_of_japanese_mail() {
    let subject = |value: &str| Message::read(format!("Subject: {value}\r\n\r\n").as_bytes()).subject().to_owned();
    assert_eq!(subject("=?CP932?B?jmOUTw==?= x =?eucJP-ms?B?u8THsA==?="), "残念 x 残念");
    assert_eq!(subject("=?windows-31j?B?jmOUTw==?="), "残念");
    assert_eq!(subject("=?ISO-2022-JP-MS?B?GyRCO0RHMBsoQg==?="), "残念");
    assert_eq!(subject("plain =? text"), "plain =? text");
}

#[test]
fn faults_of_single_octets_are_found_anywhere() {
    let codes = |raw: &[u8]| codes(&Message::read(raw));
    assert_eq!(codes(b"A: b\r\n\r\nx\0y"), ["malformed_nul"]);
    for raw in [&b"A: b\n\nx"[..], b"A: b\r\n\r\nx\ny", b"A: b\r\n\r\nx\ry", b"A: b\r\n\r\nx\r", b"A: b\r\n\r\n\r\r\n"]
    {
        assert_eq!(codes(raw), ["malformed_bare_line_end"], "{raw:?}");
    }
    assert_eq!(codes(b"A: b\r\n\r\nx\r\n"), [""; 0]);
}

#[test]
fn faults_of_headers_are_found() {
    check("", &["malformed_header_unterminated"]);
    check("A: b\n", &["malformed_header_unterminated"]);
    check("A: b\nno colon\n\n", &["malformed_header"]);
    check("A : b\n\n", &["malformed_header"]);
    check("A: b\n \n\n", &["malformed_header"]);
    check(" folded first\n\n", &["malformed_header"]);
    check("To: a@b.example\nTO: c@d.example\n\n", &["malformed_field_repeated"]);
    check("Content-Type: text/plain\ncontent-type: text/html\n\n", &["malformed_field_repeated"]);
    check("MIME-Version: 2.0\n\n", &["malformed_mime_version"]);
    check("Content-Type: text\n\n", &["malformed_content_type"]);
    check("Content-Type: text/plain; charset=a; charset=b\n\n", &["malformed_content_type"]);
}

#[test]
fn faults_of_multiparts_are_found() {
    let multipart = |boundary: &str, body: &str| format!("Content-Type: multipart/mixed{boundary}\n\n{body}");
    let checked = |body: &str, fault: &str| check(&multipart("; boundary=b", body), &[fault]);
    check(&multipart("", "--\n\nx\n----\n"), &["malformed_boundary"]);
    check(&multipart("; boundary=\"a\\\"b\"", "x"), &["malformed_boundary"]);
    check(&multipart(&format!("; boundary={}", "b".repeat(71)), "x"), &["malformed_boundary"]);
    checked("--b\n\nx\n", "malformed_unclosed");
    checked("--b--\n", "malformed_empty_multipart");
    checked("--b\n\nx\n--bb\n--b--\n", "malformed_delimiter_like");
    checked("--b\n\nx --b y\n--b--\n", "malformed_delimiter_like");
    checked("--b\n\nx\n--b--x\n--b--\n", "malformed_delimiter_like");
    checked("--b\n\nx\n--b--\n--b\n\ny\n", "malformed_delimiter_after_close");
    checked("--b\nA: b\n--b--\n", "malformed_header_unterminated");
    let encoded = "Content-Transfer-Encoding: base64\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n--b--\n";
    check(encoded, &["malformed_multipart_encoded"]);
}

#[test]
fn boundaries_that_begin_one_another_are_a_fault() {
    for (outer, inner) in [("b", "b"), ("b", "bc"), ("bc", "b"), ("b", "b--")] {
        let text = format!(
            "Content-Type: multipart/mixed; boundary=\"{outer}\"\n\n--{outer}\n\
             Content-Type: multipart/mixed; boundary=\"{inner}\"\n\n--{inner}\n\nx\n--{inner}--\n--{outer}--\n"
        );
        let raw = crlf(&text);
        assert!(codes(&Message::read(raw.as_bytes())).contains(&"malformed_boundary_collision"), "{outer} {inner}");
    }
}

#[test]
fn a_delimiter_of_the_outside_ends_what_is_open_inside() {
    let raw = crlf(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\
         Content-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--b\n\ny\n--b--\n",
    );
    let message = Message::read(raw.as_bytes());
    assert_eq!(codes(&message), ["malformed_unclosed"]);
    let last = &message.parts()[3];
    assert_eq!((last.path.as_str(), &raw[last.body.clone()]), ("2", "y"));
}

#[test]
fn hostile_sizes_end_in_faults() {
    let deep: String = (0..10_000)
        .map(|i| {
            ["--x", &i.to_string(), "y\nContent-Type: multipart/mixed; boundary=x", &(i + 1).to_string(), "y\n\n"]
                .concat()
        })
        .collect();
    let deep = crlf(&format!("Content-Type: multipart/mixed; boundary=x0y\n\n{deep}"));
    assert!(codes(&Message::read(deep.as_bytes())).contains(&"too_deep"));
    let many = crlf(&format!("Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", "--b\n\nx\n".repeat(10_000)));
    let message = Message::read(many.as_bytes());
    assert_eq!((codes(&message), message.parts().len()), (vec!["too_many_parts"], PARTS_MAX));
    let long = crlf(&format!("A: {}\n\nx", "b".repeat(1 << 20)));
    assert_eq!(codes(&Message::read(long.as_bytes())), ["header_too_large"]);
    let continued = crlf(&format!("Content-Type: text/plain{}\n\n", "; a*0=b; b*1*=utf-8''%41".repeat(10_000)));
    assert_eq!(codes(&Message::read(continued.as_bytes())), ["malformed_content_type"]);
    let dashes = crlf(&format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--\n".repeat(1 << 20)));
    assert!(codes(&Message::read(dashes.as_bytes())).contains(&"malformed_unclosed"));
}

/// Asserts what holds for any octets: all ranges lie in order inside the message, and inside their parents.
fn assert_ranges(raw: &[u8]) {
    let message = Message::read(raw);
    let mut last = 0;
    for (i, part) in message.parts().iter().enumerate() {
        assert!(last <= part.header.start && part.header.start <= part.header.end);
        assert!(part.header.end <= part.body.start && part.body.start <= part.body.end && part.body.end <= raw.len());
        last = part.header.start;
        let Some(parent) = part.parent else { continue };
        let around = &message.parts()[parent].body;
        assert!(
            parent < i && around.start <= part.header.start && part.body.end <= around.end,
            "{part:?} in {around:?}"
        );
    }
}

#[test]
fn a_header_cut_short_by_a_delimiter_keeps_ranges_nested() {
    let head = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=c\n\n";
    assert_ranges(crlf(&format!("{head}--c\nA: b\n--b--\n")).as_bytes());
    assert_ranges(crlf(&format!("{head}--b--\n")).as_bytes());
    assert_ranges(crlf(&format!("{head}--c--\n--b\n--b--")).as_bytes());
}

/// Mail with pieces that scanners stumble over.
fn stumbling_mail() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "Content-Type: multipart/mixed; boundary=b\r\n",
        "Content-Type: multipart/alternative;\r\n boundary=\"c\"\r\n",
        "\r\n",
        "--b",
        "--c",
        "--b--\r\n",
        "--c--\r\n",
        "--b\r\n",
        "--c\r\n",
        "\r\n\r\n",
        "text",
        "A: b\r\n",
        "\n",
        "\r",
        "\0",
        " ",
        "--",
        "é",
        "Content-Type: text/html\r\n",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn any_octets_give_ranges_in_order(raw in prop::collection::vec(any::<u8>(), 0..300)) {
        assert_ranges(&raw);
    }

    #[test]
    fn any_mail_gives_ranges_in_order(raw in stumbling_mail()) {
        assert_ranges(&raw);
    }

    #[test]
    fn well_formed_mail_is_read_as_mail_parser_reads_it(tree in tree(3)) {
        let raw = format!("From: hr@sakura.example\r\nMIME-Version: 1.0\r\n{}", tree.text(&mut 0));
        let message = Message::read(raw.as_bytes());
        prop_assert_eq!(message.faults(), &[]);
        let theirs = mail_parser::MessageParser::default().parse(raw.as_bytes());
        let theirs = theirs.map(|m| m.parts).unwrap_or_default();
        let bodies = theirs.iter().map(|p| (p.offset_body as usize, p.offset_end as usize));
        let leaf = |i: &usize| !message.parts()[*i].is_multipart();
        let ours: Vec<_> = (0..message.parts().len()).filter(leaf).map(|i| message.parts()[i].body.clone()).collect();
        let theirs = bodies.zip(&theirs).filter(|(_, p)| !matches!(p.body, mail_parser::PartType::Multipart(_)));
        let theirs: Vec<_> = theirs.map(|((start, end), _)| start..end).collect();
        prop_assert_eq!(ours, theirs, "{}", raw);
    }
}

/// A well-formed MIME tree.
#[derive(Clone, Debug)]
enum Tree {
    Leaf(String),
    Multipart(Vec<Tree>),
}

fn tree(depth: u32) -> impl Strategy<Value = Tree> {
    let leaf = prop::collection::vec("[a-z >-]{0,12}", 0..4).prop_map(|lines| Tree::Leaf(lines.join("\r\n")));
    leaf.prop_recursive(depth, 12, 4, |inner| prop::collection::vec(inner, 1..4).prop_map(Tree::Multipart))
}

impl Tree {
    /// Header fields, blank line and body; boundaries are numbered by `count`.
    fn text(&self, count: &mut usize) -> String {
        *count += 1;
        let parts = match self {
            Self::Leaf(text) => return format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{text}"),
            Self::Multipart(parts) => parts,
        };
        let boundary = format!("=_{count}_limit");
        let inner: Vec<String> = parts.iter().map(|p| format!("\r\n--{boundary}\r\n{}", p.text(count))).collect();
        let inner = inner.concat();
        format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n{inner}\r\n--{boundary}--\r\n")
    }
}
