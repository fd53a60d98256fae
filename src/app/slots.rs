//! What the clock does to hire slots: reservations and free slots whose time is over end by themselves.

use tokio::sync::watch as signal;

use super::gathered;
use crate::store::Store;

/// Ends what is over, each minute until the stop. What falls due while no server runs ends with the next start's first
/// minute, and in front of the next act upon the slot.
pub(super) async fn let_time_pass(store: Store, mut stop: signal::Receiver<bool>) {
    while gathered::is_time(&mut stop).await {
        if let Err(error) = store.let_time_pass().await {
            tracing::warn!(%error, "hire slots whose time is over could not be ended; it is tried again in a minute");
        }
    }
}
