//! `operator import`: what the operator tells of a company's referrals, from his file into the ledger.

pub mod read;
mod sheet;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use data_encoding::HEXLOWER;
use serde::Serialize;

use self::read::{Form, Told};
use super::args::{DataArgs, company_id};
use super::output::{Done, End, conclude, counted, print_json};
use super::reach::ask_typed;
use crate::control::Request;
use crate::control::operator::{BadRow, ImportRequest, Imported, ROWS_MAX, ToldRow, TotalRow};
use crate::ledger::act::sha256;
use crate::referral::CompanyId;
use crate::sys::clock;

/// Octets of a file that are read.
const FILE_OCTETS_MAX: u64 = 256 << 20;
/// Rows that are named in full.
const NAMED_MAX: usize = 100;

/// `operator`. A running server is asked; without one the data folder is opened here.
#[derive(Clone, Debug, Subcommand)]
pub enum OperatorCommand {
    /// Enter the operator's list (token, event, at) or totals (month, event, people): registered, supported,
    /// reemployed, left, `opted_out`. What was entered before adds nothing. If a row cannot be taken nothing is
    /// entered, unless --skip-bad is given.
    Import(ImportArgs),
}

/// `operator import`.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// The operator's file.
    #[command(flatten)]
    pub file: FileArgs,
    /// Enter the other rows where some cannot be.
    #[arg(long)]
    pub skip_bad: bool,
    /// Why, in a line that stays in the ledger for ever.
    #[arg(long, value_name = "TEXT", default_value = "the operator's figures")]
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

/// A file of the operator, and whose referrals it is about.
#[derive(Args, Clone, Debug)]
pub struct FileArgs {
    /// The file: UTF-8 or CP932.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The company.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: CompanyId,
    /// How it is written; by the ending of its name when left out.
    #[arg(long, value_name = "FORM", value_parser = ["csv", "json"])]
    pub format: Option<String>,
}

/// Enters what the operator tells.
///
/// # Errors
/// When the reader of the output is gone.
pub fn operator(command: &OperatorCommand, out: &mut dyn Write) -> io::Result<End> {
    let OperatorCommand::Import(args) = command;
    conclude(import(args, out), out)
}

/// Reads a file; its text and its octets.
///
/// # Errors
/// A sentence with the file's name.
pub fn read_file(args: &FileArgs) -> Result<(Told, Vec<u8>), String> {
    let file = &args.file;
    let named = |why: String| format!("{}: {why}", file.display());
    let octets = octets_of(file).map_err(|e| named(format!("cannot be read: {e}")))?;
    if octets.len() as u64 > FILE_OCTETS_MAX {
        return Err(named(format!("over {} MiB: import it in parts", FILE_OCTETS_MAX >> 20)));
    }
    let by_name = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    let is_json = args.format.as_deref().map_or(by_name, |format| format == "json");
    let form = if is_json { Form::Json } else { Form::Csv };
    let told = read::read(&octets, form, &args.company, clock::now()).map_err(named)?;
    Ok((told, octets))
}

fn octets_of(file: &Path) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    File::open(file)?.take(FILE_OCTETS_MAX + 1).read_to_end(&mut octets)?;
    Ok(octets)
}

/// What an import came to: the object of `--json`.
#[derive(Debug, Default, Serialize)]
struct Report {
    #[serde(flatten)]
    imported: Imported,
    /// Rows that cannot be taken: the place in the file, and why.
    bad_rows: Vec<(String, String)>,
}

fn import(args: &ImportArgs, out: &mut dyn Write) -> Done {
    let (told, octets) = read_file(&args.file)?;
    let digest = HEXLOWER.encode(&sha256(&octets));
    let parts = Parts::new(&told);
    let mut report = Report { bad_rows: told.bad.clone(), ..Report::default() };
    let ask = |part: &Part<'_>, dry_run: bool| -> Result<Imported, String> {
        let request = ImportRequest {
            company: args.file.company.clone(),
            rows: part.rows.iter().map(|(_, row)| row.clone()).collect(),
            totals: part.totals.iter().map(|(_, total)| total.clone()).collect(),
            file: digest.clone(),
            reason: args.reason.clone(),
            by: args.by.clone(),
            dry_run,
            skip_bad: true,
        };
        ask_typed(&args.data, &Request::Import { what: request }).map(|(_, imported)| imported)
    };
    // All parts are looked at before the first is entered, so that one bad row keeps the whole file out.
    for part in &parts.0 {
        let seen = ask(part, true)?;
        report.bad_rows.extend(seen.bad.iter().map(|bad| part.name(bad)));
        report.imported.add(seen);
    }
    let enters = !args.dry_run && (report.bad_rows.is_empty() || args.skip_bad);
    if enters {
        report.imported = Imported::default();
        for part in &parts.0 {
            report.imported.add(ask(part, false)?);
        }
        report.imported.written = true;
    }
    report.imported.bad.clear();
    let end = if report.bad_rows.is_empty() { End::Well } else { End::Wrong };
    let printed = if args.data.json { print_json(out, &report) } else { print(args, &report, out) };
    Ok(printed.map(|()| end))
}

/// What one request takes of a file.
struct Part<'t> {
    rows: &'t [(String, ToldRow)],
    totals: &'t [(String, TotalRow)],
}

struct Parts<'t>(Vec<Part<'t>>);

impl<'t> Parts<'t> {
    fn new(told: &'t Told) -> Self {
        let rows = told.rows.chunks(ROWS_MAX).map(|rows| Part { rows, totals: &[] });
        let totals = told.totals.chunks(ROWS_MAX).map(|totals| Part { rows: &[], totals });
        Self(rows.chain(totals).collect())
    }
}

impl Part<'_> {
    /// The place of a row in the file, and what is wrong with it.
    fn name(&self, bad: &BadRow) -> (String, String) {
        let row = self.rows.get(bad.row).map(|(place, _)| place);
        let total = || self.totals.get(bad.row.saturating_sub(self.rows.len())).map(|(place, _)| place);
        (row.or_else(total).cloned().unwrap_or_default(), bad.why.clone())
    }
}

impl Imported {
    fn add(&mut self, part: Imported) {
        for (kind, count) in part.entries {
            *self.entries.entry(kind).or_default() += count;
        }
        self.known += part.known;
        self.credits += part.credits;
        self.slots.extend(part.slots);
        self.totals += part.totals;
        self.opted_out += part.opted_out;
    }
}

fn print(args: &ImportArgs, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let file = args.file.file.display();
    for (place, why) in report.bad_rows.iter().take(NAMED_MAX) {
        writeln!(out, "{file}: {place}: {why}")?;
    }
    if report.bad_rows.len() > NAMED_MAX {
        writeln!(out, "{file}: and {} more rows; --json names them all", report.bad_rows.len() - NAMED_MAX)?;
    }
    let Imported { entries, known, credits, slots, totals, opted_out, written, .. } = &report.imported;
    if !written && !args.dry_run {
        return writeln!(out, "nothing is entered: mend these rows, or enter the others with --skip-bad");
    }
    let number = |n: &u64| usize::try_from(*n).unwrap_or(usize::MAX);
    let mut said: Vec<String> = entries.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    said.push(counted(number(totals), "total", "totals"));
    said.push(format!("{opted_out} opted out"));
    said.push(format!("{known} known already"));
    writeln!(out, "{}{}", if *written { "entered: " } else { "would be entered: " }, said.join(", "))?;
    if *credits > 0 {
        let slots = slots.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let slots = if slots.is_empty() { "no hire slot".to_owned() } else { format!("hire slots {slots}") };
        writeln!(out, "{} made, {slots} granted", counted(number(credits), "credit", "credits"))?;
    }
    Ok(())
}
