//! Who wants no line: from the answer on, for mails to come and for those in custody.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::{Operator, to_value};
use crate::app::optouts;
use crate::control::optout::{self, OptOutRequest, OptedOut};
use crate::control::{Caller, Request};
use crate::policy::{optouts_of, rows_of};
use crate::referral::{CompanyId, OptOut, OptOuts};
use crate::store::StoreError;

/// How often it is asked whether somebody else has changed the list.
const LOOK_EVERY: Duration = Duration::from_secs(2);

impl Operator {
    /// `None` when the request is about something else.
    pub(super) async fn answer_optout(&self, caller: Caller, request: &Request) -> Option<Result<Value, String>> {
        match request {
            Request::OptOuts { company } => {
                let lines = optout::list(&self.store, company.as_ref()).await;
                Some(lines.and_then(|lines| to_value(&lines)))
            }
            Request::SetOptOuts { what } => {
                let mut unwritten = self.changing.lock().await;
                Some(self.set_optouts(caller, what, &mut unwritten).await)
            }
            _ => None,
        }
    }

    /// Who is put on a list is there at once, whatever the disk says afterwards; who is taken off, when it is written.
    async fn set_optouts(
        &self,
        caller: Caller,
        request: &OptOutRequest,
        unwritten: &mut Vec<OptOut>,
    ) -> Result<Value, String> {
        let policy = self.policy.current();
        if let Some(id) = request.company.as_ref().filter(|id| policy.company(id).is_none()) {
            return Err(format!("no company {id} is served here"));
        }
        let keys = self.keys.current();
        let persons = optout::persons(request, |list, address| rows_of(&keys, list, address))?;
        let changed = self.put_persons(caller, (request, persons), unwritten).await?;
        to_value(&changed)
    }

    /// Puts persons who are known by their keys on a list, or takes them off it: of each the rows under all keys.
    pub(super) async fn put_persons(
        &self,
        caller: Caller,
        (request, persons): (&OptOutRequest, Vec<Vec<OptOut>>),
        unwritten: &mut Vec<OptOut>,
    ) -> Result<OptedOut, String> {
        let policy = self.policy.current();
        let rows = || persons.iter().flatten().cloned().collect::<Vec<_>>();
        let in_use = || persons.iter().filter_map(|rows| rows.first().cloned()).collect::<Vec<_>>();
        let before = policy.optouts().cloned();
        if let Some(before) = before.as_ref().filter(|_| request.add) {
            self.put_optouts(self.with(before, &in_use())).await;
        }
        let changed = optout::change(&self.store, caller, (request, persons.clone())).await;
        let mut changed = match changed {
            Ok(changed) => changed,
            Err(why) if request.add && before.is_some() => {
                unwritten.extend(in_use());
                return Err(format!("they get no line from this server, but a restart will forget it: {why}"));
            }
            Err(why) => return Err(why),
        };
        let written = rows();
        unwritten.retain(|person| !written.contains(person));
        let now = self.optouts_now(unwritten).await.map_err(|e| e.to_string())?;
        if !request.add {
            let companies: Vec<CompanyId> = policy.companies().map(|of| of.company.id.clone()).collect();
            changed.still_out = optout::still_out(&now, request, &companies);
        }
        self.put_optouts(now).await;
        let company = request.company.as_ref().map_or("*", CompanyId::as_str);
        let (uid, add, persons) = (caller.uid, request.add, changed.changed);
        tracing::info!(target: "control", uid, company, add, persons, "opt-outs changed");
        Ok(changed)
    }

    fn with(&self, before: &OptOuts, persons: &[OptOut]) -> Arc<OptOuts> {
        Arc::new(optouts_of(&self.keys.current(), before.rows().into_iter().chain(persons.iter().cloned())))
    }

    /// Those of the ledger, and those whom the disk did not take.
    async fn optouts_now(&self, unwritten: &[OptOut]) -> Result<Arc<OptOuts>, StoreError> {
        let now = optouts::read(&self.store, &self.keys.current()).await?;
        Ok(if unwritten.is_empty() { now } else { self.with(&now, unwritten) })
    }

    /// Takes what the ledger says now, if that is not what is in force.
    pub(super) async fn take_optouts(&self) -> Result<(), StoreError> {
        let unwritten = self.changing.lock().await;
        let now = self.optouts_now(&unwritten).await?;
        let before = self.policy.current().optouts().map(|before| before.rows());
        if before.as_ref() != Some(&now.rows()) {
            tracing::info!(target: "control", persons = now.count(), "opt-outs changed by another, and taken");
            self.put_optouts(now).await;
        }
        Ok(())
    }

    /// Puts these in force everywhere, and keeps a copy for a start without a ledger.
    async fn put_optouts(&self, now: Arc<OptOuts>) {
        self.policy.put_optouts(Some(&now));
        self.deliver.set_optouts(Some(Arc::clone(&now)));
        optouts::keep(&self.data, &now).await;
    }
}

/// Takes what another process, or a hand, writes into the ledger's list. That rows are only ever added to it is what
/// makes it cheap to ask whether there are new ones; nothing of it is on the way of a mail.
pub(in crate::app) async fn follow_optouts(operator: Arc<Operator>, mut stop: watch::Receiver<bool>) {
    let (mut known, mut told) = (None, String::new());
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            // A sender that is gone means the same as a stop.
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let taken = match operator.store.optouts_mark().await {
            Ok(mark) if known == Some(mark) => continue,
            Ok(mark) => operator.take_optouts().await.map(|()| mark),
            Err(error) => Err(error),
        };
        match taken {
            Ok(mark) => (known, told) = (Some(mark), String::new()),
            Err(error) if error.to_string() != told => {
                tracing::error!(%error, "the opt-outs cannot be read: those in force stay");
                told = error.to_string();
            }
            Err(_) => {}
        }
    }
}
