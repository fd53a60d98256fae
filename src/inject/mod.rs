//! The line, put into a rejection mail as pure insertions, or the reason why not. Nothing of the mail is written anew.

mod encode;
mod gap;
mod html;
mod look;
mod plain;
mod proof;
mod refusal;
mod shape;
mod sketch;
#[cfg(test)]
mod tests;
mod wrap;

use crate::mail::charset::{ends_in_ascii, ends_in_roman};
use crate::mail::edit::{Edit, Edits};
use crate::mail::html::HtmlFault;
use crate::mail::message::{Message, Part, Transfer};
use crate::mail::view::{LineKind, PassageKind, Span, TextKind, TextPart, View, ViewFault};
use crate::referral::link::LinkTemplate;
use crate::referral::wording::LineText;

use encode::Gap;
use html::HtmlSite;
use plain::PlainSite;
use proof::Change;

pub use refusal::Refusal;
pub use shape::shape_refusals;
pub use sketch::sketch;

/// What the placement turns on in a text part that carries the result, as spans of the view.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// What states the result: the line goes behind the paragraph in which it ends.
    pub result: Span,
    /// What begins the wishes or the closing behind it, in the same part.
    pub wishes: Option<Span>,
}

impl Target {
    /// That of lines of a part, by their numbers. `None` for lines that are not there.
    pub fn at_lines(view: &View, text_part: usize, result: usize, wishes: Option<usize>) -> Option<Self> {
        let wishes = wishes.and_then(|line| view.span_of_line(text_part, line));
        Some(Self { result: view.span_of_line(text_part, result)?, wishes })
    }
}

/// A target in lines of its part.
struct Turn {
    result_line: usize,
    closing_line: Option<usize>,
}

impl Turn {
    /// `None` where the result is no text of the part.
    fn of(target: &Target, part: &TextPart) -> Option<Self> {
        let Target { result, wishes } = target;
        let wishes = wishes.as_ref().filter(|wishes| wishes.text_part == result.text_part);
        Some(Self {
            result_line: part.line_at(result.text.end.checked_sub(1).filter(|last| *last >= result.text.start)?)?,
            closing_line: wishes.and_then(|wishes| part.line_at(wishes.text.start)),
        })
    }
}

/// What to do with a mail that came with a DKIM signature (RFC 6376), which the line would break.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SignedMail {
    /// Leave it untouched.
    #[default]
    Refuse,
    /// Edit it all the same: the company signs again behind us.
    Edit,
}

/// The edits that put the line into every part that carries the result.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Injected {
    /// Insertions into the original message, proven.
    pub edits: Edits,
    /// What was inserted where, for the log and for `explain`.
    pub inserted: Vec<Inserted>,
}

/// One inserted line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Inserted {
    /// The path of the part, such as `1.2`.
    pub path: String,
    /// The charset it was written in.
    pub charset: &'static str,
    /// Offset into the original message.
    pub offset: usize,
    /// How many octets were put there.
    pub octets: usize,
}

/// Puts the line into every target, all or nothing, and proves that nothing else changed.
///
/// # Errors
/// The reason for which the mail stays as it is.
pub fn line_edits(
    message: &Message<'_>,
    view: &View,
    targets: &[Target],
    line: &LineText<'_>,
    signed: SignedMail,
) -> Result<Injected, Refusal> {
    // A signature is no obstacle to a line that is there already.
    let is_present = view.parts.iter().any(|p| has_link(p, line.template));
    let allowed = |r: &Refusal| match r {
        Refusal::DkimSigned => is_present || signed == SignedMail::Edit,
        Refusal::Signed => is_present,
        _ => false,
    };
    if let Some(refusal) = shape_refusals(message).into_iter().find(|r| !allowed(r)) {
        return Err(refusal);
    }
    if let Some(unread) = view.unread.first() {
        return Err(Refusal::Unreadable(unread.fault));
    }
    if view.parts.iter().any(|p| memchr::memmem::find(&p.decoded.octets, shape::PGP_ARMOUR).is_some()) {
        return Err(Refusal::InlinePgp);
    }
    if is_present {
        return Err(Refusal::LinkPresent);
    }
    if view.parts.iter().any(|p| p.kind == TextKind::Html && shape::has_text_behind_end(&p.decoded.octets)) {
        return Err(Refusal::Unreadable(ViewFault::Html(HtmlFault::Ambiguous)));
    }
    let mut edits = Vec::with_capacity(targets.len());
    let mut changes = Vec::with_capacity(targets.len());
    let mut inserted = Vec::with_capacity(targets.len());
    for (i, target) in targets.iter().enumerate() {
        // One line in a part, however many lines of it state the result.
        let text_part = target.result.text_part;
        if targets[..i].iter().any(|t| t.result.text_part == text_part) {
            continue;
        }
        let part = view.parts.get(text_part).ok_or(Refusal::NoPlace)?;
        let mime = message.parts().get(part.part).ok_or(Refusal::NoPlace)?;
        let (edit, change) = edit_part(message, part, target, line).ok_or(Refusal::NoPlace)?;
        let (offset, octets) = (edit.at, edit.insert.len());
        inserted.push(Inserted { path: mime.path.clone(), charset: part.charset.name(), offset, octets });
        edits.push(edit);
        changes.push(change);
    }
    let edits = Edits::new(edits);
    if changes.is_empty() || edits.iter().count() != changes.len() {
        return Err(Refusal::NoPlace);
    }
    if !proof::holds(message, view, &edits, &changes) {
        return Err(Refusal::ProofFailed);
    }
    Ok(Injected { edits, inserted })
}

/// Whether the company's own link stands in the newest unquoted text, or behind words of it.
fn has_link(part: &TextPart, template: &LinkTemplate) -> bool {
    let newest = part.lines.iter().take_while(|l| l.kind != LineKind::Quotation).count();
    let links = part.links.iter().filter(|l| l.line < newest || newest == part.lines.len());
    (0..newest).any(|i| template.recognises(part.line(i)))
        || links.into_iter().any(|l| template.token_behind(&l.url).is_some())
}

/// The last line of the passage that states the result: the line goes behind it.
fn result_end(part: &TextPart, turn: &Turn) -> Option<usize> {
    let passages = part.passages(turn.result_line, turn.closing_line)?;
    passages.iter().find(|p| p.kind == PassageKind::Result).and_then(|p| p.lines.end.checked_sub(1))
}

/// The place in one part, whatever its kind.
enum Site {
    Plain(PlainSite),
    Html(HtmlSite),
}

/// The first way to write the line into the part that its charset and transfer encoding allow.
fn edit_part(message: &Message<'_>, part: &TextPart, target: &Target, line: &LineText<'_>) -> Option<(Edit, Change)> {
    let mime = message.parts().get(part.part)?;
    let turn = Turn::of(target, part)?;
    let site = match part.kind {
        TextKind::Plain => Site::Plain(plain::site(part, mime, &turn)?),
        TextKind::Html => Site::Html(html::site(part, &turn)?),
    };
    let writer = Writer { raw: message.raw(), part, mime, site };
    // Between two-octet characters of ISO-2022-JP nothing can be put.
    let (before, _) = part.decoded.octets.split_at_checked(writer.at())?;
    if !part.charset.is_ascii_compatible() && !ends_in_ascii(before) && !ends_in_roman(before) {
        return None;
    }
    line.leads().into_iter().find_map(|lead| writer.write(lead, line.url.as_str(), target.result.text_part))
}

/// The escapes of ISO-2022-JP to ASCII and to the Roman set of JIS X 0201.
const TO_ASCII: &[u8] = b"\x1b(B";
const TO_ROMAN: &[u8] = b"\x1b(J";

struct Writer<'a> {
    raw: &'a [u8],
    part: &'a TextPart,
    mime: &'a Part,
    site: Site,
}

impl Writer<'_> {
    fn at(&self) -> usize {
        match &self.site {
            Site::Plain(site) => site.at,
            Site::Html(site) => site.at,
        }
    }

    /// Whether only 7-bit octets may be put into the part.
    fn is_seven_bit(&self) -> bool {
        self.mime.transfer == Transfer::SevenBit && self.part.decoded.octets.is_ascii()
    }

    /// Whether the text around is in the Roman set of JIS X 0201, which must hold behind the line as well.
    fn is_roman(&self) -> bool {
        !self.part.charset.is_ascii_compatible() && ends_in_roman(&self.part.decoded.octets[..self.at()])
    }

    fn write(&self, lead: &str, url: &str, text_part: usize) -> Option<(Edit, Change)> {
        let spread = matches!(self.site, Site::Html(_)) && self.mime.transfer != Transfer::Base64;
        let variants = if spread { 2 } else { 1 };
        (0..variants).find_map(|variant| {
            let (at, insert) = self.turned(self.padded(lead, url, variant == 1)?);
            let edit = self.encode(at, &insert)?;
            Some((edit, Change { text_part, at, insert }))
        })
    }

    /// The same result from one octet further on, where base64 cannot cut the group in front of the place: markup that
    /// begins with the `<` that follows may as well end with it.
    fn turned(&self, mut insert: Vec<u8>) -> (usize, Vec<u8>) {
        let (at, octets) = (self.at(), &self.part.decoded.octets);
        let cuts = self.mime.transfer == Transfer::Base64 && !at.is_multiple_of(3);
        let turns = insert.first() == Some(&b'<') && octets.get(at) == Some(&b'<');
        if !cuts || !turns || octets[..at].last() == insert.last() {
            return (at, insert);
        }
        insert.rotate_left(1);
        (at + 1, insert)
    }

    /// The octets, a multiple of three where base64 needs that. On lines of their own if `spread` (HTML only).
    fn padded(&self, lead: &str, url: &str, spread: bool) -> Option<Vec<u8>> {
        let insert =
            self.compose(lead, url, 0).map(|o| if spread { [b"\r\n", &o[..], b"\r\n"].concat() } else { o })?;
        let pad = (3 - insert.len() % 3) % 3;
        if self.mime.transfer == Transfer::Base64 && pad > 0 { self.compose(lead, url, pad) } else { Some(insert) }
    }

    fn compose(&self, lead: &str, url: &str, pad: usize) -> Option<Vec<u8>> {
        let seven_bit = self.is_seven_bit();
        let octets = match &self.site {
            Site::Plain(site) => site.compose(&self.part.charset, lead, url, pad)?,
            Site::Html(site) => site.compose(&self.part.charset, seven_bit, (lead, url), pad),
        };
        let octets = if self.is_roman() { [TO_ASCII, &octets, TO_ROMAN].concat() } else { octets };
        (!seven_bit || octets.is_ascii()).then_some(octets)
    }

    fn encode(&self, at: usize, insert: &[u8]) -> Option<Edit> {
        let decoded = &self.part.decoded;
        let spot = decoded.spot(at)?;
        let raw = self.raw.get(..self.mime.body.end)?;
        let gap = Gap { raw, body: self.mime.body.start, at: spot.raw, eol: "\r\n" };
        match self.mime.transfer {
            Transfer::SevenBit | Transfer::EightBit | Transfer::Binary => encode::identity(gap, insert),
            Transfer::QuotedPrintable => encode::quoted_printable(gap, insert, |o| self.part.charset.char_octets(o)),
            Transfer::Base64 => {
                let before = decoded.octets.get(at.checked_sub(spot.phase)?..at)?;
                encode::base64(gap, before, insert, decoded.layout()?.line_chars)
            }
            Transfer::Unknown => None,
        }
    }
}
