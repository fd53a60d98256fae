//! `ledger backup` and `ledger restore`: copies of the ledger that are proven before they count.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use jiff::SignedDuration;
use serde::Serialize;

use super::args::{BackupArgs, RestoreArgs};
use crate::cli::output::{Done, End, conclude, counted, print_json};
use crate::cli::reach::{data_dir, hold_folder};
use crate::config;
use crate::config::keys::{has_root_key, open_keys};
use crate::referral::{CompanyId, CompanyKeys};
use crate::store::backup::{Contents, back_up, glance, take_in};
use crate::store::{LEDGER_FILE, PumpOptions};
use crate::sys::clock;

/// What a copy holds, as it is told.
#[derive(Serialize)]
struct Told {
    file: PathBuf,
    entries: u64,
    newest: Option<String>,
    companies: Vec<Chain>,
}

/// One company's chain.
#[derive(Serialize)]
struct Chain {
    company: String,
    entries: u64,
    head: String,
}

impl Told {
    fn of(file: &Path, contents: &Contents) -> Self {
        let chain = |of: &crate::store::CompanyFaults| Chain {
            company: of.company.to_string(),
            entries: of.entries,
            head: HEXLOWER.encode(&of.head),
        };
        Self {
            file: file.to_owned(),
            entries: contents.entries(),
            newest: contents.newest.map(|at| at.to_string()),
            companies: contents.companies.iter().map(chain).collect(),
        }
    }

    /// Such as `1,234 entries of 3 companies, verified; the newest of 2026-11-23T09:30:00Z`.
    fn sentence(&self) -> String {
        let entries = counted(usize::try_from(self.entries).unwrap_or(usize::MAX), "entry", "entries");
        let companies = counted(self.companies.len(), "company", "companies");
        let newest = self.newest.as_ref().map_or(String::new(), |at| format!("; the newest of {at}"));
        format!("{entries} of {companies}, verified{newest}")
    }
}

/// Copies the ledger into a new file. It is this process that reads and writes: a service may not be let write there.
///
/// # Errors
/// When the reader of the output is gone.
pub fn backup(args: &BackupArgs, out: &mut dyn Write) -> io::Result<End> {
    conclude(back_up_to(args, out), out)
}

fn back_up_to(args: &BackupArgs, out: &mut dyn Write) -> Done<()> {
    let dir = data_dir(&args.data)?;
    if !dir.join(LEDGER_FILE).is_file() {
        return Err(format!("there is no ledger in {} yet: it begins with the first start", dir.display()));
    }
    let contents = back_up(&dir, &args.file).map_err(|fault| format!("nothing was copied: {fault}"))?;
    let told = Told::of(&args.file, &contents);
    if args.data.json {
        return Ok(print_json(out, &told));
    }
    Ok(writeln!(
        out,
        "{}: {}\nits keys are not in it: keep all of {} apart from it, secret; without them everybody would count anew",
        args.file.display(),
        told.sentence(),
        dir.join("keys").display()
    ))
}

/// What became of a copy.
#[derive(Serialize)]
struct Restored {
    dry_run: bool,
    #[serde(flatten)]
    copy: Told,
    /// The ledger that was there: its entries and when the newest was posted, as far as it could be read.
    before: Option<Before>,
    /// The name under which that one is kept.
    kept_as: Option<PathBuf>,
    /// How long the outbox keeps rows that were posted, in seconds.
    posted_again_seconds: i64,
    /// Whether the copy is older than that.
    is_too_old: bool,
}

#[derive(Serialize)]
struct Before {
    entries: u64,
    newest: Option<String>,
}

/// Puts a copy in the ledger's place, with no server running.
///
/// # Errors
/// When the reader of the output is gone.
pub fn restore(args: &RestoreArgs, out: &mut dyn Write) -> io::Result<End> {
    let restored = bring_back(args);
    conclude(restored.map(|r| if args.data.json { print_json(out, &r) } else { print(&r, out) }), out)
}

fn bring_back(args: &RestoreArgs) -> Result<Restored, String> {
    let (dir, keep_posted) = folder_and_keeping(args)?;
    // Opened while we are still who asked: the owner of the data folder may not be let read there.
    let mut source = File::open(&args.file).map_err(|e| format!("{} cannot be read: {e}", args.file.display()))?;
    let is_used = || {
        let exists = fs::metadata(&dir).is_ok_and(|folder| folder.is_dir());
        exists.then_some(()).ok_or_else(|| format!("there is no data folder {}: make it, with its keys", dir.display()))
    };
    let held = hold_folder(&dir, "ledger restore", is_used)?;
    let _lock =
        held.ok_or_else(|| format!("a server runs on {}: stop it first; nothing was changed", dir.display()))?;
    let unchanged = |why: String| format!("nothing was changed: {why}");
    let coming = take_in(&dir, (&args.file, &mut source)).map_err(|fault| unchanged(fault.to_string()))?;
    if let Err(why) = compare_keys(&dir, &args.file, &coming.contents) {
        coming.leave();
        return Err(unchanged(why));
    }
    let (now, newest) = (clock::now(), coming.contents.newest);
    let before = glance(&dir).map(|(entries, newest)| Before { entries, newest: newest.map(|at| at.to_string()) });
    let copy = Told::of(&args.file, &coming.contents);
    let kept_as = if args.dry_run {
        coming.leave();
        None
    } else {
        coming.put_in_place(now).map_err(|fault| fault.to_string())?
    };
    Ok(Restored {
        dry_run: args.dry_run,
        copy,
        before,
        kept_as,
        posted_again_seconds: keep_posted.as_secs(),
        is_too_old: newest.is_some_and(|at| now.duration_since(at) > keep_posted),
    })
}

fn folder_and_keeping(args: &RestoreArgs) -> Result<(PathBuf, SignedDuration), String> {
    if let Some(dir) = &args.data.data {
        return Ok((dir.clone(), PumpOptions::default().keep_posted));
    }
    let settings = config::load(&args.data.config.config).map_err(|faults| faults.to_string())?;
    let keep_posted = SignedDuration::try_from(settings.spool.keep_posted).unwrap_or(SignedDuration::MAX);
    Ok((settings.data_dir, keep_posted))
}

/// A ledger of other keys would know nobody of those it has counted.
fn compare_keys(dir: &Path, file: &Path, contents: &Contents) -> Result<(), String> {
    let (folder, file) = (dir.join("keys"), file.display());
    let folder = folder.display();
    if !has_root_key(dir).map_err(|fault| fault.to_string())? {
        return Err(format!(
            "{folder} has no root.key: put the keys there that were in use when {file} was made; where they are \
             credentials of the service, name their folder in CREDENTIALS_DIRECTORY"
        ));
    }
    let ring = open_keys(dir).map_err(|fault| fault.to_string())?;
    let differs = |(company, id, fingerprint): &&(CompanyId, u16, String)| {
        let keys = ring.of(company);
        let ours = keys.all().find(|key| key.key_id() == *id).map(CompanyKeys::fingerprint);
        match ours {
            Some(ours) => ours != *fingerprint,
            None => !ring.lost().any(|lost| lost == *id),
        }
    };
    let others = contents.keys.iter().filter(differs).map(|(company, id, _)| format!("key {id} of {company}"));
    let others: Vec<String> = others.collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{file} was made with other keys ({}) than those in {folder}: put that copy's own keys there first",
        others.join(", ")
    ))
}

fn print(restored: &Restored, out: &mut dyn Write) -> io::Result<()> {
    let Restored { dry_run, copy, before, kept_as, .. } = restored;
    writeln!(out, "{}: {}", copy.file.display(), copy.sentence())?;
    if let Some(Before { entries, newest }) = before {
        let newest = newest.as_deref().unwrap_or("never");
        writeln!(
            out,
            "the ledger {} here has {entries}, the newest of {newest}",
            if *dry_run { "that is" } else { "that was" }
        )?;
    }
    let days = (restored.posted_again_seconds + 86_399) / 86_400;
    writeln!(
        out,
        "the next start posts the rows of the outbox again, which keeps them for {days} days; each counts once"
    )?;
    if restored.is_too_old {
        writeln!(
            out,
            "WARNING: the copy is older than {days} days: referrals posted behind it and no longer in the outbox are \
             missing; look for a newer copy"
        )?;
    }
    writeln!(
        out,
        "what people did behind it (users, opt-outs, templates, stops, acts on slots, imports, disputes, erasures) has \
         to be done again"
    )?;
    match (dry_run, kept_as) {
        (true, _) => writeln!(out, "nothing was changed"),
        (false, Some(aside)) => writeln!(out, "restored; the ledger that was there is kept as {}", aside.display()),
        (false, None) => writeln!(out, "restored; there was no ledger before"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_copy_is_told_of_in_one_sentence() {
        let contents = Contents { companies: Vec::new(), newest: Some(Timestamp::UNIX_EPOCH), keys: Vec::new() };
        let told = Told::of(Path::new("copy.db"), &contents);
        assert_eq!(told.sentence(), "0 entries of 0 companies, verified; the newest of 1970-01-01T00:00:00Z");
    }
}
