//! `status`: how the running server is.

use std::io::{self, Write};

use jiff::Timestamp;

use super::args::StatusArgs;
use super::output::{End, align_right, print_json, print_table, since, table};
use super::reach::ask_server;
use super::switch::{off_lines, stop_lines};
use super::top::{Labels, destinations, held_back, next_hops};
use crate::control::confirm::PendingStatus;
use crate::control::{Request, Status};
use crate::sys::clock;

/// Asks the running server how it is and prints it.
///
/// # Errors
/// When the reader of the output is gone.
pub fn status(args: &StatusArgs, out: &mut dyn Write) -> io::Result<End> {
    let answer = ask_server(&args.data, &Request::Status);
    let status = answer.and_then(|value| {
        let value = value.ok_or("no server runs on this data folder")?;
        let typed = serde_json::from_value::<Status>(value.clone());
        typed.map(|typed| (value, typed)).map_err(|why| format!("the server answers in another form: {why}"))
    });
    match status {
        Err(why) => {
            writeln!(out, "{why}")?;
            Ok(End::Wrong)
        }
        Ok((value, status)) => {
            if args.data.json {
                print_json(out, &value)?;
            } else {
                print_status(&status, out)?;
            }
            Ok(End::Well)
        }
    }
}

/// How referrals in mails of MTAs stand, where there are any.
fn pending(pending: &PendingStatus, out: &mut dyn Write, now: Timestamp) -> io::Result<()> {
    let PendingStatus { pending, oldest_pending_at, accepted, delivered, bounced, lapsed } = pending;
    let states = [accepted, delivered, bounced, lapsed];
    if *pending == 0 && states.iter().all(|n| **n == 0) {
        return Ok(());
    }
    let oldest = oldest_pending_at.as_deref().map(|at| format!(", the oldest for {} ({at})", since(at, now)));
    writeln!(out, "referrals pending at MTAs: {pending}{}", oldest.unwrap_or_default())?;
    writeln!(
        out,
        "  of the last weeks: handed to a smarthost {accepted}, delivered {delivered}, bounced {bounced}, \
         lapsed {lapsed}"
    )
}

/// Prints a status for people.
///
/// # Errors
/// When the reader of the output is gone.
pub fn print_status(status: &Status, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "career-relay {}, process {}, since {}", status.version, status.process, status.started_at)?;
    if !status.edits {
        writeln!(out, "NO LINE IS WRITTEN: every mail passes untouched; the log says why")?;
    }
    off_lines(&status.off, out)?;
    stop_lines(&status.edits_stopped, out)?;
    let spool = &status.spool;
    let now = clock::now();
    let oldest = |at: &str| format!(", the oldest came {} ago ({at})", since(at, now));
    let oldest = spool.oldest_received_at.as_deref().map_or(String::new(), oldest);
    writeln!(out, "mails in custody: {}{oldest}", spool.entries)?;
    let held = [
        ("recipients waiting", spool.waiting),
        ("of them due", spool.due),
        ("recipients being sent to", spool.sending),
        ("recipients in doubt", spool.in_doubt),
        ("mails set aside", spool.parked),
        ("mails held for HR", spool.held),
        ("possible doubles", spool.maybe_doubled),
        ("referrals not yet in the ledger", spool.unposted),
    ];
    for (name, n) in held.iter().filter(|(_, n)| *n > 0) {
        writeln!(out, "  {name}: {n}")?;
    }
    pending(&status.pending, out, now)?;
    let rates = status.rates;
    writeln!(
        out,
        "mails a second: {:.1} in, {:.1} out; over the last minute {:.1} in, {:.1} out",
        rates.in_1s, rates.out_1s, rates.in_1m, rates.out_1m
    )?;
    if let Some((table, unseen)) = destinations(spool, Labels::of("en"), now) {
        writeln!(out)?;
        print_table(out, &table)?;
        if unseen > 0 {
            writeln!(out, "+{unseen} {}", Labels::of("en").more_destinations)?;
        }
    }
    if let Some(table) = next_hops(status, Labels::of("en")) {
        writeln!(out)?;
        print_table(out, &table)?;
    }
    let labels = Labels::of("en");
    if let Some(table) = held_back(status, labels) {
        writeln!(out)?;
        print_table(out, &table)?;
        writeln!(out, "  {}", labels.held_back_remedy)?;
    }
    let counts = status.watch.counters.iter().chain(&status.watch.gauges).filter(|(_, n)| **n > 0);
    let rows: Vec<Vec<String>> = counts.map(|(name, n)| vec![name.clone(), n.to_string()]).collect();
    let outcomes: Vec<Vec<String>> =
        status.watch.outcomes.iter().map(|(code, n)| vec![code.clone(), n.to_string()]).collect();
    for (header, rows) in [(["since the start", ""], rows), (["messages by outcome", ""], outcomes)] {
        if !rows.is_empty() {
            let mut table = table(&header, rows);
            align_right(&mut table, &[1]);
            writeln!(out)?;
            print_table(out, &table)?;
        }
    }
    Ok(())
}
