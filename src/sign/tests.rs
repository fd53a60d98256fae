//! Signatures verified, also against changes; records written and read back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::mail::address::Domain;
use crate::mail::edit::{Edit, Edits};

fn key(kind: KeyKind, selector: &str) -> NamedKey {
    let (key, _) = SigningKey::make(kind, 2048).unwrap_or_else(|e| panic!("{e}"));
    NamedKey::new("sakura.example", selector, Arc::new(key)).unwrap_or_else(|e| panic!("{e}"))
}

fn domain() -> Domain {
    Domain::parse("sakura.example").unwrap_or_else(|e| panic!("{e}"))
}

const MAIL: &str = "From: HR <hr@sakura.example>\r\nTo: a@mail.example\r\nSubject: a\r\n\r\nbody\r\n";

/// Whether what the signature says of the mail holds for `changed`.
async fn holds(key: &NamedKey, mail: &str, changed: &str) -> bool {
    let field = key.field(mail.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    let record = record_text(key.source()).into_bytes();
    record::verifies(format!("{field}{changed}").as_bytes(), &record).await
}

#[tokio::test]
async fn a_signature_holds_for_its_mail_and_breaks_with_any_field_that_is_changed_or_added() {
    for key in [key(KeyKind::Rsa, "r1"), key(KeyKind::Ed25519, "e1")] {
        assert!(holds(&key, MAIL, MAIL).await);
        assert!(holds(&key, MAIL, &format!("Received: from x\r\nX-Any: y\r\n{MAIL}")).await);
        assert!(holds(&key, MAIL, &format!("Date: d\r\nMessage-ID: <i@x>\r\n{MAIL}")).await, "what a server adds");
        for added in ["From: x@y.example", "Subject: b", "To: c@x.example", "Cc: d@x.example", "Reply-To: e@x.example"]
        {
            assert!(!holds(&key, MAIL, &format!("{added}\r\n{MAIL}")).await, "{added}");
        }
        for added in ["MIME-Version: 1.0", "Content-Type: text/html", "Content-Transfer-Encoding: base64"] {
            assert!(!holds(&key, MAIL, &format!("{added}\r\n{MAIL}")).await, "{added}");
        }
        assert!(!holds(&key, MAIL, &MAIL.replace("body", "body and more")).await);
        assert!(!holds(&key, MAIL, &format!("{MAIL}more\r\n")).await, "no l=");
        let dated = format!("Date: d\r\n{MAIL}");
        assert!(!holds(&key, &dated, &format!("Date: e\r\n{dated}")).await, "a second date");
    }
}

#[test]
fn a_header_that_can_be_read_in_two_ways_is_not_signed() {
    let key = key(KeyKind::Ed25519, "e1");
    for odd in ["Subject : a\r\n", "Subject: a\u{c}b\r\n", "To\t: x@y.example\r\n"] {
        let mail = format!("{odd}{MAIL}");
        assert_eq!(key.field(mail.as_bytes()).err(), Some(SignFault::Ambiguous), "{odd:?}");
    }
    assert!(key.field(format!("{MAIL}Subject : body\u{c}\r\n").as_bytes()).is_ok(), "a body may hold anything");
}

#[tokio::test]
async fn all_keys_of_the_domain_sign_in_front_of_the_mail_and_nothing_else_changes() {
    let signer = Signer::new(vec![key(KeyKind::Rsa, "r1"), key(KeyKind::Ed25519, "e1")]);
    let original = Bytes::from_static(MAIL.as_bytes());
    let line = Edits::new(vec![Edit { at: MAIL.len(), insert: b"line\r\n".to_vec().into() }]);
    let edits = signer.sign(&domain(), &original, vec![line.clone(), Edits::default()]).await;
    let edits = edits.unwrap_or_else(|e| panic!("{e}"));
    let sent = String::from_utf8(edits[0].apply(&original)).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(sent.matches("DKIM-Signature: ").count(), 2);
    assert!(sent.contains("s=r1;") && sent.contains("s=e1;") && !sent.contains("l="), "{sent}");
    assert!(sent.ends_with(&format!("{MAIL}line\r\n")) && edits[0].prove(&original, sent.as_bytes()));
    assert!(edits[1].is_empty(), "what got no line gets no signature");
    let elsewhere = Domain::parse("other.example").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(signer.sign(&elsewhere, &original, vec![line.clone()]).await.err(), Some(SignFault::NoKey));
    signer.clone().swap(Vec::new());
    assert_eq!(signer.sign(&domain(), &original, vec![line]).await.err(), Some(SignFault::NoKey));
}

#[tokio::test]
async fn a_mail_that_finds_no_turn_is_not_waited_for() {
    let signer = Signer::with_turns(vec![key(KeyKind::Ed25519, "e1")], 0, Duration::ZERO);
    let line = Edits::new(vec![Edit { at: 0, insert: b"X: y\r\n".to_vec().into() }]);
    let edits = signer.sign(&domain(), &Bytes::from_static(MAIL.as_bytes()), vec![line]).await;
    assert_eq!(edits.err(), Some(SignFault::Overloaded));
}

#[tokio::test]
async fn each_fault_of_a_published_key_is_told_apart() {
    let (ours, other) = (key(KeyKind::Rsa, "r1"), key(KeyKind::Rsa, "r2"));
    let text = record_text(ours.source());
    let p = text.rsplit_once("p=").map(|(_, p)| p.to_owned()).unwrap_or_default();
    let check = async |texts: &[String]| {
        let texts: Vec<Vec<u8>> = texts.iter().map(|t| t.clone().into_bytes()).collect();
        Published(&texts).check(&ours).await.map(|record| record.is_testing())
    };
    assert_eq!(check(&[text.clone(), "v=spf1 -all".to_owned()]).await, Ok(false));
    assert_eq!(check(&[format!("t=y; p={} {};", &p[..40], &p[40..])]).await, Ok(true));
    assert_eq!(check(&["v=spf1 -all".to_owned()]).await, Err(RecordFault::NoKey));
    assert_eq!(check(&[text.clone(), text.clone()]).await, Err(RecordFault::Several(2)));
    assert_eq!(check(&["v=DKIM1; p=".to_owned()]).await, Err(RecordFault::Revoked));
    assert_eq!(check(&[format!("v=DKIM1; p={}", &p[..101])]).await, Err(RecordFault::Damaged));
    assert_eq!(check(&[text.replace("k=rsa", "k=rsa; h=sha1")]).await, Err(RecordFault::Hash("sha1".to_owned())));
    assert_eq!(check(&[text.replace("k=rsa", "s=tlsrpt")]).await, Err(RecordFault::Service("tlsrpt".to_owned())));
    assert_eq!(check(&[record_text(other.source())]).await, Err(RecordFault::OtherKey));
    let found = check(&[text.replace("k=rsa", "k=ed25519")]).await;
    assert_eq!(found, Err(RecordFault::OtherKind { found: "ed25519".to_owned(), wanted: "rsa" }));
}

#[test]
fn a_record_is_written_in_strings_that_fit() {
    let text = record_text(key(KeyKind::Rsa, "r1").source());
    let line = zone_line(&record_name("sakura.example", "r1"), &text);
    assert!(line.starts_with("r1._domainkey.sakura.example. 3600 IN TXT ( \"v=DKIM1; k=rsa; p=MII"), "{line}");
    let strings: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
    assert!(strings.len() == 2 && strings.iter().all(|s| s.len() <= 255) && strings.concat() == text, "{line}");
    let short = zone_line("e1._domainkey.sakura.example", &record_text(key(KeyKind::Ed25519, "e1").source()));
    assert!(short.contains("IN TXT \"v=DKIM1; k=ed25519; p=") && short.len() < 140, "{short}");
}

/// Relaxed canonicalisation of a body as RFC 6376 3.4.4 words it.
fn relaxed_body(body: &str) -> String {
    let is_blank = |c: char| c == ' ' || c == '\t';
    let line = |line: &str| {
        let mut out = String::new();
        for c in line.trim_end_matches(is_blank).chars() {
            match c {
                ' ' | '\t' if out.ends_with(' ') => {}
                ' ' | '\t' => out.push(' '),
                _ => out.push(c),
            }
        }
        out
    };
    let mut lines: Vec<String> = body.split("\r\n").map(line).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.into_iter().map(|line| line + "\r\n").collect()
}

/// Relaxed canonicalisation of a field's value as RFC 6376 3.4.2 words it.
fn relaxed_value(value: &str) -> String {
    let words: Vec<String> = value.replace("\r\n", "").split([' ', '\t']).map(str::to_owned).collect();
    words.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The value of a tag of a signature.
fn tag(field: &str, name: &str) -> String {
    let text: String = field.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let value = text.split(';').find_map(|part| part.strip_prefix(&format!("{name}=")).map(str::to_owned));
    value.unwrap_or_default()
}

proptest::proptest! {
    #[test]
    fn the_body_is_hashed_as_the_rfc_words_it(body in "(a| |\t|\r\n|\u{1b}\\$B|\u{7f}|\u{c}|あ|\\.){0,24}") {
        let (source, _) = SigningKey::make(KeyKind::Ed25519, 0).unwrap_or_else(|e| panic!("{e}"));
        let key = NamedKey::new("sakura.example", "e1", Arc::new(source)).unwrap_or_else(|e| panic!("{e}"));
        let field = key.field(format!("From: a@sakura.example\r\n\r\n{body}").as_bytes());
        let field = field.unwrap_or_else(|e| panic!("{e}"));
        let hash = ring::digest::digest(&ring::digest::SHA256, relaxed_body(&body).as_bytes());
        assert_eq!(tag(&field, "bh"), data_encoding::BASE64.encode(hash.as_ref()), "{:?}", relaxed_body(&body));
    }

    #[test]
    fn fields_are_read_as_the_rfc_words_it(value in "(a| |\t|\r\n |\r\n\t|\u{1b}\\$B|\u{b}|あ|:){0,24}") {
        let mut written = Vec::new();
        let line = format!("{value}\r\n");
        let fields = [(&b"SubJect"[..], line.as_bytes())];
        mail_auth::dkim::Canonicalization::Relaxed.canonicalize_headers(&mut fields.into_iter(), &mut written);
        let wanted = format!("subject:{}\r\n", relaxed_value(&value));
        assert_eq!(String::from_utf8_lossy(&written), wanted, "{value:?}");
    }

    #[test]
    fn any_record_is_read_to_an_end(text in "[vkphst=;: DKIM1a-zA-Z+/\\PC]{0,120}") {
        let _ = Record::parse(text.as_bytes());
    }
}
