//! What lies between two visible paragraphs of HTML, as far as it can be repeated.

use memchr::memmem;

use crate::mail::html::Block;
use crate::mail::view::TextPart;

/// Longest run of tags between two paragraphs that is repeated for its look, in octets.
const GAP_OCTETS_MAX: usize = 300;

/// The tags between the end of a block and the start of the block of line `next`, when they are whole and few enough to
/// be repeated.
pub(super) fn block_gap(part: &TextPart, end: usize, next: Option<usize>) -> Option<&[u8]> {
    let start = part.lines.get(next?)?.place.as_ref()?.before_block.filter(|s| *s >= end)?;
    let gap = part.decoded.octets.get(end..start).filter(|g| g.len() <= GAP_OCTETS_MAX && g.is_ascii())?;
    let first = part.blocks.partition_point(|b| b.start_tag.start < end);
    let opened = part.blocks[first..].iter().take_while(|b| b.start_tag.start < start);
    let is_whole = |b: &Block| b.end_tag.as_ref().is_some_and(|t| t.end <= start);
    let mut count = 0;
    let whole = opened.inspect(|_| count += 1).all(is_whole);
    let ends = memmem::find_iter(gap, b"</").count();
    let opens = memchr::memchr_iter(b'<', gap).filter(|n| gap.get(n + 1).is_some_and(u8::is_ascii_alphabetic)).count();
    let breaks =
        memchr::memchr_iter(b'<', gap).filter(|n| gap[n + 1..].to_ascii_lowercase().starts_with(b"br")).count();
    let named = memmem::find(gap, b"id=").is_some() || memmem::find(gap, b"<!").is_some();
    (whole && count <= 4 && opens == ends + breaks && !named).then_some(gap)
}
