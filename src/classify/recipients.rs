//! Who of the envelope is a candidate: own people, copies, agencies, school offices and strangers told apart.
//!
//! Cheap on purpose: it reads addresses alone, so most mail is settled before its text is looked at.

use super::verdict::Reason;
use crate::mail::address::{Address, Domain};
use crate::mail::envelope::Envelope;
use crate::mail::message::Message;

/// Who is never a candidate of this company.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Audience {
    /// Domains of the company and of its group; their sub-domains too.
    pub own_domains: Vec<Domain>,
    /// Recruiting agencies.
    pub agencies: Vec<Listed>,
    /// Careers offices of schools.
    pub school_offices: Vec<Listed>,
    /// Archives and CRM mailboxes that get a copy of what candidates get.
    pub copy_addresses: Vec<Address>,
}

/// One entry of a list: a mailbox, or everybody of a domain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Listed {
    /// One mailbox.
    Address(Address),
    /// A domain and its sub-domains.
    Domain(Domain),
}

impl Listed {
    /// Whether the address is meant.
    pub fn covers(&self, address: &Address) -> bool {
        match self {
            Self::Address(listed) => listed.is_same_mailbox(address),
            Self::Domain(listed) => address.domain().is_some_and(|domain| domain.is_within(listed)),
        }
    }
}

/// The recipients a rejection would be told to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Candidates {
    /// Indexes into `Envelope::recipients`.
    pub candidates: Vec<usize>,
    /// Several people who do not see each other: each is a candidate.
    pub bulk: bool,
}

impl Audience {
    fn is_own(&self, address: &Address) -> bool {
        // A bare `postmaster` is the receiving host's, and never a person who applied.
        address.domain().is_none_or(|domain| self.own_domains.iter().any(|own| domain.is_within(own)))
    }

    fn is_copy(&self, address: &Address) -> bool {
        self.copy_addresses.iter().any(|copy| copy.is_same_mailbox(address))
    }

    fn is_outside(&self, address: &Address) -> bool {
        !self.is_own(address) && !self.is_copy(address)
    }

    /// Why nobody at this address can be a candidate; nothing for strangers.
    pub fn excludes(&self, address: &Address) -> Option<Reason> {
        if self.is_own(address) {
            return Some(Reason::OwnDomain);
        }
        self.is_copy(address).then_some(Reason::NoCandidate).or_else(|| self.listed_reason(address))
    }

    fn listed_reason(&self, address: &Address) -> Option<Reason> {
        let among = |list: &[Listed]| list.iter().any(|listed| listed.covers(address));
        if among(&self.agencies) {
            return Some(Reason::Agency);
        }
        among(&self.school_offices).then_some(Reason::SchoolOffice)
    }
}

/// Finds the candidates among the recipients of a mail.
///
/// # Errors
/// Why nobody, or nobody certain, is a candidate.
pub fn recipients(envelope: &Envelope, message: &Message<'_>, audience: &Audience) -> Result<Candidates, Reason> {
    let outside: Vec<usize> = (0..envelope.recipients.len())
        .filter(|index| envelope.recipients.get(*index).is_some_and(|r| audience.is_outside(r)))
        .collect();
    let told = || outside.iter().filter_map(|index| envelope.recipients.get(*index));
    let Some(first) = told().next() else {
        let own = envelope.recipients.iter().any(|r| audience.is_own(r) && !audience.is_copy(r));
        return Err(if own { Reason::OwnDomain } else { Reason::NoCandidate });
    };
    let visible = distinct(message.to_and_cc().iter().filter(|address| audience.is_outside(address)));
    if let Some(reason) = told().chain(visible.iter().copied()).find_map(|address| audience.listed_reason(address)) {
        return Err(reason);
    }
    // A mailbox that does not parse may be anybody: it counts as one more stranger.
    let seen = visible.len() + message.unparsed_recipients();
    let people = distinct(told()).len();
    match (people, seen, visible.first()) {
        (_, 2.., _) => Err(Reason::SeveralVisibleRecipients),
        (1, 0, _) if is_to_own_people(envelope, message, audience) => Err(Reason::OwnDomain),
        (1, 0, _) => Ok(Candidates { candidates: outside, bulk: false }),
        (1, 1, Some(shown)) if first.is_same_mailbox(shown) || first.domain() == shown.domain() => {
            Ok(Candidates { candidates: outside, bulk: false })
        }
        (_, 0, _) => Ok(Candidates { candidates: outside, bulk: true }),
        _ => Err(Reason::RecipientsDiffer),
    }
}

/// Whether it is visibly addressed to somebody of the company who is not its sender: then the one outside recipient
/// nobody sees is a listener, not the person spoken to.
fn is_to_own_people(envelope: &Envelope, message: &Message<'_>, audience: &Audience) -> bool {
    let is_sender = |address: &Address| {
        let same = |other: Option<&Address>| other.is_some_and(|o| o.is_same_mailbox(address));
        same(message.from()) || same(envelope.sender.as_ref())
    };
    message
        .to_and_cc()
        .iter()
        .any(|address| !audience.is_outside(address) && !audience.is_copy(address) && !is_sender(address))
}

fn distinct<'a>(addresses: impl Iterator<Item = &'a Address>) -> Vec<&'a Address> {
    let mut found: Vec<&Address> = Vec::new();
    // Three strangers say no more than two do, and the comparison stays linear. A bulk mail has more, all of them told.
    for address in addresses {
        if found.len() < 3 && !found.iter().any(|known| known.is_same_mailbox(address)) {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::envelope::Body;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
    }

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
    }

    /// A mail of hr@sakura.example to `rcpt`, showing `to`; the answer is the candidates or the reason.
    fn check(rcpt: &str, to: &str, expected: &str) {
        let audience = Audience {
            own_domains: vec![domain("sakura.example")],
            agencies: vec![Listed::Domain(domain("agent.example")), Listed::Address(address("a@free.example"))],
            school_offices: vec![Listed::Address(address("career@univ.example"))],
            copy_addresses: vec![address("archive@vault.example")],
        };
        let envelope = Envelope {
            sender: Some(address("hr@sakura.example")),
            recipients: rcpt.split_whitespace().map(address).collect(),
            body: Body::SevenBit,
            ..Envelope::default()
        };
        let raw = format!("From: hr@sakura.example\r\nTo: {to}\r\n\r\n");
        let answer = match recipients(&envelope, &Message::read(raw.as_bytes()), &audience) {
            Ok(found) => format!("{:?}{}", found.candidates, if found.bulk { " bulk" } else { "" }),
            Err(reason) => reason.code().to_owned(),
        };
        assert_eq!(answer, expected, "to {rcpt}, showing {to}");
    }

    #[test]
    fn one_outside_recipient_is_the_candidate() {
        check("ana@mail.example", "ana@mail.example", "[0]");
        check("boss@sakura.example ana@mail.example", "ana@mail.example, boss@sakura.example", "[1]");
        check("archive@vault.example ana@mail.example", "Ana <ANA@mail.example>, archive@vault.example", "[1]");
        check("ana@mail.example", "hr@sakura.example", "[0]");
        check("ana@mail.example", "undisclosed-recipients:;", "[0]");
    }

    #[test]
    fn own_people_copies_agencies_and_schools_are_none() {
        check("boss@hr.sakura.example", "boss@hr.sakura.example", "own_domain");
        check("postmaster", "postmaster@sakura.example", "own_domain");
        check("archive@vault.example", "archive@vault.example", "no_candidate");
        check("x@tokyo.agent.example", "x@tokyo.agent.example", "agency");
        check("a@free.example", "a@free.example", "agency");
        check("b@free.example", "b@free.example", "[0]");
        check("career@univ.example", "career@univ.example", "school_office");
        check("ana@univ.example", "ana@univ.example", "[0]");
        // One transaction of a mail that an agency reads too.
        check("ana@mail.example", "x@agent.example", "agency");
    }

    #[test]
    fn a_listener_of_a_mail_to_own_people_is_none() {
        check("boss@sakura.example ana@mail.example", "boss@sakura.example", "own_domain");
    }

    #[test]
    fn strangers_nobody_sees_are_each_a_candidate() {
        check("a@mail.example b@home.example hr@sakura.example", "hr@sakura.example", "[0, 1] bulk");
        check("a@mail.example b@home.example", "undisclosed-recipients:;", "[0, 1] bulk");
    }

    #[test]
    fn strangers_who_see_each_other_are_none() {
        check("a@mail.example b@home.example", "a@mail.example, b@home.example", "several_visible_recipients");
        check("a@mail.example", "a@mail.example, b@home.example", "several_visible_recipients");
        check("a@mail.example b@home.example", "a@mail.example", "recipients_differ");
    }

    #[test]
    fn a_split_transaction_may_differ_within_one_domain() {
        check("ana.k@mail.example", "ana@mail.example", "[0]");
        check("ana@home.example", "ana@mail.example", "recipients_differ");
    }
}
