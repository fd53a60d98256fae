//! Sends probes of return paths when they are due, and tells the ledger which came back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::deliver::{Deliver, Job};
use crate::mail::address::Address;
use crate::mail::envelope::Envelope;
use crate::notify::compose_probe;
use crate::pipeline::{Copy, InForce, Mode, Probe};
use crate::policy::PolicyHandle;
use crate::referral::CompanyId;
use crate::spool::{EntryId, Returnable, SentProbe, Spool, Write};
use crate::store::{Flusher, Proof, Store};
use crate::sys::{clock, random};

/// How often it looks what is due.
const PERIOD: Duration = Duration::from_mins(1);
/// How often what the spool keeps of return paths is forgotten when its time is over.
const FORGET_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// The way into the ledger.
pub struct Post {
    /// The ledger.
    pub store: Store,
    /// What came back before a probe did has to be there before it.
    pub pump: Flusher<Spool>,
    /// Rung when a slot is granted.
    pub granted: Arc<Notify>,
}

/// Who sends probes.
pub struct Prober {
    policy: PolicyHandle,
    spool: Spool,
    deliver: Deliver,
    post: Post,
    bell: Arc<Notify>,
    /// Held while it works, so that an admin and the clock send no two at once.
    done: Mutex<Done>,
}

#[derive(Default)]
struct Done {
    /// Probes whose coming back the ledger knows, as far as this run can tell.
    posted: HashSet<String>,
    forgot: Option<Timestamp>,
}

impl Prober {
    /// Moves what waits in the outbox into the ledger.
    ///
    /// # Errors
    /// Why it could not be.
    pub async fn flush(&self) -> Result<(), String> {
        self.post.pump.flush().await
    }

    /// Begins, and works until its task is ended.
    pub fn start(policy: PolicyHandle, (spool, deliver): (Spool, Deliver), post: Post) -> (Arc<Self>, JoinHandle<()>) {
        let prober = Arc::new(Self { policy, spool, deliver, post, bell: Arc::default(), done: Mutex::default() });
        let task = tokio::spawn(Arc::clone(&prober).work());
        (prober, task)
    }

    /// What is rung when a probe came back.
    pub fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }

    async fn work(self: Arc<Self>) {
        loop {
            if let Err(error) = self.round(clock::now()).await {
                tracing::warn!(%error, "probes of return paths wait");
            }
            // A timeout is as good a reason to look as a ring is.
            let _ = timeout(PERIOD, self.bell.notified()).await;
        }
    }

    async fn round(&self, now: Timestamp) -> Result<(), String> {
        let mut done = self.done.lock().await;
        let probes = self.spool.probes().await.map_err(|e| e.to_string())?;
        if done.forgot.is_none_or(|at| now.duration_since(at).abs() >= FORGET_EVERY) {
            done.forgot = Some(now);
            self.spool.commit(vec![Write::Forget { at: now }]).await.map_err(|e| e.to_string())?;
        }
        self.post(&mut done, &probes).await?;
        let last = last_sent(&probes);
        self.send(None, now, |company, route, every| {
            // A clock that was set back is no reason to send none.
            last.get(&(company, route)).is_none_or(|at| now.duration_since(*at).unsigned_abs() >= every)
        })
        .await
        .map(|_| ())
    }

    /// Sends a probe of each return path of a company, or of all of them; how many.
    ///
    /// # Errors
    /// A sentence for the admin.
    pub async fn send_now(&self, company: Option<&CompanyId>, now: Timestamp) -> Result<usize, String> {
        let _one_at_a_time = self.done.lock().await;
        let sent = self.send(company, now, |_, _, _| true).await?;
        if sent == 0 {
            let of = company.map_or("no company".to_owned(), |id| format!("company {id}"));
            return Err(format!("{of} has a return_path with probe_to: there is nowhere to send a probe"));
        }
        Ok(sent)
    }

    /// One for each route that leads to the addresses of a company: what it proves holds for that route.
    async fn send(
        &self,
        only: Option<&CompanyId>,
        now: Timestamp,
        due: impl Fn(&CompanyId, &str, Duration) -> bool,
    ) -> Result<usize, String> {
        let (policy, mut writes, mut sent) = (self.policy.current(), Vec::new(), 0);
        let wanted = |of: &&InForce| of.company.mode != Mode::Off && only.is_none_or(|id| *id == of.company.id);
        for of in policy.companies().filter(wanted) {
            let Some(path) = &of.company.return_path else { continue };
            let mut routes = HashSet::new();
            for to in &path.probes.to {
                let route = self.deliver.route_of(to);
                if due(&of.company.id, &route, path.probes.every) && routes.insert(route.clone()) {
                    writes.extend(self.probe(of, (to, route), now)?);
                    sent += 1;
                }
            }
        }
        if sent > 0 {
            self.spool.commit(writes).await.map_err(|e| e.to_string())?;
            self.deliver.wake();
        }
        Ok(sent)
    }

    /// The mail, what finds it when it comes back, and that it went out.
    fn probe(&self, of: &InForce, (to, route): (&Address, String), now: Timestamp) -> Result<[Write; 3], String> {
        let company = of.company.id.clone();
        let path = of.company.return_path.as_ref().ok_or("no return path")?;
        let id = format!("p{:016x}", u64::from_be_bytes(random::octets()));
        let probe = Probe { company: company.clone(), id: id.clone(), route: route.clone() };
        let (tag, row) = probe.tag(of, now).ok_or("no tag can be made")?;
        let original = compose_probe(&path.domain, to, &id, now).map_err(|e| format!("the probe of {company}: {e}"))?;
        let envelope = Envelope { recipients: vec![to.clone()], smtputf8: to.needs_smtputf8(), ..Envelope::default() };
        let job = Job {
            id: EntryId::parse(&id).map_err(|e| e.to_string())?,
            company: Some(company.clone()),
            // The null sender: a refusal that we are told of ourselves is reported to nobody.
            envelope: Arc::new(envelope),
            original: Bytes::from(original),
            trace: Bytes::new(),
            copy: Copy { recipients: vec![0], return_path: Some(Box::new(tag)), ..Copy::default() },
        };
        let store = self.deliver.write_to_store(&[job], now).ok_or("nobody to write to")?;
        let returnable = Returnable { id: row.id, expires: row.expires, sealed: row.sealed };
        let sent = SentProbe { id, company, route, sent_at: now, back_at: None };
        Ok([store, Write::Returnable(returnable), Write::Probe(sent)])
    }

    /// Tells the ledger of probes that are back, in the order in which they came. One it knows adds nothing; so all of
    /// them are told again by every start, for a ledger that comes from a backup.
    async fn post(&self, done: &mut Done, probes: &[SentProbe]) -> Result<(), String> {
        let mut back: Vec<(Timestamp, &SentProbe)> =
            probes.iter().filter_map(|probe| Some((probe.back_at?, probe))).collect();
        back.retain(|(_, probe)| !done.posted.contains(&probe.id));
        back.sort_by_key(|(at, probe)| (*at, &probe.id));
        if !back.is_empty() {
            self.post.pump.flush().await?;
        }
        for (at, probe) in back {
            let (company, route) = (probe.company.clone(), probe.route.clone());
            let proof = Proof { company, route, probe: probe.id.clone(), at };
            let posted = self.post.store.prove(proof).await.map_err(|e| e.to_string())?;
            if !posted.grants.is_empty() {
                self.post.granted.notify_one();
            }
            done.posted.insert(probe.id.clone());
        }
        Ok(())
    }
}

/// When the newest probe of each path went out.
fn last_sent(probes: &[SentProbe]) -> HashMap<(&CompanyId, &str), Timestamp> {
    probes.iter().map(|probe| ((&probe.company, &*probe.route), probe.sent_at)).collect()
}
