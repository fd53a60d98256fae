//! `dispute open | answer | accept | reject | adjust | list | show`: what is contested of the count.

use std::io::{self, Write};

use clap::{Args, Subcommand};

use super::args::{DataArgs, company_id};
use super::output::{End, align_right, print_json, print_table, table};
use super::reach::ask_typed;
use crate::control::count::{CountChanged, CountDeed, CountRequest, DisputeLine};
use crate::control::{Month, Request};
use crate::ledger::{Contested, Kind};
use crate::referral::CompanyId;

/// `dispute`. A running server is asked; without one the data folder is opened here.
#[derive(Clone, Debug, Subcommand)]
pub enum DisputeCommand {
    /// Contest entries, or a figure that differs; the number of the new entry is that of the dispute.
    Open(OpenArgs),
    /// Say something to it as the other side.
    Answer(StepArgs),
    /// It is right: credits may be adjusted by it, once.
    Accept(StepArgs),
    /// It is not.
    Reject(StepArgs),
    /// Add or take credits by an accepted dispute, once.
    Adjust(AdjustArgs),
    /// Show every dispute: what it is about, how far it has come, until when an answer is expected.
    List(ListArgs),
    /// Show one dispute with every step.
    Show(ShowArgs),
}

/// `dispute open`.
#[derive(Args, Clone, Debug)]
pub struct OpenArgs {
    /// The entries it is about, by their numbers; may be given again.
    #[arg(long = "entry", value_name = "NUMBER")]
    pub entries: Vec<u64>,
    /// The month of a figure that differs.
    #[arg(long, value_name = "YYYY-MM", requires = "stage", conflicts_with = "entries")]
    pub month: Option<Month>,
    /// The figure: the kind of entry that is counted otherwise, as `reconcile` names it.
    #[arg(long, value_name = "STAGE", requires = "difference", value_parser = stage)]
    pub stage: Option<String>,
    /// By how much it differs: theirs less ours.
    #[arg(long, value_name = "N", requires = "month", allow_hyphen_values = true)]
    pub difference: Option<i64>,
    /// The last day for an answer, in Japan.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub until: String,
    /// The contract series; the only one when left out.
    #[arg(long, value_name = "NAME")]
    pub series: Option<String>,
    /// Whose count, by whom and why.
    #[command(flatten)]
    pub act: CountArgs,
}

/// What every act upon the count says.
#[derive(Args, Clone, Debug)]
pub struct CountArgs {
    /// The company.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: CompanyId,
    /// What is said, in a line that stays in the ledger for ever.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who says so, if it is not the one who types this.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Only tell what would be.
    #[arg(long)]
    pub dry_run: bool,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `dispute answer`, `accept` and `reject`.
#[derive(Args, Clone, Debug)]
pub struct StepArgs {
    /// The dispute, as `dispute list` shows it.
    #[arg(value_name = "DISPUTE")]
    pub dispute: u64,
    /// Whose count, by whom and why.
    #[command(flatten)]
    pub act: CountArgs,
}

/// `dispute adjust`.
#[derive(Args, Clone, Debug)]
pub struct AdjustArgs {
    /// Credits to add; with a minus in front, credits to take.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub credits: i64,
    /// Which dispute, by whom and why.
    #[command(flatten)]
    pub step: StepArgs,
}

/// `dispute list`.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// The company; all of them when left out.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `dispute show`.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// The dispute.
    #[arg(value_name = "DISPUTE")]
    pub dispute: u64,
    /// The company.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: CompanyId,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Lists disputes, or does something to one.
///
/// # Errors
/// When the reader of the output is gone.
pub fn dispute(command: &DisputeCommand, out: &mut dyn Write) -> io::Result<End> {
    match command {
        DisputeCommand::Open(args) => open(args, out),
        DisputeCommand::Answer(StepArgs { dispute, act }) => step(act, CountDeed::Answer { dispute: *dispute }, out),
        DisputeCommand::Accept(StepArgs { dispute, act }) => step(act, CountDeed::Accept { dispute: *dispute }, out),
        DisputeCommand::Reject(StepArgs { dispute, act }) => step(act, CountDeed::Reject { dispute: *dispute }, out),
        DisputeCommand::Adjust(AdjustArgs { credits, step: StepArgs { dispute, act } }) => {
            step(act, CountDeed::Adjust { dispute: *dispute, credits: *credits }, out)
        }
        DisputeCommand::List(args) => list(&args.data, args.company.as_ref(), None, out),
        DisputeCommand::Show(args) => list(&args.data, Some(&args.company), Some(args.dispute), out),
    }
}

fn open(args: &OpenArgs, out: &mut dyn Write) -> io::Result<End> {
    let about = Contested {
        entries: args.entries.clone(),
        month: args.month.map(|month| month.to_string()),
        stage: args.stage.clone(),
        difference: args.difference,
    };
    let (until, series) = (args.until.clone(), args.series.clone());
    step(&args.act, CountDeed::Dispute { about, until, series }, out)
}

fn step(args: &CountArgs, what: CountDeed, out: &mut dyn Write) -> io::Result<End> {
    let done = match &what {
        CountDeed::Reverse { .. } => "the credit is given back",
        CountDeed::Dispute { .. } => "the dispute is open",
        CountDeed::Answer { .. } => "the dispute is answered",
        CountDeed::Accept { .. } => "the dispute is accepted",
        CountDeed::Reject { .. } => "the dispute is rejected",
        CountDeed::Adjust { .. } => "the credits are adjusted",
    };
    act(args, what, done, out)
}

/// Does something to the count, and tells what came of it.
///
/// # Errors
/// When the reader of the output is gone.
pub fn act(args: &CountArgs, what: CountDeed, done: &str, out: &mut dyn Write) -> io::Result<End> {
    let CountArgs { company, reason, by, dry_run, data } = args;
    let (company, reason, by) = (company.clone(), reason.clone(), by.clone());
    let request = CountRequest { company, what, reason, by, dry_run: *dry_run };
    match ask_typed::<CountChanged>(data, &Request::Count { what: request }) {
        Err(why) => writeln!(out, "{why}").map(|()| End::Wrong),
        Ok((value, _)) if data.json => print_json(out, &value).map(|()| End::Well),
        Ok((_, changed)) => print(&changed, done, out).map(|()| End::Well),
    }
}

fn print(changed: &CountChanged, done: &str, out: &mut dyn Write) -> io::Result<()> {
    let CountChanged { entry, written, toward, granted, voided } = changed;
    if *written {
        writeln!(out, "{done}: entry {entry}; {toward} toward the next hire slot")?;
    } else {
        writeln!(out, "it would be so: {done}; {toward} toward the next hire slot; nothing was written")?;
    }
    let numbers = |slots: &[u32]| slots.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if !granted.is_empty() {
        writeln!(out, "hire slots granted: {}", numbers(granted))?;
    }
    if !voided.is_empty() {
        writeln!(out, "hire slots voided: {}", numbers(voided))?;
    }
    Ok(())
}

fn list(data: &DataArgs, company: Option<&CompanyId>, only: Option<u64>, out: &mut dyn Write) -> io::Result<End> {
    let request = Request::Disputes { company: company.cloned() };
    let mut lines = match ask_typed::<Vec<DisputeLine>>(data, &request) {
        Ok((_, lines)) => lines,
        Err(why) => return writeln!(out, "{why}").map(|()| End::Wrong),
    };
    lines.retain(|line| only.is_none_or(|only| line.dispute == only));
    if let (Some(only), true) = (only, lines.is_empty()) {
        return writeln!(out, "there is no dispute {only}: see career-relay dispute list").map(|()| End::Wrong);
    }
    if data.json {
        return if only.is_some() { print_json(out, &lines.first()) } else { print_json(out, &lines) }
            .map(|()| End::Well);
    }
    if lines.is_empty() {
        return writeln!(out, "nothing is contested").map(|()| End::Well);
    }
    let rows = lines.iter().map(|line| {
        let stage = if line.overdue { format!("{}, overdue", line.stage) } else { line.stage.clone() };
        let until = line.until.get(..10).unwrap_or(&line.until).to_owned();
        vec![line.company.clone(), line.dispute.to_string(), line.series.clone(), stage, until, about(&line.about)]
    });
    let mut shown = table(&["company", "dispute", "series", "stage", "answer until", "about"], rows);
    align_right(&mut shown, &[1]);
    print_table(out, &shown)?;
    for step in lines.iter().filter(|_| only.is_some()).flat_map(|line| &line.steps) {
        writeln!(out, "{} {} by {}: {} (entry {})", step.at, step.deed, step.actor, step.reason, step.entry)?;
    }
    Ok(End::Well)
}

fn about(about: &Contested) -> String {
    let Contested { entries, month, stage, difference } = about;
    match (month, stage, difference) {
        (Some(month), Some(stage), Some(difference)) => format!("{month} {stage} {difference:+}"),
        _ => format!("entries {}", entries.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn stage(code: &str) -> Result<String, String> {
    let known = code == crate::control::reconcile::COUNTED || Kind::ALL.iter().any(|kind| kind.code() == code);
    if known { Ok(code.to_owned()) } else { Err("counted, or a kind of entry such as registered".to_owned()) }
}
