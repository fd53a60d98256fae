//! Hire slots as HR and the operator keep them: through a running server, through none, and with wrong words.

use std::fs;

use crate::gateway::Gateway;
use crate::sink::Sink;
use crate::smtp::{Client, rejection};

/// A gateway whose company has earned two slots of one credit each; a slot can be redeemed at once.
pub fn with_slots() -> Gateway {
    let sink = Sink::start();
    let mut gateway = Gateway::prepare(sink.address, "", "127.0.0.0/8");
    let path = gateway.folder.path().join("companies/sakura.toml");
    let company = fs::read_to_string(&path).expect("a company file");
    let terms = "count_on = \"accepted\"\nthreshold = 1\nreview_days = 0\nreserve_max = 2\n";
    let company = company.lines().filter(|line| !line.starts_with("count_on") && !line.starts_with("threshold"));
    fs::write(&path, format!("{}\n{terms}", company.collect::<Vec<_>>().join("\n"))).expect("a company file");
    gateway.run();
    let mut client = Client::connect(gateway.address);
    for n in 0..2 {
        let to = format!("candidate{n}@mail.example");
        assert_eq!(client.mail_from("saiyo@sakura.example", &[&to], &rejection(&to)).0, 250);
    }
    assert_eq!(gateway.settled_credits(), 2);
    gateway
}

fn slot(gateway: &Gateway, words: &str) -> (bool, String) {
    let words: Vec<&str> = ["slot"].into_iter().chain(words.split(' ')).collect();
    let output = gateway.ask(&words);
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// A command and the beginning of what it says; `!` in front where it is refused.
fn check(gateway: &Gateway, words: &str, expected: &str) {
    let (fine, text) = slot(gateway, words);
    let (well, expected) = expected.strip_prefix('!').map_or((true, expected), |rest| (false, rest));
    assert!(fine == well && text.starts_with(expected), "{words}: {text}");
}

#[test]
fn a_slot_goes_from_the_wish_to_its_use_with_and_without_a_server() {
    let mut gateway = with_slots();
    check(
        &gateway,
        "reserve 1 --company sakura --wish 経理 --until 2099-12-31 --reason 内線",
        "!slot 1: the reservation",
    );
    let until = (jiff::Zoned::now().date() + jiff::ToSpan::days(30)).to_string();
    let reserve = format!("reserve 1 --company sakura --wish 経理 --until {until} --reason 内線にて --by 花子");
    check(&gateway, &format!("{reserve} --dry-run"), "slot 1 of sakura (standard) would be reserved; nothing was");
    check(&gateway, &reserve, "slot 1 of sakura (standard) is reserved: entry ");
    check(&gateway, "confirm 1 --company sakura --reason 承りました", "slot 1 of sakura (standard) is confirmed");
    assert!(gateway.stop());
    check(&gateway, "redeem 1 --company sakura --reason x", "!slot 1: the slot is confirmed: it cannot be redeemed");
    check(&gateway, "introduce 1 --company sakura --reason 面談済", "slot 1 of sakura (standard) is introduced");
    gateway.run();
    check(&gateway, "redeem 1 --company sakura --reason 入社", "slot 1 of sakura (standard) is redeemed");
    let lines = gateway.ask_json(&["slot", "list"]);
    assert_eq!((&lines[0]["stage"], &lines[0]["wish"]), (&"redeemed".into(), &"経理".into()), "{lines}");
    assert_eq!(lines[0]["acts"].as_array().map(Vec::len), Some(4));
    let actor = lines[0]["acts"][0]["actor"].as_str().unwrap_or_default();
    assert!(actor.starts_with("花子, entered by "), "{actor}");
    assert_eq!(lines[1]["stage"], "granted");
    let (fine, text) = slot(&gateway, "list --acts");
    assert!(fine && text.contains("redeem by ") && text.contains("入社"), "{text}");
    assert!(gateway.ask(&["ledger", "verify"]).status.success());
    let statement = gateway.ask(&["ledger", "statement", "--company", "sakura", "--lang", "ja"]);
    assert!(String::from_utf8_lossy(&statement.stdout).contains("採用枠の利用"), "the month tells of it");
}

#[test]
fn what_cannot_be_done_to_a_slot_is_said_in_words_that_help() {
    let gateway = with_slots();
    check(
        &gateway,
        "redeem 7 --company sakura --reason x",
        "!there is no slot 7 in the series standard of sakura: see",
    );
    check(&gateway, "redeem 1 --company momiji --reason x", "!the ledger has no company momiji");
    check(&gateway, "void 1 --company sakura --reason taro@mail.example", "!reason and wish are kept for ever");
    check(&gateway, "reserve 1 --company sakura --wish x --until tomorrow --reason x", "!\"tomorrow\" is no day");
    check(&gateway, "void 2 --company sakura --reason 重複", "slot 2 of sakura (standard) is voided");
    check(&gateway, "void 2 --company sakura --reason 重複", "!slot 2: the slot is voided: it cannot be voided");
}
