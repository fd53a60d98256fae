//! Where the classifier says the result stands and the wishes begin.

use super::*;

/// Lines of the body, counted from 0: the last of the result, the first of the wishes.
fn check(body: &str, result_line: usize, closing_line: Option<usize>) {
    let note = Note::of_body(body);
    match verdict(&note, &RULES) {
        Verdict::Rejection(found) => {
            assert_eq!(found.places, [Place { text_part: 0, result_line, closing_line }], "{body}");
        }
        Verdict::Abstain(found) => panic!("{}: {:?}\n{body}", found.reason.code(), found.evidence),
    }
}

#[test]
fn wrapped_lines_of_the_result_stay_together() {
    check(
        "佐藤様\n\n先日は面接にお越しいただきありがとうございました。\n慎重に検討した結果、今回は採用を見送らせていた\nだくことに\nなりました。\n\nご活躍をお祈りいたします。",
        5,
        Some(7),
    );
}

#[test]
fn what_asks_to_understand_belongs_to_the_result() {
    check(
        "佐藤様\n面接ありがとうございました。\n今回は不採用とさせていただきます。\n何卒ご了承くださいますよう\nお願い申し上げます。\n書類は破棄いたします。\nご活躍をお祈りいたします。",
        4,
        Some(6),
    );
}

#[test]
fn papers_may_stand_between_the_result_and_the_wishes() {
    check(
        "佐藤様\nご応募いただきありがとうございました。\n選考の結果、今回は不採用とさせていただきます。\n\n履歴書は返却いたします。\n\n末筆ながら、ご活躍をお祈りいたします。",
        2,
        Some(6),
    );
}

#[test]
fn wishes_that_begin_within_a_line_give_their_paragraph() {
    check(
        "佐藤様\nご応募いただきありがとうございました。選考の結果、不採用といたします。\n\n履歴書は返却します。ご活躍をお祈り\nいたします。",
        1,
        Some(3),
    );
}

#[test]
fn a_mail_of_one_line_has_no_place_for_wishes() {
    check("佐藤さん、面接ありがとうございました。今回は不採用とさせていただきます。応援しています。", 0, None);
}

#[test]
fn english_sentences_are_kept_whole() {
    check(
        "Dear Ana,\nThank you for applying for the Analyst role. We regret to inform you\n\
         that we will not be moving forward with your\n\
         application. \
         It was a difficult decision.\n\nWe wish you every success.",
        3,
        Some(5),
    );
}

#[test]
fn of_two_halves_the_first_that_states_the_result_is_taken() {
    check(
        "Ana 様\nご応募ありがとうございました。選考の結果、今回は採用を見送らせていただきます。\n\n\
         Dear Ana,\nThank you for your application for the position.\nUnfortunately you were not selected.",
        1,
        None,
    );
}

#[test]
fn both_alternatives_have_their_place() {
    let note = Note::of_body(
        "佐藤様\n\nご応募ありがとうございました。\n\
         面接の結果、不採用とさせていただきます。\n\nご活躍をお祈りいたします。",
    );
    let found = verdict(&note.in_form("alternative"), &RULES);
    let Verdict::Rejection(found) = found else { panic!("{found:?}") };
    let parts: Vec<usize> = found.places.iter().map(|place| place.text_part).collect();
    assert_eq!(parts, [0, 1]);
    assert!(found.places.iter().all(|place| place.closing_line > Some(place.result_line)), "{:?}", found.places);
}
