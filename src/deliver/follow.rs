//! Test mails in custody: what their next hops said is noted for whoever follows them.

use super::Inner;
use super::outcome::RecipientOutcome;
use super::writes::{Mail, Told};
use crate::watch::{AttemptOutcome, Step};

impl RecipientOutcome {
    /// How the attempt ended for this recipient.
    pub fn end(&self) -> AttemptOutcome {
        match self {
            Self::Accepted { .. } => AttemptOutcome::Accepted,
            Self::Deferred { maybe_doubled: true, .. } => AttemptOutcome::PossiblyDoubled,
            Self::Deferred { .. } => AttemptOutcome::Deferred,
            Self::Refused { .. } => AttemptOutcome::Bounced,
        }
    }
}

impl Inner {
    /// Notes an attempt at a test mail, when the spool knows of it. No other mail costs more than a look.
    pub(super) fn follow(&self, mail: &Mail<'_>, told: &[Told<'_>]) {
        if !self.watch.follows(mail.id.as_str()) {
            return;
        }
        for one in told {
            self.watch.step(mail.id.as_str(), || Step::Tried {
                next_hop: mail.about.next_hop.unwrap_or_default().to_owned(),
                route: mail.route.to_owned(),
                end: one.outcome.end().code().to_owned(),
                reply: Some(one.outcome.reply().to_string()),
            });
        }
    }
}
