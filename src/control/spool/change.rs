//! Doing something to mail in custody: a part of it at a time, each mail wholly or not at all.

use serde::{Deserialize, Serialize};

use super::{Hand, Which};
use crate::control::Caller;
use crate::spool::{Act, ActKind, Entry, Listed, Page, Recipient, RecipientState, Spool, SpoolError, Write};
use crate::sys::clock;

/// Mails of one part, which share a commit and a line of the log.
const CHANGE_MAX: usize = 100;

/// What is asked for.
pub(super) struct Part<'a> {
    pub(super) act: ActKind,
    pub(super) which: &'a Which,
    pub(super) after: i64,
    pub(super) dry_run: bool,
}

/// What was done in one part.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Changed {
    /// Each mail that was meant, with what became of it.
    pub mails: Vec<Outcome>,
    /// Why it went no further; what is told as done is done.
    pub failed: Option<String>,
    /// Where to go on; absent behind the last one.
    pub next: Option<i64>,
}

/// What became of one mail.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Outcome {
    /// Our id of it.
    pub id: String,
    /// Its recipients for whom it was done, or would be.
    pub recipients: Vec<u32>,
    /// Reports that go to its sender for it.
    pub reports: usize,
    /// Its recipients for whom it was not done.
    pub skipped: Vec<u32>,
    /// Why not, for the first of them.
    pub why: Option<String>,
}

/// One mail and what is to be committed for it.
struct Prepared {
    outcome: Outcome,
    writes: Vec<Write>,
    destinations: Vec<String>,
}

/// Does it, or tells what would be done.
pub(super) async fn change(
    spool: &Spool,
    hand: &impl Hand,
    caller: Caller,
    part: &Part<'_>,
) -> Result<Changed, String> {
    if matches!(part.act, ActKind::Export | ActKind::Recover) {
        return Err("that is done by a request of its own".to_owned());
    }
    let page = Page { after: part.after, entries_max: CHANGE_MAX, addresses: false };
    let listing = spool.list(part.which.wanted()?, page).await.map_err(|e| e.to_string())?;
    let mut prepared = Vec::with_capacity(listing.entries.len());
    for listed in &listing.entries {
        prepared.push(prepare(spool, hand, caller, (part, listed)).await?);
    }
    let mut changed = Changed { next: listing.next, ..Changed::default() };
    if part.dry_run {
        changed.mails = prepared.into_iter().map(|p| p.outcome).collect();
        return Ok(changed);
    }
    let destinations: Vec<String> = prepared.iter().flat_map(|p| p.destinations.clone()).collect();
    commit(spool, prepared, &mut changed).await;
    tell(caller, part.act, &changed);
    match part.act {
        ActKind::Retry | ActKind::Release => hand.try_now(&destinations),
        _ => hand.try_now(&[]),
    }
    Ok(changed)
}

async fn prepare(
    spool: &Spool,
    hand: &impl Hand,
    caller: Caller,
    (part, listed): (&Part<'_>, &Listed),
) -> Result<Prepared, String> {
    let (act, id) = (part.act, listed.id.clone());
    let (fit, unfit): (Vec<&Recipient>, Vec<&Recipient>) = listed.recipients.iter().partition(|r| act.fits(r.state));
    let numbers = |of: &[&Recipient]| of.iter().map(|r| r.number).collect::<Vec<_>>();
    let mut outcome = Outcome {
        id: id.to_string(),
        recipients: numbers(&fit),
        reports: 0,
        skipped: numbers(&unfit),
        why: unfit.first().map(|r| unfit_for(act, r.state).to_owned()),
    };
    let mut writes = Vec::new();
    if !fit.is_empty() {
        match further(spool, hand, act, (listed, &outcome.recipients)).await? {
            Ok(reports) => {
                outcome.reports = reports.len();
                let (actor, at, recipients) = (caller.describe(), clock::now(), outcome.recipients.clone());
                writes.push(Write::Act(Act { what: act, actor, at, entry: id, recipients }));
                writes.extend(reports);
            }
            Err(why) => {
                outcome.skipped.append(&mut outcome.recipients);
                outcome.why.get_or_insert(why);
            }
        }
    }
    let destinations = fit.iter().map(|r| r.route.clone()).collect();
    Ok(Prepared { outcome, writes, destinations })
}

/// What an act takes beside itself: reports for a bounce, and for these two a mail that can be read. The inner error is
/// of this mail alone.
async fn further(
    spool: &Spool,
    hand: &impl Hand,
    act: ActKind,
    (listed, numbers): (&Listed, &[u32]),
) -> Result<Result<Vec<Write>, String>, String> {
    if !matches!(act, ActKind::Bounce | ActKind::Release) {
        return Ok(Ok(Vec::new()));
    }
    let entry: Entry = match spool.examine(&listed.id).await {
        Ok(Some(entry)) => entry,
        Ok(None) => return Ok(Err("it has just left".to_owned())),
        Err(SpoolError::Damaged(_)) if act == ActKind::Bounce => {
            return Ok(Err("it cannot be read, so nobody can be told: only `drop` is left".to_owned()));
        }
        Err(SpoolError::Damaged(_)) => {
            return Ok(Err("it still cannot be read as it was written: only `drop` is left".to_owned()));
        }
        Err(error) => return Err(error.to_string()),
    };
    if act == ActKind::Bounce { hand.reports_of(&entry, numbers).map(Ok) } else { Ok(Ok(Vec::new())) }
}

fn unfit_for(act: ActKind, state: RecipientState) -> &'static str {
    match (act, state) {
        (_, RecipientState::Sending) => "it is being sent just now: ask again when the attempt is over",
        (_, RecipientState::InDoubt) => "the next hop has it and has not answered yet: ask again when it has",
        (ActKind::Retry, RecipientState::Parked) => "it is set aside as damaged: `release` lets it go on",
        (_, RecipientState::Held) => "it is held for HR: `hold release` lets it go, with the line or as it came",
        _ => "it is not set aside, it waits",
    }
}

/// All mails in one commit; when one of them has changed meanwhile, each in one of its own.
async fn commit(spool: &Spool, prepared: Vec<Prepared>, changed: &mut Changed) {
    let all: Vec<Write> = prepared.iter().flat_map(|p| p.writes.clone()).collect();
    let mut together = spool.commit(all).await;
    if prepared.len() > 1 && matches!(together, Err(SpoolError::Conflict(_))) {
        together = Ok(());
        for mut one in prepared {
            match spool.commit(std::mem::take(&mut one.writes)).await {
                Ok(()) => {}
                Err(SpoolError::Conflict(_)) => skip(&mut one.outcome),
                Err(error) => {
                    together = Err(error);
                    break;
                }
            }
            changed.mails.push(one.outcome);
        }
    } else if matches!(together, Ok(()) | Err(SpoolError::Conflict(_))) {
        let conflict = together.is_err();
        changed.mails.extend(prepared.into_iter().map(|mut one| {
            if conflict {
                skip(&mut one.outcome);
            }
            one.outcome
        }));
        together = Ok(());
    }
    if let Err(error) = together {
        (changed.failed, changed.next) = (Some(error.to_string()), None);
    }
}

fn skip(outcome: &mut Outcome) {
    outcome.skipped.append(&mut outcome.recipients);
    outcome.reports = 0;
    outcome.why.get_or_insert_with(|| "it has changed meanwhile: look again".to_owned());
}

/// The line of the event log that says who did what to which mails.
fn tell(caller: Caller, act: ActKind, changed: &Changed) {
    let done: Vec<&Outcome> = changed.mails.iter().filter(|o| !o.recipients.is_empty()).collect();
    if done.is_empty() {
        return;
    }
    let ids: Vec<&str> = done.iter().map(|o| o.id.as_str()).collect();
    let recipients: usize = done.iter().map(|o| o.recipients.len()).sum();
    let act = act.code();
    tracing::info!(target: "audit", uid = caller.uid, act, mails = ids.len(), recipients, ids = ids.join(" "));
}
