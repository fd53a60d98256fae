//! The replay of cleared signals: each stands on an act, speaks of entries in front of it, and changes no credit.

use super::Audit;
use crate::ledger::act::Deed;
use crate::ledger::entry::Entry;
use crate::ledger::signals::SignalName;

impl Audit<'_> {
    pub(super) fn replay_clear(&mut self, entry: &Entry) -> i64 {
        let acts = self.known.acts;
        match entry.act.and_then(|digest| acts.get(&digest)).map(|act| &act.deed) {
            None => self.fault(entry.seq, "the act it stands on is not kept, or not as it was"),
            Some(Deed::Clear { signal, up_to }) => {
                if SignalName::parse(signal).is_none() {
                    self.fault(entry.seq, "it clears a signal that is none");
                }
                if *up_to >= entry.seq {
                    self.fault(entry.seq, "it clears entries behind itself");
                }
            }
            Some(_) => self.fault(entry.seq, "its kind is not what the act does"),
        }
        if entry.new.cycle != 0 {
            self.fault(entry.seq, "a slot where none is concerned");
        }
        0
    }
}
