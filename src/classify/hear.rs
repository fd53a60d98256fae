//! Hearing a no in a sentence that no rule knows: the model is asked of each sentence, and what it hears is a hint.

use super::marks::{is_behind, read_sentence, read_subject};
use super::model::Part;
use super::reading::{Reading, read_hits};
use super::rules::Rules;
use super::scan::Hit;

/// Points from which on a sentence is taken for one that may state the result.
const HEARD_POINTS: i64 = -50;
/// Sentences that are listened to; what tells a result stands before them.
const SENTENCES_MAX: usize = 80;
/// Points of a text without a sentence.
const SILENCE: i64 = -900;

/// What the model hears in a text.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    /// Points of the sentence that sounds most like a no.
    pub no: i64,
    /// Points of the one that sounds most like something better.
    pub better: i64,
    /// What all the words weigh, those of the subject too.
    pub words: Part,
    /// The sentences that may state the result, each by its number.
    sentences: Vec<usize>,
}

/// Listens to every sentence of a text, and takes down its words.
pub(super) fn hear(reading: &Reading, subject: &Reading, rules: &Rules) -> Heard {
    let mut heard = Heard { no: SILENCE, better: SILENCE, words: ([0; 2], 0), sentences: Vec::new() };
    let mut prints: Vec<u32> = Vec::with_capacity(SENTENCES_MAX);
    for number in 0..reading.folded.sentences.len() {
        let is_heard = number < SENTENCES_MAX;
        if !is_heard && is_behind(reading, number) {
            break;
        }
        let mut sum = rules.model.sum();
        let print = read_sentence(reading, number, rules, &mut sum);
        // What is said over and over is no surer.
        if prints.contains(&print) {
            continue;
        }
        prints.push(print);
        heard.words = both(heard.words, sum.of_mail);
        let (no, better) = if is_heard { rules.model.hear(sum.of_sentence) } else { (SILENCE, SILENCE) };
        (heard.no, heard.better) = (heard.no.max(no), heard.better.max(better));
        if no >= HEARD_POINTS {
            heard.sentences.push(number);
        }
    }
    let mut sum = rules.model.sum();
    read_subject(subject, &mut sum);
    heard.words = both(heard.words, sum.of_mail);
    heard
}

fn both(([a, b], some): Part, ([c, d], others): Part) -> Part {
    ([a + c, b + d], some + others)
}

impl Heard {
    /// The same text with hints where the model hears a no and no rule finds a result; `None` where nothing is new.
    pub fn add_to(&self, reading: &Reading, rules: &Rules) -> Option<Reading> {
        let of_rules = |sentence: usize| {
            let hits = reading.results.iter().filter_map(|index| reading.hits.get(*index));
            hits.into_iter().any(|hit| hit.sentence == sentence)
        };
        let new = self.sentences.iter().filter(|sentence| !of_rules(**sentence));
        let hint = |sentence: &usize| {
            let (start, end) = (reading.folded.sentences.get(*sentence)?.start, reading.folded.sentence_end(*sentence));
            let text = reading.folded.sentence(*sentence);
            let end = end - (text.len() - text.trim_end().len());
            Some(Hit { rule: rules.told_in(text)?, start, end, sentence: *sentence })
        };
        let heard: Vec<Hit> = new.filter_map(hint).collect();
        if heard.is_empty() {
            return None;
        }
        let mut hits = [reading.hits.clone(), heard].concat();
        hits.sort_by_key(|hit| hit.end);
        Some(read_hits(reading.folded.clone(), hits, rules))
    }
}
