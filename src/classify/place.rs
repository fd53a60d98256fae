//! Where the result stands: the last line of what states it, and the first line of the wishes behind it.

use super::reading::Reading;
use super::rules::{Kind, Rules};
use super::verdict::Place;

/// Finds the place of the main result; `None` when no result stands in this text.
pub(super) fn find(reading: &Reading, text_part: usize, rules: &Rules) -> Option<Place> {
    let result = reading.main_result(rules)?;
    let last = last_sentence_of_result(reading, result.sentence, rules);
    let result_line = reading.folded.last_line_of(last)?;
    let closing_line = closing_line(reading, last, rules).filter(|line| *line > result_line);
    Some(Place { text_part, result_line, closing_line })
}

/// The sentence itself, what shares its last line, and what goes on with it (asks to understand, regrets it).
fn last_sentence_of_result(reading: &Reading, sentence: usize, rules: &Rules) -> usize {
    let sentences = &reading.folded.sentences;
    let paragraph = sentences.get(sentence).map(|s| s.paragraph);
    let mut last = sentence;
    while let Some(next) = sentences.get(last + 1) {
        let goes_on = !next.begins_line
            || Some(next.paragraph) == paragraph
                && reading.has_in(last + 1, Kind::Continuation, rules)
                && !reading.has_in(last + 1, Kind::Wish, rules);
        if !goes_on {
            break;
        }
        last += 1;
    }
    last
}

fn closing_line(reading: &Reading, result: usize, rules: &Rules) -> Option<usize> {
    let folded = &reading.folded;
    let is_wish = |hit: &&super::scan::Hit| rules.list.get(hit.rule).is_some_and(|rule| rule.kind == Kind::Wish);
    let wish = reading.hits.iter().filter(|hit| hit.sentence > result).find(is_wish)?;
    let begun = folded.sentences.get(wish.sentence)?;
    if begun.begins_line {
        return folded.first_line_of(wish.sentence);
    }
    let head = folded.sentences.partition_point(|sentence| sentence.paragraph < begun.paragraph);
    (head > result).then(|| folded.first_line_of(head)).flatten()
}
