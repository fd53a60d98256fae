//! The replay of what the operator told of persons.

use std::sync::Arc;

use super::Audit;
use crate::ledger::act::Deed;
use crate::ledger::contract::ContractVersion;
use crate::ledger::entry::Entry;
use crate::ledger::rules::counts;
use crate::ledger::told::settle;

impl Audit<'_> {
    pub(super) fn replay_told(&mut self, entry: &Entry, contract: &Arc<ContractVersion>) -> i64 {
        let acts = self.known.acts;
        match entry.act.and_then(|digest| acts.get(&digest)).map(|act| &act.deed) {
            Some(Deed::Import { .. }) => {}
            Some(_) => self.fault(entry.seq, "its kind is not what the act does"),
            None => self.fault(entry.seq, "the act it stands on is not kept, or not as it was"),
        }
        let Some(referral) = self.persons.get_mut(&entry.person) else {
            self.fault(entry.seq, "told of somebody to whom nothing was offered before");
            return 0;
        };
        let credit = counts(entry.new.kind, &referral.contract) && referral.counted.is_none();
        settle(referral, entry.new.kind);
        if credit {
            referral.counted = Some(entry.at.max(referral.offered));
        }
        if referral.contract != *contract {
            self.fault(entry.seq, "ruled by another contract version than its referral pinned");
        }
        i64::from(credit)
    }
}
