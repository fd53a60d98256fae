//! Random histories: the store always equals a small reference model, whatever is replayed and however it is reopened.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// The reference: what is counted, by the plainest means.
#[derive(Default)]
struct Model {
    seen: BTreeSet<String>,
    /// Day of the newest referral's anchor, best proof, and whether it is counted, by company and candidate.
    persons: BTreeMap<(String, u8), (i64, bool, bool)>,
    counted: BTreeMap<String, u64>,
}

impl Model {
    fn contact(&mut self, contact: &Contact, count_on: CountOn) {
        if !self.seen.insert(format!("{contact:?}")) {
            return;
        }
        let key = (contact.company.clone(), contact.candidate);
        let known = self.persons.get(&key).copied().filter(|(anchor, ..)| contact.day < anchor + 365);
        let (anchor, delivered, counted) = known.unwrap_or((contact.day, false, false));
        let now_delivered = delivered || contact.delivered;
        let counts = !counted && (count_on == CountOn::Accepted || now_delivered);
        if counts {
            *self.counted.entry(contact.company.clone()).or_default() += 1;
        }
        self.persons.insert(key, (if counts { contact.day } else { anchor }, now_delivered, counted || counts));
    }
}

#[derive(Clone, Debug)]
struct Contact {
    company: String,
    candidate: u8,
    day: i64,
    delivered: bool,
}

fn contacts() -> impl Strategy<Value = Vec<Contact>> {
    let one = (prop_oneof![Just("kaede"), Just("momiji")], 0u8..12, 0i64..900, any::<bool>());
    let contact = one.prop_map(|(company, candidate, day, delivered)| Contact {
        company: company.to_owned(),
        candidate,
        day,
        delivered,
    });
    proptest::collection::vec(contact, 1..60)
}

fn compare(ledger: &Ledger, model: &Model, threshold: u64) -> Result<(), TestCaseError> {
    for name in ["kaede", "momiji"] {
        let counted = model.counted.get(name).copied().unwrap_or(0);
        let balances = wait(ledger.store.balance(&company(name))).expect("a balance");
        let pool = balances.first().map(|b| b.pool).unwrap_or_default();
        prop_assert_eq!(pool.counted, counted);
        prop_assert_eq!(u64::from(pool.cycles), counted / threshold);
        prop_assert_eq!(u64::try_from(pool.toward), Ok(counted % threshold));
        let grants = wait(ledger.store.grants(&company(name))).expect("grants");
        let cycles: Vec<u64> = grants.iter().map(|g| u64::from(g.cycle)).collect();
        prop_assert_eq!(cycles, (1..=counted / threshold).collect::<Vec<_>>());
    }
    prop_assert_eq!(ledger.faults(), Vec::<String>::new());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_store_equals_the_model(
        contacts in contacts(),
        cuts in proptest::collection::vec((1usize..20, any::<bool>(), any::<bool>()), 1..8),
        threshold in 1u32..5,
        accepted in any::<bool>(),
    ) {
        let count_on = if accepted { CountOn::Accepted } else { CountOn::Delivered };
        let mut ledger = Ledger::open(&["kaede", "momiji"], contract(1, threshold, count_on));
        let mut model = Model::default();
        let mut cuts = cuts.iter().cycle();
        let mut rest = contacts.as_slice();
        while !rest.is_empty() {
            let Some((size, replay, reopen)) = cuts.next() else { break };
            let (batch, behind) = rest.split_at((*size).min(rest.len()));
            rest = behind;
            let event = |c: &Contact| {
                let proves = if c.delivered { Proves::Delivered } else { Proves::Accepted };
                ledger.contact(&c.company, &format!("c{}@mail.example", c.candidate), c.day, proves)
            };
            let events: Vec<_> = batch.iter().map(event).collect();
            // A batch takes its companies in id order, and within one company the rows in theirs.
            for name in ["kaede", "momiji"] {
                batch.iter().filter(|c| c.company == name).for_each(|c| model.contact(c, count_on));
            }
            ledger.post(events.clone());
            if *replay {
                prop_assert_eq!(ledger.post(events).events, 0);
            }
            if *reopen {
                ledger.reopen();
            }
        }
        compare(&ledger, &model, u64::from(threshold))?;
    }
}
