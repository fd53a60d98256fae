//! Who gets the line and is not counted, as a company has it.

use super::Case;
use crate::classify::Listed;
use crate::mail::address::Address;
use crate::referral::exclusion::{Exclusion, is_disposable, is_role};

/// What a company says of those who are not counted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Exclusions {
    /// Staff's own mailboxes, test mailboxes and domains.
    pub never_counted: Vec<Listed>,
    /// Whether mailboxes of a duty (`info@`) count all the same.
    pub count_role_addresses: bool,
    /// Whether mailboxes that are thrown away count all the same.
    pub count_disposable: bool,
}

impl Exclusions {
    /// Why the person behind an address is not counted; nothing for nearly everybody.
    pub fn of(&self, address: &Address) -> Option<Exclusion> {
        if self.never_counted.iter().any(|listed| listed.covers(address)) {
            return Some(Exclusion::NeverCounted);
        }
        if !self.count_role_addresses && is_role(address) {
            return Some(Exclusion::RoleAddress);
        }
        (!self.count_disposable && is_disposable(address)).then_some(Exclusion::DisposableDomain)
    }
}

impl Case<'_> {
    /// Why this recipient is not counted.
    pub(super) fn excluded(&self, recipient: usize) -> Option<Exclusion> {
        let address = self.received.envelope.recipients.get(recipient)?;
        self.of.company.exclusions.of(address)
    }
}
