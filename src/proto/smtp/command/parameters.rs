//! The parameters of MAIL and RCPT, each taken once and by its own grammar (RFC 5321 4.1.2).

use super::{CommandFault, MailFrom};
use crate::mail::address::Address;
use crate::mail::envelope::{Body, RecipientDsn, Ret};
use crate::proto::smtp::xtext;

/// Longest ENVID, in octets as written (RFC 3461 4.4).
const ENVID_OCTETS_MAX: usize = 100;
/// Longest ORCPT and longest AUTH, in octets as written (RFC 3461 4.2, RFC 4954 5).
const ADDRESS_OCTETS_MAX: usize = 500;
/// Longest NOTIFY: all three occasions once (RFC 3461 4.1).
const NOTIFY_OCTETS_MAX: usize = "SUCCESS,FAILURE,DELAY".len();

/// Reads what stands behind the path of MAIL.
pub(super) fn read_mail(sender: Option<Address>, parameters: &str) -> Result<MailFrom, CommandFault> {
    let mut mail = MailFrom {
        sender,
        size: None,
        body: Body::SevenBit,
        smtputf8: false,
        require_tls: false,
        ret: None,
        envid: None,
    };
    each(parameters, |name, value| take_of_mail(name, value, &mut mail))?;
    Ok(mail)
}

/// Reads what stands behind the path of RCPT.
pub(super) fn read_rcpt(parameters: &str) -> Result<RecipientDsn, CommandFault> {
    let mut dsn = RecipientDsn::default();
    each(parameters, |name, value| match (name, value) {
        ("NOTIFY", Some(value)) if is_notify(value) => {
            dsn.notify = Some(value.into());
            Ok(0)
        }
        ("ORCPT", Some(value)) if is_orcpt(value) => {
            dsn.orcpt = Some(value.into());
            Ok(1)
        }
        ("NOTIFY" | "ORCPT", _) => Err(CommandFault::Arguments),
        _ => Err(CommandFault::Parameter),
    })?;
    Ok(dsn)
}

/// Whether these are digits, and at most the twenty that RFC 1870 and RFC 3030 speak of.
pub(super) fn is_number(digits: &str) -> bool {
    (1..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Hands each parameter to `take`, its name in upper case; `take` numbers those it knows, and none may come twice.
fn each<F>(parameters: &str, mut take: F) -> Result<(), CommandFault>
where
    F: FnMut(&str, Option<&str>) -> Result<u32, CommandFault>,
{
    let mut seen = 0u32;
    for parameter in parameters.split(' ').filter(|p| !p.is_empty()) {
        let (name, value) = match parameter.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (parameter, None),
        };
        let mark = 1 << take(&name.to_ascii_uppercase(), value)?;
        if seen & mark != 0 {
            return Err(CommandFault::Arguments);
        }
        seen |= mark;
    }
    Ok(())
}

fn take_of_mail(name: &str, value: Option<&str>, mail: &mut MailFrom) -> Result<u32, CommandFault> {
    match (name, value) {
        ("SIZE", Some(octets)) if is_number(octets) => {
            // Twenty digits may be more than 64 bits hold; that is as much too large as any other number.
            mail.size = Some(octets.parse().unwrap_or(u64::MAX));
            Ok(0)
        }
        ("BODY", Some(body)) => {
            mail.body = match body.to_ascii_uppercase().as_str() {
                "7BIT" => Body::SevenBit,
                "8BITMIME" => Body::EightBitMime,
                _ => return Err(CommandFault::Parameter),
            };
            Ok(1)
        }
        ("SMTPUTF8", None) => {
            mail.smtputf8 = true;
            Ok(2)
        }
        ("REQUIRETLS", None) => {
            mail.require_tls = true;
            Ok(3)
        }
        ("RET", Some(value)) => {
            mail.ret = Some(match value.to_ascii_uppercase().as_str() {
                "FULL" => Ret::Full,
                "HDRS" => Ret::Headers,
                _ => return Err(CommandFault::Arguments),
            });
            Ok(4)
        }
        ("ENVID", Some(value)) if is_envid(value) => {
            mail.envid = Some(value.into());
            Ok(5)
        }
        // Who wrote the mail is told by the client's own rights, never by what it says here (RFC 4954 5).
        ("AUTH", Some(value)) if is_auth(value) => Ok(6),
        ("SIZE" | "BODY" | "SMTPUTF8" | "REQUIRETLS" | "RET" | "ENVID" | "AUTH", _) => Err(CommandFault::Arguments),
        _ => Err(CommandFault::Parameter),
    }
}

fn is_envid(value: &str) -> bool {
    (1..=ENVID_OCTETS_MAX).contains(&value.len()) && xtext::decode_printable(value).is_some()
}

fn is_auth(value: &str) -> bool {
    let fits = (1..=ADDRESS_OCTETS_MAX).contains(&value.len());
    fits && (value == "<>" || xtext::decode(value).is_some())
}

/// `NEVER` alone, or a list of occasions.
fn is_notify(value: &str) -> bool {
    let occasion = |word: &str| ["SUCCESS", "FAILURE", "DELAY"].iter().any(|o| word.eq_ignore_ascii_case(o));
    value.len() <= NOTIFY_OCTETS_MAX && (value.eq_ignore_ascii_case("NEVER") || value.split(',').all(occasion))
}

/// An address type and, behind `;`, the address in xtext. Behind `utf-8;` characters outside ASCII may stand as they
/// are (RFC 6533 3), which the mail then has to have SMTPUTF8 for.
fn is_orcpt(value: &str) -> bool {
    let Some((kind, address)) = value.split_once(';') else { return false };
    let atom = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let typed = !kind.is_empty() && kind.bytes().all(atom) && value.len() <= ADDRESS_OCTETS_MAX;
    if kind.eq_ignore_ascii_case("utf-8") && !address.is_ascii() {
        let fine = |c: char| matches!(c, '!'..='~') && c != '+' && c != '=' || !c.is_ascii() && !c.is_control();
        return typed && address.chars().all(fine);
    }
    typed && xtext::decode_printable(address).is_some()
}
