//! Referrals, in the form that goes over the socket and into `--json`. What became of a person behind the mail is not
//! in it: that is told in totals alone.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Request;
use super::count::person;
use super::operator::token_of;
use super::spool::Unlogged;
use super::trace::{EntryLine, entry_line};
use crate::ledger::Stage;
use crate::referral::{CandidateKey, CompanyId, CompanyKeys};
use crate::store::{EventStory, ReferralRow, Store, TokenOf, Traced};

/// Which referrals are wanted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "which", rename_all = "snake_case", deny_unknown_fields)]
pub enum ReferralWhich {
    /// Those offered last.
    Newest {
        /// Not more than this.
        limit: u32,
    },
    /// The one with this token.
    Token {
        /// The token of its link.
        token: String,
    },
    /// The person's behind an address.
    Address {
        /// In any spelling; it is turned into a key and kept nowhere.
        address: Unlogged,
    },
}

/// The newest referral of one person.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReferralLine {
    /// The token of the link.
    pub token: Option<String>,
    /// The person, as a keyed hash.
    pub candidate: String,
    /// The contract series and version that rule it.
    pub contract: String,
    /// How far the mail has come: accepted, delivered, bounced.
    pub stage: String,
    /// When it was offered, RFC 3339.
    pub offered_at: String,
    /// When it became a credit, RFC 3339; null when it did not.
    pub counted_at: Option<String>,
    /// The entry by which the company gave the credit back.
    pub reversed: Option<u64>,
    /// Its entries, where one referral is asked for.
    pub entries: Vec<EntryLine>,
}

/// Answers what is asked about referrals; `None` when the request is another. `keys` are those of the company.
pub async fn answer_referrals(store: &Store, keys: &[CompanyKeys], request: &Request) -> Option<Result<Value, String>> {
    let Request::Referrals { company, what } = request else { return None };
    let lines = referrals(store, keys, company, what).await;
    Some(lines.and_then(|lines| serde_json::to_value(lines).map_err(|e| e.to_string())))
}

async fn referrals(
    store: &Store,
    keys: &[CompanyKeys],
    company: &CompanyId,
    what: &ReferralWhich,
) -> Result<Vec<ReferralLine>, String> {
    let tokens = token_of(keys);
    let persons = match what {
        ReferralWhich::Newest { limit } => {
            let rows = store.referrals(company, *limit).await.map_err(|e| e.to_string())?;
            return Ok(rows.iter().map(|row| line(row, &tokens)).collect());
        }
        ReferralWhich::Token { token } => vec![person(store, keys, company, token).await?],
        ReferralWhich::Address { address } => {
            let address = address.address()?;
            keys.iter().map(|of| of.candidate(&address)).collect()
        }
    };
    let mut lines = Vec::new();
    for candidate in persons {
        let Some(row) = store.referral_of(company, candidate).await.map_err(|e| e.to_string())? else { continue };
        let traced = Traced::Of(vec![(company.clone(), candidate)]);
        let (stories, _) = store.traced(traced).await.map_err(|e| e.to_string())?;
        lines.push(ReferralLine { entries: entries(&stories), ..line(&row, &tokens) });
    }
    Ok(lines)
}

/// The entries about mail, and those that make credits, which both sides can check.
fn entries(stories: &[EventStory]) -> Vec<EntryLine> {
    let all = stories.iter().flat_map(|story| &story.entries);
    let mut shown: Vec<_> = all.filter(|entry| !entry.new.kind.is_of_operator() || entry.new.worth > 0).collect();
    shown.sort_by_key(|entry| entry.seq);
    shown.into_iter().map(entry_line).collect()
}

fn line(row: &ReferralRow, tokens: &TokenOf) -> ReferralLine {
    let candidate: &CandidateKey = &row.candidate;
    let (series, version) = &row.contract;
    ReferralLine {
        token: tokens(candidate, series).map(String::from),
        candidate: candidate.to_text(),
        contract: format!("{series} {version}"),
        stage: stage(row.stage).to_owned(),
        offered_at: row.offered.to_string(),
        counted_at: row.counted.map(|at| at.to_string()),
        reversed: row.reversed,
        entries: Vec::new(),
    }
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Lapsed => "lapsed",
        Stage::Observed => "observed",
        Stage::Accepted => "accepted",
        Stage::Delivered => "delivered",
        Stage::Bounced => "bounced",
    }
}
