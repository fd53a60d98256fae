//! `teach FILE…` and `teach list | show | approve | refuse | remove`: what HR says of templates.
//!
//! One word for all of it: files teach a template, and what the server has seen is approved or refused in one list.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use serde_json::Value;

use super::args::{DataArgs, company_id};
use super::mailfile::MailFile;
use super::output::{Done, End, conclude, print_json, print_table, table};
use super::reach::ask_typed;
use crate::classify::Rules;
use crate::classify::template::{Fingerprint, Specimen, Stand};
use crate::control::Request;
use crate::control::teach::{Taught, TeachRequest, TemplateLine, TemplateLists, TemplateStory};
use crate::mail::message::Message;
use crate::mail::view::View;
use crate::referral::CompanyId;

/// `teach`. A running server is told and takes it at once; without one the data folder is changed here.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct TeachArgs {
    /// What is to be said of templates that are known already.
    #[command(subcommand)]
    pub command: Option<TeachCommand>,
    /// Mails of one template as files; - reads one from standard input. What differs between several is left open.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Whose template it is.
    #[arg(long, value_name = "ID", value_parser = company_id, required = true)]
    pub company: Option<CompanyId>,
    /// What its mails are: rejections that get the line, or mails that never get it.
    #[arg(long = "as", value_name = "WHAT", required = true,
          value_parser = PossibleValuesParser::new(Stand::ALL.map(Stand::code)).try_map(stand))]
    pub stand: Option<Stand>,
    /// What people call it.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Some words of the sentence that states the result, where no rule knows it. The line goes behind it.
    #[arg(long, value_name = "WORDS")]
    pub result: Option<String>,
    /// Where it is kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `teach list` and its like.
#[derive(Clone, Debug, Subcommand)]
pub enum TeachCommand {
    /// List the templates HR has said something of and those that were seen, and domains that look like agencies.
    List(ListArgs),
    /// Show one template, and who said what of it when.
    Show(OneArgs),
    /// Say that mails of a template that was seen are rejections, and get the line.
    Approve(OneArgs),
    /// Say that mails of a template never get the line.
    Refuse(OneArgs),
    /// Take back what was said of a template. What was said stays written down.
    Remove(OneArgs),
}

/// `teach list`.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// The templates of this company alone.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// Where they are kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// One template.
#[derive(Args, Clone, Debug)]
pub struct OneArgs {
    /// Its id, or the beginning of it.
    #[arg(value_name = "TEMPLATE")]
    pub id: String,
    /// Whose it is.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: CompanyId,
    /// What people call it.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Where it is kept.
    #[command(flatten)]
    pub data: DataArgs,
}

fn stand(code: String) -> Result<Stand, String> {
    Stand::parse(&code).ok_or(code)
}

/// Does what is asked and prints what came of it.
///
/// # Errors
/// When the reader of the output is gone.
pub fn teach(args: &TeachArgs, out: &mut dyn Write) -> io::Result<End> {
    let done = match &args.command {
        None => learn(args, out),
        Some(TeachCommand::List(args)) => list(args, out),
        Some(TeachCommand::Show(args)) => show(args, out),
        Some(TeachCommand::Approve(args)) => say(args, Stand::Rejection.code(), out),
        Some(TeachCommand::Refuse(args)) => say(args, Stand::Never.code(), out),
        Some(TeachCommand::Remove(args)) => say(args, "remove", out),
    };
    conclude(done, out)
}

fn learn(args: &TeachArgs, out: &mut dyn Write) -> Done {
    let (Some(company), Some(stand)) = (args.company.clone(), args.stand) else {
        return Err("name the company with --company, and say what the mails are with --as".to_owned());
    };
    let rules = Rules::of_all_languages();
    let mut specimens = Vec::with_capacity(args.files.len());
    for path in &args.files {
        let mail = MailFile::read(path)?;
        let view = View::read(&Message::read(&mail.wire));
        let read = Specimen::read(&view, args.result.as_deref(), &rules);
        specimens.push(read.map_err(|why| format!("{}: {why}", path.display()))?);
    }
    let print = Fingerprint::of(&specimens)
        .map_err(|at| format!("{}: is of another template than the first file", args.files[at].display()))?;
    let taught = Taught::learnt(print.id(), &print, stand, (args.name.clone(), "teach"));
    let states = specimens.first().map(Specimen::excerpt).unwrap_or_default();
    let (value, lines) = send(&args.data, company, vec![taught])?;
    if args.data.json {
        return Ok(print_json(out, &value).map(|()| End::Well));
    }
    Ok(tell(&lines, out).and_then(|()| writeln!(out, "  known by: {states}")).map(|()| End::Well))
}

fn say(args: &OneArgs, act: &str, out: &mut dyn Write) -> Done {
    let (act, source) = (act.to_owned(), "seen".to_owned());
    let taught = Taught { id: args.id.clone(), act, name: args.name.clone(), fingerprint: None, source };
    let (value, lines) = send(&args.data, args.company.clone(), vec![taught])?;
    let printed = if args.data.json {
        print_json(out, &value)
    } else if lines.is_empty() {
        writeln!(out, "{}: nothing is said of it any more", args.id)
    } else {
        tell(&lines, out)
    };
    Ok(printed.map(|()| End::Well))
}

/// Sends what is said of templates of a company; the answer as it came, and in its form.
pub(super) fn send(
    data: &DataArgs,
    company: CompanyId,
    templates: Vec<Taught>,
) -> Result<(Value, Vec<TemplateLine>), String> {
    ask_typed(data, &Request::Teach { what: TeachRequest { company, templates } })
}

/// What is said of each template from now on.
pub(super) fn tell(lines: &[TemplateLine], out: &mut dyn Write) -> io::Result<()> {
    lines.iter().try_for_each(|line| {
        let name = line.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let what = match line.stand.as_str() {
            "rejection" => "its mails are rejections, and get the line",
            "never" => "its mails never get the line",
            _ => "nothing is said of it any more",
        };
        writeln!(out, "{}{name}: {what}", line.id)
    })
}

fn list(args: &ListArgs, out: &mut dyn Write) -> Done {
    let (value, lists): (Value, TemplateLists) =
        ask_typed(&args.data, &Request::Templates { company: args.company.clone() })?;
    if args.data.json {
        return Ok(print_json(out, &value).map(|()| End::Well));
    }
    Ok(print_lists(lists, out).map(|()| End::Well))
}

fn print_lists(lists: TemplateLists, out: &mut dyn Write) -> io::Result<()> {
    if lists.templates.is_empty() {
        writeln!(out, "no template is known: `teach FILE` learns one, and mode observe or approved sees them")?;
    } else {
        let header = ["company", "template", "is", "mails", "share", "first seen", "last seen", "name", "said by"];
        print_table(out, &table(&header, lists.templates.into_iter().map(row)))?;
    }
    for agency in lists.agencies {
        writeln!(
            out,
            "{}: a mailbox at {} gets rejections about several people: enter it under agencies, if it is one",
            agency.company, agency.domain
        )?;
    }
    Ok(())
}

fn row(line: TemplateLine) -> Vec<String> {
    let share = if line.mails == 0 { String::new() } else { format!("{}%", line.percent) };
    let when = |at: Option<String>| at.unwrap_or_default();
    let (first, last, name) = (when(line.first), when(line.last), line.name.unwrap_or_default());
    let mails = line.mails.to_string();
    vec![line.company, line.id, line.stand, mails, share, first, last, name, line.actor.unwrap_or_default()]
}

fn show(args: &OneArgs, out: &mut dyn Write) -> Done {
    let request = Request::Template { company: args.company.clone(), id: args.id.clone() };
    let (value, story): (Value, TemplateStory) = ask_typed(&args.data, &request)?;
    if args.data.json {
        return Ok(print_json(out, &value).map(|()| End::Well));
    }
    let changes = story.changes.into_iter().map(|change| vec![change.at, change.act, change.source, change.actor]);
    let changes = table(&["at", "said", "met by", "by"], changes);
    let lists = TemplateLists { templates: vec![story.template], agencies: Vec::new() };
    let printed = print_lists(lists, out).and_then(|()| writeln!(out)).and_then(|()| print_table(out, &changes));
    Ok(printed.map(|()| End::Well))
}
