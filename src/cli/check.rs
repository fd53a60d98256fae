//! `check`: what is wrong with the files, or what they mean in short.

use std::io::{self, Write};

use serde_json::json;

use super::args::CheckArgs;
use super::check_names;
use super::output::{End, counted, print_json, print_table, table};
use crate::config::{DoorTls, Finding, Inspection, Listener, Settings, Severity, inspect};
use crate::mail::address::Domain;
use crate::pipeline::{Company, Mode};
use crate::sign::record_name;
use crate::sys::signing_key::KeyKind;

/// Checks the files and prints what was found.
///
/// # Errors
/// When the reader of the output is gone.
pub fn check(args: &CheckArgs, out: &mut dyn Write) -> io::Result<End> {
    let inspection = inspect(&args.config.config);
    let settings = inspection.settings.as_ref().filter(|_| args.dns);
    let names = settings.map(check_names::check).transpose()?;
    let well = inspection.settings.is_some() && names.as_ref().is_none_or(Vec::is_empty);
    let end = if well { End::Well } else { End::Wrong };
    if args.json {
        let companies = inspection.settings.as_ref().map(|s| s.companies.len());
        let mut object =
            json!({ "ok": inspection.settings.is_some(), "findings": inspection.findings, "companies": companies });
        if let Some(names) = names {
            object["dns"] = json!(names);
        }
        print_json(out, &object)?;
    } else {
        print_text(&inspection, out)?;
        for line in names.iter().flatten() {
            writeln!(out, "\ndns: {line}")?;
        }
    }
    Ok(end)
}

fn print_text(inspection: &Inspection, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(findings_text(&inspection.findings).as_bytes())?;
    inspection.settings.as_ref().map_or(Ok(()), |settings| summarise(settings, out))
}

/// Every finding on a line of its own, and how many there are; what `serve` says of files it does not take.
pub fn findings_text(findings: &[Finding]) -> String {
    let faults = findings.iter().filter(|f| f.severity == Severity::Fault).count();
    let warnings = counted(findings.len() - faults, "warning", "warnings");
    let count = match faults {
        0 => format!("no fault, {warnings}"),
        n => format!("{}, {warnings}: not taken", counted(n, "fault", "faults")),
    };
    let lines: Vec<String> = findings.iter().map(ToString::to_string).chain([count]).collect();
    lines.join("\n") + "\n"
}

fn summarise(settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
    let tls = settings.tls.certificate.is_some();
    let listen: Vec<String> = settings.smtp.listeners.iter().map(|l| door(l, tls)).collect();
    writeln!(out, "\nlistens on {}, keeps its data in {}", listen.join(", "), settings.data_dir.display())?;
    let routes = settings.routes.iter().map(|route| {
        let domains: Vec<String> = route.domains.iter().map(ToString::to_string).collect();
        let (next_hop, tls) = (route.next_hop.to_string(), route.tls.mode.code().to_owned());
        vec![route.name.clone(), domains.join(" "), next_hop, tls, route.proves.code().to_owned()]
    });
    writeln!(out)?;
    print_table(out, &table(&["route", "domains", "next hop", "TLS", "proves"], routes))?;
    if !settings.dkim.is_empty() {
        let names = settings.dkim.iter().map(|key| {
            let kind = key.key.as_ref().map_or("not looked at", |k| match k.kind() {
                KeyKind::Rsa => "RSA",
                KeyKind::Ed25519 => "Ed25519",
            });
            vec![record_name(key.domain.as_str(), &key.selector), kind.to_owned()]
        });
        writeln!(out)?;
        print_table(out, &table(&["signs with", "key"], names))?;
    }
    if settings.companies.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    print_table(out, &table(&["company", "mode", "sends from", "counts on"], settings.companies.iter().map(row)))
}

/// A listener's address, and what a client finds there.
fn door(listener: &Listener, has_certificate: bool) -> String {
    let tls = match listener.tls {
        DoorTls::StartTls if has_certificate && listener.tls_required => "STARTTLS required",
        DoorTls::StartTls if has_certificate => "STARTTLS",
        DoorTls::Implicit if has_certificate => "TLS",
        _ => "no TLS",
    };
    let login = if listener.auth_required { ", login required" } else { "" };
    format!("{} ({tls}{login})", listener.address)
}

fn row(company: &Company) -> Vec<String> {
    let mode = match company.mode {
        Mode::Off => "off",
        Mode::Observe => "observe",
        Mode::Approved => "approved",
        Mode::Live => "live",
        Mode::Suspended => "suspended",
    };
    let domains: Vec<&str> = company.sender_domains.iter().map(Domain::as_str).collect();
    let contracts: Vec<String> = company
        .contracts
        .iter()
        .map(|c| format!("{} {} from {}: {} {}", c.series, c.version, c.from, c.threshold, c.count_on.code()))
        .collect();
    vec![company.id.to_string(), mode.to_owned(), domains.join(" "), contracts.join("; ")]
}
