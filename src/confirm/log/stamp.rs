//! The times in front of log lines.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// How far in front of us a line's clock may be; more, and it is of the year before.
const AHEAD: SignedDuration = SignedDuration::from_hours(26);

/// A time as a line tells it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stamp {
    /// With its zone.
    Whole(Timestamp),
    /// By the clock on the wall.
    Civil(DateTime),
    /// So too, and of no year: month, day, and the time of the day in seconds.
    Yearless(i8, i8, i64),
}

impl Stamp {
    /// The time. What tells no year is of the latest year in which it is not ahead of `now`: a log is read soon.
    pub fn resolve(self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let in_zone = |civil: DateTime| zone.to_ambiguous_timestamp(civil).compatible().ok();
        match self {
            Self::Whole(at) => Some(at),
            Self::Civil(civil) => in_zone(civil),
            Self::Yearless(month, day, second) => {
                let latest = now.checked_add(AHEAD).ok()?;
                let year = latest.to_zoned(zone.clone()).year();
                // The 29th of February is in one year of four, or of eight.
                (0..=8).find_map(|before| {
                    let date = Date::new(year - before, month, day).ok()?;
                    let civil = date.to_datetime(jiff::civil::Time::midnight());
                    let at = in_zone(civil.checked_add(SignedDuration::from_secs(second)).ok()?)?;
                    (at <= latest).then_some(at)
                })
            }
        }
    }
}

/// Reads the time and the host in front of a line; gives what follows them.
pub(super) fn read<'l>(line: &'l str, zone: &TimeZone, now: Timestamp) -> Option<(Timestamp, &'l str)> {
    let (stamp, rest) = rfc3339(line).or_else(|| bsd(line))?;
    let (host, rest) = rest.split_once(' ')?;
    (!host.is_empty() && !host.contains(['[', ':', '/'])).then_some(())?;
    Some((stamp.resolve(zone, now)?, rest))
}

/// `2026-11-23T10:00:01.123456+09:00 `.
fn rfc3339(line: &str) -> Option<(Stamp, &str)> {
    let (text, rest) = line.split_once(' ')?;
    (text.len() >= 20 && text.as_bytes().get(10) == Some(&b'T')).then_some(())?;
    Some((Stamp::Whole(text.parse().ok()?), rest))
}

/// `Nov 23 10:00:01 `, the day with a blank in front where it has one digit.
fn bsd(line: &str) -> Option<(Stamp, &str)> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (month, rest) = (line.get(..3)?, line.get(3..)?.strip_prefix(' ')?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let (day, rest) = (rest.get(..2)?, rest.get(2..)?.strip_prefix(' ')?);
    let day: i8 = day.trim_start().parse().ok()?;
    let (time, rest) = (rest.get(..8)?, rest.get(8..)?);
    let second = seconds(time)?;
    Some((Stamp::Yearless(i8::try_from(month).ok()?, day, second), rest.strip_prefix(' ')?))
}

/// The seconds of `10:00:01`.
fn seconds(time: &str) -> Option<i64> {
    let [h1, h2, b':', m1, m2, b':', s1, s2] = *time.as_bytes() else { return None };
    let two = |a: u8, b: u8| {
        (a.is_ascii_digit() && b.is_ascii_digit()).then(|| i64::from(a - b'0') * 10 + i64::from(b - b'0'))
    };
    let (hour, minute, second) = (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?);
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// `2026-11-23 10:00:01 ` of Exim, with thousandths and the zone where it was told to write them.
pub(super) fn exim(line: &str) -> Option<(Stamp, &str)> {
    let (date, rest) = line.split_once(' ')?;
    let date: Date = date.parse().ok().filter(|_| date.len() == 10)?;
    let (time, rest) = rest.split_once(' ')?;
    let (whole, part) = time.split_once('.').unwrap_or((time, ""));
    part.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
    let since = SignedDuration::from_secs(seconds(whole)?);
    let civil = date.to_datetime(jiff::civil::Time::midnight()).checked_add(since).ok()?;
    match rest.split_once(' ') {
        Some((zone, rest)) if zone.len() == 5 && zone.starts_with(['+', '-']) => {
            let at = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S %z", format!("{civil} {zone}")).ok()?;
            Some((Stamp::Whole(at.to_timestamp().ok()?), rest))
        }
        _ => Some((Stamp::Civil(civil), rest)),
    }
}
