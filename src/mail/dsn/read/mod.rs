//! Reading what comes back for a mail that was accepted: bounces, delay warnings, receipts, auto-replies, complaints.
//!
//! A report proves nothing by itself: anybody can write one. Whoever reads it here must know from elsewhere (a return
//! path of ours) which mail it is about, and takes from it the verdict alone. When in doubt it is not a bounce.

mod answers;
mod fields;
mod names;
mod notices;

use super::super::address::Address;
use super::super::message::{Message, Part};
use super::super::view::View;
use fields::{Action, Group};
pub use names::{Names, names};

/// A report of more octets is read up to here; what matters stands at its front.
const OCTETS_MAX: usize = 512 * 1024;
/// Addresses kept of one report.
const RECIPIENTS_MAX: usize = 20;

/// What a mail that came back says about the mail it came back for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It was not delivered and will not be: a bounce.
    Failed,
    /// It is late and still being tried.
    Delayed,
    /// It was delivered, or relayed or expanded to where no more reports come from.
    Delivered,
    /// A program answered for the recipient: a vacation notice, a receipt, a challenge.
    AutoReply,
    /// The recipient, or his provider for him, complains of it.
    Complaint,
    /// Anything else: a person's answer, advertisement, a report about a report.
    NotAReport,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Failed, Self::Delayed, Self::Delivered, Self::AutoReply, Self::Complaint, Self::NotAReport];

    /// Reads a code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.code() == code)
    }

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::AutoReply => "auto_reply",
            Self::Complaint => "complaint",
            Self::NotAReport => "not_a_report",
        }
    }
}

/// An enhanced status code (RFC 3463): class, subject, detail.
pub type Status = (u8, u16, u16);

/// What was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reading {
    /// What it says.
    pub verdict: Verdict,
    /// By which form it was known, a stable code.
    pub form: &'static str,
    /// The status of the first recipient it speaks of, when it gives one.
    pub status: Option<Status>,
    /// The recipients it names. They are evidence to be kept hashed, and never say which mail it is about.
    pub recipients: Vec<Address>,
}

impl Reading {
    fn of(verdict: Verdict, form: &'static str) -> Self {
        Self { verdict, form, status: None, recipients: Vec::new() }
    }
}

/// Reads a mail that came back. Takes any octets, in linear time.
pub fn read(raw: &[u8]) -> Reading {
    let message = Message::read(&raw[..raw.len().min(OCTETS_MAX)]);
    if answers::is_complaint(&message) {
        return Reading::of(Verdict::Complaint, "feedback");
    }
    if answers::is_disposition(&message) {
        return Reading::of(Verdict::AutoReply, "disposition");
    }
    let daemon = notices::is_from_daemon(&message);
    if (daemon || is_report(&message))
        && let Some(reading) = read_status(&message)
    {
        return unless_about_report(&message, reading);
    }
    if (daemon || is_report(&message)) && !answers::is_vacation(&message) {
        let texts = texts(&message);
        if let Some(reading) = notices::read(&message, &texts) {
            return unless_about_report(&message, reading);
        }
    }
    let answered = answers::is_vacation(&message) || answers::is_automatic(&message);
    if answered { Reading::of(Verdict::AutoReply, "answer") } else { Reading::of(Verdict::NotAReport, "none") }
}

/// Whether the whole of it is a delivery report (RFC 6522).
fn is_report(message: &Message<'_>) -> bool {
    let of_delivery = |part: &Part| {
        let kind = part.parameter("report-type");
        part.media == "multipart/report" && kind.is_none_or(|kind| kind.eq_ignore_ascii_case("delivery-status"))
    };
    // A gateway on the way may have wrapped it to put its own words below.
    message.parts().iter().take(2).any(of_delivery)
}

/// What the part for machines says (RFC 3464, RFC 6533).
fn read_status(message: &Message<'_>) -> Option<Reading> {
    let is_status =
        |part: &&Part| matches!(part.media.as_str(), "message/delivery-status" | "message/global-delivery-status");
    let part = message.parts().iter().find(is_status)?;
    let groups = fields::read(part, message.raw());
    let has = |action| groups.iter().any(|group| group.action == Some(action));
    let verdict = match () {
        () if has(Action::Delivered) => Verdict::Delivered,
        () if has(Action::Delayed) => Verdict::Delayed,
        () if has(Action::Failed) => Verdict::Failed,
        () => return None,
    };
    let recipients = groups.iter().flat_map(|group| group.recipients.iter().cloned()).take(RECIPIENTS_MAX).collect();
    Some(Reading { verdict, form: "rfc3464", status: groups.iter().find_map(|g: &Group| g.status), recipients })
}

/// A report about a report that could not be delivered says nothing of our mail.
fn unless_about_report(message: &Message<'_>, reading: Reading) -> Reading {
    let returned = message.parts().iter().find(|p| {
        matches!(
            p.media.as_str(),
            "message/rfc822" | "message/global" | "text/rfc822-headers" | "message/global-headers"
        )
    });
    let about_report = returned.is_some_and(|part| {
        let inner = Message::read(message.raw().get(part.body.clone()).unwrap_or_default());
        inner.parts().first().is_some_and(|root| root.media == "multipart/report") || notices::is_from_daemon(&inner)
    });
    if about_report {
        Reading { verdict: Verdict::NotAReport, form: "report_about_report", ..reading }
    } else {
        reading
    }
}

/// What people read in it, one text for each part, from the top; returned mails are not looked into.
fn texts(message: &Message<'_>) -> Vec<Vec<String>> {
    let view = View::read(message);
    let read = view.parts.iter().map(|part| {
        let lines = (0..part.lines.len()).map(|i| part.line(i).to_owned());
        (part.part, lines.collect::<Vec<_>>())
    });
    // What cannot be decoded for certain is still good enough to find ASCII words in.
    let unread = view.unread.iter().filter_map(|unread| {
        let body = message.raw().get(message.parts().get(unread.part)?.body.clone())?;
        Some((unread.part, String::from_utf8_lossy(body).lines().map(str::to_owned).collect()))
    });
    let mut all: Vec<(usize, Vec<String>)> = read.chain(unread).collect();
    all.sort_by_key(|(part, _)| *part);
    all.into_iter().map(|(_, lines)| lines).collect()
}

#[cfg(test)]
mod tests;
