//! One connection of an MTA: octets in and out, and an answer for each mail in one write.

use std::io;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::Milter;
use super::decide::{Decided, Told};
use super::server::stopping;
use super::wire::Wire;
use crate::proto::milter::{Changes, Event, Gathered, Session};
use crate::watch::{Answered, Counter, Custody, Share};

/// Octets read at once.
const READ_OCTETS: usize = 32 * 1024;
/// While an answer is worked on, the MTA hears of it so often.
const PROGRESS_EACH: Duration = Duration::from_secs(5);
/// Octets of that.
const PROGRESS_OCTETS: usize = 5;

/// Why a connection is over.
enum End {
    /// The MTA has gone, or was told to.
    Over,
    /// It said nothing for too long.
    Silent,
    /// What it said cannot be read.
    Broken(String),
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Over
    }
}

/// Answers an MTA until it goes, or until the server stops and no mail is being told.
pub(super) async fn converse(wire: &Wire, milter: &Milter, stop: watch::Receiver<bool>) {
    let conversation = Conversation {
        whole_reply_octets: wire.hold_whole(),
        session: Session::new(milter.limits),
        share: Share::new(&milter.room),
        wire,
        milter,
    };
    let watch = &milter.services.watch;
    match conversation.hold(stop).await {
        End::Over => {}
        End::Silent => watch.count(Counter::MilterTimeouts),
        End::Broken(why) => {
            watch.count(Counter::MilterFaults);
            tracing::warn!(target: "milter", why, "an MTA is not understood; it goes on without us");
        }
    }
}

struct Conversation<'a> {
    wire: &'a Wire,
    milter: &'a Milter,
    session: Session,
    share: Share,
    /// Octets that the kernel takes from us at once.
    whole_reply_octets: usize,
}

impl Conversation<'_> {
    async fn hold(mut self, mut stop: watch::Receiver<bool>) -> End {
        let mut buffer = vec![0; READ_OCTETS];
        loop {
            if let Err(end) = self.meet_events().await {
                return end;
            }
            self.count_memory();
            let idle = self.session.mail().is_none();
            let read = tokio::select! {
                biased;
                () = stopping(&mut stop), if idle => return End::Over,
                read = timeout(self.milter.settings.idle_for, self.wire.read(&mut buffer)) => read,
            };
            match read {
                Ok(Ok(0) | Err(_)) => return End::Over,
                Ok(Ok(octets)) => self.session.push(&buffer[..octets]),
                Err(_) => return End::Silent,
            }
        }
    }

    /// Meets all that has come in.
    async fn meet_events(&mut self) -> Result<(), End> {
        loop {
            let event = self.session.event();
            // What is due goes out before anything else is done, also in front of a fault.
            self.flush().await?;
            match event.map_err(|fault| End::Broken(fault.to_string()))? {
                None => return Ok(()),
                Some(Event::Quit) => return Err(End::Over),
                Some(Event::Aborted) => self.milter.services.watch.count(Counter::MilterAborted),
                Some(Event::Header) => self.meet_header().await?,
                Some(Event::Mail(mail)) => self.meet_mail(*mail).await?,
            }
        }
    }

    async fn flush(&mut self) -> Result<(), End> {
        let output = self.session.take_output();
        if !output.is_empty() {
            self.wire.write(&output).await?;
        }
        Ok(())
    }

    /// A mail for which there is no memory is not kept, and stays as it is.
    fn count_memory(&mut self) {
        if self.session.mail().is_none() {
            self.share.release();
        }
        if !self.share.grow_to(self.session.octets_held()) {
            self.session.give_up();
        }
    }

    async fn meet_header(&mut self) -> Result<(), End> {
        let began = Instant::now();
        let left = match self.session.mail() {
            Some(mail) => self.milter.leave_early(mail).await,
            None => None,
        };
        if left.is_some() {
            self.session.leave();
            self.milter.services.watch.count(Counter::MilterLeftEarly);
        } else {
            self.session.go_on();
        }
        self.flush().await?;
        if let Some(told) = left {
            self.tell(told, began);
        }
        Ok(())
    }

    async fn meet_mail(&mut self, mail: Gathered) -> Result<(), End> {
        let began = Instant::now();
        let Decided { reply, told, pending } = self.decide(mail, began).await?;
        let changes_it = reply.is_some();
        if !changes_it {
            self.session.leave();
        }
        let reply = reply.unwrap_or_else(|| self.session.take_output());
        let written = self.wire.write(&reply).await;
        let watch = &self.milter.services.watch;
        match (written, changes_it) {
            (Err(_), _) => {
                // The MTA goes on without our changes, so nothing was given.
                if let Some(pending) = pending {
                    self.milter.withdraw(pending).await;
                }
                return Err(End::Over);
            }
            (Ok(whole), true) => {
                watch.count(Counter::MilterEdited);
                if !whole {
                    watch.count(Counter::MilterSplit);
                    tracing::error!(target: "milter", "the system did not take a reply in one piece");
                }
            }
            (Ok(_), false) => {}
        }
        self.tell(told, began);
        Ok(())
    }

    /// What becomes of a mail; the MTA is told that it takes longer when it does.
    async fn decide(&self, mail: Gathered, began: Instant) -> Result<Decided, End> {
        let mut waits = 0;
        let session = &self.session;
        let answer = |changes: &Changes| session.answer(changes);
        let room = self.whole_reply_octets.saturating_sub(PROGRESS_OCTETS * self.progress_max());
        let deciding = self.milter.decide(mail, (&answer, room), began);
        tokio::pin!(deciding);
        loop {
            tokio::select! {
                biased;
                decided = &mut deciding => return Ok(decided),
                () = sleep(PROGRESS_EACH) => {
                    waits += 1;
                    if waits <= self.progress_max() {
                        self.wire.write(&Session::progress()).await?;
                    }
                }
            }
        }
    }

    /// How often an MTA hears that an answer takes longer, at most.
    fn progress_max(&self) -> usize {
        let within = self.milter.settings.answer_within.as_secs() / PROGRESS_EACH.as_secs();
        usize::try_from(within).unwrap_or(usize::MAX).saturating_add(1)
    }

    fn tell(&self, told: Told, began: Instant) {
        let Told { id, queue_id, note } = told;
        let answered =
            Answered { custody: Custody::Mta, replies: Vec::new(), protection: None, edit_refused: false, queue_id };
        self.milter.services.watch.message(&note.event(id.as_str(), answered, began.elapsed()));
    }
}
