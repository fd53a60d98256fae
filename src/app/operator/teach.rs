//! What HR says of templates: from the answer on, for mails to come.

use serde_json::Value;

use super::{Operator, to_value};
use crate::app::templates;
use crate::control::teach::{self, TeachRequest, TemplateLine, answer_templates};
use crate::control::{Caller, Request};

impl Operator {
    /// `None` when the request is about something else.
    pub(super) async fn answer_teach(&self, caller: Caller, request: &Request) -> Option<Result<Value, String>> {
        match request {
            Request::Templates { .. } | Request::Template { .. } => {
                // What was seen in the last minute belongs to the answer.
                templates::write(&self.watch, &self.store).await;
                answer_templates(&self.store, request).await
            }
            Request::Teach { what } => {
                templates::write(&self.watch, &self.store).await;
                Some(self.teach(caller, what).await.and_then(|lines| to_value(&lines)))
            }
            _ => None,
        }
    }

    /// Writes it down and puts it in force.
    pub(super) async fn teach(&self, caller: Caller, what: &TeachRequest) -> Result<Vec<TemplateLine>, String> {
        if self.policy.current().company(&what.company).is_none() {
            return Err(format!("no company {} is served here", what.company));
        }
        let _one_at_a_time = self.changing.lock().await;
        let lines = teach::teach(&self.store, caller, what).await?;
        let now = templates::read(&self.store).await.map_err(|e| e.to_string())?;
        self.policy.put_templates(Some(&now));
        let (uid, company) = (caller.uid, what.company.as_str());
        tracing::info!(target: "control", uid, company, templates = lines.len(), "templates were taught");
        Ok(lines)
    }
}
