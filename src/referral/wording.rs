//! The words of the one line a candidate reads, and what to fall back to where a charset cannot write them.

use super::link::{LinkTemplate, LinkUrl};

/// The language of a rejection mail, and so of the line in it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Language {
    /// Japanese.
    Ja,
    /// English.
    En,
}

impl Language {
    /// `ja` or `en`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }
}

/// Longest lead text, in characters: a line, not a leaflet, and far below 998 octets in every charset.
pub const LEAD_CHARS_MAX: usize = 200;

const JA: &str = "■ 弊社が提携する無料のキャリア支援サービス「キャリアリレー」のご案内（登録は任意です）：";
const EN: &str =
    "We would like to support your next step: free career support from our partner Career Relay (voluntary):";
const ASCII: &str = "Career Relay (free, voluntary):";

/// A company's lead texts. The link follows each on a line of its own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wording {
    ja: Box<str>,
    en: Box<str>,
}

impl Default for Wording {
    fn default() -> Self {
        Self { ja: JA.into(), en: EN.into() }
    }
}

impl Wording {
    /// The default wording with a company's own lead text in the languages where it gives one.
    ///
    /// # Errors
    /// The language of the first text that cannot be used, and why.
    pub fn parse(ja: Option<&str>, en: Option<&str>) -> Result<Self, WordingFault> {
        let lead = |language, text: Option<&str>, default: &str| {
            let Some(text) = text else { return Ok(default.into()) };
            check_lead(text).map_err(|why| WordingFault { language, why }).map(|()| text.into())
        };
        Ok(Self { ja: lead(Language::Ja, ja, JA)?, en: lead(Language::En, en, EN)? })
    }

    /// The lead texts to try in turn: the company's own, the plainer default, and one in ASCII that always fits.
    pub fn candidates(&self, language: Language) -> [&str; 3] {
        match language {
            Language::Ja => [&self.ja, JA, ASCII],
            Language::En => [&self.en, EN, ASCII],
        }
    }
}

/// Why a lead text cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("wording in {}: {why}", language.code())]
pub struct WordingFault {
    /// Whose text it is.
    pub language: Language,
    /// What is wrong with it.
    pub why: LeadFault,
}

/// What is wrong with a lead text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LeadFault {
    /// Nothing to read in it, or blanks around it.
    #[error("write a text without blanks at its ends")]
    Blank,
    /// More than [`LEAD_CHARS_MAX`] characters.
    #[error("shorten it to {LEAD_CHARS_MAX} characters")]
    TooLong,
    /// Line ends, controls, or characters that hide or reorder text.
    #[error("write it on one line, without control characters")]
    Controls,
    /// A link, or a slot for one: the link follows by itself, once.
    #[error("leave the link out: it follows on a line of its own")]
    Link,
    /// Begins like a quotation, a signature delimiter or a mailbox separator.
    #[error("do not begin it with >, -, _ or From: mail readers take such lines for something else")]
    Opening,
}

fn check_lead(text: &str) -> Result<(), LeadFault> {
    let blank = |c: char| c.is_whitespace();
    let hides = |c: char| {
        let hidden =
            matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
        c.is_control() || hidden || c == '\u{feff}'
    };
    if text.is_empty() || text.starts_with(blank) || text.ends_with(blank) {
        return Err(LeadFault::Blank);
    }
    if text.chars().count() > LEAD_CHARS_MAX {
        return Err(LeadFault::TooLong);
    }
    if text.contains(hides) {
        return Err(LeadFault::Controls);
    }
    let lower = text.to_ascii_lowercase();
    if lower.contains("://") || lower.contains("www.") || text.contains("{url}") || text.contains("{token}") {
        return Err(LeadFault::Link);
    }
    let opens = text.starts_with(['>', '＞', '-', '_']) || text.starts_with("From ");
    if opens { Err(LeadFault::Opening) } else { Ok(()) }
}

/// The line of one mail: the company's words in the mail's language, its link, and how to know a link of its own.
#[derive(Clone, Debug)]
pub struct LineText<'a> {
    /// The words to choose from.
    pub wording: &'a Wording,
    /// The language of the mail.
    pub language: Language,
    /// The link of this referral.
    pub url: LinkUrl,
    /// The template of all links of the company, to know one that is there already.
    pub template: &'a LinkTemplate,
}

impl LineText<'_> {
    /// The lead texts to try in turn; the last is ASCII.
    pub fn leads(&self) -> [&str; 3] {
        self.wording.candidates(self.language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, why: LeadFault) {
        let fault = Wording::parse(Some(text), None).err();
        assert_eq!(fault, Some(WordingFault { language: Language::Ja, why }), "{text:?}");
    }

    #[test]
    fn the_default_lines_are_those_of_the_design() {
        let wording = Wording::default();
        let [ja, plainer, ascii] = wording.candidates(Language::Ja);
        assert_eq!(ja, "■ 弊社が提携する無料のキャリア支援サービス「キャリアリレー」のご案内（登録は任意です）：");
        assert_eq!((plainer, ascii), (ja, "Career Relay (free, voluntary):"));
        let [en, ..] = wording.candidates(Language::En);
        assert!(en.is_ascii() && en.starts_with("We would like to support your next step:"));
    }

    #[test]
    fn a_companys_own_words_come_first_and_the_defaults_stay_behind_them() {
        let wording = Wording::parse(Some("▶ 次の一歩に：無料のキャリア支援のご案内"), None);
        let wording = wording.unwrap_or_else(|e| panic!("{e}"));
        let [own, plainer, ascii] = wording.candidates(Language::Ja);
        assert_eq!(own, "▶ 次の一歩に：無料のキャリア支援のご案内");
        assert!(plainer.starts_with('■') && ascii.is_ascii());
    }

    #[test]
    fn words_that_would_do_harm_are_refused_with_a_remedy() {
        check("", LeadFault::Blank);
        check("　ご案内", LeadFault::Blank);
        check(&"あ".repeat(LEAD_CHARS_MAX + 1), LeadFault::TooLong);
        check("ご案内\r\nBcc: x@a.example", LeadFault::Controls);
        check("ご\u{202e}案内", LeadFault::Controls);
        check("ご案内 https://careerrelay.jp/", LeadFault::Link);
        check("ご案内 {url}", LeadFault::Link);
        check("-- ご案内", LeadFault::Opening);
        check("> ご案内", LeadFault::Opening);
        check("From us", LeadFault::Opening);
    }

    #[test]
    fn a_fault_names_the_language_and_what_to_do() {
        let fault = Wording::parse(None, Some("x\ny")).map_err(|e| e.to_string());
        assert_eq!(fault, Err("wording in en: write it on one line, without control characters".to_owned()));
    }
}
