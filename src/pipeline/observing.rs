//! Mail that never passed here: what an export or a copy tells becomes the same event as a next hop's 250, of a class
//! of its own. The address becomes a candidate key at once.

use jiff::Timestamp;

use super::policy::InForce;
use crate::ledger::{Proves, ReferralEvent};
use crate::mail::address::Address;
use crate::referral::OptOuts;

/// What stands in place of a route.
pub const OBSERVED_ROUTE: &str = "observed";

/// A rejection mail with the company's link that was sent elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// To whom.
    pub address: &'a Address,
    /// When.
    pub at: Timestamp,
    /// What it is known by elsewhere: the same for the same mail, however often it is told.
    pub name: &'a str,
}

/// The event of an observation.
///
/// # Errors
/// The code of why it makes none: an address that can be no candidate's, somebody who wants no line, a time at which no
/// contract was in force or that is still to come, opt-outs that cannot be read.
pub fn observe(
    of: &InForce,
    optouts: Option<&OptOuts>,
    seen: Observation<'_>,
    now: Timestamp,
) -> Result<ReferralEvent, &'static str> {
    let Observation { address, at, name } = seen;
    if let Some(reason) = of.company.audience.excludes(address) {
        return Err(reason.code());
    }
    if let Some(exclusion) = of.company.exclusions.of(address) {
        return Err(exclusion.code());
    }
    if at > now {
        return Err("still_to_come");
    }
    if optouts.ok_or("optouts_unreadable")?.is_out(&of.company.id, address) {
        return Err("opted_out");
    }
    let contract = of.company.contract_at(at).ok_or("no_contract")?.reference();
    let candidate = of.keys.candidate(address);
    Ok(ReferralEvent {
        company: of.company.id.clone(),
        candidate,
        earlier: of.keys.earlier_candidates(address),
        token: of.keys.token(&contract.series, &candidate),
        contract,
        proves: Proves::Observed,
        route: OBSERVED_ROUTE.to_owned(),
        transaction: name.to_owned(),
        recipient: 0,
        inserted: false,
        wording: None,
        traits: Some(of.keys.traits(address, 1)),
        at,
    })
}
