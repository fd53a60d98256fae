//! `slot list | reserve | confirm | introduce | redeem | release | void`: the life of hire slots.

use std::io::{self, Write};

use clap::{Args, Subcommand};

use super::args::{DataArgs, company_id};
use super::output::{End, align_right, conclude, print_json, print_table, table};
use super::reach::ask_typed;
use super::redemption::{self, AgreeArgs, RecordArgs, SignArgs};
use crate::control::Request;
use crate::control::slot::{SlotChanged, SlotDeed, SlotLine, SlotRequest};
use crate::referral::CompanyId;

/// `slot`. A running server is asked; without one the data folder is opened here.
#[derive(Clone, Debug, Subcommand)]
pub enum SlotCommand {
    /// Show every hire slot: how far it has come, until when, and what was done to it.
    List(ListArgs),
    /// The company asks for the use of a slot: for what, and until when it is kept for that.
    Reserve(ReserveArgs),
    /// The operator takes the wish on.
    Confirm(ActArgs),
    /// The operator has introduced a person for it.
    Introduce(ActArgs),
    /// The slot was used. It can be when `review_days` of the contract are over.
    Redeem(RedeemArgs),
    /// Give a reserved slot back: it is free again.
    Release(ActArgs),
    /// Take a slot back for good. Its credits do not come back.
    Void(ActArgs),
    /// Print what the operator signs of a slot that was used.
    Record(RecordArgs),
    /// Sign such a record with the operator's key, which stays with the operator. No ledger is needed.
    Sign(SignArgs),
    /// Enter the operator's signature: from then on both sides have agreed that the slot was used.
    Agree(AgreeArgs),
}

/// `slot list`.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// The company; all of them when left out.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// Show what was done to each, too.
    #[arg(long)]
    pub acts: bool,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `slot reserve`.
#[derive(Args, Clone, Debug)]
pub struct ReserveArgs {
    /// What the slot is for, such as the post; no name of a person.
    #[arg(long, value_name = "TEXT")]
    pub wish: String,
    /// The last day it is kept for that, in Japan.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub until: String,
    /// Which, by whom and why.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `slot redeem`.
#[derive(Args, Clone, Debug)]
pub struct RedeemArgs {
    /// What both sides know the hire by, such as the number of its file; no name of a person.
    #[arg(long, value_name = "TEXT")]
    pub hire: Option<String>,
    /// Which, by whom and why.
    #[command(flatten)]
    pub act: ActArgs,
}

/// What every act upon a slot says.
#[derive(Args, Clone, Debug)]
pub struct ActArgs {
    /// The number of the slot, as `slot list` shows it.
    #[arg(value_name = "SLOT")]
    pub slot: u32,
    /// The company.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: CompanyId,
    /// The contract series; the only one when left out.
    #[arg(long, value_name = "NAME")]
    pub series: Option<String>,
    /// Why, in a line that stays in the ledger for ever.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who wanted it, if it is not the one who types this.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Only tell what would be.
    #[arg(long)]
    pub dry_run: bool,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Lists slots, or does something to one.
///
/// # Errors
/// When the reader of the output is gone.
pub fn slot(command: &SlotCommand, out: &mut dyn Write) -> io::Result<End> {
    match command {
        SlotCommand::List(args) => list(args, out),
        SlotCommand::Reserve(args) => {
            let (wish, until) = (args.wish.clone(), args.until.clone());
            act(&args.act, SlotDeed::Reserve { wish, until }, out)
        }
        SlotCommand::Confirm(args) => act(args, SlotDeed::Confirm, out),
        SlotCommand::Introduce(args) => act(args, SlotDeed::Introduce, out),
        SlotCommand::Redeem(args) => act(&args.act, SlotDeed::Redeem { hire: args.hire.clone() }, out),
        SlotCommand::Release(args) => act(args, SlotDeed::Release, out),
        SlotCommand::Void(args) => act(args, SlotDeed::Void, out),
        SlotCommand::Record(args) => conclude(redemption::record(args, out), out),
        SlotCommand::Sign(args) => conclude(redemption::sign(args, out), out),
        SlotCommand::Agree(args) => act(&args.act, SlotDeed::Sign { signature: args.signature.clone() }, out),
    }
}

fn list(args: &ListArgs, out: &mut dyn Write) -> io::Result<End> {
    let (value, lines) = match ask_typed::<Vec<SlotLine>>(&args.data, &Request::Slots { company: args.company.clone() })
    {
        Ok(answer) => answer,
        Err(why) => return writeln!(out, "{why}").map(|()| End::Wrong),
    };
    if args.data.json {
        return print_json(out, &value).map(|()| End::Well);
    }
    if lines.is_empty() {
        return writeln!(out, "no hire slot has been granted yet").map(|()| End::Well);
    }
    let day = |at: &str| at.get(..10).unwrap_or(at).to_owned();
    let rows = lines.iter().map(|line| {
        let until = line.reserved_until.as_deref().or(line.expires_at.as_deref()).map(day).unwrap_or_default();
        let wish = line.wish.clone().unwrap_or_default();
        let (number, granted) = (line.slot.to_string(), day(&line.granted_at));
        let agreed = redemption::agreed(line).to_owned();
        vec![line.company.clone(), line.series.clone(), number, line.stage.clone(), agreed, granted, until, wish]
    });
    let mut shown = table(&["company", "series", "slot", "stage", "agreed", "granted", "until", "wish"], rows);
    align_right(&mut shown, &[2]);
    print_table(out, &shown)?;
    if args.acts {
        for line in &lines {
            for act in &line.acts {
                let (company, series, slot) = (&line.company, &line.series, line.slot);
                let (at, deed, actor, reason) = (&act.at, &act.deed, &act.actor, &act.reason);
                writeln!(out, "{company} {series} {slot}: {at} {deed} by {actor}: {reason}")?;
            }
        }
    }
    Ok(End::Well)
}

fn act(args: &ActArgs, what: SlotDeed, out: &mut dyn Write) -> io::Result<End> {
    let what_is_signed = matches!(what, SlotDeed::Sign { .. });
    let request = SlotRequest {
        company: args.company.clone(),
        series: args.series.clone(),
        slot: args.slot,
        what,
        reason: args.reason.clone(),
        by: args.by.clone(),
        dry_run: args.dry_run,
    };
    match ask_typed::<SlotChanged>(&args.data, &Request::Slot { what: request }) {
        Err(why) => writeln!(out, "{why}").map(|()| End::Wrong),
        Ok((value, _)) if args.data.json => print_json(out, &value).map(|()| End::Well),
        Ok((_, changed)) => {
            let SlotLine { company, series, slot, .. } = &changed.slot;
            let stage = &changed.stage;
            let signed = if what_is_signed { ", signed by the operator" } else { "" };
            if changed.entry == 0 {
                writeln!(out, "slot {slot} of {company} ({series}) would be {stage}{signed}; nothing was written")?;
            } else {
                writeln!(out, "slot {slot} of {company} ({series}) is {stage}{signed}: entry {}", changed.entry)?;
            }
            Ok(End::Well)
        }
    }
}
