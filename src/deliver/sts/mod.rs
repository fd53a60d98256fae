//! MTA-STS (RFC 8461): what domains say of their mail servers, fetched when it is announced and believed for as long as
//! it says, over restarts too.

mod policy;
mod shelf;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;

use self::shelf::{Known, Shelf};
use super::hop::lock;
use crate::sys::clock;
use crate::sys::https::Fetch;
use crate::sys::resolver::Resolve;

pub(super) use self::policy::{Mode, Policy};

/// Where a policy lies, below `https://mta-sts.DOMAIN`.
const PATH: &str = "/.well-known/mta-sts.txt";
/// How long a failed fetch is not tried again (RFC 8461 3.3).
const FAILED_FOR: Duration = Duration::from_mins(5);
/// Failed fetches remembered.
const FAILED_MAX: usize = 10_000;
/// A policy that was fetched so long ago is fetched anew, though it has not changed, to be believed for longer.
const REFRESH_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// The policies of domains. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Policies(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    names: Arc<dyn Resolve>,
    web: Arc<dyn Fetch>,
    shelf: Mutex<Shelf>,
    /// Fetches under way; whoever else wants the same policy waits for their end.
    fetching: Mutex<HashMap<String, watch::Receiver<()>>>,
    failed: Mutex<HashMap<String, (String, Instant)>>,
}

impl Policies {
    /// Those that `file` remembers; without a file nothing is remembered over a restart.
    pub(super) fn new(names: Arc<dyn Resolve>, web: Arc<dyn Fetch>, file: Option<PathBuf>) -> Self {
        let shelf = Mutex::new(Shelf::open(file, clock::now()));
        Self(Arc::new(Inner { names, web, shelf, fetching: Mutex::default(), failed: Mutex::default() }))
    }

    /// The policy in force for a domain. Waits for one that was announced and is not known yet; who stops waiting
    /// leaves the fetch to go on, and finds the policy the next time.
    pub(super) async fn of(&self, domain: &str) -> Option<Arc<Policy>> {
        let announced = self.0.names.txt(&format!("_mta-sts.{domain}")).await;
        let id = announced.ok().and_then(|answer| policy::id(&answer.records));
        let now = clock::now();
        let known = lock(&self.0.shelf).find(domain, now);
        // Without a word from the DNS what is known holds (RFC 8461 3.1).
        let Some(id) = id else { return known.map(|k| k.policy) };
        match known {
            Some(known) if known.id == id => {
                if now.duration_since(known.fetched_at) > REFRESH_AFTER {
                    drop(self.fetch(domain, &id));
                }
                Some(known.policy)
            }
            known => {
                if let Some(mut ended) = self.fetch(domain, &id) {
                    // The end is told by the sender's going.
                    let _ = ended.changed().await;
                }
                lock(&self.0.shelf).find(domain, clock::now()).or(known).map(|k| k.policy)
            }
        }
    }

    /// Fetches a policy in a task of its own, unless that has failed a moment ago. Tells by closing that it has ended.
    fn fetch(&self, domain: &str, id: &str) -> Option<watch::Receiver<()>> {
        if self.has_failed(domain, id) {
            return None;
        }
        let mut fetching = lock(&self.0.fetching);
        if let Some(ended) = fetching.get(domain).filter(|ended| ended.has_changed().is_ok()) {
            return Some(ended.clone());
        }
        let (ending, ended) = watch::channel(());
        fetching.insert(domain.to_owned(), ended.clone());
        let (policies, domain, id) = (self.clone(), domain.to_owned(), id.to_owned());
        tokio::spawn(async move {
            policies.fetch_here(&domain, id).await;
            lock(&policies.0.fetching).remove(&domain);
            drop(ending);
        });
        Some(ended)
    }

    async fn fetch_here(&self, domain: &str, id: String) {
        let fetched = self.0.web.fetch(&format!("mta-sts.{domain}"), PATH).await;
        let why = match fetched.map(|octets| Policy::parse(&octets).ok_or(octets.len())) {
            Ok(Ok(policy)) => {
                let fetched_at = clock::now();
                let known = Known { id, fetched_at, policy: Arc::new(policy) };
                lock(&self.0.failed).remove(domain);
                return lock(&self.0.shelf).put(domain, known);
            }
            Ok(Err(octets)) => format!("{octets} octets that are no policy"),
            Err(fault) => fault.to_string(),
        };
        tracing::warn!(domain, %why, "sts_policy_not_fetched");
        let mut failed = lock(&self.0.failed);
        failed.retain(|_, (_, at)| at.elapsed() < FAILED_FOR);
        if failed.len() < FAILED_MAX {
            failed.insert(domain.to_owned(), (id, Instant::now()));
        }
    }

    fn has_failed(&self, domain: &str, id: &str) -> bool {
        lock(&self.0.failed).get(domain).is_some_and(|(failed, at)| failed == id && at.elapsed() < FAILED_FOR)
    }

    /// Writes what has changed to the file. Blocks.
    pub(super) fn save(&self) {
        let unsaved = lock(&self.0.shelf).take_unsaved();
        if let Some(unsaved) = unsaved {
            unsaved.write();
        }
    }
}

/// When a policy is believed no more.
fn end_of(fetched_at: Timestamp, policy: &Policy) -> Timestamp {
    let max_age = SignedDuration::try_from(policy.max_age).unwrap_or(SignedDuration::MAX);
    fetched_at.checked_add(max_age).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
