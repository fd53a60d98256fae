//! Doubtful mails wait for HR: over a restart, until their time is over, and out in the form that was chosen.

use crate::gateway::{Gateway, wait_for};
use crate::sink::{Act, Sink, Stage, Taken};
use crate::smtp::{Client, doubtful, doubtful_otherwise, has_link, ordinary, rejection, without_trace};

const CANDIDATE: &str = "yamada@candidate.example";

/// A gateway that holds doubtful mails for so long.
fn holding(sink: &Sink, hold_for: &str, more: &str) -> Gateway {
    let mut gateway = Gateway::prepare(sink.address, more, "127.0.0.0/8");
    gateway.configure_company(&format!("doubtful = \"hold\"\nhold_for = \"{hold_for}\"\n"));
    gateway.run();
    gateway
}

fn send(gateway: &Gateway, to: &str, mail: fn(&str) -> Vec<u8>) {
    let (code, text) = Client::connect(gateway.address).mail(&[to], &mail(to));
    assert_eq!(code, 250, "{text}");
}

/// The ids of the held mails.
fn held(gateway: &Gateway) -> Vec<String> {
    let holds = gateway.ask_json(&["hold", "list"]);
    holds.as_array().expect("a list").iter().map(|h| h["id"].as_str().expect("an id").to_owned()).collect()
}

fn next(sink: &Sink, count: usize) -> Taken {
    wait_for("the mail to arrive", || sink.taken().get(count).cloned())
}

/// Runs a command; what it printed, and whether it went well.
fn say(gateway: &Gateway, words: &[&str]) -> (bool, String) {
    let output = gateway.ask(words);
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn a_doubtful_mail_goes_out_as_it_came_when_its_time_is_over_also_when_the_power_fails_meanwhile() {
    let sink = Sink::start();
    let mut gateway = holding(&sink, "2s", "");
    send(&gateway, CANDIDATE, doubtful);
    gateway.kill();
    assert!(sink.taken().is_empty());
    gateway.run();
    let taken = next(&sink, 0);
    assert_eq!(taken.recipients, [CANDIDATE]);
    assert_eq!(without_trace(&taken.octets), doubtful(CANDIDATE));
    assert_eq!(gateway.settled_credits(), 0);
    let ended = &gateway.ask_json(&["hold", "list", "--ended"])[0];
    assert_eq!((&ended["with_line"], &ended["reason"]), (&false.into(), &"no_applicant".into()));
    assert!(ended["actor"].is_null());
    assert_eq!(gateway.ask_json(&["status"])["watch"]["counters"]["holds_expired"], 1);
}

#[test]
fn hr_lets_a_held_mail_go_with_the_line_and_it_counts_or_without_and_it_does_not() {
    let sink = Sink::start();
    let gateway = holding(&sink, "4h", "");
    send(&gateway, CANDIDATE, doubtful);
    send(&gateway, "suzuki@candidate.example", rejection);
    assert!(has_link(&next(&sink, 0).octets), "a sure rejection does not wait");
    let [id] = &held(&gateway)[..] else { panic!("held: {:?}", held(&gateway)) };
    let hold = &gateway.ask_json(&["hold", "list"])[0];
    assert_eq!((&hold["company"], &hold["reason"]), (&"sakura".into(), &"no_applicant".into()));
    let left = hold["left_seconds"].as_u64().expect("seconds");
    assert!((1..=4 * 3600).contains(&left), "{left}");
    assert!(hold["evidence"].as_array().expect("rules").iter().any(|rule| rule == "ja.negative.passed-over"));
    let (fine, shown) = say(&gateway, &["hold", "show", id]);
    assert!(fine && shown.contains("選考結果のご連絡") && shown.contains("  お世話になっております。\n"), "{shown}");
    assert!(shown.lines().any(|l| l.starts_with("+ https://careerrelay.jp/r/")), "{shown}");
    assert!(!say(&gateway, &["hold", "release", id]).0, "one of the two has to be said");
    let (fine, text) = say(&gateway, &["hold", "release", id, "--with-line"]);
    assert!(fine && text.starts_with(&format!("{id} goes out with the line\n")), "{text}");
    assert!(text.contains("from now on mails of its template get the line; `teach remove "), "{text}");
    assert!(has_link(&next(&sink, 1).octets));
    let (fine, text) = say(&gateway, &["hold", "release", id, "--without-line"]);
    assert!(!fine && text.contains("--ended"), "{text}");
    assert_eq!(gateway.settled_credits(), 2);

    send(&gateway, "tanaka@candidate.example", doubtful_otherwise);
    let [id] = &held(&gateway)[..] else { panic!("held: {:?}", held(&gateway)) };
    assert!(say(&gateway, &["hold", "release", id, "--without-line"]).0);
    wait_for("it to arrive", || (sink.taken().len() == 3).then_some(()));
    assert_eq!(gateway.settled_credits(), 2);
    let counters = gateway.ask_json(&["status"])["watch"]["counters"].clone();
    assert_eq!((&counters["holds_with_line"], &counters["holds_without_line"]), (&1.into(), &1.into()));
    let log = gateway.log();
    assert!(log.contains("with_line") && !log.contains("山田様") && !log.contains(CANDIDATE), "{log}");
}

#[test]
fn a_full_queue_of_holds_lets_mail_go_as_it_came() {
    let sink = Sink::start();
    let gateway = holding(&sink, "4h", "[custody]\nholds_max = 1\n");
    send(&gateway, CANDIDATE, doubtful);
    send(&gateway, CANDIDATE, doubtful);
    assert_eq!(without_trace(&next(&sink, 0).octets), doubtful(CANDIDATE));
    let status = gateway.ask_json(&["status"]);
    assert_eq!((&status["spool"]["held"], &status["watch"]["outcomes"]["hold_full"]), (&1.into(), &1.into()));
}

#[test]
fn what_is_decided_with_no_server_running_is_done_by_the_next_start() {
    let sink = Sink::start();
    let mut gateway = holding(&sink, "4h", "");
    send(&gateway, CANDIDATE, doubtful);
    assert!(gateway.stop());
    let ids = held(&gateway);
    assert_eq!(ids.len(), 1);
    assert!(say(&gateway, &["hold", "release", &ids[0], "--with-line"]).0);
    assert!(held(&gateway).is_empty() && sink.taken().is_empty());
    gateway.run();
    assert!(has_link(&next(&sink, 0).octets));
    assert_eq!(gateway.settled_credits(), 1);
}

#[test]
fn a_company_that_lets_doubtful_mails_pass_holds_none_and_no_company_holds_what_is_none() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    send(&gateway, CANDIDATE, doubtful);
    assert_eq!(without_trace(&next(&sink, 0).octets), doubtful(CANDIDATE));
    let gateway = holding(&sink, "4h", "");
    send(&gateway, CANDIDATE, ordinary);
    assert_eq!(without_trace(&next(&sink, 1).octets), ordinary(CANDIDATE));
    assert_eq!(say(&gateway, &["hold", "list"]).1, "no mail is held\n");
}

#[test]
fn mail_held_when_the_line_is_stopped_without_a_server_leaves_as_it_came_at_the_next_start() {
    let sink = Sink::start();
    let mut gateway = holding(&sink, "4h", "");
    send(&gateway, CANDIDATE, doubtful);
    assert!(gateway.stop());
    assert!(say(&gateway, &["off", "sakura"]).0 && sink.taken().is_empty());
    gateway.run();
    assert_eq!(without_trace(&next(&sink, 0).octets), doubtful(CANDIDATE));
    let ended = &gateway.ask_json(&["hold", "list", "--ended"])[0];
    assert!(ended["with_line"] == false && ended["actor"].as_str().is_some_and(|a| a.contains("uid")), "{ended}");
    assert_eq!(gateway.settled_credits(), 0);
}

#[test]
fn an_admin_drops_or_bounces_a_held_mail_and_is_told_why_he_cannot_retry_it() {
    let sink = Sink::start();
    let gateway = holding(&sink, "4h", "");
    for (to, act) in [(CANDIDATE, &["spool", "drop", "--yes"][..]), ("suzuki@candidate.example", &["spool", "bounce"])]
    {
        send(&gateway, to, doubtful);
        let [id] = &held(&gateway)[..] else { panic!("held: {:?}", held(&gateway)) };
        let (_, text) = say(&gateway, &["spool", "retry", id]);
        assert!(text.contains("it is held for HR: `hold release`"), "{text}");
        let (fine, text) = say(&gateway, &[act, &[id]].concat());
        assert!(fine && held(&gateway).is_empty(), "{text}");
    }
    let report = next(&sink, 0);
    assert_eq!(report.recipients, ["saiyo@sakura.example"]);
    assert!(String::from_utf8_lossy(&report.octets).contains("suzuki@candidate.example"));
    assert_eq!((gateway.settled_credits(), sink.taken().len()), (0, 1));
}

#[test]
fn a_held_mail_is_not_late_and_one_let_go_that_waits_for_its_next_hop_is() {
    let sink = Sink::scripted(|stage, line| {
        let refused = stage == Stage::Rcpt && line.contains(".example") && !line.contains("sakura.example");
        if refused { Act::Say("450 4.2.0 later") } else { Act::GoOn }
    });
    let more = "[retry]\nwaits = [\"1h\"]\ndelay_warning_after = \"1s\"\n";
    let gateway = holding(&sink, "4h", more);
    send(&gateway, CANDIDATE, doubtful);
    send(&gateway, "partner@vendor.example", ordinary);
    // Who looked at the second mail has looked at the first one, too.
    let warning = String::from_utf8_lossy(&next(&sink, 0).octets).into_owned();
    assert!(warning.contains("partner@vendor.example") && !warning.contains(CANDIDATE), "{warning}");
    assert!(say(&gateway, &["hold", "release", &held(&gateway)[0], "--with-line"]).0);
    let warning = String::from_utf8_lossy(&next(&sink, 1).octets).into_owned();
    assert!(warning.contains("Action: delayed") && warning.contains(CANDIDATE), "{warning}");
    assert_eq!(sink.taken().len(), 2);
}
