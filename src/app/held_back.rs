//! Writes down how many rejections a DKIM signature kept from getting the line, and how many people got it and are not
//! counted. Untouched mail costs no disk write, so the counts are gathered; what a crash loses of them is those of the
//! last minute, and no credit.

use tokio::sync::watch as signal;

use super::gathered;
use crate::store::Store;
use crate::watch::Watch;

/// Writes them down now and then until the stop.
pub(super) async fn run(watch: Watch, store: Store, mut stop: signal::Receiver<bool>) {
    while gathered::is_time(&mut stop).await {
        write(&watch, &store).await;
    }
}

/// Writes down what was counted since the last time. While the store is down the counts stay here.
pub(super) async fn write(watch: &Watch, store: &Store) {
    write_excluded(watch, store).await;
    let taken = watch.take_held_back();
    if taken.is_empty() {
        return;
    }
    if let Err(error) = store.note_held_back(taken.clone()).await {
        tracing::warn!(%error, "how many mails came signed and got no line is not written down yet");
        watch.put_back_held_back(taken);
    }
}

async fn write_excluded(watch: &Watch, store: &Store) {
    let taken = watch.take_excluded();
    if taken.is_empty() {
        return;
    }
    if let Err(error) = store.note_excluded(taken.clone()).await {
        tracing::warn!(%error, "how many got the line and are not counted is not written down yet");
        watch.put_back_excluded(taken);
    }
}
