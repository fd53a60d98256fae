//! Reading what is pending.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::{Intended, IntentState, IntentsStanding, LogPosition};
use crate::referral::{CandidateKey, CompanyId};
use crate::spool::database::{stored, timestamp};

const COLUMNS: &str = "i.transaction_id, i.recipient, i.company, i.key_id, i.candidate, i.at, i.tagged, i.state, \
     i.deferrals, i.last_reply, n.mta, n.queue_id";

/// The referrals of mails with this name, at this MTA, or with an empty one at any.
pub(in crate::spool) fn intended_under(
    connection: &Connection,
    (mta, queue_id): (&str, &str),
) -> rusqlite::Result<Vec<Intended>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM intent_names n JOIN intents i USING (transaction_id) \
         WHERE n.queue_id = ?1 AND ?2 IN ('', n.mta) ORDER BY i.at, i.transaction_id, i.recipient"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map([queue_id, mta], intended)?.filter_map(Result::transpose).collect()
}

/// The referrals of one mail, by our message id.
pub(in crate::spool) fn intended_as(connection: &Connection, transaction: &str) -> rusqlite::Result<Vec<Intended>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM intents i JOIN intent_names n USING (transaction_id) WHERE i.transaction_id = ?1 \
         GROUP BY i.recipient ORDER BY i.recipient"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map([transaction], intended)?.filter_map(Result::transpose).collect()
}

/// The referrals in one state, the oldest first, at most `most`.
pub(in crate::spool) fn list(
    connection: &Connection,
    state: IntentState,
    most: usize,
) -> rusqlite::Result<Vec<Intended>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM intents i JOIN intent_names n USING (transaction_id) WHERE i.state = ?1 \
         GROUP BY i.transaction_id, i.recipient ORDER BY i.at, i.transaction_id, i.recipient LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let values = params![state.number(), stored(most as u64)];
    statement.query_map(values, intended)?.filter_map(Result::transpose).collect()
}

fn intended(row: &Row<'_>) -> rusqlite::Result<Option<Intended>> {
    let (company, state): (String, i64) = (row.get(2)?, row.get(7)?);
    let state = IntentState::ALL.into_iter().find(|s| s.number() == state);
    let Some((company, state)) = CompanyId::parse(&company).ok().zip(state) else { return Ok(None) };
    Ok(Some(Intended {
        transaction: row.get(0)?,
        recipient: row.get(1)?,
        company,
        candidate: CandidateKey { key_id: row.get(3)?, octets: row.get(4)? },
        at: timestamp(row.get(5)?),
        tagged: row.get(6)?,
        state,
        deferrals: row.get(8)?,
        last_reply: row.get(9)?,
        named: (row.get(10)?, row.get(11)?),
    }))
}

/// How many stand how.
pub(in crate::spool) fn standing(connection: &Connection) -> rusqlite::Result<IntentsStanding> {
    let mut standing = IntentsStanding::default();
    let mut statement = connection.prepare_cached("SELECT state, count(*) FROM intents GROUP BY state")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (state, count): (i64, i64) = (row.get(0)?, row.get(1)?);
        let mut known = standing.counts.iter_mut().zip(IntentState::ALL);
        if let Some((slot, _)) = known.find(|(_, known)| known.number() == state) {
            *slot = count.cast_unsigned();
        }
    }
    let sql = "SELECT min(at) FROM intents WHERE state = 0";
    let oldest: Option<i64> = connection.query_row(sql, [], |row| row.get(0))?;
    standing.oldest_pending = oldest.map(timestamp).filter(|at| *at > Timestamp::MIN);
    Ok(standing)
}

/// How far each log was read.
pub(in crate::spool) fn positions(connection: &Connection) -> rusqlite::Result<Vec<LogPosition>> {
    let mut statement =
        connection.prepare_cached("SELECT log, file, offset, mark, at FROM log_positions ORDER BY log")?;
    let position = |row: &Row<'_>| {
        let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        let (log, at) = (row.get(0)?, timestamp(row.get(4)?));
        Ok(LogPosition { log, file: number(1)?, offset: number(2)?, mark: number(3)?, at })
    };
    statement.query_map([], position)?.collect()
}
