//! The line in HTML: a block, or lines between breaks, with the look of the paragraph before it.

use std::ops::Range;

use memchr::{memchr, memrchr};

use crate::mail::charset::Charset;
use crate::mail::html::{Block, Place, has_blank, is_spaced};
use crate::mail::view::{Line, LineKind, TextPart, columns, ends_sentence};

use super::Turn;
use super::gap::block_gap;
use super::look::{is_copyable, is_framed, leading_wrappers, takes_text_color};
use super::plain::columns_max;
use super::result_end;
use super::wrap::wrap;

/// Elements whose last text may be followed by more lines of it.
const CONTAINERS: [&str; 8] = ["td", "body", "center", "section", "article", "main", "div", "p"];
/// Lines a table cell must hold to be the mail's text and not a datum.
const CELL_LINES_MIN: usize = 3;
/// Narrower lines may well end two sentences of one text.
const WORDS_COLUMNS_MIN: usize = 20;
/// A line as wide as this is a sentence without a full stop, and no datum.
const SENTENCE_COLUMNS_MIN: usize = 40;

/// A place for the line, and how it is to look there.
#[derive(Debug)]
pub(super) struct HtmlSite {
    /// Offset into the decoded body.
    pub at: usize,
    /// What stands in front of the lead text.
    before: Vec<u8>,
    /// What stands between the lead text and the link.
    between: Vec<u8>,
    /// What stands behind the link.
    behind: Vec<u8>,
    /// Preformatted text: the columns that the lead text is wrapped at, as the author's lines are.
    columns_max: Option<usize>,
    /// Whether the link has the colour of the text around it.
    plain_color: bool,
}

/// Finds the place behind the paragraph of the result.
pub(super) fn site(part: &TextPart, turn: &Turn) -> Option<HtmlSite> {
    let last = result_end(part, turn)?;
    let place = part.lines[last].place.as_ref()?;
    let is_in_table_of_data =
        || place.in_table_cell && !is_text_cell(part, place) && !is_layout_row(part, place, part.line(last));
    if place.in_quote || place.in_list || place.on_some_screens || is_in_table_of_data() {
        return None;
    }
    let next = (last + 1..part.lines.len()).find(|i| part.lines[*i].kind != LineKind::Blank);
    let until = next.map_or(part.decoded.octets.len(), |i| part.lines[i].octets.start);
    if is_said_twice(part, turn.result_line) {
        return None;
    }
    let found = Spot { part, place, last, next, until };
    let site = found.behind_block().or_else(|| found.behind_break());
    let site = site.or_else(|| found.before_next_block()).or_else(|| found.at_end())?;
    let inside = part.lines[last].octets.end..=until;
    let fits = inside.contains(&site.at) && !is_in_anchor(&part.decoded.octets[..site.at]);
    let plain_color = takes_text_color(part, place, &site.before);
    fits.then_some(HtmlSite { plain_color, ..site })
}

/// What the last line of the paragraph has around it.
struct Spot<'a> {
    part: &'a TextPart,
    place: &'a Place,
    last: usize,
    /// The next line with anything on it.
    next: Option<usize>,
    /// Where that begins, else the end.
    until: usize,
}

impl Spot<'_> {
    fn octets(&self) -> &[u8] {
        &self.part.decoded.octets
    }

    /// Behind the element that holds the paragraph, when nothing else follows in it.
    fn behind_block(&self) -> Option<HtmlSite> {
        let block = self.part.blocks.get(self.place.block?)?;
        let end = self.place.after_block?;
        if !matches!(block.name, "p" | "div") || end > self.until {
            return None;
        }
        if is_framed(&self.start_tag(block)) {
            return self.at_end();
        }
        let gap = block_gap(self.part, end, self.next);
        let has_gap_blank = gap.is_some_and(|g| has_blank(g, false));
        let copied = gap.filter(|g| has_gap_blank || g.iter().all(u8::is_ascii_whitespace)).unwrap_or_default();
        let tag = self.start_tag(block);
        // A paragraph whose tag cannot be copied gets one with the margins that readers give it.
        let is_copied = self.octets().get(block.start_tag.clone()) == Some(&tag);
        let spaced = is_spaced(block, self.octets()) || block.name == "p" && !is_copied;
        let empty = [&tag, format!("<br></{}>", block.name).as_bytes()].concat();
        let needs_blank = !spaced && !has_gap_blank;
        let (open, close) = self.look(block);
        let blank_before = if needs_blank { empty.as_slice() } else { b"" };
        let follows = |next: usize| next == self.last + 1 && !self.part.starts_paragraph(self.last);
        let needs_blank_behind = needs_blank && self.next.is_some_and(follows);
        let blank_behind = if needs_blank_behind { empty.as_slice() } else { b"" };
        Some(HtmlSite {
            at: end,
            before: [copied, blank_before, &open].concat(),
            between: b"<br>".to_vec(),
            behind: [&close, blank_behind].concat(),
            columns_max: None,
            plain_color: false,
        })
    }

    /// In front of the block that ends text without an end tag of its own.
    fn before_next_block(&self) -> Option<HtmlSite> {
        let next = self.part.lines[self.next?].place.as_ref()?;
        let at = next.before_block?;
        let gap = self.octets().get(self.part.lines[self.last].octets.end..at)?;
        if !gap[inline_end_tags(gap)..].iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        let block = self.place.block.and_then(|b| self.part.blocks.get(b));
        let (before, behind) = match block {
            Some(p) if p.name == "p" && p.end_tag.is_none() && is_spaced(p, self.octets()) => self.look(p),
            Some(block) if block.name == "p" || !CONTAINERS.contains(&block.name) => return None,
            _ => {
                let next = next.block.and_then(|b| self.part.blocks.get(b))?;
                let parts = if is_spaced(next, self.octets()) { &b""[..] } else { b"<br><br>" };
                (b"<br><br>".to_vec(), parts.to_vec())
            }
        };
        Some(HtmlSite { at, before, between: b"<br>".to_vec(), behind, columns_max: None, plain_color: false })
    }

    /// The start tag again, or a bare one where it cannot stand twice.
    fn start_tag(&self, block: &Block) -> Vec<u8> {
        match self.octets().get(block.start_tag.clone()) {
            Some(tag) if is_copyable(tag) => tag.to_vec(),
            _ => format!("<{}>", block.name).into_bytes(),
        }
    }

    /// The tags that give a block the look of this one.
    fn look(&self, block: &Block) -> (Vec<u8>, Vec<u8>) {
        let (open, close) = self.wrappers(block);
        let close = [&close, format!("</{}>", block.name).as_bytes()].concat();
        ([self.start_tag(block), open].concat(), close)
    }

    /// The tags around the text in a block that give it its look.
    fn wrappers(&self, block: &Block) -> (Vec<u8>, Vec<u8>) {
        let octets = self.octets();
        let (mut open, mut close) = (Vec::new(), Vec::new());
        let first = self.part.lines[..=self.last].partition_point(|l| l.octets.start < block.start_tag.end);
        let start = self.part.lines.get(first).map_or(block.start_tag.end, |l| l.octets.start);
        for tag in leading_wrappers(octets.get(block.start_tag.end..start).unwrap_or_default()) {
            open.extend_from_slice(tag);
            let name: &[u8] = if tag[1..].to_ascii_lowercase().starts_with(b"span") { b"span" } else { b"font" };
            close.splice(0..0, [b"</", name, b">"].concat());
        }
        (open, close)
    }

    /// Behind the `<br>` that ends the paragraph, as lines of the same element.
    fn behind_break(&self) -> Option<HtmlSite> {
        let at = self.place.behind_break_after.filter(|at| *at <= self.until)?;
        let octets = self.octets();
        if octets[..at].ends_with(b"\n") {
            return Some(self.behind_line_end(at));
        }
        let tag = memrchr(b'<', &octets[..at]).map(|n| &octets[n..at]);
        let is_plain = |t: &&[u8]| matches!(t.to_ascii_lowercase().as_slice(), b"<br>" | b"<br/>" | b"<br />");
        let tag = tag.filter(is_plain);
        let eol: &[u8] = match &octets[at..] {
            [b'\r', b'\n', ..] => b"\r\n",
            [b'\n', ..] => b"\n",
            _ => b"",
        };
        let br = [eol, tag.unwrap_or(b"<br>")].concat();
        let lacks_blank = self.next.is_some() && !has_blank(&octets[at..self.until], false);
        Some(HtmlSite {
            at,
            before: [&br, eol].concat(),
            between: [&br[eol.len()..], eol].concat(),
            behind: if lacks_blank { [&br[eol.len()..], &br].concat() } else { br[eol.len()..].to_vec() },
            columns_max: None,
            plain_color: false,
        })
    }

    /// The same in preformatted text, where line ends are breaks.
    fn behind_line_end(&self, at: usize) -> HtmlSite {
        let eol = if self.octets()[..at].ends_with(b"\r\n") { &b"\r\n"[..] } else { b"\n" };
        let lacks_blank = self.next.is_some() && memchr(b'\n', &self.octets()[at..self.until]).is_none();
        HtmlSite {
            at,
            before: eol.to_vec(),
            between: eol.to_vec(),
            behind: eol.repeat(if lacks_blank { 2 } else { 1 }),
            columns_max: columns_max(self.part),
            plain_color: false,
        }
    }

    /// Behind the last text of an element beside which no block may stand, or of a fragment without elements.
    fn at_end(&self) -> Option<HtmlSite> {
        let (at, (open, behind)) = match self.place.block.and_then(|b| self.part.blocks.get(b)) {
            Some(block) if CONTAINERS.contains(&block.name) => (self.place.at_block_end?, self.wrappers(block)),
            None if self.next.is_none() => {
                let from = self.part.lines[self.last].octets.end;
                (from + inline_end_tags(&self.octets()[from..]), (Vec::new(), Vec::new()))
            }
            _ => return None,
        };
        let before = [&b"<br><br>"[..], &open].concat();
        Some(HtmlSite { at, before, between: b"<br>".to_vec(), behind, columns_max: None, plain_color: false })
    }
}

/// Whether the same words stand in the part once more: one of them is for small screens, one for large ones, and which
/// of them is shown only the style sheet knows.
fn is_said_twice(part: &TextPart, result: usize) -> bool {
    let text = part.line(result);
    let same = |i: usize| i != result && part.lines[i].kind == LineKind::Text && part.line(i) == text;
    columns(text) >= WORDS_COLUMNS_MIN && (0..part.lines.len()).any(same)
}

/// The blocks around the place, from the innermost.
fn blocks_around<'a>(part: &'a TextPart, place: &Place) -> impl Iterator<Item = &'a Block> {
    let parents = std::iter::successors(place.block, |b| part.blocks.get(*b).and_then(|b| b.parent));
    parents.filter_map(|b| part.blocks.get(b))
}

/// What stands between the tags of a block.
fn inside(block: &Block) -> Option<Range<usize>> {
    block.end_tag.as_ref().map(|end| block.start_tag.end..end.start)
}

fn lines_within(part: &TextPart, range: Range<usize>) -> impl Iterator<Item = usize> {
    let seen = move |l: &Line| l.kind != LineKind::Blank && range.contains(&l.octets.start);
    part.lines.iter().filter(move |l| seen(l)).map(|l| l.octets.start)
}

/// Whether the table cell around the place holds running text.
fn is_text_cell(part: &TextPart, place: &Place) -> bool {
    let cell = blocks_around(part, place).find(|b| matches!(b.name, "td" | "th"));
    let Some((cell, inside)) = cell.and_then(|c| inside(c).map(|r| (c, r))) else { return false };
    cell.name == "td" && lines_within(part, inside).take(CELL_LINES_MIN).count() == CELL_LINES_MIN
}

/// Whether the cell holds a whole sentence and all that is to be seen in its row, and so on outwards: a layout with a
/// row for each paragraph. Tables with head cells hold data.
fn is_layout_row(part: &TextPart, place: &Place, text: &str) -> bool {
    let mut cell = None;
    for block in blocks_around(part, place) {
        match (block.name, inside(block)) {
            ("th", _) | ("td" | "tr" | "table", None) => return false,
            ("td", range) => cell = range,
            ("tr", Some(row)) => {
                let Some(cell) = cell.take() else { return false };
                if lines_within(part, row).any(|start| !cell.contains(&start)) {
                    return false;
                }
            }
            ("table", Some(range)) => {
                let first = part.blocks.partition_point(|b| b.start_tag.start < range.start);
                let within = part.blocks[first..].iter().take_while(|b| b.start_tag.start < range.end);
                if within.filter(|b| b.name == "th").count() > 0 {
                    return false;
                }
            }
            _ => {}
        }
    }
    ends_sentence(text) || columns(text) >= SENTENCE_COLUMNS_MIN
}

/// Octets of the inline end tags that follow the text at once.
fn inline_end_tags(octets: &[u8]) -> usize {
    const NAMES: [&[u8]; 12] =
        [b"span", b"font", b"b", b"strong", b"i", b"em", b"u", b"a", b"small", b"big", b"code", b"tt"];
    let mut at = 0;
    while let Some(end) = octets[at..].strip_prefix(b"</").and_then(|rest| memchr(b'>', rest)) {
        let name = octets[at + 2..at + 2 + end].trim_ascii_end().to_ascii_lowercase();
        if !NAMES.contains(&name.as_slice()) {
            break;
        }
        at += 2 + end + 1;
    }
    at
}

/// Whether a link is open at the end of the octets. A false alarm costs a line, never a mail.
fn is_in_anchor(octets: &[u8]) -> bool {
    let mut from = octets.len();
    while let Some(at) = memrchr(b'<', &octets[..from]) {
        match octets.get(at + 1..).unwrap_or_default() {
            [b'/', b'a' | b'A', b'>' | b' ', ..] => return false,
            [b'a' | b'A', b' ' | b'\t' | b'\r' | b'\n' | b'>', ..] => return true,
            _ => from = at,
        }
    }
    false
}

impl HtmlSite {
    /// The line with `pad` blanks that collapse. `ascii` keeps to 7-bit octets. What the charset cannot write becomes a
    /// character reference, so the full lead text always fits.
    pub(super) fn compose(&self, charset: &Charset, ascii: bool, texts: (&str, &str), pad: usize) -> Vec<u8> {
        let leads = self.columns_max.map_or_else(|| vec![texts.0], |width| wrap(texts.0, width));
        let leads: Vec<Vec<u8>> = leads.into_iter().map(|lead| encode_text(charset, ascii, lead)).collect();
        let (lead, url) = (leads.join(&self.between[..]), escape(texts.1));
        let blanks = vec![b' '; pad];
        if url.is_empty() {
            return [&self.before[..], &lead, &blanks, &self.behind].concat();
        }
        // Shown without its scheme, so that the part holds the link once and still shows where it leads.
        let shown = url.trim_start_matches("https://");
        let color = if self.plain_color { " style=\"color:inherit;text-decoration:underline\"" } else { "" };
        let link = format!("<a href=\"{url}\"{color}>{shown}</a>");
        [&self.before, &lead, &blanks, &self.between, link.as_bytes(), &self.behind].concat()
    }
}

fn encode_text(charset: &Charset, ascii: bool, text: &str) -> Vec<u8> {
    let text = escape(text);
    let fits = |octets: &Vec<u8>| !ascii || octets.is_ascii();
    if let Some(octets) = charset.encode(&text).filter(fits) {
        return octets;
    }
    let is_writable = |c: char| charset.encode(c.encode_utf8(&mut [0; 4])).as_ref().is_some_and(fits);
    let referred = to_references(&text, is_writable);
    charset.encode(&referred).unwrap_or_else(|| to_references(&text, |_| false).into_bytes())
}

/// The text with a character reference for everything outside ASCII that is not kept.
fn to_references(text: &str, keeps: impl Fn(char) -> bool) -> String {
    let one = |c: char| if c.is_ascii() || keeps(c) { c.to_string() } else { format!("&#{};", u32::from(c)) };
    text.chars().map(one).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
