//! Where the result stands: the last line of what states it, and the first line of the wishes behind it.

use super::reading::Reading;
use super::rules::{Kind, Rules};
use super::verdict::Place;
use crate::mail::view::{TextPart, View};

/// Finds the place of the main result in the reading of a part; `None` when no result stands in its text.
pub(super) fn find(reading: &Reading, view: &View, text_part: usize, rules: &Rules) -> Option<Place> {
    find_behind(reading, view, (text_part, reading.main_result(rules)?.sentence), rules)
}

/// The same for a result that stands in a sentence, whatever the rules see in it.
pub(super) fn find_behind(
    reading: &Reading,
    view: &View,
    (text_part, sentence): (usize, usize),
    rules: &Rules,
) -> Option<Place> {
    let part = view.parts.get(text_part)?;
    let last = last_sentence_of_result(reading, part, sentence, rules);
    let result_line = reading.folded.last_line_of(last)?;
    let closing_line = closing_line(reading, part, last, rules).filter(|line| *line > result_line);
    Some(Place { text_part, result_line, closing_line })
}

/// The sentence itself, what shares its last line, and what goes on with it (asks to understand, regrets it).
fn last_sentence_of_result(reading: &Reading, part: &TextPart, sentence: usize, rules: &Rules) -> usize {
    let folded = &reading.folded;
    let is_one_paragraph = |last: usize| {
        let lines = folded.last_line_of(last).zip(folded.first_line_of(last + 1));
        lines.is_some_and(|(above, below)| part.are_one_paragraph(above, below))
    };
    let mut last = sentence;
    while let Some(next) = folded.sentences.get(last + 1) {
        let goes_on = !next.begins_line
            || is_one_paragraph(last)
                && reading.has_in(last + 1, Kind::Continuation, rules)
                && !reading.has_in(last + 1, Kind::Wish, rules);
        if !goes_on {
            break;
        }
        last += 1;
    }
    last
}

fn closing_line(reading: &Reading, part: &TextPart, result: usize, rules: &Rules) -> Option<usize> {
    let folded = &reading.folded;
    let is_wish = |hit: &&super::scan::Hit| rules.list.get(hit.rule).is_some_and(|rule| rule.kind == Kind::Wish);
    let wish = reading.hits.iter().filter(|hit| hit.sentence > result).find(is_wish)?;
    let line = folded.first_line_of(wish.sentence)?;
    if folded.sentences.get(wish.sentence)?.begins_line {
        return Some(line);
    }
    let begin = part.paragraph_begin(line);
    (begin > folded.last_line_of(result)?).then_some(begin)
}
