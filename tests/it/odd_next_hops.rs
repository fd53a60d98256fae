//! Next hops that want less than they are offered: some recipients, no eight bits, no long mail, no line.

use std::sync::{Arc, Mutex};

use crate::gateway::{Gateway, wait_for};
use crate::sink::{Act, Sink, Stage};
use crate::smtp::{Client, has_link, ordinary, rejection, without_trace};

const CANDIDATE: &str = "yamada@candidate.example";
const HR: &str = "tanto@sakura.example";
const HASTY: &str = "[retry]\nwaits = [\"1s\"]\n";

/// A sink that offers only `extensions`, and what it was told at MAIL.
fn offering(ehlo: &'static str) -> (Sink, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let mails = Arc::clone(&told);
    let sink = Sink::scripted(move |at, line| match at {
        Stage::Ehlo => Act::Say(ehlo),
        Stage::Mail => {
            mails.lock().expect("the lines").push(line.to_owned());
            Act::GoOn
        }
        _ => Act::GoOn,
    });
    (sink, told)
}

/// A rejection to a candidate with HR in Cc.
fn with_hr_in_cc() -> Vec<u8> {
    let mail = String::from_utf8(rejection(CANDIDATE)).expect("UTF-8");
    mail.replacen("Subject:", &format!("Cc: {HR}\r\nSubject:"), 1).into_bytes()
}

/// Sends a rejection to candidate and HR to a next hop that refuses one of them; the credits that makes.
fn credits_when_refused(refused: &'static str) -> u64 {
    let sink = Sink::scripted(move |at, line| match at {
        Stage::Rcpt if line.contains(refused) => Act::Say("550 5.1.1 no such user"),
        _ => Act::GoOn,
    });
    let gateway = Gateway::start_with(sink.address, HASTY);
    let (code, text) = Client::connect(gateway.address).mail(&[CANDIDATE, HR], &with_hr_in_cc());
    assert_eq!(code, 250, "{text}");
    let report = wait_for("the report", || sink.taken().into_iter().find(|t| t.recipients == ["saiyo@sakura.example"]));
    assert!(String::from_utf8_lossy(&report.octets).contains(&format!("Final-Recipient: rfc822; {refused}")));
    let credits = gateway.settled_credits();
    assert_eq!(sink.taken().len(), 2, "one mail and one report");
    credits
}

#[test]
fn a_candidate_counts_when_the_copy_for_hr_is_refused_and_not_the_other_way_round() {
    assert_eq!(credits_when_refused(HR), 1);
    assert_eq!(credits_when_refused(CANDIDATE), 0);
}

#[test]
fn a_copy_that_is_refused_with_the_line_goes_without_it_and_takes_no_credit_away() {
    let seen = Mutex::new(0);
    let sink = Sink::scripted(move |at, line| {
        let mut seen = seen.lock().expect("a count");
        match at {
            Stage::Rcpt if line.contains(HR) && *seen == 0 => {
                *seen += 1;
                Act::Say("552 5.3.4 message too big for this mailbox")
            }
            _ => Act::GoOn,
        }
    });
    let gateway = Gateway::start(sink.address);
    let mail = with_hr_in_cc();
    assert_eq!(Client::connect(gateway.address).mail(&[CANDIDATE, HR], &mail).0, 250);
    assert_eq!(gateway.settled_credits(), 1);
    let taken = sink.taken();
    assert_eq!(
        (taken.len(), &taken[0].recipients[..], &taken[1].recipients[..]),
        (2, &[CANDIDATE.to_owned()][..], &[HR.to_owned()][..])
    );
    assert!(has_link(&taken[0].octets));
    assert_eq!(without_trace(&taken[1].octets), mail);
}

#[test]
fn recipients_on_two_routes_get_the_mail_each_once_by_their_own() {
    let (near, far) = (Sink::start(), Sink::start());
    let more = format!(
        "[[route]]\nname = \"home\"\ndomains = [\"sakura.example\"]\nnext_hop = \"{}\"\nproves = \"accepted\"\n{HASTY}",
        near.address
    );
    let gateway = Gateway::start_with(far.address, &more);
    let (code, text) = Client::connect(gateway.address).mail(&[CANDIDATE, HR], &with_hr_in_cc());
    assert_eq!(code, 250, "{text}");
    assert_eq!(gateway.settled_credits(), 1);
    assert_eq!((near.taken().len(), far.taken().len()), (1, 1));
    assert_eq!(
        (&near.taken()[0].recipients[..], &far.taken()[0].recipients[..]),
        (&[HR.to_owned()][..], &[CANDIDATE.to_owned()][..])
    );
    assert!(has_link(&far.taken()[0].octets));
}

#[test]
fn a_report_that_nobody_takes_is_answered_by_no_report() {
    let sink = Sink::scripted(|at, _| if at == Stage::Rcpt { Act::Say("550 5.1.1 nobody") } else { Act::GoOn });
    let more = format!("[custody]\nmode = \"spool\"\n{HASTY}");
    let gateway = Gateway::start_with(sink.address, &more);
    let mut client = Client::connect(gateway.address);
    assert_eq!(client.mail_from("", &["a@vendor.example"], &ordinary("a@vendor.example")).0, 250);
    wait_for("the spool to empty", || (gateway.ask_json(&["status"])["spool"]["entries"] == 0).then_some(()));
    // From a person it makes one report, which is refused as well, and that is the end.
    assert_eq!(client.mail(&["a@vendor.example"], &ordinary("a@vendor.example")).0, 250);
    assert_eq!(gateway.settled_credits(), 0);
    assert!(sink.taken().is_empty());
    assert_eq!(gateway.log().matches("\"double_bounce\"").count(), 2, "{}", gateway.log());
}

#[test]
fn a_next_hop_without_eight_bits_gets_them_as_they_are() {
    let (sink, told) = offering("250-plain\r\n250 PIPELINING");
    let gateway = Gateway::start(sink.address);
    let mail = ordinary("a@vendor.example");
    assert_eq!(Client::connect(gateway.address).mail(&["a@vendor.example"], &mail).0, 250);
    assert_eq!(without_trace(&sink.taken()[0].octets), mail);
    assert_eq!(told.lock().expect("the lines")[..], ["MAIL FROM:<saiyo@sakura.example>"]);
}

#[test]
fn an_address_beyond_ascii_goes_only_where_it_can() {
    let (sink, told) = offering("250-plain\r\n250 8BITMIME");
    let gateway = Gateway::start(sink.address);
    let mut client = Client::connect(gateway.address);
    let mail = ordinary("山田@candidate.example");
    let send = |client: &mut Client, to: &str| {
        assert_eq!(client.say("MAIL FROM:<saiyo@sakura.example> SMTPUTF8"), 250);
        assert_eq!(client.say(&format!("RCPT TO:<{to}>")), 250);
        assert_eq!(client.say("DATA"), 354);
        client.send_raw(&crate::smtp::stuffed(&mail));
        client.reply()
    };
    let (code, text) = send(&mut client, "山田@candidate.example");
    assert!(code == 553 && text.contains("5.6.7"), "{text}");
    assert_eq!(send(&mut client, "yamada@お祈り.example").0, 250);
    assert_eq!(sink.taken()[0].recipients, ["yamada@xn--t8j0gp84t.example"]);
    sink.rewrite(|_, _| Act::GoOn);
    drop(told);
    drop(gateway);
    let gateway = Gateway::start(sink.address);
    assert_eq!(send(&mut Client::connect(gateway.address), "山田@candidate.example").0, 250);
    assert_eq!(sink.taken()[1].recipients, ["山田@candidate.example"]);
}

#[test]
fn a_mail_that_the_line_makes_too_large_goes_without_it() {
    let mail = rejection(CANDIDATE);
    let (sink, told) = offering("250-small\r\n250 SIZE 1000");
    let gateway = Gateway::start(sink.address);
    let mut client = Client::connect(gateway.address);
    assert!(mail.len() + 150 < 1000, "the test mail grew");
    assert_eq!(client.mail(&[CANDIDATE], &mail).0, 250);
    let taken = sink.taken();
    if !has_link(&taken[0].octets) {
        assert_eq!(without_trace(&taken[0].octets), mail);
    }
    assert_eq!(gateway.settled_credits(), u64::from(has_link(&taken[0].octets)));
    let large = [mail, vec![b'x'; 900]].concat();
    let (code, text) = client.mail(&[CANDIDATE], &large);
    assert!(code == 552 && text.contains("5.3.4"), "{text}");
    assert!(told.lock().expect("the lines").iter().all(|l| l.contains(" SIZE=")));
}
