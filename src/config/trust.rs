//! Who is believed to be whom, over all files: no network or certificate that many tenants share proves a company, no
//! two companies have one proof, and nothing is asked of clients that the listeners cannot ask.

use super::company::CompanyPlaces;
use super::door_keys::{DoorPlaces, SharedPlaces};
use super::doors::DoorTls;
use super::finding::Wrong;
use super::reader::Report;
use super::secrets::is_read_by_all;
use super::settings::Settings;
use super::shared::{self, overlap};
use crate::pipeline::{Company, SharedClients};
use crate::sys::clock;
use crate::sys::tls::{ServerTls, TlsFault};

/// The companies and where their keys stand.
type Companies<'a> = &'a [(Company, CompanyPlaces)];

/// Checks what the files say of clients against each other.
pub(super) fn check(settings: &Settings, places: &DoorPlaces, companies: Companies<'_>, report: &Report) {
    check_tls(settings, places, report);
    check_listeners(settings, places, report);
    check_networks(settings, places, companies, report);
    for (entry, at) in settings.smtp.relaying.shared.iter().zip(&places.shared) {
        check_shared(entry, at, companies, report);
    }
    check_entries(settings, places, report);
    for (company, at) in companies {
        check_certificates(company, at, settings, report);
        check_needs(company, at, (settings, places), report);
    }
    check_twice(companies, report);
}

/// The files of the certificate are read as the server will read them.
fn check_tls(settings: &Settings, places: &DoorPlaces, report: &Report) {
    // A key that is named and not there has been told of already.
    let Some(files) = settings.tls.files().filter(|_| !places.names_key || settings.tls.key.is_some()) else { return };
    if is_read_by_all(&files.key) {
        let what = format!("{} may be read by every user of this machine", files.key.display());
        report.warn(
            &places.key,
            Wrong::new(what, "chmod o= it, or hand it over with LoadCredential= and credential:NAME"),
        );
    }
    match ServerTls::open(files) {
        Ok(tls) => {
            if let Some(warning) = tls.warning(clock::now().into()) {
                report.warn(&places.certificate, Wrong::new(warning, "have it issued anew"));
            }
        }
        Err(fault) => {
            let at = match fault {
                TlsFault::NoKey { .. } | TlsFault::Key { .. } | TlsFault::Mismatch { .. } => &places.key,
                TlsFault::NoSystemRoots(_) => &places.client_ca,
                _ => &places.certificate,
            };
            let text = fault.to_string();
            let (what, remedy) = text.split_once("; ").unwrap_or((&text, "name other files"));
            report.fault(at, Wrong::new(what, remedy));
        }
    }
}

fn check_listeners(settings: &Settings, places: &DoorPlaces, report: &Report) {
    let listeners = &settings.smtp.listeners;
    for (i, (listener, at)) in listeners.iter().zip(&places.listeners).enumerate() {
        if listeners[..i].iter().any(|other| other.address == listener.address) {
            let what = format!("{} is listened on twice", listener.address);
            report.fault(&at.address, Wrong::new(what, "keep one of the two"));
        }
        if places.names_certificate {
            continue;
        }
        let asked = [
            (listener.tls == DoorTls::Implicit, &at.tls),
            (listener.tls_required, &at.tls_required),
            (listener.auth_required, &at.auth_required),
        ];
        for (_, at) in asked.into_iter().filter(|(asked, _)| *asked) {
            let remedy = "set tls.certificate and tls.key";
            report.fault(at, Wrong::new("not to be had without a certificate", remedy));
        }
    }
}

/// A network that many tenants share is never in a list that is trusted by address alone.
fn check_networks(settings: &Settings, places: &DoorPlaces, companies: Companies<'_>, report: &Report) {
    let relaying = &settings.smtp.relaying;
    let of_companies = companies.iter().map(|(company, at)| (&company.proved_by.networks, &at.proofs.networks));
    for (trusted, at) in of_companies.chain([(&relaying.networks, &places.relay_networks)]) {
        for network in trusted {
            let entry = relaying.shared.iter().find(|s| s.networks.iter().any(|n| overlap(n, network)));
            if let Some(entry) = entry {
                let what = format!("{network} is shared by many tenants: [[shared_clients]] {:?} has it", entry.name);
                report.fault(at, Wrong::new(what, "remove it here; a routing secret or a tenant proves such mail"));
            } else if let Some(service) = shared::by_network(network) {
                let what = format!("{network} is shared by all tenants of {}", service.name);
                report.fault(at, Wrong::new(what, SHARE));
            }
        }
    }
}

const SHARE: &str = "move it to a [[shared_clients]], and give the company a routing secret (docs/operations.md)";

/// A shared client whose mail nobody could prove would be refused whole.
fn check_shared(entry: &SharedClients, at: &SharedPlaces, companies: Companies<'_>, report: &Report) {
    let by_tenant = entry.tenant_header.is_some();
    let proved =
        |(c, at): &(Company, CompanyPlaces)| at.proofs.names_secret || by_tenant && c.proved_by.tenant.is_some();
    if !entry.name.is_empty() && !companies.iter().any(proved) {
        let what = format!("no company can prove its mail from {:?}: all of it would be refused", entry.name);
        let remedy = "give a company proved_by.routing_secret_files (or proved_by.tenant, with a tenant_header here)";
        report.fault(&at.name, Wrong::new(what, remedy));
    }
}

fn check_entries(settings: &Settings, places: &DoorPlaces, report: &Report) {
    let entries = &settings.smtp.relaying.shared;
    let mut tenants: Option<&SharedPlaces> = None;
    for (i, (entry, at)) in entries.iter().zip(&places.shared).enumerate() {
        if !entry.name.is_empty() && entries[..i].iter().any(|other| other.name == entry.name) {
            let what = format!("two [[shared_clients]] are called {:?}", entry.name);
            report.fault(&at.name, Wrong::new(what, "give each a name of its own"));
        }
        if !entry.certificates.is_empty() && !places.names_client_ca {
            report.fault(&at.certificates, Wrong::new(UNASKED, ASK));
        }
        if entry.tenant_header.is_none() {
            continue;
        }
        if let Some(other) = tenants.replace(at) {
            let what = format!("a second tenant_header; the other stands at {}", other.tenant_header.pointer());
            let remedy = "keep one: a tenant's name with one service may be somebody else's with another";
            report.fault(&at.tenant_header, Wrong::new(what, remedy));
        }
    }
}

const UNASKED: &str = "no client is asked for a certificate, so this proves nothing";
const ASK: &str = "set tls.client_ca to \"system\", or to the file of the authority that signs them";

fn check_certificates(company: &Company, at: &CompanyPlaces, settings: &Settings, report: &Report) {
    for name in &company.proved_by.certificates {
        let has = |entry: &&SharedClients| entry.certificates.iter().any(|c| c.eq_ignore_ascii_case(name));
        if let Some(entry) = settings.smtp.relaying.shared.iter().find(has) {
            let what = format!("{name} is shown for many tenants: [[shared_clients]] {:?} has it", entry.name);
            let remedy = "remove it here; a routing secret or a tenant proves such mail";
            report.fault(&at.proofs.certificates, Wrong::new(what, remedy));
        } else if let Some(service) = shared::by_certificate(name) {
            let what = format!("{name} is shown by {} for all its tenants", service.name);
            report.fault(&at.proofs.certificates, Wrong::new(what, SHARE));
        }
    }
}

/// What a company's proofs need of the installation.
fn check_needs(company: &Company, at: &CompanyPlaces, (settings, places): (&Settings, &DoorPlaces), report: &Report) {
    let proofs = &company.proved_by;
    if !proofs.users.is_empty() && !places.names_certificate {
        let remedy = "set tls.certificate and tls.key: clients log in over TLS alone";
        report.fault(&at.proofs.users, Wrong::new("nobody can log in without a certificate of ours", remedy));
    }
    if !proofs.certificates.is_empty() && !places.names_client_ca {
        report.fault(&at.proofs.certificates, Wrong::new(UNASKED, ASK));
    }
    let has_header = settings.smtp.relaying.shared.iter().any(|s| s.tenant_header.is_some());
    if proofs.tenant.is_some() && !has_header {
        let remedy = "set tenant_header and certificates in the [[shared_clients]] of that service";
        report.fault(&at.proofs.tenant, Wrong::new("no [[shared_clients]] says where a tenant is named", remedy));
    }
}

/// One proof for two companies would let one of them earn for the other.
fn check_twice(companies: Companies<'_>, report: &Report) {
    for (i, (company, at)) in companies.iter().enumerate() {
        for (other, before) in &companies[..i] {
            let (mine, theirs) = (&company.proved_by, &other.proved_by);
            if mine.routing.iter().any(|secret| theirs.routing.contains(secret)) {
                let what = format!("the routing secret of {} is this company's too", before.proofs.routing.pointer());
                report.fault(&at.proofs.routing, Wrong::new(what, "give each company a secret of its own"));
            }
            let same = |a: &String| theirs.tenant.as_ref().is_some_and(|b| b.eq_ignore_ascii_case(a));
            if mine.tenant.as_ref().is_some_and(same) {
                let what = format!("the tenant of {} is this company's too", before.proofs.tenant.pointer());
                report.fault(
                    &at.proofs.tenant,
                    Wrong::new(what, "leave it to one company, and mark the other's mail by a routing secret"),
                );
            }
        }
    }
}
