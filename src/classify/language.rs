//! Which language a text is in, as far as the rules need to know.

use super::fold::Folded;
use super::reading::Reading;
use super::rules::Rules;

/// Octets of Latin text that are looked at.
const SAMPLE_OCTETS: usize = 1024;
/// Kana that make a text Japanese.
const KANA_MIN: usize = 5;
/// Recruiting weight that shows a text without kana to be Japanese: Chinese shares 不合格, but not 選考 or 応募.
const HAN_RECRUITING_MIN: u32 = 3;
/// Words of English that stand in every paragraph of it.
const ENGLISH: &[&str] = &["the", "to", "you", "your", "and", "for", "of", "we", "that", "with", "have", "are", "is"];

/// Whether the rules can read the text.
pub(super) fn is_supported(reading: &Reading, rules: &Rules) -> bool {
    let scripts = reading.folded.scripts;
    if scripts.kana >= KANA_MIN {
        return scripts.hangul <= scripts.kana;
    }
    if scripts.hangul > 0 || scripts.other > scripts.latin {
        return false;
    }
    if scripts.han > scripts.latin {
        return reading.recruiting >= HAN_RECRUITING_MIN && reading.strength(rules) > 0;
    }
    is_english(&reading.folded)
}

fn is_english(folded: &Folded) -> bool {
    let end = (0..=SAMPLE_OCTETS.min(folded.text.len())).rev().find(|end| folded.text.is_char_boundary(*end));
    let sample = folded.text.get(..end.unwrap_or(0)).unwrap_or("");
    let (mut words, mut english) = (0, 0);
    for word in sample.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        words += 1;
        english += usize::from(ENGLISH.contains(&word));
    }
    // Detecting by trigrams costs more than all else; running text of English is plain from its small words.
    words > 0 && english * 7 >= words || whatlang::detect_lang(sample) == Some(whatlang::Lang::Eng)
}
