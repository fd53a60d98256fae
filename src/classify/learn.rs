//! Learning the model's weights: from mails whose answer is known, the same weights on every machine.
//!
//! A linear classifier trained by going over all mails again and again, in an order that a fixed generator gives. All
//! numbers are whole, in units of one part in [`ONE`], so nothing depends on how a machine rounds.

use super::judge;
use super::model::{BUCKETS, Marks, Model};
use super::rules::Rules;
use crate::mail::message::Message;
use crate::mail::view::View;

/// What stands for one.
const ONE: i64 = 1 << 24;
/// How often all mails are gone over.
const ROUNDS: i64 = 20;
/// A mail moves its weights by half its surprise at first, and by less from round to round.
const RATE: i64 = ONE / 2;
/// After so many rounds it moves them by half of that.
const RATE_HALF: i64 = 5;
/// One part in so many of each weight of a mail is taken back when the mail is seen: what is rare stays small.
const DECAY_PARTS: i64 = 1500;
/// One part in so many of what moves the weights moves the bias.
const BIAS_PARTS: i64 = 10;
/// A mark of fewer mails is a name or a chance, and is left out.
const MAILS_MIN: u32 = 5;
/// What the first mail is shuffled with.
const SEED: u32 = 0x2545_f491;

/// A mail and whether it is a rejection.
#[derive(Clone, Debug)]
struct Lesson {
    marks: Marks,
    is_rejection: bool,
}

/// Learns the weights from texts in the form of the corpus (its README says which), and gives the file of weights.
///
/// The same texts in the same order give the same octets.
pub fn train<'a>(texts: impl Iterator<Item = &'a str>, rules: &Rules) -> Vec<u8> {
    let mut lessons: Vec<Lesson> = texts.flat_map(|text| read(text, rules)).collect();
    leave_out_the_rare(&mut lessons);
    learn(&lessons).write()
}

/// Reads the mails of one text: each begins with `=== name`, then lines of directives, an empty line, and the body.
fn read(text: &str, rules: &Rules) -> Vec<Lesson> {
    let mails = text.split("\n=== ").map(|mail| mail.split_once("\n\n").unwrap_or((mail, "")));
    // Once more without its subject: what is a rejection is one whatever it is called.
    mails
        .flat_map(|(head, body)| [lesson(head, body, true, rules), lesson(head, body, false, rules)])
        .flatten()
        .collect()
}

fn lesson(head: &str, body: &str, titled: bool, rules: &Rules) -> Option<Lesson> {
    let directive = |wanted: &str| head.lines().find_map(|line| line.strip_prefix(wanted)).map(str::trim);
    let is_rejection = directive("expect:")? == "rejection";
    // The corpus may give the HTML of a mail behind its plain text, which says the same.
    let body = body.split("\n--- html ---\n").next().unwrap_or_default();
    let kind = if body.starts_with('<') { "html" } else { "plain" };
    let subject = directive("subject:").filter(|_| titled).unwrap_or_default();
    let head = format!("Subject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: text/{kind}; charset=utf-8\r\n\r\n");
    let raw = head + &body.replace('\n', "\r\n");
    let message = Message::read(raw.as_bytes());
    judge::marks(&View::read(&message), rules).map(|marks| Lesson { marks, is_rejection })
}

fn leave_out_the_rare(lessons: &mut [Lesson]) {
    let mut mails = vec![0u32; BUCKETS];
    for bucket in lessons.iter().flat_map(|lesson| &lesson.marks.0) {
        mails[usize::from(*bucket)] += 1;
    }
    for lesson in lessons {
        lesson.marks.0.retain(|bucket| mails[usize::from(*bucket)] >= MAILS_MIN);
    }
}

fn learn(lessons: &[Lesson]) -> Model {
    let mut weights = vec![0i64; BUCKETS];
    let mut bias = 0;
    let mut order: Vec<usize> = (0..lessons.len()).collect();
    let mut state = SEED;
    for round in 0..ROUNDS {
        shuffle(&mut order, &mut state);
        let rate = RATE * RATE_HALF / (RATE_HALF + round);
        for lesson in order.iter().filter_map(|index| lessons.get(*index)) {
            let marks = &lesson.marks;
            // A long mail has many marks: each moves it less.
            let share = ONE * 16 / marks.root_sixteenths();
            let sum: i64 = marks.0.iter().map(|bucket| weights[usize::from(*bucket)]).sum();
            let side = if lesson.is_rejection { 1 } else { -1 };
            let push = times(rate, surprise(side * (bias + times(sum, share)))) * side;
            bias += push / BIAS_PARTS;
            let step = times(push, share);
            for bucket in &marks.0 {
                let weight = &mut weights[usize::from(*bucket)];
                *weight += step - times(*weight, rate) / DECAY_PARTS;
            }
        }
    }
    Model::rounded(bias, &weights, ONE)
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
