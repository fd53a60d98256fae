//! `report`: the labour-market contribution report, made and verified.

pub mod args;
mod verify;

use std::io::{self, Write};

use super::outfile::OutFile;
use super::output::{Done, End, conclude, print_json};
use super::reach::ask_typed;
use crate::config;
use crate::control::Request;
use crate::control::report::Counted;
use crate::pipeline::ReportTerms;
use crate::report::contribution::{Contribution, Period, Stated, csv, json, page, text};
use crate::sys::clock;
use args::{ReportArgs, ReportCommand};

/// Makes a report, or verifies one.
///
/// # Errors
/// When the reader of the output is gone.
pub fn report(args: &ReportArgs, out: &mut dyn Write) -> io::Result<End> {
    match &args.command {
        Some(ReportCommand::Verify(args)) => verify::verify(args, out),
        None => conclude(make(args, out), out),
    }
}

fn make(args: &ReportArgs, out: &mut dyn Write) -> Done<()> {
    let page_file = args.html.as_deref().map(OutFile::open).transpose()?;
    let sheet_file = args.csv.as_deref().map(OutFile::open).transpose()?;
    let report = fetch(args)?;
    let files = [(page_file, page(&report, &args.lang)), (sheet_file, csv(&report, &args.lang))];
    let mut written = false;
    // With --json the output is an object, and nothing else.
    let mut silent = io::sink();
    for (file, text) in files {
        let Some(file) = file else { continue };
        written = true;
        let told: &mut dyn Write = if args.data.json { &mut silent } else { &mut *out };
        if let Err(gone) = file.write(&text, told)? {
            return Ok(Err(gone));
        }
    }
    Ok(match (args.data.json, written) {
        (true, _) => print_json(out, &json(&report)),
        (false, true) => writeln!(out, "checksum: {}", report.checksum()),
        (false, false) => out.write_all(text(&report, &args.lang).as_bytes()),
    })
}

fn fetch(args: &ReportArgs) -> Result<Contribution, String> {
    let company = args.company.clone().ok_or("name the company with --company")?;
    let (stated, terms) = state(args, company.as_str())?;
    let month = terms.fiscal_year_from;
    let period = match (args.fiscal_year, args.from, args.to) {
        (Some(year), ..) => Period::year(year, month),
        (None, Some(from), Some(to)) => Period::of(from, to, month),
        _ => return Err("name the days with --from and --to, or a year with --fiscal-year".to_owned()),
    };
    let period = period.map_err(|why| why.to_string())?;
    let (_, behind) = period.span().map_err(|why| why.to_string())?;
    let (from, to) = (period.from.to_string(), period.to.to_string());
    let asked = Request::Contribution { company, from, to, seq_max: None, told_max: None };
    let (_, counted): (_, Counted) = ask_typed(&args.data, &asked)?;
    Ok(Contribution {
        figures: counted.input().figures(args.audience, &stated.reference),
        stated,
        period,
        complete: behind <= clock::now(),
        audience: args.audience,
        head: counted.head(),
        told: Some(counted.told_to()),
        program: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// What the company's file says. With `--data` none is read: the company is called by its id.
fn state(args: &ReportArgs, id: &str) -> Result<(Stated, ReportTerms), String> {
    if args.data.data.is_some() {
        let terms = ReportTerms::default();
        let (name_ja, name_en, purpose) = (id.to_owned(), id.to_owned(), String::new());
        let reference = terms.reference.clone();
        return Ok((Stated { company: id.to_owned(), name_ja, name_en, purpose, reference }, terms));
    }
    let settings = config::load(&args.data.config.config).map_err(|faults| faults.to_string())?;
    let found = settings.companies.into_iter().find(|company| company.id.as_str() == id);
    let company = found.ok_or_else(|| {
        format!("no company {id} in the configuration {}: name another", args.data.config.config.display())
    })?;
    let stated = Stated {
        company: id.to_owned(),
        name_ja: company.name_ja,
        name_en: company.name_en,
        purpose: company.purpose,
        reference: company.report.reference.clone(),
    };
    Ok((stated, company.report))
}
