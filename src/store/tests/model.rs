//! Random histories: the store always equals a small reference model, whatever is replayed and however it is reopened.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::ledger::Pool;

/// The reference: what is counted, by the plainest means.
struct Model {
    terms: [ContractVersion; 2],
    seen: BTreeSet<String>,
    persons: BTreeMap<(String, u8), Known>,
    pools: BTreeMap<String, Pool>,
}

/// The newest referral of a person: the terms pinned, the day its window runs from, what is proven and counted.
#[derive(Clone, Copy)]
struct Known {
    terms: usize,
    anchor: i64,
    delivered: bool,
    counted: bool,
}

impl Model {
    fn contact(&mut self, contact: &Contact) {
        if !self.seen.insert(format!("{contact:?}")) {
            return;
        }
        let key = (contact.company.clone(), contact.candidate);
        let known = self.persons.get(&key).copied().filter(|known| contact.day < known.anchor + 365);
        let fresh = Known { terms: contact.terms, anchor: contact.day, delivered: false, counted: false };
        let mut known = known.unwrap_or(fresh);
        known.delivered |= contact.delivered;
        let terms = &self.terms[known.terms];
        if !known.counted && (terms.count_on == CountOn::Accepted || known.delivered) {
            (known.counted, known.anchor) = (true, contact.day);
            let (pool, price) = (self.pools.entry(contact.company.clone()).or_default(), i64::from(terms.threshold));
            pool.counted += 1;
            pool.toward += 1;
            while pool.toward >= price {
                pool.toward -= price;
                pool.cycles += 1;
            }
        }
        self.persons.insert(key, known);
    }
}

#[derive(Clone, Debug)]
struct Contact {
    company: String,
    candidate: u8,
    day: i64,
    delivered: bool,
    /// Which of the two contract versions was in force.
    terms: usize,
    /// Whether the node had the key of after the rotation.
    rotated: bool,
}

fn contacts() -> impl Strategy<Value = Vec<Contact>> {
    let one = (prop_oneof![Just("kaede"), Just("momiji")], 0u8..12, 0i64..900, any::<bool>(), 0usize..2, any::<bool>());
    let contact = one.prop_map(|(company, candidate, day, delivered, terms, rotated)| Contact {
        company: company.to_owned(),
        candidate,
        day,
        delivered,
        terms,
        rotated,
    });
    proptest::collection::vec(contact, 1..60)
}

fn terms() -> impl Strategy<Value = [ContractVersion; 2]> {
    let count_on = || prop_oneof![Just(CountOn::Accepted), Just(CountOn::Delivered)];
    (1u32..5, count_on(), 1u32..5, count_on())
        .prop_map(|(one, on_one, two, on_two)| [contract(1, one, on_one), contract(2, two, on_two)])
}

fn second_keys(company: &CompanyId) -> CompanyKeys {
    CompanyKeys::derive(&[9; 32], company, 2)
}

fn event(ledger: &Ledger, contact: &Contact, terms: &[ContractVersion; 2]) -> ReferralEvent {
    let proves = if contact.delivered { Proves::Delivered } else { Proves::Accepted };
    let candidate = format!("c{}@mail.example", contact.candidate);
    let mut event = ledger.contact(&contact.company, &candidate, contact.day, proves);
    event.transaction = format!("{contact:?}");
    event.contract = terms[contact.terms].reference();
    if contact.rotated {
        let address = Address::parse(&candidate).expect("an address");
        event.earlier = vec![event.candidate];
        event.candidate = second_keys(&event.company).candidate(&address);
    }
    event
}

fn compare(ledger: &Ledger, model: &Model) -> Result<(), TestCaseError> {
    for name in ["kaede", "momiji"] {
        let expected = model.pools.get(name).copied().unwrap_or_default();
        let balances = wait(ledger.store.balance(&company(name))).expect("a balance");
        prop_assert_eq!(balances.first().map(|b| b.pool).unwrap_or_default(), expected);
        let grants = wait(ledger.store.grants(&company(name))).expect("grants");
        let cycles: Vec<u32> = grants.iter().map(|g| g.cycle).collect();
        prop_assert_eq!(cycles, (1..=expected.cycles).collect::<Vec<_>>());
    }
    prop_assert_eq!(ledger.faults(), Vec::<String>::new());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_store_equals_the_model(
        contacts in contacts(),
        cuts in proptest::collection::vec((1usize..20, any::<bool>(), any::<bool>()), 1..8),
        terms in terms(),
    ) {
        let mut ledger = Ledger::open(&["kaede", "momiji"], terms[0].clone());
        for name in ["kaede", "momiji"] {
            ledger.agree(name, &terms[1]).expect("an agreement");
            let (company, keys) = (company(name), vec![(2, second_keys(&company(name)).fingerprint())]);
            let agreement = Agreement { company, keys, contracts: vec![], wordings: vec![], signatures: vec![] };
            wait(ledger.store.agree(agreement)).expect("an agreement");
        }
        let (seen, persons, pools) = Default::default();
        let mut model = Model { terms: terms.clone(), seen, persons, pools };
        let mut cuts = cuts.iter().cycle();
        let mut rest = contacts.as_slice();
        while !rest.is_empty() {
            let Some((size, replay, reopen)) = cuts.next() else { break };
            let (batch, behind) = rest.split_at((*size).min(rest.len()));
            rest = behind;
            let events: Vec<_> = batch.iter().map(|c| event(&ledger, c, &terms)).collect();
            // A batch takes its companies in id order, and within one company the rows in theirs.
            for name in ["kaede", "momiji"] {
                batch.iter().filter(|c| c.company == name).for_each(|c| model.contact(c));
            }
            ledger.post(events.clone());
            if *replay {
                prop_assert_eq!(ledger.post(events).events, 0);
            }
            if *reopen {
                ledger.reopen();
            }
        }
        compare(&ledger, &model)?;
    }
}
