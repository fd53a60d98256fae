//! Who wants no line, in the form that goes over the socket and into `--json`. Addresses go in, and never come out.

use serde::{Deserialize, Serialize};

use super::Caller;
use super::spool::Unlogged;
use crate::mail::address::Address;
use crate::referral::{CompanyId, OptOut, OptOutSource};
use crate::store::{OptOutChange, OptOutRow, Store, StoreError};

/// Persons of one request.
pub const PERSONS_MAX: usize = 10_000;

/// Persons to be put on a list, or taken off it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OptOutRequest {
    /// Whose mails are meant; those of all companies when absent.
    pub company: Option<CompanyId>,
    /// Their addresses, which are turned into keys and kept nowhere.
    pub addresses: Vec<Unlogged>,
    /// Whether they are put there; else taken off.
    pub add: bool,
    /// Who asked for it.
    pub source: OptOutSource,
}

/// What a change came to.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct OptedOut {
    /// Persons for whom something changed.
    pub changed: usize,
    /// Persons for whom it was so already.
    pub unchanged: usize,
    /// Of those taken off a list: how many are still on another one, which also keeps the line from them.
    pub still_out: usize,
}

/// One person on a list.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OptOutLine {
    /// Whose mails; null for those of all companies.
    pub company: Option<String>,
    /// The person, as a keyed hash.
    pub candidate: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// `candidate` or `company`.
    pub source: String,
    /// Who entered it.
    pub actor: String,
}

impl From<&OptOutRow> for OptOutLine {
    fn from(row: &OptOutRow) -> Self {
        Self {
            company: row.person.company.as_ref().map(ToString::to_string),
            candidate: row.person.key.to_text(),
            since: row.at.to_string(),
            source: row.source.code().to_owned(),
            actor: row.actor.clone(),
        }
    }
}

/// The persons on the lists, of one company or of all lists.
///
/// # Errors
/// A sentence for the admin.
pub async fn list(store: &Store, company: Option<&CompanyId>) -> Result<Vec<OptOutLine>, String> {
    let rows = store.optouts(None).await.map_err(say)?;
    let meant = |row: &&OptOutRow| company.is_none_or(|company| row.person.company.as_ref() == Some(company));
    Ok(rows.iter().filter(meant).map(OptOutLine::from).collect())
}

/// A person of a request: the rows under which he may stand on the list, that of the key in use in front. There is one
/// for each key, for the list knows everybody by the key that was in use when he was put there.
pub type Rows = Vec<OptOut>;

/// The persons of a request, each once. `rows_of` makes the rows of a list and an address.
///
/// # Errors
/// A sentence for the admin, which repeats no address.
pub fn persons(
    request: &OptOutRequest,
    rows_of: impl Fn(Option<&CompanyId>, &Address) -> Rows,
) -> Result<Vec<Rows>, String> {
    if request.addresses.len() > PERSONS_MAX {
        return Err(format!("over {PERSONS_MAX} persons in one request: send them in several"));
    }
    let mut persons = Vec::with_capacity(request.addresses.len());
    for (number, address) in request.addresses.iter().enumerate() {
        let address = address.address().map_err(|why| format!("address {}: {why}", number + 1))?;
        persons.push(rows_of(request.company.as_ref(), &address));
    }
    persons.sort_unstable();
    persons.dedup();
    Ok(persons)
}

/// How many of the persons of a request are on a list still, each asked by the address.
pub fn still_out(optouts: &crate::referral::OptOuts, request: &OptOutRequest, companies: &[CompanyId]) -> usize {
    let is_out = |address: &&Unlogged| {
        let Ok(address) = address.address() else { return false };
        match &request.company {
            Some(company) => optouts.is_out(company, &address),
            None => companies.iter().any(|company| optouts.is_out(company, &address)),
        }
    };
    request.addresses.iter().filter(is_out).count()
}

/// Writes down what changes for these persons: those on whom nothing changes get no row.
///
/// # Errors
/// A sentence for the admin; then nothing was written.
pub async fn change(
    store: &Store,
    caller: Caller,
    (request, persons): (&OptOutRequest, Vec<Rows>),
) -> Result<OptedOut, String> {
    let rows = store.optouts(None).await.map_err(say)?;
    let known: std::collections::HashSet<&OptOut> = rows.iter().map(|row| &row.person).collect();
    let asked = persons.len();
    let changing = persons.into_iter().filter(|rows| rows.iter().any(|row| known.contains(row)) != request.add);
    let changing: Vec<Rows> = changing.collect();
    let changed = changing.len();
    // Put there under the key in use; taken off under whichever key he stands there.
    let persons = changing.into_iter().flat_map(|rows| {
        let stands = |row: &OptOut| request.add || known.contains(row);
        rows.into_iter().filter(stands).take(if request.add { 1 } else { usize::MAX }).collect::<Vec<_>>()
    });
    let persons = persons.collect();
    let change = OptOutChange { persons, add: request.add, source: request.source, actor: caller.describe() };
    store.change_optouts(change).await.map_err(say)?;
    Ok(OptedOut { changed, unchanged: asked - changed, still_out: 0 })
}

fn say(error: StoreError) -> String {
    match error {
        StoreError::NoCompany(company) => {
            format!("there is no company {company}: `ledger balance` names those there are")
        }
        other => other.to_string(),
    }
}
