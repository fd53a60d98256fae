//! The `[limits]` section: the SMTP engine's one table, each limit within the bounds it is safe in.

use std::time::Duration;

use super::finding::Wrong;
use super::reader::Section;
use super::values::{count, duration, octets};
use crate::proto::smtp::limits::Limits;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const HOUR: u64 = 3600;

pub(super) fn read(section: &Section<'_>) -> Limits {
    let default = Limits::default();
    let limits = Limits {
        command_octets_max: size(section, "command_octets_max", default.command_octets_max, 512..=64 * KIB),
        auth_octets_max: size(section, "auth_octets_max", default.auth_octets_max, 1024..=64 * KIB),
        line_octets_max: size(section, "line_octets_max", default.line_octets_max, 1000..=GIB),
        message_octets_max: size(section, "message_octets_max", default.message_octets_max, 64 * KIB..=GIB),
        recipients_max: section.read("recipients_max", default.recipients_max, count(100..=100_000)),
        errors_max: section.read("errors_max", default.errors_max, count(1..=1000)),
        auth_failures_max: section.read("auth_failures_max", default.auth_failures_max, count(1..=1000)),
        transactions_max: section.read("transactions_max", default.transactions_max, count(1..=1_000_000)),
        hops_max: section.read("hops_max", default.hops_max, count(10..=1000)),
        idle_seconds_max: seconds(section, "idle_for", default.idle_seconds_max),
        command_seconds_max: seconds(section, "command_for", default.command_seconds_max),
        data_seconds_max: seconds(section, "data_for", default.data_seconds_max),
        data_octets_per_second_min: section.read(
            "data_octets_per_second_min",
            default.data_octets_per_second_min,
            count(0..=1_000_000),
        ),
        connection_seconds_max: seconds(section, "connection_for", default.connection_seconds_max),
        connections_max: section.read("connections_max", default.connections_max, count(1..=100_000)),
        connections_per_client_max: section.read(
            "connections_per_client_max",
            default.connections_per_client_max,
            count(1..=100_000),
        ),
        messages_per_client_per_minute: per_minute(section, "messages_per_client_per_minute"),
        messages_per_company_per_minute: per_minute(section, "messages_per_company_per_minute"),
        in_flight_octets_max: size(section, "in_flight_octets_max", default.in_flight_octets_max, MIB..=64 * GIB),
        stop_seconds_max: seconds(section, "stop_for", default.stop_seconds_max),
    };
    if limits.in_flight_octets_max < limits.message_octets_max {
        let what = "less than limits.message_octets_max: the largest mail would never be taken";
        section.fault("in_flight_octets_max", Wrong::new(what, "raise it, or lower message_octets_max"));
    }
    limits
}

fn size(section: &Section<'_>, key: &'static str, default: usize, bounds: std::ops::RangeInclusive<u64>) -> usize {
    let parse = octets(bounds);
    let too_wide = |_| Wrong::new("more than this machine can address", "write a smaller size");
    section.read(key, default, |value| usize::try_from(parse(value)?).map_err(too_wide))
}

/// A rate; 0, the default, is no limit.
fn per_minute(section: &Section<'_>, key: &'static str) -> u32 {
    section.read(key, 0, count(0..=1_000_000))
}

fn seconds(section: &Section<'_>, key: &'static str, default: u64) -> u64 {
    section.read(key, Duration::from_secs(default), duration(1..=24 * HOUR)).as_secs()
}
