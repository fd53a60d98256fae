//! A statement as JSON, for programs: stable names, times in RFC 3339 UTC, hashes in hexadecimal.

use serde_json::{Map, Value, json};

use crate::ledger::{Kind, Pool, PoolStatement, Statement};

/// The statement as a JSON value.
pub fn json(statement: &Statement) -> Value {
    let series: Map<String, Value> = statement.pools.iter().map(|(name, pool)| (name.clone(), series(pool))).collect();
    json!({
        "statement": 1,
        "company": statement.company.as_str(),
        "from": statement.from.to_string(),
        "until": statement.until.to_string(),
        "series": series,
        "held_back_by_signature": statement.held_back,
        "open_signals": statement.open_signals,
        "chain": { "entries": statement.seq, "head": statement.head_text() },
    })
}

fn series(pool: &PoolStatement) -> Value {
    let count = |kind: Kind| (kind.code().to_owned(), json!(pool.entries.get(&kind).copied().unwrap_or(0)));
    let entries: Map<String, Value> = Kind::ALL.into_iter().map(count).collect();
    let grants: Vec<Value> = pool
        .grants
        .iter()
        .map(|(slot, price, at)| json!({ "slot": slot, "credits": price, "at": at.to_string() }))
        .collect();
    json!({
        "threshold": pool.threshold,
        "opening": balance(&pool.opening),
        "entries": entries,
        "counted": pool.closing.counted.saturating_sub(pool.opening.counted),
        "taken_back": pool.taken_back,
        "grants": grants,
        "closing": balance(&pool.closing),
    })
}

fn balance(pool: &Pool) -> Value {
    json!({ "counted": pool.counted, "toward": pool.toward, "slots": pool.cycles })
}
