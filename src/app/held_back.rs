//! Writes down how many rejections a DKIM signature kept from getting the line. Untouched mail costs no disk write, so
//! the counts are gathered; what a crash loses of them is those of the last minute, and no credit.

use std::time::Duration;

use tokio::sync::watch as signal;
use tokio::time::sleep;

use crate::store::Store;
use crate::watch::Watch;

const EVERY: Duration = Duration::from_mins(1);

/// Writes them down now and then until the stop.
pub(super) async fn run(watch: Watch, store: Store, mut stop: signal::Receiver<bool>) {
    loop {
        tokio::select! {
            () = sleep(EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        write(&watch, &store).await;
    }
}

/// Writes down what was counted since the last time. While the store is down the counts stay here.
pub(super) async fn write(watch: &Watch, store: &Store) {
    let taken = watch.take_held_back();
    if taken.is_empty() {
        return;
    }
    if let Err(error) = store.note_held_back(taken.clone()).await {
        tracing::warn!(%error, "how many mails came signed and got no line is not written down yet");
        watch.put_back_held_back(taken);
    }
}
