//! The model: what it hears in one sentence, and how much a mail as a whole reads like a rejection to its reader.
//!
//! All are linear and learnt from the corpus. None decides alone: what they find has to be stated in words that rules
//! or hints know, and what the rules find must not read like the contrary.

use std::borrow::Cow;

use super::marks::{BUCKETS, Marks, Take};

/// Points of a score that stands where the margin of learning is.
const POINTS: i64 = 100;
/// First line of the file of weights.
const HEAD: &str = "career-relay model 4\n";
/// Numbers that tell of a mail beside its marks, in hundredths.
pub(super) const TRAITS: usize = 33;
/// What is told of a mail beside its marks.
pub(super) type Traits = [i64; TRAITS];

/// The functions, ready to read text with.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// Whether a sentence states that its reader was not chosen.
    told: Linear,
    /// Whether a sentence tells him something better: an offer, a next step, a decision that is still open.
    better: Linear,
    /// Whether the words of a mail are those of a rejection, whatever the rules say.
    words: Linear,
    /// Whether a mail as a whole is a rejection: from what the others say of it, and from what the rules do.
    whole: Linear,
    file: Cow<'static, [u8]>,
    /// Where in the file the weights begin, an octet each: for each bucket those of the four functions side by side.
    weights: usize,
}

/// A linear function of marks and traits.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    /// What a text without marks gets, in points.
    bias: i32,
    /// Units of the weights for each hundred points.
    unit: i32,
    /// Points for each trait that is one.
    traits: Vec<i32>,
}

impl Model {
    /// A model that knows nothing: every text gets nought.
    pub fn blank() -> Self {
        let nought = Linear { bias: 0, unit: 1, traits: Vec::new() };
        let (told, better, words) = (nought.clone(), nought.clone(), nought.clone());
        Self { told, better, words, whole: nought, file: Cow::Borrowed(&[]), weights: 0 }
    }

    /// Whether it knows nothing.
    pub fn is_blank(&self) -> bool {
        self.whole.traits.is_empty()
    }

    /// Reads what [`Model::write`] wrote. What is part of the program stays where it is.
    pub fn read(file: Cow<'static, [u8]>) -> Option<Self> {
        let mut weights = file.starts_with(HEAD.as_bytes()).then_some(HEAD.len())?;
        let mut next = || {
            let end = weights + file.get(weights..)?.iter().position(|octet| *octet == b'\n')?;
            let function = Linear::read(file.get(weights..end)?)?;
            weights = end + 1;
            Some(function)
        };
        let (told, better, words, whole) = (next()?, next()?, next()?, next()?);
        (file.len() == weights + 4 * BUCKETS).then_some(Self { told, better, words, whole, file, weights })
    }

    /// The file: a line that names it, a line of numbers for each function, then the four weights of each bucket.
    pub fn write(functions: [&Learnt; 4]) -> Vec<u8> {
        let mut file = HEAD.as_bytes().to_vec();
        let [told, better, words, whole] = functions.map(|function| function.write(&mut file));
        let weights = told.into_iter().zip(better).zip(words).zip(whole);
        file.extend(weights.flat_map(|(((a, b), c), d)| [a, b, c, d]));
        file
    }

    /// Makes a sum of the weights of marks.
    pub fn sum(&self) -> Sum<'_> {
        let (weights, _) = self.file.get(self.weights..).unwrap_or_default().as_chunks();
        Sum { weights, of_sentence: ([0; 2], 0), of_mail: ([0; 2], 0) }
    }

    /// How much a sentence sounds like a no to its reader, and how much like something better, in points: above nought
    /// for it, below against it.
    pub fn hear(&self, sentence: Part) -> (i64, i64) {
        let ([told, better], count) = sentence;
        (self.told.points(told, count, &[]), self.better.points(better, count, &[]))
    }

    /// How much a mail reads like a rejection, in points: by its words, by the marks of the rules that were found, and
    /// by its traits, which are told how much the words alone read like one.
    pub fn weigh(&self, (words, rules): (Part, &Marks), traits: impl FnOnce(i64) -> Traits) -> i64 {
        let ([by_words, all], count) = words;
        let mut of_rules = self.sum();
        of_rules.of_mail(&rules.0);
        let ([_, by_rules], rules) = of_rules.of_mail;
        let traits = traits(self.words.points(by_words, count, &[]));
        self.whole.points(all + by_rules, count + rules, &traits)
    }
}

/// What two functions weigh the same marks with, and how many marks they are.
pub(super) type Part = ([i32; 2], usize);

/// The sum of the weights of the marks of a sentence, and of those of a mail.
#[derive(Clone, Debug)]
pub(super) struct Sum<'m> {
    weights: &'m [[u8; 4]],
    pub of_sentence: Part,
    pub of_mail: Part,
}

impl Take for Sum<'_> {
    #[inline]
    fn of_sentence(&mut self, buckets: &[u32]) {
        let ([mut told, mut better], count) = self.of_sentence;
        for bucket in buckets {
            let [a, b, ..] = self.weights.get(*bucket as usize).copied().unwrap_or_default();
            told += i32::from(a.cast_signed());
            better += i32::from(b.cast_signed());
        }
        self.of_sentence = ([told, better], count + buckets.len());
    }

    #[inline]
    fn of_mail(&mut self, buckets: &[u32]) {
        let ([mut words, mut whole], count) = self.of_mail;
        for bucket in buckets {
            let [.., a, b] = self.weights.get(*bucket as usize).copied().unwrap_or_default();
            words += i32::from(a.cast_signed());
            whole += i32::from(b.cast_signed());
        }
        self.of_mail = ([words, whole], count + buckets.len());
    }
}

impl Linear {
    fn read(line: &[u8]) -> Option<Self> {
        let numbers = std::str::from_utf8(line).ok()?.split(' ').map(str::parse);
        let numbers: Vec<i32> = numbers.collect::<Result<_, _>>().ok()?;
        let [bias, unit, traits @ ..] = &numbers[..] else { return None };
        Some(Self { bias: *bias, unit: Some(*unit).filter(|unit| *unit > 0)?, traits: traits.to_vec() })
    }

    fn points(&self, sum: i32, count: usize, traits: &[i64]) -> i64 {
        // By the root of how many there are: a long text is no surer than a short one.
        let marks = i64::from(sum) * 16 * POINTS / (root_sixteenths(count) * i64::from(self.unit));
        let traits: i64 = self.traits.iter().zip(traits).map(|(weight, value)| i64::from(*weight) * value).sum();
        i64::from(self.bias) + marks + traits / 100
    }
}

/// A linear function as it was learnt, in parts of `one`.
#[derive(Clone, Debug)]
pub(super) struct Learnt {
    pub one: i64,
    pub bias: i64,
    pub traits: Vec<i64>,
    pub weights: Vec<i64>,
}

impl Learnt {
    /// Writes the line of numbers and gives the weights; the largest is made as large as an octet can be.
    fn write(&self, file: &mut Vec<u8>) -> Vec<u8> {
        let most = self.weights.iter().fold(1, |most, weight| weight.abs().max(most));
        let scaled = |weight: i64| weight * i64::from(i8::MAX) / most;
        let points = |number: i64| number * POINTS / self.one;
        let mut numbers = vec![points(self.bias), scaled(self.one).max(1)];
        numbers.extend(self.traits.iter().map(|weight| points(*weight)));
        let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
        file.extend_from_slice(numbers.join(" ").as_bytes());
        file.push(b'\n');
        let octet = |weight: &i64| i8::try_from(scaled(*weight)).unwrap_or_default().cast_unsigned();
        self.weights.iter().map(octet).collect()
    }
}

/// The square root of a count, in sixteenths; at least one.
pub(super) fn root_sixteenths(count: usize) -> i64 {
    (i64::try_from(count).unwrap_or_default() << 8).isqrt().max(16)
}
