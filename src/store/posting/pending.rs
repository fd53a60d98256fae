//! Entries on their way: they have their place in the chain, and are written many at a time.

use rusqlite::{Connection, Statement};

use crate::ledger::Entry;
use crate::ledger::chain::{Hash, Salt};
use crate::store::error::StoreError;
use crate::store::rows::signed;
use crate::sys::random;

/// Entries of one statement.
const TOGETHER: usize = 32;
/// Values of an entry.
const VALUES: usize = 13;
/// Salts drawn at a time.
const SALTS: usize = 64;
const SALT_OCTETS: usize = size_of::<Salt>();

/// What is not written yet.
#[derive(Default)]
pub(super) struct Pending {
    entries: Vec<(Entry, i64, Hash)>,
    salts: Vec<Salt>,
}

impl Pending {
    /// A fresh salt.
    pub(super) fn salt(&mut self) -> Salt {
        if self.salts.is_empty() {
            let drawn: [u8; SALTS * SALT_OCTETS] = random::octets();
            self.salts.extend(drawn.as_chunks::<SALT_OCTETS>().0);
        }
        self.salts.pop().unwrap_or_else(random::octets)
    }

    /// Takes an entry with the row of its contract version and its hash.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        company: i64,
        entry: (Entry, i64, Hash),
    ) -> Result<(), StoreError> {
        self.entries.push(entry);
        if self.entries.len() >= TOGETHER { self.write(connection, company) } else { Ok(()) }
    }

    /// Writes what there is.
    pub(super) fn write(&mut self, connection: &Connection, company: i64) -> Result<(), StoreError> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let mut sql = String::with_capacity(160 + self.entries.len() * (2 * VALUES + 2));
        sql.push_str(
            "INSERT INTO entries (company, seq, kind, contract, person, event, worth, cycle, at, posted, hash, wording,
             act) VALUES ",
        );
        for at in 0..self.entries.len() {
            sql.push_str(if at == 0 { "(?,?,?,?,?,?,?,?,?,?,?,?,?)" } else { ",(?,?,?,?,?,?,?,?,?,?,?,?,?)" });
        }
        let mut statement = connection.prepare_cached(&sql)?;
        for (at, entry) in self.entries.drain(..).enumerate() {
            bind(&mut statement, at * VALUES + 1, company, &entry)?;
        }
        statement.raw_execute()?;
        Ok(())
    }
}

/// Binds the values of one entry from number `first` on.
fn bind(
    statement: &mut Statement<'_>,
    first: usize,
    company: i64,
    (entry, contract, hash): &(Entry, i64, Hash),
) -> rusqlite::Result<()> {
    let personal = entry.new.kind.is_personal();
    statement.raw_bind_parameter(first, company)?;
    statement.raw_bind_parameter(first + 1, signed(entry.seq))?;
    statement.raw_bind_parameter(first + 2, entry.new.kind.number())?;
    statement.raw_bind_parameter(first + 3, contract)?;
    statement.raw_bind_parameter(first + 4, personal.then_some(&entry.person[..]))?;
    statement.raw_bind_parameter(first + 5, personal.then_some(&entry.event[..]))?;
    statement.raw_bind_parameter(first + 6, entry.new.worth)?;
    statement.raw_bind_parameter(first + 7, entry.new.cycle)?;
    statement.raw_bind_parameter(first + 8, entry.at.as_microsecond())?;
    statement.raw_bind_parameter(first + 9, entry.posted.as_microsecond())?;
    statement.raw_bind_parameter(first + 10, &hash[..])?;
    statement.raw_bind_parameter(first + 11, entry.wording.as_ref().map(|digest| &digest[..]))?;
    statement.raw_bind_parameter(first + 12, entry.act.as_ref().map(|digest| &digest[..]))
}
