//! From the disk to valid settings, or to everything that is wrong with the files.

use std::fs;
use std::path::{Path, PathBuf};

use super::company::{self, CompanyPlaces};
use super::finding::{Faults, Finding, Severity, Wrong};
use super::installation;
use super::reader::{Report, Section, Source, parse};
use super::settings::Settings;
use super::whole;
use crate::pipeline::Company;

/// The company that `explain`, `preview`, `demo` and the benches use when no file is named.
const EXAMPLE: &str = include_str!("../../config/companies/example.toml");

/// What reading the files showed: settings if they may be used, and all that was found.
#[derive(Debug)]
pub struct Inspection {
    /// The settings; absent when there is any fault.
    pub settings: Option<Settings>,
    /// Faults and warnings in the order of files and lines.
    pub findings: Vec<Finding>,
}

/// Reads a main file and the company files beside it.
///
/// # Errors
/// Every fault of all files at once. Warnings do not stop it; [`inspect`] tells them.
pub fn load(path: &Path) -> Result<Settings, Faults> {
    let Inspection { settings, mut findings } = inspect(path);
    findings.retain(|f| f.severity == Severity::Fault);
    settings.ok_or(Faults(findings))
}

/// Reads a main file and the company files beside it, and tells everything it found.
pub fn inspect(path: &Path) -> Inspection {
    let report = Report::default();
    let settings = read(path, &report);
    let findings = report.finish();
    let sound = findings.iter().all(|f| f.severity == Severity::Warning);
    Inspection { settings: settings.filter(|_| sound), findings }
}

/// The built-in example company, `live`, as the shipped file describes it.
///
/// # Errors
/// Never in a release: a test reads the same text.
pub fn example_company() -> Result<Company, Faults> {
    let report = Report::default();
    let company = read_company(Path::new("example.toml"), EXAMPLE.to_owned(), &report);
    let mut findings = report.finish();
    findings.retain(|f| f.severity == Severity::Fault);
    match company {
        Some((company, _)) if findings.is_empty() => Ok(company),
        _ => Err(Faults(findings)),
    }
}

fn read(path: &Path, report: &Report) -> Option<Settings> {
    let text = read_text(path, "name the main file with --config, or copy config/career-relay.toml there", report)?;
    let source = Source::new(path, text);
    let table = parse(&source, report);
    let top = Section::top(&source, report, table.get_ref());
    let base = path.parent().unwrap_or(Path::new(""));
    let (mut settings, places) = installation::read(&top, base);
    let folder = base.join(&settings.companies_dir);
    if top.has("companies_dir") && !folder.is_dir() {
        let what = format!("{} is not a folder", folder.display());
        top.fault("companies_dir", Wrong::new(what, "create it, or name the folder of the company files"));
    }
    let companies = read_companies(&folder, report);
    whole::check(&settings, &places, &companies, report);
    settings.companies = companies.into_iter().map(|(company, _)| company).collect();
    Some(settings)
}

/// The companies of the folder's `.toml` files, by file name; a folder that is not there has none.
fn read_companies(folder: &Path, report: &Report) -> Vec<(Company, CompanyPlaces)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let is_toml = |p: &PathBuf| p.extension().is_some_and(|e| e == "toml");
    let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(is_toml).collect();
    files.sort();
    let remedy = "let the service's user read it, and save it as UTF-8";
    let read = |file: &PathBuf| read_company(file, read_text(file, remedy, report)?, report);
    files.iter().filter_map(read).collect()
}

fn read_company(file: &Path, text: String, report: &Report) -> Option<(Company, CompanyPlaces)> {
    let source = Source::new(file, text);
    let table = parse(&source, report);
    company::read(&Section::top(&source, report, table.get_ref()))
}

fn read_text(path: &Path, remedy: &str, report: &Report) -> Option<String> {
    let refuse = |error: std::io::Error| {
        report.add(Finding {
            severity: Severity::Fault,
            file: path.to_owned(),
            line: 0,
            key: String::new(),
            what: format!("cannot be read: {error}"),
            remedy: remedy.to_owned(),
        });
    };
    fs::read_to_string(path).map_err(refuse).ok()
}
