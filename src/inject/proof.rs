//! The proof of an edit: the output is the original and the line, and every reader sees the same parts in it.
//!
//! What is sent are runs of the original itself, so nothing of it is read again to know that it is all there. What a
//! reader makes of it is found by reading the output: without the bodies of large attachments, which hold no edit and,
//! as the first reading found, nothing that looks like a delimiter.

use std::borrow::Cow;
use std::ops::Range;

use crate::mail::edit::{Edit, Edits};
use crate::mail::message::{Message, Part, Transfer, Tree};
use crate::mail::transfer;
use crate::mail::view::View;

use super::encode::LINE_OCTETS_MAX;

/// Bodies of other parts than text that are longer than this are left out of the second reading.
const READ_AGAIN_OCTETS_MAX: usize = 4 * 1024;

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
/// Without the inserted octets the output is the original; it reads as the same tree without fault; no line is over 998
/// octets that was not so long before; and each changed part decodes to its old octets and the inserted ones. Parts
/// without a change are equal by the first two.
pub(super) fn holds(message: &Message<'_>, view: &View, edits: &Edits, changes: &[Change]) -> bool {
    if !edits.is_splice(message.raw()) {
        return false;
    }
    let read = ReadAgain::of(message, edits);
    let output = read.edits.apply(&read.original);
    if !read.edits.prove(&read.original, &output) || !keeps_line_lengths(&read.edits, &output) {
        return false;
    }
    let tree = Tree::read(&output);
    let is_same_tree = tree.faults.is_empty()
        && tree.parts.len() == message.parts().len()
        && message.parts().iter().zip(&tree.parts).all(|(old, new)| read.is_moved(old, new));
    is_same_tree && changes.iter().all(|c| is_changed_so(view, (&tree, &output), c))
}

/// The original without the bodies that are not read again, and the edits as they are there.
struct ReadAgain<'a> {
    original: Cow<'a, [u8]>,
    edits: Cow<'a, Edits>,
    /// Ranges of the original that are left out, in order.
    left_out: Vec<Range<usize>>,
}

impl<'a> ReadAgain<'a> {
    fn of(message: &Message<'a>, edits: &'a Edits) -> Self {
        let is_left_out = |p: &&Part| {
            p.body.len() > READ_AGAIN_OCTETS_MAX
                && !p.is_multipart()
                && !p.is_inline_text()
                && !edits.iter().any(|e| (p.body.start..=p.body.end).contains(&e.at))
        };
        let left_out: Vec<_> = message.parts().iter().filter(is_left_out).map(|p| p.body.clone()).collect();
        let raw = message.raw();
        if left_out.is_empty() {
            return Self { original: Cow::Borrowed(raw), edits: Cow::Borrowed(edits), left_out };
        }
        let mut original = Vec::with_capacity(raw.len() - left_out.iter().map(ExactSizeIterator::len).sum::<usize>());
        let mut from = 0;
        for range in &left_out {
            original.extend_from_slice(&raw[from..range.start]);
            from = range.end;
        }
        original.extend_from_slice(&raw[from..]);
        let mut read = Self { original: Cow::Owned(original), edits: Cow::Borrowed(edits), left_out };
        let moved = edits.iter().map(|e| Edit { at: read.place(e.at), insert: e.insert.clone() }).collect();
        read.edits = Cow::Owned(Edits::new(moved));
        read
    }

    /// Where an offset of the whole original stands in what is read.
    fn place(&self, offset: usize) -> usize {
        offset - self.left_out.iter().filter(|r| r.end <= offset).map(ExactSizeIterator::len).sum::<usize>()
    }

    /// Whether the part is the same one, moved and grown by the edits and nothing else.
    fn is_moved(&self, old: &Part, new: &Part) -> bool {
        let start = |offset: usize| {
            let offset = self.place(offset);
            offset + self.added(|at| at < offset)
        };
        let end = |offset: usize| {
            let offset = self.place(offset);
            offset + self.added(|at| at <= offset)
        };
        new.header == (start(old.header.start)..start(old.header.end))
            && new.body == (start(old.body.start)..end(old.body.end))
            && new.parent == old.parent
            && new.media == old.media
            && new.transfer == old.transfer
            && new.charset == old.charset
            && new.attachment == old.attachment
    }

    fn added(&self, counts: impl Fn(usize) -> bool) -> usize {
        self.edits.iter().filter(|e| counts(e.at)).map(|e| e.insert.len()).sum()
    }
}

/// Whether no line with inserted octets is longer than mail may carry, and than the line was that it stands in.
fn keeps_line_lengths(edits: &Edits, output: &[u8]) -> bool {
    edits.inserted().into_iter().all(|range| {
        let start = memchr::memrchr(b'\n', &output[..range.start]).map_or(0, |n| n + 1);
        let end = memchr::memchr(b'\n', &output[range.end..]).map_or(output.len(), |n| range.end + n);
        let was = end - start - range.len();
        let lines = output[start..end].split(|b| *b == b'\n');
        lines.map(|l| l.strip_suffix(b"\r").unwrap_or(l).len()).all(|n| n <= LINE_OCTETS_MAX.max(was))
    })
}

fn is_changed_so(view: &View, (tree, output): (&Tree, &[u8]), change: &Change) -> bool {
    let Some(part) = view.parts.get(change.text_part) else { return false };
    let Some(new) = tree.parts.get(part.part) else { return false };
    let Ok(decoded) = transfer::decode(new, output) else { return false };
    let old = &part.decoded.octets;
    let (Some(before), Some(behind)) = (old.get(..change.at), old.get(change.at..)) else { return false };
    let middle = decoded.octets.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind));
    let is_seven_bit = new.transfer == Transfer::SevenBit && old.is_ascii();
    middle == Some(&change.insert)
        && part.charset.decode_line(&change.insert).is_some()
        && (!is_seven_bit || change.insert.is_ascii())
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
    fn a_line_that_grows_over_what_mail_may_carry_is_not() {
        let long = "x".repeat(LINE_OCTETS_MAX);
        check("two", &format!("{long}\r\n"), (5, &format!("{long}\r\n")), true);
        check("two", &format!("x{long}\r\n"), (5, &format!("x{long}\r\n")), false);
        check("two", &long, (5, &long), false);
    }

    #[test]
    fn a_large_attachment_is_not_read_again_and_what_it_is_still_shows() {
        let attachment = |field: &str, octets: usize| {
            let body = format!("{}\r\n", "QUFB".repeat(19)).repeat(octets / 78);
            RAW.replace("--b--", &format!("--b\r\nContent-Type: image/png{field}\r\n\r\n{body}--b--"))
        };
        for field in ["", "; name=a"] {
            let raw = attachment(field, 10_000);
            let message = Message::read(raw.as_bytes());
            let view = View::read(&message);
            let at = raw.find("two").unwrap_or_default();
            let edits = |line: &str| Edits::new(vec![Edit { at, insert: line.as_bytes().into() }]);
            let change = |line: &str| [Change { text_part: 0, at: 5, insert: line.as_bytes().to_vec() }];
            assert!(ReadAgain::of(&message, &edits("line\r\n")).original.len() < 1000);
            assert!(holds(&message, &view, &edits("line\r\n"), &change("line\r\n")));
            assert!(!holds(&message, &view, &edits("line\r\n"), &change("lime\r\n")));
            let delimiter = "--b\r\n\r\n";
            assert!(!holds(&message, &view, &edits(delimiter), &change(delimiter)));
        }
    }

    #[test]
    fn a_line_that_changes_the_tree_is_not() {
        check("two", "--b\r\n\r\n", (5, "--b\r\n\r\n"), false);
        check("two", "--b--\r\n", (5, "--b--\r\n"), false);
        check("two", "bare\n", (5, "bare\n"), false);
        check("\r\none", "X-Line: a\r\n", (5, "line\r\n"), false);
    }
}
