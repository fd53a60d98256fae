//! `scan`: what a company's own mail archive shows before anything is installed: rejections, people, hire slots, the
//! templates, and what would stand in the way. Nothing is sent, and no address or text is kept.

mod archive;
mod look;
mod page;
mod remedy;
mod report;
mod sheet;
mod tally;
mod text;
mod words;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::args::company_id;
use super::mailfile::Decider;
use super::output::{Done, End, conclude, print_json};
use crate::referral::CompanyId;
use archive::Met;
use look::Eye;
use report::Report;
use tally::{Tally, name_of};
use words::Words;

/// `scan`.
#[derive(Args, Clone, Debug)]
pub struct ScanArgs {
    /// What to read: mails (.eml), mbox files, maildirs, or folders of any of them.
    #[arg(required = true, value_name = "DIR|MBOX|MAILDIR")]
    pub archive: Vec<PathBuf>,
    /// The company whose mail it is; the only one, or the built-in example, when left out.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// The main file; the built-in example company when left out, for which every From domain is its own.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print a sheet for spreadsheet programs in place of a table.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print one JSON object in place of a table.
    #[arg(long)]
    pub json: bool,
    /// Also write one page to take to the head of HR. It loads nothing from anywhere, and prints on A4.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// The language of table, sheet and page.
    #[arg(long, value_name = "LANG", value_parser = ["ja", "en"], default_value = "en")]
    pub lang: String,
}

/// Reads the archive and prints what was found.
///
/// # Errors
/// When the reader of the output is gone.
pub fn scan(args: &ScanArgs, out: &mut dyn Write) -> io::Result<End> {
    conclude(run(args, out), out)
}

fn run(args: &ScanArgs, out: &mut dyn Write) -> Done {
    let decider = Decider::new(args.config.as_deref(), args.company.as_ref())?.into_live();
    if let Some(missing) = args.archive.iter().find(|path| !path.exists()) {
        return Err(format!("{}: there is no such file or folder", missing.display()));
    }
    let (tally, contract) = read(&args.archive, Eye::new(decider));
    let report = Report::of(&tally, &contract, &args.archive);
    let words = Words::of(&args.lang);
    if let Some(path) = &args.html {
        write_page(path, &page::page(&report, words))?;
    }
    let end = if report.mails == 0 || report.unreadable > 0 { End::Wrong } else { End::Well };
    let printed = if args.json {
        print_json(out, &report)
    } else if args.csv {
        out.write_all(sheet::csv(&report, words).as_bytes())
    } else {
        text::print(&report, words, out)
    };
    Ok(printed.map(|()| end))
}

fn write_page(path: &Path, page: &str) -> Result<(), String> {
    std::fs::write(path, page).map_err(|error| format!("{}: cannot be written: {error}", path.display()))
}

fn read(archive: &[PathBuf], mut eye: Eye) -> (Tally, crate::ledger::ContractVersion) {
    let bar = progress(archive.iter().map(|path| archive::octets_of(path)).sum());
    let mut tally = Tally::new();
    let mut within = 0;
    for path in archive {
        archive::walk(path, &mut |met| match met {
            Met::Mail(path, number, octets) => {
                // An mbox is one file of many mails: the bar goes on within it.
                if number.is_some() {
                    within += octets.len() as u64;
                    bar.inc(octets.len() as u64);
                }
                eye.look((path, number), octets, &mut tally);
            }
            Met::Unreadable(path, number, why) => tally.add_unreadable(name_of((path, number)), why),
            Met::Done(octets) => bar.inc(octets.saturating_sub(std::mem::take(&mut within))),
        });
    }
    bar.finish_and_clear();
    (tally, eye.contract())
}

/// A bar on standard error; it shows nothing where that is no terminal.
fn progress(octets: u64) -> ProgressBar {
    let bar = ProgressBar::new(octets);
    if let Ok(style) = ProgressStyle::with_template("reading {wide_bar} {bytes}/{total_bytes}, {eta} left") {
        bar.set_style(style);
    }
    bar
}
