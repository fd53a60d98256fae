//! What the ledger gives for a contribution report and for an export, in the form that goes over the socket.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Request;
use super::ledger::to_value;
use crate::ledger::chain::Hash;
use crate::ledger::{Entry, Statement};
use crate::referral::CompanyId;
use crate::report::contribution::{Head, Input, Measured, Period, Reported, Times, ToldTo};
use crate::store::{ReportedOutcomes, ReportedTo, Store, StoreError};

/// Entries in one answer: some megabytes.
const ENTRIES_MAX: u32 = 5_000;

/// What a company's ledger has of a period.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Counted {
    /// The number of the last entry of the period or before it, 0 for none.
    pub entries: u64,
    /// Its hash, in hexadecimal.
    pub head: String,
    /// Entries of the period: people offered a way on.
    pub offered: u64,
    /// Acceptances.
    pub accepted: u64,
    /// Deliveries.
    pub delivered: u64,
    /// Presumed deliveries.
    pub presumed: u64,
    /// Further mails to the same people.
    pub duplicate: u64,
    /// Mails that came back.
    pub bounced: u64,
    /// Hire slots granted.
    pub granted: u64,
    /// Hire slots taken back.
    pub voided: u64,
    /// Reservations of hire slots.
    pub reserved: u64,
    /// Hire slots used.
    pub redeemed: u64,
    /// Of these, those under whose use the operator has signed.
    pub redeemed_signed: u64,
    /// People known by evidence of mail that did not pass here; null where there is none.
    pub observed: Option<u64>,
    /// What the operator has reported of the period.
    pub told: ToldCounted,
}

/// What the operator has reported; what he did not is null.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ToldCounted {
    /// The number of the last entry that was looked at.
    pub entries: u64,
    /// Its hash, in hexadecimal.
    pub head: String,
    /// How many totals were looked at.
    pub totals: u64,
    /// People who registered.
    pub registered: Option<u64>,
    /// People who first had an adviser.
    pub supported: Option<u64>,
    /// People who began to work.
    pub reemployed: Option<u64>,
    /// People who left such work within six months.
    pub left: Option<u64>,
    /// Those named who began to work, by the official spans of the time it took; the last one is longer.
    pub spans: Option<[u64; 6]>,
    /// The middle of these times in days.
    pub median_days: Option<u64>,
}

impl ToldCounted {
    fn of(reported: &ReportedOutcomes) -> Self {
        let ReportedOutcomes { outcomes, to, head } = reported;
        Self {
            entries: to.entries,
            head: HEXLOWER.encode(head),
            totals: to.totals,
            registered: outcomes.registered,
            supported: outcomes.supported,
            reemployed: outcomes.reemployed,
            left: outcomes.left,
            spans: outcomes.spans,
            median_days: outcomes.median_days,
        }
    }
}

impl Counted {
    fn of(statement: &Statement, reported: &ReportedOutcomes) -> Self {
        let measured = Measured::from(statement);
        Self {
            entries: statement.seq,
            head: statement.head_text(),
            offered: measured.offered,
            accepted: measured.accepted,
            delivered: measured.delivered,
            presumed: measured.presumed,
            duplicate: measured.duplicate,
            bounced: measured.bounced,
            granted: measured.granted,
            voided: measured.voided,
            reserved: measured.reserved,
            redeemed: measured.redeemed,
            redeemed_signed: measured.redeemed_signed,
            observed: measured.observed,
            told: ToldCounted::of(reported),
        }
    }

    /// All of it as figures.
    pub fn input(&self) -> Input {
        let times = self.told.spans.map(|spans| {
            let [buckets @ .., longer] = spans;
            Times { buckets, longer, median_days: self.told.median_days }
        });
        let reported = Reported {
            registered: self.told.registered,
            supported: self.told.supported,
            reemployed: self.told.reemployed,
            left: self.told.left,
            times,
        };
        Input { measured: self.measured(), reported }
    }

    fn measured(&self) -> Measured {
        Measured {
            offered: self.offered,
            accepted: self.accepted,
            delivered: self.delivered,
            presumed: self.presumed,
            duplicate: self.duplicate,
            bounced: self.bounced,
            granted: self.granted,
            voided: self.voided,
            reserved: self.reserved,
            redeemed: self.redeemed,
            redeemed_signed: self.redeemed_signed,
            observed: self.observed,
        }
    }

    /// Where in its chain the ledger stood.
    pub fn head(&self) -> Head {
        Head { entries: self.entries, hash: self.head.clone() }
    }

    /// How far what the operator had reported was looked at.
    pub fn told_to(&self) -> ToldTo {
        let head = Head { entries: self.told.entries, hash: self.told.head.clone() };
        ToldTo { head, totals: self.told.totals }
    }
}

/// One entry as it leaves. Of a person there is the salted commitment alone.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Exported {
    /// Its number in the company's chain, from 1.
    pub seq: u64,
    /// What it says.
    pub kind: String,
    /// What it adds to the credits that wait for the next slot.
    pub worth: i64,
    /// The number of the slot it grants or voids, else 0.
    pub cycle: u32,
    /// The contract series.
    pub series: String,
    /// The version in it.
    pub version: u32,
    /// The digest of that version's terms, in hexadecimal as all hashes here.
    pub terms: String,
    /// The salted commitment to the person; null when none is concerned.
    pub person: Option<String>,
    /// The salted commitment to the evidence; null when no person is concerned.
    pub event: Option<String>,
    /// The digest of the words its mail was given, if it names some.
    pub wording: Option<String>,
    /// The digest of the act it stands on, if it does on one.
    pub act: Option<String>,
    /// When it happened, RFC 3339.
    pub at: String,
    /// When it was posted.
    pub posted: String,
    /// The hash over the one in front of it and its own record.
    pub hash: String,
}

impl From<&(Entry, Hash)> for Exported {
    fn from((entry, hash): &(Entry, Hash)) -> Self {
        let of_person = |hash: &Hash| (*hash != Hash::default()).then(|| HEXLOWER.encode(hash));
        Self {
            seq: entry.seq,
            kind: entry.new.kind.code().to_owned(),
            worth: entry.new.worth,
            cycle: entry.new.cycle,
            series: entry.contract.series.clone(),
            version: entry.contract.version,
            terms: HEXLOWER.encode(&entry.contract.digest),
            person: of_person(&entry.person),
            event: of_person(&entry.event),
            wording: entry.wording.map(|wording| HEXLOWER.encode(&wording)),
            act: entry.act.map(|act| HEXLOWER.encode(&act)),
            at: entry.at.to_string(),
            posted: entry.posted.to_string(),
            hash: HEXLOWER.encode(hash),
        }
    }
}

/// Answers what a report or an export asks; `None` when the request is neither's.
pub(super) async fn answer_report(store: &Store, request: &Request) -> Option<Result<Value, String>> {
    match request {
        Request::Contribution { company, from, to, seq_max, told_max } => {
            let told_to = told_max.map_or(ReportedTo::NOW, |(entries, totals)| ReportedTo { entries, totals });
            Some(match span(from, to) {
                Ok(span) => to_value(count(store, company, span, (seq_max.unwrap_or(u64::MAX), told_to)).await),
                Err(why) => Err(why),
            })
        }
        Request::Entries { company, after } => {
            let found = store.entries(company, *after, ENTRIES_MAX).await;
            Some(to_value(found.map(|entries| entries.iter().map(Exported::from).collect::<Vec<_>>())))
        }
        _ => None,
    }
}

async fn count(
    store: &Store,
    company: &CompanyId,
    span: (Timestamp, Timestamp),
    (seq_max, told_to): (u64, ReportedTo),
) -> Result<Counted, StoreError> {
    let statement = store.statement_to(company, span, seq_max).await?;
    let reported = store.outcomes(company, span, told_to).await?;
    Ok(Counted::of(&statement, &reported))
}

fn span(from: &str, to: &str) -> Result<(Timestamp, Timestamp), String> {
    let day = |text: &str| text.parse::<Date>().map_err(|_| format!("{text:?} is no day: write it as 2026-04-01"));
    let period = Period::of(day(from)?, day(to)?, 1).and_then(Period::span);
    period.map_err(|why| why.to_string())
}
