//! Reaching an installation: through the socket of its running server, or, with none running, by holding its folder.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::args::DataArgs;
use crate::app::optouts;
use crate::config;
use crate::config::keys::{open_keys, open_signing_key};
use crate::control::count::answer_count;
use crate::control::hold::answer_hold;
use crate::control::ledger::answer_ledger;
use crate::control::operator::{self, ImportRequest};
use crate::control::optout::{self, OptOutRequest};
use crate::control::probe;
use crate::control::reconcile::answer_reconcile;
use crate::control::referral::answer_referrals;
use crate::control::signals::answer_signals;
use crate::control::slot::answer_slots;
use crate::control::switch::{self, OffLine, StopLine, Switched};
use crate::control::teach::{self, answer_templates};
use crate::control::then;
use crate::control::trust;
use crate::control::users::answer_users;
use crate::control::{Caller, Client, DataLock, LockFault, Request};
use crate::policy::rows_of;
use crate::referral::{CompanyKeys, OptOutSource};
use crate::spool::{Spool, SpoolOptions};
use crate::store::{LEDGER_FILE, OffRow, Store};
use crate::sys::{account, clock};
use crate::watch::Watch;

/// A replay of a long ledger takes its time.
const PATIENCE: Duration = Duration::from_mins(10);
/// A folder in use is most often so for the moment another command takes, or by a server that is about to answer.
const LOCK_WITHIN: Duration = Duration::from_secs(2);
/// Between two looks at a folder in use.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The data folder of `--data`, or of the configuration.
///
/// # Errors
/// The faults of the files, one a line.
pub fn data_dir(args: &DataArgs) -> Result<PathBuf, String> {
    match &args.data {
        Some(dir) => Ok(dir.clone()),
        None => config::load(&args.config.config).map(|settings| settings.data_dir).map_err(|f| f.to_string()),
    }
}

/// Asks the running server; `None` when none runs.
///
/// # Errors
/// A sentence for the admin.
pub fn ask_server(args: &DataArgs, request: &Request) -> Result<Option<Value>, String> {
    ask_server_of(&data_dir(args)?, request)
}

/// Asks the running server of a data folder; `None` when none runs.
///
/// # Errors
/// A sentence for the admin.
pub fn ask_server_of(dir: &Path, request: &Request) -> Result<Option<Value>, String> {
    match Client::connect(dir).map_err(|e| e.to_string())? {
        Some(client) => client.ask(request, PATIENCE).map(Some).map_err(|e| e.to_string()),
        None => Ok(None),
    }
}

/// Asks the store, or changes it: through the running server, or by opening it under the data folder's lock, as the
/// folder's owner.
///
/// # Errors
/// A sentence for the admin.
pub fn ask_store(args: &DataArgs, request: &Request) -> Result<Value, String> {
    let (dir, caller) = (data_dir(args)?, Caller::own());
    let none_yet = || format!("there is no ledger in {} yet: it begins with the first start", dir.display());
    loop {
        if let Some(answer) = ask_server_of(&dir, request)? {
            return Ok(answer);
        }
        let exists = || if dir.join(LEDGER_FILE).is_file() { Ok(()) } else { Err(none_yet()) };
        if let Some(_lock) = hold_folder(&dir, "ledger", exists)? {
            return ask_here(&dir, caller, request);
        }
    }
}

/// Asks as [`ask_store`] does, and gives the answer as it came and in its form.
///
/// # Errors
/// A sentence for the admin.
pub fn ask_typed<T: DeserializeOwned>(args: &DataArgs, request: &Request) -> Result<(Value, T), String> {
    let value = ask_store(args, request)?;
    let typed = serde_json::from_value(value.clone());
    typed.map(|typed| (value, typed)).map_err(|why| format!("the server answers in another form: {why}"))
}

/// Holds a data folder as its owner; `None` when a server runs on it. `is_used` says what is missing in a folder that
/// was never in use.
///
/// # Errors
/// A sentence for the admin.
pub fn hold_folder(
    dir: &Path,
    purpose: &str,
    is_used: impl Fn() -> Result<(), String>,
) -> Result<Option<DataLock>, String> {
    let until = Instant::now() + LOCK_WITHIN;
    loop {
        if Client::connect(dir).map_err(|e| e.to_string())?.is_some() {
            return Ok(None);
        }
        is_used()?;
        account::become_owner_of(dir)
            .map_err(|e| format!("cannot work as the owner of {}: {e}; run this as that user", dir.display()))?;
        match DataLock::take(dir, purpose) {
            Ok(lock) => return Ok(Some(lock)),
            Err(LockFault::Held { .. }) if Instant::now() < until => sleep(LOCK_PAUSE),
            Err(fault) => return Err(fault.to_string()),
        }
    }
}

/// Asks the store again and again, with the folder held once: `next` takes each answer, the first time none, and gives
/// the next question until it has enough.
///
/// # Errors
/// A sentence for the admin.
pub fn ask_store_often(
    dir: &Path,
    mut next: impl FnMut(Option<Value>) -> Result<Option<Request>, String>,
) -> Result<(), String> {
    let none_yet = || format!("there is no ledger in {} yet: it begins with the first start", dir.display());
    let exists = || if dir.join(LEDGER_FILE).is_file() { Ok(()) } else { Err(none_yet()) };
    let lock = hold_folder(dir, "ledger", exists)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|e| e.to_string())?;
    let store = lock.as_ref().map(|_| Store::open(dir).map_err(|e| e.to_string())).transpose()?;
    let mut asked = next(None)?;
    while let Some(request) = asked {
        let answer = match &store {
            Some(store) => runtime.block_on(answer_ledger(store, &request)).unwrap_or(Ok(Value::Null)),
            None => ask_server_of(dir, &request)?.ok_or_else(|| "the server has just ended; ask again".to_owned()),
        };
        asked = next(Some(answer?))?;
    }
    Ok(())
}

fn ask_here(dir: &Path, caller: Caller, request: &Request) -> Result<Value, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let store = Store::open(dir).map_err(|e| e.to_string())?;
        let answer = match answer_ledger(&store, request).await {
            Some(answer) => Some(answer),
            None => match answer_users(&store, caller, request).await {
                Some(answer) => Some(answer),
                None => match answer_slots(&store, caller, request).await {
                    Some(answer) => Some(answer),
                    None => match told_here(dir, (&store, caller), request).await {
                        Some(answer) => Some(answer),
                        None => teach_here(&store, caller, request).await,
                    },
                },
            },
        };
        match answer {
            Some(answer) => answer,
            None => match switch_here(&store, caller, request).await {
                Some(answer) => answer,
                None => match optout_here(dir, (&store, caller), request).await {
                    Some(answer) => answer,
                    None => ask_spool_here(dir, (&store, caller), request).await,
                },
            },
        }
    })
}

/// The next start has these in force.
async fn teach_here(store: &Store, caller: Caller, request: &Request) -> Option<Result<Value, String>> {
    match request {
        Request::Teach { what } => Some(teach::teach(store, caller, what).await.and_then(|lines| to_value(&lines))),
        _ => answer_templates(store, request).await,
    }
}

/// Held mails of a company whose line is stopped here are let go by hand, or when their time is over.
async fn switch_here(store: &Store, caller: Caller, request: &Request) -> Option<Result<Value, String>> {
    let Request::Switch { company, off } = request else { return None };
    let rows = switch::switch(store, caller, (company.as_ref(), *off)).await;
    let switched = |rows: Vec<OffRow>| Switched { off: rows.iter().map(OffLine::from).collect(), let_go: 0 };
    Some(rows.and_then(|rows| to_value(&switched(rows))))
}

/// What needs the keys by which persons are known by the tokens of their links.
async fn told_here(dir: &Path, (store, caller): (&Store, Caller), request: &Request) -> Option<Result<Value, String>> {
    let keys = match request.company_of_tokens() {
        Some(company) => match open_keys(dir) {
            Ok(ring) => ring.of(company).all().cloned().collect(),
            Err(fault) => return Some(Err(fault.to_string())),
        },
        None => Vec::new(),
    };
    if let Request::Import { what } = request {
        return Some(import_here(dir, (store, caller), &keys, what).await);
    }
    if let Some(answer) = answer_reconcile(store, &keys, request).await {
        return Some(answer);
    }
    if let Some(answer) = answer_referrals(store, &keys, request).await {
        return Some(answer);
    }
    if let Some(answer) = answer_count(store, caller, &keys, request).await {
        return Some(answer);
    }
    answer_signals(store, caller, request).await
}

async fn import_here(
    dir: &Path,
    (store, caller): (&Store, Caller),
    keys: &[CompanyKeys],
    what: &ImportRequest,
) -> Result<Value, String> {
    let resolved = operator::resolve(store, caller, keys, what).await?;
    let mut opted_out = resolved.optouts.len();
    if resolved.may_enter(what) && !what.dry_run && opted_out > 0 {
        let root = open_keys(dir).map_err(|e| e.to_string())?;
        let company = Some(what.company.clone());
        let request = OptOutRequest { company, addresses: Vec::new(), add: true, source: OptOutSource::Candidate };
        let persons = resolved.optouts.iter().map(|row| vec![row.clone()]).collect();
        opted_out = optout::change(store, caller, (&request, persons)).await?.changed;
        let now = optouts::read(store, &root).await.map_err(|e| e.to_string())?;
        optouts::keep(dir, &now).await;
    }
    to_value(&operator::enter(store, what, resolved, opted_out).await?)
}

/// The next start has these in force.
async fn optout_here(
    dir: &Path,
    (store, caller): (&Store, Caller),
    request: &Request,
) -> Option<Result<Value, String>> {
    match request {
        Request::OptOuts { company } => {
            let lines = optout::list(store, company.as_ref()).await;
            Some(lines.and_then(|lines| to_value(&lines)))
        }
        Request::Checkpoint => Some(checkpoint_here(dir, store).await),
        Request::Then { company, at } => Some(then::then(store, company, at).await.and_then(|then| to_value(&then))),
        Request::SetOptOuts { what } => Some(set_optouts_here(dir, (store, caller), what).await),
        _ => None,
    }
}

async fn checkpoint_here(dir: &Path, store: &Store) -> Result<Value, String> {
    let (key, _) = open_signing_key(dir).map_err(|e| e.to_string())?;
    to_value(&trust::checkpoint(store, &key, clock::now()).await?)
}

async fn set_optouts_here(
    dir: &Path,
    (store, caller): (&Store, Caller),
    request: &OptOutRequest,
) -> Result<Value, String> {
    let keys = open_keys(dir).map_err(|e| e.to_string())?;
    let persons = optout::persons(request, |list, address| rows_of(&keys, list, address))?;
    let mut changed = optout::change(store, caller, (request, persons)).await?;
    let now = optouts::read(store, &keys).await.map_err(|e| e.to_string())?;
    optouts::keep(dir, &now).await;
    if !request.add {
        let companies = store.companies().await.map_err(|e| e.to_string())?;
        changed.still_out = optout::still_out(&now, request, &companies);
    }
    to_value(&changed)
}

fn to_value(answer: &impl serde::Serialize) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|e| e.to_string())
}

/// What is decided here is done by the next start.
async fn ask_spool_here(dir: &Path, (store, caller): (&Store, Caller), request: &Request) -> Result<Value, String> {
    let spool = Spool::open(dir, SpoolOptions::default()).map_err(|e| e.to_string())?;
    let answer = match request {
        Request::ResumeEditing { company, next_hop } => {
            let stops = switch::resume(store, &spool, caller, (company.as_ref(), next_hop.as_deref())).await;
            Some(stops.and_then(|stops| to_value(&stops.iter().map(StopLine::from).collect::<Vec<_>>())))
        }
        Request::Probes => {
            let lines = probe::list((&spool, store), clock::now()).await;
            Some(lines.and_then(|lines| to_value(&lines)))
        }
        Request::Release { id, with_line } => {
            let held = teach::of_held(&spool, id).await;
            let mut answer = answer_hold(&spool, &Watch::new(), caller, request).await;
            if let Some(Ok(released)) = &mut answer
                && let Some(what) = held.and_then(|held| teach::said_of_held(held, *with_line))
                && let Ok(lines) = teach::teach(store, caller, &what).await
            {
                teach::name_in(released, &lines);
            }
            answer
        }
        _ => answer_hold(&spool, &Watch::new(), caller, request).await,
    };
    spool.close().await;
    answer.unwrap_or_else(|| Err("only a running server answers that".to_owned()))
}
