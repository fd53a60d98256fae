//! Held mails: one goes out as it came when its time is over, or in the form that somebody chooses before.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout};

use super::{Deliver, Inner, Job, WAIT_AFTER_FAILURE, writes};
use crate::spool::{Hold, NewCopy, NewHold, Release, SpoolError, Write};
use crate::sys::clock;
use crate::watch::{HoldEnd, HoldEvent};

/// How often the clock of the holds is written down while any is held: so much longer a mail may be held for each time
/// the server is killed.
const KEEP_EVERY: Duration = Duration::from_mins(1);
/// Mails let go in one round.
const OVER_MAX: usize = 256;

/// What holds a mail, beside its copies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Doubt {
    /// The code of the doubt.
    pub reason: String,
    /// Ids of the rules that found something.
    pub evidence: Vec<String>,
    /// For how long.
    pub hold_for: Duration,
}

impl Deliver {
    /// The write that takes a doubtful mail into custody with both of its forms; each job is one copy with the line.
    /// After the commit call [`Deliver::wake_holds`]. `None` for no job.
    pub fn write_to_hold(&self, copies: &[Job], received_at: Timestamp, doubt: Doubt) -> Option<Write> {
        let settings = &self.0.settings;
        let mut entry = writes::store(settings, copies, received_at, clock::steady())?;
        let plain_copy = u32::try_from(entry.copies.len()).unwrap_or(u32::MAX);
        entry.copies.push(NewCopy::default());
        let Doubt { reason, evidence, hold_for } = doubt;
        let holds_max = settings.custody.holds_max;
        entry.hold = Some(NewHold { reason, evidence, hold_for, plain_copy, holds_max });
        Some(Write::Store(entry))
    }

    /// Says that a mail is held that was not before.
    pub fn wake_holds(&self) {
        self.0.hold_news.notify_one();
    }
}

impl Inner {
    /// Lets go what is over. Returns how long nothing will be.
    async fn let_go(&self) -> Result<Option<Duration>, SpoolError> {
        loop {
            let due = self.spool.holds_due(OVER_MAX).await?;
            if due.over.is_empty() {
                return Ok(due.next_in);
            }
            let all = self.spool.holds().await?;
            for id in &due.over {
                let Some(hold) = all.iter().find(|hold| hold.id == *id) else { continue };
                let release = Release { entry: id.clone(), with_line: false, actor: None, at: clock::now() };
                match self.spool.commit(vec![Write::Release(release)]).await {
                    Ok(()) => self.watch.hold_ended(&event(hold)),
                    // Somebody was faster.
                    Err(SpoolError::Conflict(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            self.wake();
        }
    }
}

/// Works until delivery stops. While nothing is held it waits without looking.
pub(super) async fn run(inner: Arc<Inner>) {
    let mut kept_at: Option<Instant> = None;
    while !inner.stopping() {
        let next = match inner.let_go().await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "held mails cannot be let go");
                sleep(WAIT_AFTER_FAILURE).await;
                continue;
            }
        };
        let Some(next) = next else {
            inner.hold_news.notified().await;
            continue;
        };
        if kept_at.is_none_or(|at| at.elapsed() >= KEEP_EVERY) {
            kept_at = Some(Instant::now());
            if let Err(error) = inner.spool.commit(vec![Write::KeepHoldClock { at: clock::now() }]).await {
                tracing::error!(%error, "the time of held mails cannot be written down");
            }
        }
        // The end of the wait and a call mean the same: look again.
        let _ = timeout(next.min(KEEP_EVERY), inner.hold_news.notified()).await;
    }
}

fn event(hold: &Hold) -> HoldEvent {
    let (id, company) = (hold.id.as_str().to_owned(), hold.company.clone());
    HoldEvent { id, company, reason: hold.reason.clone(), end: HoldEnd::Expired }
}
