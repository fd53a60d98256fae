//! What the rules found, as evidence for each question.

use std::sync::Arc;

use crate::classify::reading::Reading;
use crate::classify::rules::{Kind, Rules};
use crate::classify::verdict::{Evidence, Question};

/// Pieces of evidence of an ordinary mail: room for so many is made at once.
const EVIDENCE_USUAL: usize = 16;

/// One entry per rule: the winning words of body and subject. A result in a condition is no evidence.
pub(super) fn evidence_of(reading: &Reading, subject: &Reading, part: usize, rules: &Rules) -> Vec<Evidence> {
    let mut seen = vec![false; rules.list.len()];
    let mut evidence = Vec::with_capacity(EVIDENCE_USUAL);
    for (read, in_subject) in [(reading, false), (subject, true)] {
        for (index, hit) in read.hits.iter().enumerate() {
            let (Some(rule), Some(seen)) = (rules.list.get(hit.rule), seen.get_mut(hit.rule)) else { continue };
            let question = match rule.kind {
                Kind::Recruiting => Question::Recruiting,
                Kind::Negative if !in_subject && read.results.binary_search(&index).is_ok() => Question::Negative,
                Kind::Applicant => Question::Applicant,
                Kind::Veto(_) => Question::Veto,
                _ => continue,
            };
            if !std::mem::replace(seen, true) {
                let text = read.folded.text.get(hit.start..hit.end).unwrap_or_default().into();
                let line = if in_subject { None } else { read.folded.line_at(hit.start) };
                evidence.push(Evidence { question, rule: Arc::clone(&rule.id), text, text_part: part, line });
            }
        }
    }
    evidence
}
