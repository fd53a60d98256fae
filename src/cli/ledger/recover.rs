//! `ledger recover`: referrals that a broken disk left in the log alone.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use serde::Serialize;

use super::args::RecoverArgs;
use crate::cli::folder::reach;
use crate::cli::output::{End, counted, print_json};
use crate::control::Request;
use crate::control::recover::{Entered, REFERRALS_MAX};
use crate::ledger::ReferralEvent;
use crate::watch::read_recovery;

/// Octets of a line of a log; a longer one is none of ours.
const LINE_OCTETS_MAX: u64 = 1 << 20;

/// Reads the log and enters what is new in it.
///
/// # Errors
/// When the reader of the output is gone.
pub fn recover(args: &RecoverArgs, out: &mut dyn Write) -> io::Result<End> {
    match enter(args) {
        Ok(report) => {
            if args.data.json {
                print_json(out, &report)?;
            } else {
                print(&report, out)?;
            }
            Ok(if report.unreadable.is_empty() { End::Well } else { End::Wrong })
        }
        Err(why) => writeln!(out, "{why}").map(|()| End::Wrong),
    }
}

/// What a log came to.
#[derive(Serialize)]
struct Report {
    dry_run: bool,
    entered: Vec<Referral>,
    known: Vec<Referral>,
    unreadable: Vec<Unreadable>,
    /// Whether a server runs that posts what was entered.
    #[serde(skip)]
    is_served: bool,
}

/// A line with a referral.
#[derive(Serialize)]
struct Referral {
    line: u64,
    id: String,
    company: String,
    recipient: u32,
}

/// A line that is meant to hold one.
#[derive(Debug, Eq, PartialEq, Serialize)]
struct Unreadable {
    line: u64,
    why: String,
}

/// The lines of a log that matter.
#[derive(Debug, Default)]
struct Log {
    referrals: Vec<(u64, ReferralEvent)>,
    unreadable: Vec<Unreadable>,
}

fn enter(args: &RecoverArgs) -> Result<Report, String> {
    // Read while we are still who asked: without a server we become the owner of the data folder.
    let log = match args.file.as_deref().filter(|file| file.as_os_str() != "-") {
        Some(file) => read_file(file)?,
        None => read(io::stdin().lock()).map_err(|e| format!("standard input cannot be read: {e}"))?,
    };
    if log.referrals.len() > REFERRALS_MAX {
        return Err(format!("there are more than {REFERRALS_MAX} recovery lines: enter the log in parts"));
    }
    let mut report = Report {
        dry_run: args.dry_run,
        entered: Vec::new(),
        known: Vec::new(),
        unreadable: log.unreadable,
        is_served: true,
    };
    if log.referrals.is_empty() {
        return Ok(report);
    }
    let reached = reach(&args.data)?;
    report.is_served = reached.is_served();
    let events = log.referrals.iter().map(|(_, event)| event.clone()).collect();
    let entered: Entered = reached.ask(Request::Recover { events, dry_run: args.dry_run })?;
    for ((line, event), new) in log.referrals.into_iter().zip(entered.new) {
        let (id, company, recipient) = (event.transaction, event.company.to_string(), event.recipient);
        let referral = Referral { line, id, company, recipient };
        if new { &mut report.entered } else { &mut report.known }.push(referral);
    }
    Ok(report)
}

fn read_file(path: &Path) -> Result<Log, String> {
    let opened = File::open(path).and_then(|file| read(BufReader::new(file)));
    opened.map_err(|e| format!("{} cannot be read: {e}", path.display()))
}

fn read(mut input: impl BufRead) -> io::Result<Log> {
    let (mut log, mut number, mut line) = (Log::default(), 0, Vec::new());
    loop {
        line.clear();
        if (&mut input).take(LINE_OCTETS_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(log);
        }
        number += 1;
        if line.len() as u64 == LINE_OCTETS_MAX && !line.ends_with(b"\n") {
            input.skip_until(b'\n')?;
        }
        match read_recovery(&line) {
            None => {}
            Some(Ok(event)) => log.referrals.push((number, event)),
            Some(Err(why)) => log.unreadable.push(Unreadable { line: number, why }),
        }
    }
}

fn print(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let (would, end) = if report.dry_run { ("would be ", "; nothing was changed") } else { ("", "") };
    for line in &report.entered {
        writeln!(
            out,
            "line {}: {would}entered: {} of {}, recipient {}",
            line.line, line.id, line.company, line.recipient
        )?;
    }
    for line in &report.known {
        writeln!(
            out,
            "line {}: known already: {} of {}, recipient {}",
            line.line, line.id, line.company, line.recipient
        )?;
    }
    for line in &report.unreadable {
        writeln!(out, "line {}: CANNOT BE READ: {}", line.line, line.why)?;
    }
    let (entered, known, unreadable) = (report.entered.len(), report.known.len(), report.unreadable.len());
    writeln!(
        out,
        "{} {would}entered, {known} known already, {unreadable} that cannot be read{end}",
        counted(entered, "referral", "referrals")
    )?;
    if entered > 0 && !report.dry_run && !report.is_served {
        writeln!(out, "they are in the outbox; the server posts them to the ledger when it runs")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn lines_are_numbered_as_an_editor_does_and_long_ones_passed_over() {
        let long = "x".repeat(3 << 20);
        let text = format!("a\n{long}\n{{\"target\":\"recovery\"\n\n{{\"target\":\"recovery\"}}");
        let found = read(text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(found.unreadable.iter().map(|u| u.line).collect::<Vec<_>>(), [3, 5]);
        assert!(found.referrals.is_empty());
    }
}
