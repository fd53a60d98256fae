//! Tests of reading reports: the corpus of `tests/corpus/bounces` with the verdicts beside it, and any octets at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/bounces")
}

/// The lines of `verdicts.tsv` by file: verdict, form, status and recipients.
fn verdicts() -> BTreeMap<String, String> {
    let text = fs::read_to_string(corpus().join("verdicts.tsv")).unwrap_or_else(|e| panic!("{e}"));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('\t')).map(|(file, rest)| (file.to_owned(), rest.to_owned())).collect()
}

fn shown(reading: &Reading) -> String {
    let status =
        reading.status.map_or_else(|| "-".to_owned(), |(class, subject, detail)| format!("{class}.{subject}.{detail}"));
    let recipients: Vec<&str> = reading.recipients.iter().map(Address::as_str).collect();
    let recipients = if recipients.is_empty() { "-".to_owned() } else { recipients.join(",") };
    format!("{}\t{}\t{status}\t{recipients}", reading.verdict.code(), reading.form)
}

#[test]
fn every_mail_of_the_corpus_is_read_to_its_verdict() {
    let expected = verdicts();
    let entries = fs::read_dir(corpus()).unwrap_or_else(|e| panic!("{e}"));
    let files: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "eml")).collect();
    let names: BTreeSet<String> = files.iter().filter_map(|p| p.file_name()?.to_str().map(str::to_owned)).collect();
    assert_eq!(names, expected.keys().cloned().collect(), "every mail has a verdict, and every verdict a mail");
    let mut wrong = Vec::new();
    for (name, expected) in &expected {
        let raw = fs::read(corpus().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let found = shown(&read(&raw));
        if found != *expected {
            wrong.push(format!("{name}\n  expected {expected}\n  found    {found}"));
        }
        // What a door or a mailbox did to the line ends changes nothing.
        let bare: Vec<u8> = raw.iter().copied().filter(|b| *b != b'\r').collect();
        assert_eq!(shown(&read(&bare)), found, "{name} with bare LF");
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), expected.len(), wrong.join("\n"));
}

#[test]
fn the_corpus_holds_at_least_twenty_senders_of_bounces() {
    let failed = verdicts().into_iter().filter(|(_, verdict)| verdict.starts_with("failed"));
    let senders: BTreeSet<String> =
        failed.filter_map(|(name, _)| name.split_once('-').map(|(sender, _)| sender.to_owned())).collect();
    assert!(senders.len() >= 20, "only {senders:?}");
}

#[test]
fn a_bounce_that_is_cut_anywhere_is_never_read_as_something_good() {
    for name in verdicts().into_iter().filter(|(_, v)| v.starts_with("failed")).map(|(name, _)| name) {
        let raw = fs::read(corpus().join(&name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        for at in (0..raw.len()).step_by(61) {
            let verdict = read(&raw[..at]).verdict;
            let fine = matches!(verdict, Verdict::Failed | Verdict::AutoReply | Verdict::NotAReport);
            assert!(fine, "{name} cut at {at}: {verdict:?}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_octets_are_read_without_a_panic(octets in proptest::collection::vec(0u8.., 0..400)) {
        read(&octets);
    }

    #[test]
    fn what_no_mail_system_signs_is_never_a_bounce(
        words in "(This message could not be delivered|550 5.1.1|undeliverable|failed|\\PC| |\r\n){0,30}",
    ) {
        let raw = format!("From: Taro <taro@mail.example>\r\nSubject: Re: result\r\n\r\n{words}\r\n");
        proptest::prop_assert_ne!(read(raw.as_bytes()).verdict, Verdict::Failed);
    }

    #[test]
    fn the_groups_of_a_status_part_can_be_anything(
        fields in "(Action: (failed|delayed|delivered|x)|Status: [245]\\.[0-9]\\.[0-9]|\
                   Final-Recipient: rfc822; a@b.example|\\PC{0,9}|\r\n){0,20}",
    ) {
        let head = "From: MAILER-DAEMON@mx.example\r\nContent-Type: message/delivery-status\r\n\r\n";
        let reading = read(format!("{head}{fields}\r\n").as_bytes());
        proptest::prop_assert!(reading.recipients.len() <= RECIPIENTS_MAX);
    }
}
