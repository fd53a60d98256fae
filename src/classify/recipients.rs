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
    fn covers(&self, address: &Address) -> bool {
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
