//! `ledger checkpoint`, and `ledger verify --checkpoint`: what the other side keeps, and the ledger held against it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use super::args::{CheckpointArgs, VerifyArgs};
use super::print_verified;
use crate::cli::output::{Done, End, conclude, counted, print_json};
use crate::cli::reach::{ask_store, ask_typed};
use crate::control::Request;
use crate::control::trust::{CheckpointText, Given, VerifiedGiven};

/// Octets of what is given, all files together: it goes over the socket in one line.
const GIVEN_OCTETS_MAX: u64 = 8 << 20;

/// Signs where all chains end, and prints it or writes it into a file.
///
/// # Errors
/// When the reader of the output is gone.
pub fn checkpoint(args: &CheckpointArgs, out: &mut dyn Write) -> io::Result<End> {
    conclude(make(args, out), out)
}

fn make(args: &CheckpointArgs, out: &mut dyn Write) -> Done {
    // Made while we are still who asked: without a server we become the owner of the data folder.
    let file = args.out.as_deref().map(|path| create(path).map(|file| (path, file))).transpose()?;
    let asked = ask_typed::<CheckpointText>(&args.data, &Request::Checkpoint);
    let Some((path, mut file)) = file else {
        let (value, made) = asked?;
        return Ok(if args.data.json { print_json(out, &value) } else { out.write_all(made.text.as_bytes()) }
            .map(|()| End::Well));
    };
    let written = asked.and_then(|asked| {
        let written = file.write_all(asked.1.text.as_bytes()).and_then(|()| file.sync_all());
        written.map(|()| asked).map_err(|e| format!("{} cannot be written: {e}", path.display()))
    });
    if written.is_err() {
        // An empty file would be taken for a checkpoint that was kept.
        let _ = fs::remove_file(path);
    }
    let (value, made) = written?;
    if args.data.json {
        return Ok(print_json(out, &value).map(|()| End::Well));
    }
    let companies = counted(made.companies, "company", "companies");
    Ok(writeln!(out, "{} holds the heads of {companies}, signed by {}", path.display(), made.key).map(|()| End::Well))
}

fn create(path: &Path) -> Result<File, String> {
    OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{} exists and is left as it is; name another file with --out", path.display())
        }
        _ => format!("{} cannot be written: {error}", path.display()),
    })
}

/// Replays the ledger, holds it against what was kept, and prints what differs.
///
/// # Errors
/// When the reader of the output is gone.
pub fn verify_given(args: &VerifyArgs, out: &mut dyn Write) -> io::Result<End> {
    conclude(verify(args, out), out)
}

fn verify(args: &VerifyArgs, out: &mut dyn Write) -> Done {
    let given = args.checkpoint.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    if given.iter().map(|given| given.text.len() as u64).sum::<u64>() > GIVEN_OCTETS_MAX {
        return Err(format!("more than {} MiB are given: verify in several turns", GIVEN_OCTETS_MAX >> 20));
    }
    let request = Request::VerifyGiven { company: args.company.clone(), given, keys: args.key.clone() };
    let value = ask_store(&args.data, &request)?;
    let verified: VerifiedGiven = serde_json::from_value(value.clone()).map_err(|why| why.to_string())?;
    let written = if args.data.json { print_json(out, &value) } else { print(&verified, out) };
    let is_well = verified.faults.is_empty()
        && verified.given.iter().all(|line| line.fault.is_none())
        && verified.companies.iter().all(|company| company.faults.is_empty());
    Ok(written.map(|()| if is_well { End::Well } else { End::Wrong }))
}

fn read(path: &Path) -> Result<Given, String> {
    let refuse = |why: String| format!("{} cannot be read: {why}", path.display());
    let mut octets = Vec::new();
    let read = File::open(path).and_then(|file| file.take(GIVEN_OCTETS_MAX + 1).read_to_end(&mut octets));
    read.map_err(|e| refuse(e.to_string()))?;
    let text = String::from_utf8(octets).map_err(|_| refuse("not UTF-8".to_owned()))?;
    Ok(Given { name: path.display().to_string(), text })
}

fn print(verified: &VerifiedGiven, out: &mut dyn Write) -> io::Result<()> {
    print_verified(&verified.companies, out)?;
    for line in &verified.given {
        match (&line.fault, &line.signed_by) {
            (Some(fault), _) => writeln!(out, "{}: NOT BELIEVED: {fault}", line.source)?,
            (None, Some(key)) => writeln!(out, "{}: a checkpoint, signed by {key}", line.source)?,
            (None, None) => writeln!(out, "{}: a statement, which is not signed", line.source)?,
        }
    }
    verified.faults.iter().try_for_each(|fault| writeln!(out, "  {fault}"))
}
