//! From readings to a verdict: the three questions on the part a person reads, then the other parts beside it.

mod account;
mod asking;
mod evidence;

use std::cell::OnceCell;

use evidence::evidence_of;

pub use account::{Account, Answer, Change, Nearest, POINTS_ASKED, Words, account};
#[cfg(test)]
pub(super) use asking::is_likely_alone;
pub(super) use asking::{learn_from, traits_of_said};

use super::bars::{Asked, Bars, Vetoes};
use super::fold::{Folded, fold};
use super::hear::hear;
use super::reading::{Reading, read};
use super::recipients::Candidates;
use super::rules::{Kind, Proof, Rules};
use super::verdict::{Abstain, Evidence, Lang, Nearly, Place, Reason, Rejection, Verdict};
use super::{Mail, TEXT_OCTETS_MAX, language, names, place};
use crate::mail::view::{LineKind, TextPart, View, ViewFault};

/// Recruiting weight from which on a part is about an application.
const RECRUITING_MIN: u32 = Bars::FULL.recruiting;
/// Recruiting weight a result needs whose words are used of other matters too.
const RECRUITING_MIN_SOFT: u32 = 4;
/// Recruiting weight of thanks for what an applicant does.
const THANKED: u32 = 2;
/// Recruiting weight that needs no interview: application, selection and hiring.
const RECRUITING_SURE: u32 = 7;
/// Applicant weight of thanks and of wishes.
const THANKED_APPLICANT: u32 = 2;
/// Weight of a result that names the application itself.
const STRONG: u32 = 3;
/// Weight of a result in words of everyday life.
const SOFT: u32 = 1;
/// Folded octets up to which a part without a result is a stub or a footer.
const STUB_OCTETS_MAX: usize = 240;
/// Results of which it is looked whether the addressee is named beside them.
const RESULTS_NAMED_MAX: usize = 8;
/// Octets of the subject that are read.
const SUBJECT_OCTETS_MAX: usize = 1024;

/// Judges the text of a mail whose candidates are known.
pub(super) fn judge(mail: &Mail<'_>, candidates: Candidates, rules: &Rules) -> Verdict {
    if !mail.view.unread.is_empty() {
        let too_long = mail.view.unread.iter().all(|unread| unread.fault == ViewFault::TooLarge);
        return abstain(if too_long { Reason::TooLong } else { Reason::Unreadable });
    }
    let Some((part, text)) = primary(mail.view) else {
        return abstain(if has_quotation(mail.view) { Reason::QuotedOnly } else { Reason::NoText });
    };
    if mail.view.parts.iter().map(text_octets).sum::<usize>() > TEXT_OCTETS_MAX {
        return abstain(Reason::TooLong);
    }
    let folded = fold_lines(text, is_newest);
    let Some(language) = language::tell(&folded, &rules.words) else {
        return judge_with((mail.view, part, text), folded, candidates, rules);
    };
    let Some(own) = rules.of(language) else { return abstain(Reason::UnsupportedLanguage) };
    let is_of_two = language::is_of_two(&folded, language);
    let foreign = judge_with((mail.view, part, text), folded, candidates.clone(), own);
    if let Some(reason) = veto_of_subject(mail.view, rules) {
        return abstain(reason);
    }
    if !is_of_two {
        return foreign;
    }
    let second = fold_lines(text, is_newest);
    match foreign {
        Verdict::Rejection(_) => match read(second, rules).veto_of(Lang::Ja, rules) {
            Some(reason) => abstain(reason),
            None => foreign,
        },
        Verdict::Abstain(found) if found.reason < Reason::NotRecruiting => Verdict::Abstain(found),
        Verdict::Abstain(_) => judge_with((mail.view, part, text), second, candidates, rules),
    }
}

/// What the subject says against a rejection in Japanese or English, whatever the language of the text.
fn veto_of_subject(view: &View, rules: &Rules) -> Option<Reason> {
    let subject = read(fold(std::iter::once((0, head_of(&view.subject)))), rules);
    subject.veto.filter(|reason| *reason == Reason::Template || !is_reply(&subject.folded.text))
}

/// Judges a text with the rules of its language.
fn judge_with(
    (view, part, text): (&View, usize, &TextPart),
    folded: Folded,
    candidates: Candidates,
    rules: &Rules,
) -> Verdict {
    let reading = read(folded, rules);
    let subject = read(fold(std::iter::once((0, head_of(&view.subject)))), rules);
    let letter = Letter::new((view, part, text), (&reading, &subject), rules);
    letter.decide(|letter, found| match found {
        Ok(places) => Verdict::Rejection(letter.rejection(candidates, places)),
        Err((reason, by_model)) => {
            let nearly = letter.nearly(reason, candidates, by_model);
            Verdict::Abstain(Abstain { reason, evidence: letter.evidence(), nearly })
        }
    })
}

fn abstain(reason: Reason) -> Verdict {
    Verdict::Abstain(Abstain { reason, evidence: Vec::new(), nearly: None })
}

fn primary(view: &View) -> Option<(usize, &TextPart)> {
    let text = view.primary()?;
    let part = view.parts.iter().position(|part| std::ptr::eq(part, text))?;
    let newest = text.lines.iter().any(|line| line.kind == LineKind::Text);
    newest.then_some((part, text))
}

fn has_quotation(view: &View) -> bool {
    view.parts.iter().any(|part| part.lines.iter().any(|line| line.kind == LineKind::Quotation))
}

fn text_octets(part: &TextPart) -> usize {
    (0..part.lines.len()).map(|line| part.line(line).len()).sum()
}

/// As much of a subject as is read.
pub(super) fn head_of(subject: &str) -> &str {
    let end = (0..=SUBJECT_OCTETS_MAX.min(subject.len())).rev().find(|end| subject.is_char_boundary(*end));
    subject.get(..end.unwrap_or(0)).unwrap_or_default()
}

fn is_newest(kind: LineKind) -> bool {
    matches!(kind, LineKind::Text | LineKind::Blank)
}

fn is_quotation(kind: LineKind) -> bool {
    kind == LineKind::Quotation
}

fn fold_lines(part: &TextPart, wanted: fn(LineKind) -> bool) -> Folded {
    let lines = part.lines.iter().enumerate().filter(|(_, line)| wanted(line.kind));
    fold(lines.map(|(number, _)| (number, part.line(number))))
}

/// A mail whose part that a person reads, and whose subject, are read.
#[derive(Clone)]
pub(super) struct Letter<'a> {
    view: &'a View,
    part: usize,
    text: &'a TextPart,
    pub(super) reading: &'a Reading,
    pub(super) subject: &'a Reading,
    pub(super) rules: &'a Rules,
    /// What was found out of these readings, which is asked for more than once.
    known: Known,
}

#[derive(Clone, Default)]
struct Known {
    names_another: OnceCell<bool>,
    asked_in_full: OnceCell<Option<Reason>>,
}

impl<'a> Letter<'a> {
    fn new(
        (view, part, text): (&'a View, usize, &'a TextPart),
        (reading, subject): (&'a Reading, &'a Reading),
        rules: &'a Rules,
    ) -> Self {
        Self { view, part, text, reading, subject, rules, known: Known::default() }
    }

    /// The same mail, read otherwise.
    fn with(&self, reading: &'a Reading, subject: &'a Reading) -> Self {
        Self::new((self.view, self.part, self.text), (reading, subject), self.rules)
    }
}

impl Letter<'_> {
    /// Where the result stands, when all three questions reach these bars; else why it is no rejection to its reader.
    fn places(&self, bars: &Bars) -> Result<Vec<Place>, Reason> {
        self.question(bars).map_or_else(|| self.read_siblings(bars), Err)
    }

    fn evidence(&self) -> Vec<Evidence> {
        evidence_of(self.reading, self.subject, self.part, self.rules)
    }

    fn rejection(&self, candidates: Candidates, places: Vec<Place>) -> Rejection {
        let language = language_of(self.reading, self.rules);
        Rejection { language, candidates, evidence: self.evidence(), places }
    }

    /// The rejection it would be with the one question that is open answered with yes, when the others are sure and
    /// that one is likely. A text that states no result at all is never one, so hardly a mail is asked twice.
    fn nearly(&self, reason: Reason, candidates: Candidates, by_model: Option<Vec<Place>>) -> Option<Nearly> {
        if self.reading.results.is_empty() {
            return None;
        }
        let (question, bars) = Bars::for_close_miss(reason)?;
        let places = self.places(&bars).ok().filter(|places| !places.is_empty()).or(by_model)?;
        Some(Nearly { question, rejection: self.rejection(candidates, places) })
    }

    /// Why it is no rejection to its reader by the bars of its language.
    fn question_in_full(&self) -> Option<Reason> {
        *self.known.asked_in_full.get_or_init(|| self.question(Bars::of(self.rules)))
    }

    /// Why it is no rejection to its reader; `None` when all three questions are answered with yes.
    fn question(&self, bars: &Bars) -> Option<Reason> {
        let Letter { text, reading, subject, rules, .. } = *self;
        let recruiting = recruiting_weight(reading, subject, rules);
        // A reply carries the subject of what it answers, but whoever writes of a template writes one.
        let subject_veto =
            bars.veto_of(subject).filter(|reason| *reason == Reason::Template || !is_reply(&subject.folded.text));
        let veto = [bars.veto_of(reading), subject_veto].into_iter().flatten().min();
        // Whose matter it is says nothing of a mail that is about none.
        if let Some(reason) = veto.filter(|reason| *reason < Reason::ThirdPerson || recruiting >= bars.recruiting) {
            return Some(reason);
        }
        // Behind the vetoes: to tell a language can cost more than all else.
        if !language::is_supported(reading, rules) {
            return Some(Reason::UnsupportedLanguage);
        }
        if recruiting < bars.recruiting {
            return Some(Reason::NotRecruiting);
        }
        let quoted = is_rejection_quoted(text, rules);
        if !is_result_stated(reading, recruiting, bars, rules) {
            return Some(match (reading.conditional, quoted) {
                (true, _) => Reason::ConditionalResult,
                (false, true) => Reason::QuotedOnly,
                (false, false) => Reason::NoResult,
            });
        }
        let signature = read(fold_lines(text, |kind| kind == LineKind::Signature), rules);
        if !is_about_job(reading, subject, &signature, recruiting)
            && (bars.job_said || bars.matter_said && self.is_of_another_matter())
        {
            return Some(Reason::NotRecruiting);
        }
        // 定員に達した and the like are said of events and courses too.
        let soft = reading.strength(rules) < STRONG;
        if soft && bars.matter_said && self.is_of_another_matter() {
            return Some(Reason::NotRecruiting);
        }
        if reading.turned && bars.result == Asked::Sure {
            return Some(Reason::Ambiguous);
        }
        if quoted {
            return Some(Reason::SecondNotice);
        }
        self.is_of_another_reader(bars)
    }

    /// Whether what is applied for is said, and is no job.
    fn is_of_another_matter(&self) -> bool {
        [self.reading.target, self.subject.target].contains(&Some(false))
    }

    /// Why the reader is not the applicant; `None` when he is.
    fn is_of_another_reader(&self, bars: &Bars) -> Option<Reason> {
        if bars.vetoes == Vetoes::All && self.names_another() {
            return Some(Reason::ThirdPerson);
        }
        (self.applicant_weight() < bars.applicant).then_some(Reason::NoApplicant)
    }

    /// Whether the text is addressed to, or speaks of, somebody else than an applicant who reads it.
    fn names_another(&self) -> bool {
        *self.known.names_another.get_or_init(|| {
            let Letter { reading, rules, .. } = *self;
            // A doctor or a teacher is an applicant when it is hiring that is refused, and he is thanked for applying.
            let strong = reading.strength(rules) >= STRONG;
            let scholar = reading.thanked && strong && reading.proofs.contains(&Proof::Job);
            names::is_about_another(self.newest_lines().iter().copied(), scholar, &rules.words)
        })
    }

    /// Weight of what says that the reader is the applicant.
    fn applicant_weight(&self) -> u32 {
        let Letter { reading, subject, rules, .. } = *self;
        let newest = self.newest_lines();
        let is_meant = reading.thanked || names::is_wished_well(&newest, &rules.words) || self.is_named(&newest);
        reading.applicant + subject.applicant + if is_meant { THANKED_APPLICANT } else { 0 }
    }

    fn newest_lines(&self) -> Vec<&str> {
        let newest = self.text.lines.iter().enumerate().filter(|(_, line)| line.kind == LineKind::Text);
        newest.map(|(number, _)| self.text.line(number)).collect()
    }

    /// The places of the result in every part that states it.
    fn read_siblings(&self, bars: &Bars) -> Result<Vec<Place>, Reason> {
        let Letter { view, part, reading, subject, rules, .. } = *self;
        let mut places: Vec<Place> = place::find(reading, view, part, rules).into_iter().collect();
        for (index, text) in view.parts.iter().enumerate().filter(|(index, _)| *index != part) {
            let mut sibling = reading.of_sibling(fold_lines(text, is_newest), rules);
            if bars.result == Asked::Hinted && sibling.results.is_empty() {
                sibling = hear(&sibling, subject, rules).add_to(&sibling, rules).unwrap_or(sibling);
            }
            if bars.veto_of(&sibling).is_some() {
                return Err(Reason::PartsDisagree);
            }
            match place::find(&sibling, view, index, rules) {
                Some(place) => places.push(place),
                None if sibling.folded.text.len() <= STUB_OCTETS_MAX && sibling.recruiting < RECRUITING_MIN => {}
                None => return Err(Reason::PartsDisagree),
            }
        }
        places.sort_by_key(|place| place.text_part);
        Ok(places)
    }

    /// Whether a result is said of the addressee by his name, and of nobody else beside him.
    fn is_named(&self, lines: &[&str]) -> bool {
        let Letter { reading, rules, .. } = *self;
        let Some(name) = names::addressee(lines, &rules.words) else { return false };
        let results = reading.results.iter().take(RESULTS_NAMED_MAX).filter_map(|index| reading.hits.get(*index));
        let mut sentences: Vec<usize> = results.map(|hit| hit.sentence).collect();
        sentences.dedup();
        sentences.into_iter().any(|sentence| {
            let text = reading.folded.sentence(sentence);
            !reading.has_in(sentence, Kind::Stranger, rules) && names::is_named_in(&name, text, &rules.words)
        })
    }
}

/// Whether the matter is a job: words of jobs alone, or what is applied for is one, or hiring and an interview go
/// together while nothing else is applied for.
///
/// Of a signature only the desk counts that wrote: vacancies stand below letters of any matter.
fn is_about_job(reading: &Reading, subject: &Reading, signature: &Reading, recruiting: u32) -> bool {
    let proven = |proof: Proof| reading.proofs.contains(&proof) || subject.proofs.contains(&proof);
    let targets = [reading.target, subject.target];
    proven(Proof::Job)
        || !targets.contains(&Some(false))
            && (targets.contains(&Some(true))
                || proven(Proof::Employer)
                || signature.proofs.contains(&Proof::Employer)
                || proven(Proof::Hiring)
                    && (proven(Proof::Interview) || reading.thanked && recruiting >= RECRUITING_SURE))
}

/// A reply carries the subject of what it answers: an invitation, say.
pub(super) fn is_reply(subject: &str) -> bool {
    ["re:", "返信", "aw:"].iter().any(|mark| subject.starts_with(mark))
}

/// Weight of body and subject together, each rule once.
fn recruiting_weight(reading: &Reading, subject: &Reading, rules: &Rules) -> u32 {
    let mut counted = vec![false; rules.list.len()];
    let mut weight = if reading.thanked { THANKED } else { 0 };
    for hit in reading.hits.iter().chain(&subject.hits) {
        let Some(rule) = rules.list.get(hit.rule).filter(|rule| rule.kind == Kind::Recruiting) else { continue };
        let known = counted.get_mut(hit.rule).is_none_or(|known| std::mem::replace(known, true));
        weight += if known { 0 } else { rule.weight };
    }
    weight
}

fn is_result_stated(reading: &Reading, recruiting: u32, bars: &Bars, rules: &Rules) -> bool {
    match reading.strength(rules) {
        // A hint alone states nothing: it is for the model to weigh.
        0 => bars.result == Asked::Hinted && !reading.results.is_empty(),
        _ if bars.result != Asked::Sure => true,
        STRONG.. => true,
        SOFT => false,
        _ => recruiting >= RECRUITING_MIN_SOFT,
    }
}

/// Whether what the mail answers is a rejection itself.
pub(super) fn is_rejection_quoted(text: &TextPart, rules: &Rules) -> bool {
    if !text.lines.iter().any(|line| line.kind == LineKind::Quotation) {
        return false;
    }
    let lines = text.lines.iter().enumerate().filter(|(_, line)| is_quotation(line.kind));
    let unmarked = lines.map(|(number, _)| (number, text.line(number).trim_start_matches(['>', ' ', '＞', '|'])));
    let quoted = read(fold(unmarked), rules);
    quoted.strength(rules) >= 2 && quoted.recruiting > 0
}

fn language_of(reading: &Reading, rules: &Rules) -> Lang {
    let rule = reading.main_result(rules).and_then(|hit| rules.list.get(hit.rule));
    rule.map_or(Lang::Ja, |rule| rule.language)
}
