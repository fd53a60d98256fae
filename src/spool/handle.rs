//! The handle everybody holds: opening, committing, reading.

mod inspect;
mod intents;

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::bodies::{Bodies, Placed, StagedBody};
use super::codec::encode;
use super::content::{Content, checksum};
use super::database::{self, unreadable};
use super::error::SpoolError;
use super::holds::{self, EndedHold, Hold, HoldClock, HoldsDue};
use super::latest;
use super::load;
use super::probes::{self, SentProbe};
use super::queue::{Job, Queue};
use super::read::{self, Readers};
use super::recover::recover;
use super::rest::LOG_OCTETS_MAX;
use super::returns;
use super::room::Room;
use super::state::State;
use super::stops::{self, EditStop};
use super::types::{Due, Entry, EntryId, OutboxRow, Recovered, SpoolOptions, Summary, Write};
use super::writer::Writer;
use crate::sys::clock;

/// The spool of one data folder. Cheap to clone. Dropping the last clone blocks until the writer has finished what
/// waits; [`Spool::close`] does so without blocking the runtime.
#[derive(Clone)]
pub struct Spool(Arc<Inner>);

struct Inner {
    queue: Arc<Queue>,
    state: Arc<State>,
    bodies: Arc<Bodies>,
    content: Arc<File>,
    readers: Arc<Readers>,
    hold_clock: Arc<HoldClock>,
    recovered: Recovered,
    latest: Vec<EntryId>,
    inline_octets_max: usize,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// The files, opened and mended.
struct Opened {
    connection: Connection,
    bodies: Arc<Bodies>,
    recovered: Recovered,
    latest: Vec<EntryId>,
    content: Content,
    hold_clock: HoldClock,
}

fn open_files(folder: &Path) -> Result<Opened, SpoolError> {
    let connection = database::open_writer(&folder.join("spool.db"))?;
    let bodies = Arc::new(Bodies::open(folder.join("spool"))?);
    let (recovered, content) = recover(&connection, &bodies, &folder.join("spool.content"))?;
    let hold_clock = HoldClock::open(&connection, clock::now())?;
    // Unread, they cost a double at most; the writer says what is damaged.
    let latest = latest::latest(&connection).unwrap_or_default();
    Ok(Opened { connection, bodies, recovered, latest, content, hold_clock })
}

impl Spool {
    /// Opens `spool.db` and the folder `spool/` in `folder`, makes them where they are missing, and mends what the last
    /// run left. Blocks. The caller holds the lock of the data folder: no two may have it open.
    ///
    /// # Errors
    /// [`SpoolError::Newer`] for a file of a newer program, [`SpoolError::Read`] for one that cannot be read. A damaged
    /// file is not replaced by an empty one: the numbers of its outbox would start again, and credits be lost.
    pub fn open(folder: &Path, options: SpoolOptions) -> Result<Self, SpoolError> {
        let opened = match open_files(folder) {
            // Opening needs some room itself: on a full disk the reserve is there for that too.
            Err(SpoolError::Read(_)) if Room::drop_reserve(folder) => open_files(folder),
            opened => opened,
        };
        let Opened { connection, bodies, recovered, latest, content, hold_clock } = opened?;
        let hold_clock = Arc::new(hold_clock);
        let content_file = content.reader();
        let mut room = Room::new(folder.to_owned(), &options);
        let state = Arc::new(State::new());
        state.set_room(room.hold_reserve(&connection));
        let queue = Arc::new(Queue::new(options.batches_waiting_max));
        let writer = Writer {
            connection,
            content,
            written: Vec::new(),
            queue: Arc::clone(&queue),
            state: Arc::clone(&state),
            bodies: Arc::clone(&bodies),
            room,
            hold_clock: Arc::clone(&hold_clock),
            // What the last run had no time to clean up behind itself.
            freed_since: Some(Instant::now()),
            tidied_at: Instant::now(),
            log_octets_max: LOG_OCTETS_MAX,
        };
        let thread = std::thread::Builder::new().name("spool-writer".to_owned()).spawn(move || writer.run());
        let writer = Mutex::new(Some(thread.map_err(unreadable)?));
        let readers = Arc::new(Readers::new(folder.join("spool.db")));
        let inline_octets_max = options.inline_octets_max;
        let content = content_file;
        let inner =
            Inner { queue, state, bodies, content, readers, hold_clock, recovered, latest, inline_octets_max, writer };
        Ok(Self(Arc::new(inner)))
    }

    /// What opening found and mended.
    pub fn recovered(&self) -> &Recovered {
        &self.0.recovered
    }

    /// The ids of the mails that were accepted last before the start, in no order.
    pub fn latest(&self) -> &[EntryId] {
        &self.0.latest
    }

    /// Commits a batch, all of it or nothing. When it returns `Ok` the batch is synced to disk. Batches of other
    /// callers share the sync; the faults of one do not touch the others. A caller that goes away while it waits has
    /// its batch committed all the same, or not: it cannot know.
    ///
    /// # Errors
    /// See [`SpoolError`]; nothing of the batch is there then. After [`SpoolError::Failed`] what is on disk is unknown
    /// until the process has started anew.
    pub async fn commit(&self, batch: Vec<Write>) -> Result<(), SpoolError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.0.state.check()?;
        let place = self.0.queue.place().await?;
        let placed = self.place_originals(&batch).await?;
        let (answer, answered) = oneshot::channel();
        self.0.queue.push(Job { writes: batch, placed, answer, _place: place })?;
        answered.await.unwrap_or_else(|_| Err(self.0.state.check().err().unwrap_or(SpoolError::Closed)))
    }

    /// Whether rows can be expected to land. While not, no mail may be edited (`outbox_unavailable`).
    pub fn is_writable(&self) -> bool {
        self.0.state.is_writable()
    }

    /// Completes when the spool has failed for good, with the reason: stop taking mail, and start anew.
    pub async fn failed(&self) -> String {
        self.0.state.failed().await
    }

    /// Commits made since it was opened, each with one sync however many batches were in it.
    pub fn commits(&self) -> u64 {
        self.0.state.commits()
    }

    /// What is kept, sealed, of a mail that left with a return path of ours.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn returnable(&self, id: [u8; 12], now: Timestamp) -> Result<Option<Vec<u8>>, SpoolError> {
        self.0.readers.read(move |c| returns::find(c, &id, now).map_err(unreadable)).await
    }

    /// The probes of return paths that are remembered, in the order in which they went out.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn probes(&self) -> Result<Vec<SentProbe>, SpoolError> {
        self.0.readers.read(|c| probes::list(c).map_err(unreadable)).await
    }

    /// Every destination with waiting mail, and the earliest time at which any of it is due, which may have passed.
    /// One step for each of them: for the start, and for a look round now and then; between these
    /// [`Spool::take_touched`] tells what has changed.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn destinations(&self) -> Result<Vec<(String, Timestamp)>, SpoolError> {
        self.0.readers.read(|c| read::destinations(c).map_err(unreadable)).await
    }

    /// The destinations for which mail was taken or put off since the last call, and when the first of that is due.
    pub fn take_touched(&self) -> HashMap<String, Timestamp> {
        self.0.state.take_touched()
    }

    /// What is due for these destinations, for each of them at most `entries_max` entries. The cost is that of what is
    /// returned, however many mails wait. An entry stays due until it is marked as sending.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn due_for(
        &self,
        destinations: Vec<String>,
        now: Timestamp,
        entries_max: usize,
    ) -> Result<Vec<Due>, SpoolError> {
        let due = move |c: &Connection| {
            let all = destinations.into_iter().map(|d| read::due_for(c, d, now, entries_max));
            all.collect::<Result<_, _>>().map_err(unreadable)
        };
        self.0.readers.read(due).await
    }

    /// Entries kept since before this time (by the steady clock), the oldest first, at most `limit`; with `untold`
    /// those alone of which no [`Write::ToldLate`] was written. The cost is that of the entries that are so old.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn late(&self, kept_before: Timestamp, untold: bool, limit: usize) -> Result<Vec<EntryId>, SpoolError> {
        self.0.readers.read(move |c| read::late(c, kept_before, untold, limit).map_err(unreadable)).await
    }

    /// Loads an entry with all that is needed to send it; `None` when its last recipient is settled meanwhile.
    ///
    /// # Errors
    /// [`SpoolError::Damaged`] when it is not as it was stored: it is parked then. [`SpoolError::Read`].
    pub async fn load(&self, id: &EntryId) -> Result<Option<Entry>, SpoolError> {
        let (content, bodies, wanted) = (Arc::clone(&self.0.content), Arc::clone(&self.0.bodies), id.clone());
        let load = move |c: &_| load::load(c, &load::Files { content: &content, bodies: &bodies }, &wanted);
        let loaded = self.0.readers.read(load).await;
        if let Err(SpoolError::Damaged(entry)) = &loaded {
            self.commit(vec![Write::Park { entry: entry.clone() }]).await?;
        }
        loaded
    }

    /// Counts what is in the spool.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn summary(&self) -> Result<Summary, SpoolError> {
        let now = clock::steady();
        self.0.readers.read(move |c| read::summary(c, now).map_err(unreadable)).await
    }

    /// The mails that are held, those whose time is over soonest first.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn holds(&self) -> Result<Vec<Hold>, SpoolError> {
        let clock = Arc::clone(&self.0.hold_clock);
        self.0.readers.read(move |c| holds::list(c, &clock)).await
    }

    /// The held mails whose time is over, at most `most`, and when the next one's is.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn holds_due(&self, most: usize) -> Result<HoldsDue, SpoolError> {
        let clock = Arc::clone(&self.0.hold_clock);
        self.0.readers.read(move |c| holds::due(c, &clock, most).map_err(unreadable)).await
    }

    /// The next hops for which no mail of a company is edited.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn edit_stops(&self) -> Result<Vec<EditStop>, SpoolError> {
        self.0.readers.read(|c| stops::list(c).map_err(unreadable)).await
    }

    /// How the last holds ended, the newest first, at most `most`.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn ended_holds(&self, most: usize) -> Result<Vec<EndedHold>, SpoolError> {
        self.0.readers.read(move |c| holds::ends(c, most).map_err(unreadable)).await
    }

    /// Outbox rows with a number above `seq`, posted ones included, in their order, at most `limit`.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn outbox_after(&self, seq: u64, limit: usize) -> Result<Vec<OutboxRow>, SpoolError> {
        self.0.readers.read(move |c| read::outbox_after(c, seq, limit)).await
    }

    /// The last outbox number that the store is known to have; 0 before the first.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn posted_seq(&self) -> Result<u64, SpoolError> {
        self.0.readers.read(|c| read::posted_seq(c).map_err(unreadable)).await
    }

    /// Lets no more batches in, and waits until those that wait are committed and cleaned up behind.
    pub async fn close(&self) {
        let inner = Arc::clone(&self.0);
        // The one error is a panic of a thread, which the failure signal has told.
        let _ = tokio::task::spawn_blocking(move || inner.close()).await;
    }

    /// Writes big originals to their files and makes the content of all ready, so that the writer only has to write.
    async fn place_originals(&self, batch: &[Write]) -> Result<Vec<Placed>, SpoolError> {
        let mut placed = Vec::new();
        for write in batch {
            let Write::Store(entry) = write else { continue };
            let staged = if entry.original.len() <= self.0.inline_octets_max {
                None
            } else {
                Some(self.stage(entry.id.clone(), entry.original.clone()).await?)
            };
            let (file_checksum, body) = staged.unzip();
            let content = encode(entry, file_checksum);
            placed.push(Placed { checksum: checksum(&content), content, body });
        }
        Ok(placed)
    }

    async fn stage(&self, id: EntryId, original: Bytes) -> Result<(i64, StagedBody), SpoolError> {
        let bodies = Arc::clone(&self.0.bodies);
        let stage = move || bodies.stage(&id, &original).map(|body| (checksum(&original), body));
        let staged = tokio::task::spawn_blocking(stage).await.map_err(unreadable)?;
        if let Err(SpoolError::Failed(why)) = &staged {
            self.0.state.fail(why);
        }
        staged
    }
}

impl Inner {
    fn close(&self) {
        self.queue.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            let _ = writer.join();
        }
        self.bodies.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}
