//! Periods by the calendar of a time zone.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// The first instant of a month and the first one behind it.
///
/// # Errors
/// When there is no such month.
pub fn month(year: i16, month: i8, zone: &TimeZone) -> Result<(Timestamp, Timestamp), jiff::Error> {
    let first = Date::new(year, month, 1)?;
    let next = first.checked_add(1.month())?;
    Ok((first.to_zoned(zone.clone())?.timestamp(), next.to_zoned(zone.clone())?.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_and_ends_at_midnight_of_its_zone() {
        let tokyo = TimeZone::fixed(jiff::tz::offset(9));
        let (from, until) = month(2026, 12, &tokyo).expect("a month");
        assert_eq!(from.to_string(), "2026-11-30T15:00:00Z");
        assert_eq!(until.to_string(), "2026-12-31T15:00:00Z");
        assert!(month(2026, 13, &tokyo).is_err());
    }
}
