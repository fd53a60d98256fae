//! The life of a hire slot: granted, reserved with a wish and a deadline, confirmed, introduced, redeemed; or released,
//! expired, voided. The only place that says what may follow what.

use jiff::{SignedDuration, Timestamp};

use super::act::Deed;
use super::contract::ContractVersion;
use super::entry::Kind;

/// How far a slot has come.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum SlotStage {
    /// Free.
    #[default]
    Granted = 1,
    /// The company has asked for its use.
    Reserved = 2,
    /// The operator has taken the wish on.
    Confirmed = 3,
    /// The operator has introduced a person.
    Introduced = 4,
    /// Used.
    Redeemed = 5,
    /// Its time is over.
    Expired = 6,
    /// Taken back.
    Voided = 7,
}

impl SlotStage {
    /// Every stage, in the order of their numbers.
    pub const ALL: [Self; 7] =
        [Self::Granted, Self::Reserved, Self::Confirmed, Self::Introduced, Self::Redeemed, Self::Expired, Self::Voided];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Reserved => "reserved",
            Self::Confirmed => "confirmed",
            Self::Introduced => "introduced",
            Self::Redeemed => "redeemed",
            Self::Expired => "expired",
            Self::Voided => "voided",
        }
    }

    /// The stored number.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Reads a stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.number() == number)
    }

    /// Reads a code.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.code() == text)
    }
}

/// One hire slot, as the entries leave it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Slot {
    /// How far it has come.
    pub stage: SlotStage,
    /// When it was granted.
    pub granted: Timestamp,
    /// Until when it is reserved.
    pub deadline: Option<Timestamp>,
}

/// Why a deed cannot be done to a slot.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SlotFault {
    /// It does not follow.
    #[error("the slot is {}: it cannot be {}", .0.code(), done(.1))]
    Order(SlotStage, &'static str),
    /// A slot is not used before both sides had time to look at its credits.
    #[error("the slot can be redeemed from {0} on: review_days of the contract are not over")]
    InReview(Timestamp),
    /// A reservation ends some day.
    #[error("the reservation must end after now, and within 366 days (--until)")]
    Deadline,
    /// The contract lets no slot expire, or not yet.
    #[error("by the contract the slot is not over yet")]
    NotOver,
}

fn done(deed: &str) -> &'static str {
    match deed {
        "reserve" => "reserved",
        "confirm" => "confirmed",
        "introduce" => "marked as introduced",
        "redeem" => "redeemed",
        "release" => "released",
        "expire" => "ended by its time",
        "sign" => "signed: only its use can be",
        _ => "voided",
    }
}

/// The longest reservation.
const RESERVED_DAYS_MAX: i64 = 366;

impl Slot {
    /// A slot that was just granted.
    pub fn granted(at: Timestamp) -> Self {
        Self { stage: SlotStage::Granted, granted: at, deadline: None }
    }

    /// Whether it is neither in use nor over.
    pub fn is_free(&self) -> bool {
        self.stage == SlotStage::Granted
    }

    /// When a free slot ends by the contract.
    pub fn ends(&self, contract: &ContractVersion) -> Option<Timestamp> {
        let days = contract.slot_expiry_days?;
        self.granted.checked_add(SignedDuration::from_hours(i64::from(days) * 24)).ok()
    }

    /// What the clock does to it at this time by itself: a reservation that is over is released, a free slot that is
    /// over expires.
    pub fn due(&self, contract: &ContractVersion, now: Timestamp) -> Option<Deed> {
        let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end <= now);
        match self.stage {
            SlotStage::Reserved | SlotStage::Confirmed if is_over(self.deadline) => Some(Deed::Release),
            SlotStage::Granted if is_over(self.ends(contract)) => Some(Deed::Expire),
            _ => None,
        }
    }

    /// Does a deed to it: the kind of the entry that says so.
    ///
    /// # Errors
    /// [`SlotFault`] when the deed does not follow; the slot is as it was then.
    pub fn step(&mut self, deed: &Deed, contract: &ContractVersion, at: Timestamp) -> Result<Kind, SlotFault> {
        use SlotStage as S;
        let (kind, stage) = match (self.stage, deed) {
            (S::Granted, Deed::Reserve { .. }) => (Kind::Reserved, S::Reserved),
            (S::Reserved, Deed::Confirm) => (Kind::Confirmed, S::Confirmed),
            (S::Confirmed, Deed::Introduce) => (Kind::Introduced, S::Introduced),
            (S::Introduced, Deed::Redeem { .. }) => (Kind::Redeemed, S::Redeemed),
            (S::Redeemed, Deed::Sign { .. }) => (Kind::Signed, S::Redeemed),
            (S::Reserved | S::Confirmed | S::Introduced, Deed::Release) => (Kind::Released, S::Granted),
            (S::Granted, Deed::Expire) => (Kind::Expired, S::Expired),
            (S::Granted | S::Reserved | S::Confirmed, Deed::Void) => (Kind::Voided, S::Voided),
            (stage, deed) => return Err(SlotFault::Order(stage, deed.code())),
        };
        match deed {
            Deed::Reserve { until, .. } if !is_within(at, *until) => return Err(SlotFault::Deadline),
            Deed::Redeem { .. } => self.check_review(contract, at)?,
            Deed::Expire if self.ends(contract).is_none_or(|end| end > at) => return Err(SlotFault::NotOver),
            _ => {}
        }
        self.deadline = match deed {
            Deed::Reserve { until, .. } => Some(*until),
            Deed::Confirm | Deed::Introduce => self.deadline,
            _ => None,
        };
        self.stage = stage;
        Ok(kind)
    }

    fn check_review(&self, contract: &ContractVersion, at: Timestamp) -> Result<(), SlotFault> {
        let days = SignedDuration::from_hours(i64::from(contract.review_days) * 24);
        let from = self.granted.checked_add(days).unwrap_or(Timestamp::MAX);
        if at < from { Err(SlotFault::InReview(from)) } else { Ok(()) }
    }
}

fn is_within(now: Timestamp, until: Timestamp) -> bool {
    until > now && until.duration_since(now) <= SignedDuration::from_hours(RESERVED_DAYS_MAX * 24)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn day(n: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + n * 86_400).unwrap_or_default()
    }

    fn deed(word: &str, at: i64) -> Deed {
        match word {
            "reserve" => Deed::Reserve { wish: "経理".to_owned(), until: day(at + 30) },
            "confirm" => Deed::Confirm,
            "introduce" => Deed::Introduce,
            "redeem" => Deed::Redeem { hire: None },
            "sign" => Deed::Sign { entry: 1, key: String::new(), signature: String::new() },
            "release" => Deed::Release,
            "expire" => Deed::Expire,
            _ => Deed::Void,
        }
    }

    /// Deeds with their days upon a slot granted on day 0; what they make of it, or the first word of the fault.
    fn check(deeds: &str, expected: &str) {
        let contract =
            ContractVersion { slot_expiry_days: Some(100), ..ContractVersion::new("main", 1, date(2026, 4, 1)) };
        let mut slot = Slot::granted(day(0));
        let mut last = "granted".to_owned();
        for word in deeds.split_whitespace() {
            let (word, at) = word.split_once('/').expect("deed/day");
            let at = at.parse().expect("a day");
            last = match slot.step(&deed(word, at), &contract, day(at)) {
                Ok(_) => slot.stage.code().to_owned(),
                Err(fault) => format!("{} still: {fault}", slot.stage.code()),
            };
        }
        assert!(last.starts_with(expected), "{deeds}: {last}");
    }

    #[test]
    fn a_slot_goes_from_the_wish_to_its_use() {
        check("reserve/1 confirm/2 introduce/5 redeem/20", "redeemed");
        check("reserve/1 release/2 reserve/3", "reserved");
        check("reserve/1 confirm/2 introduce/5 release/6", "granted");
        check("reserve/1 confirm/2 introduce/5 redeem/20 sign/21 sign/22", "redeemed");
        check("void/1", "voided");
        check("expire/100", "expired");
    }

    #[test]
    fn what_does_not_follow_is_refused_and_changes_nothing() {
        check("confirm/1", "granted still: the slot is granted: it cannot be confirmed");
        check("reserve/1 reserve/2", "reserved still: the slot is reserved: it cannot be reserved");
        check(
            "reserve/1 confirm/2 introduce/5 void/6",
            "introduced still: the slot is introduced: it cannot be voided",
        );
        check("reserve/1 confirm/2 introduce/5 redeem/20 release/21", "redeemed still");
        check("void/1 reserve/2", "voided still");
        check("reserve/1 sign/2", "reserved still: the slot is reserved: it cannot be signed: only its use can be");
        check("reserve/1 confirm/2 introduce/5 redeem/6", "introduced still: the slot can be redeemed from");
        check("expire/99", "granted still: by the contract the slot is not over yet");
    }

    #[test]
    fn the_clock_ends_reservations_and_free_slots_alone() {
        let contract =
            ContractVersion { slot_expiry_days: Some(100), ..ContractVersion::new("main", 1, date(2026, 4, 1)) };
        let slot = |stage, deadline: Option<i64>| Slot { stage, granted: day(0), deadline: deadline.map(day) };
        assert_eq!(slot(SlotStage::Granted, None).due(&contract, day(99)), None);
        assert_eq!(slot(SlotStage::Granted, None).due(&contract, day(100)), Some(Deed::Expire));
        assert_eq!(slot(SlotStage::Reserved, Some(5)).due(&contract, day(5)), Some(Deed::Release));
        assert_eq!(slot(SlotStage::Introduced, Some(5)).due(&contract, day(500)), None);
        assert_eq!(slot(SlotStage::Redeemed, None).due(&contract, day(500)), None);
    }
}
