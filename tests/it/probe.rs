//! Probes of the return path, and what counts as delivered while they come back.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp, tz};

use crate::clock::library;
use crate::gateway::{Gateway, wait_for};
use crate::sink::{Act, Sink, Stage};
use crate::smtp::{Client, rejection};

const CANDIDATE: &str = "yamada@candidate.example";
const OTHER: &str = "suzuki@candidate.example";
const NOBODY: &str = "nobody@gone.example";
/// A mail server of the world, to which nothing is allowed.
const STRANGER: [u8; 4] = [127, 0, 0, 9];

/// A gateway behind a smarthost, with a clock that can be set, and the smarthost.
pub struct World {
    pub gateway: Gateway,
    sink: Sink,
    /// Sender and first recipient of each transaction the smarthost has seen.
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl World {
    pub fn start() -> Self {
        let seen: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let noted = Arc::clone(&seen);
        let sink = Sink::scripted(move |stage, line| {
            let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            let mut seen = noted.lock().expect("the transactions");
            match (stage, seen.last_mut()) {
                (Stage::Mail, _) => seen.push((address(), String::new())),
                (Stage::Rcpt, Some((_, recipient))) => *recipient = address(),
                _ => {}
            }
            Act::GoOn
        });
        let world = Self { gateway: prepare(sink.address), sink, seen };
        world.set("+0d");
        world
    }

    fn set(&self, clock: &str) {
        let path = self.gateway.folder.path().join("clock");
        let fresh = path.with_extension("new");
        fs::write(&fresh, clock).expect("a file");
        fs::rename(fresh, path).expect("the clock");
    }

    /// Goes on with the clock set so.
    pub fn run(&mut self, clock: &str) {
        // A kill may send a probe twice, as SMTP allows, when its 250 was not written down yet.
        assert!(self.gateway.stop(), "{}", self.gateway.log());
        self.set(clock);
        self.gateway.run();
    }

    /// The tags of the probes that have gone out.
    fn probes(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("the transactions");
        seen.iter().filter(|(_, to)| to == NOBODY).map(|(sender, _)| sender.clone()).collect()
    }

    /// The tag of the last mail to this recipient.
    pub fn tag_of(&self, recipient: &str) -> String {
        let seen = self.seen.lock().expect("the transactions");
        let last = seen.iter().rev().find(|(_, to)| to == recipient);
        last.map(|(sender, _)| sender.clone()).unwrap_or_default()
    }

    /// Waits until so many probes have gone out, and gives the tag of the last.
    fn awaits_probe(&self, count: usize) -> String {
        let probes = wait_for("a probe", || Some(self.probes()).filter(|probes| probes.len() >= count));
        assert_eq!(probes.len(), count, "{probes:?}");
        probes.into_iter().next_back().expect("a probe")
    }

    /// Lets the last probe come back, and waits until it has proven the path since `since` days from now.
    pub fn bounces_probe(&self, count: usize) {
        let tag = self.awaits_probe(count);
        assert_eq!(self.hands_in_outside(&tag, "postfix-unknown-user").0, 250);
        wait_for("the proof", || {
            let line = self.gateway.ask_json(&["probe"])[0].clone();
            (line["proven"] == true && line["back_at"].as_str() > line["sent_at"].as_str()).then_some(())
        });
    }

    pub fn hands_in_outside(&self, to: &str, report: &str) -> (u16, String) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/bounces").join(report);
        let mail = fs::read(path.with_extension("eml")).expect("a mail of the corpus");
        Client::connect_from(IpAddr::from(STRANGER), self.gateway.address).mail_from("", &[to], &mail)
    }

    pub fn sends_to(&self, candidate: &str) {
        assert_eq!(Client::connect(self.gateway.address).mail(&[candidate], &rejection(candidate)).0, 250);
    }

    /// How many entries of a kind the ledger has, in the months these tests live in.
    fn entries(&self, kind: &str) -> u64 {
        let day = |days: i64| {
            let at = Timestamp::now() + SignedDuration::from_hours(24 * days);
            at.to_zoned(tz::TimeZone::fixed(tz::offset(9))).strftime("%Y-%m").to_string()
        };
        let months = std::collections::BTreeSet::from([day(0), day(12)]);
        let of = |month: &String| {
            let words = ["ledger", "statement", "--company", "sakura", "--month", month];
            self.gateway.ask_json(&words)["series"]["standard"]["entries"][kind].as_u64().unwrap_or(0)
        };
        months.iter().map(of).sum()
    }

    /// What counts, and how many of it are presumed.
    fn counts(&self, counted: u64, presumed: u64) {
        assert_eq!((self.gateway.settled_credits(), self.entries("presumed")), (counted, presumed));
        let output = self.gateway.ask(&["ledger", "verify"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// A company with a return path whose smarthost proves nothing but that it took a mail.
fn prepare(next_hop: SocketAddr) -> Gateway {
    let mut gateway = Gateway::prepare(next_hop, "", "127.0.0.1/32");
    let replace = |path: &Path, from: &str, to: &str| {
        let text = fs::read_to_string(path).expect("a file");
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).expect("a file");
    };
    replace(&gateway.config(), "proves = \"delivered\"", "proves = \"accepted\"");
    let path = format!("[return_path]\ndomain = \"bounce.sakura.example\"\nprobe_to = [\"{NOBODY}\"]\n[proved_by]");
    replace(&gateway.folder.path().join("companies/sakura.toml"), "[proved_by]", &path);
    gateway.variables = vec![
        ("LD_PRELOAD", library()),
        ("FAKETIME_TIMESTAMP_FILE", gateway.folder.path().join("clock").into()),
        ("FAKETIME_NO_CACHE", "1".into()),
        ("DONT_FAKE_MONOTONIC", "1".into()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
    ];
    gateway
}

#[test]
fn a_quiet_week_on_a_proven_return_path_counts_as_delivered_once() {
    let mut world = World::start();
    world.run("+0d");
    world.bounces_probe(1);
    world.sends_to(CANDIDATE);
    world.sends_to(OTHER);
    world.counts(0, 0);
    world.run("+4d");
    world.bounces_probe(2);
    // What comes back in these days is no delivery.
    assert_eq!(world.hands_in_outside(&world.tag_of(OTHER), "docomo-unknown-user").0, 250);
    world.counts(0, 0);
    world.run("+8d");
    world.bounces_probe(3);
    wait_for("the presumption", || (world.entries("presumed") == 1).then_some(()));
    world.counts(1, 1);
    for _ in 0..2 {
        world.run("+8d");
        world.counts(1, 1);
    }
    // Later than that it is a late bounce like any other.
    let tag = world.tag_of(CANDIDATE);
    assert_eq!(world.hands_in_outside(&tag, "docomo-unknown-user").0, 250);
    world.gateway.settled_credits();
    assert_eq!(world.entries("bounced"), 2);
    assert_eq!(world.gateway.ask_json(&["ledger", "balance"])["balances"][0]["toward"], 0);
}

#[test]
fn nothing_is_presumed_while_probes_do_not_come_back() {
    let mut world = World::start();
    world.run("+0d");
    world.awaits_probe(1);
    world.sends_to(CANDIDATE);
    world.run("+4d");
    let tag = world.awaits_probe(2);
    // A warning, and an answer of a program, are no bounce; and no clock proves anything.
    for report in ["postfix-delay-warning", "autoreply-japanese-vacation"] {
        assert_eq!(world.hands_in_outside(&tag, report).0, 250);
    }
    world.run("+8d");
    world.awaits_probe(3);
    let line = world.gateway.ask_json(&["probe"])[0].clone();
    assert_eq!((&line["proven"], &line["back_at"]), (&false.into(), &serde_json::Value::Null), "{line}");
    world.counts(0, 0);
    // What comes back from a probe that is a week old proves nothing any more, and goes to nobody.
    world.run("+12d");
    assert!(world.hands_in_outside(&tag, "postfix-unknown-user").1.starts_with("550 5.1.1"));
    assert!(world.sink.taken().iter().all(|mail| mail.recipients != ["saiyo@sakura.example"]));
}

#[test]
fn a_probe_goes_out_when_asked_for_and_says_what_it_is() {
    let mut world = World::start();
    world.run("+0d");
    world.awaits_probe(1);
    assert!(world.gateway.ask(&["probe", "--now", "--company", "sakura"]).status.success());
    let tag = world.awaits_probe(2);
    assert!(tag.starts_with("cr-") && tag.ends_with("@bounce.sakura.example"), "{tag}");
    let mail = wait_for("both probes", || world.sink.taken().get(1).cloned());
    let text = String::from_utf8_lossy(&mail.octets).into_owned();
    assert!(text.contains("Auto-Submitted: auto-generated") && text.contains("From: \"Career Relay\""), "{text}");
    let refused = world.gateway.ask(&["probe", "--now", "--company", "momiji"]);
    assert!(!refused.status.success());
    // A next hop that refuses it has not let it come back: nobody is told, and nothing is proven.
    world.sink.rewrite(|stage, _| if stage == Stage::Rcpt { Act::Say("550 5.1.1 no such user") } else { Act::GoOn });
    assert!(world.gateway.ask(&["probe", "--now"]).status.success());
    assert_eq!(world.gateway.settled_credits(), 0);
    assert_eq!(world.gateway.ask_json(&["probe"])[0]["proven"], false);
    // Its bounce is taken without a server, too.
    assert!(world.gateway.stop());
    assert_eq!(world.gateway.ask_json(&["probe"])[0]["company"], "sakura");
}
