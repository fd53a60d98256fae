//! `off`, `on`, `resume`.

use std::io::{self, Write};

use clap::Args;
use serde_json::Value;

use super::args::{DataArgs, company_id};
use super::output::{End, conclude, print_json};
use super::reach::ask_typed;
use crate::control::Request;
use crate::control::switch::{OffLine, StopLine, Switched};
use crate::referral::CompanyId;

/// `off` and `on`.
#[derive(Args, Clone, Debug)]
pub struct SwitchArgs {
    /// The company; all of them when left out.
    #[arg(value_name = "COMPANY", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// Whose server.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `resume`.
#[derive(Args, Clone, Debug)]
pub struct ResumeArgs {
    /// The company; all of them when left out.
    #[arg(value_name = "COMPANY", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// The next hop, as `status` names it; all of them when left out.
    #[arg(long, value_name = "NAME")]
    pub next_hop: Option<String>,
    /// Whose server.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Stops the line, or lets it be written again.
///
/// # Errors
/// When the reader of the output is gone.
pub fn switch(args: &SwitchArgs, off: bool, out: &mut dyn Write) -> io::Result<End> {
    let done = ask_typed::<Switched>(&args.data, &Request::Switch { company: args.company.clone(), off });
    tell(&args.data, done, out, |switched, out| {
        let of = args.company.as_ref().map_or("any company".to_owned(), ToString::to_string);
        if off {
            writeln!(out, "nothing is inserted into mails of {of} any more; mail flows")?;
        } else {
            writeln!(out, "the line is written into mails of {of} again")?;
        }
        if switched.let_go > 0 {
            writeln!(out, "mails that were held and go out as they came: {}", switched.let_go)?;
        }
        off_lines(&switched.off, out)
    })
}

/// Lets mails be edited again that next hops had refused.
///
/// # Errors
/// When the reader of the output is gone.
pub fn resume(args: &ResumeArgs, out: &mut dyn Write) -> io::Result<End> {
    let request = Request::ResumeEditing { company: args.company.clone(), next_hop: args.next_hop.clone() };
    tell(&args.data, ask_typed::<Vec<StopLine>>(&args.data, &request), out, |stops, out| {
        stops
            .iter()
            .try_for_each(|stop| writeln!(out, "mails of {} are edited again for {}", stop.company, stop.next_hop))
    })
}

/// For whom nothing is inserted, one a line.
///
/// # Errors
/// When the reader of the output is gone.
pub fn off_lines(off: &[OffLine], out: &mut dyn Write) -> io::Result<()> {
    off.iter().try_for_each(|line| {
        let of = line.company.as_deref().unwrap_or("every company");
        writeln!(out, "OFF: {of}, since {} by {}", line.since, line.actor)
    })
}

/// The next hops that refuse edited mails, one a line.
///
/// # Errors
/// When the reader of the output is gone.
pub fn stop_lines(stops: &[StopLine], out: &mut dyn Write) -> io::Result<()> {
    stops.iter().try_for_each(|stop| {
        let StopLine { company, next_hop, since } = stop;
        writeln!(
            out,
            "EDITING STOPPED: {company} at {next_hop}, since {since}: it refuses mails with the line; `resume`"
        )
    })
}

type Answer<T> = Result<(Value, T), String>;

fn tell<T>(
    data: &DataArgs,
    done: Answer<T>,
    out: &mut dyn Write,
    print: impl FnOnce(T, &mut dyn Write) -> io::Result<()>,
) -> io::Result<End> {
    let written = done.map(|(value, typed)| if data.json { print_json(out, &value) } else { print(typed, out) });
    conclude(written, out)
}
