//! The name servers of the settings or of this machine, asked by hickory and remembered for as long as they say.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer, RetryDnsHandle};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{DnsRequest, DnsRequestOptions, Edns, Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, ResponseCache, TlsConfig, TtlConfig, system_conf};
use tokio::time::timeout;

use super::{Answer, Lookup, LookupFault, Mx, Resolve, joined};
use crate::sys::tls::Tlsa;

/// How long one try at the name servers may take; a second one follows.
const TRY_FOR: Duration = Duration::from_secs(3);
/// How long one question may take, with all tries and aliases.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Answers remembered.
const CACHED_MAX: u64 = 20_000;
/// The longest time an answer is remembered, whatever it says.
const CACHED_FOR_MAX: Duration = Duration::from_hours(24);
/// Aliases followed for one question.
const ALIASES_MAX: usize = 8;
/// Octets of an answer over UDP that pass everywhere (RFC 9715); a longer one comes over TCP.
const UDP_OCTETS_MAX: u16 = 1232;

/// Name servers, asked by the protocol. Answers are kept for their time to live.
pub struct NameServers {
    pool: RetryDnsHandle<NameServerPool<TokioRuntimeProvider>>,
    cache: ResponseCache,
    /// Whether their word that an answer is signed is believed.
    dnssec: bool,
}

impl fmt::Debug for NameServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameServers").field("dnssec", &self.dnssec).finish_non_exhaustive()
    }
}

impl NameServers {
    /// Asks these servers, or without any those of `/etc/resolv.conf`; where that names none either, this machine's
    /// own. `dnssec` says that their AD bit is believed: only for a validating server over a way nobody can tamper
    /// with.
    ///
    /// # Errors
    /// When the machine's configuration cannot be understood.
    pub fn new(servers: &[SocketAddr], dnssec: bool) -> Result<Self, LookupFault> {
        let mut configs: Vec<NameServerConfig> = servers.iter().map(|at| server_at(*at)).collect();
        if configs.is_empty() {
            let (system, _) = system_conf::read_system_conf().map_err(|e| LookupFault::Temporary(e.to_string()))?;
            configs = system.name_servers().to_vec();
        }
        if configs.is_empty() {
            configs.push(server_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 53))));
        }
        let mut options = ResolverOpts::default();
        options.timeout = TRY_FOR;
        options.positive_max_ttl = Some(CACHED_FOR_MAX);
        options.negative_max_ttl = Some(CACHED_FOR_MAX);
        options.try_tcp_on_error = true;
        let tls = TlsConfig::new().map_err(|e| LookupFault::Temporary(e.to_string()))?;
        let cache = ResponseCache::new(CACHED_MAX, TtlConfig::from_opts(&options));
        let context = Arc::new(PoolContext::new(options, tls));
        let pool = NameServerPool::from_config(configs, context, TokioRuntimeProvider::default());
        Ok(Self { pool: RetryDnsHandle::new(pool, 1), cache, dnssec })
    }

    /// The records of a name, aliases followed.
    async fn ask<T>(&self, name: &str, kind: RecordType, read: fn(&RData) -> Option<T>) -> Found<T> {
        let asking = timeout(ANSWER_WITHIN, self.follow(name, kind, read)).await;
        asking.unwrap_or_else(|_| Err(LookupFault::Temporary("no answer in time".to_owned())))
    }

    async fn follow<T>(&self, name: &str, kind: RecordType, read: fn(&RData) -> Option<T>) -> Found<T> {
        // What is no name in the DNS does not exist there.
        let mut name = Name::from_ascii(name).map_err(|_| LookupFault::NoSuchName)?.to_lowercase();
        name.set_fqdn(true);
        let mut secure = self.dnssec;
        for _ in 0..ALIASES_MAX {
            let message = self.one(&name, kind).await?;
            secure &= message.metadata.authentic_data;
            let Some(end) = end_of_aliases(&message, &name) else { break };
            let of_end = message.answers.iter().filter(|r| r.name == end && r.record_type() == kind);
            let records: Vec<T> = of_end.filter_map(|r| read(&r.data)).collect();
            if !records.is_empty() {
                return Ok(Answer { records, secure, name: plain(&end) });
            }
            if message.metadata.response_code == ResponseCode::NXDomain {
                return Err(LookupFault::NoSuchName);
            }
            if end == name {
                return Err(LookupFault::NoRecords);
            }
            name = end;
        }
        Err(LookupFault::Temporary("aliases without end".to_owned()))
    }

    /// One question, from memory or from a server.
    async fn one(&self, name: &Name, kind: RecordType) -> Result<Message, LookupFault> {
        let query = Query::query(name.clone(), kind);
        if let Some(known) = self.cache.get(&query, Instant::now()) {
            return known.map_err(|e| fault(&e));
        }
        let request = self.request(query.clone());
        let answered =
            self.pool.send(request).first_answer().await.map(hickory_resolver::proto::op::DnsResponse::into_message);
        self.cache.insert(query, answered.clone(), Instant::now());
        answered.map_err(|e| fault(&e))
    }

    /// AD in the question asks for AD in the answer (RFC 6840 5.7); DO makes older servers validate at all.
    fn request(&self, query: Query) -> DnsRequest {
        let mut message = Message::query();
        message.add_query(query);
        message.metadata.recursion_desired = true;
        message.metadata.authentic_data = self.dnssec;
        let mut edns = Edns::new();
        edns.set_max_payload(UDP_OCTETS_MAX).set_dnssec_ok(self.dnssec);
        message.set_edns(edns);
        let mut options = DnsRequestOptions::default();
        options.use_edns = true;
        options.edns_payload_len = UDP_OCTETS_MAX;
        options.edns_set_dnssec_ok = self.dnssec;
        options.recursion_desired = true;
        DnsRequest::new(message, options)
    }
}

type Found<T> = Result<Answer<T>, LookupFault>;

fn server_at(at: SocketAddr) -> NameServerConfig {
    let on_port = |mut connection: ConnectionConfig| {
        connection.port = at.port();
        connection
    };
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(on_port);
    NameServerConfig::new(at.ip(), true, connections.to_vec())
}

/// Where the aliases in an answer lead, as far as they stand in it; nothing when they lead round.
fn end_of_aliases(message: &Message, name: &Name) -> Option<Name> {
    let mut end = name.clone();
    for _ in 0..ALIASES_MAX {
        let alias = message.answers.iter().filter(|r| r.name == end).find_map(|r| match &r.data {
            RData::CNAME(target) => Some(target.0.to_lowercase()),
            _ => None,
        });
        let Some(target) = alias else { return Some(end) };
        end = target;
    }
    None
}

/// The name in lower case without the last dot.
fn plain(name: &Name) -> String {
    name.to_lowercase().to_ascii().trim_end_matches('.').to_owned()
}

fn fault(error: &NetError) -> LookupFault {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) if none.response_code == ResponseCode::NXDomain => {
            LookupFault::NoSuchName
        }
        NetError::Dns(DnsError::NoRecordsFound(_)) => LookupFault::NoRecords,
        other => LookupFault::Temporary(other.to_string()),
    }
}

impl Resolve for NameServers {
    fn mx<'a>(&'a self, domain: &'a str) -> Lookup<'a, Mx> {
        Box::pin(self.ask(domain, RecordType::MX, |data| match data {
            RData::MX(mx) => Some(Mx { preference: mx.preference, host: plain(&mx.exchange) }),
            _ => None,
        }))
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Lookup<'a, IpAddr> {
        let read: fn(&RData) -> Option<IpAddr> = |data| data.ip_addr();
        Box::pin(async move {
            let (v4, v6) = (self.ask(host, RecordType::A, read), self.ask(host, RecordType::AAAA, read));
            let (v4, v6) = tokio::join!(v4, v6);
            joined(v4, v6)
        })
    }

    fn txt<'a>(&'a self, name: &'a str) -> Lookup<'a, Vec<u8>> {
        Box::pin(self.ask(name, RecordType::TXT, |data| match data {
            RData::TXT(txt) => Some(txt.txt_data.concat()),
            _ => None,
        }))
    }

    fn tlsa<'a>(&'a self, name: &'a str) -> Lookup<'a, Tlsa> {
        Box::pin(self.ask(name, RecordType::TLSA, |data| match data {
            RData::TLSA(tlsa) => Some(Tlsa {
                usage: u8::from(tlsa.cert_usage),
                selector: u8::from(tlsa.selector),
                matching: u8::from(tlsa.matching),
                data: tlsa.cert_data.as_slice().into(),
            }),
            _ => None,
        }))
    }
}
