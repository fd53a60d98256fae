//! What the spool promises, shown on real files: this file holds the mails and folders the tests are made of.

mod admin;
mod conformance;
mod holds;
mod leaving;
mod model;
mod plans;
mod recovery;
mod returns;
mod room;

use std::path::Path;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::*;
use crate::ledger::{ContractRef, Proves, ReferralEvent};
use crate::mail::address::Address;
use crate::mail::edit::{Edit, Edits};
use crate::mail::envelope::{Body, Dsn, Envelope, RecipientDsn, Ret};
use crate::referral::{CandidateKey, CompanyId, LinkToken, Traits};

/// A minute of the test's clock.
fn minute(n: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + 60 * n).unwrap() + SignedDuration::from_nanos(7)
}

fn id(text: &str) -> EntryId {
    EntryId::parse(text).unwrap()
}

/// What is due, those destinations first whose mail waits longest.
async fn due(spool: &Spool, now: Timestamp, entries_max: usize) -> Vec<Due> {
    let mut waiting = spool.destinations().await.unwrap();
    waiting.retain(|(_, first)| *first <= now);
    waiting.sort_by_key(|(_, first)| *first);
    let waiting = waiting.into_iter().map(|(destination, _)| destination).collect();
    spool.due_for(waiting, now, entries_max).await.unwrap()
}

/// When the next of all is due.
async fn next_due(spool: &Spool) -> Option<Timestamp> {
    spool.destinations().await.unwrap().into_iter().map(|(_, first)| first).min()
}

/// Small reserve, no floor: what most tests need.
fn options() -> SpoolOptions {
    SpoolOptions { reserve_octets: 64 * 1024, free_octets_min: 0, inline_octets_max: 1024, ..SpoolOptions::default() }
}

fn open(folder: &Path) -> Spool {
    Spool::open(folder, options()).unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn contract() -> ContractRef {
    ContractRef { series: "main".to_owned(), version: 3, digest: [7; 32] }
}

fn token() -> LinkToken {
    LinkToken::parse(&format!("kaede-{}", "a".repeat(26))).unwrap()
}

fn candidate(n: u32) -> CandidateKey {
    CandidateKey { key_id: 1, octets: [u8::try_from(n % 256).unwrap(); 32] }
}

fn event(transaction: &str, recipient: u32) -> ReferralEvent {
    ReferralEvent {
        company: CompanyId::parse("kaede").unwrap(),
        candidate: candidate(recipient),
        earlier: vec![CandidateKey { key_id: 0, octets: [9; 32] }; usize::from(recipient == 0)],
        token: token(),
        contract: contract(),
        proves: Proves::Delivered,
        route: "mx".to_owned(),
        transaction: transaction.to_owned(),
        recipient,
        inserted: true,
        wording: Some([7; 32]),
        traits: Traits::parse("private.000102030405060708090a0b0c0d0e0f...1"),
        at: minute(9),
    }
}

fn offer(recipient: u32) -> Offer {
    let event = event("", recipient);
    let ReferralEvent { company, candidate, earlier, token, contract, inserted, wording, traits, .. } = event;
    Offer { recipient, company, candidate, earlier, token, contract, inserted, wording, traits }
}

fn credit() -> Credit {
    Credit { proves: Proves::Delivered, route: "mx".to_owned(), at: minute(9) }
}

fn accepted() -> Outcome {
    Outcome::Accepted { credit: Some(credit()) }
}

fn address(entry: &str, number: u32) -> Address {
    Address::parse(&format!("hanako.{entry}.{number}@sakura.example")).unwrap()
}

/// A mail of `octets` octets to recipients 0.., all waiting since minute 1 on the route `mx`, one copy with an edit and
/// an offer for recipient 0.
fn mail(entry: &str, recipients: u32, octets: usize) -> NewEntry {
    let mut original = format!("Subject: kekka {entry}\r\n\r\nsecret words of {entry}\r\n").into_bytes();
    original.extend(std::iter::repeat_n(b'x', octets.saturating_sub(original.len())));
    let waiting = |number| NewRecipient {
        number,
        copy: 0,
        route: "mx".to_owned(),
        state: NewState::Waiting { next_at: minute(1) },
        attempts: 0,
        last_reply: None,
    };
    let edit = Edit { at: 9, insert: b"line".to_vec().into() };
    NewEntry {
        id: id(entry),
        once: None,
        company: CompanyId::parse("kaede").ok(),
        received_at: minute(0),
        envelope: Envelope {
            sender: Some(Address::parse("jinji@kaede.example").unwrap()),
            recipients: (0..recipients).map(|n| address(entry, n)).collect(),
            body: Body::EightBitMime,
            ..Envelope::default()
        },
        trace: Bytes::from_static(b"Received: by relay.kaede.example\r\n"),
        original: original.into(),
        copies: vec![NewCopy { edits: Edits::new(vec![edit]), offers: vec![offer(0)], return_path: None }],
        recipients: (0..recipients).map(waiting).collect(),
        hold: None,
    }
}

fn settle(entry: &str, outcomes: &[(u32, Outcome)]) -> Write {
    let settlement =
        |(recipient, outcome): &(u32, Outcome)| Settlement { recipient: *recipient, outcome: outcome.clone() };
    Write::Settle { entry: id(entry), settlements: outcomes.iter().map(settlement).collect() }
}

fn sending(entry: &str, recipients: &[u32]) -> Write {
    Write::Sending { entry: id(entry), recipients: recipients.to_vec() }
}

/// What a power cut would leave: the files as they lie there while the spool is still open.
fn crash_image(of: &Path) -> TempDir {
    let image = folder();
    let copy = |from: &Path, to: &Path| assert!(std::fs::copy(from, to).is_ok(), "{}", from.display());
    std::fs::create_dir(image.path().join("spool")).unwrap();
    for name in ["spool.content", "spool.db", "spool.db-wal"] {
        copy(&of.join(name), &image.path().join(name));
    }
    for file in std::fs::read_dir(of.join("spool")).unwrap().flatten().filter(|f| f.path().is_file()) {
        copy(&file.path(), &image.path().join("spool").join(file.file_name()));
    }
    image
}

/// The files below `folder` that hold `words`.
fn files_with(folder: &Path, words: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(files_with(&entry.path(), words));
        } else if memchr::memmem::find(&std::fs::read(entry.path()).unwrap_or_default(), words.as_bytes()).is_some() {
            found.push(entry.path().display().to_string());
        }
    }
    found
}
