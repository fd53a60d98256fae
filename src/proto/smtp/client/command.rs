//! MAIL and RCPT as this next hop can take them, or the answer where it cannot.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use super::{Answer, Capabilities, Class, Extension, Octets, Phase, Plan, Recipient};
use crate::mail::address::Address;
use crate::mail::envelope::{Body, Ret};
use crate::proto::smtp::reply::Reply;

/// Why the next hop is not asked about this message at all (RFC 1870 6.1, RFC 6152 3, RFC 8689 4.2.1).
pub(super) fn barrier(plan: &Plan<'_>, offered: &Capabilities) -> Option<Answer> {
    if let Some(limit) = offered.size.filter(|&l| l > 0 && plan.octets as u64 > l) {
        let text = format!("The next hop takes no message over {limit} octets");
        return Some(ours(Reply::new(552, (5, 3, 4), "").with_text(text)));
    }
    // A report is not thrown away for want of it (RFC 8689 5).
    if plan.require_tls && plan.sender.is_some() && !may_require_tls(plan, offered) {
        let text = "REQUIRETLS was asked for, and the next hop does not offer it over verified TLS";
        return Some(ours(Reply::new(550, (5, 7, 30), text)));
    }
    if plan.asks_what_octets(offered) && plan.what_octets == Octets::Eight {
        return Some(ours(Reply::new(554, (5, 6, 3), "The next hop does not offer 8BITMIME for an 8-bit message")));
    }
    None
}

fn may_require_tls(plan: &Plan<'_>, offered: &Capabilities) -> bool {
    plan.terms.verified && offered.offers(Extension::RequireTls)
}

/// The MAIL command, or nothing when the sender cannot be said here.
pub(super) fn mail(plan: &Plan<'_>, offered: &Capabilities) -> Option<Box<[u8]>> {
    let sender = match plan.sender {
        Some(address) => wire_form(address, offered)?,
        None => Cow::Borrowed(""),
    };
    let mut line = String::with_capacity(sender.len() + 128);
    line.extend(["MAIL FROM:<", &*sender, ">"]);
    // Writing to a string cannot fail.
    if offered.size.is_some() {
        let _ = write!(line, " SIZE={}", plan.octets);
    }
    if offered.offers(Extension::EightBitMime) && plan.body == Body::EightBitMime {
        line.push_str(" BODY=8BITMIME");
    }
    let beyond_ascii = |a: &Address| a.needs_smtputf8();
    let addresses = plan.sender.into_iter().chain(plan.recipients.iter().map(|r| r.address));
    if offered.offers(Extension::SmtpUtf8) && (plan.smtputf8 || addresses.into_iter().any(beyond_ascii)) {
        line.push_str(" SMTPUTF8");
    }
    if plan.require_tls && may_require_tls(plan, offered) {
        line.push_str(" REQUIRETLS");
    }
    if offered.offers(Extension::Dsn) {
        match plan.ret {
            Some(Ret::Full) => line.push_str(" RET=FULL"),
            Some(Ret::Headers) => line.push_str(" RET=HDRS"),
            None => {}
        }
        parameter(&mut line, "ENVID", plan.envid);
    }
    line.push_str("\r\n");
    Some(line.into_bytes().into())
}

/// The RCPT command, or nothing when the recipient cannot be said here.
pub(super) fn rcpt(recipient: &Recipient<'_>, offered: &Capabilities) -> Option<Box<[u8]>> {
    let address = wire_form(recipient.address, offered)?;
    let mut line = String::with_capacity(address.len() + "RCPT TO:<>\r\n".len());
    line.push_str("RCPT TO:<");
    line.push_str(&address);
    line.push('>');
    if let Some(dsn) = recipient.dsn.filter(|_| offered.offers(Extension::Dsn)) {
        parameter(&mut line, "NOTIFY", dsn.notify.as_deref());
        parameter(&mut line, "ORCPT", dsn.orcpt.as_deref());
    }
    line.push_str("\r\n");
    Some(line.into_bytes().into())
}

/// A value goes as it came: to decode and encode it again could change it.
fn parameter(line: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        let _ = write!(line, " {name}={value}");
    }
}

/// The address as the next hop can take it: without SMTPUTF8 the domain goes as its A-label, and a local part beyond
/// ASCII cannot go at all.
fn wire_form<'a>(address: &'a Address, offered: &Capabilities) -> Option<Cow<'a, str>> {
    if offered.offers(Extension::SmtpUtf8) || !address.needs_smtputf8() {
        return Some(Cow::Borrowed(address.as_str()));
    }
    let domain = address.domain().filter(|_| address.local_part().is_ascii())?;
    Some(Cow::Owned(format!("{}@{domain}", address.local_part())))
}

/// A refusal of our own making.
fn ours(reply: Reply) -> Answer {
    Answer { class: Class::Refused, phase: Phase::Mail, reply: Arc::new(reply), said_by_next_hop: false }
}

pub(super) fn not_ascii() -> Answer {
    ours(Reply::new(553, (5, 6, 7), "The next hop takes no addresses beyond ASCII"))
}
