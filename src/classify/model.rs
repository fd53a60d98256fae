//! The linear model: how much a text as a whole reads like a rejection to its reader, learnt from the corpus.
//!
//! It never decides alone. The rules ask it where they are not sure by themselves, and heed it where it is sure that
//! they are wrong. Its marks are runs of one to three words (of characters in Japanese) and the rules that were found,
//! each of which adds the weight of its bucket once.

use super::fold::is_han;
use super::judge::Letter;
use super::rules::Kind;

/// Buckets of weights; marks share them by their hash.
pub(super) const BUCKETS: usize = u16::MAX as usize + 1;
/// Octets of folded text whose words are marks; what says whether a mail is a rejection stands before them.
const TEXT_OCTETS_MAX: usize = 6 * 1024;
/// Longest run of words that is a mark.
const RUN_WORDS_MAX: usize = 3;
/// Points of a score that stands where the margin of learning is.
const POINTS: i64 = 100;
/// First line of the file of weights.
const HEAD: &str = "career-relay model 1";

/// The weights, ready to read text with.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// What a text without marks gets, in points.
    bias: i32,
    /// Units of the weights for each hundred points.
    unit: i32,
    weights: Vec<i8>,
}

/// The buckets of a text's marks, each once.
#[derive(Clone, Debug)]
pub(super) struct Marks(pub(super) Vec<u16>);

impl Model {
    /// A model that knows nothing: every text gets nought.
    pub fn blank() -> Self {
        Self { bias: 0, unit: 1, weights: Vec::new() }
    }

    /// From what was learnt in parts of `one`, the largest weight being made as large as an octet can be.
    pub fn rounded(bias: i64, weights: &[i64], one: i64) -> Self {
        let most = weights.iter().fold(1, |most, weight| weight.abs().max(most));
        let scaled = |weight: i64| weight * i64::from(i8::MAX) / most;
        let whole = |number: i64| i32::try_from(number).unwrap_or_default();
        let weights = weights.iter().map(|weight| i8::try_from(scaled(*weight)).unwrap_or_default()).collect();
        Self { bias: whole(bias * POINTS / one), unit: whole(scaled(one)).max(1), weights }
    }

    /// Reads what [`Model::write`] wrote.
    pub fn read(octets: &[u8]) -> Option<Self> {
        let (head, rest) = octets.split_at_checked(HEAD.len())?;
        let end = rest.iter().skip(1).position(|octet| *octet == b'\n')? + 1;
        let (bias, unit) = std::str::from_utf8(rest.get(1..end)?).ok()?.split_once(' ')?;
        let weights: Vec<i8> = rest.get(end + 1..)?.iter().map(|octet| octet.cast_signed()).collect();
        let (bias, unit) = (bias.parse().ok()?, unit.parse().ok().filter(|unit| *unit > 0)?);
        (head == HEAD.as_bytes() && weights.len() == BUCKETS).then_some(Self { bias, unit, weights })
    }

    /// The file: a line that names it, a line with the bias, and one octet for each weight.
    pub fn write(&self) -> Vec<u8> {
        let mut file = format!("{HEAD}\n{} {}\n", self.bias, self.unit).into_bytes();
        file.extend(self.weights.iter().map(|weight| weight.cast_unsigned()));
        file
    }

    /// How much a text reads like a rejection, in points: above nought for it, below against it.
    pub fn score(&self, marks: &Marks) -> i64 {
        let weight = |bucket: &u16| self.weights.get(usize::from(*bucket)).map_or(0, |weight| i64::from(*weight));
        let sum: i64 = marks.0.iter().map(weight).sum();
        // By the root of how many there are: a long mail is no surer than a short one.
        i64::from(self.bias) + sum * 16 * POINTS / (marks.root_sixteenths() * i64::from(self.unit))
    }
}

impl Marks {
    /// The marks of a mail that was read.
    pub fn of(letter: &Letter<'_>) -> Self {
        let mut marks = Collector { buckets: Vec::with_capacity(2048), seen: vec![0; BUCKETS / 64] };
        marks.add_text(head(&letter.reading.folded.text), 1);
        marks.add_text(head(&letter.subject.folded.text), 2);
        let rules = letter.rules;
        for (index, hit) in letter.reading.hits.iter().enumerate() {
            let Some(rule) = rules.list.get(hit.rule) else { continue };
            let stated = rule.kind != Kind::Negative || letter.reading.results.binary_search(&index).is_ok();
            let name = rule.id.bytes().fold(if stated { 3 } else { 4 }, mix);
            marks.add(finish(name));
        }
        for (number, _) in (0u8..).zip(letter.traits()).filter(|(_, holds)| *holds) {
            marks.add(finish(mix(5, number)));
        }
        Self(marks.buckets)
    }

    /// The square root of how many there are, in sixteenths; at least one.
    pub fn root_sixteenths(&self) -> i64 {
        (i64::try_from(self.0.len()).unwrap_or_default() << 8).isqrt().max(16)
    }
}

struct Collector {
    buckets: Vec<u16>,
    seen: Vec<u64>,
}

impl Collector {
    fn add(&mut self, hash: u32) {
        let [low, high, ..] = hash.to_le_bytes();
        let bucket = u16::from_le_bytes([low, high]);
        let Some(seen) = self.seen.get_mut(usize::from(bucket / 64)) else { return };
        if *seen & 1 << (bucket % 64) == 0 {
            *seen |= 1 << (bucket % 64);
            self.buckets.push(bucket);
        }
    }

    /// Adds every run of up to [`RUN_WORDS_MAX`] words that ends in the text.
    fn add_text(&mut self, text: &str, seed: u32) {
        let mut last = [0u32; RUN_WORDS_MAX];
        let mut known = 0;
        let mut word: Option<u32> = None;
        for c in text.chars() {
            let joined = c.is_alphanumeric() && !is_single(c);
            if joined {
                let c = if c.is_numeric() { '0' } else { c };
                word = Some(mix_char(word.unwrap_or(seed), c));
                continue;
            }
            if let Some(whole) = word.take() {
                self.end_word(whole, &mut last, &mut known);
            }
            if !c.is_whitespace() {
                self.end_word(mix_char(seed, c), &mut last, &mut known);
            } else if c == '\n' {
                known = 0;
            }
        }
        if let Some(whole) = word {
            self.end_word(whole, &mut last, &mut known);
        }
    }

    fn end_word(&mut self, word: u32, last: &mut [u32; RUN_WORDS_MAX], known: &mut usize) {
        last.rotate_right(1);
        last[0] = word;
        *known = (*known + 1).min(RUN_WORDS_MAX);
        let mut run = 0x811c_9dc5;
        for word in last.iter().take(*known) {
            run = (run ^ word).wrapping_mul(0x0100_0193).rotate_left(5);
            self.add(finish(run));
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

/// Spreads a hash over all its bits.
fn finish(hash: u32) -> u32 {
    let hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

fn head(text: &str) -> &str {
    let end = (0..=TEXT_OCTETS_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}
