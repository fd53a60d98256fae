//! The SMTP envelope of one transaction (RFC 5321 2.3.1): who sends, to whom, and how the octets may travel.

use super::address::Address;

/// What one MAIL and its RCPT commands said.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Envelope {
    /// The return path; `None` is the null sender `<>` of reports.
    pub sender: Option<Address>,
    /// The recipients in the order of their RCPT commands, without repeats.
    pub recipients: Vec<Address>,
    /// The BODY parameter (RFC 6152).
    pub body: Body,
    /// Whether SMTPUTF8 was asked for (RFC 6531).
    pub smtputf8: bool,
    /// Whether REQUIRETLS was asked for: the mail may travel over verified TLS alone (RFC 8689).
    pub require_tls: bool,
    /// What the client asked of delivery reports; absent when it asked nothing.
    pub dsn: Option<Box<Dsn>>,
}

impl Envelope {
    /// What was asked of reports about the recipient of this number; nothing asked is the default.
    pub fn dsn_of(&self, recipient: usize) -> RecipientDsn {
        self.dsn.as_ref().and_then(|dsn| dsn.recipients.get(recipient)).cloned().unwrap_or_default()
    }
}

/// What a client asked of delivery reports (RFC 3461). Values are kept octet for octet, as they are passed on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Dsn {
    /// How much of the message a report brings back (RFC 3461 4.3).
    pub ret: Option<Ret>,
    /// The ENVID as it was written, in xtext (RFC 3461 4.4).
    pub envid: Option<Box<str>>,
    /// One for each recipient of the envelope, in its order.
    pub recipients: Vec<RecipientDsn>,
}

/// The RET parameter of MAIL.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ret {
    /// `FULL`: the whole message.
    Full,
    /// `HDRS`: its header alone.
    Headers,
}

/// What was asked for one recipient.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RecipientDsn {
    /// The NOTIFY as it was written (RFC 3461 4.1); absent means failures and delays.
    pub notify: Option<Box<str>>,
    /// The ORCPT as it was written, its address type included (RFC 3461 4.2).
    pub orcpt: Option<Box<str>>,
}

impl RecipientDsn {
    /// Whether the sender wants to hear that this recipient did not get the mail.
    pub fn wants_failure(&self) -> bool {
        self.notify.is_none() || self.names("FAILURE")
    }

    /// Whether the sender wants to hear that this recipient has to wait for the mail.
    pub fn wants_delay(&self) -> bool {
        self.notify.is_none() || self.names("DELAY")
    }

    /// Whether the sender wants to hear that this recipient got the mail; only who asks for it does.
    pub fn wants_success(&self) -> bool {
        self.names("SUCCESS")
    }

    fn names(&self, keyword: &str) -> bool {
        let named = |notify: &str| notify.split(',').any(|word| word.trim().eq_ignore_ascii_case(keyword));
        self.notify.as_deref().is_some_and(named)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_and_delays_are_told_unless_something_else_was_asked_and_success_when_it_was() {
        let check = |notify: Option<&str>, wanted: &str| {
            let asked = RecipientDsn { notify: notify.map(Into::into), ..RecipientDsn::default() };
            let letter = |wants, letter| if wants { letter } else { "-" };
            let failure = letter(asked.wants_failure(), "f");
            let all = [failure, letter(asked.wants_delay(), "d"), letter(asked.wants_success(), "s")].concat();
            assert_eq!(all, wanted, "{notify:?}");
        };
        check(None, "fd-");
        check(Some("NEVER"), "---");
        check(Some("FAILURE"), "f--");
        check(Some("DELAY"), "-d-");
        check(Some("SUCCESS"), "--s");
        check(Some("SUCCESS,failure,DELAY"), "fds");
    }
}
