//! `evidence import | mail`: the second way in, for rejections that an ATS sends by itself with the company's link.
//!
//! What its export or a copy tells is evidence of a lower class, and counts only if the contract says so.

mod rows;
mod table;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::fmt::rfc2822;
use serde::Serialize;

use self::rows::{Columns, Faulty};
use super::args::{DataArgs, company_id};
use super::mailfile::{Decider, MailFile};
use super::output::{Done, End, conclude, print_json};
use super::reach::ask_server;
use crate::control::Request;
use crate::control::observe::{MAILS_MAX, ObserveRequest, Observed, ObservedMail};
use crate::control::spool::Unlogged;
use crate::ledger::name_of_elsewhere;
use crate::mail::message::Message;
use crate::pipeline::{Outcome, envelope_of};
use crate::referral::CompanyId;
use crate::sys::clock;

/// Octets of an export that are read.
const INPUT_OCTETS_MAX: u64 = 64 << 20;

/// `evidence`. A running server takes it, as it takes every referral.
#[derive(Clone, Debug, Subcommand)]
pub enum EvidenceCommand {
    /// Enter the mails of an ATS export: a CSV file in UTF-8 or CP932 with a header. Every row that makes no mail is
    /// told; then nothing is entered, unless --skip-faulty is given. Entered twice adds nothing.
    Import(ImportArgs),
    /// Enter one mail from a copy (BCC) on standard input, if it is a rejection with the company's link.
    Mail(MailArgs),
}

/// `evidence import`.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// The file; - reads standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Which column holds what, by header or number, such as address=2,date=送信日時,subject=件名; by the usual headers
    /// when left out. Other columns are not looked at.
    #[arg(long, value_name = "NAME=COLUMN,…")]
    pub columns: Option<String>,
    /// Take those rows alone whose subject holds these words, such as 選考結果.
    #[arg(long, value_name = "WORDS")]
    pub subject_has: Option<String>,
    /// Enter the other rows where some are faulty.
    #[arg(long)]
    pub skip_faulty: bool,
    /// How they are entered.
    #[command(flatten)]
    pub how: HowArgs,
}

/// `evidence mail`.
#[derive(Args, Clone, Debug)]
pub struct MailArgs {
    /// How it is entered.
    #[command(flatten)]
    pub how: HowArgs,
}

/// How evidence is entered.
#[derive(Args, Clone, Debug)]
pub struct HowArgs {
    /// The company whose mails they are.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: CompanyId,
    /// Only tell what would be entered.
    #[arg(long)]
    pub dry_run: bool,
    /// Whose server.
    #[command(flatten)]
    pub data: DataArgs,
}

/// What came of it: the object of `--json`.
#[derive(Default, Serialize)]
struct Taken {
    #[serde(flatten)]
    observed: Observed,
    /// Rows whose subject does not hold the words.
    passed_over: u64,
    /// Rows that make no mail.
    faulty: Vec<Faulty>,
}

/// Enters evidence, and prints what came of it.
///
/// # Errors
/// When the reader of the output is gone.
pub fn evidence(command: &EvidenceCommand, out: &mut dyn Write) -> io::Result<End> {
    let done = match command {
        EvidenceCommand::Import(args) => import(args, out),
        EvidenceCommand::Mail(args) => mail(args, out),
    };
    conclude(done, out)
}

fn import(args: &ImportArgs, out: &mut dyn Write) -> Done {
    let octets = read(&args.file)?;
    let (rows, broken) = table::read(&octets);
    let mut taken = Taken::default();
    taken.faulty.extend(broken.into_iter().map(|b| Faulty { line: b.line, why: b.why.to_owned() }));
    let (header, rows) = rows.split_first().ok_or("there is no row in the file")?;
    let columns = Columns::find(header, args.columns.as_deref())?;
    let mut mails = Vec::with_capacity(rows.len());
    for row in rows {
        match columns.mail(row, args.subject_has.as_deref()) {
            Ok(Some(mail)) => mails.push(mail),
            Ok(None) => taken.passed_over += 1,
            Err(faulty) => taken.faulty.push(faulty),
        }
    }
    taken.faulty.sort_by_key(|faulty| faulty.line);
    let enters = taken.faulty.is_empty() || args.skip_faulty;
    if enters {
        for part in mails.chunks(MAILS_MAX) {
            add(&mut taken.observed, send(&args.how, part.to_vec())?);
        }
    }
    Ok(tell(&args.how, &taken, enters, out))
}

fn mail(args: &MailArgs, out: &mut dyn Write) -> Done {
    let mail = MailFile::read(Path::new("-"))?;
    let decider = Decider::new(Some(&args.how.data.config.config), Some(&args.how.company))?;
    let mails = match decider.into_live().decide(&mail) {
        Outcome::Referred(referred) if referred.inserted.is_empty() => {
            let numbers: Vec<usize> =
                referred.copies.iter().flat_map(|copy| copy.offers.iter().map(|offer| offer.recipient)).collect();
            mails_of(&mail, &numbers)
        }
        Outcome::Referred(_) | Outcome::Held(_) => {
            return Err("not entered (no_link): the company's link is not in it; see `career-relay snippet`".to_owned());
        }
        Outcome::Untouched(untouched) => {
            return Err(format!("not entered ({}): see `career-relay explain`", untouched.reason));
        }
    };
    let taken = Taken { observed: send(&args.how, mails)?, ..Taken::default() };
    Ok(tell(&args.how, &taken, true, out))
}

/// One for each of these recipients. A mail is known by its Message-ID, which every copy of it has.
fn mails_of(mail: &MailFile, numbers: &[usize]) -> Vec<ObservedMail> {
    let message = Message::read(&mail.wire);
    let envelope = envelope_of(&message);
    let now = clock::now();
    let date = message.header("Date").and_then(|date| rfc2822::parse(date.trim()).ok());
    let at = date.map(|date| date.timestamp()).filter(|at| *at <= now).unwrap_or(now);
    let id = message.header("Message-ID").map(str::trim).filter(|id| !id.is_empty());
    let known_by = id.map_or_else(|| String::from_utf8_lossy(&mail.wire), Into::into);
    let name = format!("mail-{}", name_of_elsewhere(&known_by));
    let one = |number: &usize| {
        let address = Unlogged(envelope.recipients.get(*number)?.to_string());
        Some(ObservedMail { address, at: at.to_string(), name: name.clone() })
    };
    numbers.iter().filter_map(one).collect()
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let named = |e: io::Error| format!("{}: cannot be read: {e}", file.display());
    let mut octets = Vec::new();
    if file.as_os_str() == "-" {
        io::stdin().take(INPUT_OCTETS_MAX + 1).read_to_end(&mut octets).map_err(named)?;
    } else {
        File::open(file).map_err(named)?.take(INPUT_OCTETS_MAX + 1).read_to_end(&mut octets).map_err(named)?;
    }
    if octets.len() as u64 > INPUT_OCTETS_MAX {
        return Err(format!("over {} MiB: import it in parts", INPUT_OCTETS_MAX >> 20));
    }
    Ok(octets)
}

fn send(how: &HowArgs, mails: Vec<ObservedMail>) -> Result<Observed, String> {
    let what = ObserveRequest { company: how.company.clone(), mails, dry_run: how.dry_run };
    let answer = ask_server(&how.data, &Request::Observe { what })?;
    let answer =
        answer.ok_or("no server runs: it takes evidence as it takes every referral; start it, and try again")?;
    serde_json::from_value(answer).map_err(|why| format!("the server answers in another form: {why}"))
}

fn add(sum: &mut Observed, part: Observed) {
    sum.entered += part.entered;
    sum.known += part.known;
    sum.counts = part.counts;
    for (code, mails) in part.excluded {
        *sum.excluded.entry(code).or_default() += mails;
    }
}

fn tell(how: &HowArgs, taken: &Taken, enters: bool, out: &mut dyn Write) -> io::Result<End> {
    let end = if taken.faulty.is_empty() { End::Well } else { End::Wrong };
    if how.data.json {
        return print_json(out, taken).map(|()| end);
    }
    for Faulty { line, why } in &taken.faulty {
        writeln!(out, "line {line}: {why}")?;
    }
    if !enters {
        writeln!(out, "nothing is entered: mend these rows, or enter the others with --skip-faulty")?;
        return Ok(end);
    }
    let Observed { entered, known, excluded, counts } = &taken.observed;
    let would = if how.dry_run { "would be " } else { "" };
    writeln!(out, "{entered} mails of {} {would}entered as observed; {known} were known already", how.company)?;
    for (code, mails) in excluded {
        writeln!(out, "not entered ({code}): {mails}")?;
    }
    if taken.passed_over > 0 {
        writeln!(out, "passed over by their subject: {}", taken.passed_over)?;
    }
    if !counts {
        writeln!(out, "by the contract in force they do not count: count_observed is not set")?;
    }
    Ok(end)
}
