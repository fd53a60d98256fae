//! A first look at undecided mail: whether its Japanese can be about applying at all, before its HTML is read.
//!
//! Most mail is ordinary, and reading HTML as a person sees it costs more than all else. Each phrase of recruiting
//! has a pair of characters that stands for it here; a Japanese text without any of them holds none of the phrases.
//! The look errs to one side only: what it is not sure of is read.

use aho_corasick::AhoCorasick;

use crate::mail::message::{Message, Part};
use crate::mail::transfer;

/// The marks of all recruiting phrases.
#[derive(Debug)]
pub(super) struct Gate(AhoCorasick);

impl Gate {
    /// Chooses a mark for each phrase: its first Chinese character and the next; where it has none, its longest word.
    pub(super) fn new<'a>(phrases: impl Iterator<Item = &'a str>) -> Result<Self, aho_corasick::BuildError> {
        let mut phrases: Vec<String> = phrases.flat_map(pieces).collect();
        phrases.sort_by_key(String::len);
        let mut marks: Vec<String> = Vec::new();
        for phrase in phrases {
            if !marks.iter().any(|mark| phrase.contains(mark.as_str())) {
                marks.push(mark_of(&phrase));
            }
        }
        AhoCorasick::builder().ascii_case_insensitive(true).build(&marks).map(Self)
    }

    /// Whether the mail has to be read: false only for Japanese in UTF-8 that holds no mark, in subject and text.
    pub(super) fn lets_through(&self, message: &Message<'_>) -> bool {
        if self.0.is_match(message.subject()) {
            return true;
        }
        let mut is_japanese = false;
        for part in message.parts().iter().filter(|part| part.is_inline_text()) {
            let Ok(decoded) = transfer::decode(part, message.raw()) else { return true };
            if !is_plainly_utf8(part) || is_veiled(&decoded.octets) || self.0.is_match(&decoded.octets) {
                return true;
            }
            is_japanese |= has_kana(&decoded.octets);
        }
        !is_japanese
    }
}

fn mark_of(phrase: &str) -> String {
    let is_ideograph = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    match phrase.find(is_ideograph) {
        Some(at) => phrase[at..].chars().take(2).collect(),
        None => phrase.split(' ').max_by_key(|word| word.len()).unwrap_or(phrase).to_lowercase(),
    }
}

/// Pieces of a phrase of which each spelling holds at least one: what stands outside its choices, else the choices of
/// its first group that leaves none open.
fn pieces(phrase: &str) -> Vec<String> {
    let (mut plain, mut groups, mut depth) = (String::new(), Vec::new(), 0u32);
    for c in phrase.chars() {
        match c {
            '(' => {
                depth += 1;
                groups.push(String::new());
            }
            ')' => depth = depth.saturating_sub(1),
            '~' if depth == 0 => plain.push(' '),
            _ if depth == 0 => plain.push(c),
            _ => groups.iter_mut().next_back().into_iter().for_each(|group| group.push(c)),
        }
    }
    let plain = plain.trim();
    let closed = groups.iter().find(|group| group.split('|').all(|choice| !choice.is_empty()));
    match (plain, closed) {
        ("", Some(group)) => group.split('|').map(str::to_owned).collect(),
        _ => vec![plain.to_owned()],
    }
}

fn is_plainly_utf8(part: &Part) -> bool {
    part.charset.as_deref().is_some_and(|label| label.eq_ignore_ascii_case("utf-8"))
}

/// Whether characters are written as references or as half-width or full-width forms, which folding would change.
fn is_veiled(octets: &[u8]) -> bool {
    let is_form = |rest: &[u8]| matches!(rest, [0xef, 0xbd | 0xbe, ..] | [0xef, 0xbc, 0xa1..=0xba, ..]);
    memchr::memmem::find(octets, b"&#").is_some() || memchr::memchr_iter(0xef, octets).any(|at| is_form(&octets[at..]))
}

/// Whether hiragana or katakana stand in it: U+3040 to U+30FF in UTF-8.
fn has_kana(octets: &[u8]) -> bool {
    memchr::memchr_iter(0xe3, octets).any(|at| matches!(octets.get(at + 1), Some(0x81..=0x83)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate::new(["応募", "面接にお越し", "エントリー", "cover letter", "当(社|園)への応募"].into_iter())
            .unwrap_or_else(|e| panic!("{e}"))
    }

    fn check(subject: &str, head: &str, body: &str, expected: bool) {
        let raw = format!("Subject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: {head}\r\n\r\n{body}\r\n");
        assert_eq!(gate().lets_through(&Message::read(raw.as_bytes())), expected, "{subject} {head} {body}");
    }

    #[test]
    fn japanese_without_any_mark_is_not_read_and_all_else_is() {
        let plain = "text/plain; charset=utf-8";
        check("x", plain, "資料をお送りします。", false);
        check("x", "text/html; charset=utf-8", "<p>資料をお送りします。</p>", false);
        check("x", plain, "ご応募ありがとう", true);
        check("x", plain, "Your COVER LETTER をどうも", true);
        check("=?utf-8?B?44Ko44Oz44OI44Oq44O8?=", plain, "資料をお送りします。", true);
        check("x", plain, "Thank you for the papers.", true);
        check("x", plain, "資料をｵ送りします。", true);
        check("x", plain, "資料を&#24540;送りします。", true);
        check("x", "text/plain; charset=shift_jis", "資料をお送りします。", true);
    }

    #[test]
    fn a_phrase_of_nothing_but_choices_gives_its_choices() {
        assert_eq!(pieces("(営業|事務)(職|)"), ["営業", "事務"]);
        assert_eq!(pieces("(ご|)(応募|申込)"), ["応募", "申込"]);
        assert_eq!(pieces("(当社|弊社)への応募"), ["への応募"]);
        assert_eq!(pieces("採用~見送"), ["採用 見送"]);
    }

    #[test]
    fn the_built_in_rules_leave_ordinary_mail_unread() {
        let head = "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
        let mail = format!("{head}議事録をお送りします。資料の確認をお願いします。\r\n");
        let rules = crate::classify::Rules::built_in();
        assert!(!rules.gate.lets_through(&Message::read(mail.as_bytes())));
    }

    #[test]
    fn every_phrase_has_a_mark_of_its_own_words() {
        for phrase in ["応募", "面接にお越し", "エントリー", "当社への応募"] {
            assert!(gate().0.is_match(phrase), "{phrase}");
        }
    }
}
