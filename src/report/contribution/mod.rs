//! The labour-market contribution report (雇用市場貢献レポート): what a company's referrals came to in a period.
//!
//! It is made of figures. Each says where it comes from, and one that has no source is not reported, never 0. What is
//! published is what small numbers were taken out of, and one checksum over it stands in every form.

mod csv;
mod figure;
mod json;
mod method;
mod page;
mod parts;
mod period;
mod read;
mod rows;
mod suppress;
#[cfg(test)]
mod tests;
mod text;
mod words;

pub use csv::csv;
pub use figure::{Figure, Input, Key, Measured, Proof, Reported, Source, Times, Unit, Value};
pub use json::json;
pub use page::page;
pub use period::{Period, PeriodFault};
pub use read::{Checked, Unreadable, check};
pub use suppress::Audience;
pub use text::text;

use crate::ledger::checksum;

/// What a hire is said to cost, as the company states it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reference {
    /// Yen for one hire.
    pub yen: u64,
    /// The year it is of, such as `FY2023`.
    pub year: String,
    /// Where it is from, in Japanese.
    pub source_ja: String,
    /// The same in English.
    pub source_en: String,
}

impl Default for Reference {
    /// What all licensed agencies of Japan took in a year over what they placed.
    fn default() -> Self {
        Self {
            yen: 946_000,
            year: "FY2023".to_owned(),
            source_ja: "職業紹介事業報告（2023年度、2025年3月公表）の手数料収入 8,326億円 ÷ 就職 約88万件\
                        （無料の紹介を含む件数による試算）"
                .to_owned(),
            source_en: "annual reports of licensed placement agencies in Japan for FY2023, published in March 2025: \
                        fees of 832.6 billion yen over about 880,000 placements, unpaid ones included (own division)"
                .to_owned(),
        }
    }
}

/// What the company says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stated {
    /// Its id.
    pub company: String,
    /// Its name in Japanese.
    pub name_ja: String,
    /// Its name in English.
    pub name_en: String,
    /// Why it gives the line, in its own words.
    pub purpose: String,
    /// What it takes for the cost of a hire.
    pub reference: Reference,
}

/// Where in its chain a ledger stood when it was asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Head {
    /// The number of the last entry that the figures stand on, 0 for none.
    pub entries: u64,
    /// Its hash, in hexadecimal.
    pub hash: String,
}

/// How far a ledger was looked at for what the operator had reported: he tells of a period also when it is over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ToldTo {
    /// The last entry.
    pub head: Head,
    /// How many totals of months.
    pub totals: u64,
}

/// A report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contribution {
    /// What the company says of itself.
    pub stated: Stated,
    /// The days it is about.
    pub period: Period,
    /// Whether the period was over.
    pub complete: bool,
    /// Who it is for, which decides how small a number may be.
    pub audience: Audience,
    /// The statement it stands on.
    pub head: Head,
    /// How far it was looked at for what the operator had reported; reports of before there was any say nothing.
    pub told: Option<ToldTo>,
    /// Which version of the program made it.
    pub program: String,
    /// The figures, in the order of their keys.
    pub figures: Vec<Figure>,
}

impl Contribution {
    /// One figure.
    pub fn figure(&self, key: Key) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.key == key)
    }

    /// What is shown of it.
    fn value(&self, key: Key) -> Value {
        self.figure(key).map_or(Value::NotReported, |figure| figure.value)
    }

    /// The canonical record: all that is published, whatever the form and the language.
    pub fn record(&self) -> String {
        rows::record(&rows::rows(self))
    }

    /// The checksum that stands in every form: SHA-256 of the record, in hexadecimal.
    pub fn checksum(&self) -> String {
        checksum(&self.record())
    }
}

/// What differs between what was published and what the ledger says now, in sentences; empty when nothing does.
pub fn compare(published: &Contribution, recomputed: &Contribution) -> Vec<String> {
    let mut differences = Vec::new();
    if published.head != recomputed.head {
        let (was, is) = (&published.head, &recomputed.head);
        differences.push(format!(
            "the statement head is entry {} {} in the report and entry {} {} in the ledger",
            was.entries, was.hash, is.entries, is.hash
        ));
    }
    if published.told != recomputed.told {
        let say = |told: &Option<ToldTo>| {
            told.as_ref().map_or("nothing".to_owned(), |ToldTo { head, totals }| {
                format!("entry {} {} and {totals} totals", head.entries, head.hash)
            })
        };
        let (was, is) = (say(&published.told), say(&recomputed.told));
        differences.push(format!("the operator's figures stand on {was} in the report and on {is} in the ledger"));
    }
    let keys = Key::ALL.into_iter().filter(|key| key.source() != Source::Stated);
    for key in keys {
        let (was, is) = (published.figure(key), recomputed.figure(key));
        if was != is {
            let shown = |figure: Option<&Figure>| {
                figure.map_or("nothing".to_owned(), |figure| format!("{} (n = {})", figure.value.say(), figure.n.say()))
            };
            let what = format!("{}: the report says {}, the ledger gives {}", key.code(), shown(was), shown(is));
            differences.push(what);
        }
    }
    differences
}
