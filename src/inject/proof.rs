//! The proof of an edit: the output is the original and the line, and every reader sees the same parts in it.

use crate::mail::edit::Edits;
use crate::mail::message::{Message, Part};
use crate::mail::transfer;
use crate::mail::view::View;

/// One changed part: which one, where in its decoded body, and what was put there.
#[derive(Debug)]
pub(super) struct Change {
    /// Index into [`View::parts`].
    pub text_part: usize,
    /// Offset into the decoded body.
    pub at: usize,
    /// The octets put there, before transfer encoding.
    pub insert: Vec<u8>,
}

/// Whether the edits do nothing but what the changes say.
///
/// Without the inserted octets the output is the original; it reads as the same tree without fault; and each changed
/// part decodes to its old octets and the inserted ones. Parts without a change are equal by the first two.
pub(super) fn holds(message: &Message<'_>, view: &View, edits: &Edits, changes: &[Change]) -> bool {
    let output = edits.apply(message.raw());
    if !edits.prove(message.raw(), &output) {
        return false;
    }
    let read = Message::read(&output);
    let is_same_tree = read.faults().is_empty()
        && read.parts().len() == message.parts().len()
        && message.parts().iter().zip(read.parts()).all(|(old, new)| is_moved(old, new, edits));
    is_same_tree && changes.iter().all(|c| is_changed_so(view, &read, c))
}

/// Whether the part is the same one, moved and grown by the edits and nothing else.
fn is_moved(old: &Part, new: &Part, edits: &Edits) -> bool {
    let start = |offset: usize| offset + added(edits, |at| at < offset);
    let end = |offset: usize| offset + added(edits, |at| at <= offset);
    new.header == (start(old.header.start)..start(old.header.end))
        && new.body == (start(old.body.start)..end(old.body.end))
        && new.parent == old.parent
        && new.media == old.media
        && new.transfer == old.transfer
        && new.charset == old.charset
        && new.attachment == old.attachment
}

fn added(edits: &Edits, counts: impl Fn(usize) -> bool) -> usize {
    edits.iter().filter(|e| counts(e.at)).map(|e| e.insert.len()).sum()
}

fn is_changed_so(view: &View, read: &Message<'_>, change: &Change) -> bool {
    let Some(part) = view.parts.get(change.text_part) else { return false };
    let Some(new) = read.parts().get(part.part) else { return false };
    let Ok(decoded) = transfer::decode(new, read.raw()) else { return false };
    let old = &part.decoded.octets;
    let (Some(before), Some(behind)) = (old.get(..change.at), old.get(change.at..)) else { return false };
    let middle = decoded.octets.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind));
    middle == Some(&change.insert) && part.charset.decode_line(&change.insert).is_some()
}
