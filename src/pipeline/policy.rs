//! The policy in force: every company with its keys, the classifier's rules, and the networks that may relay.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::{Company, Received};
use crate::classify::Rules;
use crate::mail::address::Domain;
use crate::mail::message::Message;
use crate::referral::{CompanyId, CompanyKeys};

/// A company and the keys that were derived for it.
#[derive(Debug)]
pub struct InForce {
    /// The company.
    pub company: Company,
    /// Its keys.
    pub keys: CompanyKeys,
}

/// All that deciding on a mail may depend on. Built whole, swapped whole, never changed.
pub struct Policy {
    /// The classifier's rules.
    pub rules: Arc<Rules>,
    companies: Vec<InForce>,
    by_domain: HashMap<Domain, usize>,
    relay_networks: Vec<IpNet>,
}

impl Policy {
    /// Builds the policy. Where two companies claim one sender domain neither gets it: mail of that domain passes
    /// untouched. (The configuration refuses such a claim; this is the second lock.)
    pub fn new(companies: Vec<InForce>, relay_networks: Vec<IpNet>, rules: Arc<Rules>) -> Self {
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
        Self { rules, companies, by_domain, relay_networks }
    }

    /// The companies in their order.
    pub fn companies(&self) -> impl Iterator<Item = &InForce> {
        self.companies.iter()
    }

    /// The company of this id.
    pub fn company(&self, id: &CompanyId) -> Option<&InForce> {
        self.companies.iter().find(|of| of.company.id == *id)
    }

    /// The first question of design §3.1: may a client at this address relay at all?
    pub fn may_relay(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        let company = |of: &InForce| of.company.proved_by.networks.iter().any(|n| n.contains(&ip));
        self.relay_networks.iter().any(|n| n.contains(&ip)) || self.companies.iter().any(company)
    }

    /// The second question: whose mail is it? The envelope's sender decides, else From; and From must be the same
    /// company's, since a forwarded mail carries a stranger's From behind the forwarder's envelope.
    pub(super) fn company_of(&self, received: &Received, message: &Message<'_>) -> Result<&InForce, &'static str> {
        let sender = received.envelope.sender.as_ref().ok_or("null_sender")?;
        let from = message.from().and_then(|a| a.domain()).ok_or("no_from")?;
        let of_domain = |d: &Domain| self.by_domain.get(d).map(|&i| &self.companies[i]);
        let of = sender.domain().and_then(of_domain).or_else(|| of_domain(from)).ok_or("no_company")?;
        if !of.company.sends_from(from) {
            return Err("from_elsewhere");
        }
        let mut client = received.client.clone();
        client.ip = client.ip.to_canonical();
        if of.company.proved_by.proves(&client) { Ok(of) } else { Err("sender_unproved") }
    }
}
