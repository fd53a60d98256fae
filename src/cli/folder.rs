//! Reaching spool and ledger at once: through the running server, or, with none running, by holding the folder as its
//! owner.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::args::DataArgs;
use super::reach::{ask_server_of, hold_folder};
use crate::app::{optouts, parts};
use crate::config::keys::open_keys;
use crate::config::{self, Settings};
use crate::control::erase::erase;
use crate::control::recover::recover;
use crate::control::spool::{Hand, answer_spool};
use crate::control::trace::trace;
use crate::control::{Caller, DataLock, Request};
use crate::deliver;
use crate::spool::{Entry, Spool, SpoolOptions, Write};
use crate::store::{Pump, PumpOptions, Store};
use crate::sys::clock;

/// The way, for as many questions as a command has.
pub enum Reached {
    /// A server runs on this folder.
    Server(PathBuf),
    /// None does.
    Here(Box<Here>),
}

/// The spool, opened by this process. It is closed before the lock is given back.
pub struct Here {
    dir: PathBuf,
    spool: Spool,
    hand: OwnHand,
    caller: Caller,
    runtime: Runtime,
    _lock: DataLock,
}

/// Finds the way.
///
/// # Errors
/// A sentence for the admin.
pub fn reach(args: &DataArgs) -> Result<Reached, String> {
    let (dir, settings) = if let Some(dir) = &args.data {
        (dir.clone(), None)
    } else {
        let settings = config::load(&args.config.config).map_err(|faults| faults.to_string())?;
        (settings.data_dir.clone(), Some(settings))
    };
    let caller = Caller::own();
    let missing = "spool.db";
    let none_yet = || format!("there is no spool in {} yet: it begins with the first start", dir.display());
    match hold_folder(&dir, "spool", || if dir.join(missing).is_file() { Ok(()) } else { Err(none_yet()) })? {
        None => Ok(Reached::Server(dir)),
        Some(lock) => open(&dir, settings.as_ref(), caller, lock).map(|here| Reached::Here(Box::new(here))),
    }
}

fn open(dir: &Path, settings: Option<&Settings>, caller: Caller, lock: DataLock) -> Result<Here, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|e| e.to_string())?;
    let options = settings.map_or_else(SpoolOptions::default, parts::spool_options);
    let hand = OwnHand(settings.map(delivery).transpose()?);
    let spool = Spool::open(dir, options).map_err(|e| format!("the spool in {} does not open: {e}", dir.display()))?;
    Ok(Here { dir: dir.to_owned(), spool, hand, caller, runtime, _lock: lock })
}

fn delivery(settings: &Settings) -> Result<deliver::Settings, String> {
    let hostname = parts::hostname(settings).map_err(|fault| fault.to_string())?;
    Ok(parts::delivery(settings, &hostname))
}

impl Reached {
    /// Asks, and reads the answer.
    ///
    /// # Errors
    /// A sentence for the admin.
    pub fn ask<T: DeserializeOwned>(&self, request: impl Into<Request>) -> Result<T, String> {
        let request = request.into();
        let answer: Value = match self {
            Self::Server(dir) => ask_server_of(dir, &request)?.ok_or("the server has just ended; ask again")?,
            Self::Here(here) => here.runtime.block_on(here.answer(request))?,
        };
        serde_json::from_value(answer).map_err(|why| format!("the server answers in another form: {why}"))
    }

    /// Whether a server runs.
    pub fn is_served(&self) -> bool {
        matches!(self, Self::Server(_))
    }
}

impl Here {
    async fn answer(&self, request: Request) -> Result<Value, String> {
        match request {
            Request::Spool { what } => answer_spool(&self.spool, &self.hand, self.caller, &what).await,
            Request::Recover { events, dry_run } => {
                let store = self.store()?;
                to_value(&recover((&self.spool, &store), self.caller, &events, dry_run).await?)
            }
            Request::Trace { subject } => {
                let store = self.store()?;
                let ring = open_keys(&self.dir).map_err(|e| e.to_string())?;
                let companies = store.companies().await.map_err(|e| e.to_string())?;
                let keys: Vec<_> = companies.iter().map(|company| ring.of(company)).collect();
                to_value(&trace((&self.spool, &store), &keys, &subject).await?)
            }
            Request::Erase { what } => {
                let store = self.store()?;
                let ring = open_keys(&self.dir).map_err(|e| e.to_string())?;
                let keys: Vec<_> = ring.of(&what.company).all().cloned().collect();
                if !what.dry_run {
                    Pump::start(self.spool.clone(), store.clone(), PumpOptions::default()).flush().await?;
                }
                let receipt = erase((&self.spool, &store), self.caller, &keys, &what).await?;
                if let Ok(now) = optouts::read(&store, &ring).await {
                    optouts::keep(&self.dir, &now).await;
                }
                to_value(&receipt)
            }
            _ => Err("that is not answered without a server".to_owned()),
        }
    }

    fn store(&self) -> Result<Store, String> {
        Store::open(&self.dir).map_err(|e| format!("the ledger in {} does not open: {e}", self.dir.display()))
    }
}

fn to_value(answer: &impl serde::Serialize) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|e| e.to_string())
}

/// Delivery as far as a command has it: it can write reports where it knows the configuration, and sends nothing.
struct OwnHand(Option<deliver::Settings>);

impl Hand for OwnHand {
    fn reports_of(&self, entry: &Entry, numbers: &[u32]) -> Result<Vec<Write>, String> {
        let settings = self.0.as_ref().ok_or(
            "to write reports while no server runs takes the configuration: name it with --config, in place of --data",
        )?;
        Ok(deliver::reports_of(settings, entry, numbers, clock::Now::read()))
    }

    /// The next start looks at everything that is due.
    fn try_now(&self, _: &[String]) {}
}
