//! Deciding whether a mail tells an applicant that he was not taken, and where in its text that is said.
//!
//! Three questions, all of which must be yes: is it recruiting mail, is a negative result stated as fact, is the
//! addressee the applicant. Whatever speaks against it is a veto with a reason of its own; in doubt the verdict is to
//! abstain. The words are data (`config/rules/*.toml`); this module holds how they are read, and nothing else.

mod bars;
mod by_template;
mod fold;
mod gate;
mod hear;
mod judge;
mod language;
mod learn;
mod marks;
mod model;
mod names;
mod object;
mod others;
mod place;
mod reading;
mod recipients;
mod rules;
mod scan;
mod spans;
mod spell;
mod stage;
mod step;
mod structure;
pub mod template;
mod tree;
mod verdict;
mod words;

#[cfg(test)]
mod tests;

pub use by_template::{ByTemplate, decide_by_templates, fingerprint_of, specimen_of};
pub use judge::{Account, Answer, Change, Nearest, POINTS_ASKED, Words, account};
pub use learn::train;
pub use recipients::{Audience, Candidates, Listed, recipients};
pub use rules::{Rules, RulesFault};
pub use stage::{Stage, stage_of};
pub use verdict::{Abstain, Evidence, Lang, Nearly, Place, Question, Reason, Rejection, Verdict};

use crate::mail::envelope::Envelope;
use crate::mail::message::Message;
use crate::mail::view::View;

/// Most octets of visible text that are read; a longer mail is no rejection anybody wrote, and is left alone.
pub const TEXT_OCTETS_MAX: usize = 200 * 1024;

/// One mail as the classifier sees it.
#[derive(Clone, Copy)]
pub struct Mail<'a> {
    /// Who sends it to whom.
    pub envelope: &'a Envelope,
    /// Its shape and header.
    pub message: &'a Message<'a>,
    /// Its newest visible text.
    pub view: &'a View,
    /// Who is never a candidate.
    pub audience: &'a Audience,
}

/// Whether the mail has to be read at all; `false` means [`Reason::NotRecruiting`]. Cheap beside building a view.
pub fn may_be_recruiting(message: &Message<'_>, rules: &Rules) -> bool {
    rules.gate.lets_through(message)
}

/// Decides on one mail: structure first, then the recipients, then the text.
pub fn decide(mail: &Mail<'_>, rules: &Rules) -> Verdict {
    match candidates_of(mail) {
        Ok(candidates) => judge::judge(mail, candidates, rules),
        Err(reason) => Verdict::Abstain(Abstain { reason, evidence: Vec::new(), nearly: None }),
    }
}

/// Decides on what a mail says alone, as if everybody it goes to were a candidate: for telling what a rejection to
/// other recipients would have been.
pub fn decide_on_text(mail: &Mail<'_>, rules: &Rules) -> Verdict {
    let candidates = (0..mail.envelope.recipients.len()).collect();
    judge::judge(mail, Candidates { candidates, bulk: false }, rules)
}

/// Who is told, as far as header, shape and recipients allow anybody to be.
fn candidates_of(mail: &Mail<'_>) -> Result<Candidates, Reason> {
    structure::refusal(mail.envelope, mail.message)
        .map_or_else(|| recipients(mail.envelope, mail.message, mail.audience), Err)
        .and_then(|candidates| structure::check_list(mail.message, &candidates).map_or(Ok(candidates), Err))
}
