//! Breaking a lead text into lines no wider than the mail's own.

use crate::mail::view::{char_columns, columns};

/// Characters that must not begin a line of Japanese text.
const NO_START: &str = "、。，．・：；？！）」』】〕〉》”’ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ:;,.!?)]}%";
/// Characters that must not end one.
const NO_END: &str = "（「『【〔〈《“‘([{■▶";
/// Columns a balanced line may be wider than its even share.
const SLACK_COLUMNS: usize = 8;

/// Breaks `text` into lines of at most `width` columns, as even as the words allow. A word wider than that stays whole.
pub(super) fn wrap(text: &str, width: usize) -> Vec<&str> {
    let lines = columns(text).div_ceil(width.max(1));
    if lines <= 1 {
        return vec![text];
    }
    let even = columns(text).div_ceil(lines) + SLACK_COLUMNS;
    let balanced = wrap_at(text, even.min(width));
    if balanced.len() <= lines { balanced } else { wrap_at(text, width) }
}

fn wrap_at(text: &str, width: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let (mut start, mut used, mut fit) = (0, 0, None);
    let mut before = None;
    for (at, c) in text.char_indices() {
        if before.is_some_and(|b| may_break(b, c)) {
            fit = Some(at);
        }
        used += char_columns(c);
        if let Some(end) = fit.filter(|_| used > width && c != ' ') {
            lines.push(text[start..end].trim_end_matches(' '));
            (start, fit) = (end, None);
            used = columns(&text[start..at + c.len_utf8()]);
        }
        before = Some(c);
    }
    lines.push(&text[start..]);
    lines
}

/// Whether a line may end between two characters: behind a blank, or between wide ones, but not within a word of
/// katakana, nor where Japanese typesetting binds them.
fn may_break(before: char, after: char) -> bool {
    if after == ' ' {
        return false;
    }
    if before == ' ' {
        return true;
    }
    let katakana = |c: char| matches!(c, 'ァ'..='ー');
    if katakana(before) && katakana(after) {
        return false;
    }
    let wide = char_columns(before) == 2 || char_columns(after) == 2;
    wide && !NO_START.contains(after) && !NO_END.contains(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, width: usize, expected: &[&str]) {
        assert_eq!(wrap(text, width), expected);
    }

    #[test]
    fn a_line_that_fits_stays_whole() {
        check("ご案内：", 8, &["ご案内："]);
        check("Career Relay (free):", 72, &["Career Relay (free):"]);
    }

    #[test]
    fn japanese_is_broken_between_characters_that_may_part() {
        check("弊社が提携する「キャリア」のご案内：", 28, &["弊社が提携する「キャリア」", "のご案内："]);
    }

    #[test]
    fn words_stay_whole_and_the_blank_between_lines_goes() {
        check("one two three four", 10, &["one two", "three four"]);
        check("unbreakable", 4, &["unbreakable"]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_but_blanks_is_lost(text in "[a-z「」。あ漢 ]{0,60}", width in 1usize..40) {
            let kept: String = wrap(&text, width).concat();
            assert_eq!(kept.replace(' ', ""), text.replace(' ', ""));
        }
    }
}
