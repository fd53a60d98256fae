//! Custody with a real spool, real delivery, and a next hop that does as the recipient's name tells it.

mod holds;
mod next_hop;

use std::time::Duration;

use tempfile::TempDir;

use self::next_hop::NextHop;
use super::*;
use crate::classify::Rules;
use crate::config::{CustodyMode, CustodySettings, DeliverSettings, DomainPattern, RetrySettings, Route};
use crate::deliver::Settings;
use crate::ledger::{ContractRef, Proves};
use crate::mail::address::Address;
use crate::mail::edit::{Edit, Edits};
use crate::mail::envelope::{Body, Envelope};
use crate::pipeline::{Offer, Referred, Relaying};
use crate::proto::smtp::command::Hello;
use crate::proto::smtp::session::Peer;
use crate::referral::{CandidateKey, CompanyId, LinkToken};
use crate::spool::{SpoolOptions, Summary};

const MESSAGE: &str = "Subject: x\r\n\r\n残念ながら\r\n.\r\n";

/// A relay and all around it.
struct House {
    hop: NextHop,
    relay: Relay,
    deliver: Deliver,
    spool: Spool,
    watch: Watch,
    _folder: TempDir,
}

impl House {
    async fn new(process: Process) -> Self {
        Self::with(process, SpoolOptions::default(), |_| ()).await
    }

    async fn with(process: Process, options: SpoolOptions, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::open(folder.path(), options).expect("a spool");
        let hop = NextHop::start(spool.clone()).await;
        let next_hop = next_hop_at(hop.port);
        let domains = vec![DomainPattern::Any];
        let mut settings = Settings {
            hostname: "relay.example".to_owned(),
            routes: vec![Route {
                name: "main".to_owned(),
                domains,
                next_hop,
                proves: Proves::Delivered,
                ..Route::default()
            }],
            custody: CustodySettings::default(),
            deliver: DeliverSettings::default(),
            retry: RetrySettings::default(),
        };
        change(&mut settings);
        let deliver = Deliver::start(spool.clone(), settings);
        let rules = Arc::new(Rules::built_in());
        let networks = vec!["192.0.2.0/24".parse().expect("a network")];
        let relaying = Relaying { networks, ..Relaying::default() };
        let policy = PolicyHandle::new(Policy::new(Vec::new(), relaying, rules));
        let watch = Watch::new();
        let host = "relay.example".into();
        let (deliver_too, spool_too, stamp) = (deliver.clone(), spool.clone(), "".into());
        let services = Services {
            host,
            policy,
            deliver: deliver_too,
            spool: spool_too,
            signer: Signer::default(),
            stamp,
            watch: watch.clone(),
            evidence: |_, _, _| None,
            probed: Arc::default(),
        };
        let relay = Relay { process, ..Relay::new(services) };
        Self { hop, relay, deliver, spool, watch, _folder: folder }
    }

    /// Sends the message to `names` at one domain; returns what the client hears.
    async fn send(&self, names: &[&str]) -> String {
        let address = |name: &str| Address::parse(&format!("{name}@mail.example")).expect("an address");
        let envelope = Envelope {
            sender: Some(Address::parse("hr@sakura.example").expect("an address")),
            recipients: names.iter().map(|n| address(n)).collect(),
            body: Body::EightBitMime,
            ..Envelope::default()
        };
        let hello = Hello { name: "pc".into(), extended: true };
        let peer = Peer::default();
        let transaction = Transaction { hello, peer, envelope, message: MESSAGE.into(), came_back: false };
        let arrived = Arrived { client: Client::at([192, 0, 2, 1].into()), transaction, at: crate::sys::clock::now() };
        self.relay.take(arrived).await.to_string()
    }

    async fn summary(&self) -> Summary {
        self.spool.summary().await.expect("a summary")
    }

    /// The numbers of the recipients whose referrals are in the outbox.
    async fn outbox(&self) -> Vec<u32> {
        let rows = self.spool.outbox_after(0, 100).await.expect("rows");
        rows.into_iter().map(|row| row.event.recipient).collect()
    }

    fn counted(&self, name: &str) -> u64 {
        let snapshot = self.watch.snapshot();
        snapshot.counters.get(name).or(snapshot.outcomes.get(name)).copied().unwrap_or(0)
    }
}

fn untouched(_: &Received, _: &Policy, _: Timestamp) -> Outcome {
    Outcome::Untouched(Untouched { company: None, reason: "no_company", rejection_seen: false, evidence: Vec::new() })
}

fn panics(_: &Received, _: &Policy, _: Timestamp) -> Outcome {
    panic!("asked to")
}

fn copy(recipients: Vec<usize>, candidate: usize) -> Copy {
    let line = format!("line for {candidate}\r\n");
    let offer = Offer {
        recipient: candidate,
        candidate: CandidateKey { key_id: 1, octets: [u8::try_from(candidate).unwrap_or(0); 32] },
        earlier: Vec::new(),
        token: LinkToken::parse("abcdefgh-abcdefghijklmnopqrstuvwxyz").expect("a token"),
        contract: ContractRef { series: "2026".to_owned(), version: 1, digest: [0; 32] },
        inserted: true,
        wording: None,
        traits: None,
    };
    let edits = Edits::new(vec![Edit { at: 14, insert: line.into_bytes().into() }]);
    Copy { recipients, edits, offers: vec![offer], ..Copy::default() }
}

fn referred(copies: Vec<Copy>) -> Outcome {
    let company = CompanyId::parse("sakura").expect("an id");
    Outcome::Referred(Referred { company, copies, evidence: Vec::new(), inserted: Vec::new(), signing: None })
}

/// Everybody gets one copy; the first recipient is the candidate.
fn one_copy(received: &Received, _: &Policy, _: Timestamp) -> Outcome {
    referred(vec![copy((0..received.envelope.recipients.len()).collect(), 0)])
}

fn copy_for_each(received: &Received, _: &Policy, _: Timestamp) -> Outcome {
    referred((0..received.envelope.recipients.len()).map(|r| copy(vec![r], r)).collect())
}

fn next_hop_at(port: u16) -> crate::config::NextHop {
    crate::config::NextHop::Host(crate::config::HostPort { host: "127.0.0.1".to_owned(), port })
}

#[tokio::test]
async fn an_untouched_mail_passes_to_the_octet_behind_our_trace_and_touches_no_disk() {
    let mut house = House::new(untouched).await;
    assert!(house.send(&["a", "b"]).await.starts_with("250 2.0.0 Accepted as "));
    let (recipients, message) = house.hop.delivered().await;
    assert_eq!(recipients, ["a", "b"]);
    let (trace, rest) = message.split_at(message.find("Subject:").unwrap_or(0));
    assert!(trace.starts_with("Received: from pc ([192.0.2.1])\r\n\tby relay.example with ESMTP id "), "{trace}");
    assert!(!trace.contains('@'), "{trace}");
    assert_eq!(rest, MESSAGE);
    assert_eq!((house.spool.commits(), house.summary().await.entries), (0, 0));
    assert_eq!((house.counted("handed_through"), house.counted("no_company")), (1, 1));
}

#[tokio::test]
async fn a_company_whose_edited_mails_are_refused_is_left_alone_and_it_is_said_why() {
    let mut house = House::with(one_copy, SpoolOptions::default(), |s| s.deliver.edit_refusals_max = 1).await;
    house.send(&["edit"]).await;
    assert_eq!(house.hop.delivered().await.0, ["edit"]);
    assert_eq!(house.counted("edit_refused"), 1);
    house.send(&["a"]).await;
    assert!(house.hop.delivered().await.1.ends_with(MESSAGE));
    assert_eq!((house.counted("editing_stopped"), house.outbox().await.len()), (1, 0));
}

#[tokio::test]
async fn refused_for_all_is_said_to_the_client_and_no_bounce_is_made() {
    let house = House::new(one_copy).await;
    assert_eq!(house.send(&["gone", "gone2"]).await, "550 5.1.1 No such user");
    assert_eq!((house.spool.commits(), house.outbox().await.len()), (0, 0));
    assert_eq!(house.counted("refused"), 1);
}

#[tokio::test]
async fn who_was_not_accepted_is_kept_or_bounced_and_who_was_gets_no_second_mail() {
    let mut house = House::new(one_copy).await;
    assert!(house.send(&["a", "busy", "gone"]).await.starts_with("250"));
    let summary = house.summary().await;
    assert!(summary.waiting >= 1, "{summary:?}");
    assert_eq!(house.outbox().await, [0]);
    assert_eq!(house.hop.delivered().await.0, ["a"]);
    let (to, report) = house.hop.delivered().await;
    assert_eq!(to, ["hr"]);
    assert!(report.contains("gone@mail.example") && !report.contains("busy@mail.example"));
    assert!(house.deliver.drain(Duration::from_secs(10)).await);
    assert_eq!((house.summary().await.entries, house.counted("spooled")), (1, 1));
}

#[tokio::test]
async fn a_dead_next_hop_or_spool_first_means_custody() {
    let house = House::with(untouched, SpoolOptions::default(), |s| {
        s.routes[0].next_hop = next_hop_at(1);
    })
    .await;
    assert!(house.send(&["a"]).await.starts_with("250"));
    assert_eq!(house.summary().await.entries, 1);
    let first = |s: &mut Settings| s.custody.mode = CustodyMode::Spool;
    let mut house = House::with(one_copy, SpoolOptions::default(), first).await;
    assert!(house.send(&["a"]).await.starts_with("250"));
    assert_eq!((house.spool.commits() > 0, house.counted("spooled")), (true, 1));
    assert!(house.hop.delivered().await.1.contains("line for 0\r\n"));
    assert!(house.deliver.drain(Duration::from_secs(10)).await);
    assert_eq!((house.summary().await.entries, house.outbox().await), (0, vec![0]));
}

#[tokio::test]
async fn a_mail_in_doubt_is_kept_until_the_late_answer_settles_it() {
    let impatient = |s: &mut Settings| s.custody.hand_through_for = Duration::from_secs(2);
    let mut house = House::with(one_copy, SpoolOptions::default(), impatient).await;
    assert!(house.send(&["late"]).await.starts_with("250"));
    assert_eq!((house.summary().await.in_doubt, house.counted("in_doubt")), (1, 1));
    assert!(house.outbox().await.is_empty());
    house.hop.answer_late.add_permits(1);
    assert_eq!(house.hop.delivered().await.0, ["late"]);
    assert!(house.deliver.drain(Duration::from_secs(10)).await);
    assert_eq!((house.summary().await.entries, house.outbox().await), (0, vec![0]));
}

#[tokio::test]
async fn a_referral_is_in_the_outbox_when_the_client_hears_250() {
    let mut house = House::new(one_copy).await;
    assert!(house.send(&["a", "b"]).await.starts_with("250"));
    assert_eq!((house.outbox().await, house.spool.commits()), (vec![0], 1));
    assert!(house.hop.delivered().await.1.ends_with("\r\n\r\nline for 0\r\n残念ながら\r\n.\r\n"));
    assert_eq!((house.counted("referred"), house.counted("offers")), (1, 1));
}

#[tokio::test]
async fn split_copies_are_stored_and_each_recipient_gets_his_own() {
    let mut house = House::new(copy_for_each).await;
    assert!(house.send(&["a", "b"]).await.starts_with("250"));
    assert_eq!(house.counted("spooled"), 1);
    let mut delivered = vec![house.hop.delivered().await, house.hop.delivered().await];
    delivered.sort();
    assert!(delivered[0].0 == ["a"] && delivered[0].1.contains("line for 0\r\n"), "{delivered:?}");
    assert!(delivered[1].0 == ["b"] && delivered[1].1.contains("line for 1\r\n"), "{delivered:?}");
    assert!(house.deliver.drain(Duration::from_secs(10)).await);
    let mut outbox = house.outbox().await;
    outbox.sort_unstable();
    assert_eq!((outbox, house.summary().await.entries), (vec![0, 1], 0));
}

#[tokio::test]
async fn a_failed_commit_asks_for_the_mail_again_unless_everybody_has_it() {
    let house = House::new(one_copy).await;
    assert!(house.send(&["a", "breakspool"]).await.starts_with("250"));
    assert_eq!((house.counted("recoveries"), house.counted("handed_through")), (1, 1));
    let house = House::new(one_copy).await;
    assert!(house.send(&["a", "busy", "breakspool"]).await.starts_with("451 4.3.0"));
    assert_eq!(house.counted("deferred"), 1);
    let house = House::with(untouched, SpoolOptions::default(), |s| {
        s.routes[0].next_hop = next_hop_at(1);
    })
    .await;
    house.spool.close().await;
    assert!(house.send(&["a"]).await.starts_with("451 4.3.0"));
    let house = House::new(copy_for_each).await;
    house.spool.close().await;
    assert!(house.send(&["a", "b"]).await.starts_with("451 4.3.0"));
}

#[tokio::test]
async fn our_errors_leave_the_mail_untouched() {
    let mut house = House::new(panics).await;
    assert!(house.send(&["a"]).await.starts_with("250"));
    assert!(house.hop.delivered().await.1.ends_with(MESSAGE));
    assert_eq!((house.counted("internal_error"), house.counted("failed_open")), (1, 1));
    let no_space = SpoolOptions { reserve_octets: u64::MAX, ..SpoolOptions::default() };
    let mut house = House::with(one_copy, no_space, |_| ()).await;
    assert!(house.send(&["a"]).await.starts_with("250"));
    assert!(house.hop.delivered().await.1.ends_with(MESSAGE));
    assert_eq!((house.counted("outbox_unavailable"), house.counted("failed_open")), (1, 1));
}
