//! Mail that was accepted and comes back after all: to the original sender octet for octet, and into the ledger.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::gateway::{Gateway, wait_for};
use crate::mta::{Kind, Mta};
use crate::sink::{Act, Sink, Stage};
use crate::smtp::{Client, doubtful, doubtful_otherwise, has_link, ordinary, rejection, without_trace};

const CANDIDATE: &str = "yamada@candidate.example";
const HR: &str = "saiyo@sakura.example";
/// A mail server of the world, to which nothing is allowed.
const STRANGER: [u8; 4] = [127, 0, 0, 9];

/// A gateway whose company has a return path; only this host's first address may relay.
fn gateway(next_hop: SocketAddr) -> Gateway {
    let mut gateway = Gateway::prepare(next_hop, "", "127.0.0.1/32");
    let path = gateway.folder.path().join("companies/sakura.toml");
    let company = fs::read_to_string(&path).expect("a file");
    let with = "[return_path]\ndomain = \"bounce.sakura.example\"\n[proved_by]";
    fs::write(&path, company.replace("[proved_by]", with)).expect("a file");
    gateway.run();
    gateway
}

/// A sink that notes the senders it is told.
pub fn noting() -> (Sink, Arc<Mutex<Vec<String>>>) {
    let senders: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&senders);
    let sink = Sink::scripted(move |stage, line| {
        if stage == Stage::Mail {
            let sender = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            noted.lock().expect("the senders").push(sender);
        }
        Act::GoOn
    });
    (sink, senders)
}

fn last(senders: &Mutex<Vec<String>>) -> String {
    senders.lock().expect("the senders").last().cloned().unwrap_or_default()
}

/// Hands a mail in as a stranger, from the null sender.
fn from_outside(gateway: &Gateway, to: &str, mail: &[u8]) -> (u16, String) {
    Client::connect_from(IpAddr::from(STRANGER), gateway.address).mail_from("", &[to], mail)
}

/// A mail of the corpus.
pub fn corpus(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/bounces").join(name).with_extension("eml");
    fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// How many entries of a kind the ledger has this month, once it has everything.
fn entries(gateway: &Gateway, kind: &str) -> u64 {
    gateway.settled_credits();
    let month = gateway.ask_json(&["ledger", "statement", "--company", "sakura"]);
    month["series"]["standard"]["entries"][kind].as_u64().unwrap_or(0)
}

fn verifies(gateway: &Gateway) {
    let output = gateway.ask(&["ledger", "verify"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_late_bounce_goes_to_hr_octet_for_octet_and_takes_its_credit_back_once() {
    let (sink, senders) = noting();
    let gateway = gateway(sink.address);
    assert_eq!(Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    let tagged = last(&senders);
    assert!(tagged.starts_with("cr-") && tagged.ends_with("@bounce.sakura.example"), "{tagged}");
    assert!(tagged.find('@').is_some_and(|at| at <= 64) && has_link(&sink.taken()[0].octets));
    assert_eq!(entries(&gateway, "delivered"), 1);
    let report = corpus("docomo-unknown-user");
    for round in 1..=3 {
        // Servers change the case of what they write back to, and a storm of reports is one bounce.
        let to = if round == 2 { tagged.to_uppercase() } else { tagged.clone() };
        assert_eq!(from_outside(&gateway, &to, &report).0, 250);
        let taken = sink.taken();
        let back = taken.last().expect("a mail");
        assert_eq!((back.recipients.as_slice(), last(&senders).as_str()), (&[HR.to_owned()][..], ""));
        assert_eq!(without_trace(&back.octets), report);
    }
    assert_eq!((entries(&gateway, "bounced"), entries(&gateway, "delivered")), (1, 1));
    let statement = gateway.ask_json(&["ledger", "statement", "--company", "sakura"]);
    assert_eq!(statement["series"]["standard"]["taken_back"], 1, "{statement}");
    assert_eq!(statement["series"]["standard"]["closing"]["toward"], 0, "{statement}");
    verifies(&gateway);
}

#[test]
fn what_is_no_bounce_goes_to_hr_all_the_same_and_proves_nothing() {
    let (sink, senders) = noting();
    let gateway = gateway(sink.address);
    assert_eq!(Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    let tagged = last(&senders);
    let mails =
        ["autoreply-japanese-vacation", "postfix-delay-warning", "complaint-arf", "lookalike-hr-quotes-a-bounce"];
    for mail in mails.map(corpus) {
        assert_eq!(from_outside(&gateway, &tagged, &mail).0, 250);
        assert_eq!(without_trace(&sink.taken().last().expect("a mail").octets), mail);
    }
    assert_eq!((sink.taken().len(), entries(&gateway, "bounced")), (5, 0));
    assert_eq!(gateway.settled_credits(), 1);
}

#[test]
fn strangers_reach_nothing_but_a_tag_of_ours() {
    let (sink, senders) = noting();
    let gateway = gateway(sink.address);
    assert_eq!(Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    let (tagged, report) = (last(&senders), corpus("postfix-unknown-user"));
    let mut forged = tagged.clone();
    let other = if tagged.as_bytes()[12] == b'a' { "b" } else { "a" };
    forged.replace_range(12..13, other);
    for to in [forged.as_str(), "cr-@bounce.sakura.example", "postmaster@bounce.sakura.example"] {
        let reply = from_outside(&gateway, to, &report);
        assert!(reply.1.starts_with("550 5.1.1"), "{to}: {}", reply.1);
    }
    assert!(from_outside(&gateway, CANDIDATE, &report).1.starts_with("550 5.7.1"));
    // A tag of ours at another domain is nothing either.
    let elsewhere = tagged.replace("@bounce.", "@");
    assert!(from_outside(&gateway, &elsewhere, &report).1.starts_with("550 5.7.1"));
    // Whoever guesses in a loop is not listened to any more, whatever he asks for.
    let mut client = Client::connect_from(IpAddr::from(STRANGER), gateway.address);
    let mut replies = Vec::new();
    for n in 0..70 {
        if n % 15 == 0 {
            client = Client::connect_from(IpAddr::from(STRANGER), gateway.address);
            assert_eq!(client.say("MAIL FROM:<>"), 250);
        }
        replies.push(client.say(&format!("RCPT TO:<cr-{n}@bounce.sakura.example>")));
    }
    assert_eq!((replies.first(), replies.last()), (Some(&550), Some(&450)));
    assert!(from_outside(&gateway, &tagged, &report).1.starts_with("450 4.2.1"));
    // Others are listened to, and so is the mail server that may relay.
    assert_eq!(Client::connect(gateway.address).mail_from("", &[&tagged], &report).0, 250);
    assert_eq!(sink.taken().last().map(|mail| mail.recipients.clone()), Some(vec![HR.to_owned()]));
}

#[test]
fn only_the_candidates_copy_of_a_mail_with_the_line_is_tagged() {
    let (sink, senders) = noting();
    let gateway = gateway(sink.address);
    let sent = |from: &str, to: &[&str], mail: &[u8]| {
        let (before, said) = (sink.taken().len(), senders.lock().expect("the senders").len());
        assert_eq!(Client::connect(gateway.address).mail_from(from, to, mail).0, 250);
        wait_for("every copy", || {
            let reached: usize = sink.taken()[before..].iter().map(|mail| mail.recipients.len()).sum();
            (reached == to.len()).then_some(())
        });
        senders.lock().expect("the senders")[said..].to_vec()
    };
    let tags = |senders: &[String]| senders.iter().filter(|sender| sender.starts_with("cr-")).count();
    assert_eq!(tags(&sent(HR, &["partner@vendor.example"], &ordinary("partner@vendor.example"))), 0);
    let with_archive = sent(HR, &[CANDIDATE, "archive@sakura.example"], &rejection(CANDIDATE));
    assert_eq!((with_archive.len(), tags(&with_archive)), (2, 1), "{with_archive:?}");
    for tagged in ["prvs=1234567890=saiyo@sakura.example", "bounce+7f3a@sakura.example"] {
        let senders = sent(tagged, &["suzuki@candidate.example"], &rejection("suzuki@candidate.example"));
        assert_eq!(senders, [tagged]);
    }
}

#[test]
fn a_held_mail_has_its_tag_if_it_leaves_with_the_line_and_its_own_sender_if_not() {
    let (sink, senders) = noting();
    let mut gateway = gateway(sink.address);
    assert!(gateway.stop());
    gateway.configure_company("doubtful = \"hold\"\nhold_for = \"4h\"\n");
    gateway.run();
    let (others, report) = ("suzuki@candidate.example", corpus("docomo-unknown-user"));
    // What is said of the first mail is said of its template, so the second is of another.
    for (to, mail, word, count) in
        [(CANDIDATE, doubtful(CANDIDATE), "--with-line", 1), (others, doubtful_otherwise(others), "--without-line", 2)]
    {
        assert_eq!(Client::connect(gateway.address).mail(&[to], &mail).0, 250);
        let holds = gateway.ask_json(&["hold", "list"]);
        assert!(gateway.ask(&["hold", "release", holds[0]["id"].as_str().expect("an id"), word]).status.success());
        wait_for("the mail", || (sink.taken().len() == count).then_some(()));
    }
    let said = senders.lock().expect("the senders").clone();
    let [tagged, plain] = &said[..] else { panic!("two mails: {said:?}") };
    assert!(tagged.starts_with("cr-") && plain == HR, "{tagged} {plain}");
    assert_eq!(entries(&gateway, "delivered"), 1);
    assert_eq!(from_outside(&gateway, tagged, &report).0, 250);
    assert_eq!((sink.taken()[2].recipients.as_slice(), last(&senders).as_str()), (&[HR.to_owned()][..], ""));
    assert_eq!(entries(&gateway, "bounced"), 1);
    verifies(&gateway);
}

#[test]
fn a_tag_lasts_over_retries_and_restarts() {
    let (sink, senders) = noting();
    let mut gateway = gateway(sink.address);
    let seen = Arc::clone(&senders);
    sink.rewrite(move |stage, line| {
        if stage == Stage::Mail {
            seen.lock().expect("the senders").push(line.split(['<', '>']).nth(1).unwrap_or_default().to_owned());
        }
        if stage == Stage::Dot { Act::Say("451 4.3.0 later") } else { Act::GoOn }
    });
    assert_eq!(Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    let first = last(&senders);
    gateway.kill();
    // Nothing on the disk tells the sender of the mail but what lies in custody, and the tag is not there.
    let spool = fs::read(gateway.folder.path().join("data/spool.db")).expect("the spool");
    assert!(!String::from_utf8_lossy(&spool).contains("saiyo@"));
    gateway.run();
    let report = corpus("qmail-no-mailbox");
    assert!(first.starts_with("cr-"), "{first}");
    // The report is for HR, and HR's mail server is back.
    sink.rewrite(|_, _| Act::GoOn);
    assert_eq!(from_outside(&gateway, &first, &report).0, 250);
    wait_for("the report", || sink.taken().iter().any(|mail| mail.recipients == [HR]).then_some(()));
}

#[test]
fn a_postfix_that_took_the_mail_and_cannot_deliver_it_is_believed() {
    let gone =
        Sink::scripted(|stage, _| if stage == Stage::Rcpt { Act::Say("550 5.1.1 no such user") } else { Act::GoOn });
    let door = crate::gateway::free_port();
    let options = [format!("gone={}", gone.address.port()), format!("returns={door}")];
    let postfix = Mta::start(Kind::Postfix, &options);
    let mut gateway = Gateway::prepare(postfix.address, "", "127.0.0.0/8");
    gateway.address.set_port(door);
    let (config, company) = (gateway.config(), gateway.folder.path().join("companies/sakura.toml"));
    let text = fs::read_to_string(&config).expect("a file");
    let listen = text.lines().find(|line| line.starts_with("listen")).expect("a listener").to_owned();
    fs::write(&config, text.replace(&listen, &format!("listen = [\"{}\"]", gateway.address))).expect("a file");
    let text = fs::read_to_string(&company).expect("a file");
    let with = "[return_path]\ndomain = \"bounce.sakura.example\"\n[proved_by]";
    fs::write(&company, text.replace("[proved_by]", with)).expect("a file");
    gateway.run();
    assert_eq!(Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    let report = wait_for("the report at HR's", || postfix.delivered().into_iter().next());
    let report = String::from_utf8_lossy(&report).into_owned();
    assert!(report.contains("Undelivered Mail Returned to Sender") && report.contains("gw.sakura.example"), "{report}");
    assert_eq!(entries(&gateway, "bounced"), 1);
    verifies(&gateway);
}
