//! The writer thread: takes all batches that wait, commits them with one sync, then answers each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::apply::{Effects, Target, apply};
use super::bodies::{Bodies, StagedBody};
use super::content::{Content, Run};
use super::database::{Fault, execute};
use super::error::SpoolError;
use super::holds::HoldClock;
use super::intents::IntentWrite;
use super::queue::{Job, Queue, Taken};
use super::rest;
use super::room::Room;
use super::state::State;
use super::types::{NewEntry, NewState, Write};

/// Quiet for this long, the writer cleans up behind settled mail.
const QUIET: Duration = Duration::from_millis(100);
/// How long batches gather once a commit had several: those who shared it will soon be back, and each commit they
/// share costs less than one of their own.
const GATHER: Duration = Duration::from_micros(300);
/// Never quiet, it cleans up this often.
const CLEAN_AT_LEAST_EVERY: Duration = Duration::from_secs(10);
/// Octets that the last run left and that are overwritten at a time, so that nobody who comes meanwhile waits long.
const SWEPT_AT_ONCE: u64 = 4 * 1024 * 1024;
/// How often space is looked for while there is none.
const SPACE_RETRY: Duration = Duration::from_secs(1);

/// Everything the thread owns.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) content: Content,
    /// Content written since the commit was begun.
    pub(super) written: Vec<Run>,
    pub(super) queue: Arc<Queue>,
    pub(super) state: Arc<State>,
    pub(super) bodies: Arc<Bodies>,
    pub(super) room: Room,
    pub(super) hold_clock: Arc<HoldClock>,
    /// Since when there is something to clean up behind settled mail and pruned rows.
    pub(super) freed_since: Option<Instant>,
    /// When the writer last tidied up.
    pub(super) tidied_at: Instant,
    /// How long the log may get before it is written back, in octets.
    pub(super) log_octets_max: u64,
}

/// What one batch came to inside the commit.
type Outcome = Result<Effects, SpoolError>;

impl Writer {
    /// Runs until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let _guard = FailOnPanic(Arc::clone(&self.state));
        let mut gather = None;
        loop {
            match self.queue.take(self.wait(), gather) {
                Taken::Jobs(jobs) => {
                    gather = (jobs.len() > 1).then_some(GATHER);
                    self.serve(jobs);
                }
                Taken::Quiet => self.tidy_up(SWEPT_AT_ONCE),
                Taken::Closed => break,
            }
        }
        self.tidy_up(u64::MAX);
    }

    fn wait(&self) -> Option<Duration> {
        match (self.state.check(), self.freed_since, self.room.is_reserve_held()) {
            (Err(_), ..) | (Ok(()), None, true) => None,
            (Ok(()), Some(_), _) => Some(QUIET),
            (Ok(()), None, false) => Some(SPACE_RETRY),
        }
    }

    /// Commits the batches and answers them.
    fn serve(&mut self, jobs: Vec<Job>) {
        let outcomes = self.commit(&jobs);
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            let answer = outcome.map(|effects| self.follow_up(effects));
            // After a failure the row may be on disk or not: its original stays, and the next start finds out.
            // Otherwise the original goes before the answer, so that its name is free when the caller tries again.
            let bodies = job.placed.into_iter().filter_map(|p| p.body);
            if matches!(answer, Ok(()) | Err(SpoolError::Failed(_))) {
                bodies.for_each(StagedBody::keep);
            } else {
                drop(bodies);
            }
            // A caller that has gone has its batch committed all the same.
            let _ = job.answer.send(answer);
        }
        self.keep_log_short();
    }

    /// One outcome for each batch. On a full disk the log is emptied, then the reserve given up, and all is tried
    /// again: together, then each alone, so that a big batch takes no small one with it.
    fn commit(&mut self, jobs: &[Job]) -> Vec<Outcome> {
        let all: Vec<&Job> = jobs.iter().collect();
        let mut tried = self.try_commit(&all);
        if matches!(tried, Err(Fault::Full)) {
            tried = self.empty_log().and_then(|()| self.try_commit(&all));
        }
        if matches!(tried, Err(Fault::Full)) && self.room.is_reserve_held() {
            self.state.set_room(false);
            self.room.give_up_reserve(&self.connection);
            tracing::warn!("the disk is full: the reserve of the spool is given up");
            tried = self.empty_log().and_then(|()| self.try_commit(&all));
        }
        match tried {
            Ok(outcomes) => outcomes,
            Err(Fault::Full) if jobs.len() > 1 => all.iter().map(|job| self.commit_alone(job)).collect(),
            Err(fault) => {
                let error = self.judge(fault);
                jobs.iter().map(|_| Err(error.clone())).collect()
            }
        }
    }

    /// Makes room by writing the log back and cutting off what is free.
    fn empty_log(&mut self) -> Result<(), Fault> {
        self.clean().map(|_| ())
    }

    fn commit_alone(&mut self, job: &Job) -> Outcome {
        match self.try_commit(&[job]) {
            Ok(mut outcomes) => outcomes.pop().unwrap_or(Err(SpoolError::Closed)),
            Err(fault) => Err(self.judge(fault)),
        }
    }

    /// What a fault of the whole commit means: a broken disk ends the spool, the others pass.
    fn judge(&self, fault: Fault) -> SpoolError {
        match &fault {
            Fault::Broken(why) => self.state.fail(why),
            Fault::Full => self.state.set_room(false),
            Fault::Conflict(_) | Fault::Busy => {}
        }
        fault.into()
    }

    fn try_commit(&mut self, jobs: &[&Job]) -> Result<Vec<Outcome>, Fault> {
        if let Err(SpoolError::Failed(why)) = self.state.check() {
            return Err(Fault::Broken(why));
        }
        self.written.clear();
        let done = self.apply_all(jobs).and_then(|outcomes| {
            self.content.sync().map_err(|error| Fault::Broken(error.to_string()))?;
            execute(&self.connection, "COMMIT", [])?;
            Ok(outcomes)
        });
        match done {
            Ok(outcomes) => {
                self.state.count_commit();
                Ok(outcomes)
            }
            // The row of this content may be on disk or not; the next start finds out.
            Err(fault @ Fault::Broken(_)) => Err(fault),
            Err(fault) => {
                self.roll_back()?;
                self.release_written(0)?;
                Err(fault)
            }
        }
    }

    /// Overwrites the content written since there were `kept` runs. Without space for that the next start does it.
    fn release_written(&mut self, kept: usize) -> Result<(), Fault> {
        let runs = self.written.split_off(kept);
        let released = runs.into_iter().map(|run| self.content.release(run).map_err(Fault::from));
        released.filter(|r| !matches!(r, Err(Fault::Full))).collect()
    }

    fn apply_all(&mut self, jobs: &[&Job]) -> Result<Vec<Outcome>, Fault> {
        execute(&self.connection, "BEGIN IMMEDIATE", [])?;
        jobs.iter().map(|job| self.apply_one(job)).collect()
    }

    /// Applies one batch in a savepoint of its own, so that its fault spoils no other. A fault of the disk is returned.
    fn apply_one(&mut self, job: &Job) -> Result<Outcome, Fault> {
        if is_new_mail_only(&job.writes) && (!self.state.is_writable() || self.room.is_low()) {
            return Ok(Err(SpoolError::NoSpace));
        }
        if let [Write::Outbox(_)] = &job.writes[..] {
            // One row is written whole or not at all by itself.
            return match self.apply_in_place(job) {
                Err(Fault::Conflict(what)) if !self.connection.is_autocommit() => Ok(Err(SpoolError::Conflict(what))),
                applied => applied.map(Ok),
            };
        }
        execute(&self.connection, "SAVEPOINT batch", [])?;
        let kept = self.written.len();
        let outcome = match self.apply_in_place(job) {
            Ok(effects) => Ok(effects),
            Err(Fault::Conflict(what)) if !self.connection.is_autocommit() => {
                execute(&self.connection, "ROLLBACK TO batch", [])?;
                self.release_written(kept)?;
                Err(SpoolError::Conflict(what))
            }
            Err(fault) => return Err(fault),
        };
        execute(&self.connection, "RELEASE batch", [])?;
        Ok(outcome)
    }

    fn apply_in_place(&mut self, job: &Job) -> Result<Effects, Fault> {
        let (content, written) = (&mut self.content, &mut self.written);
        let mut target = Target { connection: &self.connection, content, written, hold_clock: &self.hold_clock };
        apply(&mut target, &job.writes, &job.placed)
    }

    /// SQLite has often done it itself. If it cannot be done, nothing more can be written by this connection.
    fn roll_back(&self) -> Result<(), Fault> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        execute(&self.connection, "ROLLBACK", []).map(|_| ()).map_err(|fault| Fault::Broken(format!("{fault:?}")))
    }

    /// After the commit: what the batch's entries leave on disk.
    fn follow_up(&mut self, effects: Effects) {
        self.state.touch(effects.waiting);
        if effects.has_pruned || !effects.released.is_empty() {
            self.freed_since.get_or_insert_with(Instant::now);
        }
        for run in effects.released {
            // Without space for the zeros (on a file system that never writes in place) the next start writes them.
            if let Err(error @ Fault::Broken(_)) = self.content.release(run).map_err(Fault::from) {
                drop(self.judge(error));
            }
        }
        for id in &effects.gone {
            self.bodies.shred_later(id);
        }
        for id in &effects.unparked {
            if let Err(error) = self.bodies.unpark(id) {
                tracing::warn!(%error, entry = %id, "an original could not be moved back; it is read where it is");
            }
        }
        for id in &effects.parked {
            if let Err(error) = self.bodies.park(id) {
                tracing::warn!(%error, entry = %id, "a damaged original could not be moved aside");
            }
        }
    }

    /// What cannot wait for a quiet moment that may never come.
    fn keep_log_short(&mut self) {
        let overdue = self.freed_since.is_some_and(|since| since.elapsed() >= CLEAN_AT_LEAST_EVERY);
        if (overdue || !self.room.is_reserve_held()) && self.tidied_at.elapsed() >= SPACE_RETRY {
            self.tidy_up(SWEPT_AT_ONCE);
        }
        let is_full = !self.room.is_reserve_held();
        let octets_max = if is_full { rest::LOG_OCTETS_MAX_WHEN_FULL } else { self.log_octets_max };
        match rest::shorten_log(&self.connection, octets_max) {
            Ok(_) if is_full => {}
            Ok(log_octets_max) => self.log_octets_max = log_octets_max,
            Err(fault) => drop(self.judge(fault)),
        }
    }

    fn clean(&mut self) -> Result<bool, Fault> {
        self.content.shrink()?;
        rest::clean(&self.connection)
    }

    /// Overwrites so much of what the last run left, and cleans up; `false` when it has to be done again.
    fn sweep_and_clean(&mut self, octets_max: u64) -> Result<bool, Fault> {
        let swept = self.content.sweep(octets_max);
        Ok(self.clean()? && swept?)
    }

    /// What is done when nobody waits: what the last run left is overwritten, freed pages are given back, the log is
    /// emptied, the reserve is made again.
    fn tidy_up(&mut self, swept_max: u64) {
        if self.state.check().is_err() {
            return;
        }
        self.tidied_at = Instant::now();
        if self.freed_since.is_some() || !self.room.is_reserve_held() {
            match self.sweep_and_clean(swept_max) {
                Ok(true) => self.freed_since = None,
                Ok(false) | Err(Fault::Busy | Fault::Full | Fault::Conflict(_)) => {}
                Err(fault @ Fault::Broken(_)) => drop(self.judge(fault)),
            }
        }
        if !self.room.is_reserve_held() && self.room.hold_reserve(&self.connection) {
            self.state.set_room(true);
            tracing::info!("there is room for the spool again");
        }
    }
}

/// Whether a batch does nothing but take new mail, or a line into mail of an MTA: such a one may be refused, the client
/// sends again or the mail goes without the line. Whatever follows
/// from a mail already under way (outcomes, referrals, DSNs stored with them, mail in doubt) has to land.
fn is_new_mail_only(writes: &[Write]) -> bool {
    let doubts = |e: &NewEntry| e.recipients.iter().any(|r| r.state == NewState::InDoubt);
    let is_new = |w: &Write| match w {
        Write::Store(entry) => !doubts(entry),
        Write::Intent(IntentWrite::Intend(_)) => true,
        _ => false,
    };
    writes.iter().all(is_new)
}

/// A panic of the writer is a failed spool, not a silent one.
struct FailOnPanic(Arc<State>);

impl Drop for FailOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail("the writer thread has panicked");
        }
    }
}
