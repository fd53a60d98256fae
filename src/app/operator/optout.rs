//! Who wants no line: from the answer on, for mails to come and for those in custody.

use std::sync::Arc;

use serde_json::Value;

use super::{Operator, to_value};
use crate::app::optouts;
use crate::control::optout::{self, OptOutRequest};
use crate::control::{Caller, Request};
use crate::policy::{optout_of, optouts_of};
use crate::referral::{CompanyId, OptOut, OptOuts};

impl Operator {
    /// `None` when the request is about something else.
    pub(super) async fn answer_optout(&self, caller: Caller, request: &Request) -> Option<Result<Value, String>> {
        match request {
            Request::OptOuts { company } => {
                let lines = optout::list(&self.store, company.as_ref()).await;
                Some(lines.and_then(|lines| to_value(&lines)))
            }
            Request::SetOptOuts { what } => {
                let _one_at_a_time = self.changing.lock().await;
                Some(self.set_optouts(caller, what).await)
            }
            _ => None,
        }
    }

    /// Who is put on a list is there at once, whatever the disk says afterwards; who is taken off, when it is written.
    async fn set_optouts(&self, caller: Caller, request: &OptOutRequest) -> Result<Value, String> {
        let policy = self.policy.current();
        if let Some(id) = request.company.as_ref().filter(|id| policy.company(id).is_none()) {
            return Err(format!("no company {id} is served here"));
        }
        let persons = optout::persons(request, |list, address| optout_of(&self.root, list, address))?;
        let before = policy.optouts().cloned();
        if let Some(before) = before.as_ref().filter(|_| request.add) {
            self.put_optouts(self.with(before, &persons)).await;
        }
        let changed = optout::change(&self.store, caller, (request, persons)).await;
        let mut changed = match changed {
            Ok(changed) => changed,
            Err(why) if request.add && before.is_some() => {
                return Err(format!("they get no line from this server, but a restart will forget it: {why}"));
            }
            Err(why) => return Err(why),
        };
        let now = optouts::read(&self.store, &self.root).await.map_err(|e| e.to_string())?;
        if !request.add {
            let companies: Vec<CompanyId> = policy.companies().map(|of| of.company.id.clone()).collect();
            changed.still_out = optout::still_out(&now, request, &companies);
        }
        self.put_optouts(now).await;
        let company = request.company.as_ref().map_or("*", CompanyId::as_str);
        let (uid, add, persons) = (caller.uid, request.add, changed.changed);
        tracing::info!(target: "control", uid, company, add, persons, "opt-outs changed");
        to_value(&changed)
    }

    fn with(&self, before: &OptOuts, persons: &[OptOut]) -> Arc<OptOuts> {
        Arc::new(optouts_of(&self.root, before.rows().into_iter().chain(persons.iter().cloned())))
    }

    /// Puts these in force everywhere, and keeps a copy for a start without a ledger.
    async fn put_optouts(&self, now: Arc<OptOuts>) {
        self.policy.put_optouts(Some(&now));
        self.deliver.set_optouts(Some(Arc::clone(&now)));
        optouts::keep(&self.data, &now).await;
    }
}
