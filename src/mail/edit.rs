//! Edits: octets put between the octets of a message, and nothing else.
//!
//! A message that is changed is never written anew. Whoever sends it writes the segments one after another: runs of the
//! original and the inserted octets in their places. There is no edit that removes or replaces.

use std::ops::Range;

/// Octets to put in front of the octet at `at`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Edit {
    /// Offset into the original message, at most its length.
    pub at: usize,
    /// What to put there.
    pub insert: Box<[u8]>,
}

/// The edits of one copy of one message, in rising order of offset. Empty means untouched.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Edits(Vec<Edit>);

impl Edits {
    /// Takes edits in any order; those at one offset keep their order.
    pub fn new(mut edits: Vec<Edit>) -> Self {
        edits.retain(|e| !e.insert.is_empty());
        edits.sort_by_key(|e| e.at);
        Self(edits)
    }

    /// Whether there is nothing to insert.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The edits in rising order.
    pub fn iter(&self) -> impl Iterator<Item = &Edit> {
        self.0.iter()
    }

    /// How many octets they add.
    pub fn octets_added(&self) -> usize {
        self.0.iter().map(|e| e.insert.len()).sum()
    }

    /// The outgoing message as runs of the original and inserted octets, in order. No octet is copied.
    ///
    /// An offset behind the end of the original counts as its end; [`Edits::prove`] tells such edits apart.
    pub fn segments<'a>(&'a self, original: &'a [u8]) -> Vec<&'a [u8]> {
        let mut segments = Vec::with_capacity(2 * self.0.len() + 1);
        let mut from = 0;
        for edit in &self.0 {
            let at = edit.at.clamp(from, original.len());
            segments.push(&original[from..at]);
            segments.push(&edit.insert);
            from = at;
        }
        segments.push(&original[from..]);
        segments.retain(|s| !s.is_empty());
        segments
    }

    /// The outgoing message in one piece.
    pub fn apply(&self, original: &[u8]) -> Vec<u8> {
        self.segments(original).concat()
    }

    /// Where in the outgoing message the inserted octets stand.
    pub fn inserted(&self) -> Vec<Range<usize>> {
        let mut grown = 0;
        let range = |e: &Edit| {
            let start = e.at + grown;
            grown += e.insert.len();
            start..start + e.insert.len()
        };
        self.0.iter().map(range).collect()
    }

    /// Whether what [`Edits::segments`] gives is the octets of `original` themselves, each once and in order, with the
    /// insertions in their places. Looks at where the segments lie and reads none of them.
    pub fn is_splice(&self, original: &[u8]) -> bool {
        let mut inserts = self.0.iter().map(|e| (e.at, &*e.insert)).peekable();
        let mut from = 0;
        for segment in self.segments(original) {
            if let Some((at, _)) = inserts.next_if(|(_, insert)| std::ptr::eq(segment, *insert)) {
                if at != from {
                    return false;
                }
                continue;
            }
            let Some(there) = original.get(from..from + segment.len()) else { return false };
            if !std::ptr::eq(segment, there) {
                return false;
            }
            from += segment.len();
        }
        from == original.len() && inserts.next().is_none()
    }

    /// The splice proof: `output` without the inserted octets is `original`, to the octet.
    pub fn prove(&self, original: &[u8], output: &[u8]) -> bool {
        let mut from = 0;
        let mut rest = original;
        for (edit, range) in self.0.iter().zip(self.inserted()) {
            let (Some(kept), Some(inserted)) = (output.get(from..range.start), output.get(range.clone())) else {
                return false;
            };
            let Some(after) = rest.strip_prefix(kept) else { return false };
            if *inserted != *edit.insert {
                return false;
            }
            (from, rest) = (range.end, after);
        }
        output.get(from..) == Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(list: &[(usize, &str)]) -> Edits {
        Edits::new(list.iter().map(|(at, t)| Edit { at: *at, insert: t.as_bytes().into() }).collect())
    }

    #[test]
    fn inserted_octets_stand_in_front_of_their_offsets() {
        let e = edits(&[(3, "X"), (0, "AB"), (6, "Z")]);
        assert_eq!(e.apply(b"abcdef"), b"ABabcXdefZ");
        assert_eq!(e.inserted(), [0..2, 5..6, 9..10]);
    }

    #[test]
    fn an_offset_behind_the_end_is_no_splice() {
        assert!(edits(&[(0, "a"), (2, "b"), (2, "c"), (4, "d")]).is_splice(b"abcd"));
        assert!(edits(&[]).is_splice(b"abcd") && edits(&[(0, "a")]).is_splice(b""));
        assert!(!edits(&[(5, "x")]).is_splice(b"abcd"));
    }

    #[test]
    fn proof_holds_for_what_apply_made_and_for_nothing_else() {
        let e = edits(&[(2, "new")]);
        assert!(e.prove(b"abcd", b"abnewcd"));
        assert!(!e.prove(b"abcd", b"abnewce"));
        assert!(!e.prove(b"abcd", b"abnewcd!"));
        assert!(!e.prove(b"abcd", b"abold!cd"));
        assert!(!e.prove(b"abcd", b"abcd"));
        assert!(!edits(&[(9, "x")]).prove(b"abcd", b"abcdx"));
    }

    proptest::proptest! {
        #[test]
        fn any_edits_within_the_message_are_proven(
            original in proptest::collection::vec(0u8.., 0..200),
            list in proptest::collection::vec((0usize..201, proptest::collection::vec(0u8.., 0..20)), 0..6),
        ) {
            let list = list.into_iter().map(|(at, t)| Edit { at: at.min(original.len()), insert: t.into() }).collect();
            let e = Edits::new(list);
            let output = e.apply(&original);
            assert_eq!(output.len(), original.len() + e.octets_added());
            assert!(e.prove(&original, &output) && e.is_splice(&original));
        }
    }
}
