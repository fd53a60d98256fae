//! Counters add up, events hold codes and nothing else, and a slow reader of the log costs lines, not time.

use std::io::{self, Write};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::ledger::{ContractRef, Proves};
use crate::mail::address::Address;
use crate::referral::{CompanyId, CompanyKeys};

fn company() -> CompanyId {
    CompanyId::parse("sakura").unwrap_or_else(|e| panic!("{e}"))
}

fn event(outcome: &'static str, custody: Custody) -> MessageEvent {
    MessageEvent {
        id: "m1".to_owned(),
        company: Some(company()),
        outcome,
        verdict: "rejection",
        evidence: vec!["ja.sorry".into(), "hanako@candidate.example".into()],
        recipients: 2,
        octets: 4096,
        inserted_octets: 120,
        offers: 1,
        excluded: 0,
        decide_micros: 80,
        answer_micros: 900,
        custody,
        replies: vec![250, 450],
        protection: Some("verified"),
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `act` logs, as JSON lines.
fn logged(act: impl FnOnce()) -> Vec<Value> {
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(log, act);
    let octets = lines.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let text = String::from_utf8_lossy(&octets).into_owned();
    text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{l}: {e}"))).collect()
}

#[test]
fn a_message_is_one_event_of_codes_counts_and_durations() {
    let lines = logged(|| Watch::new().message(&event("referred", Custody::Split)));
    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    let texts = ["target", "id", "company", "outcome", "verdict", "custody", "replies"].map(|key| line[key].as_str());
    let expected = ["message", "m1", "sakura", "referred", "rejection", "split", "250 450"].map(Some);
    assert_eq!(texts, expected);
    let numbers = ["recipients", "octets", "inserted_octets", "offers", "answer_micros"].map(|key| line[key].as_u64());
    assert_eq!(numbers, [2, 4096, 120, 1, 900].map(Some));
}

#[test]
fn what_could_be_an_address_never_reaches_the_log() {
    let lines = logged(|| Watch::new().message(&event("referred", Custody::Spooled)));
    assert_eq!(lines[0]["evidence"], "ja.sorry not_a_code");
    let attempt = Attempt {
        id: "m1".to_owned(),
        route: "to hanako@candidate.example".to_owned(),
        outcome: AttemptOutcome::Deferred,
        recipients: 1,
        reply: Some(451),
        number: 2,
        micros: 10,
        protection: Some("tls"),
    };
    let lines = logged(|| Watch::new().attempt(&attempt));
    assert_eq!((lines[0]["route"].as_str(), lines[0]["reply"].as_u64()), (Some("not_a_code"), Some(451)));
}

#[test]
fn a_snapshot_adds_up_and_survives_the_wire() {
    let watch = Watch::new();
    let mails = [("referred", Custody::HandedThrough), ("referred", Custody::InDoubt), ("no_company", Custody::Split)];
    for (outcome, custody) in mails {
        watch.message(&event(outcome, custody));
    }
    watch.add(Counter::RelayDenied, 5);
    watch.set(Gauge::SpoolEntries, 7);
    let snapshot = watch.snapshot();
    let count = |name: &str| snapshot.counters.get(name).copied();
    let names = ["messages", "octets", "handed_through", "spooled", "in_doubt", "relay_denied"];
    assert_eq!(names.map(count), [3, 3 * 4096, 2, 2, 1, 5].map(Some));
    assert_eq!(snapshot.gauges.get("spool_entries"), Some(&7));
    assert_eq!(snapshot.outcomes.get("referred"), Some(&2));
    let wire = serde_json::to_string(&snapshot).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(serde_json::from_str::<Snapshot>(&wire).ok(), Some(snapshot));
}

#[test]
fn a_held_gauge_falls_when_it_is_let_go() {
    let watch = Watch::new();
    let held = watch.hold(Gauge::Sessions);
    assert_eq!(watch.snapshot().gauges["sessions"], 1);
    drop(held);
    assert_eq!(watch.snapshot().gauges["sessions"], 0);
}

#[test]
fn names_of_counters_and_gauges_are_unique() {
    let mut names: Vec<&str> =
        Counter::ALL.iter().map(|c| c.name()).chain(Gauge::ALL.iter().map(|g| g.name())).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

/// A reader that takes nothing until it is told to.
struct Stuck(mpsc::Receiver<()>);

impl Write for Stuck {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        // The sender is dropped at the end of the test: then everything is taken.
        let _ = self.0.recv();
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_hangs_costs_lines_and_they_are_counted() {
    let (release, held) = mpsc::channel();
    let (lines, thread) = lines::start(Stuck(held), 4).unwrap_or_else(|e| panic!("{e}"));
    for _ in 0..100 {
        lines.make_writer().write_all(b"line\n").unwrap_or_else(|e| panic!("{e}"));
    }
    assert!(lines.dropped() >= 90, "{}", lines.dropped());
    drop(release);
    drop(thread);
}

#[test]
fn the_end_of_the_log_writes_every_line_in_its_order() {
    let out = Lines::default();
    let (lines, thread) = lines::start(out.clone(), 1000).unwrap_or_else(|e| panic!("{e}"));
    for number in 0..1000 {
        lines.make_writer().write_all(format!("{number}\n").as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    }
    drop(thread);
    let octets = out.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let numbers: Vec<usize> = String::from_utf8_lossy(&octets).lines().filter_map(|l| l.parse().ok()).collect();
    assert_eq!((numbers, lines.dropped()), ((0..1000).collect(), 0));
}

#[test]
fn a_recovery_line_is_the_whole_event_and_no_address() {
    let candidate = Address::parse("hanako@candidate.example").unwrap_or_else(|e| panic!("{e}"));
    let keys = CompanyKeys::derive(&[3; 32], &company(), 1);
    let key = keys.candidate(&candidate);
    let event = ReferralEvent {
        company: company(),
        token: keys.token("main", &key),
        candidate: key,
        earlier: Vec::new(),
        contract: ContractRef { series: "main".to_owned(), version: 1, digest: [9; 32] },
        proves: Proves::Delivered,
        route: "default".to_owned(),
        transaction: "m1".to_owned(),
        recipient: 0,
        inserted: true,
        wording: None,
        traits: None,
        at: Timestamp::UNIX_EPOCH,
    };
    let mut out = Vec::new();
    recovery::write(&mut out, &event).unwrap_or_else(|e| panic!("{e}"));
    let text = String::from_utf8_lossy(&out).into_owned();
    assert!(text.ends_with('\n') && text.matches('\n').count() == 1 && !text.contains('@'), "{text}");
    let line: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(line["target"], "recovery");
    assert_eq!(serde_json::from_value::<ReferralEvent>(line["event"].clone()).ok(), Some(event));
}
