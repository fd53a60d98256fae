//! Several candidates and one copy for all of them: a milter's MTA sends the same octets to everybody.

use super::{Case, Copy, Offer};
use crate::inject::{Inserted, Target};
use crate::ledger::ContractRef;
use crate::referral::carrier::CarrierMail;
use crate::referral::token::company_code;
use crate::referral::wording::{Language, Wording};

impl Case<'_> {
    /// The one copy: its link names the company alone, and each candidate who is counted is offered for.
    ///
    /// Who wants no line, or whose carrier may drop a mail with a link, cannot be left out of it; then nobody gets it.
    pub(super) fn one_copy(
        &self,
        (candidates, out): (&[usize], &[usize]),
        targets: &[Target],
        line: (Language, &Wording),
        contract: &ContractRef,
    ) -> Result<(Vec<Copy>, Vec<Inserted>), &'static str> {
        if !out.is_empty() {
            return Err("opted_out");
        }
        if candidates.iter().any(|recipient| self.carrier_mail(*recipient) != CarrierMail::Insert) {
            return Err("carrier_filters_links");
        }
        let (edits, spots) = self.edits(targets, line, &company_code(&self.of.company.id))?;
        let inserted = !edits.is_empty();
        let wording = inserted.then(|| line.1.digest(line.0));
        let counted = candidates.iter().filter(|recipient| self.excluded(**recipient).is_none());
        let offer = |r: &usize| Offer { inserted, wording, ..self.offer(*r, contract) };
        let copy = Copy {
            recipients: (0..self.received.envelope.recipients.len()).collect(),
            edits,
            offers: counted.map(offer).collect(),
            excluded: candidates.iter().find_map(|recipient| self.excluded(*recipient)),
            return_path: None,
        };
        let mut copies = vec![copy];
        self.note_traits(&mut copies);
        Ok((copies, spots))
    }
}
