//! A company's own words for each language and stage, and what stands in their slots.

use super::finding::Wrong;
use super::lint::{self, Words};
use super::reader::Section;
use super::values::{self, quoted, text};
use crate::pipeline::LaterWordings;
use crate::referral::carrier::CarrierMail;
use crate::referral::wording::{Language, Lead, Slots, Stage, Wording, Wordings};

/// The languages that have default words for every occasion.
const LANGUAGES: [(&str, Language); 2] = [("ja", Language::Ja), ("en", Language::En)];

/// What the law on advertising mail asks to be told, where the company holds that it applies.
#[derive(Default)]
pub(super) struct SenderBlock {
    required: bool,
    operator: Option<String>,
    optout: Option<String>,
    postal_address: Option<String>,
    contact: Option<String>,
}

impl SenderBlock {
    /// Reads `[sender_block]`.
    pub(super) fn read(section: &Section<'_>) -> Self {
        let block = Self {
            required: section.read("required", false, values::switch),
            operator: section.optional("operator", text(100)),
            optout: section.optional("optout", |value| {
                let text = quoted(value, "\"https://careerrelay.jp/stop\"")?;
                lint::optout(text).map(|()| text.to_owned())
            }),
            postal_address: section.optional("postal_address", text(100)),
            contact: section.optional("contact", text(100)),
        };
        for key in ["operator", "optout", "postal_address", "contact"] {
            if block.required && !section.has_text(key) {
                let what = "empty, while sender_block.required asks for it";
                section.fault(key, Wrong::new(what, "say it here, or set required = false"));
            }
        }
        block
    }

    fn slots(&self) -> Slots<'_> {
        Slots {
            optout: self.optout.as_deref(),
            operator: self.operator.as_deref(),
            postal_address: self.postal_address.as_deref(),
            contact: self.contact.as_deref(),
        }
    }
}

/// What the words of a company depend on beside their own text.
pub(super) struct Around<'a> {
    /// What stands in their slots.
    pub(super) block: &'a SenderBlock,
    /// The languages that get a line.
    pub(super) languages: &'a [Language],
    /// What candidates of carriers get that filter links.
    pub(super) carrier_mail: CarrierMail,
}

/// Reads `[wording]`, or each `[[wording]]` with the day it comes into force on: the plain words, those of stages, and
/// those without a link. Gives the words of the beginning, and those that come later.
pub(super) fn read(top: &Section<'_>, around: &Around<'_>) -> (Wordings, Vec<LaterWordings>) {
    let (mut first, mut later) = (None, Vec::<LaterWordings>::new());
    for section in top.one_or_more("wording") {
        let from = section.optional("from", values::date);
        let wordings = read_set(&section, around);
        match (from, &first) {
            (None, None) => first = Some(wordings),
            (None, Some(_)) if !section.has_text("from") => {
                let remedy = "add from = 2026-12-01, the first day they are in force";
                section.fault("from", Wrong::new("words behind others, without a day", remedy));
            }
            (None, Some(_)) => {}
            (Some(from), _) => {
                if let Some(before) = later.last().filter(|before| before.from >= from) {
                    let what = format!("words of {from} behind those of {}", before.from);
                    section
                        .fault("from", Wrong::new(what, "let each come into force on a later day than the one above"));
                }
                if first.is_none() && around.block.required {
                    let what = format!("until {from} the default words hold, which name no way to refuse");
                    section.fault("from", Wrong::new(what, "put the words of now above, without from"));
                }
                first = first.or_else(|| Some(Wordings::default()));
                later.push(LaterWordings { from, wordings });
            }
        }
    }
    (first.unwrap_or_default(), later)
}

fn read_set(section: &Section<'_>, around: &Around<'_>) -> Wordings {
    let Around { block, languages, carrier_mail } = *around;
    let plain = read_one(section, Wording::default(), block);
    let stages = Stage::ALL.map(|stage| {
        let own = read_one(&section.section(stage.code()), plain.clone(), block);
        section.has(stage.code()).then_some(own)
    });
    let no_link = section.section("without_link");
    let without_link = read_one(&no_link, Wording::without_link(), block);
    // The default words name no way to refuse.
    for (key, language) in Language::ALL.iter().filter(|(_, language)| block.required && languages.contains(language)) {
        if !section.has_text(key) {
            require_own(section, key, *language);
        }
        if carrier_mail == CarrierMail::TextOnly && !no_link.has_text(key) {
            require_own(&no_link, key, *language);
        }
    }
    Wordings { plain, stages, without_link }
}

fn require_own(section: &Section<'_>, key: &str, language: Language) {
    let what =
        format!("the default words in {} name no way to refuse, and the law's block is required", language.code());
    section.fault(key, Wrong::new(what, "write words with {optout} in them"));
}

/// The words of one occasion; where none are given those of `base`.
pub(super) fn read_one(section: &Section<'_>, base: Wording, block: &SenderBlock) -> Wording {
    let [ja, en] = LANGUAGES.map(|(key, language)| read_lead(section, (key, language), block));
    let others = Language::ALL.iter().filter(|of| !LANGUAGES.contains(of));
    others.fold(base.with(ja, en), |words, (key, language)| match read_lead(section, (key, *language), block) {
        Some(lead) => words.with_other(*language, lead),
        None => words,
    })
}

fn read_lead(section: &Section<'_>, (key, language): (&'static str, Language), block: &SenderBlock) -> Option<Lead> {
    let (raw, lead) = section.optional(key, |value| {
        let raw = quoted(value, "\"…\"")?;
        let filled = block.slots().fill(raw);
        let filled = filled.map_err(|why| Wrong::new("the line cannot be worded so", why.to_string()));
        filled.map(|lead| (raw.to_owned(), lead))
    })?;
    let operator = block.operator.as_deref();
    let words = Words { section, key, language, text: lead.as_str(), raw: &raw, operator };
    words.lint();
    if block.required {
        words.lint_refusal();
    }
    if lint::runs_on(&raw) {
        let what = "what follows {optout} at once is taken into the link by some mail programs";
        section.warn(key, Wrong::new(what, "put a blank behind {optout}"));
    }
    Some(lead)
}
