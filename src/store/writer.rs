//! The writer thread: takes all commands that wait, runs them in one transaction, syncs once, then answers.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::agree::{self, Agreement};
use super::erasure::{self, Erased, Erasure};
use super::error::StoreError;
use super::held_back::{self, Told};
use super::notices;
use super::optouts::{self, OptOutChange};
use super::posting::{self, Acted, Corrected, CountAct, Entered, Import, Posted, Proof, SlotAct};
use super::signals::SignalClear;
use super::slots;
use super::switches::{self, Switch};
use super::templates::{self, SeenAgency, SeenTemplate, TemplateChange};
use super::terms::{self, TermsChange};
use super::trust;
use super::users::{self, UserChange};
use super::{Clock, schema};
use crate::ledger::Notice;
use crate::ledger::signature::PublicKey;
use crate::referral::CompanyId;
use crate::spool::OutboxRow;
use crate::watch::HeldBack;

/// Commands that may wait; more are refused, and the asker tries again.
const WAITING_MAX: usize = 256;
/// Commands of one commit.
const TOGETHER_MAX: usize = 64;

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer can be asked for.
pub enum Command {
    Post(Vec<OutboxRow>, Reply<Posted>),
    Agree(Agreement, Reply<Posted>),
    Prove(Proof, Reply<Posted>),
    Gather(CompanyId, Reply<()>),
    Taken(Notice, Reply<()>),
    SetUser(UserChange, Reply<()>),
    Switch(Switch, Reply<()>),
    HeldBack(Told, Vec<HeldBack>, Reply<()>),
    OptOuts(OptOutChange, Reply<()>),
    Terms(Box<TermsChange>, Reply<()>),
    Templates(Vec<TemplateChange>, Reply<()>),
    Seen(Vec<SeenTemplate>, Vec<SeenAgency>, Reply<()>),
    Act(Box<SlotAct>, Reply<Acted>),
    LetTimePass(Reply<()>),
    SigningKey(PublicKey, Reply<()>),
    Count(Box<CountAct>, Reply<Corrected>),
    Import(Box<Import>, Reply<Entered>),
    Erase(Erasure, Reply<Erased>),
    ClearSignal(Box<SignalClear>, Reply<u64>),
}

/// An answer that waits for the commit.
enum Answer {
    Posted(Reply<Posted>, Result<Posted, StoreError>),
    Acted(Reply<Acted>, Result<Acted, StoreError>),
    Done(Reply<()>, Result<(), StoreError>),
    Corrected(Reply<Corrected>, Result<Corrected, StoreError>),
    Entered(Reply<Entered>, Result<Entered, StoreError>),
    Erased(Reply<Erased>, Result<Erased, StoreError>),
    Cleared(Reply<u64>, Result<u64, StoreError>),
}

impl Answer {
    /// Whether something is gone from the tables by it.
    fn has_erased(&self) -> bool {
        matches!(self, Self::Erased(_, Ok(erased)) if erased.entry > 0 || erased.kept_aside > 0)
    }
}

/// The way to the writer thread, which ends with the last of these.
#[derive(Clone)]
pub struct Writer(SyncSender<Command>);

impl Writer {
    /// Starts the thread.
    pub fn start(path: PathBuf, connection: Connection, clock: Clock) -> Result<Self, StoreError> {
        let (send, commands) = sync_channel(WAITING_MAX);
        let mut shift = Shift { path, connection: Some(connection), clock, looks_up: true };
        let run = move || shift.work(&commands);
        let started = std::thread::Builder::new().name("ledger-writer".to_owned()).spawn(run);
        started.map_err(|e| StoreError::Database(e.to_string()))?;
        Ok(Self(send))
    }

    /// Hands a command over without waiting.
    pub fn send(&self, command: Command) -> Result<(), StoreError> {
        self.0.try_send(command).map_err(|e| match e {
            TrySendError::Full(_) => StoreError::Database("too many commands wait".to_owned()),
            TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }
}

struct Shift {
    path: PathBuf,
    connection: Option<Connection>,
    clock: Clock,
    /// Whether the database looks up what each row refers to.
    looks_up: bool,
}

impl Shift {
    /// What posting writes refers to rows that it has just read, so the database need not look each of them up again:
    /// that is a fifth of the work. All other commands have it done.
    fn enforce(&mut self, connection: Connection, batch: &[Command]) -> Result<Connection, StoreError> {
        let looks_up = !batch.iter().all(|command| matches!(command, Command::Post(..)));
        if looks_up != self.looks_up {
            connection.pragma_update(None, "foreign_keys", looks_up)?;
            self.looks_up = looks_up;
        }
        Ok(connection)
    }

    fn work(&mut self, commands: &Receiver<Command>) {
        while let Ok(first) = commands.recv() {
            let mut batch = vec![first];
            batch.extend(commands.try_iter().take(TOGETHER_MAX - 1));
            self.commit(batch);
        }
    }

    fn commit(&mut self, batch: Vec<Command>) {
        self.looks_up |= self.connection.is_none();
        let connection = match self.connection.take().map_or_else(|| schema::open(&self.path), Ok) {
            Ok(connection) => connection,
            Err(error) => return batch.into_iter().for_each(|command| refuse(command, &error)),
        };
        let now = (self.clock)();
        let connection = match self.enforce(connection, &batch) {
            Ok(connection) => connection,
            Err(error) => return batch.into_iter().for_each(|command| refuse(command, &error)),
        };
        match run(connection, batch, now) {
            Ok(connection) => self.connection = Some(connection),
            // What failed may be the file below the connection: it is opened anew, and recovered, for the next batch.
            Err(error) => tracing::error!(%error, "the ledger took nothing"),
        }
    }
}

/// Runs a batch and answers it; gives the connection back if it is fit for the next one.
fn run(mut connection: Connection, batch: Vec<Command>, now: jiff::Timestamp) -> Result<Connection, StoreError> {
    let mut answers = Vec::with_capacity(batch.len());
    let mut left = batch.into_iter();
    let mut done = || -> Result<(), StoreError> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for command in left.by_ref() {
            execute(&transaction, command, now, &mut answers)?;
        }
        transaction.commit()?;
        Ok(())
    };
    let result = done();
    if result.is_ok() && answers.iter().any(Answer::has_erased) {
        erasure::wipe_log(&connection);
    }
    for answer in answers {
        reply(answer, result.as_ref().err());
    }
    match result {
        Ok(()) => Ok(connection),
        Err(error) => {
            left.for_each(|command| refuse(command, &error));
            Err(error)
        }
    }
}

/// Runs one command. What fails for this command alone is its answer; any other failure ends the batch.
fn execute(
    transaction: &Connection,
    command: Command,
    now: jiff::Timestamp,
    answers: &mut Vec<Answer>,
) -> Result<(), StoreError> {
    let posted = |reply, result| Answer::Posted(reply, result);
    let answer = match command {
        Command::Post(rows, reply) => posted(reply, posting::post(transaction, &rows, now)),
        Command::Agree(agreement, reply) => posted(reply, agree::agree(transaction, &agreement, now)),
        Command::Prove(proof, reply) => posted(reply, posting::prove(transaction, &proof, now)),
        Command::Act(act, reply) => Answer::Acted(reply, posting::act(transaction, &act, now)),
        Command::LetTimePass(reply) => Answer::Done(reply, slots::let_time_pass(transaction, now)),
        Command::Erase(whom, reply) => Answer::Erased(reply, erasure::erase(transaction, &whom, now)),
        Command::ClearSignal(clear, reply) => Answer::Cleared(reply, posting::clear_signal(transaction, &clear, now)),
        Command::Gather(company, reply) => Answer::Done(reply, notices::gather(transaction, &company)),
        Command::Taken(notice, reply) => Answer::Done(reply, notices::mark_taken(transaction, &notice, now)),
        Command::SetUser(change, reply) => Answer::Done(reply, users::set(transaction, &change, now)),
        Command::Switch(switch, reply) => Answer::Done(reply, switches::switch(transaction, &switch, now)),
        Command::HeldBack(what, mails, reply) => Answer::Done(reply, held_back::note(transaction, what, &mails)),
        Command::OptOuts(change, reply) => Answer::Done(reply, optouts::change(transaction, &change, now)),
        Command::Terms(change, reply) => Answer::Done(reply, terms::note(transaction, &change, now)),
        Command::Templates(changes, reply) => Answer::Done(reply, templates::change(transaction, &changes, now)),
        Command::Seen(seen, agencies, reply) => {
            Answer::Done(reply, templates::note_seen(transaction, &seen, &agencies))
        }
        Command::SigningKey(key, reply) => Answer::Done(reply, trust::note_signing_key(transaction, &key, now)),
        Command::Count(act, reply) => Answer::Corrected(reply, posting::act_on_count(transaction, &act, now)),
        Command::Import(import, reply) => Answer::Entered(reply, posting::import(transaction, &import, now)),
    };
    let error = match &answer {
        Answer::Posted(_, result) => result.as_ref().err(),
        Answer::Acted(_, result) => result.as_ref().err(),
        Answer::Done(_, result) => result.as_ref().err(),
        Answer::Corrected(_, result) => result.as_ref().err(),
        Answer::Entered(_, result) => result.as_ref().err(),
        Answer::Erased(_, result) => result.as_ref().err(),
        Answer::Cleared(_, result) => result.as_ref().err(),
    };
    let failed = error.filter(|e| !e.is_of_command()).cloned();
    answers.push(answer);
    failed.map_or(Ok(()), Err)
}

/// An asker that has gone away needs no answer.
fn reply(answer: Answer, failed: Option<&StoreError>) {
    match (answer, failed.cloned()) {
        (Answer::Posted(reply, posted), None) => drop(reply.send(posted)),
        (Answer::Posted(reply, _), Some(error)) => drop(reply.send(Err(error))),
        (Answer::Acted(reply, acted), None) => drop(reply.send(acted)),
        (Answer::Acted(reply, _), Some(error)) => drop(reply.send(Err(error))),
        (Answer::Done(reply, done), None) => drop(reply.send(done)),
        (Answer::Done(reply, _), Some(error)) => drop(reply.send(Err(error))),
        (Answer::Corrected(reply, corrected), None) => drop(reply.send(corrected)),
        (Answer::Corrected(reply, _), Some(error)) => drop(reply.send(Err(error))),
        (Answer::Entered(reply, entered), None) => drop(reply.send(entered)),
        (Answer::Entered(reply, _), Some(error)) => drop(reply.send(Err(error))),
        (Answer::Erased(reply, erased), None) => drop(reply.send(erased)),
        (Answer::Erased(reply, _), Some(error)) => drop(reply.send(Err(error))),
        (Answer::Cleared(reply, cleared), None) => drop(reply.send(cleared)),
        (Answer::Cleared(reply, _), Some(error)) => drop(reply.send(Err(error))),
    }
}

fn refuse(command: Command, error: &StoreError) {
    match command {
        Command::Post(_, reply) | Command::Agree(_, reply) | Command::Prove(_, reply) => {
            drop(reply.send(Err(error.clone())));
        }
        Command::Act(_, reply) => drop(reply.send(Err(error.clone()))),
        Command::Count(_, reply) => drop(reply.send(Err(error.clone()))),
        Command::Import(_, reply) => drop(reply.send(Err(error.clone()))),
        Command::Erase(_, reply) => drop(reply.send(Err(error.clone()))),
        Command::ClearSignal(_, reply) => drop(reply.send(Err(error.clone()))),
        Command::LetTimePass(reply)
        | Command::Gather(_, reply)
        | Command::Taken(_, reply)
        | Command::SetUser(_, reply)
        | Command::Switch(_, reply)
        | Command::HeldBack(_, _, reply)
        | Command::OptOuts(_, reply)
        | Command::Terms(_, reply)
        | Command::Templates(_, reply)
        | Command::Seen(_, _, reply)
        | Command::SigningKey(_, reply) => {
            drop(reply.send(Err(error.clone())));
        }
    }
}
