//! What an MTA and we agree on at first: version, what we may change, what is told, and which macros come with it.

use super::packet;

/// Versions we speak.
pub const VERSIONS: std::ops::RangeInclusive<u32> = 2..=6;
/// The first version in which a filter names the macros it wants.
const SYMBOL_LISTS_FROM: u32 = 6;

/// What may be changed, as the protocol numbers it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Actions(pub u32);

impl Actions {
    /// Header fields are put in.
    pub const ADD_HEADERS: u32 = 0x001;
    /// The body is replaced.
    pub const CHANGE_BODY: u32 = 0x002;
    /// Header fields are changed or taken out.
    pub const CHANGE_HEADERS: u32 = 0x010;
    /// The filter names the macros it wants.
    pub const SYMBOL_LISTS: u32 = 0x100;
    /// All that we use.
    const WANTED: u32 = Self::ADD_HEADERS | Self::CHANGE_BODY | Self::CHANGE_HEADERS | Self::SYMBOL_LISTS;

    /// Whether all of these are allowed.
    pub fn has(self, actions: u32) -> bool {
        self.0 & actions == actions
    }
}

/// What is told and what is answered, as the protocol numbers it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Steps(pub u32);

impl Steps {
    /// HELO is not told.
    pub const NO_HELO: u32 = 0x002;
    /// A header field gets no answer.
    pub const QUIET_HEADER: u32 = 0x080;
    /// SMTP commands nobody knows are not told.
    pub const NO_UNKNOWN: u32 = 0x100;
    /// DATA is not told.
    pub const NO_DATA: u32 = 0x200;
    /// We may say that we have seen enough of a body.
    pub const SKIP: u32 = 0x400;
    /// A connection gets no answer.
    pub const QUIET_CONNECT: u32 = 0x1000;
    /// HELO gets no answer.
    pub const QUIET_HELO: u32 = 0x2000;
    /// MAIL gets no answer.
    pub const QUIET_MAIL: u32 = 0x4000;
    /// RCPT gets no answer.
    pub const QUIET_RCPT: u32 = 0x8000;
    /// DATA gets no answer.
    pub const QUIET_DATA: u32 = 0x1_0000;
    /// An SMTP command nobody knows gets no answer.
    pub const QUIET_UNKNOWN: u32 = 0x2_0000;
    /// The end of the header gets no answer; never asked for, since there we say whether we want the body.
    pub const QUIET_END_OF_HEADER: u32 = 0x4_0000;
    /// A chunk of the body gets no answer.
    pub const QUIET_BODY: u32 = 0x8_0000;
    /// The blank behind a field's colon is part of its value, on both ways.
    pub const LEADING_SPACE: u32 = 0x10_0000;
    /// All that we use.
    const WANTED: u32 = Self::NO_HELO
        | Self::QUIET_HEADER
        | Self::NO_UNKNOWN
        | Self::NO_DATA
        | Self::SKIP
        | Self::QUIET_CONNECT
        | Self::QUIET_HELO
        | Self::QUIET_MAIL
        | Self::QUIET_RCPT
        | Self::QUIET_DATA
        | Self::QUIET_UNKNOWN
        | Self::QUIET_BODY
        | Self::LEADING_SPACE;

    /// Whether all of these hold.
    pub fn has(self, steps: u32) -> bool {
        self.0 & steps == steps
    }
}

/// Why there is no agreement.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TermsFault {
    /// Not a version that can be spoken.
    #[error("version {0} of the protocol")]
    Version(u32),
    /// Too short to be an offer.
    #[error("an offer of terms that is cut short")]
    Short,
}

/// What was agreed on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Terms {
    /// The version spoken.
    pub version: u32,
    /// What we may change.
    pub actions: Actions,
    /// What is told and answered.
    pub steps: Steps,
}

/// The macros we want, by the stage's number in the protocol: with the connection, with MAIL, and at the end of the
/// message. Postfix knows its queue id at the end alone; asked for at the header it would come with every field.
const SYMBOLS: [(u32, &str); 3] = [(0, "j {client_addr}"), (2, "i {auth_authen}"), (5, "i {auth_authen}")];

impl Terms {
    /// What of an MTA's offer we take: the older of both versions, and no more than it offers.
    ///
    /// # Errors
    /// [`TermsFault`] for a version older than any, or an offer that is cut short. A longer one is of a newer MTA.
    pub fn accept(offer: &[u8]) -> Result<Self, TermsFault> {
        let number = |at: usize| {
            let octets: Option<&[u8; 4]> = offer.get(at..).and_then(<[u8]>::first_chunk);
            octets.map(|o| u32::from_be_bytes(*o)).ok_or(TermsFault::Short)
        };
        let (version, actions, steps) = (number(0)?, number(4)?, number(8)?);
        if version < *VERSIONS.start() {
            return Err(TermsFault::Version(version));
        }
        let version = version.min(*VERSIONS.end());
        let by_version = if version < SYMBOL_LISTS_FROM { !Actions::SYMBOL_LISTS } else { u32::MAX };
        let actions = Actions(actions & Actions::WANTED & by_version);
        Ok(Self { version, actions, steps: Steps(steps & Steps::WANTED) })
    }

    /// Writes the answer to the offer.
    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        let mut data = Vec::with_capacity(64);
        for number in [self.version, self.actions.0, self.steps.0] {
            data.extend_from_slice(&number.to_be_bytes());
        }
        if self.actions.has(Actions::SYMBOL_LISTS) {
            for (stage, names) in SYMBOLS {
                data.extend_from_slice(&stage.to_be_bytes());
                data.extend_from_slice(names.as_bytes());
                data.push(0);
            }
        }
        packet::put(out, b'O', &[&data]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(version: u32, actions: u32, steps: u32) -> Result<Terms, TermsFault> {
        Terms::accept(&[version, actions, steps].map(u32::to_be_bytes).concat())
    }

    #[test]
    fn the_older_version_holds_and_nothing_is_taken_that_was_not_offered() {
        let of = |version, actions, steps| Ok(Terms { version, actions: Actions(actions), steps: Steps(steps) });
        assert_eq!(accept(2, 0x3f, 0x7f), of(2, 0x13, 0x02));
        assert_eq!(accept(3, 0x3f, 0x17f), of(3, 0x13, 0x102));
        assert_eq!(accept(6, 0x1ff, 0x1f_ffff), of(6, 0x113, 0x1b_f782));
        assert_eq!(accept(6, 0x02, 0), of(6, 0x02, 0));
        assert_eq!(accept(9, 0xffff_ffff, 0xffff_ffff), of(6, 0x113, 0x1b_f782));
        // Before version 6 nobody reads lists of macros.
        assert_eq!(accept(4, 0x1ff, 0), of(4, 0x13, 0));
    }

    #[test]
    fn a_version_nobody_speaks_and_an_offer_cut_short_are_no_terms() {
        assert_eq!(accept(1, 0x3f, 0x7f), Err(TermsFault::Version(1)));
        assert_eq!(accept(0, 0, 0), Err(TermsFault::Version(0)));
        assert_eq!(Terms::accept(b"\0\0\0\x06\0\0\0\x01\0\0\0"), Err(TermsFault::Short));
        assert_eq!(Terms::accept(b""), Err(TermsFault::Short));
    }
}
