//! `career-relay.toml` section by section; every default it names is `Default` in `settings`.

use std::path::{Path, PathBuf};

use super::dkim_keys;
use super::door_keys::{self, DoorPlaces};
use super::finding::Wrong;
use super::reader::{Place, Section};
use super::route_keys;
use super::settings::{
    CustodyMode, CustodySettings, DeliverSettings, DnsSettings, LedgerSettings, LogFormat, LogLevel, LogSettings,
    NotifySettings, RetrySettings, Settings, SpoolSettings,
};
use super::values::{self, count, duration, octets, one_of};
use crate::ledger::{DISPUTE_DAYS, KeepPersons};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

const CUSTODY: &[(&str, CustodyMode)] = &[("hand-through", CustodyMode::HandThrough), ("spool", CustodyMode::Spool)];
const FORMATS: &[(&str, LogFormat)] = &[("json", LogFormat::Json), ("text", LogFormat::Text)];
const LEVELS: &[(&str, LogLevel)] =
    &[("error", LogLevel::Error), ("warn", LogLevel::Warn), ("info", LogLevel::Info), ("debug", LogLevel::Debug)];

/// Where the keys stand that are checked once the whole is known.
pub(super) struct InstallationPlaces {
    pub(super) data_dir: Place,
    pub(super) doors: DoorPlaces,
    pub(super) dkim: Vec<Place>,
    pub(super) routes: Vec<Place>,
    pub(super) keep_persons: Place,
}

/// Reads the main file. Relative folders count from `base`, the folder the file lies in.
pub(super) fn read(top: &Section<'_>, base: &Path) -> (Settings, InstallationPlaces) {
    let default = Settings::default();
    let folder = values::text(4096);
    let (smtp, tls, doors) = door_keys::read(top);
    let (routes, route_places) = route_keys::read(top);
    let (dkim, dkim_places) = dkim_keys::read(top);
    let (ledger, keep_persons) = read_ledger(&top.section("ledger"));
    let settings = Settings {
        data_dir: base.join(top.read("data_dir", default.data_dir, |v| folder(v).map(PathBuf::from))),
        hostname: top.optional("hostname", values::domain),
        companies_dir: top.read("companies_dir", default.companies_dir, |v| folder(v).map(PathBuf::from)),
        smtp,
        tls,
        dns: read_dns(&top.section("dns")),
        dkim,
        custody: read_custody(&top.section("custody")),
        deliver: read_deliver(&top.section("deliver")),
        routes,
        retry: read_retry(&top.section("retry")),
        spool: read_spool(&top.section("spool")),
        ledger,
        notify: read_notify(&top.section("notify")),
        log: read_log(&top.section("log")),
        companies: Vec::new(),
        company_files: Vec::new(),
        credentials_missing: Vec::new(),
    };
    let places = InstallationPlaces {
        data_dir: top.place("data_dir"),
        doors,
        dkim: dkim_places,
        routes: route_places,
        keep_persons,
    };
    (settings, places)
}

fn read_custody(section: &Section<'_>) -> CustodySettings {
    let default = CustodySettings::default();
    CustodySettings {
        mode: section.read("mode", default.mode, one_of(CUSTODY)),
        hand_through_for: section.read("hand_through_for", default.hand_through_for, duration(1..=MINUTE)),
        in_doubt_for: section.read("in_doubt_for", default.in_doubt_for, duration(MINUTE..=HOUR)),
        holds_max: section.read("holds_max", default.holds_max, count(0..=1_000_000)),
    }
}

fn read_deliver(section: &Section<'_>) -> DeliverSettings {
    let default = DeliverSettings::default();
    let per_connection = default.messages_per_connection_max;
    let deadline = || duration(1..=10 * MINUTE);
    let within = duration(MINUTE..=DAY);
    DeliverSettings {
        connections_max: section.read("connections_max", default.connections_max, count(1..=1000)),
        idle_for: section.read("idle_for", default.idle_for, duration(1..=5 * MINUTE)),
        messages_per_connection_max: section.read("messages_per_connection_max", per_connection, count(1..=1_000_000)),
        connect_timeout: section.read("connect_timeout", default.connect_timeout, deadline()),
        command_timeout: section.read("command_timeout", default.command_timeout, deadline()),
        data_timeout: section.read("data_timeout", default.data_timeout, deadline()),
        edit_refusals_max: section.read("edit_refusals_max", default.edit_refusals_max, count(1..=1000)),
        edit_refusals_within: section.read("edit_refusals_within", default.edit_refusals_within, within),
        down_for: section.read("down_for", default.down_for, duration(1..=HOUR)),
    }
}

fn read_notify(section: &Section<'_>) -> NotifySettings {
    let default = NotifySettings::default();
    NotifySettings {
        from: section.optional("from", values::address),
        gather_for: section.read("gather_for", default.gather_for, duration(1..=DAY)),
    }
}

fn read_dns(section: &Section<'_>) -> DnsSettings {
    DnsSettings {
        servers: section.list("servers", Vec::new(), values::name_server),
        dnssec: section.read("dnssec", false, values::switch),
    }
}

fn read_retry(section: &Section<'_>) -> RetrySettings {
    let default = RetrySettings::default();
    let settings = RetrySettings {
        waits: section.list("waits", default.waits, duration(1..=DAY)),
        delay_warning_after: section.read("delay_warning_after", default.delay_warning_after, duration(0..=14 * DAY)),
        give_up_after: section.read("give_up_after", default.give_up_after, duration(MINUTE..=14 * DAY)),
    };
    if section.is_empty_list("waits") {
        section.fault("waits", Wrong::new("no wait at all", "name at least one, such as \"5m\""));
    }
    if settings.waits.iter().any(|w| *w >= settings.give_up_after) {
        let remedy = "shorten the waits, or raise retry.give_up_after";
        section.fault("waits", Wrong::new("a wait as long as give_up_after would never be tried", remedy));
    }
    settings
}

fn read_spool(section: &Section<'_>) -> SpoolSettings {
    let default = SpoolSettings::default();
    SpoolSettings {
        inline_octets_max: section.read("inline_octets_max", default.inline_octets_max, octets(KIB..=MIB)),
        reserve_octets: section.read("reserve_octets", default.reserve_octets, octets(MIB..=GIB)),
        keep_posted: section.read("keep_posted", default.keep_posted, duration(DAY..=90 * DAY)),
        free_octets_min: section.read("free_octets_min", default.free_octets_min, octets(MIB..=1024 * GIB)),
    }
}

fn read_ledger(section: &Section<'_>) -> (LedgerSettings, Place) {
    let default = LedgerSettings::default();
    let days = section.optional("keep_persons", values::days(1..=36_500));
    let dispute_days = section.read("dispute_days", default.keep.dispute_days, count(DISPUTE_DAYS..=3_650));
    (LedgerSettings { keep: KeepPersons { days, dispute_days } }, section.place("keep_persons"))
}

fn read_log(section: &Section<'_>) -> LogSettings {
    let default = LogSettings::default();
    LogSettings {
        format: section.read("format", default.format, one_of(FORMATS)),
        level: section.read("level", default.level, one_of(LEVELS)),
        queue_lines_max: section.read("queue_lines_max", default.queue_lines_max, count(64..=1_000_000)),
    }
}
