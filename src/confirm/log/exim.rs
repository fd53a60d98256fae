//! Exim: `2026-11-23 10:00:01 1rAbCd-0001Ab-CD => a@b R=dnslookup T=remote_smtp H=mx [192.0.2.1] C="250 OK id=…"`.

use jiff::Timestamp;

use super::fields::{bracketed, host_name};
use super::{Fact, Manner, Relay, Stamp, Status, Tried, What, stamp};
use crate::mail::address::Address;

/// Reads a line of the main log; `at` is known already where syslog brought it.
pub(super) fn read(line: &str, at: Option<Timestamp>, manner: &Manner) -> Option<Fact> {
    let (stamp, rest) = match (stamp::exim(line), at) {
        (Some((stamp, rest)), _) => (stamp, rest),
        (None, Some(at)) => (Stamp::Whole(at), line),
        (None, None) => return None,
    };
    let rest = rest.strip_prefix('[').and_then(|r| r.split_once("] ")).map_or(rest, |(_, rest)| rest);
    let (id, rest) = rest.split_once(' ').filter(|(id, _)| is_id(id))?;
    let (flag, rest) = rest.split_once(' ')?;
    let status = match flag {
        "=>" | "->" | ">>" => Status::Sent,
        "==" => Status::Deferred,
        "**" => Status::Bounced,
        _ => return None,
    };
    let (to, rest) = recipients(rest)?;
    let (relay, reply) = where_to(rest, status);
    // No year is missing, so no time now is needed.
    let at = stamp.resolve(&manner.zone, Timestamp::UNIX_EPOCH)?;
    let tried = Tried { to, relay, status, reply };
    Some(Fact { at, queue_id: id.to_owned(), what: What::Tried(Box::new(tried)) })
}

/// `1rAbCd-0001Ab-CD`, and the longer ones since 4.97.
fn is_id(text: &str) -> bool {
    let mut parts = text.split('-').map(|part| (part.len(), part.bytes().all(|b| b.is_ascii_alphanumeric())));
    let lengths = (parts.next(), parts.next(), parts.next(), parts.next());
    matches!(lengths, (Some((6, true)), Some((6, true)), Some((2, true)), None))
        || matches!(lengths, (Some((6, true)), Some((11, true)), Some((4, true)), None))
}

/// `a@b`, `a@b <c@d>` where it was sent to another address first, `local <local@b>` for a mailbox here.
fn recipients(text: &str) -> Option<(Vec<Address>, &str)> {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut to: Vec<Address> = Address::parse(first.trim_end_matches(':')).ok().into_iter().collect();
    if let Some((original, behind)) = bracketed(rest) {
        to.push(original);
        return Some((to, behind.trim_start()));
    }
    (!to.is_empty()).then_some((to, rest))
}

/// The fields `R=`, `T=`, `H=` and the reply in `C="…"`, or what follows them where it was not taken.
fn where_to(text: &str, status: Status) -> (Relay, String) {
    let mut rest = text;
    let (mut relay, mut transported) = (Relay::Nowhere, false);
    while let Some((word, behind)) = rest.split_once(' ').or(Some((rest, ""))).filter(|(word, _)| !word.is_empty()) {
        if word.starts_with("C=") || !word.contains('=') || word.ends_with(':') && status == Status::Bounced {
            break;
        }
        rest = behind;
        if word.starts_with("T=") {
            transported = true;
            relay = Relay::Mailbox;
        } else if let Some(name) = word.strip_prefix("H=").filter(|_| transported && relay == Relay::Mailbox) {
            let bracket = behind.strip_prefix('[').and_then(|b| b.split_once(']'));
            let at = bracket.and_then(|(ip, _)| ip.parse().ok()).map(|ip| (ip, None));
            relay = host_name(name).map_or(Relay::Nowhere, |name| Relay::Host { name, at });
            rest = bracket.map_or(behind, |(_, behind)| behind.split_once(' ').map_or("", |(_, rest)| rest));
        }
    }
    let reply = rest.strip_prefix("C=\"").and_then(|quoted| quoted.rsplit_once('"')).map_or(rest, |(reply, _)| reply);
    (relay, reply.to_owned())
}
