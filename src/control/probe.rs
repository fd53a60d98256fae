//! How return paths stand: which probes went out and came back, and until when each path is proven.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::spool::Spool;
use crate::store::{Proven, Store};

/// One company's return path on one route.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProbeLine {
    /// The company.
    pub company: String,
    /// The route.
    pub route: String,
    /// When the last probe went out, RFC 3339.
    pub sent_at: Option<String>,
    /// When the last one that is back came back, RFC 3339.
    pub back_at: Option<String>,
    /// Since when the path is, or was, proven without a gap, RFC 3339.
    pub proven_since: Option<String>,
    /// Until when, RFC 3339.
    pub proven_until: Option<String>,
    /// Whether it is proven now.
    pub proven: bool,
}

/// Every path of which a probe is remembered.
///
/// # Errors
/// A sentence for the admin.
pub async fn list((spool, store): (&Spool, &Store), now: Timestamp) -> Result<Vec<ProbeLine>, String> {
    let mut lines: BTreeMap<(String, String), ProbeLine> = BTreeMap::new();
    for company in store.companies().await.map_err(|e| e.to_string())? {
        for proven in store.proven(&company).await.map_err(|e| e.to_string())? {
            let key = (company.to_string(), proven.route.clone());
            lines.insert(key, line(company.as_str(), &proven, now));
        }
    }
    for probe in spool.probes().await.map_err(|e| e.to_string())? {
        let (company, route) = (probe.company.to_string(), probe.route);
        let line = lines.entry((company.clone(), route.clone())).or_insert_with(|| ProbeLine {
            company,
            route,
            sent_at: None,
            back_at: None,
            proven_since: None,
            proven_until: None,
            proven: false,
        });
        line.sent_at = Some(probe.sent_at.to_string());
        line.back_at = probe.back_at.map(|at| at.to_string()).or(line.back_at.take());
    }
    Ok(lines.into_values().collect())
}

fn line(company: &str, proven: &Proven, now: Timestamp) -> ProbeLine {
    ProbeLine {
        company: company.to_owned(),
        route: proven.route.clone(),
        sent_at: None,
        back_at: Some(proven.last.to_string()),
        proven_since: Some(proven.since.to_string()),
        proven_until: Some(proven.until.to_string()),
        proven: (proven.last..=proven.until).contains(&now),
    }
}
