//! `ledger balance | statement | verify`.

use std::io::{self, Write};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::args::{BalanceArgs, DataArgs, LedgerCommand, StatementArgs};
use super::output::{End, align_right, counted, print_json, print_table, table};
use super::reach::ask_ledger;
use crate::control::ledger::{Balances, MonthStatement, Verified};
use crate::control::{Month, Request};
use crate::sys::clock;

/// Answers from the ledger and prints it.
///
/// # Errors
/// When the reader of the output is gone.
pub fn ledger(command: &LedgerCommand, out: &mut dyn Write) -> io::Result<End> {
    match command {
        LedgerCommand::Balance(BalanceArgs { company, data }) => {
            answer(data, &Request::Balance { company: company.clone() }, out, print_balances)
        }
        LedgerCommand::Statement(StatementArgs { company, month, data }) => {
            let month = month.unwrap_or_else(|| Month::of(clock::now()));
            answer(data, &Request::Statement { company: company.clone(), month }, out, print_statement)
        }
        LedgerCommand::Verify(BalanceArgs { company, data }) => {
            answer(data, &Request::Verify { company: company.clone() }, out, print_verified)
        }
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
    match ask_ledger(data, request).and_then(read) {
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

impl Judged for MonthStatement {
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
        let referrals = i64::try_from(parked.events).unwrap_or(i64::MAX);
        writeln!(out, "kept aside: {referrals} of {} ({}); see docs/ledger.md", parked.company, parked.reason)?;
    }
    Ok(())
}

fn print_statement(statement: &MonthStatement, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} in {} (Japan time)", statement.company, statement.month)?;
    if statement.series.is_empty() {
        writeln!(out, "\nno entry until the end of the month")?;
    }
    for series in &statement.series {
        writeln!(out, "\nseries {}", series.series)?;
        let row = |name: &str, (before, after): (i64, i64)| {
            vec![name.to_owned(), before.to_string(), after.to_string(), format!("{:+}", after - before)]
        };
        let wide = |(before, after): (u64, u64)| {
            (i64::try_from(before).unwrap_or(i64::MAX), i64::try_from(after).unwrap_or(i64::MAX))
        };
        let rows = [
            row("people counted", wide(series.counted)),
            row("slots granted", (series.slots.0.into(), series.slots.1.into())),
            row(&format!("toward the next slot (of {})", series.threshold), series.toward),
        ];
        let mut table = table(&["", "before", "at the end", "change"], rows);
        align_right(&mut table, &[1, 2, 3]);
        print_table(out, &table)?;
        for (kind, n) in &series.entries {
            writeln!(out, "  {n} × {kind}")?;
        }
        for grant in &series.grants {
            writeln!(out, "  slot {} for {} credits, due {}", grant.number, grant.credits, grant.at)?;
        }
    }
    writeln!(out, "\nentries until {}, chain head {}", statement.seq, statement.head)
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
