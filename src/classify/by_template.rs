//! Deciding by templates alone: a mail of one that HR approved is a rejection, whatever the model would say of it, as
//! long as recipients, structure and words of its own say nothing against it.

use std::sync::Arc;

use super::fold::fold;
use super::judge::{head_of, is_rejection_quoted, is_reply};
use super::place;
use super::reading::read;
use super::rules::{Kind, Rules};
use super::template::{Fingerprint, Specimen, Stand, TemplateId, Templates, fold_newest, sentences_of};
use super::verdict::{Evidence, Place, Question, Reason, Rejection};
use super::{Mail, candidates_of, names};
use crate::mail::view::{LineKind, View};

/// Of the runs of a sentence, the share that a template has not, in percent, from which on it is the mail's own.
const OWN_PERCENT_MIN: usize = 25;
/// Folded octets up to which a part without a result is a stub or a footer.
const STUB_OCTETS_MAX: usize = 240;

/// What the templates of a company say of a mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ByTemplate {
    /// It is of one that HR approved.
    Rejection(TemplateId, Rejection),
    /// It is of one that never gets the line.
    Never(TemplateId),
    /// It is of one that HR approved, and something else in it forbids the line.
    Refused(TemplateId, Reason),
    /// It would be of one that HR approved, if many such mails came at the time.
    Near(TemplateId),
    /// It is of none.
    Unknown,
}

/// Compares a mail with templates, of the closest of which `burst_mails` were seen within a short time.
pub fn decide_by_templates(mail: &Mail<'_>, templates: &Templates, burst_mails: u32, rules: &Rules) -> ByTemplate {
    let Ok(candidates) = candidates_of(mail) else { return ByTemplate::Unknown };
    if templates.is_empty() || !mail.view.unread.is_empty() {
        return ByTemplate::Unknown;
    }
    let Ok(specimen) = Specimen::of(mail.view, rules) else { return ByTemplate::Unknown };
    let Some((template, likeness)) = templates.closest(&specimen) else { return ByTemplate::Unknown };
    let id = template.id;
    match (likeness.is_match(burst_mails), template.stand) {
        (true, Stand::Never) => return ByTemplate::Never(id),
        (true, Stand::Rejection) => {}
        (false, Stand::Rejection) if likeness.is_near() => return ByTemplate::Near(id),
        (false, _) => return ByTemplate::Unknown,
    }
    let print = &template.fingerprint;
    let refused = subject_veto(&mail.view.subject, rules).or_else(|| refusal(mail.view, &specimen, print, rules));
    let found = refused.map_or_else(|| places(mail.view, &specimen, print, rules), Err);
    match found {
        Ok(places) => {
            let evidence = evidence(id, &specimen, &places);
            ByTemplate::Rejection(id, Rejection { language: print.language(), candidates, evidence, places })
        }
        Err(reason) => ByTemplate::Refused(id, reason),
    }
}

/// The template's fingerprint a mail would make, for a rejection that is of none yet; `None` where it makes none.
pub fn fingerprint_of(view: &View, rules: &Rules) -> Option<(Specimen, Fingerprint)> {
    let specimen = Specimen::read(view, None, rules).ok()?;
    let print = Fingerprint::of(std::slice::from_ref(&specimen)).ok()?;
    Some((specimen, print))
}

/// What forbids the line beside the words that the template has itself: a veto in words of the mail's own, another
/// person, a rejection it answers.
fn refusal(view: &View, specimen: &Specimen, print: &Fingerprint, rules: &Rules) -> Option<Reason> {
    let part = view.parts.get(specimen.part)?;
    let veto = |hit: &super::scan::Hit| match rules.list.get(hit.rule)?.kind {
        Kind::Veto(reason) if is_own(specimen, print, hit.sentence) => Some(reason),
        _ => None,
    };
    if let Some(reason) = specimen.reading.hits.iter().filter_map(veto).min() {
        return Some(reason);
    }
    let newest: Vec<&str> = part.lines_of(LineKind::Text).collect();
    if names::is_about_another(newest.iter().copied(), true, &rules.words) {
        return Some(Reason::ThirdPerson);
    }
    is_rejection_quoted(part, rules).then_some(Reason::SecondNotice)
}

/// A veto in the subject; a reply carries the subject of what it answers, and says nothing by it.
fn subject_veto(subject: &str, rules: &Rules) -> Option<Reason> {
    let subject = read(fold(std::iter::once((0, head_of(subject)))), rules);
    subject.veto.filter(|reason| *reason == Reason::Template || !is_reply(&subject.folded.text))
}

/// Whether a sentence is the mail's own and not the template's.
fn is_own(specimen: &Specimen, print: &Fingerprint, sentence: usize) -> bool {
    let known = specimen.shingles_of(sentence).filter_map(|shingle| print.holds(shingle));
    let (own, all) = known.fold((0, 0), |(own, all), known| (own + usize::from(!known), all + 1));
    own * 100 >= OWN_PERCENT_MIN * all.max(1)
}

/// Where the result stands in each part that states it.
fn places(view: &View, specimen: &Specimen, print: &Fingerprint, rules: &Rules) -> Result<Vec<Place>, Reason> {
    let mut places = Vec::with_capacity(view.parts.len());
    for (index, part) in view.parts.iter().enumerate() {
        let sibling = (index != specimen.part).then(|| read(fold_newest(part), rules));
        let reading = sibling.as_ref().unwrap_or(&specimen.reading);
        let of_sibling = sibling.as_ref().map(|reading| sentences_of(&reading.folded));
        let sentences = of_sibling.as_ref().unwrap_or(&specimen.sentences);
        let stated = sentences.iter().find(|(_, words)| print.is_result(words)).map(|(number, _)| *number);
        match stated.and_then(|sentence| place::find_behind(reading, view, (index, sentence), rules)) {
            Some(place) => places.push(place),
            None if sibling.is_some() && reading.folded.text.len() <= STUB_OCTETS_MAX => {}
            None => return Err(Reason::PartsDisagree),
        }
    }
    Ok(places)
}

/// Which template it is, as the one piece of evidence: what it says is nowhere but in the mail.
fn evidence(id: TemplateId, specimen: &Specimen, places: &[Place]) -> Vec<Evidence> {
    let line = places.iter().find(|place| place.text_part == specimen.part).map(|place| place.result_line);
    let (rule, text) = (Arc::from(format!("template:{id}")), Arc::from(""));
    vec![Evidence { question: Question::Negative, rule, text, text_part: specimen.part, line }]
}
