//! The rules of the languages beside Japanese and English: each set is compiled when the first mail of its language comes.
//!
//! Most gateways never see most of these languages, so what they do not see costs them no memory, and the words of one
//! language are never looked for in the text of another.

use std::sync::{Arc, OnceLock};

use unicode_normalization::UnicodeNormalization;

use super::rules::{Rules, RulesFault};
use super::verdict::Lang;
use super::words::Words;

/// Sets of rules, one for each language.
#[derive(Debug)]
pub(super) struct Others(Box<[Other]>);

#[derive(Debug)]
struct Other {
    language: Lang,
    text: &'static str,
    rules: OnceLock<Box<Rules>>,
}

macro_rules! files {
    ($($language:ident = $name:literal,)*) => {
        [$((Lang::$language, include_str!(concat!("../../config/rules/", $name, ".toml"))),)*]
    };
}

impl Others {
    /// None.
    pub fn none() -> Self {
        Self(Box::default())
    }

    /// Those that come with the program.
    pub fn built_in() -> Self {
        let files = files! {
            Ko = "ko",
            ZhHans = "zh",
            ZhHant = "zh",
            Vi = "vi",
            De = "de",
            Fr = "fr",
            Es = "es",
            Pt = "pt",
            It = "it",
            Ru = "ru",
            Nl = "nl",
            Sv = "sv",
            Pl = "pl",
            Id = "id",
            Tl = "tl",
            Th = "th",
        };
        let other = |(language, text)| Other { language, text, rules: OnceLock::new() };
        Self(files.map(other).into())
    }

    /// The rules of that language; `None` where there are none. The first call of each language compiles them.
    pub fn of(&self, language: Lang, words: &Arc<Words>) -> Option<&Rules> {
        let other = self.0.iter().find(|other| other.language == language)?;
        // A test compiles each of these texts: none of them has a fault in a build that passed it.
        if let Some(rules) = other.rules.get() {
            return Some(rules);
        }
        let rules = other.compile(words).ok()?;
        Some(other.rules.get_or_init(|| Box::new(rules)))
    }
}

impl Other {
    fn compile(&self, words: &Arc<Words>) -> Result<Rules, RulesFault> {
        let also = match self.language {
            Lang::ZhHant => traditional,
            Lang::De => without_umlauts,
            _ => without_accents,
        };
        Rules::parse_alone((self.language, self.text), also, Arc::clone(words))
    }
}

/// Characters of the rules, simplified and traditional by turns. Words that differ in more stand there in both ways.
const CHARACTERS: &str = "TABLE";

/// The same in traditional characters.
fn traditional(spelling: &str) -> Option<String> {
    let table: Vec<char> = CHARACTERS.chars().collect();
    let old = |c: char| table.chunks_exact(2).find(|pair| pair[0] == c).map_or(c, |pair| pair[1]);
    Some(spelling.chars().map(old).collect()).filter(|other| other != spelling)
}

/// The same as older systems and hurried hands write it.
fn without_accents(spelling: &str) -> Option<String> {
    let plain = |c: char| match c {
        'đ' => 'd',
        'ł' => 'l',
        'ø' => 'o',
        'ё' => 'е',
        _ if c.is_alphabetic() && c < '\u{250}' || matches!(c, '\u{1e00}'..='\u{1eff}') => c.nfd().next().unwrap_or(c),
        _ => c,
    };
    Some(spelling.chars().map(plain).collect()).filter(|other| other != spelling)
}

/// The same with ae, oe, ue and ss.
fn without_umlauts(spelling: &str) -> Option<String> {
    let plain = spelling.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue").replace('ß', "ss");
    Some(plain).filter(|other| other != spelling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_of_every_language_are_sound() {
        let words = Arc::new(Words::new().unwrap_or_else(|fault| panic!("{fault}")));
        let others = Others::built_in();
        for other in &others.0 {
            let rules = other.compile(&words).unwrap_or_else(|fault| panic!("{}: {fault}", other.language.code()));
            assert!(rules.list.len() >= 8, "{}: {} rules", other.language.code(), rules.list.len());
        }
        let served = others.0.len() + 2;
        assert_eq!(served, Lang::ALL.len(), "a language without a file of rules");
    }
}
