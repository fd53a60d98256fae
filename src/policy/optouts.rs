//! Who wants no line, from the rows of the store or from the copy of them that lies beside the spool.

use serde::{Deserialize, Serialize};

use crate::config::keys::Keyring;
use crate::mail::address::Address;
use crate::referral::{CompanyId, OptOut, OptOuts};

/// The copy's file below the data folder.
pub const OPTOUTS_FILE: &str = "optouts.json";
/// The version of its form.
const VERSION: u32 = 1;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    version: u32,
    /// Told apart from what is there, so that a file cut short and mended by hand is not believed.
    count: usize,
    optouts: Vec<OptOut>,
}

/// The lists of these rows, each under the key that made it, also one that was rotated out.
pub fn optouts_of(keys: &Keyring, rows: impl IntoIterator<Item = OptOut>) -> OptOuts {
    OptOuts::new(rows, |company, key_id| keys.optout_key(company, key_id))
}

/// The rows under which the person behind an address may stand on the list of a company, or on that of all: one for
/// each key that there is, the one in use in front.
pub fn rows_of(keys: &Keyring, company: Option<&CompanyId>, address: &Address) -> Vec<OptOut> {
    let row = |id: u16| {
        let key = keys.optout_key(company, id)?.candidate(address);
        Some(OptOut { company: company.cloned(), key })
    };
    keys.ids(company).into_iter().rev().filter_map(row).collect()
}

/// The octets of the copy. It holds keyed hashes alone.
pub fn optouts_to_keep(optouts: &OptOuts) -> Vec<u8> {
    let rows = optouts.rows();
    let kept = Kept { version: VERSION, count: rows.len(), optouts: rows };
    // A list of rows of text and numbers has a JSON form.
    serde_json::to_vec(&kept).unwrap_or_default()
}

/// Reads the copy.
///
/// # Errors
/// What is wrong with it.
pub fn kept_optouts(octets: &[u8]) -> Result<Vec<OptOut>, String> {
    let kept: Kept = serde_json::from_slice(octets).map_err(|e| e.to_string())?;
    if kept.version != VERSION || kept.count != kept.optouts.len() {
        return Err(format!("version {}, {} of {} rows", kept.version, kept.optouts.len(), kept.count));
    }
    Ok(kept.optouts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::open_keys;

    #[test]
    fn the_copy_gives_back_every_row_and_one_that_is_cut_short_none() {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let keys = open_keys(folder.path()).unwrap_or_else(|e| panic!("{e}"));
        let address = |n: usize| Address::parse(&format!("p{n}@a.example")).unwrap_or_else(|e| panic!("{e}"));
        let sakura = CompanyId::parse("sakura").ok();
        let rows = (0..10).flat_map(|n| rows_of(&keys, sakura.as_ref().filter(|_| n % 2 == 0), &address(n)));
        let optouts = optouts_of(&keys, rows);
        let octets = optouts_to_keep(&optouts);
        assert_eq!(kept_optouts(&octets), Ok(optouts.rows()));
        for cut in 0..octets.len() {
            assert!(kept_optouts(&octets[..cut]).is_err(), "{cut}");
        }
        assert!(kept_optouts(br#"{"version":1,"count":1,"optouts":[]}"#).is_err());
        assert!(!String::from_utf8_lossy(&octets).contains('@'));
    }
}
