//! What a phrase of a rule stands for: all its spellings, with the words of the sets it names.

use std::collections::BTreeMap;

/// Named lists of words as choices: `見送|見合わせ`.
pub(super) type Sets = BTreeMap<String, String>;

/// The words of a set as one choice, their own choices spelt out.
pub(super) fn one_choice(words: &[String]) -> String {
    let mut whole = String::new();
    for word in words {
        spellings(word, &mut |spelling| {
            let parted = if whole.is_empty() { "" } else { "|" };
            whole.extend([parted, spelling]);
        });
    }
    whole
}

/// `採用~<no>` with the words of the set `no` as a choice; `None` when there is no such set. What is in angle brackets
/// and cannot be a set's name stays as it is.
pub(super) fn spell_out(phrase: &str, sets: &Sets) -> Option<String> {
    let mut pieces = phrase.split('<');
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let named = piece.split_once('>').filter(|(name, _)| {
            !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'-')
        });
        match named {
            Some((name, rest)) => {
                // Within a choice, the words of the set are more choices.
                let chooses = whole.matches('(').count() > whole.matches(')').count();
                let (open, close) = if chooses { ("", "") } else { ("(", ")") };
                whole.extend([open, sets.get(name)?, close, rest]);
            }
            None => whole.extend(["<", piece]),
        }
    }
    Some(whole)
}

/// Calls `found` with each spelling of a step: `(見送|見合わせ)り` is two of them, and an empty choice is allowed.
pub(super) fn spellings(step: &str, found: &mut dyn FnMut(&str)) {
    choose(&Rest { text: step, behind: None }, &mut String::with_capacity(step.len()), found);
}

/// What is still to be spelt: a text, and what stands behind the choice that it belongs to.
struct Rest<'r> {
    text: &'r str,
    behind: Option<&'r Rest<'r>>,
}

/// Writes each choice of the rest behind what is spelt so far, and takes it out again.
fn choose(rest: &Rest<'_>, spelt: &mut String, found: &mut dyn FnMut(&str)) {
    let before = spelt.len();
    if let Some((plain, group)) = rest.text.split_once('(') {
        spelt.push_str(plain);
        let (alternatives, text) = split_group(group);
        let behind = Rest { text, behind: rest.behind };
        for text in alternatives {
            choose(&Rest { text, behind: Some(&behind) }, spelt, found);
        }
    } else {
        spelt.push_str(rest.text);
        match rest.behind {
            Some(behind) => choose(behind, spelt, found),
            None => found(spelt),
        }
    }
    spelt.truncate(before);
}

/// The alternatives of a choice, and what stands behind it; a choice may hold others.
fn split_group(text: &str) -> (Vec<&str>, &str) {
    let (mut alternatives, mut depth, mut from) = (Vec::new(), 0u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '|' | ')' if depth == 0 => {
                alternatives.push(&text[from..at]);
                from = at + 1;
                if c == ')' {
                    break;
                }
            }
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
    }
    (alternatives, &text[from..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(step: &str) -> Vec<String> {
        let mut all = Vec::new();
        spellings(step, &mut |spelling| all.push(spelling.to_owned()));
        all
    }

    #[test]
    fn a_choice_stands_for_all_its_spellings() {
        assert_eq!(all("(別|他)の方(に|)"), ["別の方に", "別の方", "他の方に", "他の方"]);
        assert_eq!(all("不採用"), ["不採用"]);
        assert_eq!(all("合格(しま(せん|す)|者)に"), ["合格しませんに", "合格しますに", "合格者に"]);
    }

    #[test]
    fn a_phrase_may_name_a_set_of_words() {
        let no = one_choice(&["でき(ず|ません)".to_owned(), "難し".to_owned()]);
        let sets = BTreeMap::from([("no".to_owned(), no)]);
        assert_eq!(spell_out("採用~<no>こと", &sets).as_deref(), Some("採用~(できず|できません|難し)こと"));
        assert_eq!(spell_out("(無理|<no>)", &sets).as_deref(), Some("(無理|できず|できません|難し)"));
        assert_eq!(spell_out("<<", &sets).as_deref(), Some("<<"));
        assert_eq!(spell_out("<yes>", &sets), None);
    }
}
