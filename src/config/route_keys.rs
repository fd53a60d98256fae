//! `[[route]]` key by key: where mail goes, and how each next hop is spoken to.

use super::finding::Wrong;
use super::reader::{Place, Section};
use super::routes::{DomainPattern, EightBit, HopTls, Login, NextHop, Route, TlsMode};
use super::secrets;
use super::values::{self, count, one_of, text};
use crate::ledger::Proves;
use crate::pipeline::Secret;

const PROVES: &[(&str, Proves)] = &[("accepted", Proves::Accepted), ("delivered", Proves::Delivered)];
const MODES: &[(&str, TlsMode)] = &[
    ("none", TlsMode::None),
    ("opportunistic", TlsMode::Opportunistic),
    ("required", TlsMode::Required),
    ("verified", TlsMode::Verified),
];
const EIGHT_BIT: &[(&str, EightBit)] = &[("send", EightBit::Send), ("refuse", EightBit::Refuse)];

/// Reads all routes, and where each of them stands.
pub(super) fn read(top: &Section<'_>) -> (Vec<Route>, Vec<Place>) {
    let sections = top.sections("route");
    let routes: Vec<Route> = sections.iter().filter_map(read_route).collect();
    let places: Vec<Place> = sections.iter().map(|s| s.place("name")).collect();
    if !top.has("route") {
        return (vec![Route::default()], vec![top.place("route")]);
    }
    let all_read = routes.len() == places.len() && (!places.is_empty() || top.is_empty_list("route"));
    if all_read && !routes.iter().any(|r| r.domains.contains(&DomainPattern::Any)) {
        let remedy = "add a [[route]] with domains = [\"*\"], or mail to all other domains has nowhere to go";
        top.fault("route", Wrong::new("no route for *", remedy));
    }
    (routes, places)
}

fn read_route(section: &Section<'_>) -> Option<Route> {
    let default = Route::default();
    let domains = section.list("domains", vec![DomainPattern::Any], values::domain_pattern);
    if section.is_empty_list("domains") {
        section.fault("domains", Wrong::new("the route serves nobody", "name domains, or \"*\" for all"));
    }
    let name = section.required("name", values::name);
    let next_hop = section.required("next_hop", values::next_hop);
    let to_mx = matches!(next_hop, Some(NextHop::Mx { .. }));
    let literals = section.read("literals", default.literals, values::switch);
    if literals && next_hop.is_some() && !to_mx {
        section.warn("literals", Wrong::new("this next hop takes all addresses", "leave it out: it is for \"mx\""));
    }
    let proves = if to_mx { Proves::Delivered } else { default.proves };
    let tls = read_tls(section, to_mx);
    let route = Route {
        proves: section.read("proves", proves, one_of(PROVES)),
        login: read_login(section, &tls, to_mx),
        tls,
        eight_bit: section.read("eight_bit", default.eight_bit, one_of(EIGHT_BIT)),
        chunking: section.read("chunking", default.chunking, values::switch),
        literals,
        connections_max: section.optional("connections_max", count(1..=1000)),
        rate_per_minute: section.optional("rate_per_minute", count(1..=1_000_000)),
        domains,
        name: name?,
        next_hop: next_hop?,
    };
    Some(route)
}

fn read_tls(section: &Section<'_>, to_mx: bool) -> HopTls {
    let tls = HopTls {
        mode: section.read("tls", TlsMode::default(), one_of(MODES)),
        implicit: section.read("tls_implicit", false, values::switch),
        names: section.list("tls_names", Vec::new(), values::certificate_host),
        ca_file: section.optional("tls_ca", |v| secrets::readable(section, "tls_ca", v)).flatten(),
    };
    if tls.implicit && tls.mode == TlsMode::None {
        section
            .fault("tls_implicit", Wrong::new("not to be had with tls = \"none\"", "use another tls, or leave it out"));
    }
    if tls.implicit && to_mx {
        section.fault(
            "tls_implicit",
            Wrong::new("no mail server takes that from others", "leave it out: MX means STARTTLS"),
        );
    }
    for (key, given) in [("tls_names", !tls.names.is_empty()), ("tls_ca", section.has_text("tls_ca"))] {
        if given && tls.mode != TlsMode::Verified {
            let what = "no certificate is looked at with this tls";
            section.fault(key, Wrong::new(what, "set tls = \"verified\", or leave the key out"));
        }
    }
    tls
}

/// A password is sent over TLS alone; the route says so before the first mail finds out.
fn read_login(section: &Section<'_>, tls: &HopTls, to_mx: bool) -> Option<Login> {
    let user = section.optional("user", text(256));
    let file = "password_file";
    let password: Option<Option<Secret>> = section.optional(file, |v| secrets::password(section, file, v));
    let (has_user, has_password) = (section.has_text("user"), section.has_text("password_file"));
    if has_user != has_password {
        let (one, other) = if has_user { ("user", "password_file") } else { ("password_file", "user") };
        section.fault(one, Wrong::new(format!("no {other} beside it"), format!("add {other} = \"…\"")));
    }
    if has_user && to_mx {
        section.fault(
            "user",
            Wrong::new("the recipients' own servers know no user of ours", "name a smarthost as next_hop"),
        );
    } else if has_user && tls.mode == TlsMode::None {
        let remedy = "set tls = \"verified\"; a password is never sent in clear";
        section.fault("user", Wrong::new("a user without TLS", remedy));
    } else if has_user && tls.mode != TlsMode::Verified {
        let mode = tls.mode.code();
        let what =
            format!("the password goes to whoever answers for the next hop: tls = \"{mode}\" checks no certificate");
        let remedy = "set tls = \"verified\", with tls_ca and tls_names where the certificate is not a public one";
        section.warn("user", Wrong::new(what, remedy));
    }
    Some(Login { user: user?, password: password.flatten()? })
}
