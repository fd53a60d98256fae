//! What a phrase of a rule stands for: all its spellings, with the words of the sets it names.

use std::collections::BTreeMap;

use super::fold::fold_phrase;

/// `採用~<no>` with the words of the set `no` as a choice; `None` when there is no such set. What is in angle brackets
/// and cannot be a set's name stays as it is.
pub(super) fn spell_out(phrase: &str, sets: &BTreeMap<String, Vec<String>>) -> Option<String> {
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
                whole.extend([open, &words_of(sets.get(name)?).join("|"), close, rest]);
            }
            None => whole.extend(["<", piece]),
        }
    }
    Some(whole)
}

/// The words of a set, their own choices spelt out.
fn words_of(set: &[String]) -> Vec<String> {
    set.iter().flat_map(|word| choices(word)).collect()
}

/// All spellings of a step: `(見送|見合わせ)り` is two of them, and an empty choice is allowed.
pub(super) fn spellings(step: &str) -> Vec<String> {
    choices(step).iter().map(|spelling| fold_phrase(spelling)).collect()
}

fn choices(step: &str) -> Vec<String> {
    let Some((plain, group)) = step.split_once('(') else { return vec![step.to_owned()] };
    let (alternatives, behind) = split_group(group);
    let behind = choices(behind);
    let all = alternatives.into_iter().flat_map(choices);
    all.flat_map(|one| behind.iter().map(move |rest| format!("{plain}{one}{rest}")).collect::<Vec<_>>()).collect()
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

    #[test]
    fn a_choice_stands_for_all_its_spellings() {
        assert_eq!(spellings("(別|他)の方(に|)"), ["別の方に", "別の方", "他の方に", "他の方"]);
        assert_eq!(spellings("不採用"), ["不採用"]);
        assert_eq!(spellings("合格(しま(せん|す)|者)に"), ["合格しませんに", "合格しますに", "合格者に"]);
    }

    #[test]
    fn a_phrase_may_name_a_set_of_words() {
        let sets = BTreeMap::from([("no".to_owned(), vec!["でき(ず|ません)".to_owned(), "難し".to_owned()])]);
        assert_eq!(spell_out("採用~<no>こと", &sets).as_deref(), Some("採用~(できず|できません|難し)こと"));
        assert_eq!(spell_out("(無理|<no>)", &sets).as_deref(), Some("(無理|できず|できません|難し)"));
        assert_eq!(spell_out("<<", &sets).as_deref(), Some("<<"));
        assert_eq!(spell_out("<yes>", &sets), None);
    }
}
