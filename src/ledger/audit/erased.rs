//! The replay of erasures: an erased person has no row any more, and an entry on an act says how many there are.

use super::Audit;
use crate::ledger::act::Deed;
use crate::ledger::entry::Entry;

/// What the entries say was erased.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ErasedSoFar {
    persons: u64,
    evidence: u64,
    /// The last entry that says so.
    last: u64,
}

impl Audit<'_> {
    /// Takes an erasure. It changes no credit.
    pub(super) fn replay_erasure(&mut self, entry: &Entry) -> i64 {
        let act = entry.act.and_then(|digest| self.known.acts.get(&digest));
        match act.map(|act| &act.deed) {
            Some(Deed::Erase { persons, evidence }) => {
                self.erased.persons += u64::from(*persons);
                self.erased.evidence += u64::from(*evidence);
                self.erased.last = entry.seq;
            }
            Some(_) => self.fault(entry.seq, "its kind is not what the act does"),
            None => self.fault(entry.seq, "the act it stands on is not kept, or not as it was"),
        }
        0
    }

    /// What is not kept any more though the chain speaks of it has to be what was erased. Evidence of a person who is
    /// still there is never erased alone, and nothing is that came behind the last erasure.
    pub(super) fn compare_erased(&mut self) {
        let (mut erased, mut missing) = (0, Vec::new());
        for (_, told) in self.events.drain() {
            if self.persons.contains_key(&told.person) && told.seq < self.erased.last {
                erased += 1;
            } else {
                missing.push(told.seq);
            }
        }
        missing.sort_unstable();
        for seq in missing {
            self.fault(seq, "the evidence for it is not there");
        }
        let said = self.erased;
        let gone = self.persons.len() as u64;
        if gone != said.persons {
            self.derived(format!(
                "{gone} persons of the chain have no state, and by the entries {} were erased",
                said.persons
            ));
        } else if erased != said.evidence {
            self.derived(format!(
                "{erased} pieces of evidence of erased persons are gone, and by the entries {} were",
                said.evidence
            ));
        }
    }
}
