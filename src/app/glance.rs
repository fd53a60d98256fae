//! What waits where, for a view that is drawn each second: looked at anew as often as that costs next to nothing.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::spool::{Spool, SpoolError, Standing};

/// A look holds for so many times as long as it took: with a hundred thousand mails it takes a moment.
const HOLDS_FOR: u32 = 20;

/// The last look, and those who want one wait for it.
#[derive(Default)]
pub struct Glance(Mutex<Option<Look>>);

struct Look {
    until: Instant,
    standings: Vec<Standing>,
}

impl Glance {
    /// What waits for each destination, as of now or a moment ago.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub async fn standings(&self, spool: &Spool) -> Result<Vec<Standing>, SpoolError> {
        let mut last = self.0.lock().await;
        let began = Instant::now();
        if let Some(look) = last.as_ref().filter(|look| began < look.until) {
            return Ok(look.standings.clone());
        }
        let standings = spool.standings().await?;
        let took = began.elapsed().min(Duration::from_secs(1));
        *last = Some(Look { until: Instant::now() + took * HOLDS_FOR, standings: standings.clone() });
        Ok(standings)
    }
}
