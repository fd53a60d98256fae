//! `slot record | sign | agree`: the operator's signature under the use of a hire slot.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::args::{DataArgs, company_id};
use super::contract::operator_key;
use super::output::{Done, End, print_json};
use super::reach::ask_typed;
use super::slot::ActArgs;
use crate::control::Request;
use crate::control::redemption::{RedemptionRequest, RedemptionText};
use crate::control::slot::SlotLine;
use crate::ledger::redemption::RECORD;
use crate::referral::CompanyId;
use crate::sys::ed25519;

/// Octets of a record, at most.
const RECORD_OCTETS_MAX: u64 = 64 * 1024;

/// `slot record`.
#[derive(Args, Clone, Debug)]
pub struct RecordArgs {
    /// The number of the slot, as `slot list` shows it.
    #[arg(value_name = "SLOT")]
    pub slot: u32,
    /// The company.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: CompanyId,
    /// The contract series; the only one when left out.
    #[arg(long, value_name = "NAME")]
    pub series: Option<String>,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `slot sign`.
#[derive(Args, Clone, Debug)]
pub struct SignArgs {
    /// What `slot record` has printed; `-` for standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The operator's private key, as `contract keygen` makes it.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Print JSON in place of the lines.
    #[arg(long)]
    pub json: bool,
}

/// `slot agree`.
#[derive(Args, Clone, Debug)]
pub struct AgreeArgs {
    /// The signature, as `slot sign` prints it.
    #[arg(long, value_name = "BASE64")]
    pub signature: String,
    /// Which, by whom and why.
    #[command(flatten)]
    pub act: ActArgs,
}

/// Prints what is to be signed: the very octets, so that it can be kept as a file.
pub(super) fn record(args: &RecordArgs, out: &mut dyn Write) -> Done {
    let (company, series, slot) = (args.company.clone(), args.series.clone(), args.slot);
    let what = RedemptionRequest { company, series, slot };
    let (value, shown): (Value, RedemptionText) = ask_typed(&args.data, &Request::Redemption { what })?;
    let written = if args.data.json { print_json(out, &value) } else { write!(out, "{}", shown.record) };
    Ok(written.map(|()| End::Well))
}

/// Signs a record, and shows what is signed.
pub(super) fn sign(args: &SignArgs, out: &mut dyn Write) -> Done {
    let (key, public) = operator_key(&args.key)?;
    let record = read_record(&args.file)?;
    let signature = ed25519::sign(&key, &record).ok_or("the record could not be signed")?.to_string();
    if args.json {
        let signed = json!({ "record": record, "key": public.to_string(), "signature": signature });
        return Ok(print_json(out, &signed).map(|()| End::Well));
    }
    let shown = record.lines().try_for_each(|line| writeln!(out, "# {line}"));
    let written = shown.and_then(|()| writeln!(out, "# signed by {public}\n--signature {signature}"));
    Ok(written.map(|()| End::Well))
}

fn read_record(path: &Path) -> Result<String, String> {
    let name = path.display();
    let open: io::Result<Box<dyn Read>> =
        if path == Path::new("-") { Ok(Box::new(io::stdin())) } else { fs::File::open(path).map(|f| Box::new(f) as _) };
    let mut record = String::new();
    let read = open.and_then(|from| from.take(RECORD_OCTETS_MAX).read_to_string(&mut record));
    read.map_err(|e| format!("{name} cannot be read: {e}"))?;
    let is_whole = record.lines().next() == Some(RECORD)
        && record.ends_with('\n')
        && record.lines().last().is_some_and(|line| line.starts_with("hash "));
    let other = || format!("{name} is not what `career-relay slot record` prints, or not all of it; nothing is signed");
    if is_whole { Ok(record) } else { Err(other()) }
}

/// Whether both sides have agreed on the use of a slot; nothing where it was not used.
pub(super) fn agreed(line: &SlotLine) -> &'static str {
    match (line.stage.as_str(), line.signed_by.is_empty()) {
        ("redeemed", true) => "NOT SIGNED",
        ("redeemed", false) => "signed",
        _ => "",
    }
}
