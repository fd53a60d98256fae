//! Whose mail domain it is: a provider's, a carrier's, a school's, a throw-away one, or anybody's own.
//!
//! The lists are of public knowledge (`config/rules`), and not whole: a provider that is not listed is taken for a
//! private domain, and the rules that look at private domains leave room for that (`ledger::signals::bounds`). Nothing
//! is counted, written or held back by a class.

use super::carrier::CARRIERS;
use super::exclusion::{is_below, is_disposable_domain, is_listed_above};
use crate::mail::address::{Address, Domain};

/// Whose domain it is. The numbers are stored: they never change.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum DomainClass {
    /// A provider gives mailboxes there to anybody.
    Provider = 1,
    /// A mobile carrier does to its customers.
    Carrier = 2,
    /// A school does to its students.
    Student = 3,
    /// None of the others: whoever owns the domain makes as many mailboxes as he likes.
    Private = 4,
    /// Mailboxes there are made to be thrown away.
    Disposable = 5,
}

impl DomainClass {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Provider, Self::Carrier, Self::Student, Self::Private, Self::Disposable];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Carrier => "carrier",
            Self::Student => "student",
            Self::Private => "private",
            Self::Disposable => "disposable",
        }
    }

    /// Reads a code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.code() == code)
    }

    /// The stored number.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Reads a stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.number() == number)
    }

    /// Whether whoever sends the mail may own the domain too, so that its mailboxes prove no persons.
    pub fn proves_nobody(self) -> bool {
        matches!(self, Self::Private | Self::Disposable)
    }
}

const NAMES: &str = include_str!("../../config/rules/providers.txt");
const PROVIDERS: &str = "[provider]";

/// Second labels below the domain of a country that stand for schools: ac.jp takes only schools by JPRS's rules
/// (属性型JPドメイン名), ed.jp those for pupils; ac.uk, edu.au and their like are kept the same way, as .edu is by EDUCAUSE.
const SCHOOL_LABELS: [&str; 3] = ["ac", "ed", "edu"];

/// Second labels below the domain of a country behind which the owner's own label stands.
const CATEGORY_LABELS: [&str; 14] =
    ["ac", "ad", "co", "com", "ed", "edu", "go", "gov", "gr", "lg", "ne", "net", "or", "org"];

/// The prefectures, below which .jp gives domains too (地域型, 都道府県型JPドメイン名).
const PREFECTURES: [&str; 47] = [
    "aichi",
    "akita",
    "aomori",
    "chiba",
    "ehime",
    "fukui",
    "fukuoka",
    "fukushima",
    "gifu",
    "gunma",
    "hiroshima",
    "hokkaido",
    "hyogo",
    "ibaraki",
    "ishikawa",
    "iwate",
    "kagawa",
    "kagoshima",
    "kanagawa",
    "kochi",
    "kumamoto",
    "kyoto",
    "mie",
    "miyagi",
    "miyazaki",
    "nagano",
    "nagasaki",
    "nara",
    "niigata",
    "oita",
    "okayama",
    "okinawa",
    "osaka",
    "saga",
    "saitama",
    "shiga",
    "shimane",
    "shizuoka",
    "tochigi",
    "tokushima",
    "tokyo",
    "tottori",
    "toyama",
    "wakayama",
    "yamagata",
    "yamaguchi",
    "yamanashi",
];

/// Whose domain an address is at. One without a domain is ours, and counts as private.
pub fn class_of(address: &Address) -> DomainClass {
    address.domain().map_or(DomainClass::Private, class_of_domain)
}

/// Whose domain it is.
pub fn class_of_domain(domain: &Domain) -> DomainClass {
    let name = domain.as_str();
    if is_listed_above(NAMES, PROVIDERS, domain) {
        return DomainClass::Provider;
    }
    if is_disposable_domain(domain) {
        return DomainClass::Disposable;
    }
    if CARRIERS.iter().flat_map(|carrier| carrier.domains).any(|of| is_below(name, of)) {
        return DomainClass::Carrier;
    }
    let mut labels = name.rsplit('.');
    let is_school = match (labels.next(), labels.next()) {
        (Some("edu"), _) => true,
        (Some(top), Some(second)) => top.len() == 2 && SCHOOL_LABELS.contains(&second),
        _ => false,
    };
    if is_school { DomainClass::Student } else { DomainClass::Private }
}

/// The part of a domain that somebody had to pay for, so that domains below it are no other owners. By the shape of the
/// name: the last two labels, or three behind a category of a country (co.jp, com.br) or a prefecture (tokyo.jp).
pub fn owned_part(domain: &Domain) -> &str {
    let name = domain.as_str();
    let mut labels = name.rsplit('.');
    let (top, second) = (labels.next().unwrap_or(""), labels.next().unwrap_or(""));
    let is_country = top.len() == 2;
    let has_category =
        is_country && (CATEGORY_LABELS.contains(&second) || (top == "jp" && PREFECTURES.contains(&second)));
    let kept = if has_category { 3 } else { 2 };
    let dots = name.rmatch_indices('.').nth(kept - 1);
    dots.map_or(name, |(at, _)| &name[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::super::exclusion::names;
    use super::*;

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn domains_are_of_the_class_that_their_owner_makes_them() {
        for (text, class) in [
            ("gmail.com", DomainClass::Provider),
            ("rb3.so-net.ne.jp", DomainClass::Provider),
            ("k.vodafone.ne.jp", DomainClass::Carrier),
            ("docomo.ne.jp", DomainClass::Carrier),
            ("g.kaede-u.ac.jp", DomainClass::Student),
            ("kaede.edu", DomainClass::Student),
            ("students.kaede.edu.au", DomainClass::Student),
            ("mailinator.com", DomainClass::Disposable),
            ("kaede.example", DomainClass::Private),
            ("notgmail.com", DomainClass::Private),
            ("ac.example", DomainClass::Private),
            ("kaede.co.jp", DomainClass::Private),
        ] {
            assert_eq!(class_of_domain(&domain(text)), class, "{text}");
        }
    }

    #[test]
    fn a_domain_below_a_bought_one_is_the_same_owner_s() {
        for (text, owned) in [
            ("kaede.example", "kaede.example"),
            ("a.b.kaede.example", "kaede.example"),
            ("mail.kaede.co.jp", "kaede.co.jp"),
            ("x.city.shinjuku.tokyo.jp", "shinjuku.tokyo.jp"),
            ("kaede.jp", "kaede.jp"),
            ("a.kaede.jp", "kaede.jp"),
            ("a.kaede.com.br", "kaede.com.br"),
            ("example", "example"),
        ] {
            assert_eq!(owned_part(&domain(text)), owned, "{text}");
        }
    }

    #[test]
    fn every_provider_is_a_domain_and_stands_there_once() {
        let carriers = CARRIERS.iter().flat_map(|carrier| carrier.domains.iter().copied());
        let all: Vec<&str> = names(NAMES, PROVIDERS).chain(carriers).collect();
        assert!(names(NAMES, PROVIDERS).count() > 100);
        for name in &all {
            assert_eq!(domain(name).as_str(), *name);
            assert_eq!(all.iter().filter(|other| *other == name).count(), 1, "{name}");
            assert!(!is_disposable_domain(&domain(name)), "{name}");
        }
        let classes = DomainClass::ALL;
        assert_eq!(classes.map(|class| DomainClass::from_number(class.number())), classes.map(Some));
        assert_eq!(classes.map(|class| DomainClass::parse(class.code())), classes.map(Some));
    }
}
