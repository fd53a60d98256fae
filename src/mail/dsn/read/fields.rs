//! The part of a report for machines: groups of fields, one for each recipient (RFC 3464 2, RFC 6533 3).

use super::{RECIPIENTS_MAX, Status};
use crate::mail::address::Address;
use crate::mail::message::Part;
use crate::mail::transfer;

/// Fields read of one report.
const FIELDS_MAX: usize = 400;

/// What became of one recipient (RFC 3464 2.3.3); relayed and expanded are as good as delivered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Action {
    Failed,
    Delayed,
    Delivered,
}

/// What the report says of one recipient.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) action: Option<Action>,
    pub(super) status: Option<Status>,
    pub(super) recipients: Vec<Address>,
}

/// Reads the groups; one about the message itself has no action.
pub(super) fn read(part: &Part, raw: &[u8]) -> Vec<Group> {
    let mut groups = vec![Group::default()];
    for field in unfolded(&text(part, raw)).into_iter().take(FIELDS_MAX) {
        match (field.split_once(':'), groups.last_mut()) {
            (Some((name, value)), Some(group)) => group.take(name.trim(), value.trim()),
            _ => groups.push(Group::default()),
        }
    }
    for group in &mut groups {
        group.infer_action();
    }
    groups
}

/// The fields about the message itself: those of the first group, name and value.
pub(super) fn about_message(part: &Part, raw: &[u8]) -> Vec<(String, String)> {
    let fields = unfolded(&text(part, raw)).into_iter().take(FIELDS_MAX).skip_while(String::is_empty);
    let named = |field: String| field.split_once(':').map(|(n, v)| (n.trim().to_owned(), v.trim().to_owned()));
    fields.map_while(named).collect()
}

fn text(part: &Part, raw: &[u8]) -> String {
    let body = raw.get(part.body.clone()).unwrap_or_default();
    let octets = transfer::decode(part, raw).map_or_else(|_| body.to_vec(), |decoded| decoded.octets);
    String::from_utf8_lossy(&octets).into_owned()
}

/// The fields on one line each; an empty one stands between two groups.
fn unfolded(text: &str) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for line in text.lines() {
        match fields.last_mut() {
            Some(field) if line.starts_with([' ', '\t']) && !field.is_empty() => {
                field.push(' ');
                field.push_str(line.trim());
            }
            _ => fields.push(line.trim().to_owned()),
        }
    }
    fields
}

impl Group {
    fn take(&mut self, name: &str, value: &str) {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("Action") {
            self.action = action(value);
        } else if is("Status") {
            self.status = status(value);
        } else if (is("Final-Recipient") || is("Original-Recipient") || is("X-Actual-Recipient"))
            && self.recipients.len() < RECIPIENTS_MAX
        {
            self.recipients.extend(typed_address(value));
        }
    }

    /// A recipient without an action, as some programs write it, is known by the class of its status.
    fn infer_action(&mut self) {
        if self.action.is_none() && !self.recipients.is_empty() {
            self.action = match self.status {
                Some((5, ..)) => Some(Action::Failed),
                Some((4, ..)) => Some(Action::Delayed),
                Some((2, ..)) => Some(Action::Delivered),
                _ => None,
            };
        }
    }
}

fn action(value: &str) -> Option<Action> {
    let word = value.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
    match word.as_str() {
        "failed" | "failure" => Some(Action::Failed),
        "delayed" | "deferred" => Some(Action::Delayed),
        "delivered" | "relayed" | "expanded" => Some(Action::Delivered),
        _ => None,
    }
}

/// The first enhanced status in a text.
pub(super) fn status(text: &str) -> Option<Status> {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    text.split(|c: char| !is_part(c)).find_map(|word| {
        let mut numbers = word.trim_matches('.').split('.');
        let class = numbers.next().filter(|class| matches!(*class, "2" | "4" | "5"))?;
        let number = |text: Option<&str>| text.filter(|t| t.len() <= 3).and_then(|t| t.parse::<u16>().ok());
        let status = (class.parse().ok()?, number(numbers.next())?, number(numbers.next())?);
        numbers.next().is_none().then_some(status)
    })
}

/// `rfc822; user@example.jp`, `utf-8; \x{5C71}@example.jp`; the type may be missing, and brackets may stand around.
fn typed_address(value: &str) -> Option<Address> {
    let text = value.split_once(';').map_or(value, |(_, address)| address).trim();
    let text = text.trim_start_matches('<').trim_end_matches('>');
    Address::parse(text).ok().or_else(|| Address::parse(&unescaped(text)?).ok())
}

/// The `utf-8-addr-xtext` of RFC 6533 3 as characters.
fn unescaped(text: &str) -> Option<String> {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, behind)) = rest.split_once("\\x{") {
        let (digits, after) = behind.split_once('}')?;
        out.push_str(before);
        out.push(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_found_among_other_numbers() {
        assert_eq!(status("5.1.1"), Some((5, 1, 1)));
        assert_eq!(status("550 5.7.26 This mail"), Some((5, 7, 26)));
        assert_eq!(status("#5.2.2 smtp;552 over quota"), Some((5, 2, 2)));
        assert_eq!(status("host mx [192.0.2.1] said: 550 no"), None);
        assert_eq!(status("5.1.1.1 and 9.1.1 and 5.1"), None);
    }

    #[test]
    fn recipients_are_read_in_every_form_they_are_written_in() {
        let read = |value| typed_address(value).map(|a| a.to_string());
        assert_eq!(read("rfc822; hana@mail.example").as_deref(), Some("hana@mail.example"));
        assert_eq!(read("RFC822;<hana@mail.example>").as_deref(), Some("hana@mail.example"));
        assert_eq!(read("hana@mail.example").as_deref(), Some("hana@mail.example"));
        assert_eq!(read("utf-8; \\x{5C71}\\x{7530}@mail.example").as_deref(), Some("山田@mail.example"));
        assert_eq!(read("utf-8; \\x{D800}@mail.example"), None);
        assert_eq!(read("x-local; nobody"), None);
    }
}
