//! What held for a company's line at a time: its terms, whether it was off, and who wanted no line.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::pipeline::LineTerms;
use crate::referral::{CompanyId, OptOut};
use crate::store::Store;

/// What held then.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Then {
    /// What shaped the line; null before the company was first served here.
    pub terms: Option<LineTerms>,
    /// Whether the line was switched off.
    pub off: bool,
    /// Who wanted no line, for this company or for all.
    pub optouts: Vec<OptOut>,
}

/// What held for a company at a time.
///
/// # Errors
/// A sentence for the admin.
pub async fn then(store: &Store, company: &CompanyId, at: &str) -> Result<Then, String> {
    let at: Timestamp = at.parse().map_err(|e| format!("not a time: {e}"))?;
    let terms = store.line_terms(company, at).await.map_err(|e| e.to_string())?;
    let off = store.switched_off_at(at).await.map_err(|e| e.to_string())?;
    let off = off.iter().any(|row| row.company.as_ref().is_none_or(|of| of == company));
    let optouts = store.optouts(Some(at)).await.map_err(|e| e.to_string())?.into_iter().map(|row| row.person);
    let concerns = |person: &OptOut| person.company.as_ref().is_none_or(|of| of == company);
    Ok(Then { terms, off, optouts: optouts.filter(concerns).collect() })
}
