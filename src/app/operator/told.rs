//! What the operator tells, and what is contested: from the answer on, also for those who want no line any more.

use serde_json::Value;

use super::{Operator, to_value};
use crate::control::count::answer_count;
use crate::control::operator::{self, ImportRequest};
use crate::control::optout::OptOutRequest;
use crate::control::reconcile::answer_reconcile;
use crate::control::referral::answer_referrals;
use crate::control::{Caller, Request};
use crate::referral::{CompanyKeys, OptOutSource};

impl Operator {
    /// `None` when the request is about something else.
    pub(super) async fn answer_told(&self, caller: Caller, request: &Request) -> Option<Result<Value, String>> {
        let ring = self.keys.current();
        let keys: Vec<CompanyKeys> =
            request.company_of_tokens().map(|id| ring.of(id).all().cloned().collect()).unwrap_or_default();
        if let Request::Import { what } = request {
            return Some(self.import(caller, &keys, what).await);
        }
        if let Some(answer) = answer_reconcile(&self.store, &keys, request).await {
            return Some(answer);
        }
        if let Some(answer) = answer_referrals(&self.store, &keys, request).await {
            return Some(answer);
        }
        answer_count(&self.store, caller, &keys, request).await
    }

    async fn import(&self, caller: Caller, keys: &[CompanyKeys], what: &ImportRequest) -> Result<Value, String> {
        let resolved = operator::resolve(&self.store, caller, keys, what).await?;
        let mut opted_out = resolved.optouts.len();
        if resolved.may_enter(what) && !what.dry_run && opted_out > 0 {
            let request = OptOutRequest {
                company: Some(what.company.clone()),
                addresses: Vec::new(),
                add: true,
                source: OptOutSource::Candidate,
            };
            let mut unwritten = self.changing.lock().await;
            let persons = resolved.optouts.iter().map(|row| vec![row.clone()]).collect();
            opted_out = self.put_persons(caller, (&request, persons), &mut unwritten).await?.changed;
        }
        let imported = operator::enter(&self.store, what, resolved, opted_out).await?;
        let (uid, company) = (caller.uid, what.company.as_str());
        tracing::info!(target: "control", uid, company, written = imported.written, "the operator's figures");
        to_value(&imported)
    }
}
