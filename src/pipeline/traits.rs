//! What the signals of fraud need of a mail, made where its candidates are known and kept without any address.

use super::{Case, Copy};

impl Case<'_> {
    /// Gives each offer its traits: those of the candidate's address, and to how many the mail offers the line.
    pub(super) fn note_traits(&self, copies: &mut [Copy]) {
        let offered = copies.iter().map(|copy| copy.offers.len()).sum::<usize>();
        let offered = u32::try_from(offered).unwrap_or(u32::MAX);
        for offer in copies.iter_mut().flat_map(|copy| &mut copy.offers) {
            let address = self.received.envelope.recipients.get(offer.recipient);
            offer.traits = address.map(|address| self.of.keys.traits(address, offered));
        }
    }
}
