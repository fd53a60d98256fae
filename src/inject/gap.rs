//! What lies between two visible lines of HTML: whether a reader sees a new paragraph there, and what can be repeated.

use memchr::{memchr, memmem};

use crate::mail::html::Block;
use crate::mail::view::TextPart;

/// Longest run of tags between two paragraphs that is repeated for its look, in octets.
const GAP_OCTETS_MAX: usize = 300;

/// Whether a new paragraph begins between the lines `i` and `i + 1`.
pub(super) fn starts_paragraph(part: &TextPart, i: usize) -> bool {
    let octets = &part.decoded.octets;
    let (Some(line), Some(next)) = (part.lines.get(i), part.lines.get(i + 1)) else { return true };
    let range = line.octets.end..next.octets.start.max(line.octets.end);
    let Some(gap) = octets.get(range.clone()) else { return true };
    let block = line.place.as_ref().and_then(|p| p.block);
    let around = std::iter::successors(block, |b| part.blocks.get(*b).and_then(|b| b.parent));
    let closes = |b: &Block| b.end_tag.as_ref().is_some_and(|t| range.contains(&t.start)) && is_spaced(b, octets);
    let first = part.blocks.partition_point(|b| b.start_tag.start < range.start);
    let mut opened = part.blocks[first..].iter().take_while(|b| b.start_tag.start < range.end);
    around.filter_map(|b| part.blocks.get(b)).any(closes)
        || opened.any(|b| is_spaced(b, octets))
        || has_blank(gap, true)
}

/// Whether readers see a new paragraph at the edges of the block without a blank line there.
pub(super) fn is_spaced(block: &Block, octets: &[u8]) -> bool {
    let tag = octets.get(block.start_tag.clone()).unwrap_or_default().to_ascii_lowercase();
    let has = |needle: &str| memmem::find(&tag, needle.as_bytes()).is_some();
    let flat = ["margin:0", "margin: 0", "margin-bottom:0", "margin-bottom: 0", "msonormal", "msoplaintext"];
    match block.name {
        "p" => !flat.iter().any(|n| has(n)),
        "div" => has("margin") && !flat.iter().any(|n| has(n)),
        "td" | "th" | "tr" | "table" | "ul" | "ol" | "dl" | "pre" | "blockquote" => true,
        name => matches!(name.as_bytes(), [b'h', b'1'..=b'6']),
    }
}

/// Whether an empty line can be seen in a run of tags. `line_open`: text stands in front of it on its line.
pub(super) fn has_blank(gap: &[u8], mut line_open: bool) -> bool {
    let mut rest = gap;
    while let Some((first, after)) = rest.split_first() {
        let hard_blank = rest.starts_with(b"&nbsp;") || rest.starts_with(b"\xc2\xa0") || rest.starts_with(b"&#160;");
        if hard_blank && !line_open {
            return true;
        }
        if *first != b'<' {
            rest = after;
            continue;
        }
        let (tag, behind) = split_tag(rest);
        match tag_name(tag).as_slice() {
            b"hr" => return true,
            b"br" if !line_open => return true,
            b"br" | b"p" | b"div" | b"tr" | b"td" | b"table" | b"li" | b"ul" | b"ol" => line_open = false,
            _ => {}
        }
        rest = behind;
    }
    false
}

fn split_tag(octets: &[u8]) -> (&[u8], &[u8]) {
    let end = if octets.starts_with(b"<!--") {
        memmem::find(octets, b"-->").map(|n| n + 3)
    } else {
        memchr(b'>', octets).map(|n| n + 1)
    };
    octets.split_at(end.unwrap_or(octets.len()))
}

fn tag_name(tag: &[u8]) -> Vec<u8> {
    let name = tag[1..].strip_prefix(b"/").unwrap_or(&tag[1..]);
    let end = name.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(name.len());
    name[..end].to_ascii_lowercase()
}

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
