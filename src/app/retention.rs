//! Persons whose time is over are forgotten by themselves, a few with each commit.

use tokio::sync::watch as signal;

use super::gathered;
use crate::ledger::KeepPersons;
use crate::store::Store;

/// Commits of one round: each looks at some thousands of persons.
const COMMITS_MAX: usize = 20;

/// Looks at the next persons each minute until the stop, and begins anew when all were looked at. What falls due while
/// no server runs goes after the next start.
pub(super) async fn forget_persons(store: Store, keep: KeepPersons, mut stop: signal::Receiver<bool>) {
    let mut behind = 0;
    while gathered::is_time(&mut stop).await {
        for _ in 0..COMMITS_MAX {
            match store.erase_over(keep, behind).await {
                Ok(erased) => {
                    if erased.persons > 0 {
                        let (persons, entry) = (erased.persons, erased.entry);
                        tracing::info!(target: "audit", act = "erase", persons, entry, "persons whose time is over");
                    }
                    behind = erased.next;
                }
                Err(error) => {
                    tracing::warn!(%error, "persons whose time is over could not be erased; it is tried in a minute");
                    break;
                }
            }
            if behind == 0 {
                break;
            }
        }
    }
}
