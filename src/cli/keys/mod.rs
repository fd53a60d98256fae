//! `keys show | rotate | export | import`: what tells keys apart is shown, and never a key.

pub mod args;
mod carry;

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::args::DataArgs;
use super::output::{Done, End, align_right, conclude, counted, print_json, print_table, table};
use super::reach::{ask_typed, data_dir};
use crate::config::keys;
use crate::control::Request;
use crate::control::optout::OptOutLine;
use crate::control::trust::KeysKnown;
use crate::sys::account;
use args::{KeysCommand, RotateArgs};

/// Does what is asked and prints what came of it.
///
/// # Errors
/// When the reader of the output is gone.
pub fn keys(command: &KeysCommand, out: &mut dyn Write) -> io::Result<End> {
    let done = match command {
        KeysCommand::Show(data) => show(data, out),
        KeysCommand::Rotate(args) => rotate(args, out),
        KeysCommand::Export(args) => carry::export(args, out),
        KeysCommand::Import(args) => carry::import(args, out),
    };
    conclude(done, out)
}

/// What has to be done before a change of the keys is in force.
const IN_FORCE: &str = "a running server takes it when it reads its files anew: systemctl reload career-relay";

fn show(data: &DataArgs, out: &mut dyn Write) -> Done {
    let (value, known): (Value, KeysKnown) = ask_typed(data, &Request::Keys)?;
    let written = if data.json { print_json(out, &value) } else { print(&known, out) };
    Ok(written.map(|()| End::Well))
}

fn print(known: &KeysKnown, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "ledger {}\n", known.ledger)?;
    writeln!(out, "checkpoints are signed by (the last one now; pin it on the other side):")?;
    for by in &known.signing {
        writeln!(out, "  {}  {}  since {}", by.key, by.id, by.since)?;
    }
    if known.signing.is_empty() {
        writeln!(out, "  nobody yet: the key is made at the next start")?;
    }
    writeln!(out, "\ncandidates are known by (the last of each company now, the others of before):")?;
    let rows = known.candidates.iter().map(|key| {
        let since = key.since.clone().unwrap_or_default();
        vec![key.company.clone(), key.id.to_string(), key.fingerprint.clone(), since, key.persons.to_string()]
    });
    let mut table = table(&["company", "key", "fingerprint", "since", "persons"], rows);
    align_right(&mut table, &[1, 4]);
    print_table(out, &table)
}

/// What is lost with keys.
struct Loss {
    persons: u64,
    optouts: usize,
}

fn rotate(args: &RotateArgs, out: &mut dyn Write) -> Done {
    let dir = data_dir(&args.data)?;
    let (_, known): (Value, KeysKnown) = ask_typed(&args.data, &Request::Keys)?;
    let numbers: BTreeSet<u16> = known.candidates.iter().map(|key| key.id).collect();
    let loss = loss(args, &known)?;
    let made = if args.dry_run {
        None
    } else {
        let as_owner = account::become_owner_of(&dir);
        as_owner.map_err(|e| format!("cannot work as the owner of {}: {e}; run this as that user", dir.display()))?;
        Some(keys::rotate(&dir, &numbers, &args.lost).map_err(|e| e.to_string())?)
    };
    if args.data.json {
        let told = json!({
            "made": made, "lost": args.lost, "persons_lost": loss.persons, "optouts_lost": loss.optouts,
        });
        return Ok(print_json(out, &told).map(|()| End::Well));
    }
    Ok(tell(args, made, &loss, out).map(|()| End::Well))
}

fn loss(args: &RotateArgs, known: &KeysKnown) -> Result<Loss, String> {
    if args.lost.is_empty() {
        return Ok(Loss { persons: 0, optouts: 0 });
    }
    let persons = known.candidates.iter().filter(|key| args.lost.contains(&key.id)).map(|key| key.persons).sum();
    let (_, lines): (Value, Vec<OptOutLine>) = ask_typed(&args.data, &Request::OptOuts { company: None })?;
    let id = |line: &OptOutLine| line.candidate.split('.').next().and_then(|id| id.parse::<u16>().ok());
    let optouts = lines.iter().filter(|line| id(line).is_some_and(|id| args.lost.contains(&id))).count();
    Ok(Loss { persons, optouts })
}

fn tell(args: &RotateArgs, made: Option<u16>, loss: &Loss, out: &mut dyn Write) -> io::Result<()> {
    if !args.lost.is_empty() {
        let persons = counted(usize::try_from(loss.persons).unwrap_or(usize::MAX), "person", "persons");
        let optouts = counted(loss.optouts, "opt-out", "opt-outs");
        writeln!(out, "what the loss means:")?;
        writeln!(
            out,
            "  {persons} counted under it: who of them is written to again counts as new, and the other side"
        )?;
        writeln!(out, "  has to be told of it; `keys show` says since when the new key is in use")?;
        writeln!(out, "  {optouts} known by it alone: they hold no more, and have to be entered again (`optout add`)")?;
    }
    match made {
        Some(id) => writeln!(out, "key {id} is made; keep it with the backups. {IN_FORCE}"),
        None => writeln!(out, "another key would be made, and those before it stay; nothing was changed"),
    }
}
