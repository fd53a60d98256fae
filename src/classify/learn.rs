//! Learning the model's weights: from mails and sentences whose answer is known, the same weights on every machine.
//!
//! Linear functions are trained by going over all lessons again and again, in an order that a fixed generator gives.
//! All numbers are whole, in parts of [`ONE`], so nothing depends on how a machine rounds. The last function weighs
//! what the others say of a mail; so that it does not trust what was learnt by heart, it is trained on what is said by
//! some that were not taught that mail.

use std::collections::BTreeSet;

use super::fold::fold;
use super::judge::{self, Letter};
use super::language;
use super::marks::{BUCKETS, Marks, Take, read_sentence, read_subject};
use super::model::{Learnt, Model, TRAITS, Traits, root_sixteenths};
use super::reading::{Reading, read};
use super::rules::{Kind, Rules};
use crate::mail::message::Message;
use crate::mail::view::View;

/// What stands for one.
const ONE: i64 = 1 << 24;
/// A mark of fewer lessons is a name or a chance, and is left out.
const LESSONS_MIN: u32 = 3;
/// Parts of the mails that are heard by a function that was not taught them.
const PARTS: usize = 4;
/// What the first lesson is shuffled with.
const SEED: u32 = 0x2545_f491;

/// How one of the functions is trained.
#[derive(Clone, Copy, Debug)]
struct Course {
    /// How often all lessons are gone over.
    rounds: i64,
    /// A lesson moves its weights by this much of its surprise at first, and by less from round to round.
    rate: i64,
    /// After so many rounds it moves them by half of that.
    rate_half: i64,
    /// What the marks of a lesson weigh together, beside a trait.
    gain: i64,
    /// One part in so many of each weight of a lesson is taken back when it is seen: what is rare stays small.
    decay_parts: i64,
}

const HEARD: Course = Course { rounds: 12, rate: ONE / 2, rate_half: 4, gain: 1, decay_parts: 1000 };
const WORDS: Course = Course { rounds: 12, rate: ONE / 4, rate_half: 4, gain: 3, decay_parts: 3000 };
const WHOLE: Course = Course { rounds: 20, rate: ONE / 8, rate_half: 5, gain: 3, decay_parts: 3000 };

/// A text and whether the answer is yes.
#[derive(Clone, Debug)]
struct Lesson {
    marks: Marks,
    traits: Vec<i64>,
    yes: bool,
}

/// A mail of the corpus.
struct Taught {
    sentences: Vec<Sentence>,
    words: Marks,
    rules: Marks,
    /// Its traits without those of what the other functions say.
    traits: Traits,
    is_rejection: bool,
    /// Whether it is read with its subject; its sentences are learnt once.
    titled: bool,
    part: usize,
}

struct Sentence {
    marks: Marks,
    /// Whether the rules find a result stated in it.
    stated: bool,
}

/// Learns the weights from texts in the form of the corpus (its README says which): families of mails, and lists of
/// sentences. Gives the file of weights; the same texts in the same order give the same octets.
pub fn train<'a>(
    families: impl Iterator<Item = &'a str>,
    sentences: impl Iterator<Item = &'a str>,
    rules: &Rules,
) -> Vec<u8> {
    let lines: Vec<Line> = sentences.flat_map(str::lines).filter_map(|line| read_line(line, rules)).collect();
    let mails: Vec<Taught> = families.enumerate().flat_map(|(n, text)| read_family(text, n % PARTS, rules)).collect();
    let hear = |answer: Answer, is_taught: &dyn Fn(&Taught) -> bool| {
        let of_mails = mails.iter().filter(|mail| mail.titled && is_taught(mail));
        let of_mails = of_mails.flat_map(|mail| mail.sentences.iter().filter_map(move |s| s.lesson(mail, answer)));
        learn(lines.iter().filter_map(|line| line.lesson(answer)).chain(of_mails).collect(), &HEARD)
    };
    let all = |is_taught: &dyn Fn(&Taught) -> bool| Said {
        told: hear(Answer::No, is_taught),
        better: hear(Answer::Better, is_taught),
        words: learn(mails.iter().filter(|mail| is_taught(mail)).map(Taught::lesson_of_words).collect(), &WORDS),
    };
    let mut whole = Vec::with_capacity(mails.len());
    for part in 0..PARTS {
        let others = all(&|mail| mail.part != part);
        whole.extend(mails.iter().filter(|mail| mail.part == part).map(|mail| mail.lesson(&others)));
    }
    let said = all(&|_| true);
    Model::write([&said.told, &said.better, &said.words, &learn(whole, &WHOLE)])
}

/// What the other functions were taught.
struct Said {
    told: Learnt,
    better: Learnt,
    words: Learnt,
}

/// What one sentence may tell its reader.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Answer {
    No,
    /// An offer, a next step, a decision that is still open.
    Better,
}

/// A sentence of the lists: `None` tells nothing of the kind.
struct Line {
    marks: Marks,
    answer: Option<Answer>,
}

impl Line {
    fn lesson(&self, of: Answer) -> Option<Lesson> {
        // Those that are no `no` may well be better ones.
        let known = of == Answer::No || self.answer.is_some();
        known.then(|| Lesson { marks: self.marks.clone(), traits: Vec::new(), yes: self.answer == Some(of) })
    }
}

impl Sentence {
    /// What it teaches. Of a rejection those alone are a no that the rules find, and none tells something better; of
    /// other mails none is a no.
    fn lesson(&self, mail: &Taught, of: Answer) -> Option<Lesson> {
        let known = match of {
            Answer::No => self.stated || !mail.is_rejection,
            Answer::Better => mail.is_rejection,
        };
        let yes = of == Answer::No && mail.is_rejection;
        known.then(|| Lesson { marks: self.marks.clone(), traits: Vec::new(), yes })
    }
}

impl Taught {
    fn lesson(&self, said: &Said) -> Lesson {
        let most = |function: &Learnt| self.sentences.iter().map(|s| points(function, &s.marks)).max().unwrap_or(-ONE);
        let (no, better, words) = (most(&said.told), most(&said.better), points(&said.words, &self.words));
        let mut traits = self.traits.to_vec();
        for (slot, value) in traits.iter_mut().zip(judge::traits_of_said((no, better), words)) {
            *slot = value;
        }
        Lesson { marks: self.words.and(&self.rules), traits, yes: self.is_rejection }
    }

    fn lesson_of_words(&self) -> Lesson {
        Lesson { marks: self.words.clone(), traits: Vec::new(), yes: self.is_rejection }
    }
}

fn points(heard: &Learnt, marks: &Marks) -> i64 {
    let sum: i64 = marks.0.iter().map(|bucket| heard.weights[*bucket as usize]).sum();
    (heard.bias + sum * 16 / root_sixteenths(marks.0.len())) * 100 / ONE
}

/// One line of a list: `no`, `good` or `not`, a tab, and the sentence.
fn read_line(line: &str, rules: &Rules) -> Option<Line> {
    let (label, sentence) = line.split_once('\t')?;
    let answer = match label {
        "no" => Some(Answer::No),
        "good" => Some(Answer::Better),
        _ => None,
    };
    let folded = fold(std::iter::once((0, sentence)));
    let rules = language::rules_for(&folded, rules);
    let reading = read(folded, rules);
    let mut taken = Taken::default();
    for number in 0..reading.folded.sentences.len() {
        read_sentence(&reading, number, rules, &mut taken);
    }
    Some(Line { marks: taken.of_sentence, answer })
}

/// Reads the mails of one text: each begins with `=== name`, then lines of directives, an empty line, and the body.
fn read_family(text: &str, part: usize, rules: &Rules) -> Vec<Taught> {
    let mails = text.split("\n=== ").map(|mail| mail.split_once("\n\n").unwrap_or((mail, "")));
    // Once more without its subject: what is a rejection is one whatever it is called.
    let twice = |(head, body)| [true, false].map(|titled| read_mail(head, body, titled, rules));
    mails.flat_map(twice).flatten().map(|mail| Taught { part, ..mail }).collect()
}

fn read_mail(head: &str, body: &str, titled: bool, rules: &Rules) -> Option<Taught> {
    let directive = |wanted: &str| head.lines().find_map(|line| line.strip_prefix(wanted)).map(str::trim);
    let is_rejection = directive("expect:")? == "rejection";
    // The corpus may give the HTML of a mail behind its plain text, which says the same.
    let body = body.split("\n--- html ---\n").next().unwrap_or_default();
    let kind = if body.starts_with('<') { "html" } else { "plain" };
    let subject = directive("subject:").filter(|_| titled).unwrap_or_default();
    let head = format!("Subject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: text/{kind}; charset=utf-8\r\n\r\n");
    let raw = head + &body.replace('\n', "\r\n");
    let message = Message::read(raw.as_bytes());
    judge::learn_from(&View::read(&message), rules, |letter: &Letter<'_>| {
        let (mut sentences, mut prints, mut words) = (Vec::new(), BTreeSet::new(), Taken::default());
        for number in 0..letter.reading.folded.sentences.len() {
            let mut taken = Taken::default();
            let print = read_sentence(letter.reading, number, letter.rules, &mut taken);
            if prints.insert(print) {
                words.of_mail(&taken.of_mail.0);
            }
            let stated = is_stated(letter.reading, number, letter.rules);
            sentences.push(Sentence { marks: taken.of_sentence, stated });
        }
        read_subject(letter.subject, &mut words);
        let (words, rules, traits) = (words.of_mail, Marks::of_rules(letter), letter.traits((0, 0), 0));
        Taught { sentences, words, rules, traits, is_rejection, titled, part: 0 }
    })
}

/// The marks of a text, for learning.
#[derive(Default)]
struct Taken {
    of_sentence: Marks,
    of_mail: Marks,
}

impl Take for Taken {
    fn of_sentence(&mut self, buckets: &[u32]) {
        self.of_sentence.0.extend_from_slice(buckets);
    }

    fn of_mail(&mut self, buckets: &[u32]) {
        self.of_mail.0.extend_from_slice(buckets);
    }
}

fn is_stated(reading: &Reading, sentence: usize, rules: &Rules) -> bool {
    let hits = reading.results.iter().filter_map(|index| reading.hits.get(*index));
    let of_it = hits.filter(|hit| hit.sentence == sentence).filter_map(|hit| rules.list.get(hit.rule));
    of_it.into_iter().any(|rule| rule.kind == Kind::Negative && rule.weight > 0)
}

fn leave_out_the_rare(lessons: &mut [Lesson]) {
    // How many lessons have it, and the last of them: a lesson may have it often.
    let mut seen = vec![(0u32, usize::MAX); BUCKETS];
    for (number, lesson) in lessons.iter().enumerate() {
        for bucket in &lesson.marks.0 {
            let (lessons, last) = &mut seen[*bucket as usize];
            *lessons += u32::from(*last != number);
            *last = number;
        }
    }
    for lesson in lessons {
        lesson.marks.0.retain(|bucket| seen[*bucket as usize].0 >= LESSONS_MIN);
    }
}

fn learn(mut lessons: Vec<Lesson>, course: &Course) -> Learnt {
    leave_out_the_rare(&mut lessons);
    let mut learnt = Learnt { one: ONE, bias: 0, traits: vec![0; TRAITS], weights: vec![0; BUCKETS] };
    let mut order: Vec<usize> = (0..lessons.len()).collect();
    let mut state = SEED;
    for round in 0..course.rounds {
        shuffle(&mut order, &mut state);
        let rate = course.rate * course.rate_half / (course.rate_half + round);
        for lesson in order.iter().filter_map(|index| lessons.get(*index)) {
            learnt.take(lesson, rate, course);
        }
    }
    let gained = |weight: &i64| weight * course.gain;
    Learnt { weights: learnt.weights.iter().map(gained).collect(), ..learnt }
}

impl Learnt {
    /// Moves the weights toward the answer of one lesson.
    fn take(&mut self, lesson: &Lesson, rate: i64, course: &Course) {
        // A long text has many marks: each moves it less.
        let share = course.gain * ONE * 16 / root_sixteenths(lesson.marks.0.len());
        let marks: i64 = lesson.marks.0.iter().map(|bucket| self.weights[*bucket as usize]).sum();
        let traits: i64 = self.traits.iter().zip(&lesson.traits).map(|(weight, value)| weight * value / 100).sum();
        let side = if lesson.yes { 1 } else { -1 };
        let push = times(rate, surprise(side * (self.bias + times(marks, share) + traits))) * side;
        self.bias += push;
        let step = times(push, share);
        for bucket in &lesson.marks.0 {
            let weight = &mut self.weights[*bucket as usize];
            *weight += step - times(*weight, rate) / course.decay_parts;
        }
        for (weight, value) in self.traits.iter_mut().zip(&lesson.traits) {
            *weight += push * value / 100;
        }
    }
}

fn times(a: i64, b: i64) -> i64 {
    a * b / ONE
}

/// How far a score is from being sure, between one and nought: an S-curve made of a division.
fn surprise(margin: i64) -> i64 {
    ONE / 2 - ONE / 2 * margin / (ONE + margin.abs())
}

/// Fisher and Yates, with Marsaglia's xorshift.
fn shuffle(order: &mut [usize], state: &mut u32) {
    let mut random = || {
        *state ^= *state << 13;
        *state ^= *state >> 17;
        *state ^= *state << 5;
        u64::from(*state)
    };
    for last in (1..order.len()).rev() {
        let choices = u64::try_from(last).unwrap_or(u64::MAX).saturating_add(1);
        order.swap(last, usize::try_from(random() % choices).unwrap_or(last));
    }
}
