//! The bounds of all signals in one place, each with the arithmetic of why it stands where it does.
//!
//! A hire slot takes ten credits by default, so a cheat gains nothing below that; and a bound is drawn where honest
//! companies reach it less than once in a hundred quarters or so, as far as that can be reckoned. What is reckoned
//! with: shares of mail providers and family names in Japan as anybody can see them in a list of applicants; no
//! figure of a company.

/// A bound on people of one kind, in a stretch of days.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Crowd {
    /// The stretch, in days.
    pub days: i64,
    /// People of the kind, at least.
    pub people: usize,
    /// Of all people counted in the stretch, at least so many in a hundred.
    pub percent: usize,
}

/// One domain that no list knows. A local provider with a tenth of a town's mailboxes is larger than any that is not
/// listed; of 33 of its people ten or more are there in one case of 1,000 (binomial, p = 0.1), of 50 people 15 in one
/// of 1,300.
pub const ONE_DOMAIN: Crowd = Crowd { days: 90, people: 10, percent: 30 };

/// Domains that no list knows, whichever they are. Of 28 applicants, 20 with a domain of their own or of a small
/// provider: where one in four has such an address, which is a lot, that is one case in a million.
pub const UNLISTED: Crowd = Crowd { days: 90, people: 20, percent: 70 };

/// Names that differ in their numbers alone, at one domain. The most frequent family name of Japan (佐藤) is borne by 15
/// in 1,000: even if all of them had their name and a number at one provider, a tenth is six times as many.
pub const NUMBERED: Crowd = Crowd { days: 90, people: 8, percent: 10 };

/// Throw-away mailboxes. Some three in 1,000 applicants give one: of 250, five or more do in one case of 1,000
/// (Poisson, 0.75), and of 1,000 people 20 in one of 10 million.
pub const DISPOSABLE: Crowd = Crowd { days: 90, people: 5, percent: 2 };

/// Spellings of one mailbox that were counted as persons: two are a candidate who writes another tag to each employer,
/// or two people whose names differ by a dot.
pub const VARIANTS_OF_ONE: usize = 3;
/// Mailboxes with two counted spellings. A dot that tells two people apart is rarer than one mailbox in 1,000, so two
/// in a hundred are twenty times as many.
pub const VARIANTS: Crowd = Crowd { days: 366, people: 5, percent: 2 };

/// Candidates of one mail at one domain that no list knows, and their share of all it was offered to. A bulk mail to
/// ten people, five of them at one local provider with a tenth of the mailboxes: one case of 600.
pub const NAMES_OF_ONE_MAIL: (usize, usize) = (5, 50);

/// A bulk mail to at least so many, of whom at most so many in a hundred were there. Of the addresses that applicants
/// type themselves a few in a hundred are wrong, never half.
pub const GUESSED_NAMES: (u32, u32) = (10, 49);
/// Days until what was deferred has been taken or given up.
pub const GUESSED_AFTER_DAYS: i64 = 6;

/// Credits that came back. A few in a hundred typed addresses are wrong, and most of those are refused at once; of 50
/// people ten late bounces, where one in 20 is wrong, are one case in 6,000.
pub const BOUNCED: Crowd = Crowd { days: 90, people: 10, percent: 20 };

/// A month against the year in front of it: so many days of history at least, so many people, so many times the busiest
/// 30 days of that year, so many in a hundred at domains no list knows now, and at most so many before. A job fair or a
/// season of new graduates brings ten or sixty times as many, and the same kinds of addresses as ever: a burst is a
/// signal only where the addresses change with it.
pub const VOLUME: Volume = Volume { history_days: 90, people: 30, times: 4, percent_now: 50, percent_before: 25 };

/// See [`VOLUME`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Volume {
    /// Days of history, at least.
    pub history_days: i64,
    /// People in the 30 days, at least.
    pub people: usize,
    /// Times the busiest 30 days of before.
    pub times: usize,
    /// Percent at domains that no list knows, at least, in the 30 days.
    pub percent_now: usize,
    /// The same before, at most.
    pub percent_before: usize,
}

/// Registrations: so many would have been awaited by the fleet's rate, and not one came. If the company's candidates
/// registered at a third of the fleet's rate, nobody would in one case of 780 (Poisson, 20 / 3).
pub const AWAITED_FOR_NONE: u64 = 20;
/// So many were awaited, and not a tenth came: at a third of the fleet's rate one case of 1,500 (Poisson, 16.7, at
/// most 5).
pub const AWAITED_FOR_FEW: u64 = 50;
/// Days a person has to register before that is held against anybody.
pub const REGISTERS_WITHIN_DAYS: i64 = 30;
/// What makes a fleet's rate one: companies with registrations, and registrations, at least.
pub const FLEET: (u64, u64) = (3, 50);

/// People who had been taken off the list of those who want no line, and were counted then. One or two have changed
/// their mind and said so.
pub const AFTER_OPTOUT: Crowd = Crowd { days: 90, people: 3, percent: 0 };
/// Days behind the entry into the list within which being counted is looked at: the longest usual person window.
pub const OPTOUT_DAYS: i64 = 366;

/// People whom somebody had erased: those who ask for it are one in 1,000 or so; five, and a tenth of all counted in
/// the same time, are a hundred times that.
pub const ERASED: Crowd = Crowd { days: 90, people: 5, percent: 10 };

/// Credits entered long after their mail: so many days, and so many of them. The outbox carries them over days; a month
/// is a ledger that was down for a month, or somebody's hand.
pub const LATE_DAYS: i64 = 30;
/// See [`LATE_DAYS`].
pub const LATE: Crowd = Crowd { days: 90, people: 10, percent: 0 };

/// People counted again once their person window was over. One in ten applies again after a year; half of 20 do in one
/// case of 140,000 (binomial, p = 0.1).
pub const AGAIN: Crowd = Crowd { days: 90, people: 10, percent: 50 };

/// Days back that are looked at: the longest stretch above and the person window, with a month to spare. Persons are
/// erased about then.
pub const HORIZON_DAYS: i64 = 400;
