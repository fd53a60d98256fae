//! What of a candidate's address the signals of fraud look at: keyed hashes of its parts, and a class. No address can
//! be read out of them, and without the company's key nobody can try one.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::canonical::canonical;
use super::domains::{DomainClass, class_of, owned_part};
use crate::mail::address::Address;

/// A keyed hash of a part of an address, cut to 128 bits: enough to tell the persons of one company apart.
pub type Mark = [u8; 16];

/// Letters that a local part needs for its shape to mean anything: numbers alone are how whole providers name
/// mailboxes.
const SHAPE_LETTERS_MIN: usize = 3;

/// Traits of the mail to one candidate.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Traits {
    /// Whose the candidate's domain is.
    pub class: DomainClass,
    /// The domain, where its owner may be anybody.
    pub domain: Option<Mark>,
    /// The mailbox without tags and dots, where that is another text than its canonical address.
    pub mailbox: Option<Mark>,
    /// The local part with its numbers masked, at its domain, where it has a number and enough letters.
    pub shape: Option<Mark>,
    /// Candidates to whom that mail offered the line.
    pub offered: u32,
}

impl Traits {
    /// Text form: `class.domain.mailbox.shape.offered`, hashes in hexadecimal, absent ones empty.
    pub fn to_text(&self) -> String {
        let hex = |mark: &Option<Mark>| mark.map_or_else(String::new, |mark| HEXLOWER.encode(&mark));
        let Self { class, domain, mailbox, shape, offered } = self;
        format!("{}.{}.{}.{}.{offered}", class.code(), hex(domain), hex(mailbox), hex(shape))
    }

    /// Reads what [`Self::to_text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('.');
        let class = DomainClass::parse(fields.next()?)?;
        let mut next = || mark(fields.next()?).ok();
        let (domain, mailbox, shape) = (next()?, next()?, next()?);
        let offered = fields.next()?.parse().ok()?;
        fields.next().is_none().then_some(Self { class, domain, mailbox, shape, offered })
    }
}

/// Nothing for an absent mark; an error for what is none.
fn mark(text: &str) -> Result<Option<Mark>, ()> {
    if text.is_empty() {
        return Ok(None);
    }
    let octets = HEXLOWER.decode(text.as_bytes()).map_err(|_| ())?;
    octets.try_into().map(Some).map_err(|_| ())
}

impl Serialize for Traits {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for Traits {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not the traits of a mail"))
    }
}

/// The parts of an address whose keyed hashes are traits, in clear: never kept.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Parts {
    pub class: DomainClass,
    pub domain: Option<String>,
    pub mailbox: Option<String>,
    pub shape: Option<String>,
}

/// Takes an address apart.
pub(super) fn parts(address: &Address) -> Parts {
    let (class, canonical) = (class_of(address), canonical(address));
    let (local, domain) = canonical.rsplit_once('@').unwrap_or((&canonical, ""));
    let plain = local.split_once('+').map_or(local, |(name, _)| name).replace('.', "");
    let plain = if plain.is_empty() { local.to_owned() } else { plain };
    let owner = address.domain().map_or(domain, owned_part);
    let mailbox = format!("{plain}@{domain}");
    let shape = (class != DomainClass::Student).then(|| shape_of(&plain)).flatten();
    Parts {
        class,
        domain: class.proves_nobody().then(|| owner.to_owned()),
        shape: shape.map(|shape| format!("{shape}@{}", if class.proves_nobody() { owner } else { domain })),
        mailbox: (mailbox != canonical).then_some(mailbox),
    }
}

/// A local part with each run of digits masked; nothing for one without digits, or with hardly a letter.
fn shape_of(local: &str) -> Option<String> {
    let letters = local.chars().filter(|c| c.is_alphabetic()).count();
    if letters < SHAPE_LETTERS_MIN || !local.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut shape = String::with_capacity(local.len());
    for c in local.chars() {
        let masked = if c.is_ascii_digit() { '#' } else { c };
        if masked != '#' || !shape.ends_with('#') {
            shape.push(masked);
        }
    }
    Some(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Class, and what is hashed as domain, mailbox and shape; `-` for nothing.
    fn check(address: &str, expected: &str) {
        let parts = parts(&Address::parse(address).unwrap_or_else(|e| panic!("{address}: {e}")));
        let or_none = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".to_owned());
        let Parts { class, domain, mailbox, shape } = &parts;
        let found = format!("{} {} {} {}", class.code(), or_none(domain), or_none(mailbox), or_none(shape));
        assert_eq!(found, expected, "{address}");
    }

    #[test]
    fn at_a_provider_nothing_is_kept_but_a_numbered_name() {
        check("Hana.Mori@gmail.com", "provider - - -");
        check("hana.mori+x@googlemail.com", "provider - - -");
        check("hana2001@gmail.com", "provider - - hana#@gmail.com");
        check("123456789@qq.com", "provider - - -");
        check("hana.mori@yahoo.co.jp", "provider - hanamori@yahoo.co.jp -");
        check("s2112345@g.kaede-u.ac.jp", "student - - -");
        check("mori2112345@g.kaede-u.ac.jp", "student - - -");
    }

    #[test]
    fn at_a_private_domain_its_owner_and_what_he_could_invent_are_marked() {
        check("hana@kaede.example", "private kaede.example - -");
        check("hana@a1.kaede.example", "private kaede.example - -");
        check("ha.na+7@kaede.example", "private kaede.example hana@kaede.example -");
        check("hana07@a1.kaede.example", "private kaede.example - hana#@kaede.example");
        check("a.b1c22@kaede.example", "private kaede.example ab1c22@kaede.example ab#c#@kaede.example");
        check("+x@kaede.example", "private kaede.example - -");
    }

    #[test]
    fn traits_survive_their_text_form() {
        let traits = Traits {
            class: DomainClass::Private,
            domain: Some([1; 16]),
            mailbox: None,
            shape: Some([255; 16]),
            offered: 12,
        };
        assert_eq!(Traits::parse(&traits.to_text()), Some(traits));
        let json = serde_json::to_string(&traits).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Traits>(&json).ok(), Some(traits));
        for other in ["", "private", "private....", "private.00...1", "own....1", "private....1.2", "private....-1"] {
            assert_eq!(Traits::parse(other), None, "{other}");
        }
    }
}
