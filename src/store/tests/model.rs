//! Random histories: the store always equals a small reference, whatever comes twice, late or out of its order, and
//! however often it is killed and opened again.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::reference::{Account, Hour, Mail, Said};
use super::*;
use crate::ledger::{AtNewThreshold, Kind, LateBounce};
use crate::store::Proof;

const COMPANIES: [&str; 2] = ["kaede", "momiji"];

/// One thing that happens. Acts of persons on slots (reserve, redeem, release) get their steps here once the ledger has
/// entries for them, and a line each in the reference.
#[derive(Clone, Debug)]
enum Step {
    /// A mail is taken; so many hours ago, by an order of its own.
    Take { company: usize, person: u8, ago: Hour, delivered: bool, rotated: bool, terms: usize },
    /// A mail that is known, or that will be, comes back.
    ComeBack { company: usize, of: usize },
    /// Probes of all companies come back.
    Prove,
    /// What was told before is told again, from here on.
    Again { from: usize },
    /// The second contract version becomes known.
    Agree,
    /// The store is killed while it posts, and opened again.
    Crash,
    /// It is closed and opened again.
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<(Hour, Step)>> {
    let take = (0..COMPANIES.len(), 0u8..7, 0..72i64, (any::<bool>(), any::<bool>()), 0..2usize);
    let take = take.prop_map(|(company, person, ago, (delivered, rotated), terms)| Step::Take {
        company,
        person,
        ago,
        delivered,
        rotated,
        terms,
    });
    let step = prop_oneof![
        12 => take,
        5 => (0..COMPANIES.len(), 0..60usize).prop_map(|(company, of)| Step::ComeBack { company, of }),
        6 => Just(Step::Prove),
        2 => (0..60usize).prop_map(|from| Step::Again { from }),
        1 => Just(Step::Agree),
        2 => Just(Step::Crash),
        2 => Just(Step::Reopen),
    ];
    // Most of it within weeks; now and then a year goes by, and a person's window with it.
    let gap = prop_oneof![20 => 0..80i64, 1 => Just(366 * 24)];
    proptest::collection::vec((gap, step), 1..60)
}

fn terms() -> impl Strategy<Value = [ContractVersion; 2]> {
    let one = |version| {
        let count_on = prop_oneof![1 => Just(CountOn::Accepted), 2 => Just(CountOn::Delivered)];
        let late = prop_oneof![Just(LateBounce::Absorb), Just(LateBounce::Clawback)];
        let anew = prop_oneof![Just(AtNewThreshold::Carry), Just(AtNewThreshold::Restart)];
        (1u32..5, count_on, late, anew).prop_map(move |(threshold, count_on, late_bounce, at_new)| ContractVersion {
            late_bounce,
            at_new_threshold: if version > 1 { at_new } else { AtNewThreshold::Carry },
            ..contract(version, threshold, count_on)
        })
    };
    (one(1), one(2)).prop_map(|(first, second)| [first, second])
}

fn hour(hour: Hour) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + hour * 3600).expect("a time")
}

/// The keys a node has of after a rotation.
fn second_keys(company: &CompanyId) -> CompanyKeys {
    CompanyKeys::derive(&[9; 32], company, 2)
}

/// The store, the reference, and all that was told to both.
struct Both<P: Place> {
    ledger: Ledger<P>,
    accounts: BTreeMap<&'static str, Account>,
    terms: [ContractVersion; 2],
    /// Every mail there is or will be, by company; those behind `taken` are only spoken of yet.
    mails: BTreeMap<&'static str, Vec<Mail>>,
    told: Vec<Said>,
}

impl<P: Place> Both<P> {
    fn new(terms: &[ContractVersion; 2]) -> Self {
        let ledger = Ledger::<P>::begin(&COMPANIES, terms[0].clone());
        for name in COMPANIES {
            let (company, keys) = (company(name), vec![(2, second_keys(&company(name)).fingerprint())]);
            let agreement = Agreement {
                company,
                keys,
                contracts: vec![],
                wordings: vec![],
                signatures: vec![],
                operator_keys: Vec::new(),
            };
            wait(ledger.store.agree(agreement)).expect("an agreement");
        }
        let mut accounts: BTreeMap<_, Account> = COMPANIES.map(|name| (name, Account::default())).into();
        for account in accounts.values_mut() {
            account.agree(1, terms);
        }
        let mails = COMPANIES.map(|name| (name, Vec::new())).into();
        Self { ledger, accounts, terms: terms.clone(), mails, told: Vec::new() }
    }

    fn event(&self, said: Said) -> ReferralEvent {
        let (Said::Taken(mail) | Said::CameBack(mail)) = said;
        let proves = if mail.delivered { Proves::Delivered } else { Proves::AcceptedTagged };
        let address = format!("c{}@mail.example", mail.person);
        let mut taken = ReferralEvent {
            contract: self.terms[mail.terms].reference(),
            transaction: format!("m{}", mail.number),
            at: hour(mail.at),
            ..self.ledger.contact(mail.company, &address, 0, proves)
        };
        if mail.rotated {
            let address = Address::parse(&address).expect("an address");
            taken.earlier = vec![taken.candidate];
            taken.candidate = second_keys(&taken.company).candidate(&address);
        }
        match said {
            Said::Taken(_) => taken,
            Said::CameBack(_) => ReferralEvent {
                proves: Proves::Bounced,
                route: "return-path".to_owned(),
                at: hour(mail.at + 1),
                ..taken
            },
        }
    }

    fn tell(&mut self, said: &[Said]) {
        let events: Vec<_> = said.iter().map(|said| self.event(*said)).collect();
        self.ledger.post(events);
        for said in said {
            let (Said::Taken(mail) | Said::CameBack(mail)) = said;
            self.accounts.get_mut(mail.company).expect("an account").hear(*said, &self.terms);
        }
        self.told.extend(said);
    }

    fn take(&mut self, step: &Step, now: Hour) {
        match *step {
            Step::Take { company, person, ago, delivered, rotated, terms } => {
                let company = COMPANIES[company];
                let mails = self.mails.get_mut(company).expect("mails");
                let number = mails.len();
                let mail = Mail { number, company, person, at: now - ago, delivered, rotated, terms };
                mails.push(mail);
                // One in three is kept back until its bounce, or a later crash, has told of it.
                if number % 3 != 2 {
                    self.tell(&[Said::Taken(mail)]);
                }
            }
            Step::ComeBack { company, of } => {
                let mails = &self.mails[COMPANIES[company]];
                if let Some(mail) = mails.get(of % mails.len().max(1)).copied() {
                    self.tell(&[Said::CameBack(mail)]);
                }
            }
            Step::Prove => self.prove(now),
            Step::Again { from } => {
                let again: Vec<Said> = self.told.iter().skip(from).copied().collect();
                self.tell(&again);
            }
            Step::Agree => {
                for name in COMPANIES {
                    self.ledger.agree(name, &self.terms[1]).expect("an agreement");
                    self.accounts.get_mut(name).expect("an account").agree(2, &self.terms);
                }
            }
            Step::Crash => self.crash(),
            Step::Reopen => self.ledger.reopen(),
        }
    }

    fn prove(&mut self, now: Hour) {
        for name in COMPANIES {
            let probe = format!("p{now}");
            let proof = Proof { company: company(name), route: "next-hop".to_owned(), probe, at: hour(now) };
            let account = self.accounts.get_mut(name).expect("an account");
            // A second probe of the same hour would be another one; this is the same, come twice.
            if wait(self.ledger.store.prove(proof)).expect("a proof").replays == 0 {
                account.prove(now, &self.terms);
            }
        }
    }

    /// All mails are told of and nobody waits for the answer: what is committed is not known. Then all is told again.
    /// Those of unknown terms are left out: whether one is kept aside depends on what was told before.
    fn crash(&mut self) {
        let is_ruled = |mail: &&Mail| mail.terms < self.accounts[mail.company].versions;
        let all: Vec<Said> = self.mails.values().flatten().filter(is_ruled).map(|mail| Said::Taken(*mail)).collect();
        let rows = all.iter().zip(1..).map(|(said, seq)| OutboxRow { seq, event: self.event(*said) }).collect();
        let asked = self.ledger.store.post(rows);
        wait(async { tokio::time::timeout(Duration::ZERO, asked).await.map(drop).unwrap_or_default() });
        self.ledger.reopen();
        self.tell(&all);
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        let mut parked = 0;
        for (name, account) in &self.accounts {
            let name = company(name);
            let balances = wait(self.ledger.store.balance(&name)).expect("a balance");
            prop_assert_eq!(balances.first().map(|b| b.pool).unwrap_or_default(), account.pool);
            let grants = wait(self.ledger.store.grants(&name)).expect("grants");
            let cycles: Vec<u32> = grants.iter().map(|g| g.cycle).collect();
            prop_assert_eq!(cycles, (1..=account.pool.cycles).collect::<Vec<_>>());
            let whole = wait(self.ledger.store.statement(&name, Timestamp::MIN, Timestamp::MAX)).expect("a statement");
            let said = |kind| whole.pools.get("main").and_then(|pool| pool.entries.get(&kind)).copied().unwrap_or(0);
            prop_assert_eq!(said(Kind::Granted) - said(Kind::Voided), account.slots.len() as u64);
            parked += account.parked.len() as u64;
        }
        let aside: u64 = wait(self.ledger.store.parked()).expect("parked").iter().map(|p| p.events).sum();
        prop_assert_eq!(aside, parked);
        prop_assert_eq!(self.ledger.faults(), Vec::<String>::new());
        Ok(())
    }
}

pub fn the_store_equals_the_model<P: Place>() {
    proptest!(ProptestConfig::with_cases(40), |(steps in steps(), terms in terms())| {
        let (mut both, mut now) = (Both::<P>::new(&terms), 0);
        for (count, (gap, step)) in steps.iter().enumerate() {
            now += gap;
            both.take(step, now);
            if count % 8 == 7 {
                both.compare()?;
            }
        }
        both.compare()?;
    });
}
