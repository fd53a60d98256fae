//! Who gets the line and is not counted: mailboxes of a duty, mailboxes that are thrown away, and whom a company names.
//!
//! The names stand in `config/rules/exclusions.txt`, with where they are from.

use memchr::memmem;

use crate::mail::address::{Address, Domain};

const NAMES: &str = include_str!("../../config/rules/exclusions.txt");

/// Why a referral is not counted though the line was given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exclusion {
    /// The mailbox of a duty: nobody in particular was referred.
    RoleAddress,
    /// A mailbox that anybody can open, and that is gone soon.
    DisposableDomain,
    /// The company names it: staff, a test mailbox.
    NeverCounted,
}

impl Exclusion {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::RoleAddress, Self::DisposableDomain, Self::NeverCounted];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::RoleAddress => "role_address",
            Self::DisposableDomain => "disposable_domain",
            Self::NeverCounted => "never_counted",
        }
    }
}

/// Whether the address is that of a duty. A tag behind `+` is not looked at.
pub fn is_role(address: &Address) -> bool {
    let local = address.local_part().to_ascii_lowercase();
    let name = local.split_once('+').map_or(local.as_str(), |(name, _)| name);
    has_line(section(NAMES, "[role]"), name)
}

/// Whether the address is at a service of mailboxes that are thrown away, or below its domain.
pub fn is_disposable(address: &Address) -> bool {
    address.domain().is_some_and(is_disposable_domain)
}

/// Whether the domain is that of such a service, or below it.
pub fn is_disposable_domain(domain: &Domain) -> bool {
    is_listed_above(NAMES, "[disposable]", domain)
}

/// Whether a domain is another one, or below it.
pub(super) fn is_below(domain: &str, of: &str) -> bool {
    domain.strip_suffix(of).is_some_and(|head| head.is_empty() || head.ends_with('.'))
}

/// Whether a list has the domain, or one that it is below of, under this heading.
pub(super) fn is_listed_above(list: &str, heading: &str, domain: &Domain) -> bool {
    let (section, name) = (section(list, heading), domain.as_str());
    let parents = name.match_indices('.').filter_map(|(at, _)| name.get(at + 1..));
    std::iter::once(name).chain(parents).any(|name| has_line(section, name))
}

/// What stands under a heading of a list.
fn section<'l>(list: &'l str, heading: &str) -> &'l str {
    let begin = memmem::find(list.as_bytes(), heading.as_bytes()).map_or(list.len(), |at| at + heading.len());
    let below = list.get(begin..).unwrap_or_default();
    memmem::find(below.as_bytes(), b"\n[").and_then(|end| below.get(..=end)).unwrap_or(below)
}

/// Whether one of the lines is this name. It is looked for in the text as it stands: that is asked of every candidate,
/// and takes less than reading the lines.
fn has_line(section: &str, name: &str) -> bool {
    let is_line = |at: usize| {
        let (before, behind) = (section.get(..at), section.get(at + name.len()..));
        before.is_some_and(|text| text.ends_with('\n')) && behind.is_some_and(|text| text.starts_with('\n'))
    };
    !name.is_empty() && memmem::find_iter(section.as_bytes(), name).any(is_line)
}

/// The names below a heading of a list: a line each, but for comments.
#[cfg(test)]
pub(super) fn names<'l>(list: &'l str, heading: &'l str) -> impl Iterator<Item = &'l str> {
    let below = list.lines().map(str::trim).skip_while(move |line| *line != heading).skip(1);
    below.take_while(|line| !line.starts_with('[')).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, role: bool, disposable: bool) {
        let address = Address::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!((is_role(&address), is_disposable(&address)), (role, disposable), "{text}");
    }

    #[test]
    fn mailboxes_of_a_duty_and_throwaway_ones_are_known_and_persons_are_not_mistaken_for_them() {
        check("info@shop.example", true, false);
        check("Info+jobs@shop.example", true, false);
        check("saiyo@kaisha.example", true, false);
        check("hana@mailinator.com", false, true);
        check("hana@x.MAILINATOR.com", false, true);
        check("noreply@yopmail.com", true, true);
        for person in ["hana.info@shop.example", "information@shop.example", "hana@notmailinator.com", "hana@gmail.com"]
        {
            check(person, false, false);
        }
    }

    #[test]
    fn every_name_stands_there_once_and_every_domain_is_one() {
        let all: Vec<&str> = names(NAMES, "[role]").chain(names(NAMES, "[disposable]")).collect();
        assert!(names(NAMES, "[role]").count() > 20 && names(NAMES, "[disposable]").count() > 20);
        for name in &all {
            assert_eq!(all.iter().filter(|n| *n == name).count(), 1, "{name}");
            assert_eq!(name.to_ascii_lowercase(), **name);
            let listed = |name| ["[role]", "[disposable]"].map(|heading| has_line(section(NAMES, heading), name));
            assert!(matches!(listed(name), [true, false] | [false, true]), "{name}");
            assert_eq!(listed(&name[1..]), [false, false], "{name}");
        }
        for domain in names(NAMES, "[disposable]") {
            assert_eq!(Domain::parse(domain).map(|d| d.to_string()).ok().as_deref(), Some(domain));
        }
    }
}
