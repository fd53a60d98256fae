//! A calendar month in Japan, the period of a statement.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};

use crate::report;

/// Japan has had no other offset since 1951.
pub(super) const JAPAN: Offset = Offset::constant(9);

/// A month such as `2026-11`, from midnight to midnight in Japan.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month(Date);

/// Not a month.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("write the month as 2026-11")]
pub struct MonthFault;

impl Month {
    /// The month an instant lies in.
    pub fn of(at: Timestamp) -> Self {
        Self(JAPAN.to_datetime(at).date().first_of_month())
    }

    /// Its first instant, and the first one behind it.
    ///
    /// # Errors
    /// At the end of the calendar.
    pub fn span(self) -> Result<(Timestamp, Timestamp), MonthFault> {
        report::month(self.0.year(), self.0.month(), &TimeZone::fixed(JAPAN)).map_err(|_| MonthFault)
    }
}

impl FromStr for Month {
    type Err = MonthFault;

    fn from_str(text: &str) -> Result<Self, MonthFault> {
        let shaped = text.len() == 7 && text.as_bytes().get(4) == Some(&b'-');
        let day = shaped.then(|| format!("{text}-01").parse().ok()).flatten();
        day.map(Self).ok_or(MonthFault)
    }
}

impl TryFrom<String> for Month {
    type Error = MonthFault;

    fn try_from(text: String) -> Result<Self, MonthFault> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn a_month_begins_and_ends_at_midnight_in_japan() {
        let span = month("2026-12").span().map(|(from, until)| (from.to_string(), until.to_string()));
        assert_eq!(span, Ok(("2026-11-30T15:00:00Z".to_owned(), "2026-12-31T15:00:00Z".to_owned())));
    }

    #[test]
    fn the_last_hours_of_a_month_in_greenwich_belong_to_the_next_in_japan() {
        let at: Timestamp = "2026-10-31T15:00:00Z".parse().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(Month::of(at), month("2026-11"));
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for text in ["", "2026", "2026-13", "2026-1", "26-11", "2026-11-01", "2026/11"] {
            assert_eq!(text.parse::<Month>(), Err(MonthFault), "{text}");
        }
        assert_eq!(String::from(month("2026-02")), "2026-02");
    }
}
