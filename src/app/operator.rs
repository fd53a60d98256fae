//! Answers what is asked of a running server over the admin socket.

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use crate::control::ledger::answer_ledger;
use crate::control::{Answer, Request, SpoolStatus, Status};
use crate::spool::Spool;
use crate::store::Store;
use crate::watch::{Gauge, Watch};

/// What the answers are made of.
pub struct Operator {
    /// Since when the server runs.
    pub started_at: Timestamp,
    /// Whether the ledger knows the keys and contracts of every company.
    pub agreed: bool,
    /// Custody and outbox.
    pub spool: Spool,
    /// The ledger.
    pub store: Store,
    /// The counters.
    pub watch: Watch,
    /// Ends the server when it turns true.
    pub stop: watch::Sender<bool>,
}

impl Answer for Operator {
    async fn answer(&self, request: Request) -> Result<Value, String> {
        if let Some(answer) = answer_ledger(&self.store, &request).await {
            return answer;
        }
        match request {
            Request::Counters => to_value(&self.status().await?.watch),
            Request::Stop => {
                self.stop.send_replace(true);
                Ok(Value::from("stopping"))
            }
            _ => to_value(&self.status().await?),
        }
    }
}

impl Operator {
    async fn status(&self) -> Result<Status, String> {
        let summary = self.spool.summary().await.map_err(|e| e.to_string())?;
        self.watch.set(Gauge::SpoolEntries, summary.entries);
        self.watch.set(Gauge::OutboxWaiting, summary.unposted);
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            started_at: self.started_at.to_string(),
            edits: self.agreed && self.spool.is_writable(),
            spool: SpoolStatus::from(&summary),
            watch: self.watch.snapshot(),
        })
    }
}

fn to_value(answer: &impl serde::Serialize) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|e| e.to_string())
}
