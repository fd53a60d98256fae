//! What it is held against: the rows that a referral is in the ledger, put into one table of the same database engine
//! with the same promises to the disk, and nothing else done.

use rusqlite::{Connection, params};
use tempfile::TempDir;

use super::Fault;
use super::referrals::{octets, transaction};
use super::took::{Took, Watch};

/// A table without a rule, an index or a hash.
pub struct Bare {
    connection: Connection,
    batch: u64,
    rows: u64,
    _folder: TempDir,
}

const TABLE: &str = "
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
    CREATE TABLE bare (
        company INTEGER, seq INTEGER, kind INTEGER, contract INTEGER, worth INTEGER, cycle INTEGER, at INTEGER,
        posted INTEGER, first BLOB, second BLOB, third BLOB, series TEXT, transaction_id TEXT, route TEXT, proves TEXT
    ) STRICT;";

impl Bare {
    /// An empty one, in a folder beside the ledger's.
    pub fn new(batch: u64) -> Result<Self, Fault> {
        let folder = tempfile::tempdir()?;
        let connection = Connection::open(folder.path().join("bare.db"))?;
        connection.execute_batch(TABLE)?;
        Ok(Self { connection, batch, rows: 0, _folder: folder })
    }

    /// Inserts what `until` referrals are; how long it took.
    pub fn insert(&mut self, until: u64) -> Result<Took, Fault> {
        let mut took = Took::default();
        while self.rows < until {
            let numbers = self.rows + 1..=until.min(self.rows + self.batch);
            let made: Vec<_> = numbers.map(|number| (number, octets(number), transaction(number))).collect();
            let watch = Watch::start()?;
            let commit = self.connection.transaction()?;
            for (number, key, name) in &made {
                insert(&commit, *number, key, name)?;
            }
            commit.commit()?;
            took += watch.stop()?;
            self.rows += made.len() as u64;
        }
        Ok(took)
    }
}

/// Three entries, the slot at the tenth, the person, the evidence.
fn insert(connection: &Connection, number: u64, key: &[u8; 32], transaction: &str) -> Result<(), Fault> {
    let (number, at) = (i64::try_from(number)?, 1_790_000_000_000_000_i64);
    let sql = "INSERT INTO bare (company, seq, kind, contract, worth, cycle, at, posted, first, second, third)
               VALUES (1, ?1, ?2, 1, ?3, 0, ?4, ?4, ?5, ?5, ?5)";
    let mut entry = connection.prepare_cached(sql)?;
    for kind in 1..=3 {
        entry.execute(params![number * 3 + kind, kind, kind / 3, at, key])?;
    }
    if number % 10 == 0 {
        let sql = "INSERT INTO bare (company, seq, kind, contract, worth, cycle, at, posted, third)
                   VALUES (1, ?1, 5, 1, -10, ?2, ?3, ?3, ?4)";
        connection.prepare_cached(sql)?.execute(params![number * 3, number / 10, at, key])?;
    }
    let sql = "INSERT INTO bare (company, seq, first, second, contract, kind, at, posted)
               VALUES (1, 1, ?1, ?2, 1, 2, ?3, ?3)";
    connection.prepare_cached(sql)?.execute(params![key, &key[..16], at])?;
    let sql = "INSERT INTO bare (company, first, seq, series, transaction_id, cycle, route, proves, worth)
               VALUES (?1, ?2, ?1, 'main', ?3, 0, 'mx', 'delivered', 1)";
    connection.prepare_cached(sql)?.execute(params![number, key, transaction])?;
    Ok(())
}
