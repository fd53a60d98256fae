//! Signing beside the runtime's threads, a bounded number of mails at one time.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{NamedKey, SignFault};
use crate::mail::address::Domain;
use crate::mail::edit::{Edit, Edits};

/// How long a mail may wait for its turn and be signed.
const PATIENCE: Duration = Duration::from_secs(3);

/// The keys in force, and the turns of those who sign with them. Clones share both.
#[derive(Clone)]
pub struct Signer {
    keys: Arc<RwLock<Arc<[NamedKey]>>>,
    turns: Arc<Semaphore>,
    patience: Duration,
}

impl Default for Signer {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Signer {
    /// One mail at a time for each processor.
    pub fn new(keys: Vec<NamedKey>) -> Self {
        let turns = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_turns(keys, turns, PATIENCE)
    }

    pub(super) fn with_turns(keys: Vec<NamedKey>, turns: usize, patience: Duration) -> Self {
        Self { keys: Arc::new(RwLock::new(keys.into())), turns: Arc::new(Semaphore::new(turns)), patience }
    }

    /// Puts other keys in force, whole.
    pub fn swap(&self, keys: Vec<NamedKey>) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
    }

    /// The edits of each copy with the signatures of all keys of `domain` in front of them. A copy without edits is
    /// left as it is.
    ///
    /// # Errors
    /// [`SignFault`]; then no copy is signed.
    pub async fn sign(&self, domain: &Domain, original: &Bytes, copies: Vec<Edits>) -> Result<Vec<Edits>, SignFault> {
        let keys = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner));
        if !keys.iter().any(|key| key.domain() == domain.as_str()) {
            return Err(SignFault::NoKey);
        }
        let (turns, domain, original) = (Arc::clone(&self.turns), domain.clone(), original.clone());
        let signed = async move {
            let turn = turns.acquire_owned().await.map_err(|_| SignFault::Overloaded)?;
            let work = move || {
                // The turn lasts as long as the work, also when nobody waits for it any more.
                let _turn = turn;
                let of_domain = || keys.iter().filter(|key| key.domain() == domain.as_str());
                copies.into_iter().map(|edits| with_signatures(&original, edits, of_domain())).collect()
            };
            let done = tokio::task::spawn_blocking(work).await;
            done.unwrap_or_else(|_| Err(SignFault::Library("it ended without an answer".to_owned())))
        };
        timeout(self.patience, signed).await.unwrap_or(Err(SignFault::Overloaded))
    }
}

/// The edits and, in front of the first octet, one signature by each key over what the edits make of the original.
fn with_signatures<'a>(
    original: &[u8],
    edits: Edits,
    keys: impl Iterator<Item = &'a NamedKey>,
) -> Result<Edits, SignFault> {
    if edits.is_empty() {
        return Ok(edits);
    }
    let mail = edits.apply(original);
    let fields = keys.map(|key| key.field(&mail)).collect::<Result<String, _>>()?;
    let front = Edit { at: 0, insert: fields.clone().into_bytes().into() };
    let edits = Edits::new(std::iter::once(front).chain(edits.iter().cloned()).collect());
    // The same proof as of the line: the signed mail is the edited one behind the signatures, and neither has changed.
    let signed = edits.apply(original);
    let is_whole = signed.strip_prefix(fields.as_bytes()) == Some(&mail[..]) && edits.prove(original, &signed);
    if is_whole { Ok(edits) } else { Err(SignFault::Library("the signed mail is not the edited one".to_owned())) }
}
