//! One company's file: who writes for it, how that is proved, what its mails are given, and how it is counted.

use std::time::Duration;

use super::agreed;
use super::finding::Wrong;
use super::reader::{Place, Section};
use super::report;
use super::secrets::{self, ROUTING_SECRETS_MAX};
use super::values::{self, count, one_of, quoted, text};
use super::words::{self, Around, SenderBlock};
use crate::classify::Audience;
use crate::ledger::signature::{ContractSignature, PublicKey};
use crate::ledger::{AtNewThreshold, ContractVersion, CountOn, LateBounce};
use crate::mail::address::Domain;
use crate::pipeline::{
    CameSigned, Company, Doubtful, Exclusions, Mode, Probes, ProvedBy, ReturnPath, Scope, Secret, Sender, Stage,
};
use crate::referral::CompanyId;
use crate::referral::carrier::CarrierMail;
use crate::referral::link::LinkTemplate;
use crate::referral::wording::{Language, Wording};

const MODES: &[(&str, Mode)] =
    &[("off", Mode::Off), ("observe", Mode::Observe), ("approved", Mode::Approved), ("live", Mode::Live)];
/// How long a doubtful mail is held when the file does not say.
const HOLD_FOR: Duration = Duration::from_hours(4);
const SCOPES: &[(&str, Scope)] =
    &[("new_graduate", Scope::NewGraduate), ("mid_career", Scope::MidCareer), ("part_time", Scope::PartTime)];
const STAGES: &[(&str, Stage)] =
    &[("document", Stage::Document), ("interview", Stage::Interview), ("final", Stage::Final)];
/// The languages of what the service itself writes to HR.
const NOTIFY_LANGUAGES: &[(&str, Language)] = &[("ja", Language::Ja), ("en", Language::En)];
const CARRIER_MAIL: &[(&str, CarrierMail)] =
    &[("insert", CarrierMail::Insert), ("text_only", CarrierMail::TextOnly), ("skip", CarrierMail::Skip)];
const CAME_SIGNED: &[(&str, CameSigned)] =
    &[("untouched", CameSigned::Untouched), ("sign", CameSigned::Sign), ("next_hop_signs", CameSigned::NextHopSigns)];
const COUNT_ON: &[(&str, CountOn)] =
    &[("accepted", CountOn::Accepted), ("delivered", CountOn::Delivered), ("registered", CountOn::Registered)];
const AT_NEW_THRESHOLD: &[(&str, AtNewThreshold)] =
    &[("carry", AtNewThreshold::Carry), ("restart", AtNewThreshold::Restart)];
const LATE_BOUNCE: &[(&str, LateBounce)] = &[("absorb", LateBounce::Absorb), ("clawback", LateBounce::Clawback)];

/// Where the keys stand that are checked once the whole is known.
pub(super) struct CompanyPlaces {
    pub(super) id: Place,
    pub(super) suspended: Place,
    pub(super) sender_domains: Place,
    pub(super) return_path: Place,
    pub(super) proofs: ProofPlaces,
    pub(super) signed_mail: Place,
    pub(super) contracts: Vec<Place>,
}

/// Where the keys of `[proved_by]` stand.
pub(super) struct ProofPlaces {
    pub(super) section: Place,
    pub(super) users: Place,
    pub(super) networks: Place,
    pub(super) certificates: Place,
    pub(super) routing: Place,
    pub(super) tenant: Place,
    /// Whether a routing secret is named, also one that cannot be read now.
    pub(super) names_secret: bool,
}

/// Reads one company's file; nothing when a key it cannot be without is missing or at fault.
pub(super) fn read(top: &Section<'_>) -> Option<(Company, CompanyPlaces)> {
    let id = top.required("id", company_id);
    let (name_ja, name_en) = (top.required("name_ja", text(100)), top.required("name_en", text(100)));
    let purpose = top.required("purpose", text(1000));
    let sender_domains = top.list("sender_domains", Vec::new(), values::domain);
    if !top.has("sender_domains") || top.is_empty_list("sender_domains") {
        top.fault("sender_domains", Wrong::new("no sender domain", "name the domains HR's mails come from"));
    }
    let link = top.required("link", link_template);
    let Contracts { versions: contracts, signatures, operator_keys, places: contract_places } =
        read_contracts(top, id.as_ref());
    let (proved_by, proof_places) = read_proofs(&top.section("proved_by"), top);
    let (return_path, path_place) = read_return_path(&top.section("return_path"), &sender_domains);
    let dkim = top.section("dkim");
    let (languages, block) = (read_languages(top), SenderBlock::read(&top.section("sender_block")));
    let carrier_mail = top.read("carrier_mail", CarrierMail::default(), one_of(CARRIER_MAIL));
    let around = Around { block: &block, languages: &languages, carrier_mail };
    let (wording, later_wordings) = words::read(top, &around);
    let places = CompanyPlaces {
        id: top.place("id"),
        suspended: top.place("suspended"),
        sender_domains: top.place("sender_domains"),
        return_path: path_place,
        proofs: proof_places,
        signed_mail: dkim.place("signed_mail"),
        contracts: contract_places,
    };
    let company = Company {
        mode: read_mode(top),
        doubtful: read_doubtful(top),
        senders: read_senders(top, &sender_domains, &block),
        only_senders: top.read("only_senders", false, values::switch),
        proved_by,
        audience: read_audience(top, &sender_domains),
        return_path,
        wording,
        later_wordings,
        carrier_mail,
        languages,
        notify_to: top.list("notify_to", Vec::new(), values::address),
        notify_language: top.read("notify_language", Language::Ja, one_of(NOTIFY_LANGUAGES)),
        came_signed: dkim.optional("signed_mail", one_of(CAME_SIGNED)),
        exclusions: read_exclusions(top),
        contracts,
        report: report::read(&top.section("report")),
        signatures,
        operator_keys,
        sender_domains,
        purpose: purpose?,
        name_ja: name_ja?,
        name_en: name_en?,
        link: link?,
        id: id?,
    };
    Some((company, places))
}

/// A suspension stands above the mode, which is read all the same: it holds again when the suspension ends.
fn read_mode(top: &Section<'_>) -> Mode {
    let mode = top.read("mode", Mode::default(), one_of(MODES));
    if top.read("suspended", false, values::switch) { Mode::Suspended } else { mode }
}

/// The id and the contract versions alone.
pub(super) fn read_terms(top: &Section<'_>) -> Option<(CompanyId, Vec<ContractVersion>)> {
    let id = top.required("id", company_id);
    let contracts = read_contracts(top, id.as_ref());
    Some((id?, contracts.versions))
}

/// Whether doubtful mails are held, and for how long. A day is the most: a rejection that lies longer is worse than one
/// without a line.
fn read_doubtful(top: &Section<'_>) -> Doubtful {
    let hold_for = top.read("hold_for", HOLD_FOR, values::duration(1..=24 * 3600));
    let holds = top.read("doubtful", false, one_of(&[("pass", false), ("hold", true)]));
    if holds { Doubtful::Hold(hold_for) } else { Doubtful::Pass }
}

fn company_id(value: &toml::de::DeValue) -> Result<CompanyId, Wrong> {
    let text = quoted(value, "\"sakura\"")?;
    CompanyId::parse(text).map_err(|_| {
        Wrong::new(format!("{text:?} is not an id"), "write 1 to 32 of a-z, 0-9 and -; it can never be changed later")
    })
}

fn link_template(value: &toml::de::DeValue) -> Result<LinkTemplate, Wrong> {
    let text = quoted(value, "\"https://careerrelay.jp/r/{token}\"")?;
    LinkTemplate::parse(text).map_err(|why| Wrong::new(format!("{text:?} is no link template"), why.to_string()))
}

/// The company's own domains include those it sends from: whoever reads mail there works for it.
fn read_audience(top: &Section<'_>, sender_domains: &[Domain]) -> Audience {
    let mut own_domains = top.list("own_domains", Vec::new(), values::domain);
    for domain in sender_domains {
        if !own_domains.contains(domain) {
            own_domains.push(domain.clone());
        }
    }
    Audience {
        own_domains,
        agencies: top.list("agencies", Vec::new(), values::listed),
        school_offices: top.list("school_offices", Vec::new(), values::listed_address),
        copy_addresses: top.list("copy_addresses", Vec::new(), values::address),
    }
}

fn read_exclusions(top: &Section<'_>) -> Exclusions {
    Exclusions {
        never_counted: top.list("never_counted", Vec::new(), values::listed),
        count_role_addresses: top.read("count_role_addresses", false, values::switch),
        count_disposable: top.read("count_disposable", false, values::switch),
    }
}

/// Days for which what comes back is taken when nothing is set.
const RETURN_DAYS: u32 = 14;

/// It stands below a domain of From, so that DMARC stays aligned; mail for From's own domain is not ours to take.
fn read_return_path(section: &Section<'_>, sender_domains: &[Domain]) -> (Option<ReturnPath>, Place) {
    let (domain, at) = (section.optional("domain", values::domain), section.place("domain"));
    let keep_days = section.read("keep_for", RETURN_DAYS, values::days(1..=60));
    let probes = read_probes(section, domain.as_ref());
    let Some(domain) = domain else { return (None, at) };
    if sender_domains.contains(&domain) {
        let what = format!("{domain} is a domain HR sends from, and its mail is not for us");
        section.fault(
            "domain",
            Wrong::new(what, "take a sub-domain for nothing else, such as \"bounce.company.example\""),
        );
    } else if !sender_domains.iter().any(|sender| domain.is_within(sender)) {
        let what = format!("{domain} is below none of the company's sender domains, so DMARC would not be aligned");
        section.fault("domain", Wrong::new(what, "take a sub-domain of the domain in From"));
    } else {
        return (Some(ReturnPath { domain, keep_days, probes }), at);
    }
    (None, at)
}

/// How often probes are sent when nothing is set, and at most: a proof holds for seven days, and one may be lost.
const PROBE_EVERY: Duration = Duration::from_hours(24);
const PROBE_HOURS: std::ops::RangeInclusive<u64> = 1..=72;

/// Addresses that must bounce. One at the return path itself would be answered by us, and prove nothing.
fn read_probes(section: &Section<'_>, path: Option<&Domain>) -> Probes {
    let to = section.list("probe_to", Vec::new(), values::address);
    let every = section.read(
        "probe_every",
        PROBE_EVERY,
        values::duration(PROBE_HOURS.start() * 3600..=PROBE_HOURS.end() * 3600),
    );
    if path.is_some() && to.iter().any(|address| address.domain() == path) {
        let what = "a probe to the return path itself is answered by us, and proves nothing";
        section.fault("probe_to", Wrong::new(what, "name an address elsewhere that does not exist"));
    }
    Probes { to, every }
}

fn read_proofs(section: &Section<'_>, top: &Section<'_>) -> (ProvedBy, ProofPlaces) {
    let files = "routing_secret_files";
    let routing: Vec<Secret> = section.list(files, Vec::new(), |v| secrets::routing(section, files, v)).concat();
    if routing.len() > ROUTING_SECRETS_MAX {
        let what = format!("{} routing secrets", routing.len());
        let remedy = "keep the one in use and at most one more; each that is known somewhere can be stolen there";
        section.fault("routing_secret_files", Wrong::new(what, remedy));
    }
    let proofs = ProvedBy {
        users: section.list("users", Vec::new(), values::user),
        networks: section.list("networks", Vec::new(), values::client_network),
        certificates: section.list("certificates", Vec::new(), values::certificate_name),
        routing,
        tenant: section.optional("tenant", text(256)),
    };
    let places = ProofPlaces {
        section: top.place("proved_by"),
        users: section.place("users"),
        networks: section.place("networks"),
        certificates: section.place("certificates"),
        routing: section.place("routing_secret_files"),
        tenant: section.place("tenant"),
        names_secret: section.has("routing_secret_files") && !section.is_empty_list("routing_secret_files"),
    };
    (proofs, places)
}

fn read_languages(top: &Section<'_>) -> Vec<Language> {
    let languages = top.list("languages", vec![Language::Ja, Language::En], one_of(Language::ALL));
    if top.is_empty_list("languages") {
        top.fault(
            "languages",
            Wrong::new("no language served", "name \"ja\", \"en\" or others; to stop the line use mode"),
        );
    }
    languages
}

fn read_senders(top: &Section<'_>, sender_domains: &[Domain], block: &SenderBlock) -> Vec<Sender> {
    let mut senders: Vec<Sender> = Vec::new();
    for section in top.sections("sender") {
        let Some(sender) = read_sender(&section, block) else { continue };
        if sender.address.domain().is_none_or(|d| !sender_domains.contains(d)) {
            let remedy = "add its domain to sender_domains, or correct the address";
            section.fault("address", Wrong::new("not in any of the company's sender domains", remedy));
        }
        if senders.iter().any(|s| s.address.is_same_mailbox(&sender.address)) {
            section.fault("address", Wrong::new("a sender listed twice", "keep one of the two sections"));
        }
        senders.push(sender);
    }
    senders
}

fn read_sender(section: &Section<'_>, block: &SenderBlock) -> Option<Sender> {
    let address = section.required("address", values::address);
    let wording = section.section("wording");
    let has_wording = section.has("wording");
    let sender = Sender {
        scope: section.optional("scope", one_of(SCOPES)),
        stage: section.optional("stage", one_of(STAGES)),
        wording: Some(words::read_one(&wording, Wording::default(), block)).filter(|_| has_wording),
        off: section.read("off", false, values::switch),
        address: address?,
    };
    Some(sender)
}

/// The contract versions of a file, the operator's signatures under them, and where each `count_on` stands.
#[derive(Default)]
struct Contracts {
    versions: Vec<ContractVersion>,
    signatures: Vec<ContractSignature>,
    operator_keys: Vec<PublicKey>,
    places: Vec<Place>,
}

fn read_contracts(top: &Section<'_>, id: Option<&CompanyId>) -> Contracts {
    let keys = top.list("operator_keys", Vec::new(), agreed::operator_key);
    let mut contracts = Contracts::default();
    let sections = top.sections("contract");
    for section in &sections {
        let contract = read_contract(section);
        // Asked for also where a term is at fault, so that the key is known.
        let Some(contract) = contract else {
            let _ = section.optional("signature", agreed::signature);
            continue;
        };
        for other in contracts.versions.iter().filter(|c| c.series == contract.series) {
            check_order(section, other, &contract);
        }
        agreed::check_restart(section, &contract, &contracts.versions);
        contracts.signatures.extend(agreed::check(section, (id, &contract), &keys));
        contracts.versions.push(contract);
        contracts.places.push(section.place("count_on"));
    }
    if !top.has("contract") || top.is_empty_list("contract") {
        let remedy = "add a [[contract]] with series, version and from; without one nothing can be counted";
        top.fault("contract", Wrong::new("no contract version", remedy));
    }
    contracts.operator_keys = keys;
    contracts
}

fn read_contract(section: &Section<'_>) -> Option<ContractVersion> {
    let series = section.required("series", series);
    let version = section.required("version", count(1..=1_000_000));
    let from = section.required("from", values::date);
    let default = ContractVersion::new("", 1, jiff::civil::Date::constant(2026, 1, 1));
    let window = values::days(1..=36_500);
    let contract = ContractVersion {
        threshold: section.read("threshold", default.threshold, count(1..=10_000)),
        count_on: section.read("count_on", default.count_on, one_of(COUNT_ON)),
        person_window_days: section.read("person_window", default.person_window_days, window),
        late_bounce: section.read("late_bounce", default.late_bounce, one_of(LATE_BOUNCE)),
        quiet_days: section.read("quiet_days", default.quiet_days, count(1..=60)),
        slot_expiry_days: section.optional("slot_expiry_days", count(1..=36_500)),
        review_days: section.read("review_days", default.review_days, count(0..=366)),
        reserve_max: section.optional("reserve_max", count(1..=10_000)),
        count_observed: section.read("count_observed", default.count_observed, values::switch),
        at_new_threshold: section.read("at_new_threshold", default.at_new_threshold, one_of(AT_NEW_THRESHOLD)),
        series: series?,
        version: version?,
        from: from?,
    };
    Some(contract)
}

fn series(value: &toml::de::DeValue) -> Result<String, Wrong> {
    let text = quoted(value, "\"main\"")?;
    let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let fits = (1..=32).contains(&text.len()) && text.bytes().all(fine);
    let wrong = || Wrong::new(format!("{text:?} is not a series"), "write 1 to 32 of a-z, 0-9 and -");
    fits.then(|| text.to_owned()).ok_or_else(wrong)
}

/// Versions of one series follow each other in number and in date alike, so that each day has one in force.
fn check_order(section: &Section<'_>, before: &ContractVersion, after: &ContractVersion) {
    if after.version <= before.version {
        let what = format!("version {} stands after version {}", after.version, before.version);
        section.fault("version", Wrong::new(what, "number the versions of a series upwards, each once"));
    } else if after.from <= before.from {
        let what = format!("version {} begins no later than version {}", after.version, before.version);
        section.fault("from", Wrong::new(what, "let each version begin on a later day than the one before it"));
    }
}
