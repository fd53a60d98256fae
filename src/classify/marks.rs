//! What the model looks at: runs of words, and the rules that were found, each by the bucket of its hash.

use super::fold::is_han;
use super::judge::Letter;
use super::reading::Reading;
use super::rules::{Kind, Rules};

/// Bits of a bucket's number.
const BUCKET_BITS: u32 = 18;
/// Buckets of weights; marks share them by their hash.
pub(super) const BUCKETS: usize = 1 << BUCKET_BITS;
/// Octets of folded text whose words are marks; what says whether a mail is a rejection stands before them.
const TEXT_OCTETS_MAX: usize = 6 * 1024;
/// Octets of a sentence whose words are marks: what it states stands before them, or it is no sentence.
const SENTENCE_OCTETS_MAX: usize = 600;
/// Longest runs of words that are marks, of a whole text and of a sentence. A character of Japanese is a word.
const RUN_WORDS_MAX: (usize, usize) = (3, 5);
/// What stands for the begin and the end of a sentence.
const EDGE: u32 = 0x5bd1_e995;

/// What a hash begins with: words of the text, words of the subject, rules that state something, rules that do not.
const TEXT: u32 = 1;
const SUBJECT: u32 = 2;
const STATED: u32 = 3;
const NOT_STATED: u32 = 4;

/// The buckets of a text's marks, each once.
#[derive(Clone, Debug)]
pub(super) struct Marks(pub(super) Vec<u32>);

impl Marks {
    /// The marks of the words of a mail that was read, whatever the rules make of them.
    pub fn of_words(letter: &Letter<'_>) -> Self {
        let mut marks = Once { buckets: Vec::with_capacity(2048), seen: vec![0; BUCKETS / 64] };
        let mut add = |bucket| marks.add(bucket);
        let (longest, _) = RUN_WORDS_MAX;
        Runs::new(longest, TEXT, &mut add).read(head(&letter.reading.folded.text, TEXT_OCTETS_MAX));
        Runs::new(longest, SUBJECT, &mut add).read(head(&letter.subject.folded.text, TEXT_OCTETS_MAX));
        Self(marks.buckets)
    }

    /// The marks of the rules that were found in a mail.
    pub fn of_rules(letter: &Letter<'_>) -> Self {
        let mut marks = Vec::with_capacity(letter.reading.hits.len());
        for index in 0..letter.reading.hits.len() {
            add_rule(letter.reading, index, letter.rules, &mut |bucket| marks.push(bucket));
        }
        marks.sort_unstable();
        marks.dedup();
        Self(marks)
    }

    /// These marks and others.
    pub fn and(&self, others: &Self) -> Self {
        Self([&self.0[..], &others.0].concat())
    }

    /// The marks of one of the sentences of a text, each once: what is said over and over is no surer.
    pub fn of_sentence(reading: &Reading, sentence: usize, rules: &Rules) -> Self {
        let mut marks = Vec::with_capacity(512);
        let add = &mut |bucket| marks.push(bucket);
        let (_, longest) = RUN_WORDS_MAX;
        let mut runs = Runs::new(longest, TEXT, add);
        runs.end_word(EDGE);
        runs.read(head(reading.folded.sentence(sentence), SENTENCE_OCTETS_MAX));
        runs.end_word(EDGE);
        let from = reading.hits.partition_point(|hit| hit.sentence < sentence);
        let of_sentence = reading.hits.iter().enumerate().skip(from).take_while(|(_, hit)| hit.sentence == sentence);
        of_sentence.for_each(|(index, _)| add_rule(reading, index, rules, add));
        marks.sort_unstable();
        marks.dedup();
        Self(marks)
    }
}

fn add_rule(reading: &Reading, index: usize, rules: &Rules, add: &mut impl FnMut(u32)) {
    let Some(rule) = reading.hits.get(index).and_then(|hit| rules.list.get(hit.rule)) else { return };
    // What the model itself heard says nothing to it.
    if rule.heard {
        return;
    }
    let stated = rule.kind != Kind::Negative || reading.results.binary_search(&index).is_ok();
    add(bucket(rule.id.bytes().fold(if stated { STATED } else { NOT_STATED }, mix)));
}

/// Takes each bucket once.
struct Once {
    buckets: Vec<u32>,
    seen: Vec<u64>,
}

impl Once {
    fn add(&mut self, bucket: u32) {
        let Some(seen) = self.seen.get_mut(bucket as usize / 64) else { return };
        if *seen & 1 << (bucket % 64) == 0 {
            *seen |= 1 << (bucket % 64);
            self.buckets.push(bucket);
        }
    }
}

/// Hands on every run of words of a text.
struct Runs<'a, F> {
    last: [u32; 5],
    known: usize,
    longest: usize,
    seed: u32,
    add: &'a mut F,
}

impl<'a, F: FnMut(u32)> Runs<'a, F> {
    fn new(longest: usize, seed: u32, add: &'a mut F) -> Self {
        Self { last: [0; 5], known: 0, longest, seed, add }
    }

    fn read(&mut self, text: &str) {
        let mut word: Option<u32> = None;
        for c in text.chars() {
            if c.is_alphanumeric() && !is_single(c) {
                let c = if c.is_numeric() { '0' } else { c };
                word = Some(mix_char(word.unwrap_or(self.seed), c));
                continue;
            }
            if let Some(whole) = word.take() {
                self.end_word(whole);
            }
            if !c.is_whitespace() {
                self.end_word(mix_char(self.seed, c));
            } else if c == '\n' {
                self.known = 0;
            }
        }
        if let Some(whole) = word {
            self.end_word(whole);
        }
    }

    /// Adds every run that ends with this word.
    fn end_word(&mut self, word: u32) {
        self.last.rotate_right(1);
        self.last[0] = word;
        self.known = (self.known + 1).min(self.longest);
        let mut run = 0x811c_9dc5;
        for word in self.last.iter().take(self.known) {
            run = (run ^ word).wrapping_mul(0x0100_0193).rotate_left(5);
            (self.add)(bucket(run));
        }
    }
}

fn is_single(c: char) -> bool {
    is_han(c) || matches!(c, '\u{3041}'..='\u{30fe}' | '\u{ac00}'..='\u{d7a3}')
}

fn mix(hash: u32, octet: u8) -> u32 {
    (hash ^ u32::from(octet)).wrapping_mul(0x0100_0193)
}

fn mix_char(hash: u32, c: char) -> u32 {
    (hash ^ u32::from(c)).wrapping_mul(0x0100_0193).rotate_left(7)
}

/// Spreads a hash over all its bits, and takes the bucket's from it.
fn bucket(hash: u32) -> u32 {
    let hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    (hash ^ hash >> 16) >> (u32::BITS - BUCKET_BITS)
}

fn head(text: &str, octets_max: usize) -> &str {
    let end = (0..=octets_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}
