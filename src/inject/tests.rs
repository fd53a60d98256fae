//! The line in mails of every charset, transfer encoding and shape, and in none that it must not touch.

mod clients;
mod golden;
mod mail;
mod markup;
mod octets;
mod refusals;
mod shapes;

use super::*;
use crate::mail::charset::Charset;
use crate::mail::transfer;
use crate::referral::wording::{Language, Wording};

pub(super) const URL: &str = "https://careerrelay.jp/r/sakura-abcdefghijklmnopqrstuvwx23";

/// Marks of the result and of the closing in every text of these tests.
const RESULT: [&str; 2] = ["添いかねる", "not be moving forward"];
const CLOSING: [&str; 2] = ["末筆", "We wish"];

/// What the classifier would say of each text part.
pub(super) fn targets(view: &View) -> Vec<Target> {
    let find = |part: &TextPart, marks: [&str; 2]| {
        let newest = |i: &usize| matches!(part.lines[*i].kind, LineKind::Text);
        (0..part.lines.len()).filter(newest).find(|i| marks.iter().any(|m| part.line(*i).contains(m)))
    };
    let target = |(text_part, part): (usize, &TextPart)| {
        let result_line = find(part, RESULT)?;
        Target::at_lines(view, text_part, result_line, find(part, CLOSING))
    };
    view.parts.iter().enumerate().filter_map(target).collect()
}

/// Runs the whole of it with the default wording.
pub(super) fn inject(raw: &[u8], language: Language) -> Result<Injected, Refusal> {
    inject_with(raw, language, &Wording::default(), SignedMail::Refuse)
}

pub(super) fn inject_with(
    raw: &[u8],
    language: Language,
    wording: &Wording,
    signed: SignedMail,
) -> Result<Injected, Refusal> {
    let message = Message::read(raw);
    let view = View::read(&message);
    let template = LinkTemplate::parse("https://careerrelay.jp/r/{token}").unwrap_or_else(|e| panic!("{e}"));
    let url = template.url(&URL["https://careerrelay.jp/r/".len()..]).unwrap_or_else(|e| panic!("{e}"));
    let line = LineText { wording, language, url, template: &template };
    line_edits(&message, &view, &targets(&view), &line, signed)
}

/// The decoded text of every inline text part.
pub(super) fn texts(raw: &[u8]) -> Vec<String> {
    let message = Message::read(raw);
    let text = |part: &Part| {
        let octets = transfer::decode(part, raw).unwrap_or_else(|e| panic!("{e}")).octets;
        let charset = Charset::from_label(part.charset.as_deref(), &octets).unwrap_or_else(|e| panic!("{e}"));
        charset.decode_line(&octets).unwrap_or_else(|| panic!("undecodable {}", part.path)).into_owned()
    };
    message.parts().iter().filter(|p| p.is_inline_text()).map(text).collect()
}

/// No line grows over what mail may carry, and encoded lines stay within 76 characters.
pub(super) fn check_lines(raw: &[u8], edits: &Edits) {
    let output = edits.apply(raw);
    for line in output.split(|b| *b == b'\n') {
        assert!(line.len() <= encode::LINE_OCTETS_MAX + 1, "a line of {} octets", line.len());
    }
}
