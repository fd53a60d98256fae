//! Compares what the catcher got with what HR sent and with what the day expects, and the ledger with both.

use std::collections::BTreeSet;

use super::catcher::Caught;
use super::day::{Expect, Mail};
use crate::mail::address::Address;
use crate::pipeline::{Copy, Outcome, Received};
use crate::proto::smtp::reply::Reply;

/// A mail of the day after it was sent.
pub struct Sent {
    /// What was planned.
    pub mail: Mail,
    /// What the gateway was given.
    pub received: Received,
    /// What the pipeline says of it.
    pub outcome: Outcome,
    /// What the gateway answered.
    pub reply: Reply,
}

/// The company's account after the day.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Account {
    /// Candidates counted.
    pub credits: u64,
    /// Hire slots granted.
    pub slots: u64,
    /// Counted toward the next slot.
    pub toward_next: u64,
    /// How many a slot takes.
    pub threshold: u64,
}

/// The day, judged.
pub struct Judged {
    /// The mails with their copies at the catcher.
    pub mails: Vec<JudgedMail>,
    /// Mails of our own to HR.
    pub to_hr: Vec<Caught>,
    /// The ledger.
    pub account: Account,
    /// Everything that was not as it should be.
    pub faults: Vec<String>,
}

/// One mail and what came of it.
pub struct JudgedMail {
    /// The mail.
    pub sent: Sent,
    /// Its copies at the catcher, without our trace line.
    pub copies: Vec<Vec<u8>>,
    /// Whether every copy is the mail that was sent, with exactly the line of its reader or with nothing.
    pub proven: bool,
}

impl JudgedMail {
    /// How many copies with a line came out.
    pub fn lines(&self) -> usize {
        match &self.sent.outcome {
            Outcome::Referred(referred) => referred.copies.len(),
            Outcome::Untouched(_) | Outcome::Held(_) => 0,
        }
    }
}

/// The mail's Message-ID field, which ties a caught mail to the one that was sent.
fn message_id(octets: &[u8]) -> Option<&[u8]> {
    let start = memchr::memmem::find(octets, b"\r\nMessage-ID: ")? + 14;
    let end = memchr::memchr(b'\r', &octets[start..])?;
    Some(&octets[start..start + end])
}

/// The name of the day's mail that this one is.
pub fn name_of<'a>(caught: &Caught, sent: &'a [Sent]) -> Option<&'a str> {
    let id = message_id(&caught.octets)?;
    sent.iter().find(|s| message_id(&s.received.message) == Some(id)).map(|s| s.mail.name)
}

/// The mail behind its first field, our trace line.
fn without_trace(octets: &[u8]) -> &[u8] {
    let mut from = 0;
    while let Some(end) = memchr::memmem::find(&octets[from..], b"\r\n") {
        from += end + 2;
        if !matches!(octets.get(from), Some(b' ' | b'\t')) {
            break;
        }
    }
    &octets[from..]
}

/// Judges the day.
pub fn judge(sent: Vec<Sent>, caught: &[Caught], account: Account) -> Judged {
    let mut faults = Vec::new();
    let to_hr: Vec<Caught> = caught.iter().filter(|c| name_of(c, &sent).is_none()).cloned().collect();
    let names: Vec<Option<&str>> = caught.iter().map(|c| name_of(c, &sent)).collect();
    let copies_of = |s: &Sent| caught.iter().zip(&names).filter(|(_, n)| **n == Some(s.mail.name)).map(|(c, _)| c);
    let mut copies: Vec<(bool, Vec<Vec<u8>>)> = Vec::new();
    for mail in &sent {
        let found: Vec<&Caught> = copies_of(mail).collect();
        faults.extend(faults_of(mail, &found).into_iter().map(|f| format!("{}: {f}", mail.mail.name)));
        let proven = !found.is_empty() && found.iter().all(|c| is_proven(mail, c));
        copies.push((proven, found.iter().map(|c| without_trace(&c.octets).to_vec()).collect()));
    }
    let expected = expected_account(&sent, account.threshold);
    if account != expected {
        faults.push(format!("the ledger says {account:?}, the day makes {expected:?}"));
    }
    if to_hr.len() as u64 != expected.slots {
        faults.push(format!("{} mails to HR for {} slots", to_hr.len(), expected.slots));
    }
    let judged = |(sent, (proven, copies))| JudgedMail { sent, copies, proven };
    let mails = sent.into_iter().zip(copies).map(judged).collect();
    Judged { mails, to_hr, account, faults }
}

fn faults_of(sent: &Sent, found: &[&Caught]) -> Vec<String> {
    let mut faults = Vec::new();
    if !sent.reply.is_positive() {
        faults.push(format!("the gateway answered {}", sent.reply));
    }
    let reached: BTreeSet<&str> = found.iter().flat_map(|c| &c.recipients).map(String::as_str).collect();
    let meant: BTreeSet<&str> = sent.received.envelope.recipients.iter().map(Address::as_str).collect();
    if reached != meant || found.iter().map(|c| c.recipients.len()).sum::<usize>() != meant.len() {
        faults.push(format!("meant for {meant:?}, came to {reached:?}"));
    }
    let lines = match &sent.outcome {
        Outcome::Referred(referred) => referred.copies.len(),
        Outcome::Untouched(_) | Outcome::Held(_) => 0,
    };
    let wanted = if let Expect::Line(n) = sent.mail.expect { n } else { 0 };
    if lines != wanted {
        faults.push(format!("{lines} copies with a line, {wanted} expected"));
    }
    if let (Outcome::Untouched(untouched), Expect::Untouched(reason)) = (&sent.outcome, sent.mail.expect)
        && untouched.reason != reason
    {
        faults.push(format!("left alone as {}, expected as {reason}", untouched.reason));
    }
    faults.extend(found.iter().filter(|c| !is_proven(sent, c)).map(|c| format!("changed for {:?}", c.recipients)));
    faults
}

/// Whether the copy is the sent mail with exactly the edits the pipeline made for its recipient.
fn is_proven(sent: &Sent, caught: &Caught) -> bool {
    let original = &sent.received.message;
    let octets = without_trace(&caught.octets);
    let index = |r: &String| sent.received.envelope.recipients.iter().position(|a| a.as_str() == r);
    let is_for = |copy: &Copy| caught.recipients.iter().all(|r| index(r).is_some_and(|i| copy.recipients.contains(&i)));
    match &sent.outcome {
        Outcome::Untouched(_) | Outcome::Held(_) => octets == original,
        Outcome::Referred(referred) => {
            referred.copies.iter().any(|copy| is_for(copy) && copy.edits.prove(original, octets))
        }
    }
}

/// What the ledger must say: each candidate once, a slot for every `threshold` of them.
fn expected_account(sent: &[Sent], threshold: u64) -> Account {
    let mut candidates: BTreeSet<&str> = BTreeSet::new();
    for mail in sent.iter().filter(|s| matches!(s.mail.expect, Expect::Line(_))) {
        let own = |a: &&Address| !a.as_str().ends_with("@sakura.example");
        candidates.extend(mail.received.envelope.recipients.iter().filter(own).map(Address::as_str));
    }
    let credits = candidates.len() as u64;
    let each = threshold.max(1);
    Account { credits, slots: credits / each, toward_next: credits % each, threshold }
}
