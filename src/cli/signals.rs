//! `signals`, and `signals clear`: what in the count should be looked at before a slot is redeemed.

use std::io::{self, Write};

use clap::{Args, Subcommand};

use super::args::{DataArgs, company_id};
use super::output::{End, print_json};
use super::reach::ask_typed;
use crate::control::Request;
use crate::control::signals::{ClearRequest, Cleared, SignalLine, SignalLines, SignalsRequest};
use crate::referral::CompanyId;

/// `signals`. A running server is asked; without one the data folder is opened here.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct SignalsArgs {
    /// What to do with one.
    #[command(subcommand)]
    pub command: Option<SignalCommand>,
    /// The company.
    #[arg(long, value_name = "ID", value_parser = company_id, required = true)]
    pub company: Option<CompanyId>,
    /// Only what stands on people counted from this day on, in Japan.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Option<String>,
    /// Only what stands on people counted until the end of this day, in Japan.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub to: Option<String>,
    /// The language of what is said.
    #[arg(long, value_name = "LANG", value_parser = ["ja", "en"], default_value = "en")]
    pub lang: String,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// What can be done with a signal.
#[derive(Clone, Debug, Subcommand)]
pub enum SignalCommand {
    /// Say that somebody has looked at a signal and found all in order; it holds no slot back then.
    Clear(ClearArgs),
}

/// `signals clear`.
#[derive(Args, Clone, Debug)]
pub struct ClearArgs {
    /// The name of the signal, as `signals` shows it.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The company.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: CompanyId,
    /// What was looked at and why it is in order, in a line that stays in the ledger for ever.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who looked, if it is not the one who types this.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Only tell what would be.
    #[arg(long)]
    pub dry_run: bool,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Shows the open signals, or clears one.
///
/// # Errors
/// When the reader of the output is gone.
pub fn signals(args: &SignalsArgs, out: &mut dyn Write) -> io::Result<End> {
    match (&args.command, &args.company) {
        (Some(SignalCommand::Clear(args)), _) => clear(args, out),
        (None, Some(company)) => list(args, company, out),
        (None, None) => writeln!(out, "say which company (--company)").map(|()| End::Wrong),
    }
}

fn list(args: &SignalsArgs, company: &CompanyId, out: &mut dyn Write) -> io::Result<End> {
    let what = SignalsRequest { company: company.clone(), from: args.from.clone(), to: args.to.clone() };
    let (value, seen) = match ask_typed::<SignalLines>(&args.data, &Request::Signals { what }) {
        Ok(answer) => answer,
        Err(why) => return writeln!(out, "{why}").map(|()| End::Wrong),
    };
    if args.data.json {
        return print_json(out, &value).map(|()| End::Well);
    }
    let ja = args.lang == "ja";
    if seen.signals.is_empty() {
        writeln!(out, "{}", if ja { "未確認の注意信号はありません" } else { "no open signal" })?;
    }
    seen.signals.iter().try_for_each(|line| print(line, ja, out))?;
    for line in &seen.cleared {
        let (name, at, actor, reason) = (&line.name, &line.at, &line.actor, &line.reason);
        if ja {
            writeln!(out, "確認済み: {name}（記録 {} まで）、{at}、{actor}: {reason}", line.up_to)?;
        } else {
            writeln!(out, "cleared: {name} up to entry {}, {at} by {actor}: {reason}", line.up_to)?;
        }
    }
    Ok(End::Well)
}

fn print(line: &SignalLine, ja: bool, out: &mut dyn Write) -> io::Result<()> {
    let words = if ja { &line.ja } else { &line.en };
    let day = |at: &str| at.get(..10).unwrap_or(at).to_owned();
    let entries: Vec<String> = line.entries.iter().take(ENTRIES_SHOWN).map(ToString::to_string).collect();
    let more = if line.entries.len() > ENTRIES_SHOWN { ", …" } else { "" };
    let slots: Vec<String> = line.slots.iter().map(|slot| format!("{} {}", slot.series, slot.slot)).collect();
    let (first, last) = (day(&line.first_at), day(&line.last_at));
    writeln!(out, "{} ({}): {}", line.name, line.weight, words.title)?;
    writeln!(out, "  {}", words.seen)?;
    writeln!(out, "  {}", words.look)?;
    if ja {
        writeln!(out, "  期間 {first} 〜 {last}、記録 {}{more}", entries.join(", "))?;
    } else {
        writeln!(out, "  from {first} to {last}, entries {}{more}", entries.join(", "))?;
    }
    match (slots.is_empty(), ja) {
        (true, _) => Ok(()),
        (false, true) => writeln!(out, "  確認されるまで利用できない採用枠: {}", slots.join(", ")),
        (false, false) => {
            writeln!(out, "  hire slots that cannot be redeemed before it is cleared: {}", slots.join(", "))
        }
    }
}

/// Entries shown to people; `--json` has all.
const ENTRIES_SHOWN: usize = 10;

fn clear(args: &ClearArgs, out: &mut dyn Write) -> io::Result<End> {
    let what = ClearRequest {
        company: args.company.clone(),
        name: args.name.clone(),
        reason: args.reason.clone(),
        by: args.by.clone(),
        dry_run: args.dry_run,
    };
    match ask_typed::<Cleared>(&args.data, &Request::ClearSignal { what }) {
        Err(why) => writeln!(out, "{why}").map(|()| End::Wrong),
        Ok((value, _)) if args.data.json => print_json(out, &value).map(|()| End::Well),
        Ok((_, Cleared { entry: 0, name })) => {
            writeln!(out, "{name} of {} would be cleared; nothing was written", args.company).map(|()| End::Well)
        }
        Ok((_, Cleared { entry, name })) => {
            writeln!(out, "{name} of {} is cleared: entry {entry}", args.company).map(|()| End::Well)
        }
    }
}
