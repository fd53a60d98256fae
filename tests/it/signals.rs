//! Cheats, each played through the real binary and named by its signal; and honest companies, of whom nothing is said.

use std::fs;

use career_relay::config;
use career_relay::config::keys::open_keys;
use career_relay::ledger::{Proves, ReferralEvent};
use career_relay::mail::address::Address;
use jiff::{SignedDuration, Timestamp};

use crate::gateway::{Gateway, binary, wait_for, with_input};
use crate::sink::Sink;
use crate::smtp::{Client, has_link, rejection};

/// A gateway whose company earns a slot with ten credits, which can be redeemed at once.
fn gateway() -> Gateway {
    gateway_with("")
}

/// The same, with more in the company's file.
fn gateway_with(more: &str) -> Gateway {
    let mut gateway = Gateway::prepare(Sink::start().address, "", "127.0.0.0/8");
    let path = gateway.folder.path().join("companies/sakura.toml");
    let company = fs::read_to_string(&path).expect("a company file");
    let company = company.lines().filter(|line| !line.starts_with("count_on") && !line.starts_with("threshold"));
    let terms = "count_on = \"accepted\"\nthreshold = 10\nreview_days = 0\n";
    fs::write(&path, format!("{more}{}\n{terms}", company.collect::<Vec<_>>().join("\n"))).expect("a company file");
    gateway.run();
    gateway
}

/// Sends each a rejection over SMTP.
fn send(gateway: &Gateway, people: impl Iterator<Item = String>) {
    let mut client = Client::connect(gateway.address);
    for to in people {
        let (code, text) = client.mail(&[&to], &rejection(&to));
        assert_eq!(code, 250, "{text}");
    }
}

/// Enters referrals of days ago by recovery lines, as a hand could that has the company's key.
fn enter(gateway: &Gateway, people: impl Iterator<Item = (String, i64)>, proves: Proves) {
    let settings = config::load(&gateway.config()).expect("settings");
    let data = gateway.folder.path().join("data");
    wait_for("the server", || gateway.ask(&["status"]).status.success().then_some(()));
    let ring = open_keys(&data).expect("the keys");
    let (company, now) = (&settings.companies[0], Timestamp::now());
    let keys = ring.of(&company.id);
    let contract = company.contracts[0].reference();
    let mut lines = String::new();
    for (address, days) in people {
        let to = Address::parse(&address).expect("an address");
        let candidate = keys.candidate(&to);
        let event = ReferralEvent {
            token: keys.token(&contract.series, &candidate),
            company: company.id.clone(),
            candidate,
            earlier: Vec::new(),
            contract: contract.clone(),
            proves,
            route: "mx".to_owned(),
            transaction: format!("m{}-{days}", word(candidate.octets[0].into()) + &candidate.to_text()[2..20]),
            recipient: 0,
            inserted: true,
            wording: None,
            traits: (proves != Proves::Bounced).then(|| keys.traits(&to, 1)),
            at: now.checked_sub(SignedDuration::from_hours(days * 24)).expect("a time"),
        };
        lines += &serde_json::json!({ "target": "recovery", "event": event }).to_string();
        lines.push('\n');
    }
    let mut command = binary();
    command.args(["ledger", "recover", "--config"]).arg(gateway.config());
    let output = with_input(command, lines.as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
}

/// The names of the open signals.
fn names(gateway: &Gateway) -> Vec<String> {
    gateway.settled_credits();
    let seen = gateway.ask_json(&["signals", "--company", "sakura"]);
    let signals = seen["signals"].as_array().expect("a list").iter();
    signals.map(|signal| signal["name"].as_str().expect("a name").to_owned()).collect()
}

#[track_caller]
fn named(gateway: &Gateway, name: &str) {
    let names = names(gateway);
    assert!(names.iter().any(|other| other == name), "{name}: {names:?}");
}

/// Letters that differ with the number.
fn word(n: u32) -> String {
    format!("{n:03}").bytes().map(|b| char::from(b - b'0' + b'a')).collect::<String>() + "mori"
}

/// Addresses as applicants have them.
fn applicants(people: u32) -> impl Iterator<Item = String> {
    let domains = ["gmail.com", "gmail.com", "yahoo.co.jp", "icloud.com", "gmail.com", "outlook.jp", "so-net.ne.jp"];
    (0..people).map(move |n| format!("{}@{}", word(n), domains[n as usize % domains.len()]))
}

fn say(gateway: &Gateway, words: &[&str]) -> (bool, String) {
    let output = gateway.ask(words);
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// Brings the first slot to its redemption.
fn redeem(gateway: &Gateway) -> (bool, String) {
    let until = (jiff::Zoned::now().date() + jiff::ToSpan::days(30)).to_string();
    let of = ["1", "--company", "sakura", "--reason", "内線にて"];
    let reserve = [&["slot", "reserve"], &of[..], &["--wish", "経理", "--until", &until]].concat();
    say(gateway, &reserve);
    for deed in ["confirm", "introduce"] {
        say(gateway, &[&["slot", deed], &of[..]].concat());
    }
    say(gateway, &[&["slot", "redeem"], &of[..]].concat())
}

#[test]
fn ten_names_at_one_domain_hold_the_slot_back_until_somebody_has_looked() {
    let mut gateway = gateway();
    send(&gateway, (0..10).map(|n| format!("{}@d{n}.kaede.example", word(n))));
    assert_eq!(names(&gateway), ["one_domain"]);
    assert_eq!(gateway.ask_json(&["ledger", "balance"])["balances"][0]["slots"], 1, "the grant is automatic");
    let (fine, text) = redeem(&gateway);
    assert!(!fine && text.contains("under review: one_domain. See `career-relay signals --company sakura`"), "{text}");
    let (fine, text) = say(&gateway, &["signals", "--company", "sakura", "--lang", "ja"]);
    assert!(fine && text.contains("10人のうち10人") && text.contains("利用できない採用枠: standard 1"), "{text}");
    let statement = gateway.ask_json(&["ledger", "statement", "--company", "sakura"]);
    assert_eq!(statement["open_signals"], 1);
    assert!(say(&gateway, &["ledger", "statement", "--company", "sakura"]).1.contains("Open signals"));
    let (fine, text) = say(&gateway, &["signals", "--company", "sakura", "--to", "2020-01-01"]);
    assert!(fine && text == "no open signal\n", "{text}");
    let clear =
        ["signals", "clear", "one_domain", "--company", "sakura", "--reason", "10名の応募書類を確認", "--by", "花子"];
    assert!(!say(&gateway, &["signals", "clear", "nothing", "--company", "sakura", "--reason", "x"]).0);
    assert!(say(&gateway, &[&clear[..], &["--dry-run"]].concat()).1.contains("would be cleared"));
    assert!(gateway.stop());
    let (fine, text) = say(&gateway, &clear);
    assert!(fine && text.starts_with("one_domain of sakura is cleared: entry "), "{text}");
    assert!(say(&gateway, &["signals", "--company", "sakura"]).1.contains("花子, entered by "));
    gateway.run();
    let (fine, text) = redeem(&gateway);
    assert!(fine, "{text}");
    assert!(gateway.ask(&["ledger", "verify"]).status.success());
}

#[test]
fn a_domain_for_each_name_is_named() {
    let gateway = gateway();
    send(&gateway, (0..20).map(|n| format!("emi@{}.example", word(n))));
    named(&gateway, "unlisted_domains");
}

#[test]
fn numbered_mailboxes_at_a_provider_are_named() {
    let gateway = gateway();
    send(&gateway, (0..8).map(|n| format!("kaede.oubo{n}@gmail.com")).chain(applicants(20)));
    assert_eq!(names(&gateway), ["numbered_names"]);
}

#[test]
fn tags_and_dots_of_one_mailbox_are_named() {
    let gateway = gateway();
    let spellings = ["hanamori", "hana.mori", "h.anamori+1", "hanamori+saiyo"];
    send(&gateway, spellings.into_iter().map(|local| format!("{local}@yahoo.co.jp")).chain(applicants(12)));
    assert_eq!(names(&gateway), ["mailbox_variants"]);
}

#[test]
fn throw_away_mailboxes_are_named_where_they_count() {
    let gateway = gateway_with("count_disposable = true\n");
    send(&gateway, (0..5).map(|n| format!("{}@mailinator.com", word(n))).chain(applicants(20)));
    assert_eq!(names(&gateway), ["disposable_domains"]);
}

#[test]
fn one_mail_to_many_invented_names_is_named() {
    let gateway = gateway();
    let invented: Vec<String> = (0..6).map(|n| format!("{}@kaede.example", word(n))).collect();
    let to: Vec<&str> = invented.iter().map(String::as_str).collect();
    let (code, text) = Client::connect(gateway.address).mail(&to, &rejection("saiyo@sakura.example"));
    assert_eq!(code, 250, "{text}");
    send(&gateway, applicants(24));
    assert_eq!(names(&gateway), ["invented_names"]);
}

#[test]
fn credits_that_came_back_are_named() {
    let gateway = gateway();
    enter(&gateway, applicants(30).map(|to| (to, 20)), Proves::Accepted);
    enter(&gateway, applicants(12).map(|to| (to, 20)), Proves::Bounced);
    named(&gateway, "many_bounces");
}

#[test]
fn a_month_that_is_like_no_other_is_named() {
    let gateway = gateway();
    let history = applicants(36).zip((0..).map(|n| 360 - n * 9));
    enter(&gateway, history, Proves::Accepted);
    send(&gateway, (100..130).map(|n| format!("{0}@{0}.example", word(n))));
    named(&gateway, "volume");
}

#[test]
fn who_wanted_no_line_and_is_counted_is_named() {
    let gateway = gateway();
    send(&gateway, applicants(12));
    gateway.settled_credits();
    let again: Vec<String> = (50..53).map(|n| format!("{}@icloud.com", word(n))).collect();
    for act in ["add", "remove"] {
        for address in &again {
            let mut command = binary();
            command.args(["optout", act, "--company", "sakura", "--config"]).arg(gateway.config());
            assert!(with_input(command, address.as_bytes()).status.success());
        }
    }
    send(&gateway, again.into_iter());
    assert_eq!(names(&gateway), ["counted_after_optout"]);
}

#[test]
fn people_erased_in_numbers_are_named_and_none_of_them_counts_again() {
    let gateway = gateway();
    send(&gateway, applicants(12));
    assert_eq!(gateway.settled_credits(), 12);
    for address in applicants(5) {
        let mut command = binary();
        command.args(["ledger", "erase", "--company", "sakura", "--reason", "ご本人の依頼", "--config"]);
        let output = with_input(
            {
                command.arg(gateway.config());
                command
            },
            address.as_bytes(),
        );
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    send(&gateway, applicants(5));
    send(&gateway, applicants(24).skip(12));
    assert_eq!(gateway.settled_credits(), 24);
    assert_eq!(names(&gateway), ["many_erasures"]);
}

#[test]
fn referrals_entered_by_hand_long_after_are_named() {
    let gateway = gateway();
    enter(&gateway, applicants(10).map(|to| (to, 60)), Proves::Accepted);
    assert_eq!(names(&gateway), ["entered_late"]);
}

#[test]
fn the_same_people_as_soon_as_their_window_is_over_are_named() {
    let gateway = gateway();
    enter(&gateway, applicants(20).map(|to| (to, 370)), Proves::Accepted);
    send(&gateway, applicants(20));
    named(&gateway, "same_people_again");
}

#[test]
fn honest_companies_raise_nothing_and_redeem_their_slot() {
    let gateway = gateway();
    send(&gateway, applicants(24));
    send(&gateway, (0..20).map(|n| format!("s2112{n:03}@g.kaede-u.ac.jp")));
    send(&gateway, ["mori", "mori.emi", "k-mori", "ogawa"].into_iter().map(|name| format!("{name}@small.example")));
    let bulk: Vec<String> = (200..212).map(|n| format!("{}@gmail.com", word(n))).collect();
    let to: Vec<&str> = bulk.iter().map(String::as_str).chain(["abe@town.example", "ito@town.example"]).collect();
    assert_eq!(Client::connect(gateway.address).mail(&to, &rejection("saiyo@sakura.example")).0, 250);
    assert_eq!(gateway.settled_credits(), 62);
    assert_eq!(names(&gateway), [""; 0]);
    assert!(redeem(&gateway).0);
    assert_eq!(gateway.ask_json(&["ledger", "statement", "--company", "sakura"])["open_signals"], 0);
}

#[test]
fn under_a_suspended_contract_mail_flows_without_the_line_and_it_is_said() {
    let sink = Sink::start();
    let mut gateway = Gateway::prepare(sink.address, "", "127.0.0.0/8");
    gateway.configure_company("suspended = true\n");
    gateway.run();
    let mut client = Client::connect(gateway.address);
    assert_eq!(client.mail(&["a@candidate.example"], &rejection("a@candidate.example")).0, 250);
    assert!(!has_link(&wait_for("the mail", || sink.taken().first().cloned()).octets));
    let status = gateway.ask_json(&["status"]);
    assert_eq!(
        (&status["off"][0]["company"], &status["watch"]["outcomes"]["suspended"]),
        (&"sakura".into(), &1.into())
    );
    assert!(status["off"][0]["actor"].as_str().is_some_and(|actor| actor.starts_with("suspended = true")), "{status}");
    let (_, text) = say(&gateway, &["check"]);
    assert!(text.contains("the contract is suspended: mail flows, and no line is written"), "{text}");
}
