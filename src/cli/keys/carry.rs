//! `keys export` and `keys import`: one company's keys from one installation to another, sealed on the way.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::IN_FORCE;
use super::args::{ExportArgs, ImportArgs};
use crate::cli::args::DataArgs;
use crate::cli::output::{Done, End, print_json};
use crate::cli::reach::{ask_typed, data_dir};
use crate::config::keys::{KeyFault, MovedKeys, add_moved, open_keys};
use crate::control::Request;
use crate::control::trust::KeysKnown;
use crate::referral::CompanyKeys;
use crate::store::LEDGER_FILE;
use crate::sys::{account, disk, sealed, terminal};

/// Octets of a passphrase, and of a file with sealed keys.
const PASSPHRASE_OCTETS_MAX: u64 = 1024;
const FILE_OCTETS_MAX: u64 = 1 << 20;

pub(super) fn export(args: &ExportArgs, out: &mut dyn Write) -> Done {
    let dir = data_dir(&args.data)?;
    if !dir.join(LEDGER_FILE).is_file() {
        return Err(format!("there is no ledger in {} yet: keys are made at the first start", dir.display()));
    }
    if args.out.exists() {
        return Err(taken(&args.out));
    }
    let keys = open_keys(&dir).map_err(|e| e.to_string())?.moved(&args.company);
    let passphrase = passphrase(true)?;
    let label = format!("the keys of {}", args.company);
    let text = sealed::seal(&passphrase, &label, keys.to_text().as_bytes()).map_err(|e| e.to_string())?;
    disk::create_private(&args.out, text.as_bytes()).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(&args.out),
        _ => format!("{} cannot be written: {error}", args.out.display()),
    })?;
    let prints = prints(&keys);
    if args.data.json {
        return Ok(print_json(out, &told(&keys, &prints)).map(|()| End::Well));
    }
    let file = args.out.display();
    let told = writeln!(out, "{file} holds {label}, sealed; without the passphrase nobody opens it, nor you");
    Ok(told.and_then(|()| print_prints(&prints, out)).map(|()| End::Well))
}

fn taken(path: &Path) -> String {
    format!("{} exists and is left as it is; name another file with --out", path.display())
}

pub(super) fn import(args: &ImportArgs, out: &mut dyn Write) -> Done {
    let dir = data_dir(&args.data)?;
    let mut text = String::new();
    let read = File::open(&args.file).and_then(|file| file.take(FILE_OCTETS_MAX).read_to_string(&mut text));
    read.map_err(|e| format!("{} cannot be read: {e}", args.file.display()))?;
    let named = |why: String| format!("{}: {why}", args.file.display());
    let (_, content) = sealed::open(&passphrase(false)?, &text).map_err(|e| named(e.to_string()))?;
    let keys = MovedKeys::parse(&content).map_err(|e| named(e.to_string()))?;
    refuse_other_keys(&args.data, &keys)?;
    if !args.dry_run {
        let as_owner = account::become_owner_of(&dir);
        as_owner.map_err(|e| format!("cannot work as the owner of {}: {e}; run this as that user", dir.display()))?;
        add_moved(&dir, &keys).map_err(|fault| match fault {
            KeyFault::Disk { path, error } if error.kind() == io::ErrorKind::AlreadyExists => {
                format!("{} has brought keys already: {} is left as it is", keys.company, path.display())
            }
            other => other.to_string(),
        })?;
    }
    let prints = prints(&keys);
    if args.data.json {
        return Ok(print_json(out, &told(&keys, &prints)).map(|()| End::Well));
    }
    let done = if args.dry_run { "would be taken in; nothing was changed" } else { "are taken in" };
    let after = if args.dry_run { "" } else { IN_FORCE };
    let told = writeln!(out, "the keys of {} {done}", keys.company).and_then(|()| print_prints(&prints, out));
    Ok(told.and_then(|()| if after.is_empty() { Ok(()) } else { writeln!(out, "{after}") }).map(|()| End::Well))
}

/// A ledger that knows the company under other keys of these numbers would refuse the company at the next start.
fn refuse_other_keys(data: &DataArgs, keys: &MovedKeys) -> Result<(), String> {
    let (_, known): (Value, KeysKnown) = ask_typed(data, &Request::Keys)?;
    for (id, print) in prints(keys) {
        let of_it = known.candidates.iter().find(|key| key.company == keys.company.as_str() && key.id == id);
        if let Some(other) = of_it.filter(|key| key.fingerprint != print) {
            return Err(format!(
                "the ledger here knows key {id} of {} as {}, and this one is {print}: two keys cannot share a number. \
                 Import it where the company has not been served yet",
                keys.company, other.fingerprint
            ));
        }
    }
    Ok(())
}

type Prints = Vec<(u16, String)>;

fn prints(keys: &MovedKeys) -> Prints {
    let print = |(id, octets): (&u16, _)| (*id, CompanyKeys::of(&keys.company, *id, octets).fingerprint());
    keys.keys.iter().map(print).collect()
}

fn told(keys: &MovedKeys, prints: &Prints) -> Value {
    let key = |(id, print): &(u16, String)| json!({ "id": id, "fingerprint": print });
    json!({ "company": keys.company.as_str(), "keys": prints.iter().map(key).collect::<Vec<_>>() })
}

fn print_prints(prints: &Prints, out: &mut dyn Write) -> io::Result<()> {
    prints.iter().try_for_each(|(id, print)| writeln!(out, "  key {id}, fingerprint {print}"))
}

/// Typed unseen, twice where it is a new one; or all of standard input, but for a line end behind it.
fn passphrase(is_new: bool) -> Result<Vec<u8>, String> {
    if !io::stdin().is_terminal() {
        let mut octets = Vec::new();
        let read = io::stdin().lock().take(PASSPHRASE_OCTETS_MAX).read_to_end(&mut octets);
        read.map_err(|e| format!("the passphrase cannot be read: {e}"))?;
        let line = octets.strip_suffix(b"\n").map_or(&octets[..], |line| line.strip_suffix(b"\r").unwrap_or(line));
        return Ok(line.to_vec());
    }
    let ask = |prompt: &str| {
        let typed = terminal::ask_unseen(prompt).map_err(|e| format!("the terminal cannot be read: {e}"))?;
        typed.ok_or_else(|| "broken off: nothing was changed".to_owned())
    };
    let first = ask("Passphrase: ")?;
    if is_new && ask("Once more: ")? != first {
        return Err("the two differ: nothing was changed".to_owned());
    }
    Ok(first)
}
