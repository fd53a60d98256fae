//! The rule of the quiet days: what was accepted counts as delivered when it would have come back, and has not.
//!
//! That it would have come back is shown by probes: mails of ours that must bounce, and whose bounces we have read. A
//! presumption is made when such a bounce is read, and by no clock: so a clock that is set presumes nothing.

use jiff::{SignedDuration, Timestamp};

use super::contract::ContractVersion;
use super::entry::Kind;
use super::rules::{Pool, Posting, Referral, Stage};

/// How long a return path is proven by a probe that came back.
pub const PROOF_HOLDS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Since when a return path was proven without a gap, up to the newest proof. The proofs are the times at which probes
/// came back, newest first; `None` when there is none.
pub fn proven_since(proofs: impl IntoIterator<Item = Timestamp>) -> Option<Timestamp> {
    let mut proofs = proofs.into_iter();
    let mut since = proofs.next()?;
    for proof in proofs {
        if since.duration_since(proof) > PROOF_HOLDS {
            break;
        }
        since = proof;
    }
    Some(since)
}

/// The quiet days of a contract version.
pub(super) fn quiet_time(contract: &ContractVersion) -> SignedDuration {
    SignedDuration::from_hours(i64::from(contract.quiet_days) * 24)
}

/// Whether a mail accepted at `accepted` counts as delivered when a probe comes back at `proof` on a path that is
/// proven since `since`: its quiet days lie wholly in that time.
pub fn is_presumed(accepted: Timestamp, contract: &ContractVersion, (since, proof): (Timestamp, Timestamp)) -> bool {
    since <= accepted && proof.duration_since(accepted) >= quiet_time(contract)
}

/// Posts that one mail of the referral counts as delivered, at the time of the proof. A referral that is over because
/// another mail of it came back goes on with this one. `None` when it is delivered already.
pub fn presume(referral: Referral, at: Timestamp, pool: Pool) -> Option<Posting> {
    if referral.stage == Stage::Delivered {
        return None;
    }
    let referral = Referral { stage: Stage::Delivered, ..referral };
    let mut posting = Posting { entries: Vec::with_capacity(2), referral, pool };
    posting.add(Kind::Presumed, at);
    Some(posting)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ledger::CountOn;
    use jiff::civil::date;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + day * 86_400).unwrap_or_default()
    }

    fn contract(count_on: CountOn, quiet_days: u32) -> ContractVersion {
        ContractVersion { count_on, quiet_days, ..ContractVersion::new("main", 1, date(2026, 4, 1)) }
    }

    /// Proofs on these days, newest last; whether a mail of day 10 counts as delivered at the newest.
    fn check(proofs: &[i64], quiet_days: u32, presumed: bool) {
        let newest_first = || proofs.iter().rev().map(|d| day(*d));
        let since = proven_since(newest_first());
        let at = newest_first().next();
        let seen = since.zip(at).is_some_and(|t| is_presumed(day(10), &contract(CountOn::Delivered, quiet_days), t));
        assert_eq!(seen, presumed, "{proofs:?} {quiet_days}");
    }

    #[test]
    fn the_quiet_days_have_to_lie_in_proven_time_from_before_the_mail_to_a_proof_behind_them() {
        check(&[], 7, false);
        check(&[9, 16], 7, false);
        check(&[9, 16, 17], 7, true);
        check(&[10, 17], 7, true);
        check(&[11, 17, 18], 7, false);
        check(&[9, 17], 7, false);
        check(&[3, 10, 17], 7, true);
        check(&[2, 10, 18], 7, false);
        check(&[9, 12], 2, true);
        check(&[9, 375], 7, false);
    }

    #[test]
    fn a_presumption_counts_once_and_only_where_delivery_counts() {
        let referral = |count_on, stage, counted| Referral {
            contract: Arc::new(contract(count_on, 7)),
            stage,
            offered: day(10),
            counted,
        };
        let worth = |referral| presume(referral, day(17), Pool::default()).map(|posting| posting.pool.toward);
        assert_eq!(worth(referral(CountOn::Delivered, Stage::Accepted, None)), Some(1));
        assert_eq!(worth(referral(CountOn::Delivered, Stage::Bounced, None)), Some(1));
        assert_eq!(worth(referral(CountOn::Delivered, Stage::Delivered, Some(day(11)))), None);
        assert_eq!(worth(referral(CountOn::Accepted, Stage::Accepted, Some(day(10)))), Some(0));
        assert_eq!(worth(referral(CountOn::Registered, Stage::Accepted, None)), Some(0));
        let tenth = presume(
            referral(CountOn::Delivered, Stage::Accepted, None),
            day(17),
            Pool { toward: 9, ..Pool::default() },
        );
        let kinds: Vec<Kind> = tenth.iter().flat_map(|posting| posting.entries.iter().map(|e| e.kind)).collect();
        assert_eq!(kinds, [Kind::Presumed, Kind::Granted]);
    }
}
