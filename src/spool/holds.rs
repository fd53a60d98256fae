//! Mails that are held for a word of HR: how long each has left, by a clock of their own that no other clock can turn.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::apply::{Effects, find};
use super::database::{Fault, execute, nanoseconds, timestamp, unreadable};
use super::error::SpoolError;
use super::types::{EntryId, NewEntry};
use crate::referral::CompanyId;

/// What holds a new mail back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewHold {
    /// The code of the doubt.
    pub reason: String,
    /// Ids of the rules that found something; none has a blank in it.
    pub evidence: Vec<String>,
    /// For how long.
    pub hold_for: Duration,
    /// The copy that goes out if nobody says that it is a rejection: an index into [`NewEntry::copies`], of one without
    /// edits.
    pub plain_copy: u32,
    /// Mails held at one time; with so many this one is not taken.
    pub holds_max: u32,
}

/// A mail that is held.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hold {
    /// The entry.
    pub id: EntryId,
    /// Whose mail it is.
    pub company: Option<CompanyId>,
    /// When the client's mail was complete.
    pub received_at: Timestamp,
    /// The code of the doubt.
    pub reason: String,
    /// Ids of the rules that found something.
    pub evidence: Vec<String>,
    /// What is left of its time; nothing once it is over.
    pub left: Duration,
}

/// A choice of one held mail's two copies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Release {
    /// The entry.
    pub entry: EntryId,
    /// Whether it goes out with the line, and counts; else as it came.
    pub with_line: bool,
    /// Who says so; nobody when its time is over.
    pub actor: Option<String>,
    /// From when on it is due.
    pub at: Timestamp,
}

/// How a hold ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndedHold {
    /// When.
    pub at: Timestamp,
    /// The id of the mail, which may have left long ago.
    pub id: EntryId,
    /// Whose mail it is.
    pub company: Option<CompanyId>,
    /// The code of the doubt.
    pub reason: String,
    /// Whether it went out with the line.
    pub with_line: bool,
    /// Who said so; nobody when its time was over.
    pub actor: Option<String>,
}

/// How much longer than posted referrals it is kept how holds ended: a year.
const ENDS_KEPT_NANOSECONDS: i64 = 365 * 86_400 * 1_000_000_000;

/// The mails whose time is over, and when the next one's will be.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HoldsDue {
    /// Those whose time is over, first those that came first.
    pub over: Vec<EntryId>,
    /// How long until the next one's is; `None` when no other is held.
    pub next_in: Option<Duration>,
}

/// The time that holds are measured by: while the server runs, that of its monotonic clock; while it does not run, what
/// the wall clock says has passed, and never less than nothing.
///
/// A wall clock that is set while the server runs changes nothing. One that is set back between two runs takes nothing
/// away, so that a mail is never held for longer than its time of running; one that is set forward counts as if so much
/// time had passed, which cannot be told apart. The time is written down once a minute, and with each mail held.
#[derive(Debug)]
pub(super) struct HoldClock {
    before: Duration,
    began: Instant,
}

impl HoldClock {
    /// Goes on from where the last run wrote it down.
    pub(super) fn open(connection: &Connection, now: Timestamp) -> Result<Self, SpoolError> {
        let sql = "SELECT ran_ms, at FROM hold_clock";
        let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
        let kept = connection.query_row(sql, [], row).optional().map_err(unreadable)?;
        let before = kept.map_or(Duration::ZERO, |(ran, at)| {
            let between = Duration::try_from(now.duration_since(timestamp(at))).unwrap_or_default();
            milliseconds(ran).saturating_add(between)
        });
        Ok(Self { before, began: Instant::now() })
    }

    fn now(&self) -> Duration {
        self.before.saturating_add(self.began.elapsed())
    }

    /// Writes down where it stands.
    pub(super) fn keep(&self, connection: &Connection, at: Timestamp) -> Result<(), Fault> {
        let sql = "INSERT OR REPLACE INTO hold_clock (one, ran_ms, at) VALUES (1, ?1, ?2)";
        execute(connection, sql, params![stored(self.now()), nanoseconds(at)])?;
        Ok(())
    }
}

fn milliseconds(stored: i64) -> Duration {
    Duration::from_millis(u64::try_from(stored).unwrap_or(0))
}

fn stored(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Whether one more mail may be held, and whether it can be let go in both ways.
pub(super) fn check(connection: &Connection, new: &NewEntry, hold: &NewHold) -> Result<(), Fault> {
    let plain = usize::try_from(hold.plain_copy).ok().and_then(|n| new.copies.get(n));
    if plain.is_none_or(|copy| !copy.edits.is_empty() || !copy.offers.is_empty()) {
        return Err(Fault::Conflict(format!("entry {} has no copy to go out as it came", new.id)));
    }
    let count: i64 = connection.prepare_cached("SELECT count(*) FROM holds")?.query_row([], |row| row.get(0))?;
    if count >= i64::from(hold.holds_max) {
        return Err(Fault::Conflict(format!("{count} mails are held, and no more may be")));
    }
    Ok(())
}

/// Notes that an entry is held, and from when on.
pub(super) fn hold(connection: &Connection, entry: i64, new: &NewHold, clock: &HoldClock) -> Result<(), Fault> {
    let sql = "INSERT INTO holds (entry, plain_copy, reason, evidence, due_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
    let due = clock.now().saturating_add(new.hold_for);
    execute(connection, sql, params![entry, new.plain_copy, new.reason, new.evidence.join(" "), stored(due)])?;
    clock.keep(connection, crate::sys::clock::now())
}

/// Lets a held mail go. Without the line the offers go too: nobody can count them later.
pub(super) fn release(connection: &Connection, release: &Release, effects: &mut Effects) -> Result<(), Fault> {
    let entry = find(connection, &release.entry)?;
    let copy = if release.with_line { "copy" } else { "(SELECT plain_copy FROM holds WHERE entry = ?1)" };
    let sql = format!(
        "UPDATE recipients SET state = 0, next_at = ?2, copy = {copy} \
         WHERE entry = ?1 AND state = 4 AND entry IN (SELECT entry FROM holds) RETURNING route"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    // Its time is the wall's, and waits go by the steady clock.
    let due = release.at.min(crate::sys::clock::steady());
    let routes = statement.query_map(params![entry, nanoseconds(due)], |row| row.get(0))?;
    let routes = routes.collect::<Result<Vec<String>, _>>()?;
    if routes.is_empty() {
        return Err(Fault::Conflict(format!("mail {} is not held", release.entry)));
    }
    effects.waiting.extend(routes.into_iter().map(|route| (route, due)));
    if !release.with_line {
        execute(connection, "DELETE FROM offers WHERE entry = ?1", [entry])?;
    }
    let sql = "INSERT INTO hold_ends (at, id, company, reason, line, actor) \
               SELECT ?2, id, company, reason, ?3, ?4 FROM holds JOIN entries USING (entry) WHERE entry = ?1";
    execute(connection, sql, params![entry, nanoseconds(release.at), release.with_line, release.actor])?;
    execute(connection, "DELETE FROM holds WHERE entry = ?1", [entry])?;
    Ok(())
}

/// Forgets what ended a year before this time.
pub(super) fn forget_ends(connection: &Connection, posted_before: i64) -> Result<(), Fault> {
    let before = posted_before.saturating_sub(ENDS_KEPT_NANOSECONDS);
    execute(connection, "DELETE FROM hold_ends WHERE at < ?1", [before])?;
    Ok(())
}

/// How the last holds ended, the newest first.
pub(super) fn ends(connection: &Connection, most: usize) -> rusqlite::Result<Vec<EndedHold>> {
    let sql = "SELECT at, id, company, reason, line, actor FROM hold_ends ORDER BY seq DESC LIMIT ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let ended = |row: &Row<'_>| {
        let (id, company): (String, Option<String>) = (row.get(1)?, row.get(2)?);
        let company = company.and_then(|c| CompanyId::parse(&c).ok());
        let (at, reason, with_line, actor) = (timestamp(row.get(0)?), row.get(3)?, row.get(4)?, row.get(5)?);
        Ok(EntryId::parse(&id).ok().map(|id| EndedHold { at, id, company, reason, with_line, actor }))
    };
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    statement.query_map([most], ended)?.filter_map(Result::transpose).collect()
}

/// Every mail that is held, those whose time is over first coming first.
pub(super) fn list(connection: &Connection, clock: &HoldClock) -> Result<Vec<Hold>, SpoolError> {
    let sql = "SELECT id, company, received_at, reason, evidence, due_ms FROM holds JOIN entries USING (entry) \
               ORDER BY due_ms, entry";
    let mut statement = connection.prepare_cached(sql).map_err(unreadable)?;
    let now = clock.now();
    let hold = |row: &Row<'_>| {
        let (id, company): (String, Option<String>) = (row.get(0)?, row.get(1)?);
        let evidence: String = row.get(4)?;
        Ok(EntryId::parse(&id).ok().map(|id| Hold {
            id,
            company: company.and_then(|c| CompanyId::parse(&c).ok()),
            received_at: row.get(2).map(timestamp).unwrap_or_default(),
            reason: row.get(3).unwrap_or_default(),
            evidence: evidence.split_whitespace().map(str::to_owned).collect(),
            left: milliseconds(row.get(5).unwrap_or_default()).saturating_sub(now),
        }))
    };
    let found = statement.query_map([], hold).map_err(unreadable)?;
    found.filter_map(Result::transpose).collect::<Result<_, _>>().map_err(unreadable)
}

/// The mails whose time is over, at most `most`.
pub(super) fn due(connection: &Connection, clock: &HoldClock, most: usize) -> rusqlite::Result<HoldsDue> {
    let now = stored(clock.now());
    let sql = "SELECT id FROM holds JOIN entries USING (entry) WHERE due_ms <= ?1 ORDER BY due_ms, entry LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let ids = statement.query_map(params![now, most], |row| row.get::<_, String>(0))?;
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let over = ids.iter().filter_map(|id| EntryId::parse(id).ok()).collect();
    let sql = "SELECT min(due_ms) FROM holds WHERE due_ms > ?1";
    let next: Option<i64> = connection.prepare_cached(sql)?.query_row([now], |row| row.get(0))?;
    Ok(HoldsDue { over, next_in: next.map(|next| milliseconds(next.saturating_sub(now))) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    const RAN: Duration = Duration::from_hours(100);

    /// How far the clock has gone on over a pause in which the wall clock moved so.
    fn moved(wall: SignedDuration) -> Duration {
        let connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch(include_str!("schema.sql")).expect("tables");
        let stopped = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(500_000);
        let last = HoldClock { before: RAN, began: Instant::now() };
        last.keep(&connection, stopped).unwrap_or_else(|e| panic!("{e:?}"));
        let clock = HoldClock::open(&connection, stopped + wall).expect("a clock");
        clock.before.saturating_sub(RAN)
    }

    #[test]
    fn a_pause_counts_and_a_wall_clock_set_back_takes_nothing_away() {
        let slack = Duration::from_secs(5);
        let hour = Duration::from_hours(1);
        assert!((hour..hour + slack).contains(&moved(SignedDuration::from_hours(1))));
        assert!(moved(SignedDuration::from_hours(-24 * 365)) < slack);
    }

    #[test]
    fn a_clock_that_was_never_kept_begins_at_nothing() {
        let connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch(include_str!("schema.sql")).expect("tables");
        let clock = HoldClock::open(&connection, Timestamp::MAX).expect("a clock");
        assert_eq!(clock.before, Duration::ZERO);
    }
}
