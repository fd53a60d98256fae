//! Mails that get no line, each with its reason.

use super::mail::{Carriage, entity, message, multipart};
use super::*;

const UTF8: Carriage = Carriage { charset: "utf-8", transfer: "8bit", eol: "\r\n" };
const TEXT: &str = "選考の結果、ご希望に添いかねることとなりました。\n\n末筆ながら、お祈り申し上げます。\n";

fn text() -> Vec<u8> {
    entity(UTF8, "text/plain", TEXT)
}

fn check(raw: &[u8], code: &str) {
    assert_eq!(inject(raw, Language::Ja).map_err(Refusal::code), Err(code));
}

fn leaf(media: &str) -> Vec<u8> {
    format!("Content-Type: {media}\r\n\r\nx\r\n").into_bytes()
}

#[test]
fn signed_mail_is_refused_at_any_depth() {
    let signed = multipart(
        "signed; protocol=\"application/pkcs7-signature\"",
        "b1",
        &[text(), leaf("application/pkcs7-signature")],
    );
    check(&message(&signed), "signed");
    check(&message(&multipart("mixed", "b0", &[signed])), "signed");
    let deep = multipart("signed", "b1", &[multipart("mixed", "b2", &[multipart("alternative", "b3", &[text()])])]);
    check(&message(&deep), "signed");
}

#[test]
fn media_that_no_line_belongs_in_are_refused_beside_text_too() {
    for (media, code) in [
        ("application/pkcs7-mime; smime-type=enveloped-data", "pkcs7"),
        ("application/x-pkcs7-mime", "pkcs7"),
        ("application/pgp-encrypted", "encrypted"),
        ("text/calendar; method=REQUEST", "calendar"),
        ("message/delivery-status", "report"),
        ("message/partial; id=a; number=1", "partial"),
        ("message/external-body; access-type=URL", "partial"),
    ] {
        check(&message(&multipart("mixed", "b0", &[text(), leaf(media)])), code);
    }
    check(&message(&multipart("encrypted", "b0", &[text()])), "encrypted");
    check(&message(&multipart("report; report-type=disposition-notification", "b0", &[text()])), "report");
}

#[test]
fn mail_without_a_text_of_its_own_is_refused_by_what_it_wraps() {
    check(&message(&multipart("mixed", "b0", &[leaf("application/ms-tnef; name=winmail.dat")])), "winmail_dat");
    check(
        &message(&multipart("mixed", "b0", &[b"Content-Type: message/rfc822\r\n\r\nSubject: a\r\n\r\nb".to_vec()])),
        "message_rfc822",
    );
    check(&message(&leaf("application/pdf")), "no_place");
}

#[test]
fn pgp_armour_is_found_behind_every_encoding() {
    for transfer in ["8bit", "base64", "quoted-printable"] {
        let armoured = format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{TEXT}");
        let carriage = Carriage { transfer, ..UTF8 };
        check(&message(&entity(carriage, "text/plain", &armoured)), "inline_pgp");
    }
}

#[test]
fn dkim_signed_mail_is_refused_unless_the_company_signs_again() {
    let raw = [b"DKIM-Signature: v=1; d=sakura.example; s=a; b=x\r\n", &message(&text())[..]].concat();
    check(&raw, "dkim_signed");
    assert!(inject_with(&raw, Language::Ja, &Wording::default(), SignedMail::Edit).is_ok());
}

#[test]
fn a_malformed_shape_passes_its_fault_on() {
    let unclosed = message(&multipart("mixed", "b0", &[text()]));
    check(&unclosed[..unclosed.len() - "--b0--\r\n".len()], "malformed_unclosed");
    check(&[&message(&text())[..], b"bare\nline end\r\n"].concat(), "malformed_bare_line_end");
}

#[test]
fn one_unreadable_part_refuses_the_whole_mail() {
    let odd = "Content-Type: text/html; charset=utf-7\r\n\r\n<p>x</p>\r\n".as_bytes().to_vec();
    check(&message(&multipart("alternative", "b0", &[text(), odd])), "charset_unsupported");
    let odd = "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nx\r\n";
    check(&message(&multipart("alternative", "b0", &[text(), odd.as_bytes().to_vec()])), "transfer_unknown");
}

#[test]
fn a_link_in_the_newest_text_refuses_and_one_in_the_history_does_not() {
    let with_link = format!("{TEXT}\n{URL}\n");
    check(&message(&entity(UTF8, "text/plain", &with_link)), "link_present");
    let quoted = format!("{TEXT}\n> {URL}\n");
    assert!(inject(&message(&entity(UTF8, "text/plain", &quoted)), Language::Ja).is_ok());
    let hidden_behind_words =
        format!("<p>選考の結果、添いかねることとなりました。</p><p><a href=\"{URL}\">ご案内</a></p>");
    check(&message(&entity(UTF8, "text/html", &hidden_behind_words)), "link_present");
}

#[test]
fn a_place_that_would_mean_something_else_is_no_place() {
    for html in [
        "<ul><li>結果：添いかねる</li></ul><p>末筆ながら</p>",
        "<table><tr><td>結果</td><td>添いかねる</td></tr></table><p>末筆ながら</p>",
        "<blockquote><p>添いかねる結果となりました。</p></blockquote>",
    ] {
        let raw = message(&entity(UTF8, "text/html", html));
        assert!(inject(&raw, Language::Ja).is_err(), "{html}");
    }
}

proptest::proptest! {
    #[test]
    fn any_octets_are_refused_or_spliced(
        head in "(Content-Type: (text/plain|text/html|multipart/mixed; boundary=b)(; charset=[a-z0-9-]{0,8})?\r\n)?",
        body in proptest::collection::vec(0u8.., 0..300),
        result in 0usize..12,
    ) {
        let raw = [head.as_bytes(), b"\r\n", &body].concat();
        check_any(&raw, result);
    }

    #[test]
    fn any_markup_around_a_result_is_refused_or_spliced(
        pieces in proptest::collection::vec(0usize..PIECES.len(), 0..30),
        base64 in proptest::bool::ANY,
        result in 0usize..6,
    ) {
        let html: String = pieces.into_iter().map(|i| PIECES[i]).collect();
        let transfer = if base64 { "base64" } else { "quoted-printable" };
        check_any(&message(&entity(Carriage { transfer, ..UTF8 }, "text/html", &html)), result);
    }
}

const PIECES: [&str; 22] = [
    "<p>",
    "</p>",
    "<div>",
    "</div>",
    "<br>",
    "<br />",
    "<td>",
    "</td>",
    "<table><tr>",
    "</tr></table>",
    "<li>",
    "添いかねる",
    "<span style=\"color:red\">",
    "</span>",
    "<a href=\"#\">",
    "</a>",
    "\n",
    "&nbsp;",
    "末筆",
    "<!-- -->",
    "<body>",
    "</body>",
];

/// Whatever the classifier might point at, the outcome is a refusal or a proven splice.
fn check_any(raw: &[u8], result_line: usize) {
    let message = Message::read(raw);
    let view = View::read(&message);
    let wording = Wording::default();
    let template = LinkTemplate::parse("https://careerrelay.jp/r/{token}").unwrap_or_else(|e| panic!("{e}"));
    let url = template.url("a-b").unwrap_or_else(|e| panic!("{e}"));
    let line = LineText { wording: &wording, language: Language::Ja, url, template: &template };
    let targets = [Target { text_part: 0, result_line, closing_line: Some(result_line + 2) }];
    if let Ok(injected) = line_edits(&message, &view, &targets, &line, SignedMail::Refuse) {
        let output = injected.edits.apply(raw);
        assert!(injected.edits.prove(raw, &output) && output.len() > raw.len());
    }
}
