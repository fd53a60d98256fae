//! Postfix: `4XyZ12abcz0k: to=<a@b>, relay=mx[192.0.2.1]:25, delay=1, delays=…, dsn=2.0.0, status=sent (250 …)`.

use jiff::Timestamp;

use super::fields::{bracketed, host, is_queue_id, named, queue_id};
use super::{Fact, Manner, Relay, Status, Tried, What};

/// What the program at the end of the tag is.
enum Program {
    /// Delivers to other servers.
    Smtp,
    /// Delivers over LMTP: to a mailbox, or to a filter that hands the mail back.
    Lmtp,
    /// Delivers into mailboxes.
    Mailbox,
    /// Delivers to nobody: to a program of an admin's, into the bin, or not at all.
    Nobody,
    /// Looks after the queue.
    Queue,
    /// Takes mail in again.
    Pickup,
    /// Takes mail from a filter.
    Smtpd,
}

fn program(tag: &str, manner: &Manner) -> Option<Program> {
    let services = tag.strip_prefix(&manner.program)?.strip_prefix('/')?;
    Some(match services.rsplit('/').next()? {
        "smtp" => Program::Smtp,
        "lmtp" => Program::Lmtp,
        "local" | "virtual" => Program::Mailbox,
        "pipe" | "error" | "discard" => Program::Nobody,
        "qmgr" | "nqmgr" => Program::Queue,
        "pickup" => Program::Pickup,
        "smtpd" => Program::Smtpd,
        _ => return None,
    })
}

pub(super) fn read(tag: &str, message: &str, at: Timestamp, manner: &Manner) -> Option<Fact> {
    let program = program(tag, manner)?;
    let (id, rest) = queue_id(message)?;
    let what = match program {
        Program::Queue => expired(rest)?,
        Program::Pickup => requeued(rest)?,
        Program::Smtpd => from_filter(rest)?,
        Program::Smtp | Program::Lmtp | Program::Mailbox | Program::Nobody => tried(rest, &program)?,
    };
    Some(Fact { at, queue_id: id.to_owned(), what })
}

fn tried(rest: &str, program: &Program) -> Option<What> {
    let (to, rest) = bracketed(rest.strip_prefix("to=")?)?;
    let mut rest = rest.strip_prefix(", ")?;
    let mut to = vec![to];
    if let Some(original) = rest.strip_prefix("orig_to=") {
        let (original, behind) = bracketed(original)?;
        to.push(original);
        rest = behind.strip_prefix(", ")?;
    }
    let mut relay = "";
    loop {
        if let Some(status) = rest.strip_prefix("status=") {
            let (status, reply) = outcome(status)?;
            return Some(What::Tried(Box::new(Tried { to, relay: where_to(relay, program)?, status, reply })));
        }
        let (name, value, behind) = named(rest)?;
        if name == "relay" {
            relay = value;
        }
        rest = behind;
    }
}

/// `sent (250 2.0.0 Ok: queued as B)`.
fn outcome(text: &str) -> Option<(Status, String)> {
    let (status, reply) = text.split_once(" (")?;
    let status = match status {
        "sent" => Status::Sent,
        "deferred" | "softbounce" => Status::Deferred,
        "bounced" | "expired" => Status::Bounced,
        // `deliverable` and `undeliverable` speak of a probe that was no mail.
        _ => return None,
    };
    Some((status, reply.strip_suffix(')')?.to_owned()))
}

fn where_to(relay: &str, program: &Program) -> Option<Relay> {
    Some(match program {
        Program::Mailbox => Relay::Mailbox,
        Program::Smtp | Program::Lmtp if relay == "none" => Relay::Nowhere,
        // A socket on this machine, `mx.example[private/lmtp]`.
        Program::Lmtp if relay.contains("[/") || relay.contains("[private/") => Relay::Mailbox,
        Program::Smtp | Program::Lmtp => host(relay)?,
        _ => Relay::Nowhere,
    })
}

/// `from=<a@b>, status=expired, returned to sender`, or `force-expired`.
fn expired(rest: &str) -> Option<What> {
    let from = rest.strip_prefix("from=")?;
    let rest = from.strip_prefix("<>").or_else(|| bracketed(from).map(|(_, rest)| rest))?;
    let status = rest.strip_prefix(", status=")?.strip_suffix(", returned to sender")?;
    matches!(status, "expired" | "force-expired").then_some(What::Expired)
}

/// `uid=0 from=<a@b> orig_id=A`: an admin had it queued again.
fn requeued(rest: &str) -> Option<What> {
    let (uid, from) = rest.strip_prefix("uid=")?.split_once(" from=")?;
    uid.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
    let rest = from.strip_prefix("<>").or_else(|| bracketed(from).map(|(_, rest)| rest))?;
    was(rest.strip_prefix(" orig_id=")?)
}

/// `client=localhost[127.0.0.1], orig_queue_id=A, orig_client=…`: a filter that tells whose mail it hands back.
fn from_filter(rest: &str) -> Option<What> {
    let (name, value, rest) = named(rest)?;
    (name == "client" && host(value).is_some()).then_some(())?;
    let rest = rest.strip_prefix("orig_queue_id=")?;
    was(rest.split_once(", ").map_or(rest, |(id, _)| id))
}

fn was(id: &str) -> Option<What> {
    is_queue_id(id).then(|| What::Was(id.to_owned()))
}
