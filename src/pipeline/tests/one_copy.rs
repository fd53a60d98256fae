//! A door that has one copy for everybody: what several candidates get there.

use super::people::{bulk, out, text, with_carriers};
use super::*;
use crate::pipeline::{Copy, process_in_one_copy};

const TWO: [&str; 2] = ["taro@candidate.example", "hana@applicant.example"];

fn one_copy(mail: &Received, policy: &Policy) -> Result<Copy, &'static str> {
    match process_in_one_copy(mail, policy, (now(), 1)) {
        Outcome::Referred(referred) => {
            let [copy] = <[Copy; 1]>::try_from(referred.copies).unwrap_or_else(|all| panic!("{} copies", all.len()));
            Ok(copy)
        }
        Outcome::Untouched(untouched) => Err(untouched.reason),
        held @ Outcome::Held(_) => panic!("{held:?}"),
    }
}

#[test]
fn several_candidates_share_a_link_that_names_the_company_and_each_is_offered_for() {
    let policy = policy(vec![company("sakura", "sakura.example")]);
    let mail = bulk(&["archive@sakura.example", TWO[0], TWO[1]]);
    let copy = one_copy(&mail, &policy).unwrap_or_else(|e| panic!("{e}"));
    assert!(text(&mail, &copy).contains("https://careerrelay.jp/r/sakura\n"));
    assert_eq!(copy.recipients, [0, 1, 2]);
    assert_eq!(copy.offers.iter().map(|o| o.recipient).collect::<Vec<_>>(), [1, 2]);
    assert_ne!(copy.offers[0].candidate, copy.offers[1].candidate);
    assert!(copy.offers.iter().all(|o| o.inserted && o.wording.is_some()));
}

#[test]
fn one_candidate_has_the_same_copy_as_from_every_door() {
    let policy = policy(vec![company("sakura", "sakura.example")]);
    let mail = received(Some(HR), HR);
    let Outcome::Referred(referred) = process(&mail, &policy, now()) else { panic!("no referral") };
    let copy = one_copy(&mail, &policy).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((&copy.edits, &copy.offers), (&referred.copies[0].edits, &referred.copies[0].offers));
}

#[test]
fn nobody_gets_a_line_that_one_of_them_may_not_have() {
    assert_eq!(one_copy(&bulk(&TWO), &out(Some("sakura"), TWO[1])).err(), Some("opted_out"));
    let filtered = bulk(&[TWO[0], "taro@docomo.ne.jp"]);
    let skipping = policy(with_carriers(CarrierMail::Skip));
    let alone = policy(with_carriers(CarrierMail::TextOnly));
    for policy in [skipping, alone] {
        assert_eq!(one_copy(&filtered, &policy).err(), Some("carrier_filters_links"));
    }
}
