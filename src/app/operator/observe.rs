//! Evidence of mail that never passed here, and of mail that an MTA has.

use serde_json::Value;

use super::{Operator, to_value};
use crate::control::observe::{self, ObserveRequest};
use crate::control::{Caller, Request};

impl Operator {
    /// `None` when the request is about something else.
    pub(super) async fn answer_observe(&self, caller: Caller, request: &Request) -> Option<Result<Value, String>> {
        match request {
            Request::Observe { what } => Some(self.observe(caller, what).await),
            _ => self.answer_confirm(request).await,
        }
    }

    async fn observe(&self, caller: Caller, request: &ObserveRequest) -> Result<Value, String> {
        let policy = self.policy.current();
        let id = &request.company;
        let of = policy.company(id).ok_or_else(|| format!("no company {id} is served here"))?;
        let optouts = policy.optouts().map(std::sync::Arc::as_ref);
        let observed = observe::take((&self.spool, &self.store), caller, (of, optouts), request).await?;
        if !request.dry_run {
            self.prober.flush().await?;
        }
        to_value(&observed)
    }
}
