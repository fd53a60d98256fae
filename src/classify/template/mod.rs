//! Templates: whether a mail is one of those a company has shown us, told by a masked fingerprint and no content.
//!
//! A fingerprint holds hashes of runs of words, names and numbers being masked, and, apart, the sentences that state
//! the result. Those have to be there word for word: a mail whose result says anything else is no mail of the template,
//! however alike the rest is.

mod clusters;
mod mask;
mod octets;
mod specimen;

use std::fmt;

use super::verdict::Lang;
use specimen::Words;

pub use clusters::{Cluster, Clusters};
pub use octets::OctetsFault;
pub use specimen::{Specimen, SpecimenFault};
pub(super) use specimen::{fold_newest, sentences_of};

/// Hashes of runs that a fingerprint keeps at most: all of an ordinary mail, a sample of a long one.
pub const SHINGLES_MAX: usize = 1024;
/// Sentences that state the result, at most.
pub const RESULTS_MAX: usize = 8;
/// Likeness from which on a mail that states the result is one of the template, in percent.
pub const LIKE_PERCENT_MIN: u32 = 85;
/// The same when the very template has just been sent to many.
pub const LIKE_IN_BURST_PERCENT_MIN: u32 = 70;
/// Mails of a template within a short time that make a burst.
pub const BURST_MAILS_MIN: u32 = 5;
/// Words of a result sentence that may differ from mail to mail, where samples have shown that they do.
const SLOT_WORDS_MAX: usize = 24;
/// Words of a result sentence that have to stay, where some may differ.
const FIXED_WORDS_MIN: usize = 8;

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

fn mix(hash: u64, c: char) -> u64 {
    (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01b3)
}

/// Spreads a hash over all its bits.
fn spread(hash: u64) -> u64 {
    let hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

/// What tells the mails of a template, with nothing of what they say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fingerprint {
    language: Lang,
    /// Hashes of runs of words, in order, the smallest ones.
    shingles: Vec<u32>,
    /// Whether there were more than are kept.
    sampled: bool,
    /// The sentences that state the result, in order.
    results: Vec<ResultPrint>,
}

/// A sentence that states the result: words at its beginning and at its end that are fixed, and between them, where
/// samples have shown it, some that are not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct ResultPrint {
    head: (u16, u64),
    tail: (u16, u64),
    /// Words between them, at most.
    slot: u16,
}

/// The name of a template: a number made of its fingerprint.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TemplateId(u64);

impl TemplateId {
    /// Reads what it is shown as: 16 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| u64::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for TemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What HR has said of a template.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Stand {
    /// Its mails are rejections and get the line.
    Rejection,
    /// Its mails never get the line.
    Never,
}

impl Stand {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Rejection, Self::Never];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Rejection => "rejection",
            Self::Never => "never",
        }
    }

    /// Reads a code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stand| stand.code() == code)
    }
}

/// A template HR has decided on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Template {
    /// Its name.
    pub id: TemplateId,
    /// What HR has said.
    pub stand: Stand,
    /// What tells its mails.
    pub fingerprint: Fingerprint,
}

/// The templates of one company.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Templates(Vec<Template>);

impl FromIterator<Template> for Templates {
    fn from_iter<T: IntoIterator<Item = Template>>(templates: T) -> Self {
        Self(templates.into_iter().collect())
    }
}

/// How much a mail is like a template.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Likeness {
    /// Of the template's words and of the mail's, how many are in the other: the smaller share.
    pub percent: u32,
    /// Whether every sentence that states the result is there.
    pub states_result: bool,
}

impl Likeness {
    /// Whether the mail is one of the template, when so many of it were seen within a short time.
    pub fn is_match(self, burst_mails: u32) -> bool {
        let min = if burst_mails >= BURST_MAILS_MIN { LIKE_IN_BURST_PERCENT_MIN } else { LIKE_PERCENT_MIN };
        self.states_result && self.percent >= min
    }

    /// Whether it would be one in a burst.
    pub fn is_near(self) -> bool {
        self.is_match(BURST_MAILS_MIN)
    }
}

impl Templates {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Template> {
        self.0.iter()
    }

    /// The one that a mail is most like, and how much. One that never gets the line wins over one that does.
    pub fn closest(&self, specimen: &Specimen) -> Option<(&Template, Likeness)> {
        let likeness = self.0.iter().map(|template| (template, template.fingerprint.likeness(specimen)));
        likeness
            .filter(|(_, likeness)| likeness.states_result)
            .max_by_key(|(template, likeness)| (likeness.is_near() && template.stand == Stand::Never, likeness.percent))
    }
}

impl Fingerprint {
    /// Learns a template from one or several of its mails: what they share is fixed, the rest is not.
    ///
    /// # Errors
    /// When they are not of one template, the number (from 0) of the first that differs.
    pub fn of(specimens: &[Specimen]) -> Result<Self, usize> {
        let Some((first, others)) = specimens.split_first() else { return Err(0) };
        let mut shingles = first.shingles.clone();
        let sampled = shingles.len() > SHINGLES_MAX;
        shingles.truncate(SHINGLES_MAX);
        let results = first.results.iter().map(|(_, words)| ResultPrint::whole(words)).collect();
        let one = Self { language: first.language, shingles, sampled, results };
        let mut numbered = (1..).zip(others);
        numbered.try_fold(one, |print, (number, other)| print.widened(first, other).ok_or(number))
    }

    /// The same for one more mail, where `first` is the one it was learnt from; `None` when it is of another one.
    fn widened(&self, first: &Specimen, other: &Specimen) -> Option<Self> {
        let likeness = self.likeness(other);
        if likeness.percent < LIKE_IN_BURST_PERCENT_MIN || other.results.len() != self.results.len() {
            return None;
        }
        let shared = |shingle: &&u32| other.shingles.binary_search(*shingle).is_ok();
        let shingles = self.shingles.iter().filter(shared).copied().collect();
        let pairs = first.results.iter().zip(&other.results).zip(&self.results);
        let widened = pairs.map(|(((_, known), (_, words)), print)| print.widened(known, words));
        Some(Self { shingles, results: widened.collect::<Option<_>>()?, ..self.clone() })
    }

    /// The language its result is stated in.
    pub fn language(&self) -> Lang {
        self.language
    }

    /// Its name.
    pub fn id(&self) -> TemplateId {
        TemplateId(spread(self.to_octets().into_iter().fold(SEED, |hash, octet| mix(hash, char::from(octet)))))
    }

    /// How much a mail is like the template.
    pub fn likeness(&self, specimen: &Specimen) -> Likeness {
        let theirs = self.within_sample(&specimen.shingles);
        let percent = Self::share(&self.shingles, theirs).min(Self::share(theirs, &self.shingles));
        let said = |print: &ResultPrint| specimen.sentences.iter().any(|(_, words)| print.fits(words));
        Likeness { percent, states_result: !self.results.is_empty() && self.results.iter().all(said) }
    }

    /// How much two templates are alike, in percent, whatever result they state.
    pub fn likeness_of(&self, other: &Self) -> u32 {
        let theirs = self.within_sample(&other.shingles);
        let ours = other.within_sample(&self.shingles);
        Self::share(ours, theirs).min(Self::share(theirs, ours))
    }

    /// Whether both have the very same sentences as their result.
    pub fn states_the_same_as(&self, other: &Self) -> bool {
        self.results == other.results
    }

    /// Whether the run of words is the template's too; `None` where a long one keeps but a sample.
    pub(super) fn holds(&self, shingle: u32) -> Option<bool> {
        match self.shingles.binary_search(&shingle) {
            Ok(_) => Some(true),
            Err(at) if self.sampled && at == self.shingles.len() => None,
            Err(_) => Some(false),
        }
    }

    /// Whether the words are one of the sentences that state the result.
    pub(super) fn is_result(&self, words: &Words) -> bool {
        self.results.iter().any(|print| print.fits(words))
    }

    /// As much of the hashes of another text as a sample of ours can speak of.
    fn within_sample<'a>(&self, shingles: &'a [u32]) -> &'a [u32] {
        let last = self.shingles.last().filter(|_| self.sampled);
        last.map_or(shingles, |last| &shingles[..shingles.partition_point(|shingle| shingle <= last)])
    }

    /// How many of some hashes are among others, in percent; both in order.
    fn share(some: &[u32], others: &[u32]) -> u32 {
        let mut others = others.iter().peekable();
        let mut shared = 0;
        for one in some {
            while others.next_if(|other| *other < one).is_some() {}
            shared += usize::from(others.peek() == Some(&one));
        }
        u32::try_from(shared * 100 / some.len().max(1)).unwrap_or(0)
    }
}

impl ResultPrint {
    fn whole(words: &Words) -> Self {
        Self { head: (short(words.len()), hash(words)), tail: (0, SEED), slot: 0 }
    }

    /// The same for one more sample: the words in which the two differ become a slot. `None` when too little stays.
    fn widened(self, known: &Words, words: &Words) -> Option<Self> {
        let same = |(a, b): &(&u64, &u64)| a == b;
        let known_head =
            if self.slot == 0 { usize::from(self.head.0) } else { usize::from(self.head.0).min(known.len()) };
        let head = known.iter().zip(words.iter()).take_while(same).count().min(known_head);
        let most = known.len().min(words.len()) - head;
        let tail = known.iter().rev().zip(words.iter().rev()).take_while(same).count().min(most);
        let tail = if self.slot == 0 { tail } else { tail.min(usize::from(self.tail.0)) };
        let longest = known.len().max(words.len()) - head - tail;
        let slot = if longest == 0 { 0 } else { (longest * 2).max(usize::from(self.slot)) };
        if longest > SLOT_WORDS_MAX || longest > 0 && head + tail < FIXED_WORDS_MIN {
            return None;
        }
        if longest == 0 && self.slot == 0 {
            return Some(self);
        }
        let behind = &known[known.len() - tail..];
        let slot = short(slot.min(SLOT_WORDS_MAX));
        Some(Self { head: (short(head), hash(&known[..head])), tail: (short(tail), hash(behind)), slot })
    }

    fn fits(&self, words: &[u64]) -> bool {
        let (head, tail) = (usize::from(self.head.0), usize::from(self.tail.0));
        let fits = words.len() >= head + tail && words.len() - head - tail <= usize::from(self.slot);
        fits && hash(&words[..head]) == self.head.1 && hash(&words[words.len() - tail..]) == self.tail.1
    }
}

fn hash(words: &[u64]) -> u64 {
    words.iter().fold(SEED, |hash, word| (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(17))
}

fn short(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
