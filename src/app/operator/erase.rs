//! Erasing a person: from the answer on the mark that is left keeps the line away too.

use serde_json::Value;

use super::{Operator, to_value};
use crate::control::erase::{EraseRequest, erase};
use crate::control::{Caller, Request};
use crate::referral::CompanyKeys;

impl Operator {
    /// `None` when the request is about something else.
    pub(super) async fn answer_erase(&self, caller: Caller, request: &Request) -> Option<Result<Value, String>> {
        match request {
            Request::Erase { what } => Some(self.erase(caller, what).await),
            _ => None,
        }
    }

    async fn erase(&self, caller: Caller, request: &EraseRequest) -> Result<Value, String> {
        let keys: Vec<CompanyKeys> = self.keys.current().of(&request.company).all().cloned().collect();
        if !request.dry_run {
            self.prober.flush().await?;
        }
        let receipt = erase((&self.spool, &self.store), caller, &keys, request).await?;
        if receipt.entry > 0
            && let Err(error) = self.take_optouts().await
        {
            tracing::warn!(%error, "the mark of an erased person is taken a little later");
        }
        to_value(&receipt)
    }
}
