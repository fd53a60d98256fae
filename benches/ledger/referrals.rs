//! Referrals as a node's outbox has them: each of another person, delivered at once.

use career_relay::ledger::{ContractVersion, Proves, ReferralEvent};
use career_relay::referral::{CandidateKey, CompanyId, LinkToken};
use career_relay::store::Agreement;
use jiff::Timestamp;
use jiff::civil::date;
use ring::digest;

use super::Fault;

const KEY_ID: u16 = 1;

/// Whose they are.
pub fn company() -> Result<CompanyId, Fault> {
    CompanyId::parse("kaede").map_err(Into::into)
}

fn contract() -> ContractVersion {
    ContractVersion::new("main", 1, date(2026, 4, 1))
}

/// What the ledger has to know before.
pub fn agreement() -> Result<Agreement, Fault> {
    let keys = vec![(KEY_ID, "the fingerprint of a key".to_owned())];
    Ok(Agreement {
        company: company()?,
        keys,
        contracts: vec![contract()],
        wordings: Vec::new(),
        signatures: Vec::new(),
        operator_keys: Vec::new(),
    })
}

/// A candidate key as a keyed hash is: spread over all there can be.
pub fn octets(number: u64) -> [u8; 32] {
    let mut octets = [0; 32];
    octets.copy_from_slice(digest::digest(&digest::SHA256, &number.to_be_bytes()).as_ref());
    octets
}

/// An id as our mails have them: it begins with the time.
pub fn transaction(number: u64) -> String {
    format!("{:012x}{:08x}", 1_790_000_000_000 + number, number & 0xffff_ffff)
}

/// The one of this number.
pub fn referral(number: u64) -> Result<ReferralEvent, Fault> {
    let at = Timestamp::from_millisecond(1_790_000_000_000 + i64::try_from(number)?)?;
    Ok(ReferralEvent {
        company: company()?,
        candidate: CandidateKey { key_id: KEY_ID, octets: octets(number) },
        earlier: Vec::new(),
        token: LinkToken::parse(&format!("kaede-{}", "a".repeat(26)))?,
        contract: contract().reference(),
        proves: Proves::Delivered,
        route: "mx".to_owned(),
        transaction: transaction(number),
        recipient: 0,
        inserted: true,
        wording: None,
        traits: None,
        at,
    })
}
