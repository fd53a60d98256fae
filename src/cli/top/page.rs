//! The view of one moment, as lines: what the live view shows, `--once` prints, and `status` has in its tables.

use std::time::Duration;

use comfy_table::Table;
use jiff::Timestamp;
use unicode_width::UnicodeWidthChar;

use super::custody::destinations;
use super::labels::Labels;
use crate::cli::output::{align_right, table};
use crate::control::Status;
use crate::watch::NextHopState;

/// The lines of one moment.
pub(super) fn lines(status: &Status, labels: &Labels, now: Timestamp) -> Vec<String> {
    let mut lines = vec![title(status, labels, now)];
    if !status.edits {
        lines.push(labels.no_line.to_owned());
    }
    let of = |company: &Option<String>| company.clone().unwrap_or_else(|| labels.off_for_all.to_owned());
    lines.extend(status.off.iter().map(|off| format!("{}: {}", labels.off, of(&off.company))));
    lines.extend(status.edits_stopped.iter().map(|s| format!("{}: {} → {}", labels.stopped, s.company, s.next_hop)));
    lines.push(String::new());
    lines.extend(sums(status, labels, now));
    let written = |table: Table| -> Vec<String> {
        let text = table.to_string();
        std::iter::once(String::new()).chain(text.lines().map(|line| line.trim_end().to_owned())).collect()
    };
    let waiting = destinations(&status.spool, labels, now);
    let unseen = waiting.as_ref().map_or(0, |(_, unseen)| *unseen);
    lines.extend(waiting.into_iter().flat_map(|(table, _)| written(table)));
    lines.extend((unseen > 0).then(|| format!("+{unseen} {}", labels.more_destinations)));
    lines.extend(next_hops(status, labels).into_iter().flat_map(written));
    let unseen = status.next_hops_known.saturating_sub(status.next_hops.len());
    lines.extend((unseen > 0).then(|| format!("+{unseen} {}", labels.more)));
    lines.extend(outcomes(status, labels).into_iter().flat_map(written));
    lines.extend(
        held_back(status, labels).into_iter().flat_map(|table| {
            written(table).into_iter().chain(std::iter::once(format!("  {}", labels.held_back_remedy)))
        }),
    );
    lines
}

fn title(status: &Status, labels: &Labels, now: Timestamp) -> String {
    let up = age(&status.started_at, now).map_or_else(String::new, |age| format!("  {} {age}", labels.up));
    format!("career-relay {}  {}{up}", status.version, now.strftime("%Y-%m-%d %H:%M:%SZ"))
}

fn sums(status: &Status, labels: &Labels, now: Timestamp) -> Vec<String> {
    let counter = |name: &str| status.watch.counters.get(name).copied().unwrap_or(0);
    let gauge = |name: &str| status.watch.gauges.get(name).copied().unwrap_or(0);
    let (l, spool, rates) = (labels, &status.spool, status.rates);
    let pace = |second: f64, minute: f64| format!("{second:.1}/s  {minute:.1}/s {}", l.over_a_minute);
    let oldest = spool.oldest_received_at.as_deref().and_then(|at| age(at, now));
    let rows = [
        (
            l.sessions,
            vec![
                gauge("sessions").to_string(),
                named(l.tls, gauge("sessions_tls")),
                named(l.logged_in, gauge("sessions_logged_in")),
                named(l.taken, counter("connections_accepted")),
                named(l.turned_away, counter("connections_refused")),
            ],
        ),
        (
            l.mail_in,
            vec![
                pace(rates.in_1s, rates.in_1m),
                named(l.mails, counter("messages")),
                format!("{} {}", l.memory, octets(gauge("message_octets_held"))),
            ],
        ),
        (
            l.mail_out,
            vec![
                pace(rates.out_1s, rates.out_1m),
                named(l.handed_through, counter("handed_through")),
                named(l.from_spool, counter("attempts_accepted")),
            ],
        ),
        (
            l.rejections,
            vec![
                counter("rejections_seen").to_string(),
                named(l.with_line, counter("referred")),
                named(l.edits_refused, counter("edits_refused")),
            ],
        ),
        (
            l.spool,
            vec![
                named(l.mails, spool.entries),
                format!("{} {}", l.oldest, oldest.unwrap_or_else(|| "-".to_owned())),
                named(l.waiting, spool.waiting),
                named(l.due, spool.due),
                named(l.sending, spool.sending),
                named(l.in_doubt, spool.in_doubt),
                named(l.set_aside, spool.parked),
                named(l.held, spool.held),
                named(l.maybe_doubled, spool.maybe_doubled),
            ],
        ),
        (l.outbox, vec![spool.unposted.to_string()]),
    ];
    let head = rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let line = |(name, values): (&str, Vec<String>)| {
        format!("{name}{}  {}", " ".repeat(head - width(name)), values.join("  "))
    };
    rows.into_iter().map(line).collect()
}

fn named(name: &str, n: u64) -> String {
    format!("{name} {n}")
}

/// The next hops, when there are any.
pub fn next_hops(status: &Status, labels: &Labels) -> Option<Table> {
    let row = |hop: &NextHopState| {
        vec![
            hop.name.clone(),
            hop.in_use.to_string(),
            hop.idle.to_string(),
            hop.connections_max.to_string(),
            hop.rate_per_minute.map_or_else(|| "-".to_owned(), |n| n.to_string()),
            hop.last_reply.map_or_else(|| "-".to_owned(), |code| code.to_string()),
            state(hop, labels),
        ]
    };
    let mut table = table(&labels.next_hops, status.next_hops.iter().map(row));
    align_right(&mut table, &[1, 2, 3, 4, 5]);
    (!status.next_hops.is_empty()).then_some(table)
}

fn state(hop: &NextHopState, labels: &Labels) -> String {
    let backlog = if hop.has_backlog { format!(", {}", labels.backlog) } else { String::new() };
    if hop.failures > 0 {
        let why = hop.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        let left = Duration::from_millis(hop.left_alone_ms).as_secs_f32();
        return format!("{} ({}), {} {left:.1}s{backlog}{why}", labels.fails, hop.failures, labels.left_alone);
    }
    let known = hop.last_reply.is_some() || hop.in_use + hop.idle > 0;
    format!("{}{backlog}", if known { labels.answers } else { labels.not_asked })
}

/// Messages by outcome, the most frequent first, when there were any.
pub fn outcomes(status: &Status, labels: &Labels) -> Option<Table> {
    let mut counts: Vec<(&String, &u64)> = status.watch.outcomes.iter().collect();
    counts.sort_by_key(|(code, n)| (std::cmp::Reverse(**n), *code));
    let rows = counts.iter().map(|(code, n)| vec![(*code).clone(), n.to_string()]);
    let mut table = table(&labels.outcomes, rows);
    align_right(&mut table, &[1]);
    (!counts.is_empty()).then_some(table)
}

/// Rejections that a DKIM signature kept from getting the line, by company, when there were any.
pub fn held_back(status: &Status, labels: &Labels) -> Option<Table> {
    let counts = &status.watch.held_back_by_signature;
    let mut table = table(&labels.held_back, counts.iter().map(|(company, n)| vec![company.clone(), n.to_string()]));
    align_right(&mut table, &[1]);
    (!counts.is_empty()).then_some(table)
}

/// How long ago an RFC 3339 time was, as `2d 03:04:05`.
fn age(since: &str, now: Timestamp) -> Option<String> {
    let since: Timestamp = since.parse().ok()?;
    let seconds = now.duration_since(since).as_secs().max(0);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    Some(if days > 0 { format!("{days}d {clock}") } else { clock })
}

fn octets(n: u64) -> String {
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = units.into_iter().find(|(_, size)| n >= *size);
    unit.map_or_else(|| format!("{n} B"), |(name, size)| format!("{}.{} {name}", n / size, n % size * 10 / size))
}

/// Columns a text takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// As much of a line as fits into so many columns; controls, which a next hop might have said, are left out.
pub(super) fn cut(line: &str, columns: usize) -> String {
    let mut left = columns;
    let fits = |c: &char| {
        let taken = c.width().unwrap_or(0);
        let fits = taken <= left;
        left = left.saturating_sub(taken);
        fits
    };
    line.chars().filter(|c| !c.is_control()).take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::SpoolStatus;
    use crate::watch::{Rates, Watch};

    fn status() -> Status {
        let mut watch = Watch::new().snapshot();
        watch.outcomes = [("referred", 2), ("not_recruiting", 40)].map(|(c, n)| (c.to_owned(), n)).into();
        watch.gauges.insert("sessions_tls".to_owned(), 9);
        watch.held_back_by_signature.insert("sakura".to_owned(), 12);
        let down = NextHopState {
            name: "mx2.example:25".to_owned(),
            failures: 3,
            left_alone_ms: 12_300,
            why: Some("451 4.4.1 no answer\u{1b}[2J".to_owned()),
            has_backlog: true,
            ..NextHopState::default()
        };
        let up = NextHopState {
            name: "mx1.example:25".to_owned(),
            in_use: 2,
            idle: 3,
            connections_max: 20,
            rate_per_minute: Some(600),
            last_reply: Some(250),
            ..NextHopState::default()
        };
        Status {
            version: "0.1.0".to_owned(),
            process: 1,
            started_at: "2026-11-20T03:00:00Z".to_owned(),
            off: Vec::new(),
            edits_stopped: Vec::new(),
            pending: crate::control::confirm::PendingStatus::default(),
            edits: false,
            spool: SpoolStatus {
                entries: 4,
                due: 1,
                oldest_received_at: Some("2026-11-22T02:57:00Z".to_owned()),
                destinations: vec![crate::control::DestinationState {
                    destination: "mx/vendor.example".to_owned(),
                    recipients: [("waiting".to_owned(), 3), ("in_doubt".to_owned(), 1)].into(),
                    oldest_received_at: Some("2026-11-22T02:57:00Z".to_owned()),
                    next_at: Some("2026-11-22T03:10:05Z".to_owned()),
                    last_reply: Some("451 4.4.1 no answer".to_owned()),
                }],
                destinations_known: 3,
                ..SpoolStatus::default()
            },
            watch,
            rates: Rates { in_1s: 3.0, in_1m: 2.44, out_1s: 3.0, out_1m: 2.4 },
            next_hops: vec![up, down],
            next_hops_known: 7,
        }
    }

    fn shown(language: &str) -> String {
        let now = "2026-11-22T03:00:05Z".parse().unwrap_or_else(|e| panic!("{e}"));
        lines(&status(), Labels::of(language), now).join("\n")
    }

    #[test]
    fn the_view_tells_what_an_admin_looks_for() {
        let shown = shown("en");
        for part in [
            "career-relay 0.1.0  2026-11-22 03:00:05Z  up 2d 00:00:05",
            "NO LINE IS WRITTEN",
            "TLS 9",
            "3.0/s  2.4/s over a minute",
            "mails 4  oldest 00:03:05  waiting 0  due 1",
            "answers",
            "fails (3), left alone for 12.3s, backlog: 451 4.4.1 no answer",
            "+5 next hops more",
            "sakura                                                 12",
            "docs/howto-dkim.md",
            "in custody for     oldest  waiting  being sent  in doubt  set aside  next try  why",
            "mx/vendor.example      3m        3           -         1          -  10m       451 4.4.1 no answer",
            "+2 destinations more",
        ] {
            assert!(shown.contains(part), "{part:?} is not in:\n{shown}");
        }
        let frequent = shown.find("not_recruiting").zip(shown.find("referred  "));
        assert!(frequent.is_some_and(|(first, second)| first < second), "{shown}");
    }

    #[test]
    fn in_japanese_the_columns_stay_in_line() {
        let shown = shown("ja");
        assert!(shown.contains("中継先") && shown.contains("台帳への記録待ち"), "{shown}");
        let sums: Vec<&str> = shown.lines().skip_while(|l| !l.starts_with("セッション")).take(6).collect();
        let value_at = |line: &&str| {
            let (name, rest) = line.split_once("  ").unwrap_or_else(|| panic!("{line}"));
            width(name) + 2 + rest.len() - rest.trim_start().len()
        };
        assert!(sums.iter().all(|line| value_at(line) == value_at(&sums[0])), "{shown}");
    }

    #[test]
    fn a_line_is_cut_by_columns_and_holds_no_control() {
        assert_eq!(cut("中継先 x", 5), "中継");
        assert_eq!(cut("mx\u{1b}[2J down", 6), "mx[2J ");
        assert_eq!(cut("short", 80), "short");
        assert_eq!([octets(0), octets(1536), octets(5 << 20)], ["0 B", "1.5 KiB", "5.0 MiB"]);
    }
}
