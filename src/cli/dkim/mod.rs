//! `dkim keygen | dns | check`: keys that sign, and the records that publish them.

pub mod args;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use self::args::{DkimCommand, KeygenArgs, KeysArgs};
use super::check::findings_text;
use super::output::{Done, End, conclude, print_json};
use crate::config::{DkimKey, DnsSettings, Inspection, Severity, inspect};
use crate::sign::{NamedKey, Published, record_name, record_text, zone_line};
use crate::sys::disk;
use crate::sys::resolver::{LookupFault, NameServers, Resolve};
use crate::sys::signing_key::{KeyKind, SigningKey};

/// Does what is asked and prints what came of it.
///
/// # Errors
/// When the reader of the output is gone.
pub fn dkim(command: &DkimCommand, out: &mut dyn Write) -> io::Result<End> {
    let done = match command {
        DkimCommand::Keygen(args) => keygen(args, out),
        DkimCommand::Dns(args) => keys(args).map(|keys| dns(&keys, args.json, out)),
        DkimCommand::Check(args) => check(args, out),
    };
    conclude(done, out)
}

/// The keys a command is about, and the name servers to ask.
struct Keys {
    keys: Vec<DkimKey>,
    dns: DnsSettings,
}

fn keygen(args: &KeygenArgs, out: &mut dyn Write) -> Done {
    let KeygenArgs { domain, selector, .. } = args;
    let kind = if args.algorithm == "ed25519" { KeyKind::Ed25519 } else { KeyKind::Rsa };
    let file = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{selector}.{domain}.pem")));
    let refuse = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{} exists and is left as it is; name another file with --out", file.display())
        }
        _ => format!("{} cannot be written: {error}", file.display()),
    };
    if file.exists() {
        return Err(refuse(io::ErrorKind::AlreadyExists.into()));
    }
    let bits = args.bits.parse().unwrap_or(2048);
    let (key, pem) = SigningKey::make(kind, bits).map_err(|_| "no key could be made; try again".to_owned())?;
    disk::create_private(&file, pem.as_bytes()).map_err(refuse)?;
    Ok(tell_made(args, &file, &key, out))
}

fn tell_made(args: &KeygenArgs, file: &Path, key: &SigningKey, out: &mut dyn Write) -> io::Result<End> {
    let (domain, selector, file) = (args.domain.as_str(), &args.selector, file.display());
    writeln!(out, "{file} holds the key ({}); let it belong to the service's user\n", strength(key))?;
    print_record(&record_name(domain, selector), key, out)?;
    writeln!(
        out,
        "\nwhen the record is published, add to career-relay.toml, reload, and run `career-relay dkim check`:"
    )?;
    writeln!(out, "\n[[dkim]]\ndomain = \"{domain}\"\nselector = \"{selector}\"\nkey = \"{file}\"")?;
    Ok(End::Well)
}

fn strength(key: &SigningKey) -> String {
    match key.kind() {
        KeyKind::Rsa => format!("RSA, {} bits", key.bits()),
        KeyKind::Ed25519 => "Ed25519".to_owned(),
    }
}

fn print_record(name: &str, key: &SigningKey, out: &mut dyn Write) -> io::Result<()> {
    let text = record_text(key);
    writeln!(out, "as a line of a zone file:\n{}", zone_line(name, &text))?;
    writeln!(out, "\nplain, where a page asks for name and value:\nname   {name}\nvalue  {text}")
}

/// The keys that the arguments name.
fn keys(args: &KeysArgs) -> Result<Keys, String> {
    if let (Some(file), Some(domain), Some(selector)) = (&args.key, &args.domain, &args.selector) {
        let pem = fs::read(file).map_err(|e| format!("{} cannot be read: {e}", file.display()))?;
        let key = SigningKey::from_pem(&pem).map_err(|e| format!("{}: {e}", file.display()))?;
        let (domain, selector) = (domain.clone(), selector.clone());
        let keys = vec![DkimKey { domain, selector, file: file.clone(), key: Some(Arc::new(key)) }];
        return Ok(Keys { keys, dns: DnsSettings::default() });
    }
    let Inspection { settings, mut findings } = inspect(&args.config.config);
    findings.retain(|f| f.severity == Severity::Fault);
    let settings = settings.ok_or_else(|| findings_text(&findings).trim_end().to_owned())?;
    let is_meant = |key: &DkimKey| {
        args.domain.as_ref().is_none_or(|d| *d == key.domain)
            && args.selector.as_ref().is_none_or(|s| *s == key.selector)
    };
    let keys: Vec<DkimKey> = settings.dkim.into_iter().filter(is_meant).collect();
    if keys.is_empty() {
        return Err("no such [[dkim]] key in the configuration; `career-relay dkim keygen` makes one".to_owned());
    }
    Ok(Keys { keys, dns: settings.dns })
}

/// Why the key of a section cannot be looked at.
const HANDED_OVER: &str =
    "the key is a credential that only the service is handed: name its file with --key, --domain and --selector";

fn dns(keys: &Keys, as_json: bool, out: &mut dyn Write) -> io::Result<End> {
    let mut end = End::Well;
    let mut values = Vec::new();
    for (i, named) in keys.keys.iter().enumerate() {
        let name = record_name(named.domain.as_str(), &named.selector);
        let Some(key) = &named.key else {
            end = End::Wrong;
            if !as_json {
                writeln!(out, "{name}: {HANDED_OVER}")?;
            }
            continue;
        };
        let text = record_text(key);
        if as_json {
            values.push(json!({ "name": name, "value": text, "zone": zone_line(&name, &text), "key": strength(key) }));
        } else {
            let blank = if i > 0 { "\n" } else { "" };
            writeln!(out, "{blank}{name} ({})", strength(key))?;
            print_record(&name, key, out)?;
        }
    }
    if as_json {
        print_json(out, &values)?;
    }
    Ok(end)
}

fn check(args: &KeysArgs, out: &mut dyn Write) -> Done {
    let Keys { keys, dns } = keys(args)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let found = runtime.block_on(async {
        let names = NameServers::new(&dns.servers, dns.dnssec).map_err(|e| e.to_string())?;
        let mut found = Vec::new();
        for key in &keys {
            found.push((record_name(key.domain.as_str(), &key.selector), check_key(key, &names).await));
        }
        Ok::<_, String>(found)
    })?;
    Ok(tell_checked(&found, args.json, out))
}

fn tell_checked(found: &[(String, Result<String, String>)], as_json: bool, out: &mut dyn Write) -> io::Result<End> {
    if as_json {
        let value = |(name, found): &(String, Result<String, String>)| -> Value {
            json!({ "name": name, "ok": found.is_ok(), "what": found.as_ref().unwrap_or_else(|why| why) })
        };
        print_json(out, &found.iter().map(value).collect::<Vec<_>>())?;
    } else {
        for (name, found) in found {
            match found {
                Ok(what) => writeln!(out, "{name}: good: {what}")?,
                Err(why) => writeln!(out, "{name}: WRONG: {why}")?,
            }
        }
    }
    Ok(if found.iter().all(|(_, found)| found.is_ok()) { End::Well } else { End::Wrong })
}

/// What is good about a key's record, or what is wrong with it.
async fn check_key(named: &DkimKey, resolver: &impl Resolve) -> Result<String, String> {
    let source = named.key.clone().ok_or(HANDED_OVER)?;
    let (domain, selector) = (named.domain.as_str(), named.selector.as_str());
    let key = NamedKey::new(domain, selector, source).map_err(|e| e.to_string())?;
    let name = record_name(domain, selector);
    let answer = resolver.txt(&name).await.map_err(|fault| match fault {
        LookupFault::NoSuchName | LookupFault::NoRecords => {
            format!("{fault}: enter what `career-relay dkim dns` shows, or wait until it is published")
        }
        LookupFault::Temporary(_) => fault.to_string(),
    })?;
    let record = Published(&answer.records).check(&key).await.map_err(|e| e.to_string())?;
    let testing = if record.is_testing() { "; t=y says that the domain only tests, remove it when done" } else { "" };
    Ok(format!("{}, the record is that of the key, and a test mail verifies{testing}", strength(key.source())))
}
