//! What `report` takes on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;

use crate::cli::args::{DataArgs, company_id};
use crate::referral::CompanyId;
use crate::report::contribution::Audience;

/// `report`. A running server is asked; without one the data folder is opened here.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ReportArgs {
    /// Something else than making one.
    #[command(subcommand)]
    pub command: Option<ReportCommand>,
    /// The company.
    #[arg(long, value_name = "ID", value_parser = company_id, required = true)]
    pub company: Option<CompanyId>,
    /// The first day, in Japan.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day, requires = "to", conflicts_with = "fiscal_year")]
    pub from: Option<Date>,
    /// The last day, which is in it.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day, requires = "from", conflicts_with = "fiscal_year")]
    pub to: Option<Date>,
    /// The fiscal year, by the calendar year it begins in; from April, or as the company's file says.
    #[arg(long, value_name = "YYYY", value_parser = clap::value_parser!(i16).range(2000..=9000))]
    pub fiscal_year: Option<i16>,
    /// The language of page, labels and text.
    #[arg(long, value_name = "LANG", value_parser = ["ja", "en"], default_value = "ja")]
    pub lang: String,
    /// Who will read it: inside the company, shared with partners, or public. It decides how few people may be shown.
    #[arg(long, value_name = "WHO", value_parser = audience, default_value = "inside")]
    pub audience: Audience,
    /// Write the report as a page, which prints on A4 and loads nothing from anywhere.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write it as a sheet for spreadsheet programs.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// What else can be done with reports.
#[derive(Clone, Debug, Subcommand)]
pub enum ReportCommand {
    /// Read a published report and recompute its checksum, and its figures where the ledger is at hand. Exit code 1 if
    /// anything differs.
    Verify(VerifyArgs),
}

/// `report verify`.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// The report, as HTML, CSV or JSON.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The main file of the configuration, to recompute the figures from the ledger; looked for in its usual place when
    /// left out.
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    pub config: Option<PathBuf>,
    /// The data folder with the ledger, in place of the configured one.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Print JSON in place of text.
    #[arg(long)]
    pub json: bool,
}

fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "write the day as 2026-04-01".to_owned())
}

fn audience(text: &str) -> Result<Audience, String> {
    Audience::parse(text).ok_or_else(|| "write inside, shared or public".to_owned())
}
