//! `hold list | show | release`.

use std::io::{self, Write};

use clap::{ArgGroup, Args, Subcommand};
use serde_json::Value;

use super::args::DataArgs;
use super::output::{Done, End, align_right, conclude, print_json, print_table, table};
use super::reach::ask_typed;
use super::reason::meaning;
use crate::control::Request;
use crate::control::hold::{EndedLine, HoldLine, HoldStory};

/// `hold`. A running server is asked; without one the data folder is opened here, and the mail goes at the next start.
#[derive(Clone, Debug, Subcommand)]
pub enum HoldCommand {
    /// List the held mails: whose, since when, until when, and what makes them doubtful.
    List(HoldListArgs),
    /// Show one held mail: its subject and its text, with + in front of what would be inserted.
    Show(HoldArgs),
    /// Let a held mail go, with the line or as it came.
    Release(HoldReleaseArgs),
}

/// `hold list`.
#[derive(Args, Clone, Debug)]
pub struct HoldListArgs {
    /// List how the last holds ended, and who said so.
    #[arg(long)]
    pub ended: bool,
    /// Whose mails.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `hold show`.
#[derive(Args, Clone, Debug)]
pub struct HoldArgs {
    /// The mail, as `hold list` names it.
    #[arg(value_name = "ID")]
    pub id: String,
    /// Whose mails.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `hold release`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("form").required(true))]
pub struct HoldReleaseArgs {
    /// The mail, as `hold list` names it.
    #[arg(value_name = "ID")]
    pub id: String,
    /// It is a rejection: it goes out with the line, and counts.
    #[arg(long, group = "form")]
    pub with_line: bool,
    /// It is none: it goes out as it came.
    #[arg(long, group = "form")]
    pub without_line: bool,
    /// Whose mails.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Does what is asked and prints what came of it.
///
/// # Errors
/// When the reader of the output is gone.
pub fn hold(command: &HoldCommand, out: &mut dyn Write) -> io::Result<End> {
    let done = match command {
        HoldCommand::List(HoldListArgs { ended: true, data }) => list_ended(data, out),
        HoldCommand::List(HoldListArgs { data, .. }) => list(data, out),
        HoldCommand::Show(args) => show(args, out),
        HoldCommand::Release(args) => release(args, out),
    };
    conclude(done, out)
}

fn list(data: &DataArgs, out: &mut dyn Write) -> Done<()> {
    let (value, holds): (Value, Vec<HoldLine>) = ask_typed(data, &Request::Holds)?;
    if data.json {
        return Ok(print_json(out, &value));
    }
    if holds.is_empty() {
        return Ok(writeln!(out, "no mail is held"));
    }
    let row = |h: HoldLine| {
        let left = minutes(h.left_seconds);
        vec![h.id, h.company.unwrap_or_default(), h.received_at, left, h.reason, h.evidence.join(" ")]
    };
    let mut table = table(&["mail", "company", "came", "left", "doubt", "evidence"], holds.into_iter().map(row));
    align_right(&mut table, &[3]);
    Ok(print_table(out, &table))
}

fn list_ended(data: &DataArgs, out: &mut dyn Write) -> Done<()> {
    let (value, ended): (Value, Vec<EndedLine>) = ask_typed(data, &Request::EndedHolds)?;
    if data.json {
        return Ok(print_json(out, &value));
    }
    if ended.is_empty() {
        return Ok(writeln!(out, "no mail was held"));
    }
    let row = |e: EndedLine| {
        let form = if e.with_line { "with the line" } else { "as it came" };
        let actor = e.actor.unwrap_or_else(|| "its time was over".to_owned());
        vec![e.at, e.id, e.company.unwrap_or_default(), e.reason, form.to_owned(), actor]
    };
    let header = ["when", "mail", "company", "doubt", "went out", "by"];
    Ok(print_table(out, &table(&header, ended.into_iter().map(row))))
}

fn show(args: &HoldArgs, out: &mut dyn Write) -> Done<()> {
    let (value, story): (Value, HoldStory) = ask_typed(&args.data, &Request::Hold { id: args.id.clone() })?;
    Ok(if args.data.json { print_json(out, &value) } else { print(&story, out) })
}

fn print(story: &HoldStory, out: &mut dyn Write) -> io::Result<()> {
    let HoldLine { id, company, received_at, left_seconds, reason, evidence, .. } = &story.hold;
    writeln!(out, "mail      {id} of {}, {received_at}", company.as_deref().unwrap_or("nobody"))?;
    writeln!(out, "left      {}; then it goes out as it came", minutes(*left_seconds))?;
    writeln!(out, "doubt     {reason}: {}", meaning(reason).unwrap_or_default())?;
    writeln!(out, "evidence  {}", evidence.join(" "))?;
    writeln!(out, "subject   {}\n", shown(&story.subject))?;
    for line in &story.text {
        writeln!(out, "{} {}", if line.inserted { '+' } else { ' ' }, shown(&line.text))?;
    }
    if story.cut {
        writeln!(out, "(there is more than is shown)")?;
    }
    Ok(())
}

fn release(args: &HoldReleaseArgs, out: &mut dyn Write) -> Done<()> {
    let request = Request::Release { id: args.id.clone(), with_line: args.with_line };
    let (value, ended): (Value, EndedLine) = ask_typed(&args.data, &request)?;
    if args.data.json {
        return Ok(print_json(out, &value));
    }
    let form = if ended.with_line { "with the line" } else { "as it came" };
    let printed = writeln!(out, "{} goes out {form}", ended.id);
    let (Some(template), Some(company)) = (ended.template, ended.company) else { return Ok(printed) };
    let what = if ended.with_line { "get the line" } else { "never get the line" };
    let undo = format!("`teach remove {template} --company {company}` undoes that");
    Ok(printed.and_then(|()| writeln!(out, "from now on mails of its template {what}; {undo}")))
}

/// A mail's text is a stranger's: what could steer a terminal is not written to it.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn minutes(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, _) => format!("{m}m"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}
