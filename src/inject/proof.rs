//! The proof of an edit: the output is the original and the line, and every reader sees the same parts in it.

use crate::mail::edit::Edits;
use crate::mail::message::{Message, Part, Tree};
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
    let tree = Tree::read(&output);
    let is_same_tree = tree.faults.is_empty()
        && tree.parts.len() == message.parts().len()
        && message.parts().iter().zip(&tree.parts).all(|(old, new)| is_moved(old, new, edits));
    is_same_tree && changes.iter().all(|c| is_changed_so(view, (&tree, &output), c))
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

fn is_changed_so(view: &View, (tree, output): (&Tree, &[u8]), change: &Change) -> bool {
    let Some(part) = view.parts.get(change.text_part) else { return false };
    let Some(new) = tree.parts.get(part.part) else { return false };
    let Ok(decoded) = transfer::decode(new, output) else { return false };
    let old = &part.decoded.octets;
    let (Some(before), Some(behind)) = (old.get(..change.at), old.get(change.at..)) else { return false };
    let middle = decoded.octets.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind));
    middle == Some(&change.insert) && part.charset.decode_line(&change.insert).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::edit::Edit;

    const RAW: &str = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\none\r\ntwo\r\n--b\r\nContent-Type: text/plain\r\n\r\nthree\r\n--b--\r\n";

    /// Whether inserting `raw` before the raw text `mark` proves as `text` put at `at` of the first part.
    fn check(mark: &str, raw: &str, (at, text): (usize, &str), expected: bool) {
        let message = Message::read(RAW.as_bytes());
        let view = View::read(&message);
        let offset = RAW.find(mark).unwrap_or_default();
        let edits = Edits::new(vec![Edit { at: offset, insert: raw.as_bytes().into() }]);
        let change = Change { text_part: 0, at, insert: text.as_bytes().to_vec() };
        assert_eq!(holds(&message, &view, &edits, &[change]), expected, "{raw:?} before {mark:?} as {text:?}");
    }

    #[test]
    fn the_line_in_its_place_is_proven() {
        check("two", "line\r\n", (5, "line\r\n"), true);
    }

    #[test]
    fn anything_else_in_any_place_is_not() {
        check("two", "line\r\n", (5, "other\r\n"), false);
        check("two", "line\r\n", (4, "line\r\n"), false);
        check("three", "line\r\n", (5, "line\r\n"), false);
        check("MIME", "line\r\n", (5, "line\r\n"), false);
    }

    #[test]
    fn a_line_that_changes_the_tree_is_not() {
        check("two", "--b\r\n\r\n", (5, "--b\r\n\r\n"), false);
        check("two", "--b--\r\n", (5, "--b--\r\n"), false);
        check("two", "bare\n", (5, "bare\n"), false);
        check("\r\none", "X-Line: a\r\n", (5, "line\r\n"), false);
    }
}
