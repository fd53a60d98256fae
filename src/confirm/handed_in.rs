//! Delivery reports that come to a mailbox or a pipe of an admin's, about mail that an MTA has from the milter.
//!
//! Such a report proves less than a line of the log: anybody who knows a mail's name can write one. It is taken where
//! it names both the mail and the candidate, as he alone and the servers on the way can, and where the mail is of late.

use jiff::Timestamp;

use super::follow::IsHim;
use super::judge::meant;
use crate::ledger::Proves;
use crate::mail::address::Address;
use crate::mail::dsn::read::{Names, Verdict};
use crate::spool::{Fate, Finding, Intended, IntentWrite, Spool, SpoolError, Write};

/// What a report says.
#[derive(Clone, Debug)]
pub struct HandedIn {
    /// What became of the mail.
    pub verdict: Verdict,
    /// By what names it speaks of the mail.
    pub names: Names,
    /// The recipients it names.
    pub recipients: Vec<Address>,
    /// The status it gives, in words.
    pub status: String,
}

/// What a report was taken for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Matched {
    /// Our message id of the mail it is about.
    pub transaction: String,
    /// The numbers of the candidates it speaks of.
    pub recipients: Vec<u32>,
}

/// Takes a report: finds the mail it is about, and writes down what it says of candidates. `None` when it is about no
/// mail of ours, or says nothing that counts for or against one. The same report again changes nothing.
///
/// # Errors
/// When the spool cannot be read or written.
pub async fn take(
    spool: &Spool,
    handed_in: &HandedIn,
    is_him: &IsHim,
    at: Timestamp,
) -> Result<Option<Matched>, SpoolError> {
    let fate = match handed_in.verdict {
        Verdict::Failed => Fate::Returned,
        Verdict::Delivered => Fate::Taken(Proves::Reported),
        Verdict::Delayed => Fate::Deferred,
        Verdict::AutoReply | Verdict::Complaint | Verdict::NotAReport => return Ok(None),
    };
    let intended = find(spool, &handed_in.names).await?;
    let is_named = |of: &&Intended| handed_in.recipients.iter().any(|to| is_him(&of.company, &of.candidate, to));
    let named: Vec<Intended> = intended.iter().filter(is_named).cloned().collect();
    let Some(transaction) = meant(&named, at).map(str::to_owned) else { return Ok(None) };
    let recipients: Vec<u32> = named.iter().filter(|of| of.transaction == transaction).map(|of| of.recipient).collect();
    let finding = |recipient: &u32| Finding {
        transaction: transaction.clone(),
        recipient: *recipient,
        fate,
        at,
        reply: format!("report: {} {}", handed_in.verdict.code(), handed_in.status).trim_end().to_owned(),
    };
    let writes = recipients.iter().map(|recipient| Write::Intent(IntentWrite::Found(finding(recipient))));
    spool.commit(writes.collect()).await?;
    Ok(Some(Matched { transaction, recipients }))
}

/// The mails that have the names of a report.
async fn find(spool: &Spool, names: &Names) -> Result<Vec<Intended>, SpoolError> {
    let of_any = |id: &String| (String::new(), id.clone());
    let mut found = spool.intended_under(names.queue_ids.iter().map(of_any).collect()).await?;
    if let Some(envelope) = &names.envelope {
        found.extend(spool.intended_as(envelope).await?);
    }
    // A mail that is found by several names is still one.
    found.sort_by(|a, b| (&a.transaction, a.recipient).cmp(&(&b.transaction, b.recipient)));
    found.dedup_by(|a, b| a.transaction == b.transaction && a.recipient == b.recipient);
    Ok(found)
}
