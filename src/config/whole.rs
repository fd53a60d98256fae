//! What no single key can be blamed for: two companies with one domain, contracts no route can prove, routes in loops.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use super::company::CompanyPlaces;
use super::dkim_keys;
use super::doors::Listener;
use super::finding::{Severity, Wrong};
use super::installation::InstallationPlaces;
use super::reader::{Place, Report};
use super::routes::{DomainPattern, NextHop, Route, TlsMode};
use super::settings::Settings;
use super::trust;
use crate::ledger::{CountOn, Proves};
use crate::mail::address::Domain;
use crate::pipeline::{Company, Mode, ReturnPath};

/// Checks the files against each other.
pub(super) fn check(
    settings: &Settings,
    places: &InstallationPlaces,
    companies: &[(Company, CompanyPlaces)],
    report: &Report,
) {
    check_data_dir(&settings.data_dir, &places.data_dir, report);
    check_routes(settings, &places.routes, report);
    check_loops(settings, places, report);
    check_mx(settings, places, report);
    trust::check(settings, &places.doors, companies, report);
    check_claims(companies, report);
    check_return_paths(settings, companies, report);
    dkim_keys::check((&settings.dkim, &places.dkim), companies, report);
    for (company, at) in companies {
        check_mode(company, at, report);
        check_contracts(company, at, settings, report);
        check_retention(company, &places.keep_persons, settings, report);
    }
}

impl Report {
    pub(super) fn fault(&self, at: &Place, wrong: Wrong) {
        self.add(at.clone().finding(Severity::Fault, wrong));
    }

    pub(super) fn warn(&self, at: &Place, wrong: Wrong) {
        self.add(at.clone().finding(Severity::Warning, wrong));
    }
}

fn check_data_dir(data_dir: &Path, at: &Place, report: &Report) {
    if data_dir.exists() && !data_dir.is_dir() {
        let what = format!("{} is not a folder", data_dir.display());
        report.fault(at, Wrong::new(what, "name a folder of its own; it is created when missing"));
    }
}

fn check_routes(settings: &Settings, places: &[Place], report: &Report) {
    if settings.routes.len() != places.len() {
        return;
    }
    let mut names: HashMap<&str, &Place> = HashMap::new();
    let mut patterns: HashMap<&DomainPattern, &Place> = HashMap::new();
    for (route, at) in settings.routes.iter().zip(places) {
        if let Some(other) = names.insert(&route.name, at) {
            let what = format!("two routes are called {:?}; the other stands at {}", route.name, other.pointer());
            report.fault(at, Wrong::new(what, "give each a name of its own: events and the ledger show it"));
        }
        for pattern in &route.domains {
            if let Some(other) = patterns.insert(pattern, at).filter(|other| !std::ptr::eq(*other, at)) {
                let what = format!("{pattern} is served by two routes; the other stands at {}", other.pointer());
                report.fault(at, Wrong::new(what, "leave it to one of them"));
            }
        }
    }
}

/// What a route asks of servers that are found by name and belong to others.
fn check_mx(settings: &Settings, places: &InstallationPlaces, report: &Report) {
    let to_mx = |route: &Route| matches!(route.next_hop, NextHop::Mx { .. });
    for (route, at) in settings.routes.iter().zip(&places.routes).filter(|(route, _)| to_mx(route)) {
        let asks = matches!(route.tls.mode, TlsMode::Required | TlsMode::Verified);
        if asks && route.domains.contains(&DomainPattern::Any) {
            let what = format!("route {:?} asks all mail servers of the world for TLS they may not have", route.name);
            let remedy = "use tls = \"opportunistic\" for \"*\", and a route of its own for domains that have it";
            report.warn(at, Wrong::new(what, remedy));
        }
        if route.tls.mode == TlsMode::Verified && route.tls.names.is_empty() && !settings.dns.dnssec {
            let what = format!("route {:?} checks names that it is told by DNS answers nobody has signed", route.name);
            report.warn(at, Wrong::new(what, "set tls_names, or dns.dnssec with a validating name server"));
        }
    }
}

/// A route to our own door would send each mail round until the hop count ends it.
fn check_loops(settings: &Settings, places: &InstallationPlaces, report: &Report) {
    let leads_to = |hop: &NextHop, listener: &Listener| {
        let (NextHop::Host(hop) | NextHop::Lmtp(hop)) = hop else { return false };
        let ip = listener.address.ip();
        let there: Option<IpAddr> =
            if hop.host == "localhost" { Some(Ipv4Addr::LOCALHOST.into()) } else { hop.host.parse().ok() };
        let same = there.is_some_and(|h| h == ip || h.is_loopback() && (ip.is_loopback() || ip.is_unspecified()));
        listener.address.port() == hop.port && same
    };
    for (route, at) in settings.routes.iter().zip(&places.routes) {
        let mut ours = settings.smtp.listeners.iter().zip(&places.doors.listeners);
        if let Some((_, door)) = ours.find(|(listener, _)| leads_to(&route.next_hop, listener)) {
            let what = format!("route {:?} leads to {}, where we listen ourselves", route.name, route.next_hop);
            let remedy = format!("change next_hop, or the listener at {}", door.address.pointer());
            report.fault(at, Wrong::new(what, remedy));
        }
    }
}

fn check_claims(companies: &[(Company, CompanyPlaces)], report: &Report) {
    let mut ids: HashMap<&str, &Place> = HashMap::new();
    let mut domains: HashMap<&str, (&Company, &Place)> = HashMap::new();
    for (company, at) in companies {
        if let Some(other) = ids.insert(company.id.as_str(), &at.id) {
            let what = format!("id {:?} is taken at {}", company.id.as_str(), other.pointer());
            report.fault(&at.id, Wrong::new(what, "give each company an id of its own"));
        }
        for domain in &company.sender_domains {
            let claim = domains.insert(domain.as_str(), (company, &at.sender_domains));
            if let Some((_, other)) = claim.filter(|(other, _)| other.id != company.id) {
                let what = format!("{domain} is claimed at {} too", other.pointer());
                let remedy = "leave each sender domain to one company, or a referral could be counted for the other";
                report.fault(&at.sender_domains, Wrong::new(what, remedy));
            }
        }
    }
}

/// Two companies with one return path could not be told apart, and nothing comes back where nobody may come in.
fn check_return_paths(settings: &Settings, companies: &[(Company, CompanyPlaces)], report: &Report) {
    let mut seen: HashMap<&str, &Place> = HashMap::new();
    for (company, at) in companies {
        let Some(path) = &company.return_path else { continue };
        if let Some(other) = seen.insert(path.domain.as_str(), &at.return_path) {
            let what = format!("{} is the return path at {} too", path.domain, other.pointer());
            report.fault(&at.return_path, Wrong::new(what, "give each company a sub-domain of its own"));
        }
        let is_open = |door: &Listener| !door.auth_required && !door.address.ip().is_loopback();
        if !settings.smtp.listeners.iter().any(is_open) {
            let what = format!("no listener takes mail from the world, so nothing can come back to {}", path.domain);
            let remedy = "listen on an outside address without auth_required, and let the domain's MX lead there";
            report.warn(&at.return_path, Wrong::new(what, remedy));
        }
        let apart = |from: &&Domain| !path.domain.is_within(from) && !has_common(company, path, from);
        for from in company.sender_domains.iter().filter(apart) {
            let what = format!("{} is not aligned with mail from {from}, which keeps its own sender", path.domain);
            report.warn(&at.return_path, Wrong::new(what, "nothing is lost but late bounces of those mails"));
        }
    }
}

/// Whether a sender domain of the company stands above both.
fn has_common(company: &Company, path: &ReturnPath, from: &Domain) -> bool {
    company.sender_domains.iter().any(|domain| from.is_within(domain) && path.domain.is_within(domain))
}

fn check_mode(company: &Company, at: &CompanyPlaces, report: &Report) {
    if company.mode == Mode::Suspended {
        let what = "the contract is suspended: mail flows, and no line is written";
        report.warn(&at.suspended, Wrong::new(what, "take suspended = true out when it is in force again"));
    }
    if matches!(company.mode, Mode::Off | Mode::Suspended) {
        return;
    }
    let proofs = &company.proved_by;
    let by_client = !proofs.networks.is_empty() || !proofs.users.is_empty() || !proofs.certificates.is_empty();
    if !by_client && !at.proofs.names_secret && proofs.tenant.is_none() {
        let what =
            "nothing here proves who sends for this company: only mail of users that are bound to it gets the line";
        report.warn(&at.proofs.section, Wrong::new(what, "add proved_by.networks: where HR's mails come from"));
    }
}

/// Who is forgotten before the window and the dispute days are over could count twice, or be disputed by nobody.
fn check_retention(company: &Company, at: &Place, settings: &Settings, report: &Report) {
    let keep = settings.ledger.keep;
    let Some(days) = keep.days else { return };
    let Some(longest) = company.contracts.iter().max_by_key(|c| c.person_window_days) else { return };
    let least = longest.person_window_days.saturating_add(keep.dispute_days);
    if days < least {
        let (window, series, version) = (longest.person_window_days, &longest.series, longest.version);
        let what = format!(
            "persons of {} would be erased after {days} days: person_window of contract {series} {version} is {window} \
             days, and {} dispute_days follow",
            company.id, keep.dispute_days
        );
        let remedy = format!("write \"{least}d\" at least, or leave it out: then they are kept as long as has to be");
        report.fault(at, Wrong::new(what, remedy));
    }
}

/// A stage no route can prove would keep the count at nothing for ever, and nobody would notice.
fn check_contracts(company: &Company, at: &CompanyPlaces, settings: &Settings, report: &Report) {
    let all_prove = settings.routes.iter().all(|r| r.proves == Proves::Delivered);
    let some_prove = settings.routes.iter().any(|r| r.proves == Proves::Delivered);
    let path = company.return_path.as_ref();
    let presumes = path.is_some_and(|path| !path.probes.to.is_empty());
    for (contract, at) in company.contracts.iter().zip(&at.contracts) {
        if presumes && path.is_some_and(|path| path.keep_days < contract.quiet_days) {
            let what = "what comes back is not taken for as long as the quiet days last";
            report.fault(at, Wrong::new(what, "make return_path.keep_for at least as long as quiet_days"));
        }
        match contract.count_on {
            // What an export or a copy tells counts by itself.
            CountOn::Delivered if contract.count_observed => {}
            CountOn::Registered if contract.count_observed => {
                let what = "registrations are counted, and mail that was only sent elsewhere would be counted as well";
                report.fault(at, Wrong::new(what, "remove count_observed, or use another count_on"));
            }
            CountOn::Delivered if !some_prove && !presumes => {
                let what = "no route proves delivery, so nothing would ever count";
                let remedy = "use count_on = \"accepted\", or set proves = \"delivered\" on a route whose next hop \
                              is the candidates' own mail server, or [return_path] with probe_to";
                report.fault(at, Wrong::new(what, remedy));
            }
            CountOn::Delivered if !all_prove && !presumes => {
                let what = "some routes prove no delivery: referrals over them are never counted";
                report.warn(at, Wrong::new(what, "use count_on = \"accepted\" if they should count"));
            }
            // Every link bears the person's token, by which the operator's list proves registrations.
            CountOn::Delivered | CountOn::Accepted | CountOn::Registered => {}
        }
    }
}
