//! What both sides can check: checkpoints made and held against the ledger, contracts and who signed them, public keys.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Request;
use super::ledger::{Verified, describe, verify};
use crate::ledger::checkpoint::{Checkpoint, LedgerName, SignedCheckpoint};
use crate::ledger::signature::PublicKey;
use crate::ledger::statement::SignedBy;
use crate::ledger::witness::{StatementHead, Witness, forks};
use crate::referral::CompanyId;
use crate::store::{ContractRow, KeyRow, Store};
use crate::sys::ed25519::{public_key, sign};
use crate::sys::signing_key::SigningKey;

/// A file that the other side has kept.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Its name, to speak of it.
    pub name: String,
    /// What is in it: checkpoints, or a statement in JSON.
    pub text: String,
}

/// The ledger held against what was kept of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct VerifiedGiven {
    /// The replay of each company, with what is wrong by what was kept.
    pub companies: Vec<Verified>,
    /// What was kept.
    pub given: Vec<GivenLine>,
    /// What the given say against each other.
    pub faults: Vec<String>,
}

/// One thing that was kept.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct GivenLine {
    /// Where it stands.
    pub source: String,
    /// Who has signed it, with a signature that holds and a key that is believed.
    pub signed_by: Option<String>,
    /// What is wrong with it by itself; it is held against nothing then.
    pub fault: Option<String>,
}

/// A checkpoint.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CheckpointText {
    /// The text to keep.
    pub text: String,
    /// When it was made, RFC 3339.
    pub at: String,
    /// The key that signed it.
    pub key: String,
    /// How many companies it covers.
    pub companies: usize,
}

/// Who has signed something.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignedLine {
    /// The public key.
    pub key: String,
    /// Sixteen characters of its hash.
    pub id: String,
    /// Since when the ledger knows it, RFC 3339.
    pub since: String,
}

/// A contract version.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ContractLine {
    /// Whose it is.
    pub company: String,
    /// The series.
    pub series: String,
    /// The version in it.
    pub version: u32,
    /// The first day it is in force.
    pub from: String,
    /// SHA-256 of the record, which every entry pins.
    pub digest: String,
    /// Whether the operator has signed it.
    pub signed: bool,
    /// Who has, and since when the ledger knows it.
    pub signed_by: Vec<SignedLine>,
    /// The entries it rules.
    pub entries: u64,
    /// The terms, one a line.
    pub record: String,
}

/// The keys the ledger knows.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct KeysKnown {
    /// The ledger's name.
    pub ledger: String,
    /// Those that sign its checkpoints, oldest first.
    pub signing: Vec<SignedLine>,
    /// Those of candidates.
    pub candidates: Vec<KeyLine>,
}

/// A key under which a company's candidates are, or were, known.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct KeyLine {
    /// The company.
    pub company: String,
    /// The key's number.
    pub id: u16,
    /// What tells it apart and reveals nothing of it.
    pub fingerprint: String,
    /// Since when the ledger knows it, RFC 3339; null of before that was written down.
    pub since: Option<String>,
    /// Persons that are kept under it.
    pub persons: u64,
}

/// Answers what needs the store alone; `None` for other requests.
pub async fn answer_trust(store: &Store, request: &Request) -> Option<Result<Value, String>> {
    Some(match request {
        Request::VerifyGiven { company, given, keys } => {
            verify_given(store, (company.as_ref(), given, keys)).await.and_then(to_value)
        }
        Request::Contracts { company } => contracts(store, company.as_ref()).await.and_then(to_value),
        Request::Keys => keys(store).await.and_then(to_value),
        _ => return None,
    })
}

fn to_value(answer: impl Serialize) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|e| e.to_string())
}

/// Signs where all chains end now. A clock that went back does not make it older than what it covers.
///
/// # Errors
/// A sentence for the admin.
pub async fn checkpoint(store: &Store, key: &SigningKey, now: Timestamp) -> Result<CheckpointText, String> {
    let public = public_key(key).ok_or("the key that signs for the ledger is no Ed25519 key")?;
    // Known before the first checkpoint leaves, or `ledger verify` would call it a stranger's.
    store.note_signing_key(public).await.map_err(|e| e.to_string())?;
    let heads = store.heads().await.map_err(|e| e.to_string())?;
    let at = now.max(heads.posted);
    let checkpoint = Checkpoint { ledger: heads.ledger, at, key: public, heads: heads.heads };
    let signature = sign(key, &checkpoint.record()).ok_or("the checkpoint could not be signed")?;
    let companies = checkpoint.heads.len();
    let text = SignedCheckpoint { checkpoint, signature }.to_text();
    Ok(CheckpointText { text, at: at.to_string(), key: public.to_string(), companies })
}

async fn verify_given(
    store: &Store,
    (only, given, keys): (Option<&CompanyId>, &[Given], &[String]),
) -> Result<VerifiedGiven, String> {
    let pinned: Option<Vec<PublicKey>> = keys.iter().map(|key| PublicKey::parse(key)).collect();
    let pinned = pinned.ok_or("a key is `ed25519:` and 44 characters, as `keys show` prints it")?;
    let known = store.signing_keys().await.map_err(|e| e.to_string())?.into_iter().map(|by| by.key).collect();
    let ledger = store.heads().await.map_err(|e| e.to_string())?.ledger;
    let mut kept = Kept { ledger, only, believed: if pinned.is_empty() { known } else { pinned }, ..Kept::default() };
    for given in given {
        kept.take(given);
    }
    let mut companies: Vec<Verified> = verify(store, only).await.map_err(|e| e.to_string())?;
    for (company, faults) in store.witnessed(kept.witnesses).await.map_err(|e| e.to_string())? {
        let faults: Vec<String> = faults.iter().map(describe).collect();
        match companies.iter_mut().find(|verified| verified.company == company.as_str()) {
            Some(verified) => verified.faults.extend(faults),
            None if faults.is_empty() => {}
            None => companies.push(Verified { company: company.to_string(), entries: 0, head: String::new(), faults }),
        }
    }
    let checkpoints: Vec<(String, &SignedCheckpoint)> =
        kept.checkpoints.iter().map(|(source, checkpoint)| (source.clone(), checkpoint)).collect();
    Ok(VerifiedGiven { companies, faults: forks(&checkpoints), given: kept.lines })
}

/// What was given, as far as it was read.
struct Kept<'a> {
    ledger: LedgerName,
    only: Option<&'a CompanyId>,
    believed: Vec<PublicKey>,
    witnesses: Vec<Witness>,
    checkpoints: Vec<(String, SignedCheckpoint)>,
    lines: Vec<GivenLine>,
}

impl Default for Kept<'_> {
    fn default() -> Self {
        let (witnesses, checkpoints, lines) = Default::default();
        Self { ledger: LedgerName([0; 16]), only: None, believed: Vec::new(), witnesses, checkpoints, lines }
    }
}

impl Kept<'_> {
    fn take(&mut self, given: &Given) {
        let found = SignedCheckpoint::find_all(&given.text);
        for (line, checkpoint) in &found {
            let source = if found.len() == 1 { given.name.clone() } else { format!("{}:{line}", given.name) };
            let read = checkpoint.as_ref().map_err(ToString::to_string).and_then(|signed| self.believe(signed));
            let signed_by = read.as_ref().ok().map(|signed| signed.checkpoint.key.to_string());
            if let Ok(signed) = &read {
                self.keep(&source, signed);
            }
            self.lines.push(GivenLine { source, signed_by, fault: read.err() });
        }
        if found.is_empty() {
            let read = self.take_statement(given);
            self.lines.push(GivenLine { source: given.name.clone(), signed_by: None, fault: read.err() });
        }
    }

    fn believe<'s>(&self, signed: &'s SignedCheckpoint) -> Result<&'s SignedCheckpoint, String> {
        let Checkpoint { ledger, key, .. } = &signed.checkpoint;
        if !signed.holds() {
            return Err("its signature does not hold: it was changed, or signed by another key than it names".into());
        }
        if !self.believed.contains(key) {
            return Err(format!(
                "it is signed by {key}, which is none of the keys that are believed here; forged, or of another server"
            ));
        }
        self.of_this_ledger(*ledger).map(|()| signed)
    }

    fn of_this_ledger(&self, ledger: LedgerName) -> Result<(), String> {
        let other = || format!("it is of another ledger, {ledger}; this one is {}", self.ledger);
        (ledger == self.ledger).then_some(()).ok_or_else(other)
    }

    fn keep(&mut self, source: &str, signed: &SignedCheckpoint) {
        let source = format!("{source} of {}", signed.checkpoint.at);
        let only = self.only;
        let heads = signed.checkpoint.heads.iter().filter(|(company, _)| only.is_none_or(|only| only == *company));
        for (company, head) in heads {
            self.witnesses.push(Witness { source: source.clone(), company: company.clone(), head: *head });
        }
        self.checkpoints.push((source, signed.clone()));
    }

    fn take_statement(&mut self, given: &Given) -> Result<(), String> {
        let statement = StatementHead::parse(&given.text)
            .ok_or("neither a checkpoint nor a statement in JSON with the head of its chain")?;
        if let Some(only) = self.only.filter(|only| **only != statement.company) {
            return Err(format!("it is a statement of {}, and {only} is verified", statement.company));
        }
        statement.ledger.map_or(Ok(()), |ledger| self.of_this_ledger(ledger))?;
        let (source, company, head) = (given.name.clone(), statement.company, statement.head);
        self.witnesses.push(Witness { source, company, head });
        Ok(())
    }
}

fn signed_line(by: &SignedBy) -> SignedLine {
    SignedLine { key: by.key.to_string(), id: by.key.id(), since: by.at.to_string() }
}

async fn contracts(store: &Store, company: Option<&CompanyId>) -> Result<Vec<ContractLine>, String> {
    let line = |row: &ContractRow| ContractLine {
        company: row.company.to_string(),
        series: row.terms.series.clone(),
        version: row.terms.version,
        from: row.terms.from.to_string(),
        digest: HEXLOWER.encode(&row.digest),
        signed: !row.signed.is_empty(),
        signed_by: row.signed.iter().map(signed_line).collect(),
        entries: row.entries,
        record: row.terms.record(),
    };
    Ok(store.contract_versions(company).await.map_err(|e| e.to_string())?.iter().map(line).collect())
}

async fn keys(store: &Store) -> Result<KeysKnown, String> {
    let line = |row: KeyRow| KeyLine {
        company: row.company.to_string(),
        id: row.id,
        fingerprint: row.fingerprint,
        since: row.since.map(|at| at.to_string()),
        persons: row.persons,
    };
    Ok(KeysKnown {
        ledger: store.heads().await.map_err(|e| e.to_string())?.ledger.to_string(),
        signing: store.signing_keys().await.map_err(|e| e.to_string())?.iter().map(signed_line).collect(),
        candidates: store.candidate_keys().await.map_err(|e| e.to_string())?.into_iter().map(line).collect(),
    })
}
