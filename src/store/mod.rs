//! The store: entries durable together with states, balances, grants and notices. It calls the rules, it has none.
//!
//! One SQLite file (`ledger.db`), one writer thread, one sync for all commands that wait. Readers have a connection of
//! their own and never wait for the writer. A store that fails returns errors; the outbox keeps the rows meanwhile.

mod agree;
pub mod backup;
mod beside;
mod disputes;
mod erasure;
mod error;
mod export;
mod held_back;
mod ledger;
mod notices;
mod operator;
mod optouts;
mod outbox;
mod posting;
mod presumed;
mod pump;
mod read;
mod redemptions;
mod reported;
mod rows;
mod schema;
mod signals;
mod slots;
mod switches;
mod templates;
mod terms;
#[cfg(test)]
mod tests;
mod trace;
mod trust;
mod users;
mod wordings;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::oneshot;

pub use agree::Agreement;
pub use disputes::DisputeRow;
pub use erasure::{ErasePerson, Erased};
pub use error::StoreError;
pub use ledger::Ledger;
pub use operator::{ReferralRow, TokenOf};
pub use optouts::{OptOutChange, OptOutRow};
pub use outbox::Outbox;
pub use posting::{Acted, Corrected, CountAct, Entered, Import, Posted, Proof, SlotAct, Told, Total};
pub use presumed::Proven;
pub use pump::{Flusher, Pump, PumpHealth, PumpOptions};
pub use read::{CompanyFaults, Parked, Progress};
pub use redemptions::RedemptionRow;
pub use reported::{ReportedOutcomes, ReportedTo};
pub use signals::{Seen, SignalClear};
pub use slots::SlotRow;
pub use switches::{OffRow, Switch, SwitchAct};
pub use templates::{SeenAgency, SeenTemplate, TemplateChange, TemplateRow};
pub use terms::TermsChange;
pub use trace::{EventStory, ParkedStory, Traced};
pub use trust::{ContractRow, Heads, KeyRow};
pub use users::{UserChange, UserRow};
pub use wordings::WordingRow;

use crate::ledger::{Balance, Grant, Notice, ReferralEvent, Statement};
use crate::referral::CompanyId;
use crate::spool::OutboxRow;
use writer::{Command, Writer};

/// The file below the data folder.
pub const LEDGER_FILE: &str = "ledger.db";

/// Tells the time; a parameter, so that tests can live a year in a second.
pub type Clock = fn() -> Timestamp;

/// The ledger on disk. Cheap to clone; all clones share one writer.
#[derive(Clone)]
pub struct Store {
    writer: Writer,
    reader: Arc<Reader>,
}

struct Reader {
    path: PathBuf,
    /// Connections nobody reads with now, so that a long replay holds up no short question.
    idle: Mutex<Vec<Connection>>,
    /// What the comparison after the start found; `None` while it runs.
    compared: Mutex<Option<Result<Vec<String>, StoreError>>>,
}

impl Store {
    /// Opens or makes `ledger.db` in the data folder, brings its schema up to date, and compares in the background the
    /// stored balances with the entries.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for a file of a newer program, [`StoreError::Database`] when it cannot be opened.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, crate::sys::clock::now)
    }

    /// [`Self::open`] with a clock.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(dir: &Path, clock: Clock) -> Result<Self, StoreError> {
        let path = dir.join(LEDGER_FILE);
        let connection = schema::open(&path)?;
        let writer = Writer::start(path.clone(), connection, clock)?;
        let reader = Arc::new(Reader { path, idle: Mutex::default(), compared: Mutex::new(None) });
        compare_in_background(&reader)?;
        Ok(Self { writer, reader })
    }

    /// Posts outbox rows: entries, states, balances, grants and notices in one commit, synced when it returns. A row
    /// that was posted before adds nothing. Rows no agreed contract or key rules are parked, whole.
    ///
    /// # Errors
    /// When nothing was committed; the same rows may be posted again.
    pub async fn post(&self, rows: Vec<OutboxRow>) -> Result<Posted, StoreError> {
        self.ask(|reply| Command::Post(rows, reply)).await
    }

    /// Makes company, keys and contract versions known, and posts what was parked for want of them.
    ///
    /// # Errors
    /// [`StoreError::Disagrees`] with every difference when a known key or version has another content; nothing is
    /// changed then.
    pub async fn agree(&self, agreement: Agreement) -> Result<Posted, StoreError> {
        self.ask(|reply| Command::Agree(agreement, reply)).await
    }

    /// Notes that a probe came back, and posts which mails count as delivered because of it; once for each probe. What
    /// came back before has to be posted before.
    ///
    /// # Errors
    /// When the company is unknown, or nothing was committed.
    pub async fn prove(&self, proof: Proof) -> Result<Posted, StoreError> {
        self.ask(|reply| Command::Prove(proof, reply)).await
    }

    /// When probes came back, newest first for each route: how long each return path is proven, and since when.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn proven(&self, company: &CompanyId) -> Result<Vec<Proven>, StoreError> {
        let company = company.clone();
        self.read(move |c| presumed::proven(c, &company)).await
    }

    /// Companies with slots that are in no notice yet.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn companies_to_tell(&self) -> Result<Vec<CompanyId>, StoreError> {
        self.read(notices::companies_to_tell).await
    }

    /// Makes one notice of the company's slots that are in none, for each series. From then on it is due.
    ///
    /// # Errors
    /// When it was not committed.
    pub async fn gather_notice(&self, company: CompanyId) -> Result<(), StoreError> {
        self.ask(|reply| Command::Gather(company, reply)).await
    }

    /// Marks a notice as taken by a courier.
    ///
    /// # Errors
    /// When it was not committed; the notice is then still due.
    pub async fn mark_taken(&self, notice: Notice) -> Result<(), StoreError> {
        self.ask(|reply| Command::Taken(notice, reply)).await
    }

    /// Notices no courier has taken, by company, series and number; not more than `limit`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn notices_due(&self, limit: usize) -> Result<Vec<Notice>, StoreError> {
        self.read(move |c| notices::due(c, limit)).await
    }

    /// Every grant of a company, oldest first within its series.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn grants(&self, company: &CompanyId) -> Result<Vec<Grant>, StoreError> {
        let company = company.clone();
        self.read(move |c| read::grants(c, &company)).await
    }

    /// Every company, in id order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn companies(&self) -> Result<Vec<CompanyId>, StoreError> {
        self.read(read::companies).await
    }

    /// The balances of a company, one for each contract series in use.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn balance(&self, company: &CompanyId) -> Result<Vec<Balance>, StoreError> {
        let company = company.clone();
        self.read(move |c| read::balance(c, &company)).await
    }

    /// The statement of a company for the entries posted from `from` until before `until`.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn statement(
        &self,
        company: &CompanyId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Statement, StoreError> {
        let company = company.clone();
        self.read(move |c| export::statement(c, &company, (from, until), u64::MAX)).await
    }

    /// Replays one company's chain, or all, and names every fault. Companies without one are listed with none.
    ///
    /// # Errors
    /// When the company is unknown or the file cannot be read.
    pub async fn verify(&self, company: Option<&CompanyId>) -> Result<Vec<CompanyFaults>, StoreError> {
        let company = company.cloned();
        self.read(move |c| read::verify(c, company.as_ref())).await
    }

    /// Events kept aside because no agreed contract or key rules them: how many, by company and reason.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn parked(&self) -> Result<Vec<Parked>, StoreError> {
        self.read(read::parked).await
    }

    /// How far this node's outbox was posted.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn progress(&self) -> Result<Progress, StoreError> {
        self.read(read::progress).await
    }

    /// For each of these referrals whether the ledger has it, posted or kept aside.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn known(&self, events: Vec<ReferralEvent>) -> Result<Vec<bool>, StoreError> {
        self.read(move |c| trace::known(c, &events)).await
    }

    /// The referrals of candidates or of a mail, each with the entries it made.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn traced(&self, wanted: Traced) -> Result<(Vec<EventStory>, Vec<ParkedStory>), StoreError> {
        self.read(move |c| Ok((trace::events(c, &wanted)?, trace::parked(c, &wanted)?))).await
    }

    /// What the comparison of balances after the start found: `None` while it runs, empty when all is well.
    pub fn compared(&self) -> Option<Result<Vec<String>, StoreError>> {
        lock(&self.reader.compared).clone()
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Command,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.writer.send(command(reply))?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let reader = Arc::clone(&self.reader);
        let done = tokio::task::spawn_blocking(move || reader.run(query)).await;
        done.unwrap_or(Err(StoreError::Closed))
    }
}

impl Reader {
    /// Runs a query in a read transaction of its own, so that all it reads is of one moment.
    fn run<T>(&self, query: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = lock(&self.idle).pop();
        let connection = idle.map_or_else(|| schema::open_reader(&self.path), Ok)?;
        let result = in_transaction(&connection, query);
        // A connection that failed may be broken: the next reader opens a new one.
        if !matches!(result, Err(StoreError::Database(_) | StoreError::Corrupt(_))) {
            lock(&self.idle).push(connection);
        }
        result
    }
}

fn in_transaction<T>(
    connection: &Connection,
    query: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let result = query(&transaction);
    transaction.finish()?;
    result
}

/// Reads through a connection of its own, so that the first readers do not wait for it.
fn compare_in_background(reader: &Arc<Reader>) -> Result<(), StoreError> {
    let reader = Arc::clone(reader);
    let compare = move || {
        let found = schema::open_reader(&reader.path).and_then(|c| in_transaction(&c, compare));
        match &found {
            Ok(differences) if differences.is_empty() => tracing::debug!("stored balances agree with the entries"),
            Ok(differences) => tracing::error!(?differences, "stored balances differ from the entries"),
            Err(error) => tracing::error!(%error, "stored balances could not be compared"),
        }
        *lock(&reader.compared) = Some(found);
    };
    let started = std::thread::Builder::new().name("ledger-compare".to_owned()).spawn(compare);
    started.map(|_| ()).map_err(|e| StoreError::Database(e.to_string()))
}

/// The file as the database sees it, then the balances as the entries make them.
fn compare(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut found = backup::unsound(connection, "quick_check")?;
    if found.is_empty() {
        found = read::compare(connection)?;
    }
    Ok(found)
}

/// A poisoned lock means a query panicked; the value behind it is still whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
