//! A trace as a story: each mail with what happened to it, in the order of time.

use std::io::{self, Write};

use jiff::Timestamp;

use super::Said;
use crate::cli::output::{since, until};
use crate::control::ledger::DIGITS_SHOWN;
use crate::control::spool::{MailLine, RecipientLine};
use crate::control::trace::{EntryLine, ReferralLine, Subject, Trace, came_at};

/// What happened, and when; what has no time comes last.
type Happened = (Option<Timestamp>, String);

/// Prints it.
pub(super) fn print(
    subject: &Subject,
    trace: &Trace,
    said: &Said,
    now: Timestamp,
    out: &mut dyn Write,
) -> io::Result<()> {
    for key in &trace.keys {
        writeln!(out, "known to {} as {}", key.company, key.candidate)?;
    }
    for id in trace.ids(subject) {
        writeln!(out, "\nmail {id}")?;
        for (at, text) in happened(&id, trace, said) {
            let at = at.map_or_else(|| " ".repeat(20), |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
            writeln!(out, "  {at}  {text}")?;
        }
        let here = trace.custody.iter().filter(|mail| mail.id == id);
        for recipient in here.flat_map(|mail: &MailLine| &mail.recipients) {
            writeln!(out, "  {:20}  {}", "now", waits(recipient, now))?;
        }
    }
    Ok(())
}

fn happened(id: &str, trace: &Trace, said: &Said) -> Vec<Happened> {
    let mut all: Vec<Happened> = Vec::new();
    let custody = trace.custody.iter().find(|mail| mail.id == id).and_then(|mail| mail.received_at.parse().ok());
    all.extend(custody.or(came_at(id)).map(|at| (Some(at), "came".to_owned())));
    let lines = said.get(id).into_iter().flatten();
    all.extend(lines.map(|line| (line.at.parse().ok(), line.text.clone())));
    for line in trace.ledger.iter().filter(|line| line.referral.id == id) {
        let at = line.entries.first().and_then(|entry| entry.at.parse().ok());
        all.push((at, accepted(&line.referral)));
        all.extend(line.entries.iter().map(|e| (e.posted.parse().ok(), entered(&line.referral, e))));
    }
    let in_ledger = |referral: &ReferralLine| trace.ledger.iter().any(|line| line.referral == *referral);
    for line in trace.outbox.iter().filter(|line| line.referral.id == id && !in_ledger(&line.referral)) {
        let waits = if line.posted { "" } else { "; it waits in the outbox for the ledger" };
        all.push((line.at.parse().ok(), format!("{}{waits}", accepted(&line.referral))));
    }
    for line in trace.parked.iter().filter(|line| line.referral.id == id) {
        let text = format!("{}; the ledger keeps it aside: {}", accepted(&line.referral), line.reason);
        all.push((line.at.parse().ok(), text));
    }
    // What the log says of it is the same.
    let is_logged = |act: &str| said.get(id).into_iter().flatten().any(|line| line.text.starts_with(act));
    for act in trace.acts.iter().filter(|act| act.id == id && !is_logged(&act.act)) {
        all.push((act.at.parse().ok(), format!("{} by {}", act.act, act.actor)));
    }
    all.sort_by_key(|(at, _)| at.unwrap_or(Timestamp::MAX));
    all
}

fn accepted(referral: &ReferralLine) -> String {
    let ReferralLine { recipient, route, proves, inserted, .. } = referral;
    let line = if *inserted { "with the line" } else { "with a link that was there already" };
    format!("recipient {recipient}: the next hop of {route} accepted it {line}, which proves {proves}")
}

fn entered(referral: &ReferralLine, entry: &EntryLine) -> String {
    let EntryLine { seq, kind, worth, cycle, contract, wording, .. } = entry;
    let means = match (kind.as_str(), worth) {
        ("granted", _) => format!(": hire slot {cycle}"),
        ("duplicate", _) => ": the same person again, counts nothing".to_owned(),
        (_, 1..) => ": counts".to_owned(),
        _ => String::new(),
    };
    let words = wording.get(..DIGITS_SHOWN).map(|digits| format!(", words {digits}")).unwrap_or_default();
    format!("ledger of {}, entry {seq}: {kind}{means} (contract {contract}{words})", referral.company)
}

fn waits(recipient: &RecipientLine, now: Timestamp) -> String {
    let RecipientLine { number, destination, state, attempts, next_at, last_reply, .. } = recipient;
    let next = if state == "waiting" {
        format!(", next try {}", until(next_at, now))
    } else {
        format!(" since {}", since(next_at, now))
    };
    let why = last_reply.as_ref().map_or(String::new(), |reply| format!(": {reply}"));
    format!("recipient {number}: in custody for {destination}, {state}, {attempts} attempts{next}{why}")
}
