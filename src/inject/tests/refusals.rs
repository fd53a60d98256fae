//! Mails that get no line, each with its reason.

use super::mail::{Carriage, entity, japanese, message, multipart};
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
        ("text/x-amp-html; charset=utf-8", "amp"),
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
fn text_behind_the_end_of_the_document_is_refused() {
    let html = "<html><body><p>選考の結果、添いかねることとなりました。</p><p>末筆ながら</p></body></html>";
    for behind in ["Sent by a list.", "<p>Sent by a list.</p>", "<!-- a --><br>\n。", "<!-- open", "<p"] {
        check(&message(&entity(UTF8, "text/html", &format!("{html}\n{behind}\n"))), "html_ambiguous");
    }
    for behind in ["", "\n\n", "<!-- a -->\n<img src=\"cid:a\">"] {
        let raw = message(&entity(UTF8, "text/html", &format!("{html}{behind}")));
        assert!(inject(&raw, Language::Ja).is_ok(), "{behind}");
    }
}

#[test]
fn a_signature_is_no_obstacle_to_a_link_that_is_there_already() {
    let with_link = entity(UTF8, "text/plain", &format!("{TEXT}\n{URL}\n"));
    check(&[b"DKIM-Signature: v=1; b=x\r\n", &message(&with_link)[..]].concat(), "link_present");
    check(&message(&multipart("signed", "b1", std::slice::from_ref(&with_link))), "link_present");
    check(&message(&multipart("encrypted", "b1", &[with_link])), "encrypted");
}

#[test]
fn a_paragraph_without_an_end_is_no_place() {
    let endless = format!("添いかねる\n{}", "あ\n".repeat(300));
    check(&message(&entity(UTF8, "text/plain", &endless)), "no_place");
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
        before in proptest::collection::vec(0usize..PIECES.len(), 0..8),
        behind in proptest::collection::vec(0usize..PIECES.len(), 0..12),
        carriage in 0usize..30,
    ) {
        let join = |pieces: Vec<usize>| pieces.into_iter().map(|i| PIECES[i]).collect::<String>();
        let html = format!("{}添いかねる。{}", join(before), join(behind));
        let all = japanese();
        check_any(&message(&entity(all[carriage % all.len()], "text/html", &html)), 0);
    }

    #[test]
    fn any_lines_around_a_result_are_refused_or_spliced(
        before in "([あa「。]{0,30}\n){0,3}",
        behind in "(([あa「。> -]{0,90})\n){0,5}[あa]{0,3}",
        carriage in 0usize..30,
    ) {
        let all = japanese();
        let text = format!("{before}添いかねる。\n{behind}");
        check_any(&message(&entity(all[carriage % all.len()], "text/plain", &text)), 0);
    }
}

const PIECES: [&str; 26] = [
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
    "<p>本文。</p>",
    "<div>本文。</div>",
    "本文。<br>",
    "<font size=2>",
    "<p style=\"margin:0\">",
];

/// Whatever the classifier might point at, the outcome is a refusal or a proven splice.
fn check_any(raw: &[u8], result_line: usize) {
    let message = Message::read(raw);
    let view = View::read(&message);
    let wording = Wording::default();
    let template = LinkTemplate::parse("https://careerrelay.jp/r/{token}").unwrap_or_else(|e| panic!("{e}"));
    let url = template.url("a-b").unwrap_or_else(|e| panic!("{e}"));
    let line = LineText { wording: &wording, language: Language::Ja, url, template: &template };
    let anywhere = Target::at_lines(&view, 0, result_line, Some(result_line + 2));
    let found = targets(&view);
    let targets = if found.is_empty() { anywhere.into_iter().collect() } else { found };
    if let Ok(injected) = line_edits(&message, &view, &targets, &line, SignedMail::Refuse) {
        let output = injected.edits.apply(raw);
        assert!(injected.edits.prove(raw, &output) && output.len() > raw.len());
        let seen = View::read(&Message::read(&output));
        check_seen(&view.parts[0], &seen.parts[0]);
    }
}

/// A reader sees the old lines and, together among them, the lead text and the link.
fn check_seen(old: &TextPart, new: &TextPart) {
    let visible = |part: &TextPart| -> Vec<String> {
        let lines = (0..part.lines.len()).map(|i| part.line(i).trim().to_owned());
        lines.filter(|l| !l.is_empty()).collect()
    };
    let (before, after) = (visible(old), visible(new));
    let is_link = |l: &String| l.strip_prefix("https://").unwrap_or(l) == "careerrelay.jp/r/a-b";
    let link = after.iter().position(is_link).unwrap_or_else(|| panic!("{after:?}"));
    let lead = after[..link].iter().rposition(|l| l.starts_with('■') || l.starts_with("Career Relay (free"));
    let lead = lead.unwrap_or_else(|| panic!("{after:?}"));
    assert!(lead > 0, "in front of the result: {after:?}");
    assert_eq!([&after[..lead], &after[link + 1..]].concat(), before);
}
