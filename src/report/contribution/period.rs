//! The days a report is about, by the calendar of Japan; a company's fiscal year, if they are one.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

/// Japan has had no other offset since 1951.
const JAPAN: Offset = Offset::constant(9);

/// From a day to a day, both of them in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Period {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// The fiscal year it is, named after the calendar year it begins in.
    pub fiscal_year: Option<i16>,
}

/// Why days make no period.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PeriodFault {
    /// The last day is before the first.
    #[error("the period ends before it begins")]
    Backwards,
    /// A day that no calendar has.
    #[error("there is no such year")]
    NoYear,
}

impl Period {
    /// From a day to a day, for a company whose fiscal year begins in `month` (1 to 12).
    ///
    /// # Errors
    /// When it ends before it begins.
    pub fn of(from: Date, to: Date, month: i8) -> Result<Self, PeriodFault> {
        if to < from {
            return Err(PeriodFault::Backwards);
        }
        let year = Self::year(from.year(), month).ok().filter(|year| (year.from, year.to) == (from, to));
        Ok(Self { from, to, fiscal_year: year.and(Some(from.year())) })
    }

    /// The fiscal year that begins in `month` of the calendar year `year`.
    ///
    /// # Errors
    /// When there is no such year.
    pub fn year(year: i16, month: i8) -> Result<Self, PeriodFault> {
        let from = Date::new(year, month, 1).map_err(|_| PeriodFault::NoYear)?;
        let next = from.checked_add(1.year()).map_err(|_| PeriodFault::NoYear)?;
        let to = next.yesterday().map_err(|_| PeriodFault::NoYear)?;
        Ok(Self { from, to, fiscal_year: Some(year) })
    }

    /// Its first instant, and the first one behind it.
    ///
    /// # Errors
    /// At the end of the calendar.
    pub fn span(self) -> Result<(Timestamp, Timestamp), PeriodFault> {
        let zone = || TimeZone::fixed(JAPAN);
        let start = |day: Date| day.to_zoned(zone()).map(|zoned| zoned.timestamp()).map_err(|_| PeriodFault::NoYear);
        let behind = self.to.tomorrow().map_err(|_| PeriodFault::NoYear)?;
        Ok((start(self.from)?, start(behind)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_fiscal_year_runs_from_april_in_japan_and_is_known_by_its_days() {
        let year = Period::year(2026, 4).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((year.from, year.to), (date(2026, 4, 1), date(2027, 3, 31)));
        let span = year.span().map(|(from, until)| (from.to_string(), until.to_string()));
        assert_eq!(span, Ok(("2026-03-31T15:00:00Z".to_owned(), "2027-03-31T15:00:00Z".to_owned())));
        for (from, to, month, fiscal_year) in [
            (date(2026, 4, 1), date(2027, 3, 31), 4, Some(2026)),
            (date(2026, 4, 1), date(2027, 3, 30), 4, None),
            (date(2026, 1, 1), date(2026, 12, 31), 1, Some(2026)),
            (date(2026, 4, 1), date(2027, 3, 31), 1, None),
        ] {
            assert_eq!(Period::of(from, to, month).map(|p| p.fiscal_year), Ok(fiscal_year), "{from} {to}");
        }
        assert_eq!(Period::of(date(2026, 4, 2), date(2026, 4, 1), 4), Err(PeriodFault::Backwards));
        assert_eq!(Period::year(9999, 4), Err(PeriodFault::NoYear));
    }
}
