//! The life of a referral through a real Postfix with our milter: pending until Postfix's own log tells its end.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::gateway::{Gateway, free_port, wait_for};
use crate::mta::{Kind, Mta};
use crate::sink::{Act, Sink, Stage};
use crate::smtp::{Client, has_link, ordinary, rejection};

/// A Postfix that asks our milter and hands all on to a sink, which stands for the candidates' mail server.
struct House {
    sink: Sink,
    gateway: Gateway,
    postfix: Mta,
}

impl House {
    fn build() -> Self {
        let sink = Sink::start();
        let milter = format!("inet:127.0.0.1:{}", free_port());
        let relay = format!("relay={}", sink.address.port());
        let postfix = Mta::start(Kind::Postfix, &[relay, "hasty=yes".to_owned(), format!("milter={milter}")]);
        let more = format!(
            "[milter]\nlisten = [\"{milter}\"]\nmta = \"postfix\"\n[confirm]\nmx = [\"{}\"]\n\
             [[mta_log]]\nmta = \"postfix\"\nfile = \"{}\"\n",
            sink.address,
            postfix.folder.path().join("maillog").display()
        );
        let gateway = Gateway::start_with(sink.address, &more);
        Self { sink, gateway, postfix }
    }

    fn send(&self, to: &str) {
        assert_eq!(Client::connect(self.postfix.address).mail(&[to], &rejection(to)).0, 250);
    }

    fn refuse(&self, with: &'static str) {
        self.sink.rewrite(move |stage, _| if stage == Stage::Rcpt { Act::Say(with) } else { Act::GoOn });
    }

    /// How many referrals are in a state.
    fn count(&self, state: &str) -> u64 {
        self.gateway.ask_json(&["status"])["pending"][state].as_u64().unwrap_or_default()
    }

    fn wait_until(&self, state: &str, count: u64) {
        wait_for(&format!("{count} {state}"), || (self.count(state) == count).then_some(()));
    }

    /// Moves the log away, and has Postfix begin a new one.
    fn rotate(&self, as_name: &str) {
        let log = self.log_path();
        fs::rename(&log, log.with_file_name(as_name)).expect("the log moves");
        let etc = self.postfix.folder.path().join("etc");
        let reload = Command::new("postfix").arg("-c").arg(etc).arg("reload").env("PATH", path()).output();
        assert!(reload.expect("postfix runs").status.success());
    }

    fn log_path(&self) -> PathBuf {
        self.postfix.folder.path().join("maillog")
    }
}

fn path() -> String {
    format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

#[test]
fn a_referral_is_pending_until_the_log_says_that_it_was_delivered() {
    let house = House::build();
    let to = "yamada@candidate.example";
    house.send(to);
    assert_eq!(
        Client::connect(house.postfix.address).mail(&["a@vendor.example"], &ordinary("a@vendor.example")).0,
        250
    );
    house.wait_until("delivered", 1);
    assert_eq!((house.count("pending"), house.gateway.settled_credits()), (0, 1));
    assert!(house.sink.taken().iter().any(|mail| has_link(&mail.octets)));
    // The same person again is no second credit, whatever the log says of him.
    house.send(to);
    house.wait_until("delivered", 2);
    assert_eq!(house.gateway.settled_credits(), 1);
    let verified = house.gateway.ask_json(&["ledger", "verify"]);
    assert!(verified.to_string().contains("\"faults\":[]"), "{verified}");
}

#[test]
fn what_is_put_off_stays_pending_with_the_reply_and_counts_when_it_arrives() {
    let house = House::build();
    house.refuse("450 4.2.1 <yamada@candidate.example> is busy");
    house.send("yamada@candidate.example");
    let listed = wait_for("a deferral", || {
        let listed = house.gateway.ask_json(&["confirm", "list"]);
        (listed[0]["deferrals"].as_u64() > Some(0)).then_some(listed)
    });
    let reply = listed[0]["last_reply"].as_str().unwrap_or_default();
    assert!(reply.contains("450 4.2.1 <rcpt> is busy"), "{listed}");
    assert_eq!(house.gateway.settled_credits(), 0);
    house.sink.rewrite(|_, _| Act::GoOn);
    house.wait_until("delivered", 1);
    assert_eq!(house.gateway.settled_credits(), 1);
}

#[test]
fn what_is_refused_counts_for_nothing() {
    let house = House::build();
    house.refuse("550 5.1.1 nobody here");
    house.send("yamada@candidate.example");
    house.wait_until("bounced", 1);
    assert_eq!((house.count("pending"), house.gateway.settled_credits()), (0, 0));
}

#[test]
fn what_happens_while_we_are_stopped_and_the_log_is_moved_away_is_read_later_and_counted_once() {
    let mut house = House::build();
    house.refuse("450 4.2.1 busy");
    house.send("yamada@candidate.example");
    house.send("suzuki@candidate.example");
    house.wait_until("pending", 2);
    wait_for("both put off", || (house.postfix.log().matches("status=deferred").count() >= 2).then_some(()));
    assert!(house.gateway.stop());
    house.sink.rewrite(|_, _| Act::GoOn);
    let log = || fs::read_to_string(house.log_path()).unwrap_or_default();
    wait_for("a delivery in the log", || log().contains("status=sent").then_some(()));
    wait_for("both deliveries", || (house.sink.taken().len() >= 2).then_some(()));
    wait_for("both in the log", || (log().matches("status=sent").count() >= 2).then_some(()));
    house.rotate("maillog.1");
    house.gateway.run();
    house.wait_until("delivered", 2);
    // It goes on in the new file, over another rotation while it reads.
    house.send("sato@candidate.example");
    house.wait_until("delivered", 3);
    house.rotate("maillog.2");
    house.send("tanaka@candidate.example");
    house.wait_until("delivered", 4);
    assert_eq!(house.gateway.settled_credits(), 4);
    house.gateway.kill();
    house.gateway.run();
    assert_eq!(house.gateway.settled_credits(), 4);
    assert_eq!((house.count("pending"), house.count("delivered")), (0, 4));
}

#[test]
fn a_late_bounce_handed_in_takes_the_credit_back() {
    let house = House::build();
    let to = "yamada@candidate.example";
    house.send(to);
    house.wait_until("delivered", 1);
    assert_eq!(house.gateway.settled_credits(), 1);
    let log = house.postfix.log();
    let sent = log.lines().find(|line| line.contains("status=sent")).expect("a line");
    let id = sent.split(": ").nth(1).expect("a queue id");
    let report = format!(
        "From: MAILER-DAEMON@mx.candidate.example\r\nContent-Type: multipart/report; \
         report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.candidate.example\r\n\r\nFinal-Recipient: rfc822; {to}\r\nAction: failed\r\n\
         Status: 5.2.1\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nReceived: from hr\r\n\
         \tby mx.candidate.example (Postfix) with ESMTP id {id}\r\n\r\n--b--\r\n"
    );
    let file = house.gateway.folder.path().join("report.eml");
    fs::write(&file, report).expect("a file");
    let name = file.display().to_string();
    for _ in 0..2 {
        let taken = house.gateway.ask_json(&["confirm", "report", &name]);
        assert_eq!((taken["verdict"].as_str(), taken["known_by"].as_str()), (Some("failed"), Some("names")), "{taken}");
    }
    house.wait_until("bounced", 1);
    let balance = wait_for("the credit to fall", || {
        let balance = house.gateway.ask_json(&["ledger", "balance"]);
        (balance["balances"][0]["toward"] == 0).then_some(balance)
    });
    assert_eq!(balance["balances"][0]["counted"], 1, "{balance}");
}
