//! The replay of counting that begins anew: in front of the first entry of a version that says so, once.

use super::Audit;
use crate::ledger::contract::{AtNewThreshold, ContractVersion};
use crate::ledger::entry::{Entry, Kind};
use crate::ledger::rules::restart;

impl Audit<'_> {
    /// The worth the rules give an entry that begins counting anew.
    pub(super) fn replay_restart(&mut self, entry: &Entry) -> i64 {
        if entry.act.is_some() || entry.new.cycle != 0 {
            self.fault(entry.seq, "an act or a slot where none is concerned");
        }
        let mut pool = self.pools.get(&entry.contract.series).copied().unwrap_or_default();
        restart(&mut pool).worth
    }

    /// Whether counting has begun anew where the version that rules an entry says so, and nowhere else.
    pub(super) fn check_restart(&mut self, entry: &Entry, contract: &ContractVersion) {
        let begins = entry.new.kind == Kind::Restarted;
        let version = || (contract.series.clone(), contract.version);
        match (contract.at_new_threshold, begins) {
            (AtNewThreshold::Carry, false) => {}
            (AtNewThreshold::Carry, true) => self.fault(entry.seq, "begins anew under a contract that carries"),
            (AtNewThreshold::Restart, true) => {
                if !self.restarted.insert(version()) {
                    self.fault(entry.seq, "begins anew a second time under one contract version");
                }
            }
            (AtNewThreshold::Restart, false) => {
                if self.restarted.insert(version()) {
                    self.fault(entry.seq, "counting was to begin anew in front of it and does not");
                }
            }
        }
    }
}
