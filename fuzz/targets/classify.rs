//! Any text as a mail to a candidate: a verdict without a panic, the same twice and in another encoding, with places
//! inside the text, and an account of it that agrees with it.
#![no_main]

use std::sync::LazyLock;

use career_relay::classify::{Audience, Mail, Rules, Verdict, account, decide};
use career_relay::mail::message::Message;
use career_relay::mail::view::View;
use career_relay::pipeline::envelope_of;
use libfuzzer_sys::fuzz_target;

static RULES: LazyLock<Rules> = LazyLock::new(Rules::built_in);

const HEAD: &str = "From: saiyo@sakura.example\r\nTo: hanako@mail.example\r\nSubject: Senko\r\nMIME-Version: 1.0\r\n";

fn judge(raw: &[u8]) -> (Verdict, usize) {
    let (message, audience) = (Message::read(raw), Audience::default());
    let (envelope, view) = (envelope_of(&message), View::read(&message));
    let mail = Mail { envelope: &envelope, message: &message, view: &view, audience: &audience };
    let verdict = decide(&mail, &RULES);
    if let Verdict::Rejection(found) = &verdict {
        assert!(!found.places.is_empty());
        for place in &found.places {
            let lines = view.parts[place.text_part].lines.len();
            assert!(place.result_line < lines);
            assert!(place.closing_line.is_none_or(|line| line > place.result_line && line < lines));
        }
    }
    let account = account(&mail, &RULES);
    if let Some(nearest) = &account.nearest {
        assert_eq!(nearest.then.is_some(), matches!(verdict, Verdict::Rejection(_)), "{nearest:?}");
    }
    (verdict, account.answers.len())
}

fn plain(text: &str) -> Vec<u8> {
    format!("{HEAD}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}").into_bytes()
}

fn hexadecimal(text: &str) -> Vec<u8> {
    let head = format!("{HEAD}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
    let line = |line: &str| -> String {
        let octets: Vec<String> = line.bytes().map(|octet| format!("={octet:02X}")).collect();
        octets.chunks(25).map(|piece| piece.concat()).collect::<Vec<_>>().join("=\r\n")
    };
    let lines: Vec<String> = text.split("\r\n").map(line).collect();
    [head, lines.join("\r\n")].concat().into_bytes()
}

fuzz_target!(|octets: &[u8]| {
    // As it is: header, parts and text.
    let first = judge(octets);
    assert_eq!(first, judge(octets));
    // As the text of a mail whose header is in order.
    let text = String::from_utf8_lossy(octets).replace('\0', "").replace('\r', "").replace('\n', "\r\n");
    let is_safe = !text.contains(|c: char| c.is_control() && c != '\r' && c != '\n');
    let said = judge(&plain(&text));
    if is_safe && text.len() < 8192 {
        assert_eq!(said, judge(&hexadecimal(&text)));
    }
});
