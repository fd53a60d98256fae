//! Where a reader sees a new paragraph begin between the lines of HTML.

use std::ops::Range;

use memchr::{memchr, memmem};

use super::{Block, Margins};

/// Whether a reader sees a new paragraph begin behind what stands between two lines: `gap`, behind a line of `block`.
pub(crate) fn starts_paragraph(body: &[u8], blocks: &[Block], gap: Range<usize>, block: Option<usize>) -> bool {
    let Some(tags) = body.get(gap.clone()) else { return true };
    let around = std::iter::successors(block, |b| blocks.get(*b).and_then(|b| b.parent));
    let closes = |b: &Block| b.end_tag.as_ref().is_some_and(|t| gap.contains(&t.start)) && is_spaced(b, body);
    let first = blocks.partition_point(|b| b.start_tag.start < gap.start);
    let mut opened = blocks[first..].iter().take_while(|b| b.start_tag.start < gap.end);
    around.filter_map(|b| blocks.get(b)).any(closes) || opened.any(|b| is_spaced(b, body)) || has_blank(tags, true)
}

/// Whether readers see a new paragraph at the edges of the block without a blank line there.
pub(crate) fn is_spaced(block: &Block, body: &[u8]) -> bool {
    let Margins { above, below } = block.margins;
    match block.name {
        // Word's own paragraphs are flat, as its sheet says where it is not lost.
        "p" if above.or(below).is_none() => {
            let tag = body.get(block.start_tag.clone()).unwrap_or_default().to_ascii_lowercase();
            !["msonormal", "msoplaintext"].iter().any(|class| memmem::find(&tag, class.as_bytes()).is_some())
        }
        "p" => above.unwrap_or(true) || below.unwrap_or(true),
        "div" => above.unwrap_or(false) || below.unwrap_or(false),
        "td" | "th" | "tr" | "table" | "ul" | "ol" | "dl" | "pre" | "blockquote" => true,
        name => matches!(name.as_bytes(), [b'h', b'1'..=b'6']),
    }
}

/// Whether an empty line can be seen in a run of tags. `line_open`: text stands in front of it on its line.
pub(crate) fn has_blank(gap: &[u8], mut line_open: bool) -> bool {
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
