//! What the model looks at: runs of words, and the rules that were found, each by the bucket of its hash.

use super::fold::is_han;
use super::judge::Letter;
use super::reading::Reading;
use super::rules::{Kind, Rules};

/// Bits of a bucket's number.
const BUCKET_BITS: u32 = 16;
/// Buckets of weights; marks share them by their hash.
pub(super) const BUCKETS: usize = 1 << BUCKET_BITS;
/// Octets of folded text whose words are marks; what says whether a mail is a rejection stands before them.
const TEXT_OCTETS_MAX: usize = 6 * 1024;
/// Octets of a sentence whose words are marks: what it states stands before them, or it is no sentence.
const SENTENCE_OCTETS_MAX: usize = 600;
/// Longest runs of words that are marks, of a whole mail and of a sentence. A character of Japanese is a word.
const MAIL_WORDS_MAX: usize = 3;
const SENTENCE_WORDS_MAX: usize = 4;
/// What stands for the begin of a sentence.
const EDGE: u32 = 0x5bd1_e995;

/// What a hash begins with: words of the text, words of the subject, rules, runs of words.
const TEXT: u32 = 1;
const SUBJECT: u32 = 2;
const RULE: u32 = 3;
const RUN: u32 = 0x811c_9dc5;
/// What is mixed into the print of a rule that states something, and of one that does not.
const STATED: u32 = 1;
const NOT_STATED: u32 = 2;

/// The buckets of a text's marks: as often as each stands there.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks(pub(super) Vec<u32>);

/// Takes the marks of a text.
pub(super) trait Take {
    /// Marks of a sentence.
    fn of_sentence(&mut self, buckets: &[u32]);
    /// Marks of the mail that the sentence, or the subject, stands in.
    fn of_mail(&mut self, buckets: &[u32]);
}

impl Marks {
    /// The marks of the rules that were found in a mail, each once.
    pub fn of_rules(letter: &Letter<'_>) -> Self {
        let reading = letter.reading;
        let mut marks: Vec<u32> =
            (0..reading.hits.len()).filter_map(|index| mark_of_rule(reading, index, letter.rules)).collect();
        marks.sort_unstable();
        marks.dedup();
        Self(marks)
    }

    /// These marks and others.
    pub fn and(&self, others: &Self) -> Self {
        Self([&self.0[..], &others.0].concat())
    }
}

/// Hands on the marks of a sentence: its words, and the rules that were found in it. Gives a print of its words.
#[inline]
pub(super) fn read_sentence(reading: &Reading, number: usize, rules: &Rules, then: &mut impl Take) -> u32 {
    let start = reading.folded.sentences.get(number).map_or(usize::MAX, |sentence| sentence.start);
    let of_mail = TEXT_OCTETS_MAX.saturating_sub(start);
    let text = head(reading.folded.sentence(number), of_mail.max(SENTENCE_OCTETS_MAX));
    let mut runs = Runs::behind(EDGE);
    let mut print = EDGE;
    read_words(text, TEXT, |word, octets| {
        print = mix(print, word);
        runs.go_on(word);
        if octets <= SENTENCE_OCTETS_MAX {
            then.of_sentence(runs.newest(SENTENCE_WORDS_MAX, true));
        }
        if octets <= of_mail {
            then.of_mail(runs.newest(MAIL_WORDS_MAX, false));
        }
    });
    let from = reading.hits.partition_point(|hit| hit.sentence < number);
    let of_it = reading.hits.iter().skip(from).take_while(|hit| hit.sentence == number).count();
    (from..from + of_it).filter_map(|index| mark_of_rule(reading, index, rules)).for_each(|b| then.of_sentence(&[b]));
    print
}

/// Whether the sentence, and all behind it, stand too far behind to mark the mail.
pub(super) fn is_behind(reading: &Reading, number: usize) -> bool {
    reading.folded.sentences.get(number).is_none_or(|sentence| sentence.start >= TEXT_OCTETS_MAX)
}

/// Hands on the marks of the subject's words.
pub(super) fn read_subject(subject: &Reading, then: &mut impl Take) {
    for number in 0..subject.folded.sentences.len() {
        let mut runs = Runs::behind(EDGE);
        read_words(subject.folded.sentence(number), SUBJECT, |word, _| {
            runs.go_on(word);
            then.of_mail(runs.newest(MAIL_WORDS_MAX, false));
        });
    }
}

fn mark_of_rule(reading: &Reading, index: usize, rules: &Rules) -> Option<u32> {
    // What the model itself heard says nothing to it.
    let rule = reading.hits.get(index).and_then(|hit| rules.list.get(hit.rule)).filter(|rule| !rule.heard)?;
    let stated = rule.kind != Kind::Negative || reading.results.binary_search(&index).is_ok();
    Some(bucket(mix(rule.print, if stated { STATED } else { NOT_STATED })))
}

/// What a rule is known by among the marks.
pub(super) fn print_of(rule_id: &str) -> u32 {
    rule_id.bytes().fold(RULE, |print, octet| mix(print, u32::from(octet)))
}

/// The runs of words that end with the newest one: of one word, of two, and so on.
struct Runs {
    hashes: [u32; SENTENCE_WORDS_MAX],
    buckets: [u32; SENTENCE_WORDS_MAX],
    /// Words since the edge.
    words: usize,
}

impl Runs {
    fn behind(edge: u32) -> Self {
        let mut hashes = [0; SENTENCE_WORDS_MAX];
        hashes[0] = mix(RUN, edge);
        Self { hashes, buckets: [0; SENTENCE_WORDS_MAX], words: 0 }
    }

    /// Each run is that which ended with the word before, and this word.
    #[inline]
    fn go_on(&mut self, word: u32) {
        for longer in (1..SENTENCE_WORDS_MAX).rev() {
            self.hashes[longer] = mix(self.hashes[longer - 1], word);
        }
        self.hashes[0] = mix(RUN, word);
        for (slot, hash) in self.buckets.iter_mut().zip(self.hashes) {
            *slot = bucket(hash);
        }
        self.words += 1;
    }

    /// The buckets of the runs of at most so many words, and of that with the edge where it is within reach.
    #[inline]
    fn newest(&self, words_max: usize, with_edge: bool) -> &[u32] {
        let runs = (self.words + usize::from(with_edge)).min(words_max);
        self.buckets.get(..runs).unwrap_or(&self.buckets)
    }
}

/// Hands on the hash of each word of a text, and how many octets of the text end with it.
#[inline]
fn read_words(text: &str, seed: u32, mut then: impl FnMut(u32, usize)) {
    let mut word: Option<u32> = None;
    for (at, c) in text.char_indices() {
        if !is_single(c) && c.is_alphanumeric() {
            let c = if c.is_numeric() { '0' } else { c };
            word = Some(mix(word.unwrap_or(seed), u32::from(c)));
            continue;
        }
        if let Some(whole) = word.take() {
            then(whole, at);
        }
        if is_single(c) || !c.is_whitespace() {
            then(mix(seed, u32::from(c)), at + c.len_utf8());
        }
    }
    if let Some(whole) = word {
        then(whole, text.len());
    }
}

fn is_single(c: char) -> bool {
    is_han(c) || matches!(c, '\u{3041}'..='\u{30fe}' | '\u{ac00}'..='\u{d7a3}')
}

#[inline]
fn mix(hash: u32, more: u32) -> u32 {
    (hash ^ more).wrapping_mul(0x0100_0193).rotate_left(7)
}

/// Spreads a hash over all its bits, and takes the bucket's from it.
#[inline]
fn bucket(hash: u32) -> u32 {
    let hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    (hash ^ hash >> 16) >> (u32::BITS - BUCKET_BITS)
}

fn head(text: &str, octets_max: usize) -> &str {
    let end = (0..=octets_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}
