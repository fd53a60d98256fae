//! The model: what it hears in one sentence, and how much a mail as a whole reads like a rejection to its reader.
//!
//! Both are linear and learnt from the corpus. Neither decides alone: the rules ask where they are not sure by
//! themselves, and what they find must not sound like the contrary.

use std::borrow::Cow;
use std::ops::Range;

use super::marks::{BUCKETS, Marks};
use super::reading::Reading;
use super::rules::Rules;

/// Points of a score that stands where the margin of learning is.
const POINTS: i64 = 100;
/// First line of the file of weights.
const HEAD: &str = "career-relay model 2\n";
/// Numbers that tell of a mail beside its marks, in hundredths.
pub(super) const TRAITS: usize = 28;
/// What is told of a mail beside its marks.
pub(super) type Traits = [i64; TRAITS];

/// Both functions, ready to read text with.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// Whether a sentence states that its reader was not chosen.
    told: Linear,
    /// Whether a sentence tells him something better: an offer, a next step, a decision that is still open.
    better: Linear,
    /// Whether a mail as a whole is a rejection.
    whole: Linear,
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
    file: Cow<'static, [u8]>,
    /// Where in the file the weights lie, an octet for each bucket.
    weights: Range<usize>,
}

impl Model {
    /// A model that knows nothing: every text gets nought.
    pub fn blank() -> Self {
        let nought = Linear { bias: 0, unit: 1, traits: Vec::new(), file: Cow::Borrowed(&[]), weights: 0..0 };
        Self { told: nought.clone(), better: nought.clone(), whole: nought }
    }

    /// Reads what [`Model::write`] wrote. What is part of the program stays where it is.
    pub fn read(file: Cow<'static, [u8]>) -> Option<Self> {
        let from = file.starts_with(HEAD.as_bytes()).then_some(HEAD.len())?;
        let told = Linear::read(file.clone(), from)?;
        let better = Linear::read(file.clone(), told.weights.end)?;
        let whole = Linear::read(file, better.weights.end)?;
        Some(Self { told, better, whole })
    }

    /// The file: a line that names it, then for each function a line of numbers and one octet for each weight.
    pub fn write(functions: [&Learnt; 3]) -> Vec<u8> {
        let mut file = HEAD.as_bytes().to_vec();
        for function in functions {
            function.write(&mut file);
        }
        file
    }

    /// How much one sentence sounds like a no to its reader, and how much like something better, in points: above
    /// nought for it, below against it.
    pub fn hear(&self, reading: &Reading, sentence: usize, rules: &Rules) -> (i64, i64) {
        let marks = Marks::of_sentence(reading, sentence, rules);
        let points = |of: &Linear| of.points(marks.0.iter().map(|b| of.weight(*b)).sum(), marks.0.len(), &[]);
        (points(&self.told), points(&self.better))
    }

    /// How much a mail reads like a rejection, in points.
    pub fn whole(&self, marks: &Marks, traits: &Traits) -> i64 {
        let sum = marks.0.iter().map(|bucket| self.whole.weight(*bucket)).sum();
        self.whole.points(sum, marks.0.len(), traits)
    }
}

impl Linear {
    fn read(file: Cow<'static, [u8]>, from: usize) -> Option<Self> {
        let end = from + file.get(from..)?.iter().position(|octet| *octet == b'\n')?;
        let numbers = std::str::from_utf8(file.get(from..end)?).ok()?.split(' ').map(str::parse);
        let numbers: Vec<i32> = numbers.collect::<Result<_, _>>().ok()?;
        let [bias, unit, traits @ ..] = &numbers[..] else { return None };
        let (bias, unit, traits) = (*bias, Some(*unit).filter(|unit| *unit > 0)?, traits.to_vec());
        let weights = end + 1..end + 1 + BUCKETS;
        file.get(weights.clone())?;
        Some(Self { bias, unit, traits, file, weights })
    }

    fn weight(&self, bucket: u32) -> i64 {
        let weights = self.file.get(self.weights.clone()).unwrap_or_default();
        weights.get(bucket as usize).map_or(0, |octet| i64::from(octet.cast_signed()))
    }

    fn points(&self, sum: i64, count: usize, traits: &[i64]) -> i64 {
        // By the root of how many there are: a long text is no surer than a short one.
        let marks = sum * 16 * POINTS / (root_sixteenths(count) * i64::from(self.unit));
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
    /// The largest weight is made as large as an octet can be.
    fn write(&self, file: &mut Vec<u8>) {
        let most = self.weights.iter().fold(1, |most, weight| weight.abs().max(most));
        let scaled = |weight: i64| weight * i64::from(i8::MAX) / most;
        let points = |number: i64| number * POINTS / self.one;
        let mut numbers = vec![points(self.bias), scaled(self.one).max(1)];
        numbers.extend(self.traits.iter().map(|weight| points(*weight)));
        let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
        file.extend_from_slice(numbers.join(" ").as_bytes());
        file.push(b'\n');
        let octet = |weight: &i64| i8::try_from(scaled(*weight)).unwrap_or_default().cast_unsigned();
        file.extend(self.weights.iter().map(octet));
    }
}

/// The square root of a count, in sixteenths; at least one.
pub(super) fn root_sixteenths(count: usize) -> i64 {
    (i64::try_from(count).unwrap_or_default() << 8).isqrt().max(16)
}
