//! No statement of the spool looks at all that waits: read from the sources, asked of SQLite.

use rusqlite::Connection;

/// Tables that grow with the mail in custody, with referrals, with what admins do.
const GROWING: [&str; 7] = ["entries", "recipients", "offers", "outbox", "acts", "intents", "intent_names"];
/// Statements that may look at all of a table, by how they begin, and why.
const MAY_SCAN: [(&str, &str); 11] = [
    (
        "SELECT entry, at, octets, file_octets, parked, id",
        "once at the start: where each entry lies, none of them read",
    ),
    ("SELECT id, kept_since FROM entries WHERE parked", "in the order of age, and it ends at the first that is young"),
    ("SELECT max(at) FROM (SELECT at FROM clock", "once at the start, and only the newest one"),
    ("SELECT count(*), min(received_at) FROM entries", "an admin asks"),
    ("SELECT count(*) FILTER", "an admin asks"),
    ("WITH sums AS", "an admin asks"),
    ("DELETE FROM acts WHERE at", "now and then, of what is a year old"),
    ("SELECT seq, company, key_id", "what one person or mail has in the outbox: an admin asks"),
    ("DELETE FROM intents WHERE at", "now and then, of what is over for weeks"),
    ("DELETE FROM intent_names WHERE at", "now and then, of what is over for weeks"),
    ("UPDATE entries SET kept_since", "the clock was set while nobody ran"),
];

/// The texts between quotes that are statements, with what is put into them.
fn statements(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for verb in ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "] {
        for (at, _) in source.match_indices(&format!("\"{verb}")) {
            let text = source[at + 1..].split('"').next().unwrap_or_default();
            let lines: Vec<&str> = text.split("\\\n").map(str::trim_start).collect();
            found.push(lines.concat());
        }
    }
    found
}

/// What `format!` puts into a statement.
fn filled(statement: &str) -> Vec<String> {
    let known = statement
        .replace("{RECIPIENT_COLUMNS}", super::super::load::RECIPIENT_COLUMNS)
        .replace("{EVENT_COLUMNS}", super::super::read::EVENT_COLUMNS)
        .replace("{copy}", "(SELECT plain_copy FROM holds WHERE entry = ?1)")
        .replace("{}", "entries.entry > ?1")
        .replace("{table} SET {column} = {moved}", "entries SET kept_since = ?1");
    ["company = ?1 AND key_id = ?2 AND candidate = ?3", "transaction_id = ?1"]
        .map(|condition| known.replace("{condition}", condition))
        .into()
}

#[test]
fn no_statement_looks_at_all_that_waits_but_those_that_are_named() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(concat!(include_str!("../schema.sql"), include_str!("../intents.sql"))).unwrap();
    let mut unused: Vec<&str> = MAY_SCAN.iter().map(|(begin, _)| *begin).collect();
    let mut count = 0;
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/spool")).unwrap().flatten() {
        let Ok(source) = std::fs::read_to_string(file.path()) else { continue };
        for sql in statements(&source).iter().flat_map(|statement| filled(statement)) {
            count += 1;
            let mut plan =
                connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap_or_else(|e| panic!("{sql}: {e}"));
            let steps: Vec<String> = plan.raw_query().mapped(|row| row.get(3)).collect::<Result<_, _>>().unwrap();
            let looks_at_all = |step: &&String| {
                let mut words = step.split(' ');
                words.next() == Some("SCAN")
                    && words.next().is_some_and(|table| GROWING.contains(&table))
                    && !["recipients_marked", "recipients_doubled"].iter().any(|small| step.contains(small))
            };
            let Some(step) = steps.iter().find(looks_at_all) else { continue };
            let named = MAY_SCAN.iter().find(|(begin, _)| sql.starts_with(begin));
            assert!(named.is_some(), "{step}: {sql}");
            unused.retain(|begin| named.is_none_or(|(name, _)| name != begin));
        }
    }
    assert!(count > 60, "only {count} statements were found");
    assert_eq!(unused, [""; 0], "these look at nothing too much, and need no name");
}
