//! Who the candidate is decides what he gets: opted out, behind a carrier's filter, at which stage.

use super::*;
use crate::classify::Listed;
use crate::mail::view::View;
use crate::pipeline::{Copy, LaterWordings, Stage};
use crate::referral::exclusion::Exclusion;
use crate::referral::wording::{Wording, digest_of_record, words_in_record};
use crate::referral::{OptOut, OptOutKey, OptOuts};

const ROOT: [u8; 32] = [7; 32];

/// A mail to hidden recipients.
pub(super) fn bulk(to: &[&str]) -> Received {
    let mut mail = received(Some(HR), HR);
    mail.message = String::from_utf8_lossy(&mail.message).replace(CANDIDATE, HR).into_bytes().into();
    mail.envelope.recipients = to.iter().map(|to| address(to)).collect();
    mail
}

fn mail_to(to: &str) -> Received {
    let mut mail = received(Some(HR), HR);
    mail.message = String::from_utf8_lossy(&mail.message).replace(CANDIDATE, to).into_bytes().into();
    mail.envelope.recipients = vec![address(to)];
    mail
}

fn own(text: &str) -> Wording {
    Wording::parse(Some(text), None).unwrap_or_else(|e| panic!("{e}"))
}

pub(super) fn with_carriers(carrier_mail: CarrierMail) -> Vec<Company> {
    vec![Company { carrier_mail, ..company("sakura", "sakura.example") }]
}

fn copies(mail: &Received, policy: &Policy) -> Vec<Copy> {
    match process(mail, policy, now()) {
        Outcome::Referred(referred) => referred.copies,
        other => panic!("{other:?}"),
    }
}

/// The text its reader sees.
pub(super) fn text(mail: &Received, copy: &Copy) -> String {
    let octets = copy.edits.apply(&mail.message);
    assert!(copy.edits.prove(&mail.message, &octets));
    let view = View::read(&crate::mail::message::Message::read(&octets));
    let part = view.primary().unwrap_or_else(|| panic!("no text"));
    (0..part.lines.len()).map(|i| part.line(i).trim().to_owned() + "\n").collect()
}

pub(super) fn out(company: Option<&str>, who: &str) -> Policy {
    let company = company.map(|id| CompanyId::parse(id).unwrap_or_else(|e| panic!("{e}")));
    let key = OptOutKey::derive(&ROOT, company.as_ref(), 1).candidate(&address(who));
    let rows = vec![OptOut { company, key }];
    let outs = OptOuts::new(rows, |company, key_id| Some(OptOutKey::derive(&ROOT, company, key_id)));
    policy(with_carriers(CarrierMail::Skip)).without(Some(Arc::new(outs)))
}

fn reason(mail: &Received, policy: &Policy) -> &'static str {
    match process(mail, policy, now()) {
        Outcome::Untouched(untouched) => {
            assert!(untouched.rejection_seen);
            untouched.reason
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_opted_out_gets_the_mail_as_it_came_and_nobody_gets_a_line_while_the_list_is_unknown() {
    for whose in [Some("sakura"), None] {
        assert_eq!(reason(&mail_to(CANDIDATE), &out(whose, CANDIDATE)), "opted_out");
    }
    assert_eq!(copies(&mail_to("other@mail.example"), &out(None, CANDIDATE)).len(), 1);
    assert_eq!(copies(&mail_to(CANDIDATE), &out(Some("ume"), CANDIDATE)).len(), 1);
    let unknown = policy(with_carriers(CarrierMail::Skip)).without(None);
    assert_eq!(reason(&mail_to(CANDIDATE), &unknown), "optouts_unreadable");
}

#[test]
fn of_a_bulk_only_those_who_opted_out_get_the_original() {
    let mail = bulk(&["a@candidate.example", "b@candidate.example", "c@candidate.example"]);
    let copies = copies(&mail, &out(None, "b@candidate.example"));
    let shape: Vec<(&[usize], usize, bool)> =
        copies.iter().map(|c| (&c.recipients[..], c.offers.len(), c.edits.is_empty())).collect();
    assert_eq!(shape, [(&[0][..], 1, false), (&[2], 1, false), (&[1], 0, true)]);
}

#[test]
fn behind_a_carriers_filter_a_mail_without_a_link_stays_without_one() {
    let to = "hana@docomo.ne.jp";
    let with = |carrier_mail| policy(with_carriers(carrier_mail));
    assert_eq!(reason(&mail_to(to), &with(CarrierMail::Skip)), "carrier_filters_links");
    let insert = copies(&mail_to(to), &with(CarrierMail::Insert));
    assert!(text(&mail_to(to), &insert[0]).contains("https://careerrelay.jp/r/sakura-"));
    let words = copies(&mail_to(to), &with(CarrierMail::TextOnly));
    let shown = text(&mail_to(to), &words[0]);
    assert!(words[0].offers.is_empty(), "without its link it is no referral");
    assert!(shown.replace('\n', "").contains("名称で検索してください") && !shown.contains("://"), "{shown}");
    assert!(shown.contains("なりました。\n\n■") && shown.contains("）\n\n今後の"), "a paragraph of its own: {shown}");
}

#[test]
fn a_mail_that_shows_a_link_by_itself_gets_the_line_behind_any_carrier() {
    let mut mail = mail_to("hana@softbank.ne.jp");
    let own = "今後のご活躍をお祈り申し上げます。\r\nhttps://www.sakura.example/";
    let text = String::from_utf8_lossy(&mail.message).replace("今後のご活躍をお祈り申し上げます。", own);
    mail.message = text.into_bytes().into();
    for carrier_mail in CarrierMail::ALL {
        assert_eq!(copies(&mail, &policy(with_carriers(carrier_mail)))[0].offers.len(), 1);
    }
}

#[test]
fn words_without_a_link_are_not_put_in_twice() {
    let mut mail = mail_to("hana@ezweb.ne.jp");
    let policy = policy(with_carriers(CarrierMail::TextOnly));
    mail.message = copies(&mail, &policy)[0].edits.apply(&mail.message).into();
    assert_eq!(reason(&mail, &policy), "line_present");
}

#[test]
fn in_a_bulk_each_candidate_gets_what_his_mailbox_takes() {
    let mail = bulk(&["a@candidate.example", "b@au.com", "c@candidate.example"]);
    let shape = |carrier_mail| {
        let copies = copies(&mail, &policy(with_carriers(carrier_mail)));
        copies.iter().map(|c| (c.recipients.clone(), c.offers.len(), c.edits.is_empty())).collect::<Vec<_>>()
    };
    let (a, c) = ((vec![0], 1, false), (vec![2], 1, false));
    assert_eq!(shape(CarrierMail::Skip), [a.clone(), c.clone(), (vec![1], 0, true)]);
    assert_eq!(shape(CarrierMail::TextOnly), [a, (vec![1], 0, false), c]);
}

#[test]
fn the_words_are_those_of_the_stage_that_the_mailbox_ends() {
    let check = |stage, wording: Option<&'static str>, expect: &str| {
        let mut company = company("sakura", "sakura.example");
        company.wording.stages[2] = Some(own("最終選考の方への無料のご案内："));
        let wording = wording.map(own);
        company.senders = vec![Sender { address: address(HR), scope: None, stage, wording, off: false }];
        let copies = copies(&mail_to(CANDIDATE), &policy(vec![company]));
        assert!(text(&mail_to(CANDIDATE), &copies[0]).replace('\n', "").contains(expect), "{expect}");
    };
    check(Some(Stage::Final), None, "最終選考の方への無料のご案内：");
    check(Some(Stage::Document), None, "■ 弊社が提携する");
    check(None, None, "■ 弊社が提携する");
    check(Some(Stage::Final), Some("この窓口からのご案内："), "この窓口からのご案内：");
}

#[test]
fn the_stage_is_told_by_the_mail_where_the_mailbox_does_not_tell_it() {
    let check = |result: &str, stage, expect: &str| {
        let mut company = company("sakura", "sakura.example");
        company.wording.stages = ["書類", "面接", "最終"].map(|stage| Some(own(&format!("{stage}の方へのご案内："))));
        company.senders = vec![Sender { address: address(HR), scope: None, stage, wording: None, off: false }];
        let mut mail = mail_to(CANDIDATE);
        let text_of = String::from_utf8_lossy(&mail.message).replace("慎重に選考いたしました結果", result);
        mail.message = text_of.into_bytes().into();
        let copies = copies(&mail, &policy(vec![company]));
        assert!(text(&mail, &copies[0]).contains(expect), "{result}");
    };
    check("書類選考の結果", None, "書類の方へのご案内：");
    check("先日の面接の結果", None, "面接の方へのご案内：");
    check("最終面接の結果", None, "最終の方へのご案内：");
    check("慎重に選考いたしました結果", None, "■ 弊社が提携する");
    check("書類選考の結果", Some(Stage::Final), "最終の方へのご案内：");
}

#[test]
fn later_words_begin_with_their_day_in_japan_and_each_offer_names_the_words_that_were_put_in() {
    let wordings = |text: &str| Wordings::from(own(text));
    let later = |day: &str, text| LaterWordings { from: day.parse().expect("a day"), wordings: wordings(text) };
    let (first, second, third) = ("一番目のご案内：", "二番目のご案内：", "三番目のご案内：");
    let company = Company {
        wording: wordings(first),
        later_wordings: vec![later("2026-12-01", second), later("2027-04-01", third)],
        ..company("sakura", "sakura.example")
    };
    assert_eq!(company.wording_records().len(), 4, "three in Japanese, and one in English for all");
    let policy = policy(vec![company.clone()]);
    for (now, words) in [
        ("2026-11-30T14:59:59Z", first),
        ("2026-11-30T15:00:00Z", second),
        ("2027-03-31T14:59:59Z", second),
        ("2027-03-31T15:00:00Z", third),
    ] {
        let mail = mail_to(CANDIDATE);
        let outcome = process(&mail, &policy, now.parse().expect("a time"));
        let Outcome::Referred(referred) = outcome else { panic!("{now}: {outcome:?}") };
        assert!(text(&mail, &referred.copies[0]).contains(words), "{now}");
        let digest = referred.copies[0].offers[0].wording.expect("the words");
        let kept = company.wording_records().into_iter().find(|record| digest_of_record(record) == digest);
        assert_eq!(kept.as_deref().and_then(words_in_record), Some(("ja", words)), "{now}");
    }
}

#[test]
fn a_link_that_was_there_already_names_no_words() {
    let policy = policy(with_carriers(CarrierMail::Skip));
    let mut mail = mail_to(CANDIDATE);
    mail.message = copies(&mail, &policy)[0].edits.apply(&mail.message).into();
    let offer = &copies(&mail, &policy)[0].offers[0];
    assert_eq!((offer.inserted, offer.wording), (false, None));
}

const JA: &str = "慎重に選考いたしました結果、誠に残念ながら今回は採用を見送らせていただくこととなりました。";
const EN: &str = "Thank you for applying to our position. After careful consideration, we regret to inform you that we \
                  will not be moving forward with your application.";

/// A mail that states the result in two languages, in one of the forms that mails have.
fn in_both(first: &str, second: &str, form: &str) -> Received {
    let html = format!("<html><body><p>{first}</p>\r\n<p>{second}</p>\r\n</body></html>\r\n");
    let plain = format!("{first}\r\n\r\n{second}\r\n");
    let part = |media: &str, text: &str| {
        format!("Content-Type: {media}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}")
    };
    let body = match form {
        "plain" => part("text/plain", &plain),
        "html" => part("text/html", &html),
        _ => format!(
            "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n{}\r\n--b\r\n{}\r\n--b--\r\n",
            part("text/plain", &plain),
            part("text/html", &html)
        ),
    };
    let head = format!("From: {HR}\r\nTo: {CANDIDATE}\r\nSubject: Your application\r\nMIME-Version: 1.0\r\n");
    Received { message: (head + &body).into_bytes().into(), ..received(Some(HR), HR) }
}

#[test]
fn a_mail_in_two_languages_gets_one_line_in_the_first_of_them() {
    for form in ["plain", "html", "alternative"] {
        for (first, second, lead) in [(JA, EN, "弊社が提携する"), (EN, JA, "We would like to support")] {
            let mail = in_both(first, second, form);
            let copies = copies(&mail, &policy(with_carriers(CarrierMail::Skip)));
            let octets = copies[0].edits.apply(&mail.message);
            let message = crate::mail::message::Message::read(&octets);
            let view = View::read(&message);
            assert_eq!(view.parts.len(), if form == "alternative" { 2 } else { 1 });
            for part in &view.parts {
                let shown: String = (0..part.lines.len()).map(|i| part.line(i)).collect();
                let leads = ["弊社が提携する", "We would like to support"].map(|lead| shown.matches(lead).count());
                assert_eq!(leads.iter().sum::<usize>(), 1, "{form}: {shown}");
                let places = [first.get(..24), Some(lead), second.get(..24)].map(|words| {
                    let words = words.unwrap_or_default();
                    shown.find(words).unwrap_or_else(|| panic!("{form}: no {words} in {shown}"))
                });
                assert!(places.is_sorted(), "{form}: the line stands behind its own language: {shown}");
            }
        }
    }
}

/// Whether a rejection to this address has the line, how many offers there are, and why it is not counted.
fn of_excluded(to: &str, exclusions: Exclusions) -> (bool, usize, Option<&'static str>) {
    let policy = policy(vec![Company { exclusions, ..company("sakura", "sakura.example") }]);
    let mail = mail_to(to);
    let copies = copies(&mail, &policy);
    let copy = &copies[0];
    (text(&mail, copy).contains("careerrelay.jp/r/sakura-"), copy.offers.len(), copy.excluded.map(Exclusion::code))
}

#[test]
fn who_is_excluded_gets_the_line_and_is_not_counted_unless_the_company_wants_it() {
    let usual = Exclusions::default;
    assert_eq!(of_excluded("hana@mail.example", usual()), (true, 1, None));
    assert_eq!(of_excluded("info@mail.example", usual()), (true, 0, Some("role_address")));
    assert_eq!(of_excluded("hana@mailinator.com", usual()), (true, 0, Some("disposable_domain")));
    let all = Exclusions { count_role_addresses: true, count_disposable: true, ..usual() };
    assert_eq!(of_excluded("info@mailinator.com", all), (true, 1, None));
    let listed = |listed| Exclusions { never_counted: vec![listed], ..usual() };
    let domain = Domain::parse("mail.example").unwrap_or_else(|e| panic!("{e}"));
    let named = [listed(Listed::Address(address("hana@mail.example"))), listed(Listed::Domain(domain))];
    for exclusions in named {
        assert_eq!(of_excluded("Hana@mail.example", exclusions), (true, 0, Some("never_counted")));
    }
}

#[test]
fn of_a_bulk_those_who_are_excluded_are_not_counted_and_the_others_are() {
    let mail = bulk(&["hana@mail.example", "info@mail.example", "ren@mail.example"]);
    let copies = copies(&mail, &policy(with_carriers(CarrierMail::Skip)));
    let counted: Vec<_> = copies.iter().map(|copy| (copy.offers.len(), copy.excluded.is_some())).collect();
    assert_eq!(counted, [(1, false), (0, true), (1, false)]);
}
