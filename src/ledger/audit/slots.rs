//! The replay of hire slots: every grant, and what was done to each by an act or by a late bounce.

use super::Audit;
use crate::ledger::act::{Act, Deed};
use crate::ledger::contract::{ContractRef, ContractVersion, LateBounce};
use crate::ledger::entry::{Entry, Kind};
use crate::ledger::redemption::{SignatureFault, check_sign, redemption_record};
use crate::ledger::signature::PublicKey;
use crate::ledger::slot::{Slot, SlotStage};

/// A slot as the replay knows it.
pub(super) struct Kept {
    pub price: i64,
    pub contract: ContractRef,
    pub slot: Slot,
    /// The entry that took it back.
    pub voided: Option<u64>,
    /// The entry by which it was used, what is signed of it, and who has.
    pub used: Option<(u64, String)>,
    pub signed: Vec<PublicKey>,
}

impl Audit<'_> {
    pub(super) fn replay_grant(&mut self, entry: &Entry, price: i64) -> i64 {
        let pool = self.pools.get(&entry.contract.series).copied().unwrap_or_default();
        if pool.toward < price {
            self.fault(entry.seq, "granted without the credits for it");
        }
        if entry.new.cycle != pool.cycles + 1 {
            self.fault(entry.seq, &format!("slot number {} behind number {}", entry.new.cycle, pool.cycles));
        }
        let kept = Kept {
            price,
            contract: entry.contract.clone(),
            slot: Slot::granted(entry.at),
            voided: None,
            used: None,
            signed: Vec::new(),
        };
        if self.grants.insert((entry.contract.series.clone(), entry.new.cycle), kept).is_some() {
            self.fault(entry.seq, "this slot was granted before");
        }
        -price
    }

    /// The newest slot of a series that is neither in use nor over.
    pub(super) fn newest_slot(&self, series: &str) -> Option<u32> {
        let free = self.grants.iter().filter(|((of, _), kept)| of == series && kept.slot.is_free());
        free.map(|((_, cycle), _)| *cycle).max()
    }

    /// A void without an act, which a late bounce makes: the credits no longer carry the slot.
    pub(super) fn replay_void(&mut self, entry: &Entry, contract: &ContractVersion) -> i64 {
        let series = &entry.contract.series;
        let toward = self.pools.get(series).map_or(0, |pool| pool.toward);
        if contract.late_bounce != LateBounce::Clawback || toward >= 0 {
            self.fault(entry.seq, "voided though the contract or the credits let the slot stand");
        }
        if self.newest_slot(series) != Some(entry.new.cycle) {
            self.fault(entry.seq, "voided is not the newest slot that stands");
        }
        let Some(kept) = self.grants.get_mut(&(series.clone(), entry.new.cycle)) else { return entry.new.worth };
        (kept.voided, kept.slot.stage) = (Some(entry.seq), SlotStage::Voided);
        kept.price
    }

    /// What somebody did to a slot. It changes no credit.
    pub(super) fn replay_deed(&mut self, entry: &Entry, contract: &ContractVersion) -> i64 {
        let acts = self.known.acts;
        match entry.act.and_then(|digest| acts.get(&digest)) {
            Some(act) => {
                self.replay_act(entry, contract, act);
                self.replay_use(entry, act);
            }
            None => self.fault(entry.seq, "the act it stands on is not kept, or not as it was"),
        }
        0
    }

    fn replay_act(&mut self, entry: &Entry, contract: &ContractVersion, act: &Act) {
        let Some(kept) = self.grants.get_mut(&(entry.contract.series.clone(), entry.new.cycle)) else {
            return self.fault(entry.seq, "the slot it speaks of was never granted");
        };
        let is_pinned = kept.contract == entry.contract;
        let done = kept.slot.step(&act.deed, contract, entry.at);
        if matches!(act.deed, Deed::Void) && done.is_ok() {
            kept.voided = Some(entry.seq);
        }
        match done {
            Ok(kind) if kind == entry.new.kind => {}
            Ok(_) => self.fault(entry.seq, "its kind is not what the act does"),
            Err(fault) => self.fault(entry.seq, &fault.to_string()),
        }
        if !is_pinned {
            self.fault(entry.seq, "ruled by another contract version than the slot was granted under");
        }
    }

    /// What the operator signs of a slot, and whether his signature holds.
    fn replay_use(&mut self, entry: &Entry, act: &Act) {
        let (known, company, head) = (self.known, &self.company, &self.head);
        let Some(kept) = self.grants.get_mut(&(entry.contract.series.clone(), entry.new.cycle)) else { return };
        if entry.new.kind == Kind::Redeemed {
            kept.used = Some((entry.seq, redemption_record(company, (entry, head), act)));
        }
        if entry.new.kind != Kind::Signed {
            return;
        }
        let of = kept.used.as_ref().map_or((0, ""), |(seq, record)| (*seq, record.as_str()));
        let signed = check_sign(&act.deed, of, known.operator_keys);
        let signed =
            signed.and_then(|key| if kept.signed.contains(&key) { Err(SignatureFault::Again) } else { Ok(key) });
        match signed {
            Ok(key) => kept.signed.push(key),
            Err(fault) => self.fault(entry.seq, &format!("slot {}: {fault}", entry.new.cycle)),
        }
    }

    /// Compares a stored slot with the entries: how far it has come, and the entry that took it back.
    pub fn compare_grant(&mut self, series: &str, cycle: u32, stage: SlotStage, voided: Option<u64>) {
        match self.grants.remove(&(series.to_owned(), cycle)) {
            None => self.derived(format!("slot {cycle} of {series} has no entry, or two rows")),
            Some(kept) if kept.voided != voided => {
                self.derived(format!("slot {cycle} of {series} is voided in its row or by an entry, and not in both"));
            }
            Some(kept) if kept.slot.stage != stage => {
                let (stored, replayed) = (stage.code(), kept.slot.stage.code());
                self.derived(format!("slot {cycle} of {series}: stored {stored}, replayed {replayed}"));
            }
            Some(_) => {}
        }
    }

    /// The worth the rules give an entry about a slot.
    pub(super) fn replay_slot(&mut self, entry: &Entry, contract: &ContractVersion) -> i64 {
        match entry.new.kind {
            Kind::Granted => self.replay_grant(entry, i64::from(contract.threshold.max(1))),
            Kind::Voided if entry.act.is_none() => self.replay_void(entry, contract),
            _ => self.replay_deed(entry, contract),
        }
    }
}
