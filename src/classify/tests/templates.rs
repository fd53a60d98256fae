//! Templates: their mails are known again whoever they greet, and never when the result says anything else.

use super::corpus::Note;
use super::{RULES, audience};
use crate::classify::template::{Fingerprint, Likeness, Specimen, SpecimenFault, Stand, Template, Templates};
use crate::classify::{ByTemplate, Mail, Reason, decide_by_templates};
use crate::mail::message::Message;
use crate::mail::view::View;

const FIRM: &str = "佐藤 花子 様\n\nさくら商事株式会社 採用担当の森です。\nこの度は弊社の営業職にご応募いただき、誠にありがとう\
                    ございました。\n11月20日(金)の面接の内容をもとに慎重に検討いたしました結果、誠に残念ながら\
                    今回は採用を見送らせていただくこととなりました。\n\nお預かりした応募書類は責任をもって破棄いたします。\n\
                    末筆ながら、佐藤様の今後のご活躍を心よりお祈り申し上げます。\n";
const SHOP: &str = "こんにちは。先日はお店まで来てくれてありがとうございました。\nスタッフみんなで相談しましたが、今回は別の方に\
                    お願いすることになりました。\nまたお店に遊びに来てくださいね。\n";
const ENGLISH: &str = "Dear Ms. Tanaka,\n\nThank you for applying for the position at Sakura Trading and for meeting \
                       us on November 20, 2026.\n\nAfter careful consideration, we regret to inform you that we will \
                       not be moving forward with your application.\n\nWe wish you, Ms. Tanaka, every success in \
                       your search.\n\nThe hiring team\n";

fn view(body: &str) -> View {
    View::read(&Message::read(&Note::of_body(body).raw()))
}

fn specimen(body: &str, words: Option<&str>) -> Specimen {
    Specimen::read(&view(body), words, &RULES).unwrap_or_else(|fault| panic!("{fault}: {body}"))
}

fn likeness(learnt: &[&str], words: Option<&str>, mail: &str) -> Likeness {
    let samples: Vec<Specimen> = learnt.iter().map(|body| specimen(body, words)).collect();
    let print = Fingerprint::of(&samples).unwrap_or_else(|at| panic!("sample {at} is of another template"));
    let print = Fingerprint::from_octets(&print.to_octets()).expect("what was written is read");
    print.likeness(&Specimen::of(&view(mail), &RULES).expect("a text"))
}

fn check(learnt: &str, turns: &[(&str, &str)], matches: bool) {
    let mail = turns.iter().fold(learnt.to_owned(), |mail, (from, to)| {
        assert!(mail.contains(from), "{from:?} is not there");
        mail.replace(from, to)
    });
    let words = (learnt == SHOP).then_some("別の方にお願いする");
    let found = likeness(&[learnt], words, &mail);
    assert_eq!(found.is_match(1), matches, "{found:?}\n{mail}");
}

#[test]
fn the_same_template_with_other_names_and_dates_is_known_again() {
    check(FIRM, &[], true);
    check(
        FIRM,
        &[("佐藤 花子", "グエン・ヴァン・アン"), ("佐藤様", "グエン様"), ("11月20日(金)", "2026年12月3日(木)")],
        true,
    );
    check(FIRM, &[("佐藤 花子", "みどり"), ("佐藤様", "みどり様"), ("20日", "2日")], true);
    check(ENGLISH, &[("Tanaka", "O'Brien"), ("November 20, 2026", "3 December 2026")], true);
    check(SHOP, &[("こんにちは。", "川村さん、こんにちは。")], true);
}

#[test]
fn another_result_in_the_same_words_around_it_is_never_of_the_template() {
    check(FIRM, &[("見送らせていただくこととなりました", "させていただくこととなりました")], false);
    check(FIRM, &[("誠に残念ながら今回は採用を見送らせて", "ぜひ採用させて")], false);
    check(FIRM, &[("こととなりました。", "こととなりましたが、補欠として登録いたします。")], false);
    check(ENGLISH, &[("not be moving", "be moving")], false);
    check(ENGLISH, &[("regret", "are happy"), ("not be moving", "be moving")], false);
    check(SHOP, &[("別の方に", "あなたに")], false);
}

#[test]
fn another_template_is_another_one() {
    for (one, other) in [(FIRM, SHOP), (FIRM, ENGLISH), (SHOP, FIRM), (ENGLISH, FIRM)] {
        let words = (one == SHOP).then_some("別の方にお願いする");
        assert!(!likeness(&[one], words, other).is_near(), "{one}\n{other}");
    }
}

#[test]
fn samples_show_which_words_of_the_result_may_differ() {
    let of = |job: &str| {
        format!(
            "田中様\n{job}へのご応募につきまして、誠に残念ながら採用を見送らせていただくことになりました。\nご応募いただき、\
             誠にありがとうございました。今後のご活躍をお祈り申し上げます。\n"
        )
    };
    let learnt = [&of("営業職")[..], &of("経理部の事務職")];
    assert!(likeness(&learnt, None, &of("人事職")).is_match(1));
    assert!(!likeness(&learnt[..1], None, &of("人事職")).is_match(1));
    let accepted = of("人事職").replace("見送らせて", "決定させて");
    assert!(!likeness(&learnt, None, &accepted).is_near());
    let other = [specimen(learnt[0], None), specimen(FIRM, None)];
    assert_eq!(Fingerprint::of(&other), Err(1));
}

#[test]
fn a_mail_that_states_nothing_is_learnt_only_with_the_words_that_do() {
    let read = |words| Specimen::read(&view(SHOP), words, &RULES).err();
    assert_eq!(read(Some("別の方にお願いする")), None);
    assert_eq!(read(Some("そんな言葉")), Some(SpecimenFault::WordsNotThere));
    let plain = view("お世話になります。資料をお送りします。\n");
    assert_eq!(Specimen::read(&plain, None, &RULES).err(), Some(SpecimenFault::NoResult));
    assert_eq!(Specimen::read(&view(""), None, &RULES).err(), Some(SpecimenFault::NoText));
}

/// What is answered for a mail, with [`FIRM`] learnt.
fn decided(body: &str, stand: Stand, burst_mails: u32) -> ByTemplate {
    let fingerprint = Fingerprint::of(&[specimen(FIRM, None)]).expect("a template");
    let templates: Templates = [Template { id: fingerprint.id(), stand, fingerprint }].into_iter().collect();
    let note = Note::of_body(body);
    let (raw, envelope, audience) = (note.raw(), note.envelope(), audience());
    let message = Message::read(&raw);
    let view = View::read(&message);
    let mail = Mail { envelope: &envelope, message: &message, view: &view, audience: &audience };
    decide_by_templates(&mail, &templates, burst_mails, &RULES)
}

#[test]
fn what_hr_has_said_of_a_template_holds_but_for_words_of_the_mails_own() {
    assert!(matches!(decided(FIRM, Stand::Rejection, 1), ByTemplate::Rejection(_, found) if found.places.len() == 1));
    assert!(matches!(decided(FIRM, Stand::Never, 1), ByTemplate::Never(_)));
    let turned = format!("{FIRM}なお、内定承諾書をお送りします。\n");
    assert!(matches!(decided(&turned, Stand::Rejection, 1), ByTemplate::Refused(_, Reason::Offer)));
    let another = FIRM.replace("佐藤 花子 様", "ひかりエージェント 田中様");
    assert!(matches!(decided(&another, Stand::Rejection, 1), ByTemplate::Refused(_, Reason::ThirdPerson)));
    let longer =
        format!("{FIRM}面接の際にお話しくださった山登りのこと、社員一同とても楽しく伺いました。どうぞお元気で。\n");
    assert!(
        matches!(decided(&longer, Stand::Rejection, 1), ByTemplate::Near(_)),
        "{:?}",
        decided(&longer, Stand::Rejection, 1)
    );
    assert!(matches!(decided(&longer, Stand::Rejection, 5), ByTemplate::Rejection(..)));
    assert_eq!(decided(SHOP, Stand::Rejection, 5), ByTemplate::Unknown);
}

/// Sentences of an acceptance, put in the place of the result.
const ACCEPTANCES: [&str; 5] = [
    "慎重に検討いたしました結果、採用とさせていただくこととなりました。",
    "次の選考にお進みいただくこととなりました。",
    "選考の結果、合格となりましたのでご連絡いたします。",
    "We are pleased to inform you that you have been selected.",
    "結果：採用",
];

#[test]
fn no_rejection_of_the_corpus_matches_when_its_result_is_an_acceptance() {
    let mut pairs = 0;
    for note in Note::read_all("tune").iter().filter(|note| note.is_rejection() && note.form == "plain") {
        let raw = note.raw();
        let view = View::read(&Message::read(&raw));
        let Ok(learnt) = Specimen::read(&view, None, &RULES) else { continue };
        let print = Fingerprint::of(std::slice::from_ref(&learnt)).expect("a template");
        assert!(print.likeness(&learnt).is_match(1), "{} is not of its own template", note.name);
        let folded = &learnt.reading.folded;
        let lines: Vec<usize> = learnt.results.iter().filter_map(|(number, _)| folded.last_line_of(*number)).collect();
        let text: Vec<&str> = (0..view.parts[0].lines.len()).map(|i| view.parts[0].line(i)).collect();
        for acceptance in ACCEPTANCES {
            let turned: Vec<&str> =
                text.iter().enumerate().map(|(i, line)| if lines.contains(&i) { acceptance } else { line }).collect();
            let turned = self::view(&turned.join("\n"));
            let Ok(turned) = Specimen::of(&turned, &RULES) else { continue };
            assert!(!print.likeness(&turned).is_near(), "{}: {acceptance}", note.name);
            pairs += 1;
        }
    }
    assert!(pairs > 500, "only {pairs} pairs");
}

proptest::proptest! {
    #[test]
    fn any_octets_are_a_fingerprint_that_is_written_alike_or_none(octets in proptest::collection::vec(0u8.., 0..200)) {
        if let Ok(print) = Fingerprint::from_octets(&octets) {
            proptest::prop_assert_eq!(print.to_octets(), octets);
        }
    }

    #[test]
    fn any_text_is_read_as_a_specimen_and_is_like_itself(body in "\\PC{0,300}") {
        if let Ok(read) = Specimen::read(&view(&body), Some("様"), &RULES) {
            let print = Fingerprint::of(std::slice::from_ref(&read)).expect("one sample is one template");
            proptest::prop_assert!(print.likeness(&read).is_match(1));
        }
    }
}
