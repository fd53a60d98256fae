//! From the rows of an export to mails: which column holds what, and what a date looks like.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, offset};

use super::table::Row;
use crate::control::observe::ObservedMail;
use crate::control::spool::Unlogged;
use crate::ledger::name_of_elsewhere;
use crate::mail::address::Address;

/// Headers that tell a column when `--columns` does not.
const ADDRESS: &[&str] = &["address", "email", "e-mail", "mail", "to", "メール", "メールアドレス", "アドレス", "宛先"];
const DATE: &[&str] = &["date", "sent", "sent at", "sent_at", "日付", "送信日", "送信日時", "日時", "通知日"];
const SUBJECT: &[&str] = &["subject", "title", "件名", "タイトル"];

/// Which cell holds what, counted from 0.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Columns {
    address: usize,
    date: usize,
    subject: Option<usize>,
}

/// A row that makes no mail.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Faulty {
    /// Its line, from 1.
    pub line: usize,
    /// Why; nothing of it is repeated.
    pub why: String,
}

impl Columns {
    /// Finds the columns by the header, or by what was said: `address=2,date=送信日,subject=件名`.
    ///
    /// # Errors
    /// A sentence about the column that is missing.
    pub fn find(header: &Row, said: Option<&str>) -> Result<Self, String> {
        let (mut address, mut date, mut subject) = (None, None, None);
        for part in said.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, place) =
                part.split_once('=').ok_or_else(|| format!("--columns: {part:?} is not name=column"))?;
            let found = place_of(header, place.trim())
                .ok_or_else(|| format!("--columns: line {} has no column {place:?}", header.line))?;
            match name.trim() {
                "address" => address = Some(found),
                "date" => date = Some(found),
                "subject" => subject = Some(found),
                other => return Err(format!("--columns: {other:?} is none of address, date, subject")),
            }
        }
        let by_name =
            |names: &[&str]| header.cells.iter().position(|cell| names.contains(&cell.to_lowercase().as_str()));
        let missing =
            |what: &str| format!("line {}: no column for the {what}: name it, such as --columns {what}=2", header.line);
        Ok(Self {
            address: address.or_else(|| by_name(ADDRESS)).ok_or_else(|| missing("address"))?,
            date: date.or_else(|| by_name(DATE)).ok_or_else(|| missing("date"))?,
            subject: subject.or_else(|| by_name(SUBJECT)),
        })
    }

    /// The mail of a row; nothing when its subject does not hold the words that are asked for.
    ///
    /// # Errors
    /// Why there is none.
    pub fn mail(&self, row: &Row, subject_has: Option<&str>) -> Result<Option<ObservedMail>, Faulty> {
        let faulty = |why: &str| Faulty { line: row.line, why: why.to_owned() };
        if let Some(words) = subject_has {
            let at = self.subject.ok_or_else(|| faulty("no column for the subject"))?;
            let subject = row.cells.get(at).ok_or_else(|| faulty("its subject is missing"))?;
            if !subject.contains(words) {
                return Ok(None);
            }
        }
        let cell = |at: usize| row.cells.get(at).map(String::as_str).unwrap_or_default();
        let address = cell(self.address);
        if !Address::parse(address).is_ok_and(|address| address.domain().is_some()) {
            return Err(faulty("its address is not one such as name@domain.example"));
        }
        let at =
            time(cell(self.date)).ok_or_else(|| faulty("its date is not one such as 2026-11-01 or 2026/11/1 9:30"))?;
        // The same row is the same mail in every export that has it, whatever stands in its other columns.
        let name = format!("csv-{}", name_of_elsewhere(&at.to_string()));
        Ok(Some(ObservedMail { address: Unlogged(address.to_owned()), at: at.to_string(), name }))
    }
}

/// A column by its number from 1, or by its header.
fn place_of(header: &Row, place: &str) -> Option<usize> {
    let by_number = place.parse::<usize>().ok().and_then(|n| n.checked_sub(1)).filter(|at| *at < header.cells.len());
    by_number.or_else(|| header.cells.iter().position(|cell| cell == place))
}

/// A time as exports write it; in Japan where no zone is said, and at noon where no time is.
fn time(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let plain = text.replace(['年', '月', '/'], "-").replace(['日', 'T'], " ");
    let (day, clock) = plain.trim().split_once(' ').unwrap_or((plain.trim(), "12:00"));
    let mut parts = day.split('-').map(str::trim);
    let (year, month, day) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let date = Date::new(year, month, day).ok().filter(|_| parts.next().is_none() && year >= 2000)?;
    let mut parts = clock.trim().split(':');
    let (hour, minute) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let second = parts.next().map_or(Some(0), |second| second.parse().ok()).filter(|_| parts.next().is_none())?;
    let time = jiff::civil::Time::new(hour, minute, second, 0).ok()?;
    let zoned = DateTime::from_parts(date, time).to_zoned(TimeZone::fixed(offset(9))).ok()?;
    Some(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Row {
        Row { line: 7, cells: cells.iter().map(|c| (*c).to_owned()).collect() }
    }

    #[test]
    fn times_are_read_as_exports_write_them_in_japan() {
        for (text, expected) in [
            ("2026-11-01", Some("2026-11-01T03:00:00Z")),
            ("2026/11/1 9:30", Some("2026-11-01T00:30:00Z")),
            ("2026-11-01 09:30:15", Some("2026-11-01T00:30:15Z")),
            ("2026-11-01T09:30:15", Some("2026-11-01T00:30:15Z")),
            ("2026-11-01T09:30:15+00:00", Some("2026-11-01T09:30:15Z")),
            ("2026年11月1日", Some("2026-11-01T03:00:00Z")),
            ("2026年11月1日 9:05", Some("2026-11-01T00:05:00Z")),
            ("11/1/2026", None),
            ("2026-13-01", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(time(text).map(|at| at.to_string()).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn columns_are_found_by_their_names_or_as_it_is_said() {
        let header = row(&["氏名", "メールアドレス", "送信日時", "件名"]);
        let found = Columns::find(&header, None).expect("columns");
        assert_eq!(found, Columns { address: 1, date: 2, subject: Some(3) });
        let header = row(&["id", "連絡先", "when"]);
        assert_eq!(
            Columns::find(&header, Some("address=連絡先, date=3")),
            Ok(Columns { address: 1, date: 2, subject: None })
        );
        for (said, why) in [
            (None, "no column for the address"),
            (Some("address=9"), "no column \"9\""),
            (Some("x=1"), "\"x\" is none"),
        ] {
            assert!(Columns::find(&header, said).is_err_and(|e| e.contains(why)), "{said:?}");
        }
    }

    #[test]
    fn a_row_is_a_mail_or_is_named_without_being_repeated() {
        let columns = Columns { address: 0, date: 1, subject: Some(2) };
        let mail = |cells: &[&str], has| columns.mail(&row(cells), has);
        let one = mail(&["hana@mail.example", "2026-11-01", "選考結果のご連絡"], Some("選考結果"))
            .expect("a mail")
            .expect("a mail");
        let again = mail(&["hana@mail.example", "2026/11/1 12:00", "x"], None).expect("a mail").expect("a mail");
        assert_eq!(one, again, "the same mail in another export");
        assert_eq!(mail(&["hana@mail.example", "2026-11-01", "面接のご案内"], Some("選考結果")), Ok(None));
        for cells in [["hana", "2026-11-01", ""], ["hana@mail.example", "soon", ""]] {
            let faulty = mail(&cells, None).expect_err("no mail");
            assert!(faulty.line == 7 && !faulty.why.contains("hana"), "{faulty:?}");
        }
    }
}
