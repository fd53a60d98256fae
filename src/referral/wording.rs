//! The words of the one line a candidate reads, and what to fall back to where a charset cannot write them.

use std::collections::BTreeMap;

use ring::digest;
use serde::{Deserialize, Serialize};

pub use super::language::Language;
pub use super::lead::{LEAD_CHARS_MAX, Lead, LeadFault, Slots};
use super::link::{LinkTemplate, LinkUrl};

/// The selection stage that a rejection ends.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Screening of documents.
    Document,
    /// An interview before the last.
    Interview,
    /// The last interview.
    Final,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Document, Self::Interview, Self::Final];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Interview => "interview",
            Self::Final => "final",
        }
    }
}

const ASCII: &str = "Career Relay (free, voluntary):";
const JA_WITHOUT_LINK: &str =
    "■ 弊社が提携する無料のキャリア支援サービス「キャリアリレー」のご案内（登録は任意です。名称で検索してください）";
const EN_WITHOUT_LINK: &str = "We would like to support your next step: free career support from our partner Career \
                               Relay (voluntary; please search for it by its name)";
const ASCII_WITHOUT_LINK: &str = "Career Relay (free, voluntary; please search for it by its name)";

/// SHA-256 of the record of the words that one mail may be given: the same for the same words, whenever and wherever.
pub type WordingDigest = [u8; 32];

/// The lead texts of one occasion. The link follows each on a line of its own.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Wording {
    ja: Box<str>,
    en: Box<str>,
    /// The company's own in other languages.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    others: BTreeMap<Language, Box<str>>,
    has_link: bool,
}

impl Default for Wording {
    fn default() -> Self {
        let lead = |language: Language| language.default_lead().into();
        Self { ja: lead(Language::Ja), en: lead(Language::En), others: BTreeMap::new(), has_link: true }
    }
}

impl Wording {
    /// The default wording with a company's own lead text in the languages where it gives one.
    ///
    /// # Errors
    /// The language of the first text that cannot be used, and why.
    pub fn parse(ja: Option<&str>, en: Option<&str>) -> Result<Self, WordingFault> {
        let lead = |language, text: Option<&str>| {
            let filled = text.map(|text| Slots::default().fill(text)).transpose();
            filled.map_err(|why| WordingFault { language, why })
        };
        Ok(Self::default().with(lead(Language::Ja, ja)?, lead(Language::En, en)?))
    }

    /// The words for where no link may stand: they tell the service's name.
    pub fn without_link() -> Self {
        let (ja, en) = (JA_WITHOUT_LINK.into(), EN_WITHOUT_LINK.into());
        Self { ja, en, others: BTreeMap::new(), has_link: false }
    }

    /// The same with these texts in place of its own.
    #[must_use]
    pub fn with(self, ja: Option<Lead>, en: Option<Lead>) -> Self {
        let or = |lead: Option<Lead>, before: Box<str>| lead.map_or(before, |lead| lead.0);
        Self { ja: or(ja, self.ja), en: or(en, self.en), ..self }
    }

    /// The same with this text in place of its own in a language beside Japanese and English.
    #[must_use]
    pub fn with_other(mut self, language: Language, lead: Lead) -> Self {
        self.others.insert(language, lead.0);
        self
    }

    /// The lead texts to try in turn: the company's own, the plainer default, and one in ASCII that always fits.
    pub fn candidates(&self, language: Language) -> [&str; 3] {
        let (plainer, ascii) = match (language, self.has_link) {
            (_, true) => (language.default_lead(), ASCII),
            (Language::Ja, false) => (JA_WITHOUT_LINK, ASCII_WITHOUT_LINK),
            // Carriers that drop links are those of Japan.
            (_, false) => (EN_WITHOUT_LINK, ASCII_WITHOUT_LINK),
        };
        let own: &str = match language {
            Language::Ja => &self.ja,
            Language::En => &self.en,
            _ => self.others.get(&language).map_or(plainer, |own| own),
        };
        [own, plainer, ascii]
    }

    /// The canonical record of what a mail in the language may be given: its lead texts in the order in which they are
    /// tried, a line each. No lead text holds a line end.
    pub fn record(&self, language: Language) -> String {
        self.pieces(language).concat()
    }

    /// SHA-256 of the record: which words a mail was given, for as long as anybody may ask.
    pub fn digest(&self, language: Language) -> WordingDigest {
        let mut context = digest::Context::new(&digest::SHA256);
        self.pieces(language).iter().for_each(|piece| context.update(piece.as_bytes()));
        let mut octets = [0; 32];
        octets.copy_from_slice(context.finish().as_ref());
        octets
    }

    fn pieces(&self, language: Language) -> [&str; 9] {
        let [own, plainer, ascii] = self.candidates(language);
        [
            "career-relay wording v1\nlanguage ",
            language.code(),
            "\nlead ",
            own,
            "\nlead ",
            plainer,
            "\nlead ",
            ascii,
            "\n",
        ]
    }
}

/// SHA-256 of a record as it is kept.
pub fn digest_of_record(record: &str) -> WordingDigest {
    let mut octets = [0; 32];
    octets.copy_from_slice(digest::digest(&digest::SHA256, record.as_bytes()).as_ref());
    octets
}

/// The language and the company's own words in a record, if it is one.
pub fn words_in_record(record: &str) -> Option<(&str, &str)> {
    let rest = record.strip_prefix("career-relay wording v1\nlanguage ")?;
    let (language, leads) = rest.split_once("\nlead ")?;
    Some((language, leads.lines().next()?))
}

/// A company's wordings: the plain one, those of stages that have one of their own, and that without a link.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Wordings {
    /// Where the stage is not known, or has none of its own.
    pub plain: Wording,
    /// In the order of [`Stage::ALL`].
    pub stages: [Option<Wording>; 3],
    /// Where no link may stand.
    pub without_link: Wording,
}

impl Default for Wordings {
    fn default() -> Self {
        Self { plain: Wording::default(), stages: [None, None, None], without_link: Wording::without_link() }
    }
}

impl From<Wording> for Wordings {
    fn from(plain: Wording) -> Self {
        Self { plain, ..Self::default() }
    }
}

impl Wordings {
    /// The wording of a stage, else the plain one.
    pub fn of(&self, stage: Option<Stage>) -> &Wording {
        let own = stage.and_then(|stage| Stage::ALL.iter().position(|s| *s == stage));
        own.and_then(|at| self.stages[at].as_ref()).unwrap_or(&self.plain)
    }

    /// Whether any stage has words of its own.
    pub fn has_stages(&self) -> bool {
        self.stages.iter().any(Option::is_some)
    }

    /// All that have a link.
    pub fn with_link(&self) -> impl Iterator<Item = &Wording> {
        std::iter::once(&self.plain).chain(self.stages.iter().flatten())
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
    fn every_language_has_words_of_its_own_that_name_the_service() {
        let wording = Wording::default();
        for (code, language) in Language::ALL {
            let [own, plainer, ascii] = wording.candidates(*language);
            assert_eq!((*code, own), (language.code(), plainer));
            assert!(own.contains("Career Relay") || own.contains("キャリアリレー"), "{own}");
            assert!(Slots::default().fill(own).is_ok(), "{own}");
            assert!(ascii.is_ascii());
        }
        let lead = Slots::default().fill("무료 안내 (자유):").unwrap_or_else(|fault| panic!("{fault}"));
        let [own, plainer, _] = wording.with_other(Language::Ko, lead).candidates(Language::Ko).map(str::to_owned);
        assert_eq!(own, "무료 안내 (자유):");
        assert!(plainer.contains("Career Relay"));
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
    fn each_stage_has_its_own_wording_or_the_plain_one() {
        let own = Wording::parse(Some("最終選考までお進みいただいた方へのご案内："), None).ok();
        let wordings = Wordings { stages: [None, None, own.clone()], ..Wordings::default() };
        assert_eq!(Some(wordings.of(Some(Stage::Final))), own.as_ref());
        for stage in [None, Some(Stage::Document), Some(Stage::Interview)] {
            assert_eq!(wordings.of(stage), &Wording::default());
        }
        let [ja, _, ascii] = wordings.without_link.candidates(Language::Ja);
        assert!(ja.contains("検索") && ascii.is_ascii() && !ascii.ends_with(':'));
    }

    #[test]
    fn words_are_known_by_their_digest_and_told_by_their_record() {
        let own = |text| Wording::parse(Some(text), None).unwrap_or_else(|e| panic!("{e}"));
        let (one, other) = (own("無料のご案内（任意です）："), own("無料のご案内（ご任意です）："));
        let digest = |wording: &Wording| wording.digest(Language::Ja);
        assert_eq!((digest(&one), digest_of_record(&one.record(Language::Ja))), (digest(&one.clone()), digest(&one)));
        let all = [digest(&one), digest(&other), digest(&Wording::default()), digest(&Wording::without_link())];
        for (at, digest) in all.iter().enumerate() {
            assert!(*digest != one.digest(Language::En) && !all[..at].contains(digest), "{at}");
        }
        let record = one.record(Language::Ja);
        assert_eq!(words_in_record(&record), Some(("ja", "無料のご案内（任意です）：")));
        assert_eq!(words_in_record("something else"), None);
    }

    #[test]
    fn a_fault_names_the_language_and_what_to_do() {
        let fault = Wording::parse(None, Some("x\ny")).map_err(|e| e.to_string());
        assert_eq!(fault, Err("wording in en: write it on one line, without control characters".to_owned()));
    }
}
