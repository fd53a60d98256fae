//! Finding the rules' phrases in folded text: one pass, gaps and exceptions resolved on the way.

use super::fold::Folded;
use super::rules::{Kind, Phrase, Rule, Rules};
use super::step::Step;
use super::tree::is_in_word;

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
        states: States { of_slots: vec![0; rules.slots()], seen: Vec::with_capacity(HITS_USUAL) },
        hits: Vec::with_capacity(HITS_USUAL),
        exceptions: Vec::with_capacity(HITS_USUAL),
        barrier: None,
    };
    let mut sentence = 0;
    rules.tree.find(&folded.text, |start, end, steps| {
        while folded.sentences.get(sentence + 1).is_some_and(|next| next.start < end) {
            sentence += 1;
        }
        scanner.take(steps, Hit { rule: 0, start, end, sentence });
    });
    scanner.settle()
}

/// For each step of each phrase with gaps, the newest words that matched it and all before it. Each text needs
/// thousands of them empty and has words for a few, so the empty ones are small.
struct States {
    /// For each slot nought, or the number of its words plus one.
    of_slots: Vec<u16>,
    seen: Vec<Seen>,
}

impl States {
    fn get(&self, slot: usize) -> Option<Seen> {
        let number = usize::from(*self.of_slots.get(slot)?).checked_sub(1)?;
        self.seen.get(number).copied()
    }

    fn set(&mut self, slot: usize, seen: Seen) {
        let Some(number) = self.of_slots.get_mut(slot) else { return };
        if let Some(held) = usize::from(*number).checked_sub(1).and_then(|at| self.seen.get_mut(at)) {
            *held = seen;
        } else if let Ok(next) = u16::try_from(self.seen.len() + 1) {
            // Rules with more slots than can be counted so are not compiled.
            *number = next;
            self.seen.push(seen);
        }
    }
}

/// Words that matched a step, and all before it.
#[derive(Clone, Copy)]
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
    states: States,
    hits: Vec<Hit>,
    exceptions: Vec<Hit>,
    /// Where the newest barrier begins.
    barrier: Option<usize>,
}

impl Scanner<'_> {
    fn take(&mut self, steps: &[Step], hit: Hit) {
        let goes_on = is_in_word(self.text, hit.end);
        for step in steps {
            if goes_on && !step.open {
                continue;
            }
            let Some(phrase) = self.rules.phrases.get(step.phrase()) else { continue };
            let mut whole = Hit { rule: phrase.rule as usize, ..hit };
            let number = step.number();
            let slot = usize::from(phrase.slot) + number;
            if number > 0 {
                let before = self.states.get(slot - 1);
                let Some(before) = before.filter(|before| self.is_near(*before, &hit, phrase)) else { continue };
                whole.start = before.start as usize;
            }
            if number + 1 < usize::from(phrase.steps) {
                // Of words that end alike the longest counts.
                if self.states.get(slot).is_none_or(|seen| seen.end as usize != whole.end) {
                    self.states.set(slot, Seen::of(&whole));
                }
            } else if phrase.excepts {
                self.exceptions.push(whole);
            } else if self.rules.list.get(whole.rule).is_some_and(|rule| rule.kind == Kind::Barrier) {
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
        let short = sentence == hit.sentence && end <= hit.start && hit.start - end <= usize::from(phrase.gap);
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
