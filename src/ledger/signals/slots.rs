//! Which credits paid for which slot: the oldest first, as they were posted.

use std::collections::{HashMap, VecDeque};

use crate::ledger::entry::{Entry, Kind};

/// The credits behind each slot, by contract series and number.
pub type Funded = HashMap<(String, u32), Vec<u64>>;

#[derive(Default)]
struct Waiting {
    credits: VecDeque<u64>,
    /// Credits that came back when none waited: the next ones make up for them.
    owed: usize,
}

impl Waiting {
    /// One credit comes by an entry, or the newest goes.
    fn take(&mut self, seq: u64, comes: bool) {
        if !comes {
            self.owed += usize::from(self.credits.pop_back().is_none());
        } else if self.owed > 0 {
            self.owed -= 1;
        } else {
            self.credits.push_back(seq);
        }
    }
}

/// Goes through the entries of a company in order.
pub fn fund<'e>(entries: impl Iterator<Item = &'e Entry>) -> Funded {
    let mut funded = Funded::new();
    let mut series: HashMap<&str, Waiting> = HashMap::new();
    for entry in entries {
        let waiting = series.entry(&entry.contract.series).or_default();
        let slot = || (entry.contract.series.clone(), entry.new.cycle);
        match entry.new.kind {
            Kind::Granted => {
                let price = usize::try_from(-entry.new.worth).unwrap_or(0).min(waiting.credits.len());
                funded.insert(slot(), waiting.credits.drain(..price).collect());
            }
            Kind::Voided if entry.new.worth > 0 => {
                for credit in funded.remove(&slot()).unwrap_or_default().into_iter().rev() {
                    waiting.credits.push_front(credit);
                }
                while waiting.owed > 0 && waiting.credits.pop_back().is_some() {
                    waiting.owed -= 1;
                }
            }
            _ => (0..entry.new.worth.unsigned_abs()).for_each(|_| waiting.take(entry.seq, entry.new.worth > 0)),
        }
    }
    funded
}
