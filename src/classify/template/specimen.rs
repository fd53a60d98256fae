//! One mail as a specimen of its template: its newest visible text, folded, masked and cut into words.

use super::super::fold::{Folded, fold, fold_phrase, is_han};
use super::super::language;
use super::super::reading::{Reading, read};
use super::super::rules::Rules;
use super::super::verdict::Lang;
use super::mask::Mask;
use super::{RESULTS_MAX, SEED, mix, spread};
use crate::classify::TEXT_OCTETS_MAX;
use crate::mail::view::{LineKind, TextPart, View};

/// Words that make a run.
const RUN_WORDS: usize = 4;
/// Hashes of the words of a sentence.
pub(in crate::classify) type Words = Vec<u64>;

/// A mail, read as one of a template.
#[derive(Debug)]
pub struct Specimen {
    pub(super) language: Lang,
    /// Index of the part in the view.
    pub(in crate::classify) part: usize,
    pub(in crate::classify) reading: Reading,
    /// Hashes of all runs of words, in order, each once.
    pub(super) shingles: Vec<u32>,
    /// The sentences by their numbers.
    pub(in crate::classify) sentences: Vec<(usize, Words)>,
    /// Those of them that state the result.
    pub(in crate::classify) results: Vec<(usize, Words)>,
    about: Option<u64>,
    excerpt: String,
}

/// Why a mail cannot be learnt.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SpecimenFault {
    /// No visible text, or one that cannot be read.
    #[error("no text that can be read")]
    NoText,
    /// More text than is read.
    #[error("more text than is read")]
    TooLong,
    /// No rule finds a result, and nobody has said where it stands.
    #[error("no sentence is known to state a result: name its words with --result")]
    NoResult,
    /// The words that were named do not stand in the text.
    #[error("the words of --result do not stand in the newest text")]
    WordsNotThere,
}

impl Specimen {
    /// Reads a mail. `words` are some of the sentence that states the result; without them the rules look for it.
    ///
    /// # Errors
    /// Why it cannot be one of a template.
    pub fn read(view: &View, words: Option<&str>, rules: &Rules) -> Result<Self, SpecimenFault> {
        let specimen = Self::of(view, rules)?;
        let folded = &specimen.reading.folded;
        let numbers = match words {
            Some(words) => {
                let words = fold_phrase(words);
                let at = folded.text.find(&words).filter(|_| !words.is_empty());
                let number = |at: usize| folded.sentences.partition_point(|s| s.start <= at) - 1;
                vec![at.map(number).ok_or(SpecimenFault::WordsNotThere)?]
            }
            None => specimen.stated(),
        };
        specimen.with_results(&numbers)
    }

    /// Reads a mail of which nobody says what it states: to be compared with templates.
    ///
    /// # Errors
    /// [`SpecimenFault::NoText`], [`SpecimenFault::TooLong`].
    pub(in crate::classify) fn of(view: &View, rules: &Rules) -> Result<Self, SpecimenFault> {
        let primary = view.primary().ok_or(SpecimenFault::NoText)?;
        let part = view.parts.iter().position(|p| std::ptr::eq(p, primary)).ok_or(SpecimenFault::NoText)?;
        let folded = fold_newest(primary);
        if folded.text.trim().is_empty() {
            return Err(SpecimenFault::NoText);
        }
        if folded.text.len() > TEXT_OCTETS_MAX {
            return Err(SpecimenFault::TooLong);
        }
        let mut mask = Mask::default();
        let sentences = sentences(&folded, &mut mask);
        let mut shingles: Vec<u32> = sentences.iter().flat_map(|(_, words)| shingles(words)).collect();
        shingles.sort_unstable();
        shingles.dedup();
        let language = if folded.scripts.kana > 0 { Lang::Ja } else { Lang::En };
        let rules = language::rules_for(&folded, rules);
        let language = rules.alone.unwrap_or(language);
        let reading = read(folded, rules);
        let main = reading.main_result(rules);
        let language = main.and_then(|hit| rules.list.get(hit.rule)).map_or(language, |rule| rule.language);
        let (results, about, excerpt) = (Vec::new(), mask.about(), String::new());
        Ok(Self { language, part, reading, shingles, sentences, results, about, excerpt })
    }

    /// The sentences in which the rules see a result.
    fn stated(&self) -> Vec<usize> {
        let hit = |index: &usize| self.reading.hits.get(*index).map(|hit| hit.sentence);
        let mut numbers: Vec<usize> = self.reading.results.iter().filter_map(hit).collect();
        numbers.dedup();
        numbers
    }

    fn with_results(mut self, numbers: &[usize]) -> Result<Self, SpecimenFault> {
        let stated = self.sentences.iter().filter(|(number, _)| numbers.contains(number));
        self.results = stated.take(RESULTS_MAX).cloned().collect();
        let first = numbers.first().filter(|_| !self.results.is_empty()).ok_or(SpecimenFault::NoResult)?;
        let folded = &self.reading.folded;
        let text = folded.sentences.get(*first).map(|s| s.start..folded.sentence_end(*first));
        self.excerpt = Mask::default().mask(text.and_then(|range| folded.text.get(range)).unwrap_or_default());
        Ok(self)
    }

    /// The same without what it says: hashes alone.
    pub(super) fn without_text(self) -> Self {
        Self { reading: Reading::default(), sentences: Vec::new(), excerpt: String::new(), ..self }
    }

    /// What tells the person it speaks to from another, and names nobody; `None` when it names none.
    pub fn about(&self) -> Option<u64> {
        self.about
    }

    /// The sentence that states the result in its folded spelling, with `○` for every name, number and address.
    pub fn excerpt(&self) -> String {
        self.excerpt.chars().map(|c| if is_mark(c) { '○' } else { c }).collect()
    }

    /// The runs of a sentence.
    pub(in crate::classify) fn shingles_of(&self, sentence: usize) -> impl Iterator<Item = u32> {
        self.sentences.iter().filter(move |(number, _)| *number == sentence).flat_map(|(_, words)| shingles(words))
    }
}

pub(in crate::classify) fn fold_newest(part: &TextPart) -> Folded {
    let is_newest = |kind: LineKind| matches!(kind, LineKind::Text | LineKind::Blank);
    let lines = part.lines.iter().enumerate().filter(|(_, line)| is_newest(line.kind));
    fold(lines.map(|(number, _)| (number, part.line(number))))
}

/// The words of each sentence of a text, masked.
pub(in crate::classify) fn sentences_of(folded: &Folded) -> Vec<(usize, Words)> {
    sentences(folded, &mut Mask::default())
}

fn sentences(folded: &Folded, mask: &mut Mask) -> Vec<(usize, Words)> {
    let text = |number: usize| {
        let start = folded.sentences.get(number)?.start;
        folded.text.get(start..folded.sentence_end(number))
    };
    let sentences = (0..folded.sentences.len()).map(|number| (number, words(&mask.mask(text(number).unwrap_or("")))));
    sentences.filter(|(_, words)| !words.is_empty()).collect()
}

/// A word is a run of letters, or one character where a script puts no blanks between words. Signs are none.
fn words(masked: &str) -> Words {
    let mut words = Vec::with_capacity(masked.len() / 3);
    let mut open: Option<u64> = None;
    for c in masked.chars() {
        if is_joined(c) {
            open = Some(mix(open.unwrap_or(SEED), c));
            continue;
        }
        words.extend(open.take().map(spread));
        if is_mark(c) || c.is_alphanumeric() {
            words.push(spread(mix(SEED, c)));
        }
    }
    words.extend(open.map(spread));
    words
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{e002}')
}

fn is_joined(c: char) -> bool {
    c == '\'' || c.is_alphanumeric() && !is_han(c) && !matches!(c, '\u{3041}'..='\u{30fe}' | '\u{e00}'..='\u{e7f}')
}

/// A hash of each run of words; a shorter sentence is one run.
fn shingles(words: &[u64]) -> impl Iterator<Item = u32> {
    words.windows(RUN_WORDS.min(words.len().max(1))).map(|run| {
        let hash =
            run.iter().fold(SEED, |hash, word| (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23));
        u32::try_from(spread(hash) >> 32).unwrap_or_default()
    })
}
