//! The mail servers of a domain, found as RFC 5321 5.1 says: MX records by preference, else the domain's own address.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::proto::smtp::reply::Reply;
use crate::sys::own_address::is_own;
use crate::sys::random;
use crate::sys::resolver::{Answer, LookupFault, Mx, Resolve};

/// Hosts whose addresses are looked up.
const HOSTS_MAX: usize = 20;
/// Hosts one attempt goes to.
pub(super) const HOSTS_TRIED_MAX: usize = 5;
/// Addresses of one host.
const ADDRESSES_MAX: usize = 4;

/// One mail server of a domain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Server {
    pub(super) host: Arc<str>,
    /// The name that has the addresses: another one where the host's is an alias.
    pub(super) name: String,
    pub(super) addresses: Vec<IpAddr>,
    /// Whether the way from the domain to its name and on to its addresses is signed.
    pub(super) secure: bool,
}

/// Why a domain has none for us.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum NoServer {
    /// It never will: the reply for its recipients.
    Refused(Reply),
    /// The names cannot be told now.
    Later(String),
}

/// Who we are, to know our own name or address among the servers of a domain.
#[derive(Clone, Debug, Default)]
pub(super) struct Us {
    pub(super) hostname: String,
    /// Where we listen.
    pub(super) listening: Vec<SocketAddr>,
}

impl Us {
    fn is_at(&self, ip: IpAddr, port: u16) -> bool {
        let heard = |l: &SocketAddr| l.ip() == ip || (l.ip().is_unspecified() && is_own(ip));
        self.listening.iter().any(|l| l.port() == port && heard(l))
    }
}

/// The servers of a domain in the order in which they are tried, at most [`HOSTS_TRIED_MAX`]; equals in an order drawn
/// anew each time. Those that are no better than ourselves are left out, or mail would go round.
pub(super) async fn servers(
    names: &Arc<dyn Resolve>,
    us: &Us,
    domain: &str,
    port: u16,
) -> Result<Vec<Server>, NoServer> {
    let (hosts, secure) = hosts(names, domain).await?;
    let mut found = Vec::new();
    let mut unknown = None;
    let mut ours = hosts.iter().filter(|mx| mx.host.eq_ignore_ascii_case(&us.hostname)).map(|mx| mx.preference).min();
    for (mx, addresses) in addresses_of(names, hosts).await {
        match addresses {
            Ok(answer) if answer.records.iter().any(|ip| us.is_at(*ip, port)) => {
                ours = Some(ours.map_or(mx.preference, |p| p.min(mx.preference)));
            }
            Ok(Answer { mut records, secure: signed, name }) => {
                records.truncate(ADDRESSES_MAX);
                let server = Server { host: mx.host.into(), name, addresses: records, secure: secure && signed };
                found.push((mx.preference, server));
            }
            Err(LookupFault::Temporary(why)) => unknown = Some(why),
            Err(LookupFault::NoSuchName | LookupFault::NoRecords) => {}
        }
    }
    let better = |preference: u16| ours.is_none_or(|ours| preference < ours);
    found.retain(|(preference, _)| better(*preference));
    match (found.is_empty(), unknown, ours) {
        (false, ..) => Ok(found.into_iter().map(|(_, server)| server).take(HOSTS_TRIED_MAX).collect()),
        (true, Some(why), _) => Err(NoServer::Later(why)),
        (true, None, Some(_)) => Err(refused(550, (5, 4, 6), "Mail for this domain leads back to this host")),
        (true, None, None) => Err(refused(550, (5, 4, 4), "No mail server of this domain has an address")),
    }
}

/// The hosts by preference, and whether the answer is signed.
async fn hosts(names: &Arc<dyn Resolve>, domain: &str) -> Result<(Vec<Mx>, bool), NoServer> {
    let Answer { mut records, secure, .. } = match names.mx(domain).await {
        Ok(answer) => answer,
        // RFC 5321 5.1: the domain is its own mail server. A name server that finds the address of this very name
        // signed has also found it signed that there is no MX, so this is as secure as the address.
        Err(LookupFault::NoRecords) => {
            let records = vec![Mx { preference: 0, host: domain.to_owned() }];
            Answer { records, secure: true, name: domain.to_owned() }
        }
        Err(LookupFault::NoSuchName) => return Err(refused(550, (5, 1, 2), "This domain does not exist")),
        Err(LookupFault::Temporary(why)) => return Err(NoServer::Later(why)),
    };
    records.retain(|mx| !mx.host.is_empty());
    if records.is_empty() {
        // RFC 7505 4: the null MX.
        return Err(refused(556, (5, 1, 10), "This domain takes no mail"));
    }
    records.sort_by_cached_key(|mx| (mx.preference, u64::from_ne_bytes(random::octets())));
    records.truncate(HOSTS_MAX);
    Ok((records, secure))
}

/// The addresses of all hosts, looked up at once and given in their order.
async fn addresses_of(names: &Arc<dyn Resolve>, hosts: Vec<Mx>) -> Vec<(Mx, Result<Answer<IpAddr>, LookupFault>)> {
    let mut asking = JoinSet::new();
    for (place, mx) in hosts.into_iter().enumerate() {
        let names = Arc::clone(names);
        asking.spawn(async move {
            let addresses = names.addresses(&mx.host).await;
            (place, mx, addresses)
        });
    }
    let mut found = asking.join_all().await;
    found.sort_by_key(|(place, ..)| *place);
    found.into_iter().map(|(_, mx, addresses)| (mx, addresses)).collect()
}

/// The reply for recipients that can never be reached.
pub(super) fn refused(code: u16, status: (u8, u16, u16), text: &'static str) -> NoServer {
    NoServer::Refused(Reply::new(code, status, text))
}

/// The address in a domain such as `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 4.1.3).
pub(super) fn literal(domain: &str) -> Option<IpAddr> {
    let inner = domain.strip_prefix('[')?.strip_suffix(']')?;
    inner.strip_prefix("ipv6:").unwrap_or(inner).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::tests::names::Names;

    /// The servers of `candidate.example` in one line, or why there is none.
    async fn check(lines: &[&str], wanted: &str) {
        let names: Arc<dyn Resolve> = Arc::new(Names::knowing(lines));
        let listening = vec![SocketAddr::from(([127, 0, 0, 9], 25)), SocketAddr::from(([0, 0, 0, 0], 2525))];
        let us = Us { hostname: "relay.sakura.example".to_owned(), listening };
        let told = match servers(&names, &us, "candidate.example", 25).await {
            Ok(servers) => {
                let all = servers.iter().map(|s| format!("{} {:?}", s.host, s.addresses)).collect::<Vec<_>>();
                all.join(", ")
            }
            Err(NoServer::Refused(reply)) => reply.to_string(),
            Err(NoServer::Later(why)) => format!("later: {why}"),
        };
        assert!(told.starts_with(wanted) && !wanted.is_empty(), "{lines:?}: {told}");
    }

    #[tokio::test]
    async fn servers_come_by_preference_and_those_without_an_address_are_left_out() {
        let lines = [
            "candidate.example MX 30 c.example",
            "candidate.example MX 10 a.example",
            "candidate.example MX 20 b.example",
            "a.example A 192.0.2.1",
            "a.example A 2001:db8::1",
            "c.example A 192.0.2.3",
        ];
        check(&lines, "a.example [192.0.2.1, 2001:db8::1], c.example [192.0.2.3]").await;
    }

    #[tokio::test]
    async fn equals_come_in_any_order() {
        let lines =
            ["x.example MX 5 a.example", "x.example MX 5 b.example", "a.example A 1.1.1.1", "b.example A 1.1.1.2"];
        let names: Arc<dyn Resolve> = Arc::new(Names::knowing(&lines));
        let mut first = std::collections::BTreeSet::new();
        for _ in 0..64 {
            let found = servers(&names, &Us::default(), "x.example", 25).await.unwrap_or_else(|e| panic!("{e:?}"));
            first.insert(found[0].host.to_string());
        }
        assert_eq!(first.len(), 2);
    }

    #[tokio::test]
    async fn without_an_mx_the_domain_is_its_own_server() {
        check(&["candidate.example A 192.0.2.1"], "candidate.example [192.0.2.1]").await;
        check(&["candidate.example TXT x"], "550 5.4.4 ").await;
    }

    #[tokio::test]
    async fn what_will_never_be_is_told_from_what_is_not_known_now() {
        check(&[], "550 5.1.2 ").await;
        check(&["candidate.example MX 0 ."], "556 5.1.10 ").await;
        check(&["candidate.example FAILS"], "later: ").await;
        check(&["candidate.example MX 1 a.example"], "550 5.4.4 ").await;
        check(&["candidate.example MX 1 a.example", "a.example FAILS"], "later: ").await;
        let one_fails = ["candidate.example MX 1 a.example", "a.example FAILS", "candidate.example MX 2 b.example"];
        check(&[&one_fails[..], &["b.example A 192.0.2.2"]].concat(), "b.example [192.0.2.2]").await;
        // The null MX beside others says nothing (RFC 7505 3).
        check(&["candidate.example MX 0 .", "candidate.example MX 1 b.example", "b.example A 192.0.2.2"], "b.example")
            .await;
    }

    #[tokio::test]
    async fn where_we_are_a_server_ourselves_only_better_ones_are_used() {
        let lines = [
            "candidate.example MX 10 a.example",
            "candidate.example MX 20 relay.sakura.example",
            "candidate.example MX 20 b.example",
            "candidate.example MX 30 c.example",
            "a.example A 192.0.2.1",
            "b.example A 192.0.2.2",
            "c.example A 192.0.2.3",
            "relay.sakura.example A 192.0.2.9",
        ];
        check(&lines, "a.example [192.0.2.1]").await;
        check(&lines[1..], "550 5.4.6 ").await;
        // By the address we listen on, whatever the name.
        check(&["candidate.example MX 10 a.example", "a.example A 127.0.0.9"], "550 5.4.6 ").await;
        check(&["candidate.example MX 10 a.example", "a.example A 127.0.0.8"], "a.example").await;
    }

    #[test]
    fn address_literals_are_read() {
        let read = |text| literal(text).map(|ip| ip.to_string());
        assert_eq!(read("[192.0.2.1]").as_deref(), Some("192.0.2.1"));
        assert_eq!(read("[ipv6:2001:db8::1]").as_deref(), Some("2001:db8::1"));
        assert_eq!(read("candidate.example"), None);
    }
}
