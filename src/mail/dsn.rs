//! Writing delivery reports: the bounce that tells a sender, in Japanese and English, who did not get the mail.
//!
//! The form is RFC 3464 in the wrapping of RFC 6522. Every octet written is ours, parsed before, or made harmless here,
//! so neither an address nor the words of a next hop can add a header or a part.

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
    /// Who did not get it, at least one.
    pub failures: &'a [Failure<'a>],
    /// The mail as it came in.
    pub original: &'a [u8],
    /// Whether its header alone goes back, whatever its size (RFC 3461 4.3).
    pub header_only: bool,
    /// The ENVID it came with, as it was written (RFC 3461 4.4).
    pub envid: Option<&'a str>,
}

/// What became of one recipient.
#[derive(Clone, Debug)]
pub struct Failure<'a> {
    /// The recipient of the mail.
    pub recipient: &'a Address,
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
    /// When it was tried last.
    pub last_attempt: Timestamp,
}

/// A report ready to send from the null sender.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Written {
    /// The message, lines ended by CR LF.
    pub octets: Vec<u8>,
    /// Whether it holds octets over 127, so that MAIL wants BODY=8BITMIME (RFC 6152).
    pub eight_bit: bool,
}

/// Writes the report.
pub fn write(report: &Report<'_>) -> Written {
    let returned = Returned::of(report.original, report.header_only);
    let eight_bit = report.to.needs_smtputf8() || !returned.octets.is_ascii();
    let boundary = boundary(report.unique, returned.octets);
    let mut out = Vec::with_capacity(returned.octets.len() + 4096);
    out.extend_from_slice(header(report, &boundary, eight_bit).as_bytes());
    out.extend_from_slice(notice_part(report, &boundary).as_bytes());
    out.extend_from_slice(status_part(report, &boundary).as_bytes());
    let encoding = if eight_bit { "8bit" } else { "7bit" };
    let head = format!(
        "\r\n--{boundary}\r\nContent-Type: {}\r\nContent-Description: Undelivered mail\r\n\
         Content-Transfer-Encoding: {encoding}\r\n\r\n",
        returned.media
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(returned.octets);
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Written { octets: out, eight_bit }
}

/// How much of the original goes back, and under which name.
struct Returned<'a> {
    media: &'static str,
    octets: &'a [u8],
}

impl<'a> Returned<'a> {
    fn of(original: &'a [u8], header_only: bool) -> Self {
        if original.len() <= WHOLE_ORIGINAL_OCTETS_MAX && !header_only {
            return Self { media: "message/rfc822", octets: original };
        }
        let end = memchr::memmem::find(original, b"\r\n\r\n").map_or(original.len(), |at| at + 2);
        Self { media: "text/rfc822-headers", octets: cut_at_line(&original[..end]) }
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

fn header(report: &Report<'_>, boundary: &str, eight_bit: bool) -> String {
    let mta = report.reporting_mta;
    let subject = encoded_word("メールを配信できませんでした");
    let encoding = if eight_bit { "8bit" } else { "7bit" };
    format!(
        "Date: {date}\r\nFrom: Mail Delivery System <MAILER-DAEMON@{mta}>\r\nTo: <{to}>\r\n\
         Subject: {subject}\r\n (Undelivered mail returned to sender)\r\nMessage-ID: <{unique}@{mta}>\r\n\
         Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{boundary}\"\r\n\
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
fn notice_part(report: &Report<'_>, boundary: &str) -> String {
    let text = notice_text(report);
    let encoded = data_encoding::BASE64_MIME.encode(text.as_bytes());
    format!(
        "--{boundary}\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Description: Notification\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{encoded}"
    )
}

fn notice_text(report: &Report<'_>) -> String {
    let mta = report.reporting_mta;
    let mut text = format!(
        "{mta} のメール中継システムからのお知らせです。\r\n\r\n\
         お送りになったメールを、次の宛先に配信できませんでした。再送は行いません。\r\n\
         宛先をご確認のうえ、必要な場合は改めてお送りください。元のメールを添付します。\r\n\r\n\
         This is the mail relay at {mta}.\r\n\r\n\
         Your message could not be delivered to the recipients below, and it will not be tried again.\r\n\
         Please check the address and send it again if need be. The original is attached.\r\n"
    );
    for failure in report.failures {
        let said = match (failure.smtp, failure.remote_mta) {
            (true, Some(host)) => format!("{} の応答 / reply of {}", harmless(host), harmless(host)),
            _ => "理由 / reason".to_owned(),
        };
        let reason = harmless(failure.diagnostic);
        let _ = write!(text, "\r\n<{}>\r\n  {said}:\r\n  {reason}\r\n", failure.recipient);
    }
    text
}

/// The part machines read (RFC 3464 2).
fn status_part(report: &Report<'_>, boundary: &str) -> String {
    let mut part = format!(
        "\r\n--{boundary}\r\nContent-Type: message/delivery-status\r\nContent-Description: Delivery report\r\n\
         Content-Transfer-Encoding: 7bit\r\n\r\n{}Reporting-MTA: dns; {}\r\nArrival-Date: {}\r\n",
        report.envid.map_or_else(String::new, |envid| folded(&format!("Original-Envelope-Id: {}", plain(envid)))),
        report.reporting_mta,
        date(report.arrived)
    );
    for failure in report.failures {
        part.push_str("\r\n");
        if let Some((kind, address)) = failure.orcpt.and_then(|orcpt| orcpt.split_once(';')) {
            // A UTF-8 address has an encoding of its own, which goes back as it is (RFC 6533 3).
            let address = if kind.eq_ignore_ascii_case("utf-8") { ascii(&harmless(address)) } else { plain(address) };
            part.push_str(&folded(&format!("Original-Recipient: {}; {address}", ascii(&harmless(kind)))));
        }
        let _ = write!(part, "Final-Recipient: {}\r\nAction: failed\r\n", typed_address(failure.recipient));
        let _ = write!(part, "Status: {}\r\n", status_of(failure.status));
        if let Some(host) = failure.remote_mta {
            let _ = write!(part, "Remote-MTA: dns; {}\r\n", ascii(&harmless(host)));
        }
        let kind = if failure.smtp { "smtp" } else { "X-Career-Relay" };
        part.push_str(&folded(&format!("Diagnostic-Code: {kind}; {}", ascii(&harmless(failure.diagnostic)))));
        let _ = write!(part, "Last-Attempt-Date: {}\r\n", date(failure.last_attempt));
    }
    part
}

/// RFC 3464 2.1.2, and for addresses beyond ASCII the `utf-8-addr-xtext` form of RFC 6533 3.
fn typed_address(address: &Address) -> String {
    if !address.needs_smtputf8() {
        return format!("rfc822; {address}");
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

/// A status as RFC 3463 writes it; anything else becomes the general `5.0.0`.
fn status_of(status: &str) -> &str {
    let mut numbers = status.split('.');
    let class = matches!(numbers.next(), Some("4" | "5"));
    let digits =
        |n: Option<&str>| n.is_some_and(|n| (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()));
    let rest = digits(numbers.next()) && digits(numbers.next()) && numbers.next().is_none();
    if class && rest { status } else { "5.0.0" }
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
    for word in field.split_ascii_whitespace().flat_map(|w| w.as_bytes().chunks(LINE_OCTETS * 8)) {
        let word = String::from_utf8_lossy(word);
        if column > 0 && column + 1 + word.len() > LINE_OCTETS {
            out.push_str("\r\n ");
            column = 1;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(&word);
        column += word.len();
    }
    out.push_str("\r\n");
    out
}

#[cfg(test)]
mod tests;
