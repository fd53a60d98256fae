//! Who the candidate is decides what he gets: opted out, behind a carrier's filter, at which stage.

use super::*;
use crate::mail::view::View;
use crate::pipeline::{Copy, Stage};
use crate::referral::{OptOut, OptOutKey, OptOuts};

const ROOT: [u8; 32] = [7; 32];

/// A mail to hidden recipients.
fn bulk(to: &[&str]) -> Received {
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

fn with_carriers(carrier_mail: CarrierMail) -> Vec<Company> {
    vec![Company { carrier_mail, ..company("sakura", "sakura.example") }]
}

fn copies(mail: &Received, policy: &Policy) -> Vec<Copy> {
    match process(mail, policy, now()) {
        Outcome::Referred(referred) => referred.copies,
        other => panic!("{other:?}"),
    }
}

/// The text its reader sees.
fn text(mail: &Received, copy: &Copy) -> String {
    let octets = copy.edits.apply(&mail.message);
    assert!(copy.edits.prove(&mail.message, &octets));
    let view = View::read(&crate::mail::message::Message::read(&octets));
    let part = view.primary().unwrap_or_else(|| panic!("no text"));
    (0..part.lines.len()).map(|i| part.line(i).trim().to_owned() + "\n").collect()
}

fn out(company: Option<&str>, who: &str) -> Policy {
    let company = company.map(|id| CompanyId::parse(id).unwrap_or_else(|e| panic!("{e}")));
    let key = OptOutKey::derive(&ROOT, company.as_ref(), 1).candidate(&address(who));
    let rows = vec![OptOut { company, key }];
    let outs = OptOuts::new(rows, |company, key_id| OptOutKey::derive(&ROOT, company, key_id));
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
    let own = |text| crate::referral::wording::Wording::parse(Some(text), None).unwrap_or_else(|e| panic!("{e}"));
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
fn a_mail_in_two_languages_gets_one_line_in_the_first_of_them() {
    let ja = "慎重に選考いたしました結果、誠に残念ながら今回は採用を見送らせていただくこととなりました。";
    let en = "Thank you for applying to our position. After careful consideration, we regret to inform you that we \
              will not be moving forward with your application.";
    let check = |first: &str, second: &str, expect: &str| {
        let mut mail = mail_to(CANDIDATE);
        let text_of = String::from_utf8_lossy(&mail.message).replace(ja, &format!("{first}\r\n\r\n{second}"));
        mail.message = text_of.into_bytes().into();
        let copies = copies(&mail, &policy(with_carriers(CarrierMail::Skip)));
        let shown = text(&mail, &copies[0]);
        assert_eq!(shown.matches("https://careerrelay.jp/r/").count(), 1, "{shown}");
        assert!(shown.contains(expect), "{shown}");
    };
    check(ja, en, "弊社が提携する");
}
