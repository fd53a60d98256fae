//! `contract list | show | keygen | sign`: the terms, and the operator's signature under them.

pub mod args;

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::output::{Done, End, align_right, conclude, print_json, print_table, table};
use super::reach::ask_typed;
use crate::config::contract_terms;
use crate::control::Request;
use crate::control::trust::ContractLine;
use crate::ledger::ContractVersion;
use crate::ledger::signature::{PublicKey, signed_record};
use crate::referral::CompanyId;
use crate::sys::disk;
use crate::sys::ed25519::{public_key, sign};
use crate::sys::signing_key::{KeyKind, SigningKey};
use args::{ContractCommand, KeygenArgs, ListArgs, ShowArgs, SignArgs};

/// Does what is asked and prints what came of it.
///
/// # Errors
/// When the reader of the output is gone.
pub fn contract(command: &ContractCommand, out: &mut dyn Write) -> io::Result<End> {
    let done = match command {
        ContractCommand::List(args) => list(args, out),
        ContractCommand::Show(args) => show(args, out),
        ContractCommand::Keygen(args) => keygen(args, out),
        ContractCommand::Sign(args) => sign_terms(args, out),
    };
    conclude(done, out)
}

fn list(args: &ListArgs, out: &mut dyn Write) -> Done {
    let request = Request::Contracts { company: args.company.clone() };
    let (value, lines): (Value, Vec<ContractLine>) = ask_typed(&args.data, &request)?;
    if args.data.json {
        return Ok(print_json(out, &value).map(|()| End::Well));
    }
    let rows = lines.iter().map(|line| {
        let signed = line.signed_by.first().map_or("NOT SIGNED", |by| by.id.as_str()).to_owned();
        let digest = line.digest.get(..12).unwrap_or(&line.digest).to_owned();
        let (company, series) = (line.company.clone(), line.series.clone());
        vec![company, series, line.version.to_string(), line.from.clone(), line.entries.to_string(), digest, signed]
    });
    let mut table = table(&["company", "series", "version", "from", "entries", "digest", "signed by"], rows);
    align_right(&mut table, &[2, 4]);
    Ok(print_table(out, &table).map(|()| End::Well))
}

fn show(args: &ShowArgs, out: &mut dyn Write) -> Done {
    let request = Request::Contracts { company: Some(args.company.clone()) };
    let (_, mut lines): (Value, Vec<ContractLine>) = ask_typed(&args.data, &request)?;
    lines.retain(|line| is_meant((&line.series, line.version), (args.series.as_deref(), args.version)));
    if lines.is_empty() {
        return Err(format!(
            "the ledger knows no such contract version of {}; `contract list` names them",
            args.company
        ));
    }
    let written = if args.data.json { print_json(out, &lines) } else { lines.iter().try_for_each(|l| print(l, out)) };
    Ok(written.map(|()| End::Well))
}

fn is_meant((series, version): (&str, u32), (only_series, only): (Option<&str>, Option<u32>)) -> bool {
    only_series.is_none_or(|only| only == series) && only.is_none_or(|only| only == version)
}

fn print(line: &ContractLine, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} {} {}: {} entries", line.company, line.series, line.version, line.entries)?;
    line.record.lines().skip(1).try_for_each(|term| writeln!(out, "  {term}"))?;
    writeln!(out, "  digest {}", line.digest)?;
    for by in &line.signed_by {
        writeln!(out, "  signed by {} ({}), known since {}", by.key, by.id, by.since)?;
    }
    if !line.signed {
        writeln!(out, "  NOT SIGNED by the operator: it counts, and every statement says so")?;
    }
    Ok(())
}

fn keygen(args: &KeygenArgs, out: &mut dyn Write) -> Done {
    let file = args.out.display();
    let (key, pem) = SigningKey::make(KeyKind::Ed25519, 0).map_err(|e| format!("no key could be made: {e}"))?;
    let public = public_key(&key).ok_or("no key could be made; try again")?;
    disk::create_private(&args.out, pem.as_bytes()).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => format!("{file} exists and is left as it is; name another file with --out"),
        _ => format!("{file} cannot be written: {error}"),
    })?;
    let told = writeln!(out, "{file} holds the key, which stays with the operator; for each company's file:\n");
    Ok(told.and_then(|()| writeln!(out, "operator_keys = [\"{public}\"]")).map(|()| End::Well))
}

fn sign_terms(args: &SignArgs, out: &mut dyn Write) -> Done {
    let (key, public) = operator_key(&args.key)?;
    let (company, mut versions) = contract_terms(&args.file).map_err(|faults| faults.to_string())?;
    versions.retain(|terms| is_meant((&terms.series, terms.version), (args.series.as_deref(), args.version)));
    if versions.is_empty() {
        return Err(format!("{} has no such contract version", args.file.display()));
    }
    let signed = versions.iter().map(|terms| {
        let signature = sign(&key, &signed_record(&company, terms)).ok_or("the terms could not be signed")?;
        Ok((terms, signature.to_string()))
    });
    let signed = signed.collect::<Result<Vec<_>, String>>()?;
    let written = if args.json {
        print_json(out, &signed.iter().map(|one| as_json(&company, &public, one)).collect::<Vec<_>>())
    } else {
        print_signed((&company, &public), &signed, out)
    };
    Ok(written.map(|()| End::Well))
}

pub(super) fn operator_key(path: &Path) -> Result<(SigningKey, PublicKey), String> {
    let pem = fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    let key = SigningKey::from_pem(&pem).map_err(|e| format!("{}: {e}", path.display()))?;
    let public = public_key(&key);
    let other = || format!("{} holds no Ed25519 key; `career-relay contract keygen` makes one", path.display());
    public.map(|public| (key, public)).ok_or_else(other)
}

fn as_json(company: &CompanyId, public: &PublicKey, (terms, signature): &(&ContractVersion, String)) -> Value {
    json!({
        "company": company.as_str(),
        "series": terms.series,
        "version": terms.version,
        "digest": HEXLOWER.encode(&terms.digest()),
        "record": signed_record(company, terms),
        "key": public.to_string(),
        "signature": signature,
    })
}

fn print_signed(
    (company, public): (&CompanyId, &PublicKey),
    signed: &[(&ContractVersion, String)],
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "# above the first [section], unless it is there:\noperator_keys = [\"{public}\"]")?;
    for (terms, signature) in signed {
        writeln!(out, "\n# {company}, the [[contract]] of these terms:")?;
        terms.record().lines().skip(1).try_for_each(|term| writeln!(out, "#   {term}"))?;
        writeln!(out, "signature = \"{signature}\"")?;
    }
    Ok(())
}
