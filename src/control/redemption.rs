//! The use of a hire slot as the operator signs it, in the form that goes over the socket and into `--json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::slot::series_of;
use crate::ledger::redemption::{SignatureFault, signer};
use crate::ledger::signature::PublicKey;
use crate::ledger::{Act, Deed};
use crate::referral::CompanyId;
use crate::store::{RedemptionRow, Store};

/// Which slot's use is to be signed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RedemptionRequest {
    /// Whose slot.
    pub company: CompanyId,
    /// The contract series; the only one there is when absent.
    pub series: Option<String>,
    /// Its number in the series.
    pub slot: u32,
}

/// What is to be signed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RedemptionText {
    /// Whose slot.
    pub company: String,
    /// The contract series.
    pub series: String,
    /// Its number in the series.
    pub slot: u32,
    /// The entry that says it was used.
    pub entry: u64,
    /// The very octets that are signed, in lines.
    pub record: String,
    /// The operator's public keys that are believed now.
    pub operator_keys: Vec<String>,
    /// Who has signed it.
    pub signed_by: Vec<SignedLine>,
}

/// The operator's signature under the use of a slot.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignedLine {
    /// The public key.
    pub key: String,
    /// Sixteen characters of its hash.
    pub id: String,
    /// The entry that enters it.
    pub entry: u64,
    /// When it was entered, RFC 3339.
    pub at: String,
}

/// What the operator signs of a slot.
pub(super) async fn show(store: &Store, wanted: &RedemptionRequest) -> Result<RedemptionText, String> {
    let series = series_of(store, &wanted.company, wanted.series.as_deref()).await?;
    let row = used(store, (&wanted.company, &series, wanted.slot)).await?;
    let line = |key: PublicKey, entry: u64, at: Timestamp| SignedLine {
        key: key.to_string(),
        id: key.id(),
        entry,
        at: at.to_string(),
    };
    Ok(RedemptionText {
        company: wanted.company.to_string(),
        series,
        slot: wanted.slot,
        entry: row.entry,
        record: row.record,
        operator_keys: row.keys.iter().map(ToString::to_string).collect(),
        signed_by: row.signed.iter().filter_map(|of| Some(line(of.key?, of.entry, of.at))).collect(),
    })
}

async fn used(store: &Store, (company, series, slot): (&CompanyId, &str, u32)) -> Result<RedemptionRow, String> {
    let found = store.redemption(company, (series.to_owned(), slot)).await.map_err(|e| e.to_string())?;
    found.ok_or_else(|| {
        format!("slot {slot} of {company} ({series}) was not used yet, so there is nothing to sign: see slot list")
    })
}

/// The deed that enters a signature: the key of the operator's that made it stands beside it.
pub(super) async fn deed(store: &Store, slot: (&CompanyId, &str, u32), signature: &str) -> Result<Deed, String> {
    let row = used(store, slot).await?;
    let key = signer(&row.record, signature, &row.keys).map_err(|fault: SignatureFault| {
        let (company, series, number) = slot;
        format!("slot {number} of {company} ({series}): {fault}")
    })?;
    Ok(Deed::Sign { entry: row.entry, key: key.to_string(), signature: signature.to_owned() })
}

/// The signature that an act enters.
pub(super) fn signed_line((entry, at, act): &(u64, Timestamp, Act)) -> Option<SignedLine> {
    let Deed::Sign { key, .. } = &act.deed else { return None };
    let id = PublicKey::parse(key)?.id();
    Some(SignedLine { key: key.clone(), id, entry: *entry, at: at.to_string() })
}
