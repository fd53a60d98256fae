//! Referrals in mails that an MTA has from our milter: pending until there is evidence of what became of them.
//!
//! The MTA keeps the mail; here lies what its delivery is worth, under the queue id by which its log speaks of it. No
//! address: a recipient is found again by his candidate key. A row stays for a while when it is settled, because a
//! report may still come that the mail was delivered, or that it was not after all.

mod read;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

pub(super) use read::{intended_as, intended_under, list, positions, standing};

use super::apply::proves_number;
use super::codec;
use super::database::{Fault, execute, nanoseconds, stored};
use super::reply::without_addresses;
use super::types::Offer;
use crate::ledger::Proves;
use crate::referral::{CandidateKey, CompanyId};

/// How long a row is kept, by the time of its mail: longer than any report of it is believed.
const KEPT: SignedDuration = SignedDuration::from_hours(45 * 24);

/// A mail that is given back to an MTA with the line in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Intent {
    /// The name of the MTA among those whose logs are read, as the settings name it.
    pub mta: String,
    /// The name the MTA has given the mail.
    pub queue_id: String,
    /// Our message id of it.
    pub transaction: String,
    /// What the ledger shows as the way it went.
    pub route: String,
    /// When it was given back.
    pub at: Timestamp,
    /// Whether it leaves with a return path of ours.
    pub tagged: bool,
    /// Whom it refers; those of its recipients who may count, and nobody else.
    pub offers: Vec<Offer>,
}

/// A change to what is pending.
#[derive(Clone, Debug)]
pub enum IntentWrite {
    /// A mail is about to be given back with the line. The same referral again, of a client that tried twice, changes
    /// nothing but the names under which it is found.
    Intend(Intent),
    /// Another name of a mail in the MTAs' queues: it was handed on to one whose log is read, or queued again.
    AlsoNamed {
        /// The mail, by our message id.
        transaction: String,
        /// The name of the MTA that has it now.
        mta: String,
        /// Its name there.
        queue_id: String,
        /// When it got it.
        at: Timestamp,
    },
    /// What became of one recipient. Evidence that tells nothing new changes nothing, however often it comes.
    Found(Finding),
    /// Referrals of mails from before this time that are still pending lapse.
    Lapse {
        /// Mails given back earlier.
        before: Timestamp,
        /// When that is said.
        at: Timestamp,
    },
    /// How far a log was read.
    Read(LogPosition),
}

/// Evidence of what became of one recipient.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The mail, by our message id.
    pub transaction: String,
    /// The recipient's number in its envelope.
    pub recipient: u32,
    /// What became of him.
    pub fate: Fate,
    /// When, as the evidence says.
    pub at: Timestamp,
    /// What the next hop said; addresses in it are replaced before it is kept.
    pub reply: String,
}

/// What became of a recipient.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// A next hop has taken it, and this is what that proves; or a report says that it was delivered.
    Taken(Proves),
    /// Not yet; the MTA tries again.
    Deferred,
    /// The MTA has given it up: of what was pending, nothing counts. Of what was taken it says nothing.
    Refused,
    /// A report says that it was not delivered: what was taken is taken back.
    Returned,
}

/// How a referral given to an MTA stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IntentState {
    /// Nothing is known.
    Pending,
    /// A smarthost has it.
    Accepted,
    /// The candidate's own MX has it, or a report says so.
    Delivered,
    /// It was not delivered.
    Bounced,
    /// Nothing was heard in time.
    Lapsed,
}

impl IntentState {
    /// All of them, in the order of the numbers they are stored as.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Accepted, Self::Delivered, Self::Bounced, Self::Lapsed];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Lapsed => "lapsed",
        }
    }

    fn number(self) -> i64 {
        match self {
            Self::Pending => 0,
            Self::Accepted => 1,
            Self::Delivered => 2,
            Self::Bounced => 3,
            Self::Lapsed => 4,
        }
    }
}

/// A referral that was given to an MTA.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Intended {
    /// Our message id of the mail.
    pub transaction: String,
    /// The recipient's number in its envelope.
    pub recipient: u32,
    /// The MTA and the name there under which it was asked for.
    pub named: (String, String),
    /// Who refers.
    pub company: CompanyId,
    /// Who is referred.
    pub candidate: CandidateKey,
    /// When the mail was given back to the MTA.
    pub at: Timestamp,
    /// Whether it left with a return path of ours.
    pub tagged: bool,
    /// How it stands.
    pub state: IntentState,
    /// How often the MTA has put it off.
    pub deferrals: u32,
    /// What the next hop said last, without addresses.
    pub last_reply: Option<String>,
}

/// How many referrals given to MTAs stand how, as far as they are remembered.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct IntentsStanding {
    /// In the order of [`IntentState::ALL`].
    pub counts: [u64; IntentState::ALL.len()],
    /// When the oldest mail that is pending was given back.
    pub oldest_pending: Option<Timestamp>,
}

/// How far a log was read: where, and in which file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogPosition {
    /// The log's name in the settings.
    pub log: String,
    /// Which file it was: what the system calls it.
    pub file: u64,
    /// Octets read of it.
    pub offset: u64,
    /// A checksum of the octets in front of that, so that another file of the same name is told.
    pub mark: u64,
    /// When it was read so far.
    pub at: Timestamp,
}

/// Writes a change down.
pub(super) fn write(connection: &Connection, write: &IntentWrite) -> Result<(), Fault> {
    match write {
        IntentWrite::Intend(intent) => {
            name(connection, (&intent.transaction, &intent.mta, &intent.queue_id), intent.at)?;
            intent.offers.iter().try_for_each(|offer| intend(connection, intent, offer))
        }
        IntentWrite::AlsoNamed { transaction, mta, queue_id, at } => {
            name(connection, (transaction, mta, queue_id), *at)
        }
        IntentWrite::Found(finding) => find(connection, finding),
        IntentWrite::Lapse { before, at } => lapse(connection, *before, *at),
        IntentWrite::Read(position) => note_position(connection, position),
    }
}

fn name(connection: &Connection, (transaction, mta, queue_id): (&str, &str, &str), at: Timestamp) -> Result<(), Fault> {
    let sql = "INSERT OR IGNORE INTO intent_names (queue_id, mta, transaction_id, at) VALUES (?1, ?2, ?3, ?4)";
    execute(connection, sql, params![queue_id, mta, transaction, nanoseconds(at)])?;
    Ok(())
}

fn intend(connection: &Connection, intent: &Intent, offer: &Offer) -> Result<(), Fault> {
    let sql = "INSERT OR IGNORE INTO intents (transaction_id, recipient, at, route, tagged, company, key_id, \
               candidate, token, series, version, digest, inserted, wording, earlier, traits) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    let values = params![
        intent.transaction,
        offer.recipient,
        nanoseconds(intent.at),
        intent.route,
        intent.tagged,
        offer.company.as_str(),
        offer.candidate.key_id,
        &offer.candidate.octets[..],
        offer.token.as_str(),
        offer.contract.series,
        offer.contract.version,
        &offer.contract.digest[..],
        offer.inserted,
        offer.wording,
        codec::put_keys(&offer.earlier),
        offer.traits.map(|traits| traits.to_text())
    ];
    execute(connection, sql, values)?;
    Ok(())
}

/// The state a referral comes to, those it comes from, and what the ledger is told of it.
type Step = (IntentState, &'static [IntentState], Option<Proves>);

/// Each piece of evidence leads to a state further on, and none back: so it is posted once, in whatever order it comes.
fn steps(fate: Fate) -> &'static [Step] {
    use IntentState::{Accepted, Bounced, Delivered, Lapsed, Pending};
    match fate {
        Fate::Taken(Proves::Accepted) => &[(Accepted, &[Pending, Lapsed], Some(Proves::Accepted))],
        Fate::Taken(Proves::AcceptedTagged) => &[(Accepted, &[Pending, Lapsed], Some(Proves::AcceptedTagged))],
        Fate::Taken(Proves::Delivered) => &[(Delivered, &[Pending, Lapsed], Some(Proves::Delivered))],
        Fate::Taken(Proves::DeliveredHiding) => &[(Delivered, &[Pending, Lapsed], Some(Proves::DeliveredHiding))],
        Fate::Taken(Proves::Reported) => &[(Delivered, &[Pending, Lapsed, Accepted], Some(Proves::Reported))],
        Fate::Returned => &[
            // Nothing was told of it yet, so there is nothing to take back.
            (Bounced, &[Pending], None),
            (Bounced, &[Accepted, Delivered], Some(Proves::Bounced)),
        ],
        Fate::Refused => &[(Bounced, &[Pending], None)],
        Fate::Taken(_) | Fate::Deferred => &[],
    }
}

fn find(connection: &Connection, finding: &Finding) -> Result<(), Fault> {
    let reply = without_addresses(&finding.reply);
    if finding.fate == Fate::Deferred {
        // A line that is read twice, because a stop came in between, is older than what it left.
        let sql = "UPDATE intents SET deferrals = deferrals + 1, last_reply = ?3, last_at = ?4 \
                   WHERE transaction_id = ?1 AND recipient = ?2 AND state = 0 AND ifnull(last_at, ?4 - 1) < ?4";
        let values = params![finding.transaction, finding.recipient, reply, nanoseconds(finding.at)];
        execute(connection, sql, values)?;
        return Ok(());
    }
    for (to, from, tells) in steps(finding.fate) {
        for state in *from {
            let sql = "UPDATE intents SET state = ?3, last_reply = ?5, last_at = ?6 \
                       WHERE transaction_id = ?1 AND recipient = ?2 AND state = ?4";
            let at = nanoseconds(finding.at);
            let values = params![finding.transaction, finding.recipient, to.number(), state.number(), reply, at];
            if execute(connection, sql, values)? > 0 {
                let told =
                    tells.map(|proves| tell(connection, (&finding.transaction, finding.recipient), proves, finding.at));
                return told.unwrap_or(Ok(()));
            }
        }
    }
    Ok(())
}

/// What is heard of a lapsed referral later still counts.
fn lapse(connection: &Connection, before: Timestamp, at: Timestamp) -> Result<(), Fault> {
    let sql = "UPDATE intents SET state = 4 WHERE state = 0 AND at < ?1 RETURNING transaction_id, recipient";
    let mut statement = connection.prepare_cached(sql)?;
    let lapsed = statement.query_map([nanoseconds(before)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let lapsed: Vec<(String, u32)> = lapsed.collect::<Result<_, _>>()?;
    lapsed.iter().try_for_each(|(transaction, number)| tell(connection, (transaction, *number), Proves::Lapsed, at))
}

/// Turns a referral into an outbox row.
fn tell(
    connection: &Connection,
    (transaction, recipient): (&str, u32),
    proves: Proves,
    at: Timestamp,
) -> Result<(), Fault> {
    let sql = "INSERT INTO outbox (seq, company, key_id, candidate, token, series, version, digest, inserted, \
               recipient, proves, route, transaction_id, at, wording, earlier, traits) \
               SELECT (SELECT seq FROM next_in_outbox), company, key_id, candidate, token, series, version, digest, \
               inserted, recipient, ?3, route, transaction_id, ?4, wording, earlier, traits \
               FROM intents WHERE transaction_id = ?1 AND recipient = ?2";
    let values = params![transaction, recipient, proves_number(proves), nanoseconds(at)];
    execute(connection, sql, values)?;
    Ok(())
}

fn note_position(connection: &Connection, position: &LogPosition) -> Result<(), Fault> {
    let sql = "INSERT OR REPLACE INTO log_positions (log, file, offset, mark, at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let (file, mark) = (position.file.cast_signed(), position.mark.cast_signed());
    execute(connection, sql, params![position.log, file, stored(position.offset), mark, nanoseconds(position.at)])?;
    Ok(())
}

/// Removes an erased person's referrals.
pub(super) fn forget_person(connection: &Connection, company: &CompanyId, of: &CandidateKey) -> Result<(), Fault> {
    let sql = "DELETE FROM intents WHERE company = ?1 AND key_id = ?2 AND candidate = ?3";
    execute(connection, sql, params![company.as_str(), of.key_id, &of.octets[..]])?;
    Ok(())
}

/// Removes what no evidence is believed of any more. What is pending stays until it lapses.
pub(super) fn forget(connection: &Connection, now: Timestamp) -> Result<(), Fault> {
    let before = nanoseconds(now.checked_sub(KEPT).unwrap_or(Timestamp::MIN));
    execute(connection, "DELETE FROM intents WHERE at < ?1 AND state <> 0", [before])?;
    let sql = "DELETE FROM intent_names WHERE at < ?1 \
               AND NOT EXISTS (SELECT 1 FROM intents WHERE intents.transaction_id = intent_names.transaction_id)";
    execute(connection, sql, [before])?;
    Ok(())
}
