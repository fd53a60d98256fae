//! Opens `ledger.db`: pragmas, and migrations up to the schema this program knows.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;

/// The migrations in order; the number of a schema is the number of migrations behind it.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/001_ledger.sql"),
    include_str!("../../migrations/sqlite/002_users.sql"),
    include_str!("../../migrations/sqlite/003_notices.sql"),
    include_str!("../../migrations/sqlite/004_switches.sql"),
    include_str!("../../migrations/sqlite/005_bounces.sql"),
    include_str!("../../migrations/sqlite/006_presumed.sql"),
    include_str!("../../migrations/sqlite/008_traces.sql"),
    include_str!("../../migrations/sqlite/010_optouts.sql"),
    include_str!("../../migrations/sqlite/011_line_terms.sql"),
    include_str!("../../migrations/sqlite/012_wordings.sql"),
    include_str!("../../migrations/sqlite/013_templates.sql"),
    include_str!("../../migrations/sqlite/014_acts.sql"),
    include_str!("../../migrations/sqlite/015_trust.sql"),
    include_str!("../../migrations/sqlite/016_operator.sql"),
    include_str!("../../migrations/sqlite/017_erasure.sql"),
    include_str!("../../migrations/sqlite/018_signals.sql"),
    include_str!("../../migrations/sqlite/019_redemptions.sql"),
];
/// How long a connection waits for another one's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens the file for the writer, readable by its owner alone, and migrates it.
pub fn open(path: &Path) -> Result<Connection, StoreError> {
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    made.map_err(|e| StoreError::Database(e.to_string()))?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(128);
    keep_plans(&connection)?;
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -16384;
         PRAGMA wal_autocheckpoint = 8000; PRAGMA secure_delete = ON;",
    )?;
    let transaction = connection.transaction()?;
    for (at, migration) in MIGRATIONS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", i64::try_from(at + 1).unwrap_or(known))?;
    }
    transaction.commit()?;
    Ok(connection)
}

/// Opens the file for reading.
pub fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    keep_plans(&connection)?;
    Ok(connection)
}

/// Plans do not depend on what is bound: else many a statement in the cache would be prepared anew for each use.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}
