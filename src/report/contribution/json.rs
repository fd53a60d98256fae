//! A report as JSON, for programs.

use serde_json::{Map, Value, json};

use super::Contribution;
use super::rows::{COLUMNS, FACTS, NUMBERS, Row, rows};

/// The report as a JSON value. A number that is not shown is null, and `state` says why.
pub fn json(report: &Contribution) -> Value {
    let rows = rows(report);
    let mut object = Map::new();
    object.insert("report".to_owned(), "contribution".into());
    object.insert("version".to_owned(), 1.into());
    for row in rows.iter().filter(|row| row.is_fact()) {
        let [value, ..] = &row.cells;
        let value = if row.item == "complete" {
            (value == "yes").into()
        } else if NUMBERS.contains(&row.item.as_str()) {
            value.parse::<u64>().map_or(Value::Null, Value::from)
        } else {
            value.as_str().into()
        };
        object.insert(row.item.clone(), value);
    }
    let figures: Vec<Value> = rows.iter().filter(|row| !row.is_fact()).map(figure).collect();
    object.insert("figures".to_owned(), figures.into());
    object.insert("checksum".to_owned(), report.checksum().into());
    Value::Object(object)
}

fn figure(row: &Row) -> Value {
    let [value, state, n, unit, source, proof] = &row.cells;
    let number = |text: &str| text.parse::<u64>().map_or(Value::Null, Value::from);
    let proof = if proof.is_empty() { Value::Null } else { proof.as_str().into() };
    json!({
        "item": row.item, "value": number(value), "state": state, "n": number(n), "unit": unit, "source": source,
        "proof": proof,
    })
}

/// The rows of an object, in the order of the record, and its checksum. What does not belong there is a row as well, so
/// that it is named.
pub(super) fn rows_of(mut object: Map<String, Value>) -> Result<(Vec<Row>, String), String> {
    if object.remove("report") != Some("contribution".into()) || object.remove("version") != Some(1.into()) {
        return Err("it is no contribution report, or of another version".to_owned());
    }
    let checksum = object.remove("checksum").map(|value| text_of(&value)).unwrap_or_default();
    let Some(Value::Array(figures)) = object.remove("figures") else { return Err("it has no figures".to_owned()) };
    let known = FACTS.iter().filter_map(|item| Some(Row::fact(item, text_of(&object.remove(*item)?))));
    let mut rows: Vec<Row> = known.collect();
    for figure in figures {
        let Value::Object(mut figure) = figure else { return Err("a figure is no object".to_owned()) };
        let item = figure.remove("item").map(|value| text_of(&value)).unwrap_or_default();
        let cells = COLUMNS.map(|column| figure.remove(column).map(|value| text_of(&value)).unwrap_or_default());
        if let Some(more) = figure.keys().next() {
            return Err(format!("{item}: {more} does not belong there"));
        }
        rows.push(Row { item, cells });
    }
    match object.keys().next() {
        Some(more) => Err(format!("{more} does not belong there")),
        None => Ok((rows, checksum)),
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
