//! The first question of design §3.1, may this client relay at all?, and the mark that answers both for shared clients.

use std::ops::Range;

use ipnet::IpNet;

use super::company::is_listed;
use super::{Client, InForce, Policy};
use crate::mail::fields;
use crate::referral::CompanyId;

/// Who may relay beside those that prove a company, and how a mail of a shared client is marked.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Relaying {
    /// Clients in these networks may relay.
    pub networks: Vec<IpNet>,
    /// Clients that speak for many tenants.
    pub shared: Vec<SharedClients>,
    /// The field that carries a company's routing secret.
    pub header: String,
}

/// Clients that speak for many tenants: a cloud mail service, an ATS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SharedClients {
    /// Its name in events and findings.
    pub name: String,
    /// The networks it sends from.
    pub networks: Vec<IpNet>,
    /// Names in the client certificate it shows.
    pub certificates: Vec<String>,
    /// The field in which the service itself names the tenant; believed over TLS with one of `certificates` alone.
    pub tenant_header: Option<String>,
}

impl SharedClients {
    fn are(&self, client: &Client) -> bool {
        let ip = client.ip.to_canonical();
        self.networks.iter().any(|n| n.contains(&ip)) || self.have_certificate(client)
    }

    fn have_certificate(&self, client: &Client) -> bool {
        client.certificates.iter().any(|name| is_listed(name, &self.certificates))
    }
}

/// Whether a client may relay.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Admission {
    /// It is a stranger.
    Refused,
    /// Its user, its certificate or its address allows it.
    Granted,
    /// Others share it: each mail must bear a company's mark.
    ByMark,
}

/// What the routing and tenant headers of one mail say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Mark {
    /// The company it was marked for.
    pub company: Option<CompanyId>,
    /// The routing header's octets, which must not leave; in their order.
    pub cut: Vec<Range<usize>>,
}

impl Policy {
    /// The first question: may the client relay? Whoever has logged in may, wherever from; a shared client is believed
    /// nothing else, also where a network or certificate of its is listed.
    pub fn admission(&self, client: &Client) -> Admission {
        if client.user.is_some() {
            return Admission::Granted;
        }
        if self.is_shared(client) {
            return Admission::ByMark;
        }
        let client = Client { ip: client.ip.to_canonical(), ..client.clone() };
        let listed = self.relaying.networks.iter().any(|n| n.contains(&client.ip));
        let granted = listed || self.companies().any(|of| of.proofs().lists_host(&client));
        if granted { Admission::Granted } else { Admission::Refused }
    }

    /// The field that carries a company's routing secret.
    pub fn routing_header(&self) -> &str {
        &self.relaying.header
    }

    /// Whether many tenants send from where this client is.
    pub fn is_shared(&self, client: &Client) -> bool {
        self.relaying.shared.iter().any(|s| s.are(client))
    }

    /// Whose mark a mail of this client bears, and what has to be cut out of it before anything else is done with it.
    ///
    /// The routing header counts when it stands there once; a second one was put there by somebody who hoped that one
    /// of them would do. The tenant header is the service's word, and is taken over its own verified certificate alone.
    pub fn routing_mark(&self, client: &Client, message: &[u8]) -> Mark {
        let routing = fields::named(message, &self.relaying.header);
        let by_tenant = self.tenant_of(client, message);
        let company = match (&routing[..], by_tenant) {
            ([], Tenant::Known(of)) => Some(of),
            ([field], _) => {
                let value = fields::unfolded(&message[field.value.clone()]);
                self.routed(&value).filter(|of| by_tenant.allows(of))
            }
            _ => None,
        };
        Mark {
            company: company.map(|of| of.company.id.clone()),
            cut: routing.into_iter().map(|field| field.whole).collect(),
        }
    }

    /// The company whose secret this is. All secrets of all companies are compared, so that the time it takes tells
    /// nothing about any of them.
    fn routed(&self, value: &[u8]) -> Option<&InForce> {
        let known = |of: &&InForce| of.proofs().routing.iter().fold(false, |known, secret| known | secret.is(value));
        let mut found: Vec<&InForce> = self.companies().filter(known).collect();
        found.pop().filter(|_| found.is_empty())
    }

    /// The company that the service names.
    fn tenant_of(&self, client: &Client, message: &[u8]) -> Tenant<'_> {
        let service = self.relaying.shared.iter().find(|s| s.tenant_header.is_some() && s.have_certificate(client));
        let Some(header) = service.and_then(|s| s.tenant_header.as_deref()) else { return Tenant::Unsaid };
        let fields = fields::named(message, header);
        let [field] = &fields[..] else {
            return if fields.is_empty() { Tenant::Unsaid } else { Tenant::Unknown };
        };
        let value = fields::unfolded(&message[field.value.clone()]);
        let is_its = |t: &String| t.as_bytes().eq_ignore_ascii_case(&value);
        let mut found = self.companies().filter(|of| of.proofs().tenant.as_ref().is_some_and(is_its));
        match (found.next(), found.next()) {
            (Some(of), None) => Tenant::Known(of),
            _ => Tenant::Unknown,
        }
    }
}

/// What a service says about whose mail it is.
#[derive(Clone, Copy)]
enum Tenant<'a> {
    /// Nothing that is believed.
    Unsaid,
    /// Something that is no company's, or not one thing.
    Unknown,
    /// This company's.
    Known(&'a InForce),
}

impl Tenant<'_> {
    /// Whether it does not speak against a mail that bears the company's routing secret.
    fn allows(&self, of: &InForce) -> bool {
        match self {
            Self::Unsaid => true,
            Self::Unknown => of.proofs().tenant.is_none(),
            Self::Known(known) => known.company.id == of.company.id,
        }
    }
}
