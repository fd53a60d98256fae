//! The account of a verdict: what each question came to, and the nearest thing that would have changed it.

use super::*;

const THANKS: &str = "佐藤 花子 様\n\nこの度は弊社の求人にご応募いただき、ありがとうございました。";
const RESULT: &str = "慎重に選考いたしました結果、今回は採用を見送らせていただくこととなりました。";
const WISHES: &str = "今後のご活躍をお祈り申し上げます。";

fn account_of(note: &Note) -> (Account, Verdict) {
    let (raw, envelope, audience) = (note.raw(), note.envelope(), audience());
    let message = Message::read(&raw);
    let view = View::read(&message);
    let mail = Mail { envelope: &envelope, message: &message, view: &view, audience: &audience };
    (account(&mail, &RULES), decide(&mail, &RULES))
}

/// The nearest change in short: `without WORDS in line N: VERDICT`.
fn nearest(account: &Account) -> String {
    let Some(nearest) = &account.nearest else { return "nothing".to_owned() };
    let change = match &nearest.change {
        Change::Without(words) => {
            format!("without {} in {}", words.text, words.line.map_or("subject".to_owned(), |line| line.to_string()))
        }
        Change::More { question, points } => format!("{points} more of {}", question.code()),
        Change::Sent(reason) => format!("sent without {}", reason.code()),
    };
    format!("{change}: {}", nearest.then.map_or("rejection", Reason::code))
}

fn check(body: &str, verdict: &str, expected: &str) {
    let (account, found) = account_of(&Note::of_body(body).under("ご連絡"));
    let said = nearest(&account);
    assert!(answer(&found).0 == verdict && said.ends_with(expected), "{}, {said}\n{body}", answer(&found).0);
}

#[test]
fn of_a_mail_that_is_none_it_is_what_hinders_or_is_missing() {
    let condition = "慎重に選考いたしました結果、採用を見送らせていただく場合がございます。";
    check(&format!("{THANKS}\n{condition}\n{WISHES}"), "conditional_result", "without 場合 in 3: rejection");
    check(&format!("{THANKS}\n{RESULT}\n内定承諾書をお送りします。\n{WISHES}"), "offer", "nothing");
    check(
        &format!("{THANKS}\n{RESULT}\nなお、遺族の皆様にお悔やみ申し上げます。"),
        "bereavement",
        "without お悔やみ in 4: rejection",
    );
    check("来週の会議の資料をお送りします。ご確認ください。", "not_recruiting", "nothing");
    check(&format!("{THANKS}\n履歴書をお預かりいたしました。\n{WISHES}"), "no_result", " more of negative: rejection");
}

#[test]
fn of_a_rejection_it_is_the_lightest_words_it_rests_on() {
    let (account, _) = account_of(&Note::of_body(&format!("{THANKS}\n{RESULT}\n{WISHES}")));
    let Some(Nearest { change: Change::Without(words), then: Some(_) }) = account.nearest else {
        panic!("{:?}", account.nearest)
    };
    assert!([THANKS, RESULT].concat().contains(&*words.text), "{words:?}");
}

#[test]
fn of_a_mail_to_others_it_is_how_it_was_sent() {
    let body = format!("{THANKS}\n{RESULT}\n{WISHES}");
    for (to, verdict) in [("haken@agent.example", "agency"), ("mori@sakura.example", "own_domain")] {
        let note = Note::parse_one(&format!("n\nexpect: {verdict}\nto: {to}\n\n{body}"));
        let (account, found) = account_of(&note);
        assert_eq!(answer(&found).0, verdict);
        assert_eq!(nearest(&account), format!("sent without {verdict}: rejection"));
    }
}

#[test]
fn what_it_names_is_always_true_of_the_mail() {
    let mut seen = BTreeMap::new();
    for note in Note::read_all("tune").iter().step_by(3) {
        let (account, found) = account_of(note);
        let is_rejection = matches!(found, Verdict::Rejection(_));
        if let Some(nearest) = &account.nearest {
            assert_eq!(nearest.then.is_some(), is_rejection, "{}: {nearest:?}", note.name);
            let kind = match nearest.change {
                Change::Without(_) => "without",
                Change::More { .. } => "more",
                Change::Sent(_) => "sent",
            };
            *seen.entry((is_rejection, kind)).or_insert(0) += 1;
        }
        let [recruiting, negative, applicant] = account.answers.as_slice() else { continue };
        assert_eq!(
            [recruiting.question, negative.question, applicant.question].map(Question::code),
            ["recruiting", "negative", "applicant"]
        );
        if is_rejection {
            let words = |answer: &Answer| !answer.words.is_empty();
            assert!(words(negative) && words(recruiting), "{}: {account:#?}", note.name);
        }
    }
    println!("{seen:?}");
    assert!(seen.len() >= 3, "{seen:?}");
}

#[test]
fn the_words_of_each_question_stand_where_it_says() {
    let (account, _) = account_of(&Note::of_body(&format!("{THANKS}\n{RESULT}\n{WISHES}")));
    let places: Vec<(&str, bool, Vec<Option<usize>>)> = account
        .answers
        .iter()
        .map(|answer| (answer.question.code(), answer.yes, answer.words.iter().map(|words| words.line).collect()))
        .collect();
    assert!(places.iter().all(|(_, yes, _)| *yes), "{places:?}");
    let (_, _, result) = &places[1];
    assert!(!result.is_empty() && result.iter().all(|line| *line == Some(3)), "{places:?}");
    let (_, _, reader) = &places[2];
    assert!(reader.contains(&Some(2)), "{places:?}");
}
