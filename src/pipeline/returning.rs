//! The return path of our own: which copies get a tag for their sender, and what is sealed behind it.
//!
//! Only a copy that got a line, for one candidate, in a mail whose sender nobody has tagged before. The tag stands
//! below the domain of From, so that SPF speaks for it and DMARC stays aligned.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Copy, InForce, Offer, Policy, Received, Referred};
use crate::ledger::presume::PROOF_HOLDS;
use crate::ledger::{Proves, ReferralEvent};
use crate::mail::address::{Address, Domain};
use crate::mail::message::Message;
use crate::referral::return_path::{ReturnId, Tag, Tagged};
use crate::referral::{CandidateKey, CompanyId};

/// The route of evidence that came back on a return path of ours.
const ROUTE: &str = "return-path";

/// How senders begin that somebody has tagged already (SRS, BATV, VERP of mailing systems): theirs are left alone.
const TAGGED_STARTS: [&str; 12] = [
    "srs0",
    "srs1",
    "prvs",
    "btv1",
    "msprvs",
    "bounce",
    "bounces",
    "return-",
    "verp",
    "cr-",
    "mailer-daemon",
    "postmaster",
];

/// A company's own return path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReturnPath {
    /// Where tagged mail comes back to: a domain below that of From, whose mail server we are.
    pub domain: Domain,
    /// Days for which what comes back is taken.
    pub keep_days: u32,
    /// How it is shown that what comes back is seen.
    pub probes: Probes,
}

/// Mails that are sent to come back.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Probes {
    /// Addresses that must bounce. None: nothing is ever presumed to be delivered.
    pub to: Vec<Address>,
    /// How often each gets one.
    pub every: Duration,
}

/// What is kept of a tagged mail: to be written where a report finds it, and to be forgotten in time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReturnRow {
    /// The name of the mail in its tag.
    pub id: ReturnId,
    /// When it is to be forgotten.
    pub expires: Timestamp,
    /// Sender and referral, sealed: they open with the whole tag alone.
    pub sealed: Vec<u8>,
}

/// A tag of ours at a company's return path.
#[derive(Debug)]
pub struct CameBack<'a> {
    of: &'a InForce,
    tag: Tag,
}

/// What was sealed behind a tag.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Returned {
    /// The sender the mail had before it got its tag.
    pub sender: String,
    /// What the mail's bounce is to the ledger.
    pub bounce: ReferralEvent,
}

/// A mail of ours that was sent to come back.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Whose return path it tries.
    pub company: CompanyId,
    /// Our message id of it.
    pub id: String,
    /// The route by which it goes.
    pub route: String,
}

/// What a tag leads to.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behind {
    /// A mail with the line.
    Mail(Box<Returned>),
    /// A probe.
    Probe(Probe),
}

impl Behind {
    fn company(&self) -> &CompanyId {
        match self {
            Self::Mail(returned) => &returned.bounce.company,
            Self::Probe(probe) => &probe.company,
        }
    }
}

impl Returned {
    /// The original sender.
    pub fn sender(&self) -> Option<Address> {
        Address::parse(&self.sender).ok()
    }
}

/// The copies of a mail with their tags, where its company has a return path: each candidate then has a copy for
/// himself. With them comes what has to be kept. `None` when they leave as they are.
pub fn tag_copies(
    referred: &Referred,
    received: &Received,
    policy: &Policy,
    (transaction, now): (&str, Timestamp),
) -> Option<(Vec<Copy>, Vec<ReturnRow>)> {
    let (of, path, sender) = can_be_tagged(referred, received, policy)?;
    let (mut copies, mut rows) = (Vec::with_capacity(referred.copies.len()), Vec::new());
    for mut copy in referred.copies.iter().cloned() {
        for offer in std::mem::take(&mut copy.offers) {
            let case = Case { of, path, sender, transaction, now };
            match case.seal(&offer).filter(|_| offer.inserted) {
                Some((address, row)) => {
                    copy.recipients.retain(|recipient| *recipient != offer.recipient);
                    let (recipients, edits) = (vec![offer.recipient], copy.edits.clone());
                    copies.push(Copy {
                        recipients,
                        edits,
                        offers: vec![offer],
                        return_path: Some(Box::new(address)),
                        ..Copy::default()
                    });
                    rows.push(row);
                }
                None => copy.offers.push(offer),
            }
        }
        if !copy.recipients.is_empty() {
            copies.push(copy);
        }
    }
    Some((copies, rows))
}

fn can_be_tagged<'p>(
    referred: &Referred,
    received: &'p Received,
    policy: &'p Policy,
) -> Option<(&'p InForce, &'p ReturnPath, &'p Address)> {
    let of = policy.company(&referred.company)?;
    let path = of.company.return_path.as_ref()?;
    let sender = received.envelope.sender.as_ref().filter(|sender| !is_tagged(sender))?;
    let message = Message::read(&received.message);
    let from = message.from().and_then(Address::domain)?;
    let aligned = |domain: &Domain| from.is_within(domain) && path.domain.is_within(domain);
    of.company.sender_domains.iter().any(aligned).then_some((of, path, sender))
}

/// Whether somebody has put a tag into this sender already.
fn is_tagged(sender: &Address) -> bool {
    let local = sender.local_part().to_lowercase();
    local.contains('=') || TAGGED_STARTS.iter().any(|start| local.starts_with(start))
}

/// One mail while its copies are tagged.
struct Case<'a> {
    of: &'a InForce,
    path: &'a ReturnPath,
    sender: &'a Address,
    transaction: &'a str,
    now: Timestamp,
}

impl Case<'_> {
    fn seal(&self, offer: &Offer) -> Option<(Address, ReturnRow)> {
        let keys = self.of.keys.returns();
        let recipient = u32::try_from(offer.recipient).ok()?;
        let (series, candidate, transaction) = (&*offer.contract.series, &offer.candidate, self.transaction);
        let tag = keys.tag(Tagged { series, candidate, transaction, recipient }, self.now);
        let returned = Returned { sender: self.sender.to_string(), bounce: self.bounce(offer, recipient) };
        let sealed = keys.seal(&tag, &serde_json::to_vec(&Behind::Mail(Box::new(returned))).ok()?)?;
        let keep = SignedDuration::from_hours((i64::from(self.path.keep_days) + 1) * 24);
        let expires = self.now.checked_add(keep).ok()?;
        let address = address_of(&tag, self.path)?;
        Some((address, ReturnRow { id: tag.id(), expires, sealed }))
    }

    fn bounce(&self, offer: &Offer, recipient: u32) -> ReferralEvent {
        ReferralEvent {
            company: self.of.company.id.clone(),
            candidate: offer.candidate,
            earlier: Vec::new(),
            token: offer.token.clone(),
            contract: offer.contract.clone(),
            proves: Proves::Bounced,
            route: ROUTE.to_owned(),
            transaction: self.transaction.to_owned(),
            recipient,
            inserted: offer.inserted,
            wording: None,
            traits: None,
            at: self.now,
        }
    }
}

fn address_of(tag: &Tag, path: &ReturnPath) -> Option<Address> {
    Address::parse(&format!("{}@{}", tag.local_part(), path.domain)).ok()
}

impl Probe {
    /// Its tag at the company's return path, and what is kept of it: as long as its coming back proves anything. No
    /// mail with the line has such a tag, for a contract series is never without a name.
    pub fn tag(&self, of: &InForce, now: Timestamp) -> Option<(Address, ReturnRow)> {
        let (path, keys) = (of.company.return_path.as_ref()?, of.keys.returns());
        let nobody = CandidateKey { key_id: 0, octets: [0; 32] };
        let tag = keys.tag(Tagged { series: "", candidate: &nobody, transaction: &self.id, recipient: 0 }, now);
        let sealed = keys.seal(&tag, &serde_json::to_vec(&Behind::Probe(self.clone())).ok()?)?;
        let expires = now.checked_add(PROOF_HOLDS).ok()?;
        Some((address_of(&tag, path)?, ReturnRow { id: tag.id(), expires, sealed }))
    }
}

impl Policy {
    /// Whether mail for this domain is mail that came back on a return path of ours.
    pub fn is_return_domain(&self, domain: &Domain) -> bool {
        self.return_domains().contains_key(domain)
    }

    /// The tag in an address at a return path, if it is one of ours and not too old.
    pub fn came_back(&self, address: &Address, now: Timestamp) -> Option<CameBack<'_>> {
        let of = self.return_domains().get(address.domain()?).and_then(|at| self.companies().nth(*at))?;
        let path = of.company.return_path.as_ref()?;
        let tag = Tag::parse(address.local_part()).filter(|tag| of.keys.makers_of(tag).is_some())?;
        // A node whose clock is ahead may have made it tomorrow, and a probe is awaited for a week.
        (-1..=i64::from(path.keep_days).max(PROOF_HOLDS.as_hours() / 24))
            .contains(&tag.days_old(now))
            .then_some(CameBack { of, tag })
    }
}

impl CameBack<'_> {
    /// The name of the mail.
    pub fn id(&self) -> ReturnId {
        self.tag.id()
    }

    /// The company whose it was.
    pub fn company(&self) -> &CompanyId {
        &self.of.company.id
    }

    /// Whether the mail may have left only just now, and what belongs to it is not written yet.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.tag.days_old(now) <= 1
    }

    /// What was sealed; `None` when it is not this tag's.
    pub fn open(&self, sealed: &[u8]) -> Option<Behind> {
        let content = self.of.keys.makers_of(&self.tag)?.open(&self.tag, sealed)?;
        serde_json::from_slice(&content).ok().filter(|behind: &Behind| behind.company() == self.company())
    }
}
