//! Answers about mail in custody.

use serde_json::Value;

use super::{ActLine, MailLine, MailList, MailStory, RecipientLine, SpoolRequest, Which, change, entry_id, export};
use crate::control::Caller;
use crate::mail::address::Address;
use crate::spool::{Entry, EntryCopy, EntryId, Listed, Page, Recipient, Spool, SpoolError, Wanted, Write};

/// Mails in one part of a list.
const LIST_MAX: usize = 500;

/// What delivery has to do with acts on mail in custody; a command without a server has less of it.
pub trait Hand: Sync {
    /// Stores the reports to the sender of an entry whose recipients with these numbers are given up.
    ///
    /// # Errors
    /// A sentence for the admin when no report can be written here.
    fn reports_of(&self, entry: &Entry, numbers: &[u32]) -> Result<Vec<Write>, String>;

    /// Has these destinations looked at now.
    fn try_now(&self, destinations: &[String]);
}

/// Answers a request about the spool.
///
/// # Errors
/// A sentence for the admin.
pub async fn answer_spool(
    spool: &Spool,
    hand: &impl Hand,
    caller: Caller,
    request: &SpoolRequest,
) -> Result<Value, String> {
    match request {
        SpoolRequest::List { which, after, addresses } => to_value(&list(spool, which, *after, *addresses).await?),
        SpoolRequest::Show { id } => to_value(&show(spool, id).await?),
        SpoolRequest::Change { act, which, after, dry_run } => {
            let part = change::Part { act: *act, which, after: *after, dry_run: *dry_run };
            to_value(&change::change(spool, hand, caller, &part).await?)
        }
        SpoolRequest::Export { id, leaving, from } => {
            to_value(&export::export(spool, caller, (id, *leaving), *from).await?)
        }
    }
}

fn to_value(answer: &impl serde::Serialize) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|e| e.to_string())
}

async fn list(spool: &Spool, which: &Which, after: i64, addresses: bool) -> Result<MailList, String> {
    let page = Page { after, entries_max: LIST_MAX, addresses };
    let listing = spool.list(which.wanted()?, page).await.map_err(|e| e.to_string())?;
    let mails = listing.entries.iter().map(|listed| mail_line(listed, addresses)).collect();
    Ok(MailList { mails, unreadable: listing.unreadable, next: listing.next })
}

/// A mail with or without the addresses that were read.
pub(in crate::control) fn mail_line(listed: &Listed, addresses: bool) -> MailLine {
    let address = |place: usize| listed.addresses.get(place).filter(|_| addresses);
    let lines = listed.recipients.iter().enumerate().map(|(place, r)| recipient_line(r, address(place)));
    MailLine {
        id: listed.id.to_string(),
        company: listed.company.as_ref().map(ToString::to_string),
        received_at: listed.received_at.to_string(),
        octets: listed.octets,
        recipients: lines.collect(),
    }
}

fn recipient_line(recipient: &Recipient, address: Option<&Address>) -> RecipientLine {
    RecipientLine {
        number: recipient.number,
        destination: recipient.route.clone(),
        state: recipient.state.code().to_owned(),
        attempts: recipient.attempts,
        next_at: recipient.next_at.to_string(),
        last_reply: recipient.last_reply.clone(),
        maybe_doubled: recipient.maybe_doubled,
        referral: recipient.has_offer,
        address: address.map(ToString::to_string),
    }
}

/// One entry with all its recipients, or a sentence that says it is not there.
pub(super) async fn find(spool: &Spool, id: &EntryId, addresses: bool) -> Result<Listed, String> {
    let wanted = Wanted { ids: vec![id.clone()], ..Wanted::default() };
    let page = Page { after: 0, entries_max: 1, addresses };
    let found = spool.list(wanted, page).await.map_err(|e| e.to_string())?;
    found.entries.into_iter().next().ok_or_else(|| format!("no mail {id} is in custody: it has left, or never came"))
}

async fn show(spool: &Spool, id: &str) -> Result<MailStory, String> {
    let id = entry_id(id)?;
    let listed = find(spool, &id, true).await?;
    let entry = match spool.examine(&id).await {
        Ok(entry) => Some(entry.ok_or_else(|| format!("the mail {id} has just left"))?),
        Err(SpoolError::Damaged(_)) => None,
        Err(error) => return Err(error.to_string()),
    };
    let acts = spool.acts(vec![id]).await.map_err(|e| e.to_string())?;
    let sender = |entry: &Entry| entry.envelope.sender.as_ref().map_or(String::new(), ToString::to_string);
    let added = |copy: &EntryCopy| copy.edits.octets_added() as u64;
    Ok(MailStory {
        mail: mail_line(&listed, true),
        readable: entry.is_some(),
        sender: entry.as_ref().map(sender),
        inserted_octets: entry.iter().flat_map(|entry| entry.copies.iter().map(added)).collect(),
        acts: acts.iter().map(ActLine::from).collect(),
    })
}
