//! Whose mail domain it is: a provider's, a carrier's, a school's, a throw-away one, or anybody's own.
//!
//! The tables are of public knowledge, and not whole: a provider that is not listed is taken for a private domain, and
//! the rules that look at private domains leave room for that (`ledger::signals::bounds`). Nothing is counted, written
//! or held back by a class.

use super::carrier::CARRIERS;
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

/// Domains of one kind, with those below them.
#[derive(Debug)]
pub struct DomainList {
    /// What they are.
    pub class: DomainClass,
    /// The domains.
    pub domains: &'static [&'static str],
    /// Where that is told, in words.
    pub source: &'static str,
}

/// The lists. Carriers stand in [`CARRIERS`], with their filters.
pub const LISTS: &[DomainList] = &[
    DomainList {
        class: DomainClass::Provider,
        domains: &[
            "126.com",
            "163.com",
            "aol.com",
            "aol.jp",
            "bol.com.br",
            "daum.net",
            "excite.co.jp",
            "fastmail.com",
            "foxmail.com",
            "free.fr",
            "gmail.com",
            "gmx.at",
            "gmx.ch",
            "gmx.com",
            "gmx.de",
            "gmx.net",
            "goo.jp",
            "googlemail.com",
            "hanmail.net",
            "hotmail.co.jp",
            "hotmail.com",
            "icloud.com",
            "infoseek.jp",
            "interia.pl",
            "kakao.com",
            "laposte.net",
            "libero.it",
            "live.com",
            "live.jp",
            "mac.com",
            "mail.com",
            "mail.goo.ne.jp",
            "mail.ru",
            "me.com",
            "msn.com",
            "nate.com",
            "naver.com",
            "o2.pl",
            "orange.fr",
            "outlook.com",
            "outlook.jp",
            "pm.me",
            "proton.me",
            "protonmail.com",
            "qq.com",
            "rediffmail.com",
            "seznam.cz",
            "sina.com",
            "t-online.de",
            "terra.com.br",
            "tuta.io",
            "tutanota.com",
            "uol.com.br",
            "web.de",
            "wp.pl",
            "yahoo.co.in",
            "yahoo.co.jp",
            "yahoo.co.kr",
            "yahoo.co.uk",
            "yahoo.com",
            "yahoo.com.br",
            "yahoo.com.hk",
            "yahoo.com.ph",
            "yahoo.com.sg",
            "yahoo.com.tw",
            "yahoo.com.vn",
            "yahoo.de",
            "yahoo.fr",
            "yandex.com",
            "yandex.ru",
            "ymail.ne.jp",
            "zoho.com",
        ],
        source: "the providers' own sign-up pages: anybody gets a mailbox there, free or for a fee",
    },
    DomainList {
        class: DomainClass::Provider,
        domains: &[
            "asahi-net.or.jp",
            "auone.jp",
            "bbexcite.jp",
            "bbiq.jp",
            "biglobe.ne.jp",
            "cablenet.ne.jp",
            "commufa.jp",
            "cty-net.ne.jp",
            "dion.ne.jp",
            "dti.ne.jp",
            "enjoy.ne.jp",
            "eonet.ne.jp",
            "hi-ho.ne.jp",
            "home.ne.jp",
            "iij4u.or.jp",
            "infoweb.ne.jp",
            "itscom.net",
            "katch.ne.jp",
            "kcn.ne.jp",
            "mctv.ne.jp",
            "megaegg.ne.jp",
            "mirai.ne.jp",
            "ncv.ne.jp",
            "nifty.com",
            "nifty.ne.jp",
            "nns.ne.jp",
            "ocn.ne.jp",
            "odn.ne.jp",
            "pikara.ne.jp",
            "plala.or.jp",
            "sannet.ne.jp",
            "so-net.ne.jp",
            "starcat.ne.jp",
            "thn.ne.jp",
            "tiki.ne.jp",
            "wakwak.com",
            "ybb.ne.jp",
            "zaq.jp",
            "zaq.ne.jp",
        ],
        source: "Japanese access providers and cable networks, whose own help pages tell customers to set up a mailbox \
                 at these domains or below them",
    },
    DomainList {
        class: DomainClass::Disposable,
        domains: &[
            "10minutemail.com",
            "choco.la",
            "cream.pink",
            "dispostable.com",
            "eay.jp",
            "emailondeck.com",
            "fakeinbox.com",
            "fuwamofu.com",
            "getnada.com",
            "grr.la",
            "guerrillamail.com",
            "guerrillamail.net",
            "guerrillamail.org",
            "ichigo.me",
            "maildrop.cc",
            "mailinator.com",
            "mailnesia.com",
            "merry.pink",
            "mintemail.com",
            "moakt.com",
            "mytemp.email",
            "neko2.net",
            "sharklasers.com",
            "spamgourmet.com",
            "sute.jp",
            "temp-mail.org",
            "tempail.com",
            "throwawaymail.com",
            "trashmail.com",
            "via.tokyo.jp",
            "yopmail.com",
            "yopmail.fr",
            "yopmail.net",
        ],
        source: "services that say of themselves that their mailboxes are for a moment, for whoever knows the name",
    },
];

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
    let of_list = |list: &&DomainList| is_among(name, list.domains);
    if let Some(list) = LISTS.iter().find(of_list) {
        return list.class;
    }
    if CARRIERS.iter().any(|carrier| is_among(name, carrier.domains)) {
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

fn is_among(name: &str, domains: &[&str]) -> bool {
    let is_below = |of: &str| name.strip_suffix(of).is_some_and(|head| head.is_empty() || head.ends_with('.'));
    domains.iter().any(|of| is_below(of))
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
    fn every_domain_of_the_lists_is_one_and_stands_there_once() {
        let carriers = CARRIERS.iter().flat_map(|carrier| carrier.domains.iter().copied());
        let all: Vec<&str> = LISTS.iter().flat_map(|list| list.domains.iter().copied()).chain(carriers).collect();
        for name in &all {
            assert_eq!(domain(name).as_str(), *name);
            assert_eq!(all.iter().filter(|other| *other == name).count(), 1, "{name}");
        }
        assert!(LISTS.iter().all(|list| list.source.len() > 40));
        let classes = DomainClass::ALL;
        assert_eq!(classes.map(|class| DomainClass::from_number(class.number())), classes.map(Some));
        assert_eq!(classes.map(|class| DomainClass::parse(class.code())), classes.map(Some));
    }
}
