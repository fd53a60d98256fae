//! Each grant is told to HR in one mail, whatever fails in between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use tokio::sync::Notify;

use super::*;
use crate::ledger::{ContractVersion, Notice, Proves, ReferralEvent};
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

fn terms() -> ContractVersion {
    ContractVersion { threshold: 2, ..ContractVersion::new("main", 1, date(2026, 4, 1)) }
}

fn keys() -> CompanyKeys {
    CompanyKeys::derive(&[1; 32], &company(), 1)
}

/// A ledger with `count` credits at a threshold of 2.
async fn ledger(dir: &std::path::Path, count: u64) -> Store {
    let store = Store::open(dir).expect("a store");
    let agreement = Agreement {
        company: company(),
        keys: vec![(1, keys().fingerprint())],
        contracts: vec![terms()],
        wordings: vec![],
        signatures: Vec::new(),
        operator_keys: Vec::new(),
    };
    store.agree(agreement).await.expect("an agreement");
    post(&store, 1..=count).await;
    store
}

async fn post(store: &Store, numbers: std::ops::RangeInclusive<u64>) {
    let (terms, keys) = (terms(), keys());
    let event = |n: u64| {
        let candidate = keys.candidate(&address(&format!("hana{n}@mail.example")));
        ReferralEvent {
            company: company(),
            candidate,
            earlier: Vec::new(),
            token: keys.token("main", &candidate),
            contract: terms.reference(),
            proves: Proves::Delivered,
            route: "mx".to_owned(),
            transaction: format!("t{n}"),
            recipient: 0,
            inserted: true,
            wording: None,
            traits: None,
            at: Timestamp::from_second(1_800_000_000).expect("a time"),
        }
    };
    store.post(numbers.map(|seq| OutboxRow { seq, event: event(seq) }).collect()).await.expect("a post");
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

fn start(store: &Store, bag: &Bag, to: &[&str]) -> Notifier<Bag> {
    let terms = Terms { gather_for: Duration::from_mins(1), granted: Arc::new(Notify::new()) };
    Notifier::start(store.clone(), bag.clone(), (sender(), directory(to)), terms)
}

/// Flushes until nothing is due.
async fn drain(store: &Store, bag: &Bag, to: &[&str]) -> Result<usize, String> {
    start(store, bag, to).flush().await
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
        assert_eq!(store.notices_due(9).await, Ok(vec![]));
        post(&store, 6..=6).await;
        drain(&store, &bag, &["hr@kaede.example"]).await.expect("a round");
    });
    let bag = bag.0.lock().expect("the bag");
    assert_eq!(bag.mails.keys().collect::<Vec<_>>(), ["notice:kaede:main:1-2-f71998fe", "notice:kaede:main:3"]);
    assert_eq!(bag.carried, 2);
    let (envelope, message) = &bag.mails["notice:kaede:main:1-2-f71998fe"];
    assert_eq!(envelope.sender, Some(address("relay@kaede.example")));
    assert_eq!(envelope.recipients, [address("hr@kaede.example"), address("saiyo@kaede.example")]);
    let text = String::from_utf8(message.clone()).expect("a mail of ASCII");
    assert!(text.is_ascii());
    for header in [
        "Message-ID: <notice.kaede.main.1-2-f71998fe@mx.kaede.example>\r\n",
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
        assert_eq!(store.notices_due(9).await.map(|n| n.len()), Ok(1));
        bag.0.lock().expect("the bag").full = false;
        drain(&store, &bag, &["hr@kaede.example"]).await.expect("a round");
        assert_eq!(store.notices_due(9).await, Ok(vec![]));
    });
    assert_eq!(bag.0.lock().expect("the bag").mails.len(), 1);
}

#[test]
fn the_text_names_slot_count_and_next_in_both_languages() {
    let dir = tempfile::tempdir().expect("a folder");
    let grants = wait(async { ledger(dir.path(), 10).await.grants(&company()).await }).expect("grants");
    let pool = crate::ledger::Pool { counted: 3, toward: 1, cycles: 1 };
    let contact = Contact { name: "楓精機".to_owned(), to: vec![address("hr@kaede.example")] };
    let check = |cycles: &[u32], subject: &str, words: &[&str]| {
        let mut slots = grants.iter().filter(|g| cycles.contains(&g.cycle)).cloned();
        let first = slots.next().expect("a slot");
        let notice = Notice { first, others: slots.collect() };
        let message = compose(&notice, &pool, &contact, &sender(), grants[0].at).expect("a notice");
        let octets = message.formatted();
        let parsed = mail_parser::MessageParser::default().parse(&octets).expect("a mail");
        let body = parsed.body_text(0).expect("a text");
        assert_eq!(parsed.subject(), Some(subject));
        for words in words {
            assert!(body.contains(words), "{words}\n{body}");
        }
        assert!(!body.contains("mail.example"));
    };
    check(
        &[1],
        "【キャリアリレー】無料採用枠 No.1 が付与されました / Hire slot no. 1 is yours",
        &[
            "ご紹介が2名に達し",
            "現在 1名 / 2名",
            "referred 2 people, and",
            "1 of 2 so far",
            "2027-01-15",
            "Granted: hire slot no. 1 (",
        ],
    );
    check(
        &[1, 2, 3, 5],
        "【キャリアリレー】無料採用枠 No.1〜No.3、No.5（4枠） が付与されました / 4 hire slots, no. 1 to 3, 5, are yours",
        &[
            "ご紹介が2名ごとの区切りに4回達し",
            "採用枠一つにつき",
            "referred 2 people 4 times, and 4 free hire slots are",
            "With each",
        ],
    );
}

#[test]
fn a_slot_that_is_gathered_anew_with_one_that_was_told_of_is_told_of_all_the_same() {
    let bag = Bag::default();
    wait(async {
        // The second ledger is what the first one was before its slots, brought back: the rows come again at once.
        for (persons, added) in [(2, None), (1, Some(2..=4))] {
            let dir = tempfile::tempdir().expect("a folder");
            let store = ledger(dir.path(), persons).await;
            if let Some(added) = added {
                post(&store, added).await;
            }
            drain(&store, &bag, &["hr@kaede.example"]).await.expect("a round");
            assert_eq!(store.notices_due(9).await, Ok(vec![]));
        }
    });
    let bag = bag.0.lock().expect("the bag");
    let told = |slot: &str| bag.mails.keys().any(|name| name.starts_with(&format!("notice:kaede:main:{slot}")));
    assert!(told("1-2-"), "{:?}", bag.mails.keys());
    assert_eq!(bag.mails.len(), 2);
}

#[test]
fn slots_granted_soon_behind_a_mail_share_the_next_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let bag = Bag::default();
    wait(async {
        let store = ledger(dir.path(), 2).await;
        let notifier = start(&store, &bag, &["hr@kaede.example"]);
        notifier.round().await.expect("a round");
        post(&store, 3..=6).await;
        notifier.round().await.expect("a round");
        assert_eq!(bag.0.lock().expect("the bag").mails.keys().collect::<Vec<_>>(), ["notice:kaede:main:1"]);
        notifier.flush().await.expect("a round");
    });
    let bag = bag.0.lock().expect("the bag");
    assert_eq!(bag.mails.keys().collect::<Vec<_>>(), ["notice:kaede:main:1", "notice:kaede:main:2-3-7bd7df1a"]);
    let text = String::from_utf8_lossy(&bag.mails["notice:kaede:main:2-3-7bd7df1a"].1).into_owned();
    assert!(
        mail_parser::MessageParser::default()
            .parse(text.as_bytes())
            .is_some_and(|m| { m.subject().is_some_and(|s| s.contains("2 hire slots, no. 2 to 3, are yours")) })
    );
}
