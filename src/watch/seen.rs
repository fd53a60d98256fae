//! Rejections seen of companies that observe, or that give the line to approved templates alone: which templates, how
//! many of each, bursts of one, and domains that look like agencies. Bounded, and without an address.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::classify::template::{BURST_MAILS_MIN, Clusters, Fingerprint, TemplateId};
use crate::pipeline::{Sighted, Sighting};
use crate::referral::{CandidateKey, CompanyId};

/// Templates told apart of each company, between two times of writing down.
const TEMPLATES_MAX: usize = 200;
/// Mailboxes of each company of which it is known whom their mails were about.
const MAILBOXES_MAX: usize = 4096;
/// People a mailbox gets rejections about, from which on it looks like an agency's.
const PEOPLE_OF_AGENCY_MIN: usize = 3;
/// Mails of one template within so long are a burst.
const BURST_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// Mails of one template, since somebody last wrote them down.
#[derive(Clone, Debug)]
pub struct SeenMails {
    /// Whose.
    pub company: CompanyId,
    /// Which template.
    pub id: TemplateId,
    /// What tells its mails.
    pub fingerprint: Fingerprint,
    /// How many.
    pub mails: u64,
    /// When the first came.
    pub first: Timestamp,
    /// When the last came.
    pub last: Timestamp,
}

/// A domain that looks like an agency's: whose rejections, which domain, when first and last.
pub type LikelyAgency = (CompanyId, String, Timestamp, Timestamp);

/// What was seen.
#[derive(Default)]
pub(super) struct Seen(Mutex<HashMap<CompanyId, OfCompany>>);

struct OfCompany {
    new: Clusters,
    known: HashMap<TemplateId, (Fingerprint, u64, Timestamp, Timestamp)>,
    bursts: HashMap<TemplateId, VecDeque<Timestamp>>,
    mailboxes: HashMap<CandidateKey, HashSet<u64>>,
    agencies: BTreeMap<String, (Timestamp, Timestamp)>,
}

impl OfCompany {
    fn new() -> Self {
        Self {
            new: Clusters::new(TEMPLATES_MAX),
            known: HashMap::new(),
            bursts: HashMap::new(),
            mailboxes: HashMap::new(),
            agencies: BTreeMap::new(),
        }
    }

    fn count(&mut self, id: TemplateId, print: Fingerprint, mails: u64, (first, last): (Timestamp, Timestamp)) {
        let known = self.known.entry(id).or_insert((print, 0, first, last));
        *known = (known.0.clone(), known.1 + mails, known.2.min(first), known.3.max(last));
    }

    /// Counts one more mail of a template, and gives how many there were within a short time.
    fn burst(&mut self, id: TemplateId, at: Timestamp) -> u32 {
        let times = self.bursts.entry(id).or_default();
        times.push_back(at);
        // No more are asked about.
        while times.len() > BURST_MAILS_MIN as usize {
            times.pop_front();
        }
        times.retain(|time| at.duration_since(*time) <= BURST_WITHIN);
        u32::try_from(times.len()).unwrap_or(u32::MAX)
    }

    fn note_mailbox(&mut self, mailbox: CandidateKey, domain: &str, (about, at): (u64, Timestamp)) {
        if self.mailboxes.len() >= MAILBOXES_MAX && !self.mailboxes.contains_key(&mailbox) {
            self.mailboxes.clear();
        }
        let people = self.mailboxes.entry(mailbox).or_default();
        if people.len() < PEOPLE_OF_AGENCY_MIN {
            people.insert(about);
        }
        if people.len() >= PEOPLE_OF_AGENCY_MIN && (self.agencies.len() < 100 || self.agencies.contains_key(domain)) {
            self.agencies.entry(domain.to_owned()).or_insert((at, at)).1 = at;
        }
    }
}

impl Seen {
    /// Notes a rejection; how many mails of its template there were within a short time, when it is nearly approved.
    pub(super) fn note(&self, sighting: Sighting, at: Timestamp) -> Option<u32> {
        let Sighting { company, template, mailbox, about } = sighting;
        let mut seen = self.lock();
        let of = seen.entry(company).or_insert_with(OfCompany::new);
        if let (Some((mailbox, domain)), Some(about)) = (mailbox, about) {
            of.note_mailbox(mailbox, domain.as_str(), (about, at));
        }
        match template {
            Sighted::Known(id, print) => {
                of.count(id, print, 1, (at, at));
                of.burst(id, at);
                None
            }
            Sighted::Near(id) => Some(of.burst(id, at)),
            Sighted::New(specimen, print) => {
                of.new.add(*specimen, print, Some(at));
                None
            }
        }
    }

    /// Takes what nobody has taken yet.
    pub(super) fn take(&self) -> (Vec<SeenMails>, Vec<LikelyAgency>) {
        let (mut mails_of, mut agencies) = (Vec::new(), Vec::new());
        for (company, of) in self.lock().iter_mut() {
            for (id, fingerprint, mails, (first, last)) in of.new.drain() {
                mails_of.push(SeenMails { company: company.clone(), id, fingerprint, mails, first, last });
            }
            for (id, (fingerprint, mails, first, last)) in of.known.drain() {
                mails_of.push(SeenMails { company: company.clone(), id, fingerprint, mails, first, last });
            }
            let found = std::mem::take(&mut of.agencies).into_iter();
            agencies.extend(found.map(|(domain, (first, last))| (company.clone(), domain, first, last)));
        }
        (mails_of, agencies)
    }

    /// Puts back what was taken and could not be written down.
    pub(super) fn put_back(&self, taken: Vec<SeenMails>) {
        let mut seen = self.lock();
        for SeenMails { company, id, fingerprint, mails, first, last } in taken {
            let of = seen.entry(company).or_insert_with(OfCompany::new);
            if of.known.len() < 2 * TEMPLATES_MAX {
                of.count(id, fingerprint, mails, (first, last));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CompanyId, OfCompany>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(company: &str) -> Sighting {
        let company = CompanyId::parse(company).expect("an id");
        let template = Sighted::Near(TemplateId::parse("00000000000000aa").expect("an id"));
        Sighting { company, template, mailbox: None, about: None }
    }

    #[test]
    fn a_burst_is_counted_within_ten_minutes_for_each_company() {
        let seen = Seen::default();
        let at = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        let counts: Vec<_> = [0, 1, 2, 11, 12, 13, 13, 13].map(|m| seen.note(near("sakura"), at(m))).to_vec();
        assert_eq!(counts, [1, 2, 3, 3, 3, 3, 4, 5].map(Some));
        assert_eq!(seen.note(near("kaede"), at(13)), Some(1));
        assert!(seen.take().0.is_empty(), "what is not approved is no mail of the template");
    }

    #[test]
    fn a_mailbox_with_rejections_about_three_people_is_told_by_its_domain_once() {
        let seen = Seen::default();
        let domain = || crate::mail::address::Domain::parse("hikari.example").expect("a domain");
        let key = CandidateKey { key_id: 1, octets: [7; 32] };
        let note = |about: u64| {
            let sighting = Sighting { mailbox: Some((key, domain())), about: Some(about), ..near("sakura") };
            seen.note(sighting, Timestamp::UNIX_EPOCH);
            seen.take().1.len()
        };
        assert_eq!([1, 1, 2, 2, 3].map(note), [0, 0, 0, 0, 1]);
        assert!(seen.take().1.is_empty());
    }
}
