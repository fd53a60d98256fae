//! The octets of a mail in custody, in pieces: as they came, or as they would leave.

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::answer::find;
use super::entry_id;
use crate::control::Caller;
use crate::mail::edit::Edits;
use crate::spool::{Act, ActKind, Entry, Spool, SpoolError, Write};
use crate::sys::clock;

/// Octets of one piece.
pub const EXPORT_OCTETS_MAX: usize = 4 << 20;

/// A piece of a mail.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Piece {
    /// Octets of the whole.
    pub octets: u64,
    /// The piece, in base64.
    pub base64: String,
}

/// The piece that begins at `from`.
pub(super) async fn export(
    spool: &Spool,
    caller: Caller,
    (id, leaving): (&str, Option<u32>),
    from: u64,
) -> Result<Piece, String> {
    let id = entry_id(id)?;
    find(spool, &id, false).await?;
    let entry = match spool.examine(&id).await {
        Ok(entry) => entry.ok_or_else(|| format!("the mail {id} has just left"))?,
        Err(SpoolError::Damaged(_)) => return Err(format!("the mail {id} cannot be read as it was written")),
        Err(error) => return Err(error.to_string()),
    };
    let octets = match leaving {
        None => entry.original.to_vec(),
        Some(number) => as_it_leaves(&entry, number)?,
    };
    if from == 0 {
        let recipients = entry.recipients.iter().map(|r| r.number).collect();
        let (what, actor, at) = (ActKind::Export, caller.describe(), clock::now());
        spool
            .commit(vec![Write::Act(Act { what, actor, at, entry: id.clone(), recipients })])
            .await
            .map_err(|e| format!("it cannot be written down who reads the mail: {e}"))?;
        tracing::info!(target: "audit", uid = caller.uid, act = what.code(), mails = 1, ids = id.as_str());
    }
    let start = usize::try_from(from).unwrap_or(usize::MAX).min(octets.len());
    let end = octets.len().min(start.saturating_add(EXPORT_OCTETS_MAX));
    Ok(Piece { octets: octets.len() as u64, base64: BASE64.encode(&octets[start..end]) })
}

/// Our trace in front, and the line where it goes into this recipient's copy.
fn as_it_leaves(entry: &Entry, number: u32) -> Result<Vec<u8>, String> {
    let recipient = entry.recipients.iter().find(|r| r.number == number);
    let recipient =
        recipient.ok_or_else(|| format!("the mail has no recipient {number} left; `spool show` names them"))?;
    let untouched = Edits::default();
    let copy = usize::try_from(recipient.copy).ok().and_then(|copy| entry.copies.get(copy));
    let edits = copy.map_or(&untouched, |copy| &copy.edits);
    let mut octets = entry.trace.to_vec();
    edits.segments(&entry.original).iter().for_each(|segment| octets.extend_from_slice(segment));
    Ok(octets)
}
