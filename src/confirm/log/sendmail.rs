//! Sendmail: `5AN10abc012345: to=<a@b>, delay=00:00:01, …, mailer=esmtp, pri=…, relay=mx. [192.0.2.1], dsn=2.0.0,
//! stat=Sent (…)`, with several recipients behind each other.

use jiff::Timestamp;

use super::fields::{bracketed, host, host_name, is_queue_id, named, queue_id};
use super::{Fact, Manner, Relay, Status, Tried, What};
use crate::mail::address::Address;

pub(super) fn read(program: &str, message: &str, at: Timestamp, manner: &Manner) -> Option<Fact> {
    // Debian calls the daemon sm-mta; each of its processes says the same name.
    (program == manner.program || program == "sm-mta" && manner.program == "sendmail").then_some(())?;
    let (id, rest) = queue_id(message)?;
    let what = if let Some(of) = rest.strip_prefix("clone ") {
        let old = of.split(", ").next().unwrap_or_default();
        is_queue_id(old).then(|| What::Was(old.to_owned()))?
    } else {
        tried(rest.strip_prefix("to=")?)?
    };
    Some(Fact { at, queue_id: id.to_owned(), what })
}

fn tried(text: &str) -> Option<What> {
    let (to, mut rest) = recipients(text)?;
    let (mut mailer, mut relay, mut class) = ("", "", ' ');
    loop {
        if let Some(stat) = rest.strip_prefix("stat=") {
            let status = status(stat, class)?;
            let relay = where_to(mailer, relay);
            return Some(What::Tried(Box::new(Tried { to, relay, status, reply: stat.to_owned() })));
        }
        // Who submitted it: `ctladdr=<a@b> (0/0)`, an address like any other.
        if let Some(controlling) = rest.strip_prefix("ctladdr=") {
            let behind = bracketed(controlling).map_or(controlling, |(_, behind)| behind);
            rest = behind.split_once(", ")?.1;
            continue;
        }
        let (name, value, behind) = named(rest)?;
        match name {
            "mailer" => mailer = value,
            "relay" => relay = value,
            "dsn" => class = value.chars().next()?,
            _ => {}
        }
        rest = behind;
    }
}

/// `<a@b>,<c@d>, `: without a blank between them.
fn recipients(mut text: &str) -> Option<(Vec<Address>, &str)> {
    let mut found = Vec::new();
    loop {
        let bare = || {
            let end = text.find(',')?;
            Some((Address::parse(&text[..end]).ok()?, &text[end..]))
        };
        let (address, rest) = bracketed(text).or_else(bare)?;
        found.push(address);
        text = rest.strip_prefix(',')?;
        if let Some(rest) = text.strip_prefix(' ') {
            // More than it writes into one line stands in the next.
            return Some((found, rest.strip_prefix("[more], ").unwrap_or(rest)));
        }
    }
}

fn status(stat: &str, class: char) -> Option<Status> {
    match class {
        '2' if stat == "Sent" || stat.starts_with("Sent ") => Some(Status::Sent),
        '4' => Some(Status::Deferred),
        '5' => Some(Status::Bounced),
        // Queued, or without a word of how it stands.
        _ => None,
    }
}

/// `mx.example. [192.0.2.1]`, a name alone, or an address in brackets.
fn where_to(mailer: &str, relay: &str) -> Relay {
    match mailer {
        "local" | "lmtp" | "cyrus" | "cyrusv2" => Relay::Mailbox,
        "prog" | "*file*" | "discard" | "" => Relay::Nowhere,
        _ => host(relay)
            .or_else(|| host(&format!("unknown{relay}")).filter(|_| relay.starts_with('[')))
            .or_else(|| host_name(relay).map(|name| Relay::Host { name, at: None }))
            .unwrap_or(Relay::Nowhere),
    }
}
