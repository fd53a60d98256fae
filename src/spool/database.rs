//! The file `spool.db`: how its connections are opened, its schema, and what its errors mean.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Params, ffi};

use super::error::SpoolError;

/// The schema this program writes.
pub(super) const SCHEMA: i64 = 3;
/// What brings a spool of version 1 up to date: candidates may be known under several keys.
const SECOND: &str = "ALTER TABLE offers ADD COLUMN earlier BLOB; ALTER TABLE outbox ADD COLUMN earlier BLOB;";
/// What brings one of version 2 up to date: what signals of fraud look at goes with an offer.
const THIRD: &str = "ALTER TABLE offers ADD COLUMN traits TEXT; ALTER TABLE outbox ADD COLUMN traits TEXT;";
/// "CRSp": tells our file from any other SQLite file.
const APPLICATION: i64 = 0x4352_5370;
/// How long a lock of another process (a copy being made by an admin) is waited for.
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(5);

/// Why a statement failed, told apart by what has to follow.
#[derive(Debug)]
pub(super) enum Fault {
    /// The batch contradicts what is there.
    Conflict(String),
    /// No room on the disk, or under the cap of the file.
    Full,
    /// Another process holds the file.
    Busy,
    /// The disk or the file is broken.
    Broken(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error() {
            Some(e) if e.extended_code == ffi::SQLITE_IOERR_SHMSIZE => Self::Full,
            Some(e) => match e.code {
                ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch => Self::Conflict(text),
                ErrorCode::DiskFull => Self::Full,
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy,
                _ => Self::Broken(text),
            },
            None => Self::Broken(text),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Broken(error.to_string()),
        }
    }
}

impl From<Fault> for SpoolError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Conflict(what) => Self::Conflict(what),
            Fault::Full => Self::NoSpace,
            Fault::Busy => Self::Busy,
            Fault::Broken(what) => Self::Failed(what),
        }
    }
}

/// Opens the one connection that writes, and makes the file when there is none.
pub(super) fn open_writer(path: &Path) -> Result<Connection, SpoolError> {
    if !path.exists() {
        create_private(path)?;
    }
    let connection = Connection::open(path).map_err(unreadable)?;
    connection.busy_timeout(LOCK_WAIT).map_err(unreadable)?;
    let is_new = check_schema(&connection)?;
    set_up(&connection).map_err(unreadable)?;
    if is_new {
        create_tables(&connection).map_err(unreadable)?;
    } else {
        migrate(&connection).map_err(unreadable)?;
    }
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCK_WAIT)?;
    keep_plans(&connection)?;
    Ok(connection)
}

/// Plans do not depend on what is bound: else many a statement in the cache would be prepared anew for each use.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}

/// An error of opening or reading.
pub(super) fn unreadable(error: impl std::fmt::Display) -> SpoolError {
    SpoolError::Read(error.to_string())
}

/// SQLite gives `-wal` and `-shm` the mode of the file itself, so the file is made first, for us alone.
fn create_private(path: &Path) -> Result<(), SpoolError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(unreadable)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|f| f.sync_all()).map_err(unreadable)
}

/// `auto_vacuum` has to be chosen before the first table. Incremental gives room back when the spool is quiet, and
/// `secure_delete` has zeroed such pages before. Checkpoints are ours, so that no caller waits for one, and no error
/// of one is swallowed.
fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    keep_plans(connection)?;
    connection.execute_batch(
        "PRAGMA auto_vacuum = INCREMENTAL;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA secure_delete = ON;
         PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA wal_autocheckpoint = 0;",
    )
}

/// Whether the file is new. One that is not ours, or of a newer program, is refused before anything is written to it.
fn check_schema(connection: &Connection) -> Result<bool, SpoolError> {
    let found = pragma(connection, "user_version").map_err(unreadable)?;
    let application = pragma(connection, "application_id").map_err(unreadable)?;
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = connection.query_row(tables, [], |row| row.get(0)).map_err(unreadable)?;
    match (found, application, tables) {
        (0, 0, 0) => Ok(true),
        (_, APPLICATION, _) if found > SCHEMA => Err(SpoolError::Newer { found, known: SCHEMA }),
        (1..=SCHEMA, APPLICATION, _) => Ok(false),
        _ => Err(SpoolError::Read("spool.db is not a spool of ours".to_owned())),
    }
}

fn create_tables(connection: &Connection) -> rusqlite::Result<()> {
    let tables = include_str!("schema.sql");
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {tables} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA}; COMMIT;"
    ))
}

/// Brings a spool of an older version up to date, in one commit.
fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    let found = pragma(connection, "user_version")?;
    if found >= SCHEMA {
        return Ok(());
    }
    let steps = if found < 2 { [SECOND, THIRD].concat() } else { THIRD.to_owned() };
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {steps} PRAGMA user_version = {SCHEMA}; COMMIT;"))
}

/// The value of a pragma that is a number.
pub(super) fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Runs a statement from the cache; gives the number of rows changed.
pub(super) fn execute(connection: &Connection, sql: &str, params: impl Params) -> Result<usize, Fault> {
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}

/// A time as it is stored. Times outside 1677 to 2262 are clamped.
pub(super) fn nanoseconds(at: Timestamp) -> i64 {
    let clamped = at.as_nanosecond().clamp(i64::MIN.into(), i64::MAX.into());
    i64::try_from(clamped).unwrap_or(i64::MAX)
}

/// A stored time.
pub(super) fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A number of ours as SQLite keeps it; beyond `i64` there is none in practice, and it is clamped.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
