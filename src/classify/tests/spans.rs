//! Evidence and places lead back to the words of the view.

use super::*;

/// Every piece of evidence of these mails spans words that say the same; how many there were.
fn check_all(notes: &[Note]) -> usize {
    let mut count = 0;
    for note in notes {
        let (raw, envelope, audience) = (note.raw(), note.envelope(), audience());
        let message = Message::read(&raw);
        let view = View::read(&message);
        let mail = Mail { envelope: &envelope, message: &message, view: &view, audience: &audience };
        let (evidence, places) = match decide(&mail, &RULES) {
            Verdict::Rejection(found) => (found.evidence, found.places),
            Verdict::Abstain(found) => (found.evidence, Vec::new()),
        };
        for found in evidence.iter().filter(|found| found.line.is_some()) {
            let span = found.span(&view).unwrap_or_else(|| panic!("{}: no span of {found:?}", note.name));
            let text = view.text_of(&span).unwrap_or_default();
            assert!(crate::classify::spans::says(&view, &span, &found.text), "{}: {text:?} for {found:?}", note.name);
            assert!(
                text.chars().count() <= found.text.chars().count() * 2 + 24,
                "{}: {text:?} for {found:?}",
                note.name
            );
            let line = found.line.and_then(|line| view.span_of_line(found.text_part, line)).map(|line| line.text);
            assert!(line.is_some_and(|line| line.contains(&span.text.start)), "{}: {found:?}", note.name);
            count += 1;
        }
        for place in places {
            let (result, wishes) = (place.result(&view), place.wishes(&view));
            assert!(result.is_some_and(|result| wishes.is_none_or(|wishes| result.text.end <= wishes.text.start)));
        }
    }
    count
}

#[test]
fn all_evidence_of_the_corpus_spans_the_words_it_names() {
    assert!(check_all(&Note::read_all("tune")) > 2_000);
}

#[test]
fn words_in_other_spellings_and_over_line_ends_are_found_whole() {
    for body in [
        "佐藤様\n先日は面接にお越し頂きありがとうございました。\n今回は採用を見送らせていた\nだくこととなりました。\nご活躍をお祈りいたします。",
        "佐藤様\nﾒﾝｾﾂﾉｹﾝ\n応募（おうぼ）いただきありがとうございました。\n選考の結果、今 回 は 不 採 用とさせていただきます。",
        "Dear Sato,\nThank you for applying to our\nposition. We regret to inform you that we will not be moving\nforward with your application.",
    ] {
        assert!(check_all(&[Note::of_body(body)]) > 1, "{body}");
    }
}
