//! Copies of the ledger: taken while a server posts, proven by a replay before they count, and brought back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::error::StoreError;
use super::read::{self, CompanyFaults};
use super::{LEDGER_FILE, rows, schema};
use crate::referral::CompanyId;
use crate::sys::disk::sync_dir;

/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// The name of a copy in the data folder while it is looked at.
const COMING: &str = "ledger.db.coming";
/// What SQLite keeps beside a file.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// Why there is no copy, or why one is not brought back. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum CopyFault {
    /// The name is taken.
    #[error("{0} is there already: name a file that is not")]
    Taken(PathBuf),
    /// A file cannot be read or written.
    #[error("{path} cannot be read or written: {error}")]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Not a ledger.
    #[error("{0} is no copy of a ledger")]
    Foreign(PathBuf),
    /// Part of it lies in a file beside it.
    #[error(
        "{0} is not whole: what was written last lies in the -wal file beside it; take the copy with `ledger backup`"
    )]
    Apart(PathBuf),
    /// Made by a newer program.
    #[error("{path} has schema {found}, this program knows {known}: use the program that made it, or a newer one")]
    Newer {
        /// The copy.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// The database says that it is damaged.
    #[error("{path} is damaged: {}", .faults.join("; "))]
    Damaged {
        /// The copy.
        path: PathBuf,
        /// What is wrong.
        faults: Vec<String>,
    },
    /// The ledger that was to be copied cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a ledger holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contents {
    /// The companies, each replayed and without a fault.
    pub companies: Vec<CompanyFaults>,
    /// When the newest entry was posted; none where there is no entry.
    pub newest: Option<Timestamp>,
    /// The keys its candidate keys were made with: company, key id and fingerprint.
    pub keys: Vec<(CompanyId, u16, String)>,
}

impl Contents {
    /// Entries of all companies.
    pub fn entries(&self) -> u64 {
        self.companies.iter().map(|company| company.entries).sum()
    }
}

/// Copies the ledger of a data folder, as it is at one moment, into a new file (mode 0600); who posts meanwhile does
/// not wait. The file has its name only when it is whole, replayed without a fault, and synced.
///
/// # Errors
/// [`CopyFault`]; no file of that name is there then.
pub fn back_up(data_dir: &Path, file: &Path) -> Result<Contents, CopyFault> {
    if fs::symlink_metadata(file).is_ok() {
        return Err(CopyFault::Taken(file.to_owned()));
    }
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".part-{}", std::process::id()));
    let part = file.with_file_name(name);
    let made = copy(&data_dir.join(LEDGER_FILE), &part)
        .and_then(|()| prove(&part))
        .map_err(|fault| fault.of(&part, &data_dir.join(LEDGER_FILE)))
        .and_then(|contents| keep(&part, file).map(|()| contents));
    if made.is_err() {
        remove(&part);
    }
    made
}

fn copy(ledger: &Path, part: &Path) -> Result<(), CopyFault> {
    let source = schema::open_reader(ledger)?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(part);
    made.map_err(|error| CopyFault::Disk { path: part.to_owned(), error })?;
    let mut target = Connection::open(part).map_err(StoreError::from)?;
    let backup = Backup::new(&source, &mut target).map_err(StoreError::from)?;
    // All in one step is one read transaction: what is posted meanwhile neither waits nor lets the copy begin anew.
    match backup.step(-1).map_err(StoreError::from)? {
        StepResult::Done => Ok(()),
        _ => Err(StoreError::Database("others hold the ledger; try again".to_owned()).into()),
    }
}

/// Syncs the copy and gives it its name.
fn keep(part: &Path, file: &Path) -> Result<(), CopyFault> {
    let fault = |error| CopyFault::Disk { path: file.to_owned(), error };
    File::open(part).and_then(|part| part.sync_all()).map_err(fault)?;
    if fs::symlink_metadata(file).is_ok() {
        return Err(CopyFault::Taken(file.to_owned()));
    }
    fs::rename(part, file).map_err(fault)?;
    sync_dir(folder_of(file)).map_err(fault)
}

/// Brings a copy to the newest schema, asks the database whether it is sound, and replays it. It is one whole file
/// afterwards.
fn prove(copy: &Path) -> Result<Contents, CopyFault> {
    let connection = schema::open(copy)?;
    let contents = examine(&connection, copy)?;
    connection.pragma_update(None, "journal_mode", "DELETE").map_err(StoreError::from)?;
    connection.close().map_err(|(_, error)| StoreError::from(error))?;
    Ok(contents)
}

fn examine(connection: &Connection, path: &Path) -> Result<Contents, CopyFault> {
    let damaged = |faults| CopyFault::Damaged { path: path.to_owned(), faults };
    let unsound = unsound(connection, "integrity_check")?;
    if !unsound.is_empty() {
        return Err(damaged(unsound));
    }
    let companies = read::verify(connection, None)?;
    let mut faults = Vec::new();
    for found in &companies {
        let at = |fault: &crate::ledger::Fault| fault.seq.map_or(String::new(), |seq| format!(" entry {seq}"));
        faults.extend(found.faults.iter().map(|f| format!("{}{}: {}", found.company, at(f), f.what)));
    }
    if !faults.is_empty() {
        return Err(damaged(faults));
    }
    Ok(Contents { companies, newest: newest(connection)?, keys: keys(connection)? })
}

/// What the database itself finds wrong with its file, without the help of any rule of ours; a few lines at most. The
/// checks are `integrity_check` and `quick_check`, which leaves out that indexes have what their tables have.
pub(super) fn unsound(connection: &Connection, check: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(&format!("PRAGMA {check}(5)"))?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

fn newest(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT MAX(posted) FROM companies WHERE seq > 0";
    let newest: Option<i64> = connection.query_row(sql, [], |row| row.get(0))?;
    newest.map(rows::time).transpose()
}

fn keys(connection: &Connection) -> Result<Vec<(CompanyId, u16, String)>, StoreError> {
    let sql = "SELECT c.name, k.key_id, k.fingerprint FROM company_keys k JOIN companies c ON c.id = k.company
               ORDER BY c.name, k.key_id";
    let mut statement = connection.prepare(sql)?;
    let mut found = statement.query([])?;
    let mut keys = Vec::new();
    while let Some(row) = found.next()? {
        keys.push((read::company_id(&row.get::<_, String>(0)?)?, row.get(1)?, row.get(2)?));
    }
    Ok(keys)
}

/// A copy that lies proven in the data folder, beside the ledger.
#[derive(Debug)]
pub struct Coming {
    data_dir: PathBuf,
    /// What it holds.
    pub contents: Contents,
}

/// Takes a copy into the data folder, whose lock the caller holds, and proves it there. `file` is where it came from,
/// for what is said of it.
///
/// # Errors
/// [`CopyFault`] says what is wrong with the copy; the ledger is as it was.
pub fn take_in(data_dir: &Path, (file, source): (&Path, &mut File)) -> Result<Coming, CopyFault> {
    let coming = data_dir.join(COMING);
    remove(&coming);
    let apart = fs::metadata(with_suffix(file, BESIDE[0])).is_ok_and(|wal| wal.len() > 0);
    if apart {
        return Err(CopyFault::Apart(file.to_owned()));
    }
    let taken = bring(file, source, &coming)
        .and_then(|()| prove(&coming).map_err(|fault| fault.of(&coming, file)))
        .map(|contents| Coming { data_dir: data_dir.to_owned(), contents });
    if taken.is_err() {
        remove(&coming);
    }
    taken
}

fn bring(file: &Path, source: &mut File, coming: &Path) -> Result<(), CopyFault> {
    let unread = |error| CopyFault::Disk { path: file.to_owned(), error };
    let unwritten = |error| CopyFault::Disk { path: coming.to_owned(), error };
    let mut head = [0; MAGIC.len()];
    match source.read_exact(&mut head) {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(unread(error)),
        _ if head != *MAGIC => return Err(CopyFault::Foreign(file.to_owned())),
        _ => source.rewind().map_err(unread)?,
    }
    let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(coming).map_err(unwritten)?;
    io::copy(source, &mut target).map_err(unwritten)?;
    target.sync_all().map_err(unwritten)
}

impl Coming {
    /// Puts the copy in the ledger's place. Gives the name under which the ledger that was there is kept, if one was.
    ///
    /// # Errors
    /// When a name cannot be given; the ledger that was there has both its names, or its old one, then.
    pub fn put_in_place(self, now: Timestamp) -> Result<Option<PathBuf>, CopyFault> {
        let (ledger, coming) = (self.data_dir.join(LEDGER_FILE), self.data_dir.join(COMING));
        let aside = self.data_dir.join(format!("ledger-until-{}.db", now.strftime("%Y%m%dT%H%M%SZ")));
        let fault = |error| CopyFault::Disk { path: aside.clone(), error };
        let was_there = ledger.exists();
        if was_there {
            // A second name and no copy: it takes no room, and nothing of it is touched, in whatever state it is.
            fs::hard_link(&ledger, &aside).map_err(fault)?;
            let wal = with_suffix(&ledger, BESIDE[0]);
            if wal.exists() {
                fs::hard_link(&wal, with_suffix(&aside, BESIDE[0])).map_err(fault)?;
            }
            sync_dir(&self.data_dir).map_err(fault)?;
        }
        // Beside the copy they would be taken for its own. Should all end between here and the next line, the ledger
        // has its state of the last checkpoint, and the outbox the rest: the same call again makes it whole.
        for suffix in BESIDE {
            let _ = fs::remove_file(with_suffix(&ledger, suffix));
        }
        fs::rename(&coming, &ledger).map_err(fault)?;
        sync_dir(&self.data_dir).map_err(fault)?;
        Ok(was_there.then_some(aside))
    }

    /// Leaves everything as it was.
    pub fn leave(self) {
        remove(&self.data_dir.join(COMING));
    }
}

/// When the newest entry of the ledger in a data folder was posted, and how many entries it has, as far as it can still
/// be read.
pub fn glance(data_dir: &Path) -> Option<(u64, Option<Timestamp>)> {
    let connection = schema::open_reader(&data_dir.join(LEDGER_FILE)).ok()?;
    let entries: i64 = connection.query_row("SELECT SUM(seq) FROM companies", [], |row| row.get(0)).ok()?;
    Some((rows::number(entries).ok()?, newest(&connection).ok()?))
}

impl CopyFault {
    /// The same fault, told of `file` in place of the name it has in between.
    fn of(self, between: &Path, file: &Path) -> Self {
        let path = file.to_owned();
        match self {
            Self::Damaged { path: at, faults } if at == between => Self::Damaged { path, faults },
            Self::Store(StoreError::Newer { found, known }) => Self::Newer { path, found, known },
            Self::Store(StoreError::Corrupt(what) | StoreError::Damaged(what)) => {
                Self::Damaged { path, faults: vec![what] }
            }
            Self::Store(StoreError::Database(what)) if what.contains("no such table") => Self::Foreign(path),
            other => other,
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes a file and what SQLite keeps beside it; it may not be there at all.
fn remove(path: &Path) {
    let _ = fs::remove_file(path);
    for suffix in BESIDE {
        let _ = fs::remove_file(with_suffix(path, suffix));
    }
}
