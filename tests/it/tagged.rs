//! Line, signature and return path on one mail: together in whatever way it leaves, and all gone once the line is.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use crate::dkim::{BOTH, prepare, verify};
use crate::gateway::{Gateway, wait_for};
use crate::late_bounce::corpus;
use crate::sink::{Act, Sink, Stage, Taken};
use crate::smtp::{Client, doubtful, doubtful_otherwise, has_link, rejection, without_trace};

const CANDIDATE: &str = "yamada@candidate.example";
const HR: &str = "saiyo@sakura.example";

/// A gateway that signs and tags, and takes these lines in the company's file; not yet started.
fn gateway(next_hop: SocketAddr, company: &str) -> Gateway {
    let gateway = prepare(next_hop, &format!("[retry]\nwaits = [\"1s\"]\n{BOTH}"), &["r1", "e1"]);
    let path = gateway.folder.path().join("companies/sakura.toml");
    let text = fs::read_to_string(&path).expect("a file");
    let with = "[return_path]\ndomain = \"bounce.sakura.example\"\n[proved_by]";
    fs::write(&path, text.replace("[proved_by]", with)).expect("a file");
    gateway.configure_company(company);
    gateway
}

type Senders = Arc<Mutex<Vec<String>>>;

/// Does what `act` says, and notes each sender.
fn script(sink: &Sink, senders: &Senders, act: impl Fn(Stage, &str) -> Act + Send + Sync + 'static) {
    let noted = Arc::clone(senders);
    sink.rewrite(move |stage, line| {
        if stage == Stage::Mail {
            let sender = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            noted.lock().expect("the senders").push(sender);
        }
        act(stage, line)
    });
}

fn send(gateway: &Gateway, mail: fn(&str) -> Vec<u8>) {
    let (code, text) = Client::connect(gateway.address).mail(&[CANDIDATE], &mail(CANDIDATE));
    assert_eq!(code, 250, "{text}");
}

fn next(sink: &Sink, place: usize) -> Taken {
    wait_for("the mail", || sink.taken().get(place).cloned())
}

/// Line, both signatures, and the tag.
fn has_all(gateway: &Gateway, mail: &Taken, sender: &str) {
    assert!(has_link(&mail.octets) && mail.recipients == [CANDIDATE]);
    // SPF speaks for a sub-domain of From's domain, DKIM for that domain itself: DMARC is aligned by both.
    assert!(sender.starts_with("cr-") && sender.ends_with("@bounce.sakura.example"), "{sender}");
    let text = String::from_utf8_lossy(&mail.octets);
    assert!(text.contains(" d=sakura.example;") || text.contains("d=sakura.example"), "{text}");
    let verified = verify(gateway, std::slice::from_ref(&mail.octets));
    let said = String::from_utf8_lossy(&verified.stdout).into_owned() + &String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && said.contains(".eml: r1 e1"), "{said}");
}

/// Neither, to the octet, from its own sender.
fn has_none(mail: &Taken, sender: &str, came: &[u8]) {
    assert_eq!(sender, HR);
    assert_eq!(without_trace(&mail.octets), came);
}

fn last(senders: &Senders) -> String {
    senders.lock().expect("the senders").last().cloned().unwrap_or_default()
}

#[test]
fn a_mail_has_its_line_both_signatures_and_its_tag_at_once_through_and_out_of_the_spool() {
    let (sink, senders) = (Sink::start(), Senders::default());
    script(&sink, &senders, |_, _| Act::GoOn);
    let mut gateway = gateway(sink.address, "");
    gateway.run();
    send(&gateway, rejection);
    has_all(&gateway, &next(&sink, 0), &last(&senders));
    script(&sink, &senders, |stage, _| if stage == Stage::Rcpt { Act::Say("450 4.2.0 later") } else { Act::GoOn });
    send(&gateway, rejection);
    script(&sink, &senders, |_, _| Act::GoOn);
    has_all(&gateway, &next(&sink, 1), &last(&senders));
    assert_eq!(gateway.settled_credits(), 1);
}

#[test]
fn off_takes_line_signature_and_tag_from_a_mail_that_waits() {
    let (sink, senders) = (Sink::start(), Senders::default());
    script(&sink, &senders, |stage, _| if stage == Stage::Rcpt { Act::Say("450 4.2.0 later") } else { Act::GoOn });
    let mut gateway = gateway(sink.address, "");
    gateway.run();
    send(&gateway, rejection);
    assert!(last(&senders).starts_with("cr-"));
    assert!(gateway.ask(&["off", "sakura"]).status.success());
    script(&sink, &senders, |_, _| Act::GoOn);
    has_none(&next(&sink, 0), &last(&senders), &rejection(CANDIDATE));
    assert_eq!(gateway.settled_credits(), 0);
}

#[test]
fn a_next_hop_that_refuses_the_waiting_edited_mail_gets_the_original_from_its_own_sender() {
    let (sink, senders) = (Sink::start(), Senders::default());
    script(&sink, &senders, |stage, _| if stage == Stage::Rcpt { Act::Say("450 4.2.0 later") } else { Act::GoOn });
    let mut gateway = gateway(sink.address, "");
    gateway.run();
    send(&gateway, rejection);
    let seen = Arc::clone(&senders);
    script(&sink, &senders, move |stage, _| {
        let tagged = seen.lock().expect("the senders").last().is_some_and(|sender| sender.starts_with("cr-"));
        if stage == Stage::Dot && tagged { Act::Say("554 5.6.0 no such line here") } else { Act::GoOn }
    });
    has_none(&next(&sink, 0), &last(&senders), &rejection(CANDIDATE));
    assert_eq!(gateway.settled_credits(), 0);
    assert_eq!(sink.taken().len(), 1);
}

#[test]
fn a_held_mail_let_go_with_the_line_has_all_three_and_its_bounce_is_known() {
    let (sink, senders) = (Sink::start(), Senders::default());
    script(&sink, &senders, |_, _| Act::GoOn);
    let mut gateway = gateway(sink.address, "doubtful = \"hold\"\n");
    gateway.run();
    for (place, word) in ["--with-line", "--without-line"].into_iter().enumerate() {
        // What is said of the first mail is said of its template, so the second is of another.
        send(&gateway, if place == 0 { doubtful } else { doubtful_otherwise });
        let holds = gateway.ask_json(&["hold", "list"]);
        assert!(gateway.ask(&["hold", "release", holds[0]["id"].as_str().expect("an id"), word]).status.success());
        next(&sink, place);
    }
    let said = senders.lock().expect("the senders").clone();
    let [tagged, plain] = &said[..] else { panic!("two mails: {said:?}") };
    has_all(&gateway, &sink.taken()[0], tagged);
    has_none(&sink.taken()[1], plain, &doubtful_otherwise(CANDIDATE));
    assert_eq!(gateway.settled_credits(), 1);
    let stranger = Client::connect_from(IpAddr::from([127, 0, 0, 9]), gateway.address);
    assert_eq!({ stranger }.mail_from("", &[tagged], &corpus("docomo-unknown-user")).0, 250);
    gateway.settled_credits();
    assert_eq!(gateway.ask_json(&["ledger", "balance"])["balances"][0]["toward"], 0);
}

#[test]
fn explain_and_preview_say_what_goes_with_the_line() {
    let gateway = gateway(SocketAddr::from(([127, 0, 0, 1], 9)), "");
    let (mail, out) = (gateway.folder.path().join("mail.eml"), gateway.folder.path().join("out.eml"));
    let ask = |words: &[&str]| {
        let output = gateway.ask(&[words, &[mail.to_str().expect("a path")]].concat());
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    for (came, said) in [(rejection(CANDIDATE), true), (crate::smtp::ordinary(CANDIDATE), false)] {
        fs::write(&mail, came).expect("a file");
        let explained = ask(&["explain"]);
        assert_eq!(explained.contains("signed by DKIM for sakura.example"), said, "{explained}");
        assert_eq!(explained.contains("its bounces come to us, at bounce.sakura.example"), said, "{explained}");
        let previewed = ask(&["preview", "--out", out.to_str().expect("a path")]);
        assert_eq!(previewed.contains("signed by DKIM for sakura.example, not here"), said, "{previewed}");
        let json = ask(&["explain", "--json"]);
        assert_eq!(json.contains("\"signed_by\":\"sakura.example\",\"returns_to\":\"bounce.sakura.example\""), said);
    }
}
