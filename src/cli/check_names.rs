//! `check --dns`: what the name servers say of the domains that the files name.

use std::io;

use crate::config::Settings;
use crate::mail::address::Domain;
use crate::pipeline::{Company, ReturnPath};
use crate::sys::own_address::is_own;
use crate::sys::resolver::{LookupFault, NameServers, Resolve};

/// What is wrong with the DNS records of the return paths, a sentence with its remedy each; empty when all is well.
///
/// # Errors
/// When no runtime can be had.
pub fn check(settings: &Settings) -> io::Result<Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(async {
        match NameServers::new(&settings.dns.servers, false) {
            Ok(names) => ask(settings, &names).await,
            Err(fault) => vec![format!("dns.servers: {fault}; name the servers to ask")],
        }
    }))
}

async fn ask(settings: &Settings, names: &dyn Resolve) -> Vec<String> {
    let mut found = Vec::new();
    let with_path = |company| -> Option<(&Company, &ReturnPath)> { Some((company, company.return_path.as_ref()?)) };
    for (company, path) in settings.companies.iter().filter_map(with_path) {
        let wrong = [mail_comes_here(settings, names, &path.domain).await, has_spf(names, &path.domain).await];
        let told = wrong.into_iter().flatten();
        found.extend(told.map(|what| format!("{}: return_path.domain: {what}", company.id)));
    }
    found
}

/// Why mail for the domain does not come to this host, as far as its records tell.
async fn mail_comes_here(settings: &Settings, names: &dyn Resolve, domain: &Domain) -> Option<String> {
    let hosts = match names.mx(domain.as_str()).await {
        Ok(answer) => answer.records,
        Err(fault) => return Some(missing(domain, "MX", &fault, "let one lead to this host")),
    };
    for mx in &hosts {
        let is_ours = settings.hostname.as_ref().is_some_and(|ours| ours.as_str() == mx.host);
        let addresses = names.addresses(&mx.host).await.map(|answer| answer.records).unwrap_or_default();
        if is_ours || addresses.into_iter().any(is_own) {
            return None;
        }
    }
    let told: Vec<&str> = hosts.iter().map(|mx| &*mx.host).collect();
    let remedy = "let the MX lead to this host, or set hostname to the name it bears there";
    Some(format!("the mail servers of {domain} are {}, and none of them is here; {remedy}", told.join(", ")))
}

/// Why SPF does not speak for mail from the domain (RFC 7208 4.5).
async fn has_spf(names: &dyn Resolve, domain: &Domain) -> Option<String> {
    let remedy = "publish \"v=spf1 …\" with the addresses mail leaves from";
    let texts = match names.txt(domain.as_str()).await {
        Ok(answer) => answer.records,
        Err(fault) => return Some(missing(domain, "TXT", &fault, remedy)),
    };
    let is_spf = |text: &&Vec<u8>| {
        let version = text.split(|b| *b == b' ').next().unwrap_or_default();
        version.eq_ignore_ascii_case(b"v=spf1")
    };
    match texts.iter().filter(is_spf).count() {
        1 => None,
        0 => Some(format!("{domain} has no SPF record, so receivers cannot tell who may send for it; {remedy}")),
        n => Some(format!("{domain} has {n} SPF records, which is the same as a broken one; keep one")),
    }
}

fn missing(domain: &Domain, kind: &str, fault: &LookupFault, remedy: &str) -> String {
    format!("{domain} has no {kind} record that could be found ({fault}); {remedy}")
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::config::example_company;
    use crate::sys::resolver::{Answer, Lookup, Mx};
    use crate::sys::tls::Tlsa;

    #[derive(Debug)]
    struct Records {
        mx: &'static str,
        txt: &'static [&'static str],
    }

    fn answer<T: Send + 'static>(records: Vec<T>) -> Lookup<'static, T> {
        let none = records.is_empty();
        let answer = Answer { records, secure: false, name: String::new() };
        Box::pin(async move { if none { Err(LookupFault::NoRecords) } else { Ok(answer) } })
    }

    impl Resolve for Records {
        fn mx<'a>(&'a self, _domain: &'a str) -> Lookup<'a, Mx> {
            let host = |host: &str| Mx { preference: 10, host: host.to_owned() };
            answer(self.mx.split_whitespace().map(host).collect())
        }

        fn addresses<'a>(&'a self, host: &'a str) -> Lookup<'a, IpAddr> {
            answer((host == "here.example").then_some(IpAddr::from([127, 0, 0, 1])).into_iter().collect())
        }

        fn txt<'a>(&'a self, _name: &'a str) -> Lookup<'a, Vec<u8>> {
            answer(self.txt.iter().map(|text| text.as_bytes().to_vec()).collect())
        }

        fn tlsa<'a>(&'a self, _name: &'a str) -> Lookup<'a, Tlsa> {
            answer(Vec::new())
        }
    }

    /// What is found, as far as it matters.
    fn check(mx: &'static str, txt: &'static [&'static str], expect: &[&str]) {
        let domain = |text: &str| Domain::parse(text).unwrap_or_else(|e| panic!("{e}"));
        let (domain_of_it, probes) = (domain("bounce.sample.example"), crate::pipeline::Probes::default());
        let return_path = Some(ReturnPath { domain: domain_of_it, keep_days: 14, probes });
        let company = Company { return_path, ..example_company().unwrap_or_else(|e| panic!("{e}")) };
        let hostname = Some(domain("relay.sample.example"));
        let settings = Settings { companies: vec![company], hostname, ..Settings::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap_or_else(|e| panic!("{e}"));
        let found = runtime.block_on(ask(&settings, &Records { mx, txt }));
        assert_eq!(found.len(), expect.len(), "{found:?}");
        for (line, part) in found.iter().zip(expect) {
            assert!(line.starts_with("example: return_path.domain: ") && line.contains(part), "{line}");
        }
    }

    const SPF: &[&str] = &["other=1", "v=spf1 ip4:192.0.2.1 -all"];

    #[test]
    fn a_return_path_needs_an_mx_that_leads_here_and_one_spf_record() {
        check("relay.sample.example", SPF, &[]);
        check("elsewhere.example here.example", SPF, &[]);
        check("", SPF, &["no MX record"]);
        check("mx.elsewhere.example", SPF, &["are mx.elsewhere.example, and none"]);
        check("here.example", &["v=spf10 x"], &["no SPF record"]);
        check("here.example", &[], &["no TXT record"]);
        check("here.example", &["v=spf1 -all", "V=SPF1 ~all"], &["2 SPF records"]);
    }
}
