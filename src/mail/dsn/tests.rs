//! Tests of delivery reports: the golden octets, and what an independent parser reads in them.

mod round_trip;

use super::*;
use mail_parser::{MessageParser, MimeHeaders};

const ORIGINAL: &[u8] = b"From: hr@sakura.example\r\nTo: taro@mail.example\r\nSubject: result\r\n\r\nBody\r\n";

fn address(text: &str) -> Address {
    Address::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or_default()
}

fn failure<'a>(recipient: &'a Address, diagnostic: &'a str) -> Fate<'a> {
    Fate {
        recipient,
        action: Action::Failed,
        orcpt: None,
        status: "5.1.1",
        diagnostic,
        smtp: true,
        remote_mta: Some("mx.mail.example"),
        last_attempt: Some(at(1_700_000_060)),
        retried_until: None,
    }
}

fn written(to: &Address, fates: &[Fate<'_>], original: &[u8]) -> Written {
    write(&report(to, fates, original))
}

fn report<'a>(to: &'a Address, fates: &'a [Fate<'a>], original: &'a [u8]) -> Report<'a> {
    Report {
        to,
        reporting_mta: "relay.sakura.example",
        unique: "01-ab",
        now: at(1_700_000_100),
        arrived: at(1_700_000_000),
        fates,
        original,
        header_only: false,
        smtputf8: false,
        envid: None,
    }
}

#[test]
fn a_report_is_written_to_the_octet() {
    let (to, lost) = (address("hr@sakura.example"), address("taro@mail.example"));
    let report = written(&to, &[failure(&lost, "550 5.1.1 <rcpt>: no such user")], ORIGINAL);
    let text = String::from_utf8(report.octets).unwrap_or_default();
    let start = text.find("\r\n\r\nThis is").unwrap_or(0);
    let status = text.find("Content-Type: message/delivery-status").unwrap_or(0);
    assert_eq!(
        &text[..start],
        "Date: Tue, 14 Nov 2023 22:15:00 +0000\r\n\
         From: Mail Delivery System <MAILER-DAEMON@relay.sakura.example>\r\n\
         To: <hr@sakura.example>\r\n\
         Subject: =?UTF-8?B?44Oh44O844Or44KS6YWN5L+h44Gn44GN44G+44Gb44KT44Gn44GX44Gf?=\r\n \
         (Undelivered mail returned to sender)\r\n\
         Message-ID: <01-ab@relay.sakura.example>\r\n\
         Auto-Submitted: auto-replied\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"=_01-ab_0\"\r\n\
         Content-Transfer-Encoding: 7bit"
    );
    assert_eq!(
        &text[status..],
        "Content-Type: message/delivery-status\r\n\
         Content-Description: Delivery report\r\n\
         Content-Transfer-Encoding: 7bit\r\n\r\n\
         Reporting-MTA: dns; relay.sakura.example\r\n\
         Arrival-Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n\r\n\
         Final-Recipient: rfc822; taro@mail.example\r\n\
         Action: failed\r\n\
         Status: 5.1.1\r\n\
         Remote-MTA: dns; mx.mail.example\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 <rcpt>: no such user\r\n\
         Last-Attempt-Date: Tue, 14 Nov 2023 22:14:20 +0000\r\n\
         \r\n--=_01-ab_0\r\n\
         Content-Type: message/rfc822\r\n\
         Content-Description: Undelivered mail\r\n\
         Content-Transfer-Encoding: 7bit\r\n\r\n\
         From: hr@sakura.example\r\nTo: taro@mail.example\r\nSubject: result\r\n\r\nBody\r\n\
         \r\n--=_01-ab_0--\r\n"
    );
}

#[test]
fn another_parser_reads_three_parts_and_both_languages() {
    let (to, lost) = (address("hr@sakura.example"), address("taro@mail.example"));
    let report = written(&to, &[failure(&lost, "550 no")], ORIGINAL);
    let message = MessageParser::default().parse(&report.octets).expect("a message");
    let kinds: Vec<String> = message
        .parts
        .iter()
        .filter_map(|p| p.content_type())
        .map(|t| format!("{}/{}", t.ctype(), t.subtype().unwrap_or("")))
        .collect();
    assert_eq!(kinds, ["multipart/report", "text/plain", "message/delivery-status", "message/rfc822"]);
    let text = message.body_text(0).unwrap_or_default();
    assert!(text.contains("配信できませんでした") && text.contains("could not be delivered"), "{text}");
    assert!(text.contains("<taro@mail.example>"), "{text}");
    assert_eq!(message.subject(), Some("メールを配信できませんでした (Undelivered mail returned to sender)"));
    let inner = message.attachments().find_map(|p| p.message()).expect("the original");
    assert_eq!(inner.subject(), Some("result"));
}

#[test]
fn of_a_long_original_only_the_header_goes_back() {
    let (to, lost) = (address("hr@sakura.example"), address("taro@mail.example"));
    let mut original = ORIGINAL.to_vec();
    original.extend(std::iter::repeat_n(b"secret\r\n", 10_000).flatten());
    let report = written(&to, &[failure(&lost, "550 no")], &original);
    let text = String::from_utf8_lossy(&report.octets).into_owned();
    assert!(text.contains("text/rfc822-headers") && text.contains("Subject: result\r\n"), "{text}");
    assert!(!text.contains("secret") && text.len() < 5000);
}

#[test]
fn words_of_a_next_hop_cannot_add_a_field_or_a_part() {
    let (to, lost) = (address("hr@sakura.example"), address("taro@mail.example"));
    let evil = format!("550 x\r\nAction: delivered\r\n\r\n--=_01-ab_0--\u{85}{} 拒否", "y".repeat(3000));
    let report = written(&to, &[failure(&lost, &evil)], ORIGINAL);
    let text = String::from_utf8_lossy(&report.octets).into_owned();
    assert!(!text.contains("\nAction: delivered"), "{text}");
    assert!(!text.contains("\n--=_01-ab_0--\u{85}"), "{text}");
    assert!(text.lines().all(|l| l.len() <= 998));
    assert!(text.is_ascii());
}

#[test]
fn the_boundary_is_never_in_the_original() {
    let (to, lost) = (address("hr@sakura.example"), address("taro@mail.example"));
    let original = b"Subject: x\r\n\r\n--=_01-ab_0--\r\n--=_01-ab_1\r\n";
    let report = written(&to, &[failure(&lost, "550 no")], original);
    let text = String::from_utf8_lossy(&report.octets).into_owned();
    assert!(text.contains("boundary=\"=_01-ab_2\""), "{text}");
}

#[test]
fn eight_bit_originals_and_addresses_beyond_ascii_are_declared() {
    let (to, lost) = (address("hr@sakura.example"), address("太郎@mail.example"));
    let report = written(&to, &[failure(&lost, "550 no")], "Subject: 結果\r\n\r\n".as_bytes());
    assert!(report.eight_bit && !report.smtputf8);
    let text = String::from_utf8_lossy(&report.octets).into_owned();
    assert!(text.contains("Final-Recipient: utf-8; \\x{592A}\\x{90CE}@mail.example\r\n"), "{text}");
    assert!(text.contains("Content-Transfer-Encoding: 8bit\r\n"), "{text}");
}

#[test]
fn who_sent_with_smtputf8_gets_the_report_of_rfc_6533() {
    let (to, lost) = (address("採用@sakura.example"), address("太郎@mail.example"));
    let long = format!("550 5.1.1 {}", "宛先不明".repeat(120));
    let fates = [Fate { orcpt: Some("utf-8;\\x{592A}@x.example"), ..failure(&lost, &long) }];
    for (header_only, media) in [(false, "message/global"), (true, "message/global-headers")] {
        let original = "Subject: 結果\r\n\r\n本文\r\n".as_bytes();
        let written = write(&Report { smtputf8: true, header_only, ..report(&to, &fates, original) });
        assert!(written.eight_bit && written.smtputf8);
        let text = String::from_utf8(written.octets).expect("no character is cut");
        for wanted in [
            "report-type=global-delivery-status;",
            "To: <採用@sakura.example>\r\n",
            "\r\nContent-Type: message/global-delivery-status\r\n",
            "Original-Recipient: utf-8; \\x{592A}@x.example\r\n",
            "Final-Recipient: utf-8; 太郎@mail.example\r\n",
            "Diagnostic-Code: smtp; 550 5.1.1\r\n 宛先不明",
            &format!("\r\nContent-Type: {media}\r\n"),
        ] {
            assert!(text.contains(wanted), "{wanted:?} in {text}");
        }
        assert!(text.lines().all(|line| line.len() <= 998) && text.contains("本文") != header_only);
    }
}

#[test]
fn a_delay_tells_how_long_it_is_tried_and_a_success_what_was_done() {
    let (to, who) = (address("hr@sakura.example"), address("taro@mail.example"));
    let check = |action, status, wanted: &[&str], absent: &[&str]| {
        let retried_until = (action == Action::Delayed).then(|| at(1_700_432_000));
        let fate = Fate { action, status, retried_until, ..failure(&who, "said") };
        let text = String::from_utf8(written(&to, &[fate], ORIGINAL).octets).expect("text");
        for words in wanted {
            assert!(text.contains(words), "{words:?} in {text}");
        }
        for words in absent.iter().chain(&["Body"]) {
            assert!(!text.contains(words), "{words:?} in {text}");
        }
        assert!(text.contains("\r\nContent-Type: text/rfc822-headers\r\n") && text.contains("\r\nSubject: result\r\n"));
    };
    let until = "Will-Retry-Until: Sun, 19 Nov 2023 22:13:20 +0000\r\n";
    check(Action::Delayed, "4.4.1", &["Action: delayed\r\nStatus: 4.4.1\r\n", until, "(Your mail is delayed"], &[]);
    check(Action::Delayed, "5.1.1", &["Status: 4.0.0\r\n"], &[]);
    check(Action::Relayed, "2.6.0", &["Action: relayed\r\nStatus: 2.6.0\r\n", "(Successful mail"], &["Will-Retry"]);
    check(Action::Delivered, "250", &["Action: delivered\r\nStatus: 2.0.0\r\n"], &["Will-Retry"]);
    check(Action::Expanded, "2.0.0", &["Action: expanded\r\n"], &["Will-Retry"]);
}

#[test]
fn a_status_that_is_none_becomes_the_general_one() {
    let who = address("a@x.example");
    for (given, wanted) in
        [("5.1.1", "5.1.1"), ("4.4.7", "4.4.7"), ("2.0.0", "5.0.0"), ("5.1", "5.0.0"), ("5.a.1", "5.0.0")]
    {
        assert_eq!(status_of(&Fate { status: given, ..failure(&who, "") }), wanted);
    }
}
