//! What an admin says of the line: off, on, resumed; and which held mails go out with it.

use serde_json::Value;

use super::{Operator, to_value};
use crate::app::parts::off;
use crate::control::hold::{self, answer_hold};
use crate::control::switch::{self, OffLine, StopLine, Switched};
use crate::control::teach;
use crate::control::{Caller, Request};
use crate::deliver::Off;
use crate::pipeline::Mode;
use crate::referral::CompanyId;
use crate::spool::Spool;
use crate::store::OffRow;
use crate::watch::Watch;

impl Operator {
    /// With the line a mail is let go only where the company's mails may still get one.
    pub(super) async fn answer_hold(&self, caller: Caller, request: &Request) -> Option<Result<Value, String>> {
        if let Request::Release { id, with_line: true } = request
            && let Err(why) = self.may_get_line(id).await
        {
            return Some(Err(why));
        }
        let Request::Release { id, with_line } = request else {
            return answer_hold(&self.spool, &self.watch, caller, request).await;
        };
        let held = teach::of_held(&self.spool, id).await;
        let mut answer = answer_hold(&self.spool, &self.watch, caller, request).await;
        self.deliver.wake();
        if let Some(Ok(released)) = &mut answer
            && let Some(what) = held.and_then(|held| teach::said_of_held(held, *with_line))
        {
            match self.teach(caller, &what).await {
                Ok(lines) => teach::name_in(released, &lines),
                Err(error) => tracing::warn!(%error, "the template of a held mail was not learnt"),
            }
        }
        answer
    }

    async fn may_get_line(&self, id: &str) -> Result<(), String> {
        let held = hold::find(&self.spool, id).await?;
        let rows = self.store.switched_off().await.map_err(|e| e.to_string())?;
        let policy = self.policy.current();
        if held.company.as_ref().is_some_and(|id| off(&rows).is_for(id)) {
            return Err("nothing is inserted for this company now: see `status`".into());
        }
        let company = held.company.as_ref().and_then(|id| policy.company(id));
        if company.is_none_or(|of| of.company.mode != Mode::Live) {
            return Err("the company is not live any more: its mails get no line; let it go with --without-line".into());
        }
        Ok(())
    }

    /// For whom nothing is inserted: by an act, or because the contract is suspended.
    pub(super) async fn off_lines(&self) -> Result<Vec<OffLine>, String> {
        let mut rows = self.store.switched_off().await.map_err(|e| e.to_string())?;
        for of in self.policy.current().companies().filter(|of| of.company.mode == Mode::Suspended) {
            rows.extend(self.store.suspended(&of.company.id).await.map_err(|e| e.to_string())?);
        }
        Ok(rows.iter().map(OffLine::from).collect())
    }

    /// Stops the line and resumes it; `None` when the request is about something else.
    pub(super) async fn answer_switch(&self, caller: Caller, request: &Request) -> Option<Result<Value, String>> {
        if !matches!(request, Request::Switch { .. } | Request::ResumeEditing { .. }) {
            return None;
        }
        let _one_at_a_time = self.changing.lock().await;
        Some(match request {
            Request::Switch { company, off: true } => self.switch_off(caller, company.as_ref()).await,
            Request::Switch { company, off: false } => self.switch_on(caller, company.as_ref()).await,
            Request::ResumeEditing { company, next_hop } => {
                self.resume_editing(caller, (company.as_ref(), next_hop.as_deref())).await
            }
            _ => return None,
        })
    }

    /// What is stopped is so at once, whatever the disk says afterwards.
    async fn switch_off(&self, caller: Caller, company: Option<&CompanyId>) -> Result<Value, String> {
        let policy = self.policy.current();
        if let Some(id) = company.filter(|id| policy.company(id).is_none()) {
            return Err(format!("no company {id} is served here"));
        }
        let before = self.store.switched_off().await.map_err(|e| e.to_string())?;
        let mut now = off(&before);
        match company {
            None => now.all = true,
            Some(id) => drop(now.companies.insert(id.clone())),
        }
        self.deliver.set_off(now.clone());
        tracing::warn!(target: "control", uid = caller.uid, company = company.map_or("*", CompanyId::as_str), "off");
        let let_go = self.let_holds_go(caller, &now).await;
        let rows = switch::switch(&self.store, caller, (company, true)).await;
        let rows = rows.map_err(|why| format!("the line is off, but a restart will forget it: {why}"))?;
        let switched = Switched { off: rows.iter().map(OffLine::from).collect(), let_go: let_go? };
        to_value(&switched)
    }

    async fn switch_on(&self, caller: Caller, company: Option<&CompanyId>) -> Result<Value, String> {
        let rows = switch::switch(&self.store, caller, (company, false)).await?;
        self.deliver.set_off(off(&rows));
        tracing::warn!(target: "control", uid = caller.uid, company = company.map_or("*", CompanyId::as_str), "on");
        to_value(&Switched { off: rows.iter().map(OffLine::from).collect(), let_go: 0 })
    }

    async fn resume_editing(
        &self,
        caller: Caller,
        (company, next_hop): (Option<&CompanyId>, Option<&str>),
    ) -> Result<Value, String> {
        let stops = switch::resume(&self.store, &self.spool, caller, (company, next_hop)).await?;
        self.deliver.resume_editing(&stops);
        for stop in &stops {
            let (company, next_hop) = (stop.company.as_str(), &stop.next_hop);
            tracing::warn!(target: "control", uid = caller.uid, company, next_hop, "editing is resumed");
        }
        to_value(&stops.iter().map(StopLine::from).collect::<Vec<_>>())
    }

    async fn let_holds_go(&self, caller: Caller, off: &Off) -> Result<u64, String> {
        let let_go = let_holds_go(&self.spool, &self.watch, (off, &caller.describe())).await;
        self.deliver.wake();
        let_go
    }
}

/// Nothing can be said of a mail any more into which nothing is inserted: it does not wait.
async fn let_holds_go(spool: &Spool, watch: &Watch, (off, actor): (&Off, &str)) -> Result<u64, String> {
    let mut let_go = 0;
    for held in spool.holds().await.map_err(|e| e.to_string())? {
        if off.all || held.company.as_ref().is_some_and(|company| off.is_for(company)) {
            // One that somebody else has let go meanwhile is gone as well.
            let_go += u64::from(hold::let_go(spool, watch, &held, (false, actor)).await.is_ok());
        }
    }
    Ok(let_go)
}

/// Lets held mails go whose line was stopped while no server ran, in the name of who did that.
pub(in crate::app) async fn let_stopped_go(spool: &Spool, watch: &Watch, rows: &[OffRow]) {
    for row in rows {
        let of_row = off(std::slice::from_ref(row));
        match let_holds_go(spool, watch, (&of_row, &row.actor)).await {
            Ok(0) => {}
            Ok(mails) => tracing::warn!(target: "control", mails, "held mails go as they came: the line is off"),
            Err(error) => tracing::error!(target: "control", %error, "held mails cannot be let go"),
        }
    }
}
