//! `[smtp]`, `[[listener]]`, `[[shared_clients]]` and `[tls]` key by key: where mail comes in, and who is believed.

use std::path::PathBuf;

use toml::de::DeValue;

use super::doors::{BareLf, ClientCa, DoorTls, Listener, SmtpSettings, TlsSettings};
use super::finding::Wrong;
use super::reader::{Place, Section};
use super::secrets;
use super::values::{self, one_of, quoted};
use crate::pipeline::{Relaying, SharedClients};

const DOOR_TLS: &[(&str, DoorTls)] =
    &[("none", DoorTls::None), ("starttls", DoorTls::StartTls), ("implicit", DoorTls::Implicit)];
const BARE_LF: &[(&str, BareLf)] = &[("refuse", BareLf::Refuse), ("normalize", BareLf::Normalize)];

/// Where the keys stand that are checked once the whole is known.
pub(super) struct DoorPlaces {
    pub(super) relay_networks: Place,
    /// One for each listener.
    pub(super) listeners: Vec<ListenerPlaces>,
    pub(super) shared: Vec<SharedPlaces>,
    pub(super) certificate: Place,
    pub(super) key: Place,
    pub(super) client_ca: Place,
    /// Whether the file names a certificate, also one that cannot be read now.
    pub(super) names_certificate: bool,
    /// Whether it names a key.
    pub(super) names_key: bool,
    /// Whether it names who signs the certificates of clients.
    pub(super) names_client_ca: bool,
}

/// Where the keys of one listener stand.
#[derive(Clone)]
pub(super) struct ListenerPlaces {
    pub(super) address: Place,
    pub(super) tls: Place,
    pub(super) tls_required: Place,
    pub(super) auth_required: Place,
}

impl ListenerPlaces {
    /// All at the one key that lists addresses alone.
    fn short(at: &Place) -> Self {
        Self { address: at.clone(), tls: at.clone(), tls_required: at.clone(), auth_required: at.clone() }
    }

    fn of(section: &Section<'_>) -> Self {
        Self {
            address: section.place("address"),
            tls: section.place("tls"),
            tls_required: section.place("tls_required"),
            auth_required: section.place("auth_required"),
        }
    }
}

/// Where the keys of one `[[shared_clients]]` stand.
pub(super) struct SharedPlaces {
    pub(super) name: Place,
    pub(super) certificates: Place,
    pub(super) tenant_header: Place,
}

/// Reads everything about accepting mail but its TLS. `has_milter` tells that we need not listen for SMTP at all.
pub(super) fn read(top: &Section<'_>, has_milter: bool) -> (SmtpSettings, TlsSettings, DoorPlaces) {
    let default = SmtpSettings::default();
    let smtp = top.section("smtp");
    let (listeners, listener_places) = read_listeners(&smtp, top, has_milter);
    let (shared, shared_places) = read_shared(top);
    let networks = smtp.list("relay_networks", default.relaying.networks, values::client_network);
    let header = smtp.read("routing_header", default.relaying.header, values::header_name);
    let settings = SmtpSettings {
        listeners,
        relaying: Relaying { networks, shared, header },
        xclient_from: smtp.list("xclient_from", Vec::new(), values::client_network),
        bare_lf: smtp.read("bare_lf", default.bare_lf, one_of(BARE_LF)),
        stamp: smtp.optional("stamp", values::stamp),
        limits: super::limits::read(&top.section("limits")),
    };
    if settings.stamp.as_ref().is_some_and(|s| s.name.eq_ignore_ascii_case(&settings.relaying.header)) {
        let remedy = "give the stamp another name: what bears the routing header's is cut out of every mail";
        smtp.fault("stamp", Wrong::new("the stamp has the routing header's name", remedy));
    }
    let tls = top.section("tls");
    let places = DoorPlaces {
        relay_networks: smtp.place("relay_networks"),
        listeners: listener_places,
        shared: shared_places,
        certificate: tls.place("certificate"),
        key: tls.place("key"),
        client_ca: tls.place("client_ca"),
        names_certificate: tls.has_text("certificate"),
        names_key: tls.has_text("key"),
        names_client_ca: tls.has_text("client_ca"),
    };
    (settings, read_tls(&tls), places)
}

/// Those of `listen`, with nothing but an address, and then those with sections of their own.
fn read_listeners(smtp: &Section<'_>, top: &Section<'_>, has_milter: bool) -> (Vec<Listener>, Vec<ListenerPlaces>) {
    let sections = top.sections("listener");
    let alone = if sections.is_empty() { SmtpSettings::default().listeners } else { Vec::new() };
    let short = smtp.list("listen", alone.iter().map(|l| l.address).collect(), values::socket);
    let mut listeners: Vec<Listener> = short.into_iter().map(Listener::at).collect();
    let mut places = vec![ListenerPlaces::short(&smtp.place("listen")); listeners.len()];
    for section in &sections {
        if let Some(listener) = read_listener(section) {
            listeners.push(listener);
            places.push(ListenerPlaces::of(section));
        }
    }
    if smtp.is_empty_list("listen") && sections.is_empty() && !has_milter {
        smtp.fault("listen", Wrong::new("nothing to listen on", "name an address, or leave the key out"));
    }
    (listeners, places)
}

fn read_listener(section: &Section<'_>) -> Option<Listener> {
    let address = section.required("address", values::socket);
    let listener = Listener {
        tls: section.read("tls", DoorTls::default(), one_of(DOOR_TLS)),
        tls_required: section.read("tls_required", false, values::switch),
        auth_required: section.read("auth_required", false, values::switch),
        proxy_from: section.list("proxy_from", Vec::new(), values::client_network),
        address: address?,
    };
    for (key, asked) in [("tls_required", listener.tls_required), ("auth_required", listener.auth_required)] {
        if asked && listener.tls == DoorTls::None {
            section.fault(key, Wrong::new("not to be had with tls = \"none\"", "use \"starttls\" or \"implicit\""));
        }
    }
    let (implicit, port) = (listener.tls == DoorTls::Implicit, listener.address.port());
    if implicit && matches!(port, 25 | 587) || !implicit && port == 465 {
        let usual = if port == 465 { "\"implicit\"" } else { "\"starttls\"" };
        let what = format!("clients expect tls = {usual} at port {port}");
        section.warn("tls", Wrong::new(what, "use that, or another port"));
    }
    Some(listener)
}

fn read_shared(top: &Section<'_>) -> (Vec<SharedClients>, Vec<SharedPlaces>) {
    let (mut shared, mut places) = (Vec::<SharedClients>::new(), Vec::new());
    for section in top.sections("shared_clients") {
        let name = section.required("name", values::name);
        let networks = section.list("networks", Vec::new(), values::client_network);
        let certificates = section.list("certificates", Vec::new(), values::certificate_name);
        let tenant_header = section.optional("tenant_header", values::foreign_header);
        if networks.is_empty() && certificates.is_empty() {
            let remedy = "name the networks it sends from, or the names in the certificate it shows";
            section.fault("networks", Wrong::new("no client is meant", remedy));
        }
        if tenant_header.is_some() && certificates.is_empty() {
            let remedy = "add certificates: without a verified one anybody could write that header";
            section.fault("tenant_header", Wrong::new("believed of nobody", remedy));
        }
        places.push(SharedPlaces {
            name: section.place("name"),
            certificates: section.place("certificates"),
            tenant_header: section.place("tenant_header"),
        });
        // A section without a name is at fault already; it still takes part in the checks of the whole.
        shared.push(SharedClients { name: name.unwrap_or_default(), networks, certificates, tenant_header });
    }
    (shared, places)
}

fn read_tls(section: &Section<'_>) -> TlsSettings {
    let file = |key: &'static str| section.optional(key, |v| secrets::readable(section, key, v)).flatten();
    let settings = TlsSettings {
        certificate: file("certificate"),
        key: file("key"),
        client_ca: section.optional("client_ca", |v| client_ca(section, v)).unwrap_or_default(),
    };
    let given = |key: &str| section.has_text(key);
    if given("key") && !given("certificate") {
        section.fault("key", Wrong::new("no certificate beside it", "add certificate = \"/path/to/chain.pem\""));
    }
    if given("client_ca") && !given("certificate") {
        let remedy = "add certificate and key: client certificates are shown over TLS alone";
        section.fault("client_ca", Wrong::new("no TLS to show a certificate over", remedy));
    }
    settings
}

fn client_ca(section: &Section<'_>, value: &DeValue) -> Result<ClientCa, Wrong> {
    if quoted(value, "\"system\"")? == "system" {
        return Ok(ClientCa::System);
    }
    let file: Option<PathBuf> = secrets::readable(section, "client_ca", value)?;
    Ok(file.map_or(ClientCa::None, ClientCa::File))
}
