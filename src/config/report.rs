//! What a company's file says for its contribution reports.

use super::finding::Wrong;
use super::reader::Section;
use super::values::{count, text};
use crate::pipeline::ReportTerms;
use crate::report::contribution::Reference;

/// The keys that say what a hire costs. A value without its year and source would be none.
const REFERENCE: [&str; 4] = ["reference_yen", "reference_year", "reference_source_ja", "reference_source_en"];

/// Reads `[report]`. A reference is taken whole: the value with its year and its source, or the built-in one.
pub(super) fn read(section: &Section<'_>) -> ReportTerms {
    let [yen, year, source_ja, source_en] = REFERENCE;
    let default = ReportTerms::default();
    let reference = Reference {
        yen: section.read(yen, default.reference.yen, count(1..=100_000_000)),
        year: section.read(year, default.reference.year, text(20)),
        source_ja: section.read(source_ja, default.reference.source_ja, text(300)),
        source_en: section.read(source_en, default.reference.source_en, text(300)),
    };
    let missing: Vec<&str> = REFERENCE.into_iter().filter(|key| !section.has(key)).collect();
    if let [first, ..] = missing[..]
        && missing.len() < REFERENCE.len()
    {
        let what = format!("a reference without {}", missing.join(", "));
        section.fault(first, Wrong::new(what, "say all four of a reference, or none to take the built-in one"));
    }
    let month = section.read("fiscal_year_from", default.fiscal_year_from.unsigned_abs(), count(1..=12));
    ReportTerms { fiscal_year_from: i8::try_from(month).unwrap_or(default.fiscal_year_from), reference }
}
