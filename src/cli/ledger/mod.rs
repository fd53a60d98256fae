//! `ledger balance | statement | words`, and the way to the others.

pub mod args;
mod backup;
mod erase;
mod export;
mod recover;
mod witness;

use std::io::{self, Write};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::args::DataArgs;
use super::outfile::OutFile;
use super::output::{Done, End, align_right, conclude, counted, print_json, print_table, table};
use super::reach::ask_store;
use crate::control::ledger::{Balances, DIGITS_SHOWN, StatementForm, Verified, WordsLine};
use crate::control::{Month, Request};
use crate::sys::clock;
use args::{BalanceArgs, LedgerCommand, StatementArgs};
use backup::{backup, restore};
use erase::erase;
use recover::recover;
use witness::{checkpoint, verify_given};

/// Answers from the ledger and prints it.
///
/// # Errors
/// When the reader of the output is gone.
pub fn ledger(command: &LedgerCommand, out: &mut dyn Write) -> io::Result<End> {
    match command {
        LedgerCommand::Balance(BalanceArgs { company, data }) => {
            answer(data, &Request::Balance { company: company.clone() }, out, print_balances)
        }
        LedgerCommand::Backup(args) => backup(args, out),
        LedgerCommand::Export(args) => export::export(args, out),
        LedgerCommand::Recover(args) => recover(args, out),
        LedgerCommand::Restore(args) => restore(args, out),
        LedgerCommand::Erase(args) => erase(args, out),
        LedgerCommand::Statement(args) => conclude(statement(args, out), out),
        LedgerCommand::Words(BalanceArgs { company, data }) => {
            answer(data, &Request::Words { company: company.clone() }, out, print_words)
        }
        LedgerCommand::Verify(args) if args.checkpoint.is_empty() => {
            answer(&args.data, &Request::Verify { company: args.company.clone() }, out, print_verified)
        }
        LedgerCommand::Verify(args) => verify_given(args, out),
        LedgerCommand::Checkpoint(args) => checkpoint(args, out),
    }
}

/// Asks, and prints the answer as JSON or by `print`, which says how it is meant to end.
fn answer<T: DeserializeOwned + Judged>(
    data: &DataArgs,
    request: &Request,
    out: &mut dyn Write,
    print: fn(&T, &mut dyn Write) -> io::Result<()>,
) -> io::Result<End> {
    let read = |value: Value| {
        serde_json::from_value::<T>(value.clone())
            .map(|typed| (value, typed))
            .map_err(|why| format!("the server answers in another form: {why}; is it of another version?"))
    };
    match ask_store(data, request).and_then(read) {
        Err(why) => {
            writeln!(out, "{why}")?;
            Ok(End::Wrong)
        }
        Ok((value, typed)) => {
            if data.json {
                print_json(out, &value)?;
            } else {
                print(&typed, out)?;
            }
            Ok(typed.end())
        }
    }
}

/// Whether an answer means that all is well.
trait Judged {
    fn end(&self) -> End;
}

impl Judged for Balances {
    fn end(&self) -> End {
        End::Well
    }
}

impl Judged for Vec<WordsLine> {
    fn end(&self) -> End {
        End::Well
    }
}

impl Judged for Vec<Verified> {
    fn end(&self) -> End {
        if self.iter().all(|v| v.faults.is_empty()) { End::Well } else { End::Wrong }
    }
}

fn print_balances(answer: &Balances, out: &mut dyn Write) -> io::Result<()> {
    if answer.balances.is_empty() {
        writeln!(out, "nobody has been counted yet")?;
    } else {
        let rows = answer.balances.iter().map(|b| {
            let toward = format!("{} of {}", b.toward, b.threshold);
            vec![b.company.clone(), b.series.clone(), b.counted.to_string(), b.slots.to_string(), toward]
        });
        let mut table = table(&["company", "series", "people counted", "slots granted", "toward the next"], rows);
        align_right(&mut table, &[2, 3, 4]);
        print_table(out, &table)?;
    }
    for parked in &answer.parked {
        writeln!(out, "kept aside: {} referrals of {} ({})", parked.events, parked.company, parked.reason)?;
    }
    Ok(())
}

fn statement(args: &StatementArgs, out: &mut dyn Write) -> Done {
    let file = args.html.as_deref().map(OutFile::open).transpose()?;
    let form = match (args.csv, args.data.json, &file) {
        (_, _, Some(_)) => StatementForm::Html,
        (true, ..) => StatementForm::Csv,
        (_, true, _) => StatementForm::Json,
        _ => StatementForm::Text,
    };
    let month = args.month.unwrap_or_else(|| Month::of(clock::now()));
    let (company, language) = (args.company.clone(), args.lang.clone());
    let written = match (ask_store(&args.data, &Request::Statement { company, month, form, language })?, file) {
        (Value::String(text), Some(file)) => file.write(&text, out)?,
        (Value::String(text), None) => out.write_all(text.as_bytes()),
        (object, _) => print_json(out, &object),
    };
    Ok(written.map(|()| End::Well))
}

fn print_words(lines: &Vec<WordsLine>, out: &mut dyn Write) -> io::Result<()> {
    if lines.is_empty() {
        return writeln!(out, "no words are known yet");
    }
    for line in lines {
        let WordsLine { company, digest, language, words, since, entries, used, .. } = line;
        let digits = digest.get(..DIGITS_SHOWN).unwrap_or(digest);
        let day = |at: &str| at.get(..10).unwrap_or(at).to_owned();
        let used = used.as_ref().map_or("not used yet".to_owned(), |(first, last)| {
            let entries = counted(usize::try_from(*entries).unwrap_or(usize::MAX), "entry", "entries");
            format!("{entries}, mails of {} to {}", day(first), day(last))
        });
        writeln!(out, "{company} {digits} {language}, known since {}: {used}", day(since))?;
        writeln!(out, "  {words}")?;
    }
    Ok(())
}

fn print_verified(companies: &Vec<Verified>, out: &mut dyn Write) -> io::Result<()> {
    for company in companies {
        let entries = usize::try_from(company.entries).unwrap_or(usize::MAX);
        let entries = counted(entries, "entry", "entries");
        let found = if company.faults.is_empty() { "verified".to_owned() } else { "DOES NOT VERIFY".to_owned() };
        writeln!(out, "{}: {entries}, {found}, chain head {}", company.company, company.head)?;
        for fault in &company.faults {
            writeln!(out, "  {fault}")?;
        }
    }
    if companies.is_empty() {
        writeln!(out, "the ledger knows no company yet")?;
    }
    Ok(())
}
