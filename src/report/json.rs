//! A statement as JSON, for programs: stable names, times in RFC 3339 UTC, hashes in hexadecimal.

use serde_json::{Map, Value, json};

use super::rows::statement_checksum;
use crate::ledger::statement::{ContractState, Redemption, SignedBy, SignedEntry};
use crate::ledger::{Kind, Pool, PoolStatement, Statement};

/// The statement as a JSON value.
pub fn json(statement: &Statement) -> Value {
    let series: Map<String, Value> =
        statement.pools.iter().map(|(name, pool)| (name.clone(), series(pool, statement.waiting(name)))).collect();
    json!({
        "statement": 1,
        "company": statement.company.as_str(),
        "from": statement.from.to_string(),
        "until": statement.until.to_string(),
        "series": series,
        "contracts": contracts(statement),
        "ledger": statement.ledger.map(|name| name.to_string()),
        "held_back_by_signature": statement.held_back,
        "excluded": statement.excluded,
        "open_signals": statement.open_signals,
        "chain": { "entries": statement.seq, "head": statement.head_text() },
        "checksum": statement_checksum(statement),
    })
}

/// The versions that rule the entries, and whether the operator has signed each.
fn contracts(statement: &Statement) -> Vec<Value> {
    let by = |by: &SignedBy| json!({ "key": by.key.to_string(), "at": by.at.to_string() });
    let version = |(series, (version, state)): (&String, (&u32, &ContractState))| {
        json!({
            "series": series,
            "version": version,
            "digest": state.digest_text(),
            "signed": !state.signed.is_empty(),
            "signed_by": state.signed.iter().map(by).collect::<Vec<_>>(),
        })
    };
    let all = statement.contracts.iter().flat_map(|(series, versions)| versions.iter().map(move |of| (series, of)));
    all.map(version).collect()
}

fn series(pool: &PoolStatement, waiting: u64) -> Value {
    let count = |kind: Kind| (kind.code().to_owned(), json!(pool.shown(kind)));
    let entries: Map<String, Value> = Kind::ALL.into_iter().map(count).collect();
    let grants: Vec<Value> = pool
        .grants
        .iter()
        .map(|(slot, price, at)| json!({ "slot": slot, "credits": price, "at": at.to_string() }))
        .collect();
    let redemptions: Vec<Value> = pool.redemptions.iter().map(redemption).collect();
    json!({
        "threshold": pool.threshold,
        "opening": balance(&pool.opening),
        "entries": entries,
        "counted": pool.closing.counted.saturating_sub(pool.opening.counted),
        "counted_presumed": pool.presumed,
        "taken_back": pool.taken_back,
        "corrected": pool.corrected,
        "credits_lapsed": pool.lapsed,
        "grants": grants,
        "redemptions": redemptions,
        "closing": balance(&pool.closing),
        "waiting": waiting,
    })
}

/// The use of a slot, and whether the operator has signed it.
fn redemption((slot, of): (&u32, &Redemption)) -> Value {
    let key = |by: &SignedEntry| by.key.map(|key| key.to_string());
    let by = |by: &SignedEntry| json!({ "key": key(by), "entry": by.entry, "at": by.at.to_string() });
    json!({
        "slot": slot,
        "entry": of.entry,
        "at": of.at.to_string(),
        "signed": !of.signed.is_empty(),
        "signed_by": of.signed.iter().map(by).collect::<Vec<_>>(),
    })
}

fn balance(pool: &Pool) -> Value {
    json!({ "counted": pool.counted, "toward": pool.toward, "slots": pool.cycles })
}
