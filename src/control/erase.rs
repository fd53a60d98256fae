//! Erasing a person, in the form that goes over the socket and into `--json`. The address goes in, and never comes out.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::Caller;
use super::spool::Unlogged;
use crate::mail::address::Address;
use crate::referral::{CandidateKey, CompanyId, CompanyKeys};
use crate::spool::{Page, Referrals, Spool, Wanted, Write};
use crate::store::{ErasePerson, Erased, Store, StoreError};
use crate::sys::clock;

/// Mails in custody that are counted for the receipt.
const MAILS_MAX: usize = 1_000;

/// A person who is to be forgotten.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EraseRequest {
    /// By which company.
    pub company: CompanyId,
    /// His address in any spelling; it is turned into keys and kept nowhere.
    pub address: Unlogged,
    /// Why, in a line that stays in the ledger.
    pub reason: String,
    /// Who wanted it, if it is not the one who asks.
    pub by: Option<String>,
    /// Whether it is only told what would go.
    pub dry_run: bool,
}

/// What was erased, or would be.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Receipt {
    /// By which company.
    pub company: String,
    /// Whether it was only told what would go.
    pub dry_run: bool,
    /// The entry that says so; 0 when there was nothing in the ledger, or nothing was written.
    pub entry: u64,
    /// When, RFC 3339.
    pub at: String,
    /// Whether the ledger knew the person: key and salt are gone then.
    pub was_known: bool,
    /// Pieces of evidence that went with him.
    pub evidence: u64,
    /// Referrals about him that were kept aside.
    pub kept_aside: u64,
    /// Referrals about him in the outbox.
    pub outbox: u64,
    /// Mails to him in custody. They hold his address until they are delivered or returned.
    pub in_custody: u64,
    /// Until when a keyed mark keeps him from counting again, RFC 3339; null when the person window is over.
    pub marked_until: Option<String>,
    /// Whether he is on a list of those who want no line: that is kept, for it is what keeps the line away.
    pub opted_out: bool,
    /// The head of the company's chain behind the entry, in hexadecimal.
    pub head: String,
}

/// Erases a person from ledger and outbox, or tells what would go. `keys` are all that the company's persons may be
/// known under. What waits in the outbox has to be posted before.
///
/// # Errors
/// A sentence for the admin, in which no address stands.
pub async fn erase(
    (spool, store): (&Spool, &Store),
    caller: Caller,
    keys: &[CompanyKeys],
    request: &EraseRequest,
) -> Result<Receipt, String> {
    let address = request.address.address()?;
    let company = request.company.clone();
    let keys: Vec<CandidateKey> = keys.iter().map(|of| of.candidate(&address)).collect();
    let of_company = keys.iter().map(|key| (company.clone(), *key)).collect();
    let outbox = spool.referrals(Referrals::Of(of_company)).await.map_err(|e| e.to_string())?;
    if !request.dry_run && outbox.iter().any(|row| !row.posted) {
        return Err(
            "nothing was erased: the outbox has a referral of this person that the ledger does not take now; see \
                    `career-relay status`, and run this again"
                .to_owned(),
        );
    }
    let actor = match &request.by {
        Some(by) => format!("{by}, entered by {}", caller.describe()),
        None => caller.describe(),
    };
    let opted_out = is_opted_out(store, &company, &keys).await?;
    let in_custody = in_custody(spool, address, &company).await?;
    let person = ErasePerson {
        company: company.clone(),
        keys: keys.clone(),
        actor,
        reason: request.reason.clone(),
        dry_run: request.dry_run,
    };
    let erased = store.erase(person).await.map_err(say)?;
    if !request.dry_run {
        forget_outbox(spool, (&company, &keys), &erased).await?;
        let (uid, entry) = (caller.uid, erased.entry);
        tracing::info!(target: "audit", uid, act = "erase", company = company.as_str(), entry);
    }
    Ok(Receipt {
        company: company.to_string(),
        dry_run: request.dry_run,
        entry: erased.entry,
        at: erased.at.unwrap_or_else(clock::now).to_string(),
        was_known: erased.persons > 0,
        evidence: erased.evidence,
        kept_aside: erased.kept_aside,
        outbox: outbox.len() as u64,
        in_custody,
        marked_until: erased.marked_until.map(|at| at.to_string()),
        opted_out,
        head: HEXLOWER.encode(&erased.head),
    })
}

/// Rows of the outbox are kept for days after they were posted; those of the person go now.
async fn forget_outbox(
    spool: &Spool,
    (company, keys): (&CompanyId, &[CandidateKey]),
    erased: &Erased,
) -> Result<(), String> {
    let forget = |key: &CandidateKey| Write::ForgetReferrals { company: company.clone(), candidate: *key };
    spool.commit(keys.iter().map(forget).collect()).await.map_err(|why| {
        format!(
            "the ledger has forgotten the person (entry {}), but the outbox keeps its rows of him until its time is \
             over (spool.keep_posted): {why}; run this again to take them out",
            erased.entry
        )
    })
}

async fn is_opted_out(store: &Store, company: &CompanyId, keys: &[CandidateKey]) -> Result<bool, String> {
    let rows = store.optouts(None).await.map_err(say)?;
    let of_person = |of: &crate::store::OptOutRow| {
        of.person.company.as_ref() == Some(company) && keys.iter().any(|key| key.octets == of.person.key.octets)
    };
    Ok(rows.iter().any(of_person))
}

async fn in_custody(spool: &Spool, address: Address, company: &CompanyId) -> Result<u64, String> {
    let wanted = Wanted { to: Some(address), company: Some(company.clone()), ..Wanted::default() };
    let (mut mails, mut after) = (0, Some(0));
    while let Some(at) = after.filter(|_| mails < MAILS_MAX) {
        let page = Page { after: at, entries_max: MAILS_MAX, addresses: false };
        let listing = spool.list(wanted.clone(), page).await.map_err(|e| e.to_string())?;
        mails += listing.entries.len();
        after = listing.next;
    }
    Ok(mails as u64)
}

fn say(error: StoreError) -> String {
    match error {
        StoreError::NoCompany(company) => {
            format!("there is no company {company}: `ledger balance` names those there are")
        }
        other => other.to_string(),
    }
}
