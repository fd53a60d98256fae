//! Tests of delivery against a scripted next hop and a real spool.

mod chunks;
mod custody;
mod edits;
mod hand_through;
mod mx;
pub(super) mod names;
mod next_hop;
mod policies;
mod reports;
mod stores;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use self::next_hop::{Act, NextHop, Stage};
use super::*;
use crate::config::{
    CustodyMode, CustodySettings, DeliverSettings, DomainPattern, HostPort, NextHop as Target, RetrySettings,
};
use crate::ledger::{ContractRef, Proves};
use crate::mail::address::Address;
use crate::mail::edit::{Edit, Edits};
use crate::mail::envelope::{Body, Envelope};
use crate::pipeline::{Copy, Offer};
use crate::referral::{CandidateKey, LinkToken};
use crate::spool::SpoolOptions;

const TRACE: &[u8] = b"Received: by relay.sakura.example\r\n";
const MESSAGE: &[u8] = b"Subject: x\r\n\r\nOne\r\nTwo\r\n";

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_mins(1);
/// What a test waits when the next hop says nothing.
const STALL_FOR: Duration = Duration::from_millis(500);

/// Delivery with its spool and one next hop.
struct World {
    hop: NextHop,
    spool: Spool,
    deliver: Deliver,
    watch: Watch,
    folder: tempfile::TempDir,
}

impl World {
    async fn new(script: &[(Stage, Act)]) -> Self {
        Self::with(script, |_| ()).await
    }

    async fn with(script: &[(Stage, Act)], change: impl FnOnce(&mut Settings)) -> Self {
        Self::of(NextHop::start(script).await, change)
    }

    fn of(hop: NextHop, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::open(folder.path(), SpoolOptions::default()).expect("a spool");
        let mut settings = settings(&hop);
        change(&mut settings);
        let watch = Watch::new();
        let deliver = Deliver::start_watched(spool.clone(), settings, watch.clone());
        Self { hop, spool, deliver, watch, folder }
    }

    /// Hands a mail to two recipients through, and tells in words what became of it.
    async fn hand_through(&self) -> String {
        told(&self.deliver.hand_through(&job(&["a@x.example", "b@y.example"])).await)
    }

    /// Hands a job through and commits what it leaves, as the SMTP server does.
    async fn serve(&self, job: &Job) -> HandThrough {
        let handed = self.deliver.hand_through(job).await;
        let writes = self.deliver.writes_after(job, &handed, clock::now());
        if !writes.is_empty() {
            self.spool.commit(writes).await.expect("a commit");
        }
        self.deliver.wake();
        handed
    }

    /// Waits until nothing is left in custody.
    async fn wait_until_empty(&self) {
        while self.spool.summary().await.expect("a summary").entries > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn outbox(&self) -> Vec<String> {
        let rows = self.spool.outbox_after(0, 100).await.expect("the outbox");
        rows.iter().map(|r| format!("{} {} {:?}", r.event.transaction, r.event.recipient, r.event.proves)).collect()
    }
}

/// The same port at another name.
fn rename(settings: &mut Settings, host: &str) {
    if let Target::Host(at) = &mut settings.routes[0].next_hop {
        host.clone_into(&mut at.host);
    }
}

fn at(host: &str, port: u16) -> Target {
    Target::Host(HostPort { host: host.to_owned(), port })
}

fn settings(hop: &NextHop) -> Settings {
    let route = Route {
        name: "main".to_owned(),
        domains: vec![DomainPattern::Any],
        next_hop: at(&hop.address.ip().to_string(), hop.address.port()),
        proves: Proves::Delivered,
        ..Route::default()
    };
    settings_for(vec![route])
}

pub(super) fn settings_for(routes: Vec<Route>) -> Settings {
    Settings {
        hostname: "relay.sakura.example".to_owned(),
        routes,
        custody: CustodySettings { hand_through_for: PATIENCE, ..CustodySettings::default() },
        deliver: DeliverSettings::default(),
        retry: RetrySettings { waits: vec![Duration::ZERO], ..RetrySettings::default() },
    }
}

pub(super) fn address(text: &str) -> Address {
    Address::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn job(recipients: &[&str]) -> Job {
    let envelope = Envelope {
        sender: Some(address("hr@sakura.example")),
        recipients: recipients.iter().map(|r| address(r)).collect(),
        body: Body::SevenBit,
        ..Envelope::default()
    };
    Job {
        id: EntryId::parse("mail-1").expect("an id"),
        company: None,
        envelope: Arc::new(envelope),
        original: Bytes::from_static(MESSAGE),
        trace: Bytes::from_static(TRACE),
        copy: Copy { recipients: (0..recipients.len()).collect(), ..Copy::default() },
    }
}

/// A job whose only recipient is a candidate and gets the line.
fn referral(id: &str) -> Job {
    let mut job = job(&["taro@x.example"]);
    job.id = EntryId::parse(id).expect("an id");
    job.company = CompanyId::parse("sakura").ok();
    job.copy.edits = Edits::new(vec![Edit { at: MESSAGE.len(), insert: b".line\r\n".as_slice().into() }]);
    job.copy.offers = vec![Offer {
        recipient: 0,
        candidate: CandidateKey { key_id: 1, octets: [7; 32] },
        earlier: Vec::new(),
        token: LinkToken::parse("sakura-abcdefghijklmnopqrstuvwxyz").expect("a token"),
        contract: ContractRef { series: "2026".to_owned(), version: 1, digest: [1; 32] },
        inserted: true,
        wording: None,
        traits: None,
    }];
    job
}

fn told(handed: &HandThrough) -> String {
    match handed {
        HandThrough::Spool(why) => format!("spool {}", why.code()),
        HandThrough::InDoubt(doubt) => format!("in doubt {}", doubt.so_far().iter().filter(|o| o.is_none()).count()),
        HandThrough::Settled(settled) => settled.outcomes.iter().map(outcome).collect::<Vec<_>>().join(", "),
    }
}

fn outcome(outcome: &RecipientOutcome) -> String {
    let reply = outcome.reply();
    match outcome {
        RecipientOutcome::Accepted { .. } => format!("accepted {reply}"),
        RecipientOutcome::Deferred { maybe_doubled: true, .. } => format!("doubtful {reply}"),
        RecipientOutcome::Deferred { .. } => format!("deferred {reply}"),
        RecipientOutcome::Refused { .. } => format!("refused {reply}"),
    }
}

/// The wire form of an untouched mail.
fn wire(message: &[u8]) -> Vec<u8> {
    [TRACE, message, b".\r\n"].concat()
}
