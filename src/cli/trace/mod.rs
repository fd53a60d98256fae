//! `trace`: the whole story of a person's mails, or of one mail.

pub mod args;
mod log;
mod story;

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::Value;

use super::folder::reach;
use super::output::{End, print_json};
use super::spool::read_address;
use crate::control::Request;
use crate::control::trace::{Subject, Trace};
use crate::sys::clock;
use args::TraceArgs;

/// Asks, and tells the story.
///
/// # Errors
/// When the reader of the output is gone.
pub fn trace(args: &TraceArgs, out: &mut dyn Write) -> io::Result<End> {
    let (subject, trace, said) = match gather(args) {
        Ok(gathered) => gathered,
        Err(why) => return writeln!(out, "{why}").map(|()| End::Wrong),
    };
    let is_known = !trace.is_empty() || !said.is_empty();
    let end = if is_known { End::Well } else { End::Wrong };
    if args.data.json {
        let mut value = serde_json::to_value(&trace)?;
        value["log"] = serde_json::to_value(said.into_values().flatten().map(|line| line.object).collect::<Vec<_>>())?;
        return print_json(out, &value).map(|()| end);
    }
    if is_known {
        story::print(&subject, &trace, &said, clock::now(), out)?;
    } else {
        let whose = if args.to.is_some() { "mail to this address" } else { "this mail" };
        writeln!(out, "nothing is known of {whose}: neither custody nor outbox nor ledger has it")?;
        writeln!(out, "mail that passed without a referral is in the log alone, by its id: --id ID --log FILE")?;
    }
    Ok(end)
}

/// What the log says, by mail.
type Said = BTreeMap<String, Vec<log::Line>>;

fn gather(args: &TraceArgs) -> Result<(Subject, Trace, Said), String> {
    let reads_twice = args.to.as_deref() == Some("-") && args.log.iter().any(|file| file.as_os_str() == "-");
    if reads_twice {
        return Err("standard input holds either the address or the log: name a file for one of them".to_owned());
    }
    let subject = match (&args.to, &args.id) {
        (Some(to), _) => Subject::To(read_address(to)?),
        (None, Some(id)) => Subject::Id(id.clone()),
        (None, None) => return Err("say whose mail with --to, or which with --id".to_owned()),
    };
    // Opened while we are still who asked: without a server we become the owner of the data folder.
    let logs = args.log.iter().map(|file| log::open(file)).collect::<Result<Vec<_>, _>>()?;
    let trace: Trace = reach(&args.data)?.ask(Request::Trace { subject: subject.clone() })?;
    let ids = trace.ids(&subject);
    let mut said = Said::new();
    for mut log in logs {
        log.read(&ids, &mut said)?;
    }
    Ok((subject, trace, said))
}

/// An object of the log.
type Object = Value;
