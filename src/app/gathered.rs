//! What the watch gathers and the store is told now and then: untouched mail costs no disk write of its own.

use std::time::Duration;

use tokio::sync::watch as signal;
use tokio::time::sleep;

const EVERY: Duration = Duration::from_mins(1);

/// Waits until it is time to write down what was gathered; false at the stop. What a crash loses is what came since the
/// last time.
pub(super) async fn is_time(stop: &mut signal::Receiver<bool>) -> bool {
    tokio::select! {
        () = sleep(EVERY) => true,
        _ = stop.wait_for(|stop| *stop) => false,
    }
}
