//! Random histories: the store always equals a small reference, whatever comes twice, late or out of its order, and
//! however often it is killed and opened again.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use proptest::prelude::*;

use super::reference::{Account, DisputeDeed, Hour, Mail, Said, SlotDeed};
use super::*;
use crate::ledger::{Act, AtNewThreshold, Contested, Deed, Kind, LateBounce, SlotStage};
use crate::store::{CountAct, ErasePerson, Proof, SlotAct};

const COMPANIES: [&str; 2] = ["kaede", "momiji"];

/// The hour of the history that is played. One is played at a time.
static NOW: AtomicI64 = AtomicI64::new(0);
static PLAYED: Mutex<()> = Mutex::new(());

fn clock() -> Timestamp {
    hour(NOW.load(Ordering::SeqCst))
}

/// One thing that happens.
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
    /// Something is done to a slot of those there are.
    Act { company: usize, of: usize, deed: SlotDeed },
    /// The clock does what the contracts say.
    LetTimePass,
    /// A credit of those there were is given back.
    GiveBack { company: usize, of: usize },
    /// A dispute is opened.
    Contest { company: usize },
    /// Something is done to one.
    Settle { company: usize, of: usize, deed: DisputeDeed },
    /// Somebody is forgotten.
    Erase { company: usize, person: u8 },
}

/// Acts of persons; reservations end so many hours from the act.
fn acts() -> impl Strategy<Value = Step> {
    let company = || 0..COMPANIES.len();
    let deed = prop_oneof![
        5 => (1..60 * 24i64).prop_map(SlotDeed::Reserve),
        3 => Just(SlotDeed::Confirm),
        3 => Just(SlotDeed::Introduce),
        3 => Just(SlotDeed::Redeem),
        1 => Just(SlotDeed::Release),
        1 => Just(SlotDeed::Void),
    ];
    let settled = prop_oneof![
        1 => Just(DisputeDeed::Answer),
        2 => Just(DisputeDeed::Accept),
        1 => Just(DisputeDeed::Reject),
        3 => (-5..6i64).prop_map(DisputeDeed::Adjust),
    ];
    prop_oneof![
        12 => (company(), 0..6usize, deed).prop_map(|(company, of, deed)| Step::Act { company, of, deed }),
        3 => Just(Step::LetTimePass),
        4 => (company(), 0..60usize).prop_map(|(company, of)| Step::GiveBack { company, of }),
        2 => company().prop_map(|company| Step::Contest { company }),
        6 => (company(), 0..4usize, settled).prop_map(|(company, of, deed)| Step::Settle { company, of, deed }),
        3 => (company(), 0u8..7).prop_map(|(company, person)| Step::Erase { company, person }),
    ]
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
        16 => acts(),
    ];
    // Most of it within weeks; now and then a year goes by, and a person's window with it.
    let gap = prop_oneof![20 => 0..80i64, 1 => Just(366 * 24)];
    proptest::collection::vec((gap, step), 1..90)
}

fn terms() -> impl Strategy<Value = [ContractVersion; 2]> {
    let one = |version| {
        let count_on = prop_oneof![1 => Just(CountOn::Accepted), 2 => Just(CountOn::Delivered)];
        let late = prop_oneof![Just(LateBounce::Absorb), Just(LateBounce::Clawback)];
        let anew = prop_oneof![Just(AtNewThreshold::Carry), Just(AtNewThreshold::Restart)];
        let of_slots = (prop_oneof![Just(None), Just(Some(30))], prop_oneof![Just(0), Just(7)]);
        (1u32..5, count_on, late, anew, of_slots).prop_map(
            move |(threshold, count_on, late_bounce, anew, (expiry, review_days))| {
                let slot_expiry_days = expiry;
                let at_new_threshold = if version > 1 { anew } else { AtNewThreshold::Carry };
                let terms = contract(version, threshold, count_on);
                ContractVersion { late_bounce, slot_expiry_days, review_days, at_new_threshold, ..terms }
            },
        )
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

fn by_hand(deed: Deed) -> Act {
    Act { actor: "hanako".to_owned(), reason: "by telephone".to_owned(), deed }
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
        NOW.store(0, Ordering::SeqCst);
        let ledger = Ledger::<P>::begin_at(clock, &COMPANIES, terms[0].clone());
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
            Step::Reopen => self.reopen(),
            ref act => self.act(act, now),
        }
    }

    fn reopen(&mut self) {
        self.ledger.store = self.ledger.dir.open(clock);
    }

    /// Acts of persons and of the clock: what the reference lets follow, follows, and nothing else does.
    fn act(&mut self, step: &Step, now: Hour) {
        match *step {
            Step::Act { company, of, deed } => self.act_on_slot(COMPANIES[company], of, deed, now),
            Step::LetTimePass => {
                wait(self.ledger.store.let_time_pass()).expect("what is due is done");
                self.accounts.values_mut().for_each(|account| account.let_time_pass(now, &self.terms));
            }
            Step::GiveBack { company, of } => {
                let name = COMPANIES[company];
                let all = wait(self.ledger.store.entries(&super::company(name), 0, u32::MAX)).expect("entries");
                let made = |entry: &crate::ledger::Entry| entry.new.worth > 0 && entry.new.kind.is_personal();
                let credits: Vec<u64> = all.iter().filter(|(e, _)| made(e)).map(|(e, _)| e.seq).collect();
                let Some(at) = of.checked_rem(credits.len()) else { return };
                let done = self.count(name, Deed::Reverse { entry: credits[at] });
                let account = self.accounts.get_mut(name).expect("an account");
                assert_eq!(done.is_some(), account.give_back(at, now, &self.terms), "credit {at}");
            }
            Step::Contest { company } => {
                let about = Contested {
                    month: Some("2026-11".to_owned()),
                    stage: Some("delivered".to_owned()),
                    difference: Some(1),
                    ..Contested::default()
                };
                let opened = self.count(COMPANIES[company], Deed::Dispute { about, until: hour(now + 24) });
                let account = self.accounts.get_mut(COMPANIES[company]).expect("an account");
                account.contest(opened.expect("a dispute"));
            }
            Step::Settle { company, of, deed } => self.settle(COMPANIES[company], of, deed, now),
            Step::Erase { company, person } => self.erase(COMPANIES[company], person),
            _ => {}
        }
    }

    fn act_on_slot(&mut self, name: &'static str, of: usize, deed: SlotDeed, now: Hour) {
        let Some(slot) = of.checked_rem(self.accounts[name].slots.len()) else { return };
        let deed = if let SlotDeed::Reserve(hours) = deed { SlotDeed::Reserve(now + hours) } else { deed };
        let wanted = match deed {
            SlotDeed::Reserve(until) => Deed::Reserve { wish: "one".to_owned(), until: hour(until) },
            SlotDeed::Confirm => Deed::Confirm,
            SlotDeed::Introduce => Deed::Introduce,
            SlotDeed::Redeem => Deed::Redeem { hire: None },
            SlotDeed::Release => Deed::Release,
            SlotDeed::Void => Deed::Void,
        };
        let (series, cycle) = ("main".to_owned(), u32::try_from(slot + 1).expect("a number"));
        let wanted = SlotAct { company: company(name), series, cycle, act: by_hand(wanted), dry_run: false };
        let done = wait(self.ledger.store.act_on_slot(wanted));
        // What signals see in a history is not for the reference; they hold a redemption back, and nothing else.
        if matches!(done, Err(StoreError::InReview { .. })) {
            assert_eq!(deed, SlotDeed::Redeem);
            return;
        }
        let account = self.accounts.get_mut(name).expect("an account");
        let follows = account.act(slot, deed, now, &self.terms);
        assert_eq!(done.is_ok(), follows, "{deed:?} {cycle}: {done:?}");
    }

    fn settle(&mut self, name: &'static str, of: usize, deed: DisputeDeed, now: Hour) {
        let account = &self.accounts[name];
        let Some(place) = of.checked_rem(account.disputes.len()) else { return };
        let dispute = account.disputes[place].id;
        let done = self.count(
            name,
            match deed {
                DisputeDeed::Answer => Deed::Answer { dispute },
                DisputeDeed::Accept => Deed::Accept { dispute },
                DisputeDeed::Reject => Deed::Reject { dispute },
                DisputeDeed::Adjust(credits) => Deed::Adjust { dispute, credits },
            },
        );
        let account = self.accounts.get_mut(name).expect("an account");
        assert_eq!(done.is_some(), account.settle(place, deed, now, &self.terms), "{deed:?}");
    }

    /// The entry of an act upon the count; nothing where it does not follow.
    fn count(&self, name: &str, deed: Deed) -> Option<u64> {
        let wanted = CountAct { company: company(name), series: None, act: by_hand(deed), dry_run: false };
        wait(self.ledger.store.act_on_count(wanted)).ok().map(|done| done.seq)
    }

    fn erase(&mut self, name: &'static str, person: u8) {
        let (company, address) =
            (company(name), Address::parse(&format!("c{person}@mail.example")).expect("an address"));
        let keys = [second_keys(&company), keys(&company)].map(|keys| keys.candidate(&address)).to_vec();
        let Act { actor, reason, .. } = by_hand(Deed::Void);
        let wanted = ErasePerson { company, keys, actor, reason, dry_run: false };
        let erased = wait(self.ledger.store.erase(wanted)).expect("an erasure");
        let known = self.accounts.get_mut(name).expect("an account").erase(person);
        assert_eq!(erased.persons, u64::from(known));
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
        self.reopen();
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
            let standing = account.slots.iter().filter(|slot| slot.stage != SlotStage::Voided).count();
            prop_assert_eq!(said(Kind::Granted) - said(Kind::Voided), standing as u64);
            let slots = wait(self.ledger.store.slots(&name)).expect("slots");
            let stored: Vec<_> = slots.iter().map(|slot| (slot.stage, slot.deadline)).collect();
            let expected = account.slots.iter().map(|slot| (slot.stage, slot.deadline.map(hour)));
            prop_assert_eq!(stored, expected.collect::<Vec<_>>());
            prop_assert_eq!(wait(self.ledger.store.disputes(&name)).expect("disputes").len(), account.disputes.len());
            parked += account.parked.len() as u64;
        }
        let aside: u64 = wait(self.ledger.store.parked()).expect("parked").iter().map(|p| p.events).sum();
        prop_assert_eq!(aside, parked);
        prop_assert_eq!(self.ledger.faults(), Vec::<String>::new());
        Ok(())
    }
}

pub fn the_store_equals_the_model<P: Place>() {
    let _turn = PLAYED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    proptest!(ProptestConfig::with_cases(40), |(steps in steps(), terms in terms())| {
        let (mut both, mut now) = (Both::<P>::new(&terms), 0);
        for (count, (gap, step)) in steps.iter().enumerate() {
            now += gap;
            NOW.store(now, Ordering::SeqCst);
            both.take(step, now);
            if count % 8 == 7 {
                both.compare()?;
            }
        }
        both.compare()?;
    });
}
