//! Where the tags and comments of a part stand. `lol_html` finds them; nothing it would write is used.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use lol_html::html_content::{Element, EndTag};
use lol_html::{AsciiCompatibleEncoding, HtmlRewriter, Settings, doc_comments, doctype, element};
use memchr::memchr;

use super::HtmlFault;
use super::element::{self, Role};
use super::sheet::Sheet;
use super::style::{self, Shown};
use crate::mail::charset::Charset;

/// A tag, comment or doctype: everything that is not text.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) octets: Range<usize>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Start(Box<Start>),
    End(&'static str, Role),
    Comment,
}

/// A start tag.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) name: &'static str,
    pub(super) role: Role,
    pub(super) shown: Shown,
    pub(super) style: Option<String>,
    pub(super) href: Option<String>,
    pub(super) history: bool,
    pub(super) signature: bool,
    /// Whether an end tag is to be waited for.
    pub(super) opens: bool,
}

/// There is about one tag in so many octets of a page.
const TAG_OCTETS_USUAL: usize = 40;

type Found = Rc<RefCell<Vec<Token>>>;

/// Finds all tokens, in order.
pub(super) fn read(body: &[u8], charset: Charset) -> Result<Vec<Token>, HtmlFault> {
    let masked = if charset.is_ascii_compatible() { None } else { Some(mask(body)?) };
    let sheet = Sheet::read(masked.as_deref().unwrap_or(body), charset)?;
    let encoding = AsciiCompatibleEncoding::new(charset.markup_encoding()).ok_or(HtmlFault::Ambiguous)?;
    let found: Found = Rc::new(RefCell::new(Vec::with_capacity(body.len() / TAG_OCTETS_USUAL)));
    let (of_elements, of_comments, of_doctypes) = (Rc::clone(&found), Rc::clone(&found), Rc::clone(&found));
    let settings = Settings::new()
        .append_element_content_handler(element!("*", move |e| {
            take_element(&of_elements, e, body, &sheet);
            Ok(())
        }))
        .append_document_content_handler(doc_comments!(move |c| {
            push(&of_comments, c.source_location().bytes(), Kind::Comment);
            Ok(())
        }))
        .append_document_content_handler(doctype!(move |d| {
            push(&of_doctypes, d.source_location().bytes(), Kind::Comment);
            Ok(())
        }))
        .with_encoding(encoding);
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    rewriter.write(masked.as_deref().unwrap_or(body)).map_err(|_| HtmlFault::Ambiguous)?;
    rewriter.end().map_err(|_| HtmlFault::Ambiguous)?;
    let mut tokens = std::mem::take(&mut *found.borrow_mut());
    for token in &mut tokens {
        if let Kind::End(name, role) = &mut token.kind {
            (*name, *role) = named(body, &token.octets);
        }
    }
    // Of a page of frames some readers show the frames, and others what stands beside them.
    if tokens.iter().any(|t| matches!(&t.kind, Kind::Start(start) if start.name == "frameset")) {
        return Err(HtmlFault::Ambiguous);
    }
    let in_order = tokens.windows(2).all(|w| w[0].octets.end <= w[1].octets.start);
    let inside = tokens.last().is_none_or(|t| t.octets.end <= body.len());
    if in_order && inside { Ok(tokens) } else { Err(HtmlFault::Ambiguous) }
}

fn push(found: &Found, octets: Range<usize>, kind: Kind) {
    let mut tokens = found.borrow_mut();
    // One end tag may end several elements.
    if tokens.last().is_none_or(|t| t.octets != octets) {
        tokens.push(Token { octets, kind });
    }
}

/// The attributes that matter to reading.
#[derive(Default)]
struct Attributes {
    class: String,
    id: String,
    style: Option<String>,
    href: Option<String>,
    hidden: bool,
}

impl Attributes {
    /// Names are compared where they stand, which spares a text for each of the many that do not matter.
    fn of(e: &Element<'_, '_>, body: &[u8]) -> Self {
        let mut found = Self::default();
        for attribute in e.attributes() {
            let octets = attribute.name_source_location().and_then(|l| body.get(l.bytes())).unwrap_or_default();
            let is = |name: &str| octets.eq_ignore_ascii_case(name.as_bytes());
            if is("style") {
                found.style.get_or_insert_with(|| attribute.value());
            } else if is("href") {
                found.href.get_or_insert_with(|| attribute.value());
            } else if is("class") {
                found.class = attribute.value();
            } else if is("id") {
                found.id = attribute.value();
            } else {
                found.hidden |= is("hidden");
            }
        }
        found
    }
}

fn take_element(found: &Found, e: &mut Element<'_, '_>, body: &[u8], sheet: &Sheet) {
    let (name, role) = named(body, &e.source_location().bytes());
    let has_content = e.can_have_content();
    let Attributes { class, id, style, href, hidden } = Attributes::of(e, body);
    let of_sheet = sheet.shown(name, &class, &id);
    let mut shown = style.as_deref().map_or(of_sheet, |style| of_sheet.then(style::read(style)));
    shown.hidden |= hidden || role == Role::Hidden || element::marks_preheader(&class, &id);
    if name == "pre" {
        shown.pre = Some(true);
    }
    let start = Start {
        name,
        role,
        shown,
        style: style.filter(|_| role == Role::Block),
        href: href.filter(|_| name == "a"),
        history: name == "blockquote" || element::marks_history(&class, &id),
        signature: element::marks_signature(&class, &id),
        opens: has_content && matches!(role, Role::Block | Role::Inline | Role::Hidden),
    };
    let opens = start.opens;
    push(found, e.source_location().bytes(), Kind::Start(Box::new(start)));
    if let Some(handlers) = e.end_tag_handlers().filter(|_| opens) {
        let found = Rc::clone(found);
        handlers.push(Box::new(move |tag: &mut EndTag<'_>| {
            // Its name is read from the body when all tags are known.
            push(&found, tag.source_location().bytes(), Kind::End("", Role::Inline));
            Ok(())
        }));
    }
}

/// The name and role of the element whose start or end tag stands at these octets. A tag's name ends at white space, a
/// slash or the bracket (HTML 13.2.5.8).
fn named(body: &[u8], tag: &Range<usize>) -> (&'static str, Role) {
    let tag = body.get(tag.clone()).unwrap_or_default();
    let name = tag.strip_prefix(b"</").or_else(|| tag.strip_prefix(b"<")).unwrap_or_default();
    let end = name.iter().position(|b| matches!(b, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ' | b'/' | b'>'));
    let mut lower = [0; element::NAME_OCTETS_MAX];
    let Some(lower) = lower.get_mut(..end.unwrap_or(name.len())) else { return element::UNKNOWN };
    lower.copy_from_slice(&name[..lower.len()]);
    lower.make_ascii_lowercase();
    str::from_utf8(lower).map_or(element::UNKNOWN, element::known)
}

/// A copy in which nothing but ISO-2022-JP text in ASCII state can look like markup. Lengths stay.
fn mask(body: &[u8]) -> Result<Vec<u8>, HtmlFault> {
    let mut masked = body.to_vec();
    let mut at = memchr(0x1b, body).unwrap_or(body.len());
    while at < body.len() {
        let next = memchr(0x1b, &body[at + 1..]).map_or(body.len(), |n| at + 1 + n);
        let run = &body[at + 1..next];
        // Some readers take `<` among kana for one.
        if run.starts_with(b"(I") && memchr(b'<', run).is_some() {
            return Err(HtmlFault::Ambiguous);
        }
        // The Roman set of JIS X 0201 differs from ASCII in nothing that is markup.
        if !run.starts_with(b"(B") && !run.starts_with(b"(J") {
            masked[at..next].fill(0x80);
        }
        at = next;
    }
    Ok(masked)
}
