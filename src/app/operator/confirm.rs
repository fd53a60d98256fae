//! Delivery reports handed in, and how referrals in mails of MTAs stand.

use serde_json::Value;

use super::{Operator, to_value};
use crate::app::evidence::is_him;
use crate::confirm::{HandedIn, evidence_of, take};
use crate::control::Request;
use crate::control::confirm::{PendingStatus, ReportRequest, ReportTaken, list};
use crate::mail::address::Address;
use crate::mail::dsn::read::{Names, Verdict};
use crate::spool::SpoolError;
use crate::sys::clock;

impl Operator {
    /// `None` when the request is about something else.
    pub(super) async fn answer_confirm(&self, request: &Request) -> Option<Result<Value, String>> {
        let answer = match request {
            Request::Report { what } => self.take_report(what).await.and_then(|taken| to_value(&taken)),
            Request::Pending { state } => list(&self.spool, state).await.and_then(|lines| to_value(&lines)),
            _ => return None,
        };
        Some(answer)
    }

    /// How referrals in mails of MTAs stand.
    pub(super) async fn pending(&self) -> Result<PendingStatus, String> {
        let standing = self.spool.intents_standing().await.map_err(|e| e.to_string())?;
        Ok(PendingStatus::from(&standing))
    }

    async fn take_report(&self, report: &ReportRequest) -> Result<ReportTaken, String> {
        let verdict = Verdict::parse(&report.verdict).ok_or_else(|| format!("no such verdict: {}", report.verdict))?;
        let mut taken = ReportTaken { verdict: report.verdict.clone(), ..ReportTaken::default() };
        let said = |error: SpoolError| error.to_string();
        if self.came_to_return_path(report, verdict).await.map_err(said)? {
            taken.known_by = Some("return_path".to_owned());
        } else {
            let handed_in = HandedIn {
                verdict,
                names: Names { envelope: report.envelope.clone(), queue_ids: report.queue_ids.clone() },
                recipients: report.recipients.iter().filter_map(|to| Address::parse(to).ok()).collect(),
                status: report.status.clone(),
            };
            let knows = is_him(&self.policy);
            let matched = take(&self.spool, &handed_in, &knows, clock::now()).await.map_err(said)?;
            if let Some(matched) = matched {
                taken.known_by = Some("names".to_owned());
                (taken.transaction, taken.recipients) = (Some(matched.transaction), matched.recipients);
            }
        }
        let (verdict, known_by) = (verdict.code(), &taken.known_by);
        tracing::info!(target: "confirm", verdict, ?known_by, "a report was handed in");
        self.prober.flush().await?;
        Ok(taken)
    }

    /// Whether it came to a tag of ours; what it says of that mail is written down then.
    async fn came_to_return_path(&self, report: &ReportRequest, verdict: Verdict) -> Result<bool, SpoolError> {
        let (policy, now) = (self.policy.current(), clock::now());
        let Some(to) = report.to.as_deref().and_then(|to| Address::parse(to).ok()) else { return Ok(false) };
        let Some(path) = policy.came_back(&to, now) else { return Ok(false) };
        let sealed = self.spool.returnable(path.id(), now).await?;
        let Some(behind) = sealed.and_then(|sealed| path.open(&sealed)) else { return Ok(false) };
        if let Some(write) = evidence_of(&behind, verdict, now) {
            self.spool.commit(vec![write]).await?;
        }
        Ok(true)
    }
}
