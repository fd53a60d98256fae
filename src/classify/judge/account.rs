//! The account of a verdict: what each question came to, and the nearest thing that would have changed the answer.
//!
//! That thing is found by trying: words are taken out, or a bar is lowered, and the mail is judged again. So what is
//! said here is always true of this mail; it is for a person who asks, and no mail on its way pays for it.

use std::sync::Arc;

use super::asking::SURE_POINTS;
use super::{
    Bars, Letter, RECRUITING_MIN_SOFT, Reading, SOFT, STRONG, THANKED_APPLICANT, fold, fold_lines, head_of,
    is_about_job, is_newest, is_result_stated, primary, read, recruiting_weight, text_octets,
};
use crate::classify::language;
use crate::classify::names;
use crate::classify::reading::read_hits;
use crate::classify::rules::{Kind, Rule, Rules};
use crate::classify::scan::Hit;
use crate::classify::verdict::{Evidence, Question, Reason};
use crate::classify::{Mail, TEXT_OCTETS_MAX, candidates_of};
use crate::mail::view::{LineKind, View};

/// Points of the model from which on a likely rejection is one.
pub const POINTS_ASKED: i64 = SURE_POINTS;
/// Most words that are taken out one by one.
const TRIALS_MAX: usize = 64;

/// What a verdict came from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Account {
    /// The three questions in their order; none for a mail whose text is not read.
    pub answers: Vec<Answer>,
    /// Points of the model, of which [`POINTS_ASKED`] take a likely rejection for one; `None` where it has no say.
    pub points: Option<i64>,
    /// The nearest thing that would have changed the verdict; `None` when no single one would.
    pub nearest: Option<Nearest>,
}

/// How one question was answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// Which of the three.
    pub question: Question,
    /// Whether the answer is a sure yes.
    pub yes: bool,
    /// Weight of what speaks for it.
    pub score: u32,
    /// The weight that is asked for.
    pub bar: u32,
    /// The words that speak for it, in the order of the text.
    pub words: Vec<Words>,
    /// The words that take them back: a condition, a denial.
    pub against: Vec<Words>,
}

/// Words of the mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Words {
    /// Id of the rule that found them.
    pub rule: Arc<str>,
    /// The words in the spelling of the rules.
    pub text: Arc<str>,
    /// Index into `View::parts`.
    pub text_part: usize,
    /// Line in that part; `None` for words of the subject.
    pub line: Option<usize>,
    /// The words as they stand in the mail; `None` for those of the subject.
    pub written: Option<Arc<str>>,
}

impl Words {
    fn look_up(&mut self, view: &View) {
        let (rule, text) = (Arc::clone(&self.rule), Arc::clone(&self.text));
        let evidence =
            Evidence { question: Question::Negative, rule, text, text_part: self.text_part, line: self.line };
        self.written = evidence.span(view).and_then(|span| view.text_of(&span).map(Arc::from));
    }
}

/// What would have changed the verdict, and what it would be then.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Nearest {
    /// The change.
    pub change: Change,
    /// Why it would be left alone then; `None`: it would be a rejection.
    pub then: Option<Reason>,
}

/// A change of a mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// Without these words.
    Without(Words),
    /// With words that weigh so many points more for a question.
    More {
        /// The question.
        question: Question,
        /// How many points are missing; at least one.
        points: u32,
    },
    /// The same text, sent to a candidate alone and without the header this reason is from.
    Sent(Reason),
}

/// The account of a mail.
pub fn account(mail: &Mail<'_>, rules: &Rules) -> Account {
    let read_whole =
        mail.view.unread.is_empty() && mail.view.parts.iter().map(text_octets).sum::<usize>() <= TEXT_OCTETS_MAX;
    let Some((part, text)) = primary(mail.view).filter(|_| read_whole) else { return Account::default() };
    let folded = fold_lines(text, is_newest);
    let rules = language::rules_for(&folded, rules);
    let reading = read(folded, rules);
    let subject = read(fold(std::iter::once((0, head_of(&mail.view.subject)))), rules);
    let letter = Letter::new((mail.view, part, text), (&reading, &subject), rules);
    let sent = candidates_of(mail).err();
    let nearest = match (sent, letter.refusal()) {
        (Some(reason), None) => Some(Nearest { change: Change::Sent(reason), then: None }),
        (Some(_), Some(_)) => None,
        (None, None) => letter.what_carries(),
        (None, Some(_)) => letter.what_hinders().or_else(|| letter.what_is_missing()),
    };
    let points = letter.ask_model(|_, points| points);
    let answers = letter.decide(|letter, _| letter.answers());
    let mut account = Account { answers, points, nearest };
    let of_answers = account.answers.iter_mut().flat_map(|answer| answer.words.iter_mut().chain(&mut answer.against));
    of_answers.for_each(|words| words.look_up(mail.view));
    if let Some(Nearest { change: Change::Without(words), .. }) = &mut account.nearest {
        words.look_up(mail.view);
    }
    account
}

impl Letter<'_> {
    /// Why its text is no rejection; `None` when it is one.
    fn refusal(&self) -> Option<Reason> {
        self.decide(|_, found| found.err().map(|(reason, _)| reason))
    }

    /// The same with some of its words taken for no words of the rules.
    fn refusal_without(&self, is_out: &dyn Fn(&Hit, bool) -> bool) -> Option<Reason> {
        let left = |hits: &[Hit], in_subject| hits.iter().filter(|hit| !is_out(hit, in_subject)).copied().collect();
        let text = fold_lines(self.text, is_newest);
        let subject = fold(std::iter::once((0, head_of(&self.view.subject))));
        let reading = read_hits(text, left(&self.reading.hits, false), self.rules);
        let subject = read_hits(subject, left(&self.subject.hits, true), self.rules);
        self.with(&reading, &subject).refusal()
    }

    /// Of a rejection: the lightest words without which it is none, those of the three questions first.
    fn what_carries(&self) -> Option<Nearest> {
        let mut rules: Vec<((bool, u32), usize, Words)> = Vec::new();
        for (hit, words) in self.words(|kind| !matches!(kind, Kind::Veto(_))) {
            if !rules.iter().any(|(_, known, _)| *known == hit.rule) {
                let rule = self.rules.list.get(hit.rule)?;
                let beside = !matches!(rule.kind, Kind::Recruiting | Kind::Applicant | Kind::Negative);
                rules.push(((beside, rule.weight), hit.rule, words));
            }
        }
        rules.sort_by_key(|(weight, ..)| *weight);
        rules.into_iter().take(TRIALS_MAX).find_map(|(_, rule, words)| {
            let then = self.refusal_without(&|hit, _| hit.rule == rule)?;
            Some(Nearest { change: Change::Without(words), then: Some(then) })
        })
    }

    /// Of a mail that is none: words without which it is one, once or wherever they stand.
    fn what_hinders(&self) -> Option<Nearest> {
        let speaks_against = |kind| {
            matches!(kind, Kind::Veto(_) | Kind::ConditionBefore | Kind::ConditionAfter | Kind::Denial | Kind::Stranger)
        };
        let against: Vec<(Hit, Words)> = self.words(speaks_against).take(TRIALS_MAX).collect();
        let is_it = |out: &Hit, words: &Words, hit: &Hit, in_subject: bool| {
            (out.rule, out.start, words.line.is_none()) == (hit.rule, hit.start, in_subject)
        };
        let once = |(out, words): &&(Hit, Words)| self.refusal_without(&|h, s| is_it(out, words, h, s)).is_none();
        let wherever = |(out, _): &&(Hit, Words)| self.refusal_without(&|hit, _| hit.rule == out.rule).is_none();
        let (_, words) = against.iter().find(once).or_else(|| against.iter().find(wherever))?;
        Some(Nearest { change: Change::Without(words.clone()), then: None })
    }

    /// Of a mail that is none: the one question that has too little.
    fn what_is_missing(&self) -> Option<Nearest> {
        let full = *Bars::of(self.rules);
        let lowered = [
            (Question::Recruiting, Bars { recruiting: 0, job_said: false, matter_said: false, ..full }),
            (Question::Applicant, Bars { applicant: 0, ..full }),
        ];
        let open = lowered.into_iter().find(|(_, bars)| self.question(bars).is_none());
        let question = match open {
            Some((question, _)) => question,
            None if self.is_refused_with_a_result() => return None,
            None => Question::Negative,
        };
        let missing = |answer: Answer| answer.bar.saturating_sub(answer.score).max(1);
        let points = self.answers().into_iter().find(|answer| answer.question == question).map_or(1, missing);
        Some(Nearest { change: Change::More { question, points }, then: None })
    }

    /// Whether it would be none even if a sure result stood behind all it says.
    fn is_refused_with_a_result(&self) -> bool {
        let is_sure = |rule: &Rule| rule.kind == Kind::Negative && rule.weight >= STRONG;
        let Some(rule) = self.rules.list.iter().position(is_sure) else { return true };
        let text = fold_lines(self.text, is_newest);
        let (end, sentence) = (text.text.len(), text.sentences.len().saturating_sub(1));
        let mut hits = self.reading.hits.clone();
        hits.push(Hit { rule, start: end, end, sentence });
        let reading = read_hits(text, hits, self.rules);
        self.with(&reading, self.subject).question_in_full().is_some()
    }

    fn answers(&self) -> Vec<Answer> {
        let Letter { text, reading, subject, rules, .. } = *self;
        let full = *Bars::of(self.rules);
        let recruiting = recruiting_weight(reading, subject, rules);
        let signature = read(fold_lines(text, |kind| kind == LineKind::Signature), rules);
        let about_job = is_about_job(reading, subject, &signature, recruiting);
        let bar = match (recruiting >= RECRUITING_MIN_SOFT, reading.support > 0) {
            (true, true) => SOFT,
            (true, false) => SOFT + 1,
            (false, _) => STRONG,
        };
        let strength = reading.strength(rules);
        let newest = text.lines.iter().enumerate().filter(|(_, line)| line.kind == LineKind::Text);
        let newest: Vec<&str> = newest.map(|(number, _)| text.line(number)).collect();
        let is_thanked = reading.thanked || names::is_wished_well(&newest, &rules.words);
        let thanked = if is_thanked { THANKED_APPLICANT } else { 0 };
        let reader = self.is_of_another_reader(&full).is_none();
        let of = |question, yes, score, bar| Answer { question, yes, score, bar, words: vec![], against: vec![] };
        let mut answers = vec![
            of(Question::Recruiting, recruiting >= full.recruiting && about_job, recruiting, full.recruiting),
            of(
                Question::Negative,
                is_result_stated(reading, recruiting, &full, rules) && !reading.turned,
                strength,
                bar,
            ),
            of(Question::Applicant, reader, reading.applicant + subject.applicant + thanked, full.applicant),
        ];
        for (hit, words) in self.words(|_| true) {
            let Some((question, speaks_for)) = self.speaks_to(&hit, words.line.is_none()) else { continue };
            let Some(answer) = answers.iter_mut().find(|answer| answer.question == question) else { continue };
            let list = if speaks_for { &mut answer.words } else { &mut answer.against };
            if !list.iter().any(|known| known.rule == words.rule) {
                list.push(words);
            }
        }
        answers
    }

    /// Which question words speak to, and whether for it.
    fn speaks_to(&self, hit: &Hit, in_subject: bool) -> Option<(Question, bool)> {
        let stated = || {
            self.reading.results.iter().any(|result| {
                self.reading.hits.get(*result).is_some_and(|r| (r.rule, r.start) == (hit.rule, hit.start))
            })
        };
        let beside_result = || self.reading.has_in(hit.sentence, Kind::Negative, self.rules);
        let thanks = || self.reading.thanked && !in_subject && self.is_thanked_in(hit.sentence);
        match self.rules.list.get(hit.rule)?.kind {
            Kind::Recruiting => Some((Question::Recruiting, true)),
            Kind::Negative if !in_subject && stated() => Some((Question::Negative, true)),
            Kind::ConditionBefore | Kind::ConditionAfter | Kind::Denial if !in_subject && beside_result() => {
                Some((Question::Negative, false))
            }
            Kind::Applicant => Some((Question::Applicant, true)),
            Kind::Thanks | Kind::Act if thanks() => Some((Question::Applicant, true)),
            Kind::Stranger if !in_subject => Some((Question::Applicant, false)),
            _ => None,
        }
    }

    fn is_thanked_in(&self, sentence: usize) -> bool {
        let has = |kind| self.reading.has_in(sentence, kind, self.rules);
        has(Kind::Thanks) && has(Kind::Act) && !has(Kind::Stranger)
    }

    /// The words of text and subject whose kind is asked for, and where they stand.
    fn words(&self, is_wanted: impl Fn(Kind) -> bool) -> impl Iterator<Item = (Hit, Words)> {
        let of = |reading: &Reading, in_subject: bool, hit: &Hit| {
            let rule = self.rules.list.get(hit.rule).filter(|rule| is_wanted(rule.kind))?;
            let text = reading.folded.text.get(hit.start..hit.end).unwrap_or_default().into();
            let line = if in_subject { None } else { reading.folded.line_at(hit.start) };
            Some((*hit, Words { rule: Arc::clone(&rule.id), text, text_part: self.part, line, written: None }))
        };
        let text = self.reading.hits.iter().filter_map(|hit| of(self.reading, false, hit));
        let words: Vec<_> =
            text.chain(self.subject.hits.iter().filter_map(|hit| of(self.subject, true, hit))).collect();
        words.into_iter()
    }
}
