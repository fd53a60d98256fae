//! From what became of a mail to what its client hears (design §3.3, §3.4). No sockets, no disk: a table in code.

use crate::deliver::{HandThrough, RecipientOutcome, Settled};
use crate::proto::smtp::reply::Reply;
use crate::spool::{EntryId, SpoolError};
use crate::sys::tls::Protection;
use crate::watch::Custody;

/// The answer to a mail and what is to be noted of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Answer {
    pub(super) reply: Reply,
    /// Who has the mail when the client hears it.
    pub(super) custody: Custody,
    /// The next hop's codes, one per recipient it answered for.
    pub(super) replies: Vec<u16>,
    /// How the connection to the next hop was protected, if it was asked.
    pub(super) protection: Option<Protection>,
    /// Whether the original went out because the next hop did not want the edited mail.
    pub(super) edit_refused: bool,
}

impl Answer {
    fn of(reply: Reply, custody: Custody) -> Self {
        Self { reply, custody, replies: Vec::new(), protection: None, edit_refused: false }
    }

    /// The mail is synced in the spool.
    pub(super) fn stored(id: &EntryId) -> Self {
        Self::of(accepted(id), Custody::Spooled)
    }

    /// The mail is synced in the spool, and held there.
    pub(super) fn held(id: &EntryId) -> Self {
        Self::of(accepted(id), Custody::Held)
    }

    /// The mail is nobody's but the client's.
    pub(super) fn deferred(error: &SpoolError) -> Self {
        Self::of(not_kept(error), Custody::Deferred)
    }

    fn settled(settled: &Settled, reply: Reply, custody: Custody) -> Self {
        let replies = settled.outcomes.iter().map(|o| o.reply().code).collect();
        let protection = settled.protection;
        Self { reply, custody, replies, protection, edit_refused: settled.edit_refused() }
    }
}

/// All that had to be committed is.
pub(super) fn after_commit(handed: &HandThrough, id: &EntryId) -> Answer {
    match handed {
        HandThrough::Spool(_) => Answer::stored(id),
        HandThrough::InDoubt(doubt) => {
            let replies = doubt.so_far().iter().flatten().map(|o| o.reply().code).collect();
            let protection = Some(doubt.protection());
            Answer { replies, protection, ..Answer::of(accepted(id), Custody::InDoubt) }
        }
        HandThrough::Settled(settled) => match refused_for_all(settled) {
            Some(refusal) => Answer::settled(settled, refusal, Custody::Refused),
            None => Answer::settled(settled, accepted(id), custody_of(settled)),
        },
    }
}

/// The commit failed. `stored` tells whether mail was to be kept, and not only referrals to be counted.
pub(super) fn after_failure(handed: &HandThrough, stored: bool, error: &SpoolError, id: &EntryId) -> Answer {
    match handed {
        // The next hop has it for everybody. Saying anything but 250 would double the mail and save neither a referral
        // nor a report of success.
        HandThrough::Settled(settled) if !stored || settled.outcomes.iter().all(RecipientOutcome::is_accepted) => {
            Answer::settled(settled, accepted(id), custody_of(settled))
        }
        // Somebody's mail is nowhere: the client must come again, even where others then have it twice.
        HandThrough::Settled(settled) => Answer::settled(settled, not_kept(error), Custody::Deferred),
        HandThrough::Spool(_) | HandThrough::InDoubt(_) => Answer::deferred(error),
    }
}

/// The next hop's own words, when nobody is to get the mail: then the client tells the sender, and no bounce is needed.
fn refused_for_all(settled: &Settled) -> Option<Reply> {
    let all = !settled.outcomes.is_empty() && settled.outcomes.iter().all(RecipientOutcome::is_refused);
    let first = settled.outcomes.first().filter(|_| all)?.reply();
    let fallback = || Reply::new(554, (5, 0, 0), "The mail was refused");
    Some(if first.is_permanent() { first.clone() } else { fallback() })
}

fn custody_of(settled: &Settled) -> Custody {
    let accepted = settled.outcomes.iter().any(RecipientOutcome::is_accepted);
    let deferred = settled.outcomes.iter().any(|o| !o.is_accepted() && !o.is_refused());
    match (accepted, deferred) {
        (true, true) => Custody::Split,
        (true, false) => Custody::HandedThrough,
        (false, _) => Custody::Spooled,
    }
}

/// The mail is in good hands under this id.
pub(super) fn accepted(id: &EntryId) -> Reply {
    Reply::new(250, (2, 0, 0), "").with_text(format!("Accepted as {id}"))
}

fn not_kept(error: &SpoolError) -> Reply {
    match error {
        SpoolError::NoSpace => Reply::new(452, (4, 3, 1), "No space for the mail just now, try again"),
        _ => Reply::new(451, (4, 3, 0), "The mail could not be kept, try again"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::deliver::NotTried;
    use crate::ledger::Proves;

    /// Outcomes by letter: accepted, deferred, refused.
    fn settled(letters: &str) -> HandThrough {
        let outcome = |letter| match letter {
            'a' => {
                let reply = Arc::new(Reply::new(250, (2, 0, 0), "Fine"));
                RecipientOutcome::Accepted { reply, uncounted: false, report: None }
            }
            'd' => {
                let reply = Arc::new(Reply::new(450, (4, 2, 1), "Busy"));
                RecipientOutcome::Deferred { reply, by_next_hop: true, maybe_doubled: false }
            }
            _ => RecipientOutcome::Refused { reply: Arc::new(Reply::new(550, (5, 1, 1), "Who")), by_next_hop: true },
        };
        HandThrough::Settled(Settled {
            outcomes: letters.chars().map(outcome).collect(),
            proves: Proves::Accepted,
            route: "default".to_owned(),
            next_hop: "mx.example".to_owned(),
            protection: Some(Protection::Verified),
        })
    }

    fn check(handed: &HandThrough, code: u16, custody: Custody) {
        let id = EntryId::parse("x").expect("an id");
        let answer = after_commit(handed, &id);
        assert_eq!((answer.reply.code, answer.custody), (code, custody), "{handed:?}");
    }

    #[test]
    fn with_everything_committed_the_client_hears_who_has_the_mail() {
        check(&settled("a"), 250, Custody::HandedThrough);
        check(&settled("aa"), 250, Custody::HandedThrough);
        check(&settled("r"), 550, Custody::Refused);
        check(&settled("rr"), 550, Custody::Refused);
        check(&settled("d"), 250, Custody::Spooled);
        check(&settled("dr"), 250, Custody::Spooled);
        check(&settled("ad"), 250, Custody::Split);
        check(&settled("ard"), 250, Custody::Split);
        check(&settled("ar"), 250, Custody::HandedThrough);
        check(&HandThrough::Spool(NotTried::NextHopDown), 250, Custody::Spooled);
    }

    fn check_failure(handed: &HandThrough, stored: bool, code: u16, custody: Custody) {
        let id = EntryId::parse("x").expect("an id");
        let answer = after_failure(handed, stored, &SpoolError::Failed("sync".to_owned()), &id);
        assert_eq!((answer.reply.code, answer.custody), (code, custody), "{handed:?}");
    }

    #[test]
    fn with_the_commit_failed_only_a_mail_that_all_have_is_accepted() {
        check_failure(&settled("a"), false, 250, Custody::HandedThrough);
        check_failure(&settled("aa"), true, 250, Custody::HandedThrough);
        check_failure(&settled("ad"), true, 451, Custody::Deferred);
        check_failure(&settled("ar"), true, 451, Custody::Deferred);
        check_failure(&settled("d"), true, 451, Custody::Deferred);
        check_failure(&HandThrough::Spool(NotTried::TooSlow), true, 451, Custody::Deferred);
        assert_eq!(Answer::deferred(&SpoolError::NoSpace).reply.code, 452);
    }

    #[test]
    fn a_refusal_is_passed_on_in_the_next_hops_words() {
        let id = EntryId::parse("x").expect("an id");
        let answer = after_commit(&settled("rr"), &id);
        assert_eq!((answer.reply.to_string().as_str(), answer.replies), ("550 5.1.1 Who", vec![550, 550]));
    }
}
