//! The SMTP envelope of one transaction (RFC 5321 2.3.1): who sends, to whom, and how the octets may travel.

use super::address::Address;

/// What one MAIL and its RCPT commands said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope {
    /// The return path; `None` is the null sender `<>` of reports.
    pub sender: Option<Address>,
    /// The recipients in the order of their RCPT commands, without repeats.
    pub recipients: Vec<Address>,
    /// The BODY parameter (RFC 6152).
    pub body: Body,
    /// Whether SMTPUTF8 was asked for (RFC 6531).
    pub smtputf8: bool,
}

/// The BODY parameter of MAIL (RFC 6152 2).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Body {
    /// `7BIT`, or no parameter at all.
    #[default]
    SevenBit,
    /// `8BITMIME`.
    EightBitMime,
}
