//! Mail addresses, parsed once by a closed grammar and written from the parse.
//!
//! The grammar is wider than RFC 5321 4.1.2 in one place: local parts with leading, trailing or doubled dots are taken,
//! because Japanese carriers have handed them out (`foo..bar@docomo.ne.jp`). Everything that could break out of a
//! command, a header or a log line (controls, blanks, angle brackets) is refused, so no later writer has to escape.

use std::fmt;

/// Longest local part, in octets (RFC 5321 4.5.3.1.1).
pub const LOCAL_PART_OCTETS_MAX: usize = 64;
/// Longest domain, in octets (RFC 5321 4.5.3.1.2).
pub const DOMAIN_OCTETS_MAX: usize = 255;

/// A domain name in lower case and A-label form (RFC 5890), or an address literal such as `[192.0.2.1]`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Domain(Box<str>);

impl Domain {
    /// Parses and normalises a domain.
    ///
    /// # Errors
    /// [`AddressFault::Domain`] when it is neither a host name nor an address literal.
    pub fn parse(text: &str) -> Result<Self, AddressFault> {
        if text.is_empty() || text.len() > DOMAIN_OCTETS_MAX {
            return Err(AddressFault::Domain);
        }
        if text.starts_with('[') {
            return is_literal(text).then(|| Self(text.to_ascii_lowercase().into())).ok_or(AddressFault::Domain);
        }
        let ascii = if text.is_ascii() {
            text.to_ascii_lowercase()
        } else {
            idna::domain_to_ascii(text).map_err(|_| AddressFault::Domain)?
        };
        is_host_name(&ascii).then(|| Self(ascii.into())).ok_or(AddressFault::Domain)
    }

    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `other` or lies below it (`hr.example.jp` is within `example.jp`).
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.strip_suffix(&*other.0).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address as it came (octets kept for the wire) together with its normalised domain.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Address {
    text: Box<str>,
    local_octets: usize,
    domain: Option<Domain>,
}

impl Address {
    /// Parses `local@domain`, or the bare `postmaster` of RFC 5321 4.1.1.3.
    ///
    /// # Errors
    /// What part of it is not an address.
    pub fn parse(text: &str) -> Result<Self, AddressFault> {
        if text.eq_ignore_ascii_case("postmaster") {
            return Ok(Self { text: text.into(), local_octets: text.len(), domain: None });
        }
        let at = text.rfind('@').ok_or(AddressFault::NoDomain)?;
        check_local_part(&text[..at])?;
        let domain = Domain::parse(&text[at + 1..])?;
        Ok(Self { text: text.into(), local_octets: at, domain: Some(domain) })
    }

    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The local part as it was written, quotes included.
    pub fn local_part(&self) -> &str {
        &self.text[..self.local_octets]
    }

    /// The normalised domain; absent for the bare `postmaster`.
    pub fn domain(&self) -> Option<&Domain> {
        self.domain.as_ref()
    }

    /// Whether writing it to the wire needs SMTPUTF8 (RFC 6531).
    pub fn needs_smtputf8(&self) -> bool {
        !self.text.is_ascii()
    }

    /// Whether the domain is written as the wire wants it: as A-labels, or as the very U-labels they stand for
    /// (RFC 6531 3.3). One that only becomes a domain by mapping (full-width letters, an ideographic full stop,
    /// characters that are left out) is read differently by others.
    pub fn has_plain_domain(&self) -> bool {
        let Some(domain) = self.domain.as_ref() else { return true };
        let written = &self.text[self.local_octets + 1..];
        written.is_ascii() || idna::domain_to_unicode(domain.as_str()).0 == written.to_ascii_lowercase()
    }

    /// Whether both name the same mailbox: domains compared normalised, local parts without regard to ASCII case.
    pub fn is_same_mailbox(&self, other: &Self) -> bool {
        self.domain == other.domain && self.local_part().eq_ignore_ascii_case(other.local_part())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is not an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AddressFault {
    /// No `@` in it.
    #[error("no domain")]
    NoDomain,
    /// The local part is empty, too long, or has characters that cannot stand there.
    #[error("malformed local part")]
    LocalPart,
    /// The domain is empty, too long, or not a host name.
    #[error("malformed domain")]
    Domain,
}

fn check_local_part(local: &str) -> Result<(), AddressFault> {
    if local.is_empty() || local.len() > LOCAL_PART_OCTETS_MAX {
        return Err(AddressFault::LocalPart);
    }
    let fine = match local.strip_prefix('"') {
        Some(rest) => is_quoted_rest(rest),
        None => local.chars().all(is_atom_or_dot),
    };
    fine.then_some(()).ok_or(AddressFault::LocalPart)
}

/// RFC 5321 `atext`, the dot, and anything outside ASCII that is not a control or a blank (RFC 6531 3.3).
fn is_atom_or_dot(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~.".contains(c)
        || (!c.is_ascii() && !c.is_control() && !c.is_whitespace() && !is_bidi_or_format(c))
}

/// What stands behind the opening quote: printable ASCII with `\` pairs, and the closing quote at the very end.
fn is_quoted_rest(rest: &str) -> bool {
    let mut chars = rest.chars();
    loop {
        match chars.next() {
            Some('"') => return chars.next().is_none(),
            Some('\\') if !matches!(chars.next(), Some(' '..='~')) => return false,
            Some('\\' | ' '..='~') => {}
            Some(c) if !c.is_ascii() && !c.is_control() && !is_bidi_or_format(c) => {}
            _ => return false,
        }
    }
}

/// Characters that reorder or hide text; they have no place in a mailbox name.
fn is_bidi_or_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn is_host_name(ascii: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    ascii.split('.').all(label)
}

fn is_literal(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    inner.is_some_and(|t| match t.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => t[5..].parse::<std::net::Ipv6Addr>().is_ok(),
        _ => t.parse::<std::net::Ipv4Addr>().is_ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, fault: Option<AddressFault>) {
        assert_eq!(Address::parse(text).err(), fault, "{text:?}");
    }

    #[test]
    fn forms_that_exist_in_japan_are_taken_and_kept() {
        for text in
            ["foo..bar@docomo.ne.jp", "foo.@ezweb.ne.jp", ".a@softbank.ne.jp", "\"a b\"@example.jp", "Postmaster"]
        {
            assert_eq!(Address::parse(text).map(|a| a.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn domains_are_compared_in_lower_case_a_label_form() {
        let domain = |t| Domain::parse(t).map(|d| d.to_string());
        assert_eq!(domain("EXAMPLE.Jp"), Ok("example.jp".to_owned()));
        assert_eq!(domain("日本語.example"), Ok("xn--wgv71a119e.example".to_owned()));
    }

    #[test]
    fn domains_that_only_look_like_one_are_known_for_it() {
        let check = |text: &str, plain| {
            let address = Address::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(address.has_plain_domain(), plain, "{text:?}");
        };
        for text in ["a@MAIL.example", "a@xn--wgv71a119e.example", "a@日本語.EXAMPLE", "a@bücher.example", "Postmaster"]
        {
            check(text, true);
        }
        check("a@m\u{430}il.example", true);
        for text in
            ["a@ｍail.example", "a@mail。example", "a@ma\u{ad}il.example", "a@\u{212a}.example", "a@BÜCHER.example"]
        {
            check(text, false);
        }
    }

    #[test]
    fn a_sub_domain_is_within_and_a_longer_name_is_not() {
        let domain = |t| Domain::parse(t).unwrap_or_else(|e| panic!("{t}: {e}"));
        assert!(domain("hr.example.jp").is_within(&domain("example.jp")));
        assert!(!domain("badexample.jp").is_within(&domain("example.jp")));
    }

    #[test]
    fn whatever_could_break_out_of_a_command_is_refused() {
        check("a b@example.jp", Some(AddressFault::LocalPart));
        check("a\r\nRCPT@example.jp", Some(AddressFault::LocalPart));
        check("a>@example.jp", Some(AddressFault::LocalPart));
        check("\"a\"b@example.jp", Some(AddressFault::LocalPart));
        check("a@exa mple.jp", Some(AddressFault::Domain));
        check("a@-example.jp", Some(AddressFault::Domain));
        check("a@[127.0.0.1", Some(AddressFault::Domain));
        check("a@", Some(AddressFault::Domain));
        check("@example.jp", Some(AddressFault::LocalPart));
        check("nobody", Some(AddressFault::NoDomain));
    }
}
