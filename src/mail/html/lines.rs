//! Text between tags joined to the lines a reader sees, each with its place. A much smaller tree builder than a
//! browser's: where the two could differ, no place is offered.

use std::ops::Range;

use memchr::memmem;

use super::element::{self, Role};
use super::text::{self, Gap};
use super::tokens::{Kind, Start, Token};
use super::{Block, HtmlFault, Page, PageLine, Place, Run};
use crate::mail::charset::Charset;

/// Elements nested deeper than this are not read.
const DEPTH_MAX: usize = 512;

/// Elements of ordinary mails are nested no deeper.
const DEPTH_USUAL: usize = 16;

/// An element that is open where the reading stands, with what it and those around it say.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own that is inherited by itself")]
struct Open {
    name: &'static str,
    is_block: bool,
    /// The innermost block here, itself included.
    block: Option<usize>,
    hidden: bool,
    zero_font: bool,
    pre: bool,
    in_cell: bool,
    in_list: bool,
    in_quote: bool,
    in_anchor: bool,
    in_signature: bool,
    on_some_screens: bool,
}

/// What is known of a block beyond what is handed out.
#[derive(Clone, Copy, Debug, Default)]
struct BlockState {
    has_line: bool,
    takes_siblings: bool,
    /// Whether text put straight into it would be shown somewhere else.
    is_structure: bool,
}

/// The line being put together.
#[derive(Debug, Default)]
struct Pending {
    text_start: usize,
    octets: Option<Range<usize>>,
    place: Place,
    in_signature: bool,
    behind_break: Option<usize>,
}

struct Reader<'a> {
    body: &'a [u8],
    charset: Charset,
    page: Page,
    states: Vec<BlockState>,
    open: Vec<Open>,
    line: Pending,
}

/// Reads the lines between the tokens of `body`.
pub(super) fn read(body: &[u8], charset: Charset, tokens: Vec<Token>) -> Result<Page, HtmlFault> {
    // Room for all of an ordinary page: about every second token is a start tag, and few of them begin a block.
    let tags = tokens.len() / 2;
    let page = Page {
        text: String::with_capacity(body.len()),
        lines: Vec::with_capacity(tags),
        runs: Vec::with_capacity(tags),
        blocks: Vec::with_capacity(tags),
        ..Page::default()
    };
    let (states, open) = (Vec::with_capacity(tags), Vec::with_capacity(DEPTH_USUAL));
    let mut reader = Reader { body, charset, page, states, open, line: Pending::default() };
    let mut at = 0;
    for token in tokens {
        reader.gap(at..token.octets.start)?;
        at = token.octets.end;
        reader.token(token)?;
    }
    reader.gap(at..body.len())?;
    reader.end_line(None);
    Ok(reader.page)
}

impl Reader<'_> {
    fn top(&self) -> Open {
        self.open.last().copied().unwrap_or_default()
    }

    fn token(&mut self, token: Token) -> Result<(), HtmlFault> {
        match token.kind {
            Kind::Comment => {}
            Kind::End(name, role) => self.end_tag(name, role, Some(&token.octets)),
            Kind::Start(start) => match start.role {
                Role::Break if !self.is_hidden() => self.end_line(Some(&token.octets)),
                Role::Break | Role::Void => {}
                Role::Rule => {
                    self.imply_ends(&start);
                    self.end_line(None);
                }
                _ => return self.start_tag(*start, token.octets),
            },
        }
        Ok(())
    }

    fn is_hidden(&self) -> bool {
        let top = self.top();
        top.hidden || top.zero_font
    }

    /// The octets between two tokens: text, and end tags of elements that were not open.
    fn gap(&mut self, octets: Range<usize>) -> Result<(), HtmlFault> {
        let mut octets = octets;
        while !octets.is_empty() && !self.top().hidden {
            let Some((tag, name, role)) = stray_end_tag(self.body, octets.clone()) else { break };
            self.text(octets.start..tag.start)?;
            self.end_tag(name, role, None);
            octets.start = tag.end;
        }
        if self.is_hidden() { Ok(()) } else { self.text(octets) }
    }

    fn text(&mut self, octets: Range<usize>) -> Result<(), HtmlFault> {
        if octets.is_empty() || self.is_hidden() {
            return Ok(());
        }
        if !self.top().pre {
            return self.run(octets);
        }
        let mut from = octets.start;
        while let Some(end) = memchr::memchr(b'\n', &self.body[from..octets.end]).map(|n| from + n) {
            self.run(from..end)?;
            self.end_line(Some(&(end..end + 1)));
            from = end + 1;
        }
        self.run(from..octets.end)
    }

    /// Text without a visible line end in it.
    fn run(&mut self, octets: Range<usize>) -> Result<(), HtmlFault> {
        let octets = text::trim(self.body, octets);
        let start = self.page.text.len();
        let is_start = start == self.line.text_start;
        let gap = Gap { octets: &self.body[octets.outer.clone()], is_start };
        if !text::push(&gap, self.charset, &mut self.page.text) {
            return Err(HtmlFault::Undecodable);
        }
        if self.page.text.len() > start {
            self.page.runs.push(Run { text: start, octets: octets.outer });
        }
        if octets.inner.is_empty() {
            return Ok(());
        }
        match &mut self.line.octets {
            Some(seen) => seen.end = octets.inner.end,
            None => self.begin_line(octets.inner),
        }
        Ok(())
    }

    fn begin_line(&mut self, octets: Range<usize>) {
        let top = self.top();
        let is_structure = top.block.is_some_and(|i| self.states[i].is_structure);
        let mut place = Place {
            block: top.block,
            in_table_cell: top.in_cell,
            in_list: top.in_list,
            in_quote: top.in_quote,
            on_some_screens: top.on_some_screens,
            behind_break_before: self.line.behind_break.filter(|_| !is_structure),
            ..Place::default()
        };
        if let Some(index) = top.block.filter(|i| !self.states[*i].has_line && !top.in_anchor && !is_structure) {
            let block = &self.page.blocks[index];
            place.at_block_start = Some(block.start_tag.end);
            place.before_block = self.states[index].takes_siblings.then_some(block.start_tag.start);
        }
        (self.line.place, self.line.octets) = (place, Some(octets));
        self.line.in_signature = top.in_signature;
    }

    /// Ends the line, at a `<br>`, a line end of preformatted text or a block's edge. A second break makes a blank one.
    fn end_line(&mut self, at_break: Option<&Range<usize>>) {
        text::trim_end(&mut self.page.text, self.line.text_start);
        let behind = at_break.filter(|_| !self.top().in_anchor).map(|b| b.end);
        if let (None, Some(octets)) = (&self.line.octets, at_break) {
            self.begin_line(octets.start..octets.start);
        }
        if let Some(octets) = self.line.octets.take() {
            let mut place = std::mem::take(&mut self.line.place);
            place.behind_break_after = behind;
            if let Some(index) = place.block {
                place.behind_break_after = behind.filter(|_| !self.states[index].is_structure);
                self.states[index].has_line = true;
            }
            let text = self.line.text_start..self.page.text.len();
            self.page.lines.push(PageLine { text, octets, place, in_signature: self.line.in_signature });
        }
        self.line = Pending { text_start: self.page.text.len(), behind_break: behind, ..Pending::default() };
    }

    fn start_tag(&mut self, start: Start, octets: Range<usize>) -> Result<(), HtmlFault> {
        self.imply_ends(&start);
        let is_block = start.role == Role::Block;
        if is_block || start.history {
            self.end_line(None);
        }
        if start.history && !self.is_hidden() && !start.shown.hidden {
            self.page.history_from.get_or_insert(self.page.lines.len());
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(HtmlFault::TooDeep);
        }
        let mut open = self.inherit(&start);
        if let Some(url) = start.href.filter(|_| !open.hidden && !open.zero_font) {
            self.page.links.push((self.page.lines.len(), text::unescape(&url)));
        }
        if is_block {
            open.block = Some(self.page.blocks.len());
            let around = self.top();
            let parent = around.block.map_or("", |i| self.page.blocks[i].name);
            let takes_siblings = element::takes_siblings(start.name) && !around.in_anchor && !is_structure(parent);
            self.states.push(BlockState { has_line: false, takes_siblings, is_structure: is_structure(start.name) });
            self.page.blocks.push(Block {
                name: start.name,
                start_tag: octets,
                end_tag: None,
                style: start.style,
                margins: start.shown.margins,
                parent: around.block,
            });
        }
        if start.opens {
            self.open.push(open);
        }
        Ok(())
    }

    fn inherit(&self, start: &Start) -> Open {
        let top = self.top();
        let name = start.name;
        Open {
            name,
            is_block: start.role == Role::Block,
            hidden: top.hidden || start.shown.hidden,
            zero_font: start.shown.zero_font.unwrap_or(top.zero_font),
            pre: start.shown.pre.unwrap_or(top.pre),
            in_cell: top.in_cell || matches!(name, "td" | "th"),
            in_list: top.in_list || matches!(name, "li" | "dt" | "dd"),
            in_quote: top.in_quote || name == "blockquote",
            in_anchor: top.in_anchor || name == "a",
            in_signature: top.in_signature || start.signature,
            on_some_screens: top.on_some_screens || start.shown.varies,
            block: top.block,
        }
    }

    /// Closes what the start tag closes without an end tag, as an open `p` before a `div`.
    fn imply_ends(&mut self, start: &Start) {
        let ended = element::implied_ends(start.name, start.role);
        if ended.is_empty() {
            return;
        }
        let mut lowest = None;
        for (i, open) in self.open.iter().enumerate().rev() {
            if ended.contains(&open.name) {
                lowest = Some(i);
            } else if element::is_barrier(open.name, start.name) {
                break;
            }
        }
        if let Some(lowest) = lowest {
            self.close_from(lowest, None);
        }
    }

    fn end_tag(&mut self, name: &'static str, role: Role, octets: Option<&Range<usize>>) {
        let Some(index) = self.open.iter().rposition(|o| o.name == name) else {
            if role == Role::Block && !self.is_hidden() {
                self.end_line(None);
            }
            return;
        };
        if self.open[index].is_block || self.open[index..].iter().all(|o| !o.is_block) {
            return self.close_from(index, octets);
        }
        // An inline element that ends inside a block it did not begin in: the block goes on.
        self.open.remove(index);
    }

    /// Closes the open elements from `index` up; the end tag belongs to the one at `index`.
    fn close_from(&mut self, index: usize, end_tag: Option<&Range<usize>>) {
        while self.open.len() > index {
            let is_last = self.open.len() == index + 1;
            if self.top().is_block {
                self.end_line(None);
                self.close_block(end_tag.filter(|_| is_last).cloned());
            }
            self.open.pop();
        }
    }

    fn close_block(&mut self, end_tag: Option<Range<usize>>) {
        let top = self.top();
        let Some(index) = top.block else { return };
        if self.states[index].has_line
            && let Some(parent) = self.page.blocks[index].parent
        {
            self.states[parent].has_line = true;
        }
        let BlockState { takes_siblings, is_structure, .. } = self.states[index];
        if let (Some(end_tag), Some(line)) = (&end_tag, self.page.lines.last_mut())
            && line.place.block == Some(index)
            && !top.in_anchor
            && !is_structure
        {
            line.place.at_block_end = Some(end_tag.start);
            line.place.after_block = takes_siblings.then_some(end_tag.end);
        }
        self.page.blocks[index].end_tag = end_tag;
    }
}

/// Elements that hold nothing but rows, cells or items.
fn is_structure(name: &str) -> bool {
    matches!(name, "table" | "tbody" | "thead" | "tfoot" | "tr" | "ul" | "ol" | "dl" | "dir")
}

/// An end tag in text: the parser reports only those of open elements.
fn stray_end_tag(body: &[u8], octets: Range<usize>) -> Option<(Range<usize>, &'static str, Role)> {
    let text = &body[octets.clone()];
    memchr::memchr(b'<', text)?;
    let at = memmem::find_iter(text, b"</").find(|at| text.get(at + 2).is_some_and(u8::is_ascii_alphabetic))?;
    let end = memchr::memchr(b'>', &text[at..]).map_or(text.len(), |n| at + n + 1);
    let name = text[at + 2..end].split(|b| !b.is_ascii_alphanumeric()).next().unwrap_or_default();
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let (name, role) = element::known(&name);
    Some((octets.start + at..octets.start + end, name, role))
}
