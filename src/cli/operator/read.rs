//! The operator's file: what it tells of persons by their tokens, or of months in totals; every row that cannot be
//! taken is named by its place.

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::sheet::{self, Record};
use crate::control::Month;
use crate::control::operator::{OPTED_OUT, ToldRow, TotalRow, told_kind};
use crate::control::reconcile::COUNTED;
use crate::referral::token::company_code;
use crate::referral::{CompanyId, LinkToken};

/// How a file is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// A sheet with a header.
    Csv,
    /// An array of objects, or an object with `company` and `events` or `totals`.
    Json,
}

/// What a file tells.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Told {
    /// Of persons, each with its place in the file.
    pub rows: Vec<(String, ToldRow)>,
    /// Of months, each with its place.
    pub totals: Vec<(String, TotalRow)>,
    /// Rows that cannot be taken: the place, and why.
    pub bad: Vec<(String, String)>,
}

/// The names a column or key may have.
const COLUMNS: [(&str, &[&str]); 6] = [
    ("token", &["token", "link", "url", "トークン", "リンク", "紹介コード"]),
    ("event", &["event", "stage", "種別", "区分", "イベント", "状況"]),
    ("at", &["at", "date", "日付", "日時", "年月日"]),
    ("month", &["month", "月", "年月", "対象月"]),
    ("people", &["people", "count", "人数", "件数"]),
    ("company", &["company", "企業", "企業id"]),
];
/// The words for what may be told.
const EVENTS: [(&str, &[&str]); 6] = [
    ("registered", &["registered", "登録", "登録済", "登録済み"]),
    ("supported", &["supported", "支援", "支援開始"]),
    ("reemployed", &["reemployed", "re-employed", "re_employed", "hired", "再就職", "就職", "入社"]),
    ("left", &["left", "離職", "退職"]),
    (OPTED_OUT, &["opted_out", "opted-out", "opted out", "配信停止", "案内停止"]),
    (COUNTED, &["counted", "credits", "カウント"]),
];

/// Reads a file about one company's referrals.
///
/// # Errors
/// A sentence when nothing of it can be read: no header, no JSON, or another company's.
pub fn read(octets: &[u8], form: Form, company: &CompanyId, now: Timestamp) -> Result<Told, String> {
    let reader = Reader { company, code: company_code(company), now };
    match form {
        Form::Csv => reader.csv(octets),
        Form::Json => reader.json(octets),
    }
}

/// The cells of one row by the names of their columns.
struct Row<'r> {
    place: String,
    cell: &'r dyn Fn(&str) -> Option<String>,
    /// What stands behind the place for the cell of a column.
    column: &'r dyn Fn(&str) -> String,
}

struct Reader<'c> {
    company: &'c CompanyId,
    code: String,
    now: Timestamp,
}

impl Reader<'_> {
    fn csv(&self, octets: &[u8]) -> Result<Told, String> {
        let mut records = sheet::read(octets).into_iter();
        let header = records.next().ok_or("the file is empty: its first line names the columns")?;
        let columns: Vec<Option<&str>> = header.cells.iter().map(|name| known(&COLUMNS, name)).collect();
        let has = |name: &str| columns.contains(&Some(name));
        let is_list = has("token") && has("event") && has("at");
        let is_totals = has("month") && has("event") && has("people");
        if !is_list && !is_totals {
            let found = header.cells.join(", ");
            return Err(format!(
                "line {}: the columns must be token, event, at (a list) or month, event, people (totals), not {found}",
                header.line
            ));
        }
        let mut told = Told::default();
        for Record { line, cells, broken } in records {
            let name = |at: usize| header.cells.get(at).cloned().unwrap_or_else(|| "behind the last".to_owned());
            if let Some((at, why)) = broken {
                told.bad.push((format!("line {line}, column {} ({})", at + 1, name(at)), why));
                continue;
            }
            let at = |wanted: &str| columns.iter().position(|column| *column == Some(wanted));
            let cell = |wanted: &str| cells.get(at(wanted)?).cloned();
            let column = |wanted: &str| match at(wanted) {
                Some(at) => format!(", column {} ({})", at + 1, name(at)),
                None => String::new(),
            };
            self.take(&Row { place: format!("line {line}"), cell: &cell, column: &column }, is_list, &mut told);
        }
        Ok(told)
    }

    fn json(&self, octets: &[u8]) -> Result<Told, String> {
        let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
        let value: Value = serde_json::from_slice(octets).map_err(|e| format!("no JSON: {e}"))?;
        if let Some(other) = value.get("company").filter(|id| id.as_str() != Some(self.company.as_str())) {
            return Err(format!("the file is about the company {other}, not about {}", self.company));
        }
        let lists: Vec<(&str, &Vec<Value>)> = match &value {
            Value::Array(rows) => vec![("", rows)],
            Value::Object(of) => {
                ["events", "totals"].into_iter().filter_map(|name| Some((name, of.get(name)?.as_array()?))).collect()
            }
            _ => Vec::new(),
        };
        if lists.is_empty() {
            return Err("an array of objects is expected, or an object with \"events\" or \"totals\"".to_owned());
        }
        let mut told = Told::default();
        for (name, rows) in lists {
            for (number, row) in rows.iter().enumerate() {
                let key = |wanted: &str| {
                    let of = row.as_object()?;
                    of.iter().find(|(key, _)| known(&COLUMNS, key) == Some(wanted)).map(|(_, value)| value)
                };
                let cell = |wanted: &str| {
                    key(wanted).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                };
                let column = |wanted: &str| format!(", key {wanted}");
                let is_list = if name.is_empty() { key("people").is_none() } else { name == "events" };
                let place = format!("{name}[{number}]");
                self.take(&Row { place, cell: &cell, column: &column }, is_list, &mut told);
            }
        }
        Ok(told)
    }

    /// Takes one row, or names what is wrong with it.
    fn take(&self, row: &Row<'_>, is_list: bool, told: &mut Told) {
        let place = row.place.clone();
        let taken = self.check_company(row).and_then(|()| {
            if is_list {
                self.list_row(row).map(|one| told.rows.push((place.clone(), one)))
            } else {
                total_row(row).map(|one| told.totals.push((place.clone(), one)))
            }
        });
        if let Err((column, why)) = taken {
            told.bad.push((format!("{place}{}", (row.column)(column)), why));
        }
    }

    fn check_company(&self, row: &Row<'_>) -> Result<(), (&'static str, String)> {
        match (row.cell)("company").filter(|id| !id.is_empty() && id != self.company.as_str()) {
            Some(id) => Err(("company", format!("a row of the company {id}, not of {}", self.company))),
            None => Ok(()),
        }
    }

    fn list_row(&self, row: &Row<'_>) -> Result<ToldRow, (&'static str, String)> {
        let token = cell(row, "token")?;
        let token = token.rsplit('/').next().unwrap_or_default();
        // What stands in the cell may be an address by mistake: it is not repeated.
        let no_token = |_| ("token", "this is no token of a link, such as sakura-… behind /r/".to_owned());
        let token = LinkToken::parse(token).map_err(no_token)?;
        let code = token.as_str().rsplit_once('-').map_or("", |(code, _)| code);
        if code != self.code {
            return Err(("token", format!("a token of the company {code}, not of {}", self.company)));
        }
        let event = event(row)?;
        if event == COUNTED {
            return Err(("event", "counted is a figure of totals".to_owned()));
        }
        let text = cell(row, "at")?;
        let at = time(&text).ok_or_else(|| ("at", format!("{text:?} is no day such as 2026-11-30, and no time")))?;
        if at > self.now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX) {
            return Err(("at", format!("{text} has not come yet")));
        }
        Ok(ToldRow { token, event: event.to_owned(), at: at.to_string() })
    }
}

fn total_row(row: &Row<'_>) -> Result<TotalRow, (&'static str, String)> {
    let text = cell(row, "month")?;
    let month: Month = text.replace('/', "-").parse().map_err(|e| ("month", format!("{text:?}: {e}")))?;
    let event = event(row)?;
    if told_kind(event).is_none() && event != COUNTED {
        return Err(("event", format!("{event} is no figure of totals")));
    }
    let text = cell(row, "people")?;
    let people = text.replace(',', "").parse().map_err(|_| ("people", format!("{text:?} is no number of people")))?;
    Ok(TotalRow { month, event: event.to_owned(), people })
}

fn cell(row: &Row<'_>, column: &'static str) -> Result<String, (&'static str, String)> {
    let text = (row.cell)(column).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    text.ok_or_else(|| (column, format!("no {column}")))
}

fn event(row: &Row<'_>) -> Result<&'static str, (&'static str, String)> {
    let text = cell(row, "event")?;
    let names = || EVENTS.map(|(code, _)| code).join(", ");
    known(&EVENTS, &text).ok_or_else(|| ("event", format!("{text:?} is none of {}", names())))
}

fn known(names: &[(&'static str, &[&str])], text: &str) -> Option<&'static str> {
    let text = text.trim().to_lowercase();
    names.iter().find(|(_, all)| all.contains(&text.as_str())).map(|(code, _)| *code)
}

/// A time in RFC 3339, a day (its midnight in Japan), or a day and a time in Japan; with `-` or `/`.
fn time(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    let text = text.replace('/', "-");
    let mut parts = text.splitn(2, ['T', ' ']);
    let numbers: Vec<&str> = parts.next()?.split('-').collect();
    let [year, month, day] = numbers[..] else { return None };
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    let at = match parts.next() {
        Some(clock) => DateTime::from_parts(date, clock.trim().parse().ok()?),
        None => date.to_datetime(jiff::civil::Time::midnight()),
    };
    TimeZone::fixed(Offset::constant(9)).to_timestamp(at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn told(text: &str, form: Form) -> Result<Told, String> {
        let company = CompanyId::parse("sakura").map_err(|e| e.to_string())?;
        let now = "2026-12-01T00:00:00Z".parse().map_err(|_| "a time")?;
        read(text.replace("TAG", TAG).as_bytes(), form, &company, now)
    }

    /// A file; `event at` of each row, `month event people` of each total, `place: why` of each bad one.
    fn check(text: &str, form: Form, expected: &[&str]) {
        let seen = match told(text, form) {
            Err(why) => vec![format!("!{why}")],
            Ok(told) => {
                let rows = told.rows.iter().map(|(_, row)| format!("{} {}", row.event, row.at));
                let totals = told.totals.iter().map(|(_, t)| format!("{} {} {}", t.month, t.event, t.people));
                rows.chain(totals).chain(told.bad.iter().map(|(place, why)| format!("{place}: {why}"))).collect()
            }
        };
        let fits = seen.len() == expected.len() && seen.iter().zip(expected).all(|(seen, e)| seen.starts_with(e));
        assert!(fits, "{text}\n{seen:#?}");
    }

    #[test]
    fn lists_and_totals_are_read_in_either_language_and_form() {
        let expected = ["registered 2026-11-03T15:00:00Z", "reemployed 2026-11-20T01:30:00Z"];
        check(
            "token,event,at\nsakura-TAG,registered,2026-11-04\nsakura-TAG,hired,2026-11-20T10:30:00+09:00",
            Form::Csv,
            &expected,
        );
        check(
            "年月日,区分,リンク\r\n2026/11/4,登録,https://careerrelay.jp/r/sakura-TAG\r\n2026/11/20 10:30,再就職,sakura-TAG\r\n",
            Form::Csv,
            &expected,
        );
        let json = r#"[{"token":"sakura-TAG","event":"registered","at":"2026-11-04"},
                       {"token":"sakura-TAG","event":"reemployed","at":"2026-11-20T01:30:00Z"}]"#;
        check(json, Form::Json, &expected);
        let totals = ["2026-11 registered 1200", "2026-11 counted 7"];
        check("month,event,count\n2026-11,registered,\"1,200\"\n2026/11,counted,7\n", Form::Csv, &totals);
        let json = r#"{"company":"sakura","totals":[{"month":"2026-11","event":"registered","people":1200},
                       {"month":"2026-11","event":"counted","people":7}]}"#;
        check(json, Form::Json, &totals);
    }

    #[test]
    fn a_row_that_cannot_be_taken_is_named_by_line_and_column() {
        check(
            "token,event,at\nsakura-TAG,registered,2026-11-04\nmomiji-TAG,registered,2026-11-04\n\
             taro@x.example,left,2026-11-04\nsakura-TAG,promoted,2026-11-04\nsakura-TAG,left,11/4\n\
             sakura-TAG,left\nsakura-TAG,left,2027-01-01\n",
            Form::Csv,
            &[
                "registered 2026-11-03",
                "line 3, column 1 (token): a token of the company momiji, not of sakura",
                "line 4, column 1 (token): this is no token",
                "line 5, column 2 (event): \"promoted\" is none of registered",
                "line 6, column 3 (at): \"11/4\" is no day",
                "line 7, column 3 (at): no at",
                "line 8, column 3 (at): 2027-01-01 has not come",
            ],
        );
        let json = r#"{"events":[{"token":"sakura-TAG","event":"left"}],
                       "totals":[{"month":"11","event":"left","people":-1}]}"#;
        check(json, Form::Json, &["events[0], key at: no at", "totals[0], key month: \"11\": write the month"]);
    }

    #[test]
    fn a_file_of_another_company_or_of_no_known_form_is_refused_whole() {
        check("name,mail\n", Form::Csv, &["!line 1: the columns must be token, event, at"]);
        check("", Form::Csv, &["!the file is empty"]);
        check(r#"{"company":"momiji","events":[]}"#, Form::Json, &["!the file is about the company \"momiji\""]);
        check("{", Form::Json, &["!no JSON: EOF while parsing an object at line 1"]);
        check("7", Form::Json, &["!an array of objects"]);
        check(
            "company,token,event,at\nmomiji,sakura-TAG,left,2026-11-04",
            Form::Csv,
            &["line 2, column 1 (company): a row of"],
        );
    }
}
