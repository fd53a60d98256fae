//! Finding the rules' phrases in folded text: one pass, gaps and exceptions resolved on the way.

use super::fold::Folded;
use super::rules::{Kind, Phrase, Rule, Rules};

/// Hits of an ordinary mail: room for so many is made at once.
const HITS_USUAL: usize = 32;

/// Words of one rule in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    /// Index into the rules.
    pub rule: usize,
    pub start: usize,
    pub end: usize,
    pub sentence: usize,
}

/// All hits in order of their ends, without those an exception covers.
pub(super) fn scan(folded: &Folded, rules: &Rules) -> Vec<Hit> {
    let mut scanner = Scanner {
        text: &folded.text,
        rules,
        states: vec![Seen::default(); rules.slots()],
        hits: Vec::with_capacity(HITS_USUAL),
        exceptions: Vec::with_capacity(HITS_USUAL),
        barrier: None,
    };
    let mut sentence = 0;
    for found in rules.automaton.find_overlapping_iter(&folded.text) {
        while folded.sentences.get(sentence + 1).is_some_and(|next| next.start < found.end()) {
            sentence += 1;
        }
        let (start, end) = (found.start(), found.end());
        if !is_in_word(&folded.text, start) {
            scanner.take(found.pattern().as_usize(), Hit { rule: 0, start, end, sentence });
        }
    }
    scanner.settle()
}

/// Words that matched a step, and all before it; those of a step not yet seen end at nought. Each mail needs hundreds
/// of them empty, so they are small.
#[derive(Clone, Copy, Default)]
struct Seen {
    start: u32,
    end: u32,
    sentence: u32,
}

impl Seen {
    fn of(hit: &Hit) -> Self {
        // No text that is read is so long; a place beyond would be near to nothing.
        let place = |octets: usize| u32::try_from(octets).unwrap_or(u32::MAX);
        Self { start: place(hit.start), end: place(hit.end), sentence: place(hit.sentence) }
    }
}

struct Scanner<'r> {
    text: &'r str,
    rules: &'r Rules,
    /// For each step of each phrase with gaps, the newest text that matched it and all before it.
    states: Vec<Seen>,
    hits: Vec<Hit>,
    exceptions: Vec<Hit>,
    /// Where the newest barrier begins.
    barrier: Option<usize>,
}

impl Scanner<'_> {
    fn take(&mut self, pattern: usize, hit: Hit) {
        let goes_on = is_in_word(self.text, hit.end);
        for step in self.rules.uses.of(pattern) {
            if goes_on && !step.open {
                continue;
            }
            let Some(phrase) = self.rules.phrases.get(step.phrase()) else { continue };
            let mut whole = Hit { rule: phrase.rule, ..hit };
            let number = step.number();
            if number > 0 {
                let before = self.states.get(phrase.slot + number - 1).filter(|before| before.end > 0);
                let Some(before) = before.filter(|b| self.is_near(**b, &hit, phrase)) else { continue };
                whole.start = before.start as usize;
            }
            if number + 1 < phrase.steps {
                // Of words that end alike the longest counts.
                let state = self.states.get_mut(phrase.slot + number);
                if let Some(state) = state.filter(|state| state.end as usize != whole.end) {
                    *state = Seen::of(&whole);
                }
            } else if phrase.excepts {
                self.exceptions.push(whole);
            } else if self.rules.list.get(phrase.rule).is_some_and(|rule| rule.kind == Kind::Barrier) {
                self.barrier = Some(whole.start);
            } else {
                self.hits.push(whole);
            }
        }
    }

    /// A gap is short, stays in its sentence, and holds neither a barrier nor a Latin comma: behind one, English speaks
    /// of something else.
    fn is_near(&self, before: Seen, hit: &Hit, phrase: &Phrase) -> bool {
        let (end, sentence) = (before.end as usize, before.sentence as usize);
        let short = sentence == hit.sentence && end <= hit.start && hit.start - end <= phrase.gap;
        let parted = || phrase.stops && self.barrier.is_some_and(|at| at >= end && at < hit.start);
        short && !parted() && !self.text.get(end..hit.start).is_none_or(|gap| gap.contains(','))
    }

    fn settle(self) -> Vec<Hit> {
        let mut covers = Covers::over(self.exceptions);
        let mut hits = self.hits;
        hits.retain(|hit| !covers.cover(hit, true));
        let stated = |rule: &Rule| rule.kind == Kind::Negative && rule.weight > 0;
        let negative = |hit: &&Hit| self.rules.list.get(hit.rule).is_some_and(stated);
        let mut results = Covers::over(hits.iter().filter(negative).copied().collect());
        hits.retain(|hit| {
            let yields =
                self.rules.list.get(hit.rule).is_some_and(|rule| matches!(rule.kind, Kind::Veto(_)) && !rule.firm);
            !(yields && results.cover(hit, false))
        });
        hits
    }
}

/// Ranges in order of their ends, asked in order of ends: each question looks only at what is near.
struct Covers {
    ranges: Vec<Hit>,
    from: usize,
}

impl Covers {
    fn over(ranges: Vec<Hit>) -> Self {
        Self { ranges, from: 0 }
    }

    /// Whether a range (of the same rule, if asked) holds all of `hit`.
    fn cover(&mut self, hit: &Hit, same_rule: bool) -> bool {
        while self.ranges.get(self.from).is_some_and(|range| range.end < hit.end) {
            self.from += 1;
        }
        let later = self.ranges.iter().skip(self.from).take_while(|range| range.sentence == hit.sentence);
        // What covers the hit ends within the longest phrase of it; the count bounds a text made of nothing but hits.
        later.take(32).any(|range| range.start <= hit.start && (!same_rule || range.rule == hit.rule))
    }
}

/// Whether a word of an alphabet goes on across the offset: such words match whole, or by a stem that says so.
fn is_in_word(text: &str, at: usize) -> bool {
    let (Some(before), Some(behind)) = (text.get(..at), text.get(at..)) else { return false };
    is_letter_of_word(behind.chars().next()) && is_letter_of_word(before.chars().next_back())
}

/// Letters and digits of Latin, Greek and Cyrillic words, which blanks keep apart.
fn is_letter_of_word(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '\u{c0}'..='\u{52f}' | '\u{1e00}'..='\u{1eff}'))
}
