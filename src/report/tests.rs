//! Statements in all their forms say the same.

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::{TimeZone, offset};

use super::*;
use crate::ledger::chain::{genesis, link};
use crate::ledger::{ContractVersion, Entry, Kind, NewEntry, Statement};
use crate::referral::CompanyId;

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_798_729_200 + day * 86_400).expect("a time")
}

/// Two credits before the period, one in it that grants slot 1 at a threshold of 3, and a duplicate.
fn statement() -> Statement {
    let company = CompanyId::parse("-kaede").expect("an id");
    let terms = ContractVersion { threshold: 3, ..ContractVersion::new("main", 1, date(2026, 4, 1)) };
    let mut head = genesis(&company);
    let mut statement = Statement::new(company, at(10), at(41), head);
    let entries = [
        (Kind::Delivered, 1, 1),
        (Kind::Delivered, 1, 2),
        (Kind::Delivered, 1, 12),
        (Kind::Granted, -3, 12),
        (Kind::Duplicate, 0, 13),
        (Kind::Delivered, 1, 41),
    ];
    for (seq, (kind, worth, day)) in (1..).zip(entries) {
        let new = NewEntry { kind, worth, cycle: u32::from(kind == Kind::Granted) };
        let (contract, person, event) = (terms.reference(), [1; 32], [2; 32]);
        let entry = Entry { seq, new, contract, person, event, wording: None, act: None, at: at(day), posted: at(day) };
        head = link(&head, &entry);
        statement.add(&entry, &head, &terms);
    }
    statement.held_back = 4;
    statement.excluded = 3;
    statement.open_signals = 2;
    statement
}

#[test]
fn the_text_goes_from_opening_to_closing_in_local_time() {
    let text = text(&statement(), &Labels::en(), &TimeZone::fixed(offset(9)));
    let words: Vec<String> = text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in [
        "Period 2027-01-11 00:00 .. 2027-02-11 00:00",
        "Toward the next hire slot 2 / 3",
        "Delivered to the candidate's server 1",
        "Duplicates (no credit) 1",
        "Hire slot 1 2027-01-13 00:00 (-3)",
        "People counted 1",
        "Toward the next hire slot 0 / 3",
        "Without the line: came signed by DKIM 4",
        "Open signals (see career-relay signals) 2",
    ] {
        assert!(words.iter().any(|l| l == line), "{line}\n{text}");
    }
}

#[test]
fn japanese_labels_keep_the_values_in_one_column() {
    let text = text(&statement(), &Labels::ja(), &TimeZone::UTC);
    assert!(text.contains("  重複（カウント対象外）              1\n"), "{text}");
    assert!(text.contains("  ご案内                              0\n"), "{text}");
}

#[test]
fn json_and_csv_give_the_same_figures_and_head() {
    let (statement, head) = (statement(), statement().head_text());
    let json = json(&statement);
    assert_eq!(json["series"]["main"]["opening"]["toward"], 2);
    assert_eq!(json["series"]["main"]["closing"]["toward"], 0);
    assert_eq!(json["series"]["main"]["counted"], 1);
    assert_eq!(json["series"]["main"]["grants"][0]["slot"], 1);
    assert_eq!((&json["chain"]["head"], &json["chain"]["entries"]), (&head.as_str().into(), &5.into()));
    assert_eq!(json["held_back_by_signature"], 4);
    assert_eq!((&json["excluded"], &json["open_signals"]), (&3.into(), &2.into()));
    let csv = csv(&statement, &Labels::of("ja"));
    assert!(csv.starts_with('\u{feff}') && !csv.replace("\r\n", "").contains(['\r', '\n']), "{csv}");
    for row in [
        "main,opening_toward,期首,2,",
        "main,closing_toward,期末,0,",
        "main,duplicate,重複（カウント対象外）,1,",
        ",company,ご紹介明細書,'-kaede,",
        ",held_back_by_signature,DKIM署名済みで案内を追加できず,4,",
        ",open_signals,未確認の注意信号,2,",
        &format!(",head,記録の連鎖,{head},"),
    ] {
        assert!(csv.split("\r\n").any(|r| r == row), "{row}\n{csv}");
    }
}

#[test]
fn every_form_of_a_statement_carries_one_checksum_which_every_value_changes() {
    let (statement, tokyo) = (statement(), TimeZone::fixed(offset(9)));
    let checksum = statement_checksum(&statement);
    let forms = [
        page(&statement, &Labels::ja(), &tokyo),
        page(&statement, &Labels::en(), &tokyo),
        csv(&statement, &Labels::ja()),
        csv(&statement, &Labels::en()),
        json(&statement).to_string(),
        text(&statement, &Labels::ja(), &tokyo),
    ];
    for form in forms {
        assert_eq!(form.matches(&checksum).count(), 1, "{form}");
    }
    let changes: [fn(&mut Statement); 6] = [
        |s| s.seq += 1,
        |s| s.head[0] ^= 1,
        |s| s.held_back += 1,
        |s| s.excluded += 1,
        |s| s.pools.values_mut().for_each(|pool| pool.presumed += 1),
        |s| s.pools.values_mut().for_each(|pool| pool.grants[0].1 += 1),
    ];
    for change in changes {
        let mut other = statement.clone();
        change(&mut other);
        assert_ne!(statement_checksum(&other), checksum, "{other:?}");
    }
}

/// Slots used before and in the period, and the signatures under them: a number for the slot, letters for what was done
/// before (`u` used, `s` signed) and in the period (`U`, `S`); what the statement says of it.
#[track_caller]
fn check_uses(story: &str, expected: &[&str]) {
    let company = CompanyId::parse("kaede").expect("an id");
    let terms = ContractVersion::new("main", 1, date(2026, 4, 1));
    let (mut head, mut statement) =
        (genesis(&company), Statement::new(company.clone(), at(10), at(41), genesis(&company)));
    let deeds = story.split_whitespace().flat_map(|slot| slot[1..].chars().map(move |deed| (&slot[..1], deed)));
    for (seq, (slot, deed)) in (1..).zip(deeds) {
        let kind = if deed.eq_ignore_ascii_case(&'u') { Kind::Redeemed } else { Kind::Signed };
        let when = at(if deed.is_lowercase() { 5 } else { 15 });
        let new = NewEntry { kind, worth: 0, cycle: slot.parse().expect("a slot") };
        let (contract, none) = (terms.reference(), [0; 32]);
        let (person, event, act) = (none, none, Some([1; 32]));
        let entry = Entry { seq, new, contract, person, event, wording: None, act, at: when, posted: when };
        head = link(&head, &entry);
        statement.add(&entry, &head, &terms);
    }
    let csv = csv(&statement, &Labels::en());
    let found: Vec<&str> = csv.split("\r\n").filter(|row| row.starts_with("main,redeemed_")).collect();
    let said: Vec<String> = found.iter().map(|row| row.split(',').collect::<Vec<_>>()[1..4].join(" ")).collect();
    let said: Vec<String> = said.iter().filter(|row| !row.contains("_signed_by")).cloned().collect();
    assert_eq!(said, expected, "{story}");
    let shown = (json(&statement)["series"]["main"]["redemptions"].as_array().map(Vec::len), expected.len());
    assert_eq!(shown.0, Some(shown.1), "{story}");
    let page = page(&statement, &Labels::ja(), &TimeZone::UTC);
    assert_eq!(page.matches("採用枠の利用 main ").count(), expected.len(), "{story}");
}

#[test]
fn a_statement_says_of_each_slot_used_whether_it_is_signed_until_a_signature_was_told_of() {
    check_uses("1U", &["redeemed_1 Hire slot redeemed unsigned"]);
    check_uses("1US", &["redeemed_1 Hire slot redeemed signed"]);
    check_uses("1u", &["redeemed_1 Hire slot redeemed unsigned"]);
    check_uses("1uS 2us", &["redeemed_1 Hire slot redeemed signed"]);
    check_uses("1us 2usS", &[]);
    check_uses("3US 1u", &["redeemed_1 Hire slot redeemed unsigned", "redeemed_3 Hire slot redeemed signed"]);
}

#[test]
fn a_period_without_entries_says_so() {
    let company = CompanyId::parse("kaede").expect("an id");
    let empty = Statement::new(company.clone(), at(0), at(1), genesis(&company));
    assert!(text(&empty, &Labels::en(), &TimeZone::UTC).contains("No entries"));
}
