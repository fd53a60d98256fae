//! The replay of what persons correct: credits given back, disputes, and the adjustments they carry.

use std::collections::BTreeMap;

use super::Audit;
use super::Hash;
use crate::ledger::act::{Act, Deed};
use crate::ledger::dispute::Dispute;
use crate::ledger::entry::{Entry, Kind};

/// A credit that an act names, as the entries leave it.
struct Target {
    person: Hash,
    worth: i64,
    /// Whether it is of the person's newest referral.
    is_newest: bool,
    /// Whether a bounce has taken it back.
    fell: bool,
    /// The entry that reverses it.
    reversed: Option<u64>,
}

/// What the replay knows of corrections.
#[derive(Default)]
pub(super) struct Corrections {
    /// What acts of reversal name; known before the first entry, so that nothing is kept of any other.
    targets: BTreeMap<u64, Option<Target>>,
    disputes: BTreeMap<u64, Dispute>,
}

impl Corrections {
    pub fn new<'a>(acts: impl Iterator<Item = &'a Act>) -> Self {
        let named =
            acts.filter_map(|act| if let Deed::Reverse { entry } = act.deed { Some((entry, None)) } else { None });
        Self { targets: named.collect(), disputes: BTreeMap::new() }
    }

    /// Notes what an entry means for the credits that acts name.
    pub fn note(&mut self, entry: &Entry) {
        if self.targets.is_empty() || !entry.new.kind.is_personal() {
            return;
        }
        if let Some(target) = self.targets.get_mut(&entry.seq) {
            let (person, worth) = (entry.person, entry.new.worth);
            *target = Some(Target { person, worth, is_newest: true, fell: false, reversed: None });
            return;
        }
        let is_of = |target: &&mut Target| target.person == entry.person && target.is_newest;
        for target in self.targets.values_mut().flatten().filter(is_of) {
            match entry.new.kind {
                Kind::Offered => target.is_newest = false,
                Kind::Bounced if entry.new.worth < 0 => target.fell = true,
                _ => {}
            }
        }
    }

    /// Whether the credit of a person's newest referral was given back.
    pub fn is_reversed(&self, person: &Hash) -> bool {
        let is_it = |target: &Target| target.person == *person && target.is_newest && target.reversed.is_some();
        self.targets.values().flatten().any(is_it)
    }

    fn reverse(&mut self, entry: &Entry, seq: u64) -> Result<i64, &'static str> {
        let target = self.targets.get_mut(&seq).and_then(Option::as_mut).filter(|_| seq < entry.seq);
        let Some(target) = target.filter(|target| target.worth > 0) else {
            return Err("the entry it gives back made no credit");
        };
        if target.person != entry.person {
            return Err("the credit it gives back is another person's");
        }
        if target.fell || target.reversed.is_some() {
            return Err("the credit it gives back was taken back before");
        }
        target.reversed = Some(entry.seq);
        Ok(-target.worth)
    }
}

impl Audit<'_> {
    /// The worth the rules give a correction, or a step of a dispute.
    pub(super) fn replay_correction(&mut self, entry: &Entry) -> i64 {
        let acts = self.known.acts;
        let Some(act) = entry.act.and_then(|digest| acts.get(&digest)) else {
            self.fault(entry.seq, "the act it stands on is not kept, or not as it was");
            return entry.new.worth;
        };
        let replayed = match (&act.deed, entry.new.kind) {
            (Deed::Reverse { entry: target }, Kind::Reversed) => self.corrections.reverse(entry, *target),
            (Deed::Dispute { .. }, Kind::Disputed) => match Dispute::open(&act.deed, entry.at, entry.seq - 1) {
                Ok(dispute) => {
                    self.corrections.disputes.insert(entry.seq, dispute);
                    Ok(0)
                }
                Err(fault) => return self.refused(entry, &fault.to_string()),
            },
            (
                Deed::Answer { dispute }
                | Deed::Accept { dispute }
                | Deed::Reject { dispute }
                | Deed::Adjust { dispute, .. },
                Kind::Disputed | Kind::Adjusted,
            ) => match self.corrections.disputes.get_mut(dispute).map(|known| known.step(&act.deed)) {
                None => Err("the dispute it speaks of was never opened"),
                Some(Ok(kind)) if kind != entry.new.kind => Err("its kind is not what the act does"),
                Some(Ok(_)) => Ok(if let Deed::Adjust { credits, .. } = act.deed { credits } else { 0 }),
                Some(Err(fault)) => return self.refused(entry, &fault.to_string()),
            },
            _ => Err("its kind is not what the act does"),
        };
        match replayed {
            Ok(worth) => worth,
            Err(what) => self.refused(entry, what),
        }
    }

    fn refused(&mut self, entry: &Entry, what: &str) -> i64 {
        self.fault(entry.seq, what);
        entry.new.worth
    }

    /// Compares a stored reversal with the entries.
    pub fn compare_reversal(&mut self, target: u64, seq: u64) {
        let known = self.corrections.targets.get_mut(&target).and_then(Option::as_mut);
        if known.and_then(|target| target.reversed.take()) != Some(seq) {
            self.derived(format!(
                "the credit of entry {target} is reversed in its row or by an entry, and not in both"
            ));
        }
    }

    /// Names reversals that no row is kept of.
    pub(super) fn name_unkept_reversals(&mut self) {
        let unkept = self.corrections.targets.iter().filter(|(_, t)| t.as_ref().is_some_and(|t| t.reversed.is_some()));
        let seqs: Vec<u64> = unkept.map(|(seq, _)| *seq).collect();
        for seq in seqs {
            self.derived(format!("the credit of entry {seq} is reversed by an entry, and not listed"));
        }
    }
}
