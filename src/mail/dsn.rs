//! Writing delivery reports: they tell a sender, in Japanese and English, who did not get the mail, has not got it yet,
//! or has.
//!
//! The form is RFC 3464 in the wrapping of RFC 6522, and that of RFC 6533 for mails that came with SMTPUTF8. Every
//! octet written is ours, parsed before, or made harmless here, so neither an address nor the words of a next hop can
//! add a header or a part.

mod words;

pub mod read;

use super::address::Address;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use std::fmt::Write as _;

/// An original of up to this many octets is returned whole; of a longer one only its header.
pub const WHOLE_ORIGINAL_OCTETS_MAX: usize = 64 * 1024;
/// Of a longer header the report holds this much, up to a line end.
const HEADER_OCTETS_MAX: usize = 128 * 1024;
/// Words of a next hop are cut here.
const DIAGNOSTIC_CHARS_MAX: usize = 600;
/// Longest line written where the text is ours to fold (RFC 5322 2.1.1).
const LINE_OCTETS: usize = 76;

/// One report about one mail.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// Who gets it: the return path of the mail.
    pub to: &'a Address,
    /// The host name of this relay, already valid as such.
    pub reporting_mta: &'a str,
    /// A name unique to this report: `<unique@reporting_mta>` is its Message-ID. Letters, digits, dots and dashes.
    pub unique: &'a str,
    /// When the report is written.
    pub now: Timestamp,
    /// When the mail was taken into custody.
    pub arrived: Timestamp,
    /// What became of whom, at least one. Failures, delays and successes each have a report of their own.
    pub fates: &'a [Fate<'a>],
    /// The mail as it came in.
    pub original: &'a [u8],
    /// Whether its header alone goes back, whatever its size (RFC 3461 4.3). More than that never goes back with a
    /// report of delay or success.
    pub header_only: bool,
    /// Whether the mail came with SMTPUTF8, so that its sender takes reports in UTF-8 (RFC 6533).
    pub smtputf8: bool,
    /// The ENVID it came with, as it was written (RFC 3461 4.4).
    pub envid: Option<&'a str>,
}

/// What a report says was done (RFC 3464 2.3.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// It will never arrive.
    Failed,
    /// Not yet; it is tried again.
    Delayed,
    /// It lies in the recipient's mailbox.
    Delivered,
    /// It went on to a server that reports no success, so that nothing more will be heard.
    Relayed,
    /// It went on to the several addresses behind this one.
    Expanded,
}

impl Action {
    /// Its keyword.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }

    /// The class of its status (RFC 3463 3.1); a mail given up for its age alone failed with a 4.
    fn classes(self) -> &'static [&'static str] {
        match self {
            Self::Failed => &["5", "4"],
            Self::Delayed => &["4"],
            Self::Delivered | Self::Relayed | Self::Expanded => &["2"],
        }
    }
}

/// What became of one recipient.
#[derive(Clone, Debug)]
pub struct Fate<'a> {
    /// The recipient of the mail.
    pub recipient: &'a Address,
    /// What was done.
    pub action: Action,
    /// The ORCPT it came with, as it was written (RFC 3461 4.2).
    pub orcpt: Option<&'a str>,
    /// Enhanced status code (RFC 3463), as `5.1.1`.
    pub status: &'a str,
    /// The last words of the next hop, or ours.
    pub diagnostic: &'a str,
    /// Whether the words are a next hop's SMTP reply.
    pub smtp: bool,
    /// The next hop that said so.
    pub remote_mta: Option<&'a str>,
    /// When it was tried last, if it was.
    pub last_attempt: Option<Timestamp>,
    /// Until when it is tried again, for a delay (RFC 3464 2.3.9).
    pub retried_until: Option<Timestamp>,
}

/// A report ready to send from the null sender.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Written {
    /// The message, lines ended by CR LF.
    pub octets: Vec<u8>,
    /// Whether it holds octets over 127, so that MAIL wants BODY=8BITMIME (RFC 6152).
    pub eight_bit: bool,
    /// Whether it is in the form of RFC 6533, so that MAIL wants SMTPUTF8.
    pub smtputf8: bool,
}

/// Writes the report.
pub fn write(report: &Report<'_>) -> Written {
    let utf8 = report.smtputf8 || report.to.needs_smtputf8();
    let failed = report.fates.iter().any(|fate| fate.action == Action::Failed);
    let returned = Returned::of(report.original, report.header_only || !failed, utf8);
    let eight_bit = utf8 || !returned.octets.is_ascii();
    let encoding = if eight_bit { "8bit" } else { "7bit" };
    let form = Form { boundary: boundary(report.unique, returned.octets), utf8, encoding };
    let mut out = Vec::with_capacity(returned.octets.len() + 4096);
    out.extend_from_slice(header(report, &form).as_bytes());
    out.extend_from_slice(notice_part(report, &form).as_bytes());
    out.extend_from_slice(status_part(report, &form).as_bytes());
    let boundary = &form.boundary;
    let head = format!(
        "\r\n--{boundary}\r\nContent-Type: {}\r\nContent-Description: {}\r\n\
         Content-Transfer-Encoding: {encoding}\r\n\r\n",
        returned.media,
        if failed { "Undelivered mail" } else { "Header of the mail" }
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(returned.octets);
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Written { octets: out, eight_bit, smtputf8: utf8 }
}

/// What all parts of a report share.
struct Form {
    boundary: String,
    /// Whether it is in the form of RFC 6533.
    utf8: bool,
    /// The encoding of what may hold octets over 127.
    encoding: &'static str,
}

/// How much of the original goes back, and under which name.
struct Returned<'a> {
    media: &'static str,
    octets: &'a [u8],
}

impl<'a> Returned<'a> {
    fn of(original: &'a [u8], header_only: bool, utf8: bool) -> Self {
        if original.len() <= WHOLE_ORIGINAL_OCTETS_MAX && !header_only {
            return Self { media: if utf8 { "message/global" } else { "message/rfc822" }, octets: original };
        }
        let end = memchr::memmem::find(original, b"\r\n\r\n").map_or(original.len(), |at| at + 2);
        let media = if utf8 { "message/global-headers" } else { "text/rfc822-headers" };
        Self { media, octets: cut_at_line(&original[..end]) }
    }
}

fn cut_at_line(header: &[u8]) -> &[u8] {
    if header.len() <= HEADER_OCTETS_MAX {
        return header;
    }
    let end = memchr::memmem::rfind(&header[..HEADER_OCTETS_MAX], b"\r\n").map_or(0, |at| at + 2);
    &header[..end]
}

/// A boundary that does not stand in what is returned: `=_` and a number make it unlike any base64 or header line.
fn boundary(unique: &str, returned: &[u8]) -> String {
    let mut number = 0u32;
    loop {
        let boundary = format!("=_{}_{number}", plain_name(unique));
        if memchr::memmem::find(returned, boundary.as_bytes()).is_none() {
            return boundary;
        }
        number += 1;
    }
}

/// Letters, digits, dots and dashes of `name`, at most forty.
fn plain_name(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || ".-".contains(*c)).take(40).collect()
}

fn header(report: &Report<'_>, form: &Form) -> String {
    let mta = report.reporting_mta;
    let (japanese, english) = words::subject(report);
    let subject = encoded_word(japanese);
    let Form { boundary, utf8, encoding } = form;
    let kind = if *utf8 { "global-delivery-status" } else { "delivery-status" };
    format!(
        "Date: {date}\r\nFrom: Mail Delivery System <MAILER-DAEMON@{mta}>\r\nTo: <{to}>\r\n\
         Subject: {subject}\r\n ({english})\r\nMessage-ID: <{unique}@{mta}>\r\n\
         Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type={kind};\r\n\tboundary=\"{boundary}\"\r\n\
         Content-Transfer-Encoding: {encoding}\r\n\r\nThis is a MIME-encapsulated message.\r\n\r\n",
        date = date(report.now),
        to = report.to,
        unique = plain_name(report.unique),
    )
}

fn encoded_word(text: &str) -> String {
    format!("=?UTF-8?B?{}?=", data_encoding::BASE64.encode(text.as_bytes()))
}

/// RFC 5322 3.3, in UTC. A time outside the years of the format is written as the start of the Unix epoch.
fn date(at: Timestamp) -> String {
    let printer = DateTimePrinter::new();
    printer.timestamp_to_rfc9110_string(&at).map_or_else(|_| EPOCH.to_owned(), |text| text.replace("GMT", "+0000"))
}

const EPOCH: &str = "Thu, 01 Jan 1970 00:00:00 +0000";

/// The part people read.
fn notice_part(report: &Report<'_>, form: &Form) -> String {
    let encoded = data_encoding::BASE64_MIME.encode(words::notice(report).as_bytes());
    format!(
        "--{}\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Description: Notification\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{encoded}",
        form.boundary
    )
}

/// The part machines read (RFC 3464 2).
fn status_part(report: &Report<'_>, form: &Form) -> String {
    let (media, encoding) =
        if form.utf8 { ("message/global-delivery-status", "8bit") } else { ("message/delivery-status", "7bit") };
    let mut part = format!(
        "\r\n--{}\r\nContent-Type: {media}\r\nContent-Description: Delivery report\r\n\
         Content-Transfer-Encoding: {encoding}\r\n\r\n{}Reporting-MTA: dns; {}\r\nArrival-Date: {}\r\n",
        form.boundary,
        report.envid.map_or_else(String::new, |envid| folded(&format!("Original-Envelope-Id: {}", plain(envid)))),
        report.reporting_mta,
        date(report.arrived)
    );
    for fate in report.fates {
        part.push_str(&fields_of(fate, form));
    }
    part
}

/// The fields of one recipient (RFC 3464 2.3).
fn fields_of(fate: &Fate<'_>, form: &Form) -> String {
    let clean = |words: &str| if form.utf8 { harmless(words) } else { ascii(&harmless(words)) };
    let mut part = String::from("\r\n");
    if let Some((kind, address)) = fate.orcpt.and_then(|orcpt| orcpt.split_once(';')) {
        // A UTF-8 address has an encoding of its own, which goes back as it is (RFC 6533 3).
        let address = if kind.eq_ignore_ascii_case("utf-8") { clean(address) } else { plain(address) };
        part.push_str(&folded(&format!("Original-Recipient: {}; {address}", ascii(&harmless(kind)))));
    }
    let _ = write!(part, "Final-Recipient: {}\r\n", typed_address(fate.recipient, form.utf8));
    let _ = write!(part, "Action: {}\r\nStatus: {}\r\n", fate.action.keyword(), status_of(fate));
    if let Some(host) = fate.remote_mta {
        let _ = write!(part, "Remote-MTA: dns; {}\r\n", ascii(&harmless(host)));
    }
    if !fate.diagnostic.is_empty() {
        let kind = if fate.smtp { "smtp" } else { "X-Career-Relay" };
        part.push_str(&folded(&format!("Diagnostic-Code: {kind}; {}", clean(fate.diagnostic))));
    }
    if let Some(at) = fate.last_attempt {
        let _ = write!(part, "Last-Attempt-Date: {}\r\n", date(at));
    }
    if let Some(at) = fate.retried_until {
        let _ = write!(part, "Will-Retry-Until: {}\r\n", date(at));
    }
    part
}

/// RFC 3464 2.1.2, and for addresses beyond ASCII as RFC 6533 3 has it: as they are in a report in UTF-8, in the
/// `utf-8-addr-xtext` form in any other.
fn typed_address(address: &Address, utf8: bool) -> String {
    if !address.needs_smtputf8() {
        return format!("rfc822; {address}");
    }
    if utf8 {
        return format!("utf-8; {address}");
    }
    let mut text = String::from("utf-8; ");
    for c in address.as_str().chars() {
        if matches!(c, '!'..='~') && !"+=\\".contains(c) {
            text.push(c);
        } else {
            let _ = write!(text, "\\x{{{:X}}}", u32::from(c));
        }
    }
    text
}

/// A status as RFC 3463 writes it and of a class that fits the action; anything else becomes the general one of its
/// class.
fn status_of(fate: &Fate<'_>) -> String {
    let classes = fate.action.classes();
    let mut numbers = fate.status.split('.');
    let class = numbers.next().is_some_and(|class| classes.contains(&class));
    let digits =
        |n: Option<&str>| n.is_some_and(|n| (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()));
    let rest = digits(numbers.next()) && digits(numbers.next()) && numbers.next().is_none();
    if class && rest { fate.status.to_owned() } else { format!("{}.0.0", classes[0]) }
}

/// Foreign words on one line: controls become blanks, and there is an end to them.
fn harmless(words: &str) -> String {
    let line: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(DIAGNOSTIC_CHARS_MAX).collect();
    line.trim().to_owned()
}

/// What an xtext says (RFC 3461 4), or the xtext itself where it says anything that no field can hold.
fn plain(xtext: &str) -> String {
    let mut text = String::with_capacity(xtext.len());
    let mut rest = xtext;
    while let Some((before, behind)) = rest.split_once('+') {
        text.push_str(before);
        let octet = behind.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let Some(octet) = octet.filter(|octet| matches!(octet, b' '..=b'~')) else { return ascii(&harmless(xtext)) };
        text.push(char::from(octet));
        rest = &behind[2..];
    }
    text.push_str(rest);
    ascii(&harmless(&text))
}

fn ascii(words: &str) -> String {
    words.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
}

/// A field folded at blanks (RFC 5322 2.2.3), ended by CR LF. A single word longer than a line is broken by force, so
/// that no line grows over 998 octets.
fn folded(field: &str) -> String {
    let mut out = String::with_capacity(field.len() + 8);
    let mut column = 0;
    for word in field.split_ascii_whitespace().flat_map(pieces) {
        if column > 0 && column + 1 + word.len() > LINE_OCTETS {
            out.push_str("\r\n ");
            column = 1;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out.push_str("\r\n");
    out
}

fn pieces(mut word: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (piece, rest) = word.split_at(word.floor_char_boundary(LINE_OCTETS * 8));
        word = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests;
