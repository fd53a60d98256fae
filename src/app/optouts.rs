//! Who wants no line: read from the ledger, kept beside the spool, and read from there when the ledger cannot be.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::config::keys::Keyring;
use crate::policy::{OPTOUTS_FILE, kept_optouts, optouts_of, optouts_to_keep};
use crate::referral::OptOuts;
use crate::store::{Store, StoreError};
use crate::sys::disk;

/// The lists by the rows of the ledger.
///
/// # Errors
/// When it cannot be read.
pub async fn read(store: &Store, keys: &Keyring) -> Result<Arc<OptOuts>, StoreError> {
    let rows = store.optouts(None).await?;
    Ok(Arc::new(optouts_of(keys, rows.into_iter().map(|row| row.person))))
}

/// Keeps a copy beside the spool, for a start at which the ledger cannot be read. Without it only that start is worse
/// off, so a failure is told and no more.
pub async fn keep(data: &Path, optouts: &Arc<OptOuts>) {
    let (path, optouts) = (data.join(OPTOUTS_FILE), Arc::clone(optouts));
    let write = move || disk::write_private(&path, &optouts_to_keep(&optouts));
    if let Ok(Err(error)) = tokio::task::spawn_blocking(write).await {
        tracing::error!(%error, "the copy of the opt-outs is not written");
    }
}

/// The lists at a start: the ledger's, else those of the copy, else nobody knows, and then nobody gets a line.
pub async fn at_start(store: &Store, keys: &Keyring, data: &Path) -> Option<Arc<OptOuts>> {
    let error = match read(store, keys).await {
        Ok(optouts) => {
            keep(data, &optouts).await;
            return Some(optouts);
        }
        Err(error) => error,
    };
    let kept = fs::read(data.join(OPTOUTS_FILE)).map_err(|e| e.to_string()).and_then(|octets| kept_optouts(&octets));
    match kept {
        Ok(rows) => {
            tracing::error!(%error, rows = rows.len(), "the opt-outs are those of the copy: the ledger cannot be read");
            Some(Arc::new(optouts_of(keys, rows)))
        }
        Err(why) => {
            tracing::error!(%error, why, "the opt-outs cannot be read, and no copy of them: nobody gets the line");
            None
        }
    }
}
