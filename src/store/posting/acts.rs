//! Posting acts upon hire slots: finds the slot, asks the rules, writes the entry with the act it stands on.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};
use rusqlite::{Connection, OptionalExtension, params};

use super::OpenLedger;
use super::corrections::tentatively;
use super::entries::Behind;
use crate::ledger::signals::SignalName;
use crate::ledger::{Act, ContractRef, ContractVersion, Deed, Kind, NewEntry, Slot, SlotStage};
use crate::referral::CompanyId;
use crate::store::error::StoreError;
use crate::store::rows::{self, signed};
use crate::store::{redemptions, signals, slots};

/// Who does what to which slot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SlotAct {
    /// Whose slot.
    pub company: CompanyId,
    /// The contract series.
    pub series: String,
    /// Its number in the series.
    pub cycle: u32,
    /// What is done, by whom, and why.
    pub act: Act,
    /// Whether it is only told what would be.
    pub dry_run: bool,
}

/// What an act made of a slot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Acted {
    /// The entry, 0 when nothing was written.
    pub seq: u64,
    /// How far the slot has come.
    pub stage: SlotStage,
}

/// The actor of what a term of the contract does by itself.
const CLOCK: &str = "clock";

/// A slot with what rules it.
struct Kept {
    slot: Slot,
    contract_row: i64,
    pinned: ContractRef,
}

/// Does an act.
pub fn act(connection: &Connection, wanted: &SlotAct, now: Timestamp) -> Result<Acted, StoreError> {
    wanted.act.check().map_err(StoreError::BadAct)?;
    let row = rows::company(connection, &wanted.company)?;
    let row = row.ok_or_else(|| StoreError::NoCompany(wanted.company.clone()))?;
    // What the clock does to the slot before a deed that does not follow goes with that: the clock comes again.
    tentatively(connection, wanted.dry_run, || {
        let mut ledger = OpenLedger::open(connection, &wanted.company, row, now)?;
        let acted = ledger.act(wanted)?;
        ledger.close()?;
        Ok(acted)
    })
}

/// Does what is due by the contracts' terms: reservations whose deadline is over are released, free slots whose time is
/// over expire. How many entries that made.
pub fn let_time_pass(connection: &Connection, now: Timestamp) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT n.name, g.series, g.cycle FROM grants g JOIN companies n ON n.id = g.company
         JOIN entries e ON e.company = g.company AND e.seq = g.seq JOIN contracts c ON c.id = e.contract
         WHERE g.stage IN (2, 3) AND g.deadline <= ?1
            OR g.stage = 1 AND g.at + c.slot_expiry_days * 86400000000 <= ?1
         ORDER BY n.name, g.series, g.cycle",
    )?;
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?));
    let due = statement.query_map([now.as_microsecond()], read)?.collect::<Result<Vec<_>, _>>()?;
    let mut made = 0;
    for (company, series, cycle) in due {
        let company = CompanyId::parse(&company).map_err(|e| StoreError::Damaged(format!("company: {e}")))?;
        let row = rows::company(connection, &company)?.ok_or_else(|| StoreError::NoCompany(company.clone()))?;
        let mut ledger = OpenLedger::open(connection, &company, row, now)?;
        made += u64::from(ledger.let_pass(&series, cycle)?);
        ledger.close()?;
    }
    Ok(made)
}

impl OpenLedger<'_> {
    fn act(&mut self, wanted: &SlotAct) -> Result<Acted, StoreError> {
        let SlotAct { series, cycle, act, dry_run, .. } = wanted;
        // What the clock was to do before is done before.
        if !dry_run {
            self.let_pass(series, *cycle)?;
        }
        let Some(mut kept) = self.find_slot(series, *cycle)? else {
            let company = self.company.clone();
            return Err(StoreError::NoSlot { company, series: series.clone(), cycle: *cycle });
        };
        if matches!(act.deed, Deed::Reserve { .. }) {
            self.check_reserved(&kept)?;
        }
        let kind = self.step(&mut kept, act, *cycle)?;
        match act.deed {
            Deed::Redeem { .. } => self.check_signals(series, *cycle)?,
            Deed::Sign { .. } => self.check_signature((series, *cycle), &act.deed)?,
            _ => {}
        }
        if *dry_run {
            return Ok(Acted { seq: 0, stage: kept.slot.stage });
        }
        self.write_act(&kept, (kind, *cycle), act)?;
        Ok(Acted { seq: self.row.seq, stage: kept.slot.stage })
    }

    /// Does what the clock does to a slot, if anything.
    fn let_pass(&mut self, series: &str, cycle: u32) -> Result<bool, StoreError> {
        let Some(mut kept) = self.find_slot(series, cycle)? else { return Ok(false) };
        let contract = self.terms(&kept)?;
        let Some(deed) = kept.slot.due(&contract, self.posted) else { return Ok(false) };
        let reason = if deed == Deed::Expire { "slot_expiry_days" } else { "the deadline of the reservation" };
        let act = Act { actor: CLOCK.to_owned(), reason: reason.to_owned(), deed };
        let kind = self.step(&mut kept, &act, cycle)?;
        self.write_act(&kept, (kind, cycle), &act)?;
        Ok(true)
    }

    fn terms(&self, kept: &Kept) -> Result<Arc<ContractVersion>, StoreError> {
        let found = self.known.by_row.get(&kept.contract_row).map(|(_, version)| Arc::clone(version));
        found.ok_or_else(|| StoreError::Damaged("a slot's contract".to_owned()))
    }

    fn step(&self, kept: &mut Kept, act: &Act, cycle: u32) -> Result<Kind, StoreError> {
        let contract = self.terms(kept)?;
        kept.slot.step(&act.deed, &contract, self.posted).map_err(|fault| StoreError::SlotRefused(cycle, fault))
    }

    fn find_slot(&mut self, series: &str, cycle: u32) -> Result<Option<Kept>, StoreError> {
        self.write_pending()?;
        let mut statement = self.connection.prepare_cached(
            "SELECT g.stage, g.at, g.deadline, e.contract FROM grants g
             JOIN entries e ON e.company = g.company AND e.seq = g.seq
             WHERE g.company = ?1 AND g.series = ?2 AND g.cycle = ?3",
        )?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok((row.get::<_, u8>(0)?, row.get::<_, i64>(1)?, row.get::<_, Option<i64>>(2)?, row.get::<_, i64>(3)?))
        };
        let found = statement.query_row(params![self.row.id, series, cycle], read).optional()?;
        let Some((stage, granted, deadline, contract_row)) = found else { return Ok(None) };
        let stage = slots::stage(stage)?;
        let deadline = deadline.map(rows::time).transpose()?;
        let slot = Slot { stage, granted: rows::time(granted)?, deadline };
        Ok(Some(Kept { slot, contract_row, pinned: self.pinned(contract_row)? }))
    }

    /// Whether the contract lets one more be reserved in this quarter of the year, in Japan.
    fn check_reserved(&mut self, kept: &Kept) -> Result<(), StoreError> {
        self.write_pending()?;
        let Some(most) = self.terms(kept)?.reserve_max else { return Ok(()) };
        let sql = "SELECT e.at FROM acts a JOIN entries e ON e.company = a.company AND e.seq = a.seq
                   JOIN contracts c ON c.id = e.contract
                   WHERE a.company = ?1 AND e.kind = ?2 AND c.series = ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let values = params![self.row.id, Kind::Reserved.number(), kept.pinned.series];
        let times = statement.query_map(values, |row| row.get::<_, i64>(0))?.collect::<Result<Vec<_>, _>>()?;
        let now = quarter(self.posted);
        let mut reserved = 0;
        for at in times {
            reserved += u32::from(quarter(rows::time(at)?) == now);
        }
        if reserved < most { Ok(()) } else { Err(StoreError::ReservedMax(most)) }
    }

    /// Whether somebody has looked at all that is seen in the slot's credits.
    fn check_signals(&self, series: &str, cycle: u32) -> Result<(), StoreError> {
        let names = signals::of_slot(self.connection, (&self.row, self.company), (series, cycle), self.posted)?;
        if names.is_empty() {
            return Ok(());
        }
        let names = names.into_iter().map(SignalName::code).collect();
        Err(StoreError::InReview { company: self.company.clone(), cycle, names })
    }

    /// Whether the operator has signed the use of this very slot.
    fn check_signature(&self, (series, cycle): (&str, u32), deed: &Deed) -> Result<(), StoreError> {
        let of = redemptions::find(self.connection, (&self.row, self.company), &self.known, (series, cycle))?;
        redemptions::check(of.as_ref(), deed).map_err(|fault| StoreError::NotSigned(cycle, fault))
    }

    fn write_act(&mut self, kept: &Kept, (kind, cycle): (Kind, u32), act: &Act) -> Result<(), StoreError> {
        let record = act.record().map_err(|e| StoreError::Database(e.to_string()))?;
        let digest = Act::digest(&record);
        let behind = Behind {
            contract: kept.pinned.clone(),
            contract_row: kept.contract_row,
            person: [0; 32],
            event: [0; 32],
            wording: None,
            act: Some(digest),
            at: self.posted,
        };
        self.append(&[NewEntry { kind, worth: 0, cycle }], &behind)?;
        let seq = signed(self.row.seq);
        let sql = "INSERT INTO acts (company, seq, digest, record) VALUES (?1, ?2, ?3, ?4)";
        self.connection.prepare_cached(sql)?.execute(params![self.row.id, seq, digest, record])?;
        let sql = "UPDATE grants SET stage = ?4, deadline = ?5 WHERE company = ?1 AND series = ?2 AND cycle = ?3";
        let deadline = kept.slot.deadline.map(Timestamp::as_microsecond);
        let values = params![self.row.id, kept.pinned.series, cycle, kept.slot.stage.number(), deadline];
        self.connection.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }
}

/// The year and the quarter of it, in Japan.
fn quarter(at: Timestamp) -> (i16, i8) {
    let day = at.to_zoned(TimeZone::fixed(offset(9)));
    (day.year(), (day.month() - 1) / 3)
}
