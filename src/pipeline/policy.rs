//! The policy in force: every company with its keys, the classifier's rules, and who may relay.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Client, Company, CompanyTemplates, ProvedBy, Received, Relaying};
use crate::classify::Rules;
use crate::mail::address::Domain;
use crate::mail::message::Message;
use crate::referral::{CompanyId, CompanyKeys, OptOuts};

/// A company and the keys that were derived for it.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The company.
    pub company: Company,
    /// Its keys.
    pub keys: CompanyKeys,
}

impl InForce {
    pub(super) fn proofs(&self) -> &ProvedBy {
        &self.company.proved_by
    }
}

/// All that deciding on a mail may depend on. Built whole, swapped whole, never changed.
#[derive(Clone)]
pub struct Policy {
    /// The classifier's rules.
    pub rules: Arc<Rules>,
    companies: Vec<InForce>,
    by_domain: HashMap<Domain, usize>,
    by_return_domain: HashMap<Domain, usize>,
    pub(super) relaying: Relaying,
    pub(super) signing_domains: Vec<Domain>,
    optouts: Option<Arc<OptOuts>>,
    /// What HR has said of templates, if it is known.
    pub(super) templates: Option<Arc<CompanyTemplates>>,
}

impl Policy {
    /// Builds the policy. Where two companies claim one sender domain neither gets it: mail of that domain passes
    /// untouched. (The configuration refuses such a claim; this is the second lock.)
    pub fn new(companies: Vec<InForce>, relaying: Relaying, rules: Arc<Rules>) -> Self {
        let mut by_domain: HashMap<Domain, usize> = HashMap::new();
        let mut claimed_twice: Vec<Domain> = Vec::new();
        for (i, of) in companies.iter().enumerate() {
            for domain in &of.company.sender_domains {
                if by_domain.insert(domain.clone(), i).is_some_and(|other| other != i) {
                    claimed_twice.push(domain.clone());
                }
            }
        }
        by_domain.retain(|domain, _| !claimed_twice.contains(domain));
        let path = |(i, of): (usize, &InForce)| of.company.return_path.as_ref().map(|path| (path.domain.clone(), i));
        let by_return_domain = companies.iter().enumerate().filter_map(path).collect();
        let (signing_domains, optouts, templates) = (Vec::new(), Some(Arc::default()), Some(Arc::default()));
        Self { rules, companies, by_domain, by_return_domain, relaying, signing_domains, optouts, templates }
    }

    /// The same policy for these who want no line; `None` when nobody can say who they are, and then nobody gets one.
    #[must_use]
    pub fn without(self, optouts: Option<Arc<OptOuts>>) -> Self {
        Self { optouts, ..self }
    }

    /// Who wants no line, if it is known.
    pub fn optouts(&self) -> Option<&Arc<OptOuts>> {
        self.optouts.as_ref()
    }

    /// The companies in their order.
    pub fn companies(&self) -> impl Iterator<Item = &InForce> {
        self.companies.iter()
    }

    /// The domains of return paths, and the place of the company of each.
    pub(super) fn return_domains(&self) -> &HashMap<Domain, usize> {
        &self.by_return_domain
    }

    /// Whether any company has a return path.
    pub fn has_return_paths(&self) -> bool {
        !self.by_return_domain.is_empty()
    }

    /// The company of this id.
    pub fn company(&self, id: &CompanyId) -> Option<&InForce> {
        self.companies.iter().find(|of| of.company.id == *id)
    }

    /// The company that sends from this domain, as far as that alone tells it.
    pub fn company_of_domain(&self, domain: &Domain) -> Option<&InForce> {
        self.by_domain.get(domain).map(|&i| &self.companies[i])
    }

    /// The second question: whose mail is it? The envelope's sender decides, else From; and From must be the same
    /// company's, since a forwarded mail carries a stranger's From behind the forwarder's envelope.
    pub(super) fn company_of(&self, received: &Received, message: &Message<'_>) -> Result<&InForce, &'static str> {
        let sender = received.envelope.sender.as_ref().ok_or("null_sender")?;
        let from = message.from().and_then(|a| a.domain()).ok_or("no_from")?;
        let of_domain = |d: &Domain| self.company_of_domain(d);
        let of = sender.domain().and_then(of_domain).or_else(|| of_domain(from)).ok_or("no_company")?;
        if !of.company.sends_from(from) {
            return Err("from_elsewhere");
        }
        // Asked again, so that nothing rests on whoever filled in the client.
        let shared = received.client.shared || self.is_shared(&received.client);
        let client = Client { ip: received.client.ip.to_canonical(), shared, ..received.client.clone() };
        if of.proofs().proves(&client, &of.company.id) { Ok(of) } else { Err("sender_unproved") }
    }
}
