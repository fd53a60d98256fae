//! `report verify`: whether a published report is what it was, and what the ledger says of it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::args::VerifyArgs;
use crate::cli::args::{CONFIG, ConfigArgs, DataArgs};
use crate::cli::output::{End, print_json};
use crate::cli::reach::ask_typed;
use crate::control::Request;
use crate::control::report::Counted;
use crate::referral::CompanyId;
use crate::report::contribution::{Contribution, check, compare};

/// Octets of a report; a larger file is none.
const OCTETS_MAX: u64 = 4 << 20;

/// What was found.
#[derive(Serialize)]
struct Outcome {
    file: String,
    verified: bool,
    checksum: Option<String>,
    /// Whether the figures we measure and those the operator reported were recomputed from the ledger.
    recomputed: bool,
    differences: Vec<String>,
}

/// Verifies a published report.
///
/// # Errors
/// When the reader of the output is gone.
pub(super) fn verify(args: &VerifyArgs, out: &mut dyn Write) -> io::Result<End> {
    let found = look(args);
    if args.json {
        print_json(out, &found)?;
    } else {
        print(&found, out)?;
    }
    Ok(if found.verified { End::Well } else { End::Wrong })
}

fn look(args: &VerifyArgs) -> Outcome {
    let mut found = Outcome {
        file: args.file.display().to_string(),
        verified: false,
        checksum: None,
        recomputed: false,
        differences: Vec::new(),
    };
    let checked = match read(&args.file).and_then(|text| check(&text).map_err(|why| why.to_string())) {
        Ok(checked) => checked,
        Err(why) => {
            found.differences.push(why);
            return found;
        }
    };
    (found.checksum, found.differences) = (Some(checked.checksum), checked.differences);
    if let Some((report, data)) = checked.report.as_ref().zip(ledger_at_hand(args)) {
        match recompute(report, &data) {
            Ok(recomputed) => {
                found.recomputed = true;
                found.differences.extend(compare(report, &recomputed));
            }
            Err(why) => found.differences.push(why),
        }
    }
    found.verified = found.differences.is_empty();
    found
}

fn read(path: &Path) -> Result<String, String> {
    let unreadable = |why: &dyn std::fmt::Display| format!("cannot be read: {why}");
    if fs::metadata(path).map_err(|e| unreadable(&e))?.len() > OCTETS_MAX {
        return Err("it is larger than any report".to_owned());
    }
    String::from_utf8(fs::read(path).map_err(|e| unreadable(&e))?)
        .map_err(|_| "it is not UTF-8; a report is, also as CSV: name the file as it was published".to_owned())
}

/// The ledger that was named, or the one in its usual place.
fn ledger_at_hand(args: &VerifyArgs) -> Option<DataArgs> {
    let usual = || Some(PathBuf::from(CONFIG)).filter(|path| path.is_file());
    let config = args.config.clone().or_else(usual);
    (config.is_some() || args.data.is_some()).then(|| DataArgs {
        config: ConfigArgs { config: config.unwrap_or_else(|| CONFIG.into()) },
        data: args.data.clone(),
        json: false,
    })
}

/// The report as the ledger makes it from the entries and totals that it had then. What the company said is taken as it
/// stands there. A report that does not say how far it looked at what the operator reported knows nothing of it.
fn recompute(report: &Contribution, data: &DataArgs) -> Result<Contribution, String> {
    let id = &report.stated.company;
    let company = CompanyId::parse(id).map_err(|_| format!("{id:?} is no company"))?;
    let (from, to) = (report.period.from.to_string(), report.period.to.to_string());
    let told_max = report.told.as_ref().map_or((0, 0), |told| (told.head.entries, told.totals));
    let asked =
        Request::Contribution { company, from, to, seq_max: Some(report.head.entries), told_max: Some(told_max) };
    let (_, counted): (_, Counted) = ask_typed(data, &asked)?;
    let figures = counted.input().figures(report.audience, &report.stated.reference);
    let told = report.told.as_ref().map(|_| counted.told_to());
    Ok(Contribution { figures, head: counted.head(), told, ..report.clone() })
}

fn print(found: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let Outcome { file, verified, checksum, recomputed, differences } = found;
    if *verified {
        let of = checksum.as_deref().unwrap_or_default();
        writeln!(out, "{file}: verified, checksum {of}")?;
    } else {
        writeln!(out, "{file}: DOES NOT VERIFY")?;
    }
    for difference in differences {
        writeln!(out, "  {difference}")?;
    }
    match (*recomputed, checksum) {
        (true, _) => writeln!(out, "what we measure and what the operator reported was recomputed from the ledger"),
        (false, Some(_)) => {
            writeln!(out, "the figures were not recomputed: name the ledger with --config or --data")
        }
        (false, None) => Ok(()),
    }
}
