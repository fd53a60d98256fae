//! One grant, one mail to HR, whatever fails in between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use tokio::sync::Notify;

use super::*;
use crate::ledger::{ContractVersion, Proves, ReferralEvent};
use crate::mail::address::Address;
use crate::mail::envelope::Envelope;
use crate::referral::{CompanyId, CompanyKeys};
use crate::spool::OutboxRow;
use crate::store::{Agreement, Store};

/// A courier in memory that keeps the first mail of each name.
#[derive(Clone, Default)]
struct Bag(Arc<Mutex<BagInner>>);

#[derive(Default)]
struct BagInner {
    mails: BTreeMap<String, (Envelope, Vec<u8>)>,
    carried: usize,
    full: bool,
}

impl Courier for Bag {
    async fn carry(&self, once: String, envelope: Envelope, message: Vec<u8>) -> Result<(), String> {
        let mut bag = self.0.lock().expect("the bag");
        if bag.full {
            return Err("full".to_owned());
        }
        bag.carried += 1;
        bag.mails.entry(once).or_insert((envelope, message));
        Ok(())
    }
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

fn company() -> CompanyId {
    CompanyId::parse("kaede").expect("an id")
}

/// A ledger with `count` credits at a threshold of 2.
async fn ledger(dir: &std::path::Path, count: u64) -> Store {
    let store = Store::open(dir).expect("a store");
    let terms = ContractVersion { threshold: 2, ..ContractVersion::new("main", 1, date(2026, 4, 1)) };
    let keys = CompanyKeys::derive(&[1; 32], &company(), 1);
    let event = |n: u64| {
        let candidate = keys.candidate(&address(&format!("hana{n}@mail.example")));
        ReferralEvent {
            company: company(),
            candidate,
            token: keys.token("main", &candidate),
            contract: terms.reference(),
            proves: Proves::Delivered,
            route: "mx".to_owned(),
            transaction: format!("t{n}"),
            recipient: 0,
            inserted: true,
            at: Timestamp::from_second(1_800_000_000).expect("a time"),
        }
    };
    let rows = (1..=count).map(|seq| OutboxRow { seq, event: event(seq) }).collect();
    let agreement = Agreement { company: company(), keys: vec![(1, keys.fingerprint())], contracts: vec![terms] };
    store.agree(agreement).await.expect("an agreement");
    store.post(rows).await.expect("a post");
    store
}

fn sender() -> Sender {
    Sender { from: address("relay@kaede.example"), hostname: "mx.kaede.example".to_owned(), zone: TimeZone::UTC }
}

fn directory(to: &[&str]) -> Directory {
    let to: Vec<Address> = to.iter().map(|t| address(t)).collect();
    Arc::new(move |_| Some(Contact { name: "楓精機".to_owned(), to: to.clone() }))
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// Flushes until nothing is due.
async fn drain(store: &Store, bag: &Bag, to: &[&str]) -> Result<usize, String> {
    let notifier = Notifier::start(store.clone(), bag.clone(), sender(), directory(to), Arc::new(Notify::new()));
    notifier.flush().await
}

#[test]
fn every_grant_is_told_to_hr_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let bag = Bag::default();
    wait(async {
        let store = ledger(dir.path(), 5).await;
        for _ in 0..3 {
            drain(&store, &bag, &["hr@kaede.example", "saiyo@kaede.example"]).await.expect("a round");
        }
        assert_eq!(store.grants_due(9).await, Ok(vec![]));
    });
    let bag = bag.0.lock().expect("the bag");
    assert_eq!(bag.mails.keys().collect::<Vec<_>>(), ["notice:kaede:main:1", "notice:kaede:main:2"]);
    assert_eq!(bag.carried, 2);
    let (envelope, message) = &bag.mails["notice:kaede:main:1"];
    assert_eq!(envelope.sender, Some(address("relay@kaede.example")));
    assert_eq!(envelope.recipients, [address("hr@kaede.example"), address("saiyo@kaede.example")]);
    let text = String::from_utf8(message.clone()).expect("a mail of ASCII");
    assert!(text.is_ascii());
    for header in [
        "Message-ID: <notice.kaede.main.1@mx.kaede.example>\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "From: \"Career Relay\" <relay@kaede.example>\r\n",
        "Date: ",
    ] {
        assert!(text.contains(header), "{header}\n{text}");
    }
}

#[test]
fn a_courier_that_takes_nothing_leaves_the_notice_due() {
    let dir = tempfile::tempdir().expect("a folder");
    let bag = Bag::default();
    wait(async {
        let store = ledger(dir.path(), 2).await;
        bag.0.lock().expect("the bag").full = true;
        assert_eq!(
            drain(&store, &bag, &["hr@kaede.example"]).await,
            Err("notice:kaede:main:1: not taken: full".into())
        );
        assert_eq!(drain(&store, &bag, &[]).await, Ok(0), "without an address it waits and is no fault");
        assert_eq!(store.grants_due(9).await.map(|g| g.len()), Ok(1));
        bag.0.lock().expect("the bag").full = false;
        drain(&store, &bag, &["hr@kaede.example"]).await.expect("a round");
        assert_eq!(store.grants_due(9).await, Ok(vec![]));
    });
    assert_eq!(bag.0.lock().expect("the bag").mails.len(), 1);
}

#[test]
fn the_text_names_slot_count_and_next_in_both_languages() {
    let dir = tempfile::tempdir().expect("a folder");
    let grant = wait(async { ledger(dir.path(), 2).await.grants_due(1).await }).expect("grants").remove(0);
    let pool = crate::ledger::Pool { counted: 3, toward: 1, cycles: 1 };
    let contact = Contact { name: "楓精機".to_owned(), to: vec![address("hr@kaede.example")] };
    let message = compose(&grant, &pool, &contact, &sender(), grant.at).expect("a notice");
    let octets = message.formatted();
    let parsed = mail_parser::MessageParser::default().parse(&octets).expect("a mail");
    let body = parsed.body_text(0).expect("a text");
    assert!(parsed.subject().is_some_and(|s| s.contains("No.1") && s.contains("Hire slot no. 1")), "{parsed:?}");
    for words in ["ご紹介が2名に達し", "現在 1名 / 2名", "referred 2 people", "1 of 2 so far", "2027-01-15"]
    {
        assert!(body.contains(words), "{words}\n{body}");
    }
    assert!(!body.contains("mail.example"));
}
