//! Doubtful mails: held only where a company wants it and a line could be written, with all decided beforehand.

use std::time::Duration;

use super::*;
use crate::pipeline::{Held, InForce};

/// A result to somebody whom nothing but the subject calls an applicant.
const DOUBTFUL: &str = "お世話になっております。\n採用選考の件、昨日の会議で話し合い、\
    今回は採用を見送ることとなりました。\n\
    なお、会議室は三階を予約しました。来月の予定もあわせてご覧ください。\nどうぞよろしくお願いいたします。\n";

fn mail(text: &str) -> Received {
    let head = String::from_utf8_lossy(&rejection(HR)).into_owned();
    let (head, _) = head.split_once("\r\n\r\n").expect("a header");
    let message = format!("{head}\r\n\r\n{}", text.replace('\n', "\r\n"));
    Received { message: message.into_bytes().into(), ..received(Some(HR), HR) }
}

fn holding() -> Company {
    Company { doubtful: Doubtful::Hold(Duration::from_mins(90)), ..company("sakura", "sakura.example") }
}

fn decide(received: &Received, company: Company) -> Outcome {
    process(received, &policy(vec![company]), now())
}

/// What becomes of the doubtful mail: `held`, or the reason for which it passes.
fn check(company: Company, expected: &str) {
    let said = match decide(&mail(DOUBTFUL), company) {
        Outcome::Held(_) => "held",
        Outcome::Untouched(untouched) => untouched.reason,
        Outcome::Referred(_) => "referred",
    };
    assert_eq!(said, expected);
}

#[test]
fn a_doubtful_mail_is_held_where_the_company_is_live_and_says_so() {
    check(holding(), "held");
    check(company("sakura", "sakura.example"), "no_applicant");
    for mode in [Mode::Observe, Mode::Approved] {
        check(Company { mode, ..holding() }, "no_applicant");
    }
    check(Company { languages: vec![Language::En], ..holding() }, "no_applicant");
    check(Company { contracts: Vec::new(), ..holding() }, "no_applicant");
}

#[test]
fn a_held_mail_has_its_line_its_offer_and_its_time() {
    let received = mail(DOUBTFUL);
    let Outcome::Held(Held { reason, hold_for, referred }) = decide(&received, holding()) else { panic!("not held") };
    assert_eq!((reason, hold_for), ("no_applicant", Duration::from_mins(90)));
    let [copy] = &referred.copies[..] else { panic!("{} copies", referred.copies.len()) };
    assert!(copy.edits.octets_added() > 0 && copy.offers[0].inserted);
    let in_force = InForce { keys: CompanyKeys::derive(&[7; 32], &holding().id, 1), company: holding() };
    assert_eq!(copy.offers[0].candidate, in_force.keys.candidate(&address(CANDIDATE)));
    assert!(!referred.evidence.is_empty() && !referred.inserted.is_empty());
}

#[test]
fn a_clear_answer_is_never_held() {
    assert!(matches!(decide(&received(Some(HR), HR), holding()), Outcome::Referred(_)));
    for text in [
        "選考の結果、採用とさせていただくこととなりました。\n",
        "次の面接の日程を調整させてください。\n",
        "先日の資料をお送りします。\n",
    ] {
        assert!(matches!(decide(&mail(text), holding()), Outcome::Untouched(_)), "{text}");
    }
}

#[test]
fn a_doubtful_mail_that_bears_the_companys_own_link_is_neither_held_nor_edited() {
    let Outcome::Held(held) = decide(&mail(DOUBTFUL), holding()) else { panic!("not held") };
    let with_line = held.referred.copies[0].edits.apply(&mail(DOUBTFUL).message);
    let again = Received { message: with_line.into(), ..mail(DOUBTFUL) };
    // The words of the line may make the doubt smaller; who put it there has decided.
    match decide(&again, holding()) {
        Outcome::Untouched(untouched) => assert_eq!(untouched.reason, "no_applicant"),
        Outcome::Referred(referred) => assert!(referred.copies.iter().all(|copy| copy.edits.is_empty())),
        held @ Outcome::Held(_) => panic!("{held:?}"),
    }
}
