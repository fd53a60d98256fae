//! Reaching an installation: through the socket of its running server, or, with none running, by holding its folder.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::args::DataArgs;
use crate::config;
use crate::control::ledger::answer_ledger;
use crate::control::{Client, DataLock, Request};
use crate::store::{LEDGER_FILE, Store};

/// A replay of a long ledger takes its time.
const PATIENCE: Duration = Duration::from_mins(10);

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
    match Client::connect(&data_dir(args)?).map_err(|e| e.to_string())? {
        Some(client) => client.ask(request, PATIENCE).map(Some).map_err(|e| e.to_string()),
        None => Ok(None),
    }
}

/// Asks the ledger: through the running server, or by opening the store under the data folder's lock.
///
/// # Errors
/// A sentence for the admin.
pub fn ask_ledger(args: &DataArgs, request: &Request) -> Result<Value, String> {
    if let Some(answer) = ask_server(args, request)? {
        return Ok(answer);
    }
    let dir = data_dir(args)?;
    if !dir.join(LEDGER_FILE).is_file() {
        return Err(format!("there is no ledger in {} yet: it begins with the first start", dir.display()));
    }
    let _lock = DataLock::take(&dir, "ledger").map_err(|e| e.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let store = Store::open(&dir).map_err(|e| e.to_string())?;
        let answer = answer_ledger(&store, request).await;
        answer.unwrap_or_else(|| Err("the ledger does not answer that".to_owned()))
    })
}
