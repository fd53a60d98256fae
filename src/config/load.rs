//! From the disk to valid settings, or to everything that is wrong with the files.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::company::{self, CompanyPlaces};
use super::finding::{Faults, Finding, Severity, Wrong};
use super::installation;
use super::reader::{Report, Section, Source, parse};
use super::settings::Settings;
use super::whole;
use crate::ledger::ContractVersion;
use crate::pipeline::Company;
use crate::referral::CompanyId;

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

/// The id and the contract versions of one company's file, whatever else is wrong with it: what the operator signs.
///
/// # Errors
/// Every fault of the id and the versions. A signature that does not hold is none, for another is about to be made.
pub fn contract_terms(path: &Path) -> Result<(CompanyId, Vec<ContractVersion>), Faults> {
    let report = Report::default();
    let text = read_text(path, "name the company's file", &report);
    let terms = text.and_then(|text| {
        let source = Source::new(path, text);
        let table = parse(&source, &report);
        company::read_terms(&Section::top(&source, &report, table.get_ref()))
    });
    let mut findings = report.finish();
    let matters = |key: &str| {
        key.is_empty()
            || key == "id"
            || key == "contract"
            || key.starts_with("contract.") && key != "contract.signature"
    };
    findings.retain(|f| f.severity == Severity::Fault && matters(&f.key));
    terms.filter(|_| findings.is_empty()).ok_or(Faults(findings))
}

fn read(path: &Path, report: &Report) -> Option<Settings> {
    let text = read_text(path, "name the main file with --config, or copy config/career-relay.toml there", report)?;
    let source = Source::new(path, text).with_credentials(handed_credentials());
    let table = parse(&source, report);
    let top = Section::top(&source, report, table.get_ref());
    let base = path.parent().unwrap_or(Path::new(""));
    let (mut settings, places) = installation::read(&top, base);
    let files = company_files(&top, &base.join(&settings.companies_dir));
    let remedy = "let the service's user read it";
    let read = |file: &PathBuf| {
        let read = read_company(file, read_text(file, remedy, report)?, report)?;
        settings.company_files.push((read.0.id.clone(), file.clone()));
        Some(read)
    };
    let companies: Vec<_> = files.iter().filter_map(read).collect();
    whole::check(&settings, &places, &companies, report);
    settings.companies = companies.into_iter().map(|(company, _)| company).collect();
    settings.credentials_missing = report.credentials_missing();
    Some(settings)
}

/// The folder's `.toml` files by name. The folder may be missing only where no key asks for it.
fn company_files(top: &Section<'_>, folder: &Path) -> Vec<PathBuf> {
    let refuse = |why: &std::io::Error| {
        let what = format!("the folder {} cannot be read: {why}", folder.display());
        top.fault("companies_dir", Wrong::new(what, "create it for the service's user, or name another"));
    };
    let entries: std::io::Result<Vec<_>> = fs::read_dir(folder).and_then(Iterator::collect);
    let entries = match entries {
        Ok(entries) => entries,
        Err(why) if why.kind() == ErrorKind::NotFound && !top.has("companies_dir") => Vec::new(),
        Err(why) => {
            refuse(&why);
            return Vec::new();
        }
    };
    let is_toml = |p: &PathBuf| p.extension().is_some_and(|e| e == "toml");
    let mut files: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).filter(is_toml).collect();
    if files.is_empty() {
        let remedy = "add a file to companies_dir; config/companies/example.toml shows every key";
        top.warn("companies_dir", Wrong::new("no company: every mail passes untouched", remedy));
    }
    files.sort();
    files
}

/// The folder of the credentials that systemd handed to this process.
fn handed_credentials() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

fn read_company(file: &Path, text: String, report: &Report) -> Option<(Company, CompanyPlaces)> {
    let source = Source::new(file, text).with_credentials(handed_credentials());
    let table = parse(&source, report);
    company::read(&Section::top(&source, report, table.get_ref()))
}

fn read_text(path: &Path, remedy: &str, report: &Report) -> Option<String> {
    let refuse = |line: usize, what: String, remedy: &str| {
        report.add(Finding {
            severity: Severity::Fault,
            file: path.to_owned(),
            line,
            key: String::new(),
            what,
            remedy: remedy.to_owned(),
        });
    };
    let octets = fs::read(path).map_err(|error| refuse(0, format!("cannot be read: {error}"), remedy)).ok()?;
    let no_text = |at: usize, octets: &[u8]| {
        let line = 1 + memchr::memchr_iter(b'\n', octets.get(..at).unwrap_or_default()).count();
        refuse(line, "not UTF-8".to_owned(), "save the file as UTF-8; editors call Shift_JIS ANSI or CP932");
    };
    String::from_utf8(octets).map_err(|e| no_text(e.utf8_error().valid_up_to(), e.as_bytes())).ok()
}
