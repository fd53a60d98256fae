//! Reading the logs of MTAs and writing down what they say of mails with the line.
//!
//! Evidence may be there before the name it speaks of is known: a filter hands a mail back, and its delivery stands in
//! the log in front of the line that tells its new name. So what nobody is known for is kept for a short while, and
//! the place up to which a log counts as read stays in front of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::judge::{Judged, Servers, meant};
use super::log::{Fact, Manner, Tried, What, export};
use super::tail::{Got, Piece, Place, Tail};
use crate::config::{ConfirmSettings, MtaLog};
use crate::ledger::Proves;
use crate::mail::address::Address;
use crate::referral::{CandidateKey, CompanyId};
use crate::spool::{Fate, Finding, Intended, IntentState, IntentWrite, LogPosition, Spool, SpoolError, Write};
use crate::sys::clock;
use crate::sys::resolver::Resolve;

/// How often the logs are looked at.
const PERIOD: Duration = Duration::from_millis(500);
/// How long evidence of which nobody is known is kept.
const KEPT_FOR: Duration = Duration::from_mins(2);
/// How much of it.
const KEPT_MAX: usize = 20_000;
/// How often what is kept is looked up anew.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// How often places are written down when nothing was found.
const PLACE_EVERY: Duration = Duration::from_secs(10);
/// How often it is looked what lapses.
const LAPSE_EVERY: Duration = Duration::from_mins(1);

/// Whether an address is that of a company's candidate.
pub type IsHim = Arc<dyn Fn(&CompanyId, &CandidateKey, &Address) -> bool + Send + Sync>;

/// The task that reads. Dropping it stops it; what it has not read it reads after the next start.
pub struct Confirm(JoinHandle<()>);

impl Drop for Confirm {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Who else has a part in it.
pub struct Around {
    /// What is pending.
    pub spool: Spool,
    /// Who asks the DNS.
    pub names: Arc<dyn Resolve>,
    /// Who tells a candidate by his address.
    pub is_him: IsHim,
    /// Rung when there is something for the ledger.
    pub told: Arc<Notify>,
}

impl Confirm {
    /// Begins to read the logs of the settings.
    ///
    /// # Errors
    /// When the places up to which they were read cannot be read themselves.
    pub async fn start(settings: &ConfirmSettings, around: Around) -> Result<Self, SpoolError> {
        let reader = Reader::new(settings, around).await?;
        Ok(Self(tokio::spawn(reader.work())))
    }
}

/// A log with the place to which it was read.
struct Log {
    name: String,
    mta: String,
    manner: Manner,
    journal: bool,
    tail: Option<Tail>,
    /// The place that is written down.
    noted: Option<Place>,
    /// What reading failed with last, told once.
    failing: Option<String>,
}

/// A fact that nobody is known for yet.
struct Heard {
    log: usize,
    /// Its number among all that was heard.
    number: u64,
    from: Place,
    fact: Fact,
    since: Instant,
}

impl Heard {
    /// The name by which it speaks of a mail that should be known.
    fn name(&self) -> &str {
        match &self.fact.what {
            What::Was(old) => old,
            What::Tried(_) | What::Expired => &self.fact.queue_id,
        }
    }
}

/// By MTA and queue id.
type Known = HashMap<(String, String), Vec<Intended>>;

pub(super) struct Reader {
    logs: Vec<Log>,
    servers: Servers,
    around: Around,
    pending_for: SignedDuration,
    kept: Vec<Heard>,
    /// How many facts were heard.
    heard: u64,
    looked: Instant,
    placed: Instant,
    lapsed: Option<Instant>,
}

impl Reader {
    pub(super) async fn new(settings: &ConfirmSettings, around: Around) -> Result<Self, SpoolError> {
        let positions = around.spool.log_positions().await?;
        // What was given to an MTA before its log was read here may stand in it.
        let is_pending = around.spool.intents_standing().await?.oldest_pending.is_some();
        let mut logs = Vec::with_capacity(settings.logs.len());
        for log in &settings.logs {
            logs.push(open(log, &positions, is_pending).await);
        }
        let servers = Servers {
            mx: settings.mx.clone(),
            logs: settings.logs.as_slice().into(),
            names: Arc::clone(&around.names),
        };
        let pending_for = SignedDuration::try_from(settings.pending_for).unwrap_or(SignedDuration::MAX);
        let now = Instant::now();
        Ok(Self {
            logs,
            servers,
            around,
            pending_for,
            kept: Vec::new(),
            heard: 0,
            looked: now,
            placed: now,
            lapsed: None,
        })
    }

    async fn work(mut self) {
        loop {
            match self.round().await {
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) if self.logs.is_empty() => tokio::time::sleep(LAPSE_EVERY).await,
                Ok(false) => tokio::time::sleep(PERIOD).await,
                Err(error) => {
                    tracing::warn!(target: "confirm", %error, "evidence waits");
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
        }
    }

    /// Reads what is new in each log, and writes down what it says. Whether there is more at once.
    pub(super) async fn round(&mut self) -> Result<bool, SpoolError> {
        let (mut more, before) = (false, self.kept.len());
        for at in 0..self.logs.len() {
            more |= self.read(at).await;
        }
        let heard = if self.looked.elapsed() >= LOOK_EVERY {
            self.looked = Instant::now();
            std::mem::take(&mut self.kept)
        } else {
            self.kept.split_off(before)
        };
        self.take(heard).await?;
        self.forget_unknown();
        self.note_places().await?;
        self.lapse().await?;
        Ok(more)
    }

    async fn read(&mut self, at: usize) -> bool {
        let log = &mut self.logs[at];
        let Some(mut tail) = log.tail.take() else { return false };
        // What a panic in there takes with it is read by the next start.
        let Ok((tail, got)) = tokio::task::spawn_blocking(move || {
            let got = tail.read();
            (tail, got)
        })
        .await
        else {
            return false;
        };
        log.tail = Some(tail);
        let Got { pieces, more, lost } = match got {
            Ok(got) => got,
            Err(error) => {
                log.fail(&error.to_string());
                return false;
            }
        };
        log.failing = None;
        if let Some(lost) = lost {
            log.tell_lost(&lost);
        }
        let now = clock::now();
        for piece in pieces {
            let fact = log.fact(&piece, now);
            let heard = |fact| Heard { log: at, number: self.heard, from: piece.from, fact, since: Instant::now() };
            self.kept.extend(fact.map(heard));
            self.heard += 1;
        }
        more
    }

    /// Writes down what these facts say of mails that are known; the others are kept. What tells another name of a mail
    /// leads to those that were kept under it.
    async fn take(&mut self, mut heard: Vec<Heard>) -> Result<(), SpoolError> {
        while !heard.is_empty() {
            let known = match self.look_up(&heard).await {
                Ok(known) => known,
                Err(error) => {
                    self.kept.append(&mut heard);
                    return Err(error);
                }
            };
            let (mut writes, mut names, mut done) = (Vec::new(), HashSet::new(), Vec::new());
            for one in heard {
                let key = (self.logs[one.log].mta.clone(), one.name().to_owned());
                let intended = known.get(&key).map_or(&[][..], Vec::as_slice);
                match self.read_fact(&one, intended, &mut names).await {
                    Some(found) => {
                        writes.extend(found);
                        done.push(one);
                    }
                    None => self.kept.push(one),
                }
            }
            if let Err(error) = self.write(writes).await {
                self.kept.append(&mut done);
                return Err(error);
            }
            let mta = |one: &Heard| self.logs[one.log].mta.clone();
            let is_named = |one: &mut Heard| names.contains(&(mta(one), one.name().to_owned()));
            heard = self.kept.extract_if(.., is_named).collect();
        }
        Ok(())
    }

    async fn look_up(&self, heard: &[Heard]) -> Result<Known, SpoolError> {
        let names: HashSet<(String, String)> =
            heard.iter().map(|one| (self.logs[one.log].mta.clone(), one.name().to_owned())).collect();
        let mut known = Known::new();
        for intended in self.around.spool.intended_under(names.into_iter().collect()).await? {
            known.entry(intended.named.clone()).or_default().push(intended);
        }
        Ok(known)
    }

    /// What is to be written down of a fact; `None` when it has to wait: nobody is known by that name, or the DNS gives
    /// no answer.
    async fn read_fact(
        &self,
        one: &Heard,
        intended: &[Intended],
        names: &mut HashSet<(String, String)>,
    ) -> Option<Vec<IntentWrite>> {
        let (mta, at) = (&self.logs[one.log].mta, one.fact.at);
        let transaction = meant(intended, at)?;
        let of: Vec<&Intended> = intended.iter().filter(|of| of.transaction == transaction).collect();
        let mut also_named = |mta: &str, queue_id: &str| {
            names.insert((mta.to_owned(), queue_id.to_owned()));
            let (transaction, mta, queue_id) = (transaction.to_owned(), mta.to_owned(), queue_id.to_owned());
            IntentWrite::AlsoNamed { transaction, mta, queue_id, at }
        };
        match &one.fact.what {
            What::Was(_) => Some(vec![also_named(mta, &one.fact.queue_id)]),
            What::Expired => {
                let refused = |of: &&Intended| finding(of, Fate::Refused, at, "expired");
                Some(of.iter().map(refused).map(IntentWrite::Found).collect())
            }
            What::Tried(tried) => {
                let mut writes = Vec::new();
                for of in of {
                    let Some(to) = self.named_of(tried, of) else { continue };
                    match self.servers.judge(tried, mta, to).await {
                        Judged::Fate(fate) => {
                            let fate = tagged(fate, of.tagged);
                            writes.push(IntentWrite::Found(finding(of, fate, at, &tried.reply)));
                        }
                        Judged::HandedOn(mta, queue_id) => writes.push(also_named(&mta, &queue_id)),
                        Judged::Nothing => {}
                        Judged::Later if one.since.elapsed() < KEPT_FOR => return None,
                        Judged::Later => {
                            let fate = tagged(Fate::Taken(Proves::Accepted), of.tagged);
                            writes.push(IntentWrite::Found(finding(of, fate, at, &tried.reply)));
                        }
                    }
                }
                Some(writes)
            }
        }
    }

    /// The address by which a delivery speaks of this candidate.
    fn named_of<'t>(&self, tried: &'t Tried, of: &Intended) -> Option<&'t Address> {
        tried.to.iter().find(|address| (self.around.is_him)(&of.company, &of.candidate, address))
    }

    async fn write(&mut self, found: Vec<IntentWrite>) -> Result<(), SpoolError> {
        if found.is_empty() {
            return Ok(());
        }
        let places = self.places();
        let writes = found.into_iter().chain(places.iter().map(|(_, position)| IntentWrite::Read(position.clone())));
        self.around.spool.commit(writes.map(Write::Intent).collect()).await?;
        self.around.told.notify_one();
        Ok(())
    }

    /// The place of each log in front of all that is kept of it, where it is not the one that is written down.
    fn places(&self) -> Vec<(usize, LogPosition)> {
        let now = clock::now();
        let place = |(at, log): (usize, &Log)| {
            let kept = self.kept.iter().filter(|one| one.log == at).min_by_key(|one| one.number);
            let place = kept.map(|one| one.from).or_else(|| log.tail.as_ref().and_then(Tail::place))?;
            let Place { file, offset, mark } = place;
            let position = LogPosition { log: log.name.clone(), file, offset, mark, at: now };
            (log.noted != Some(place)).then_some((at, position))
        };
        self.logs.iter().enumerate().filter_map(place).collect()
    }

    async fn note_places(&mut self) -> Result<(), SpoolError> {
        // From the first look on a restart knows where to begin.
        let is_new =
            self.logs.iter().any(|log| log.noted.is_none() && log.tail.as_ref().and_then(Tail::place).is_some());
        if !is_new && self.placed.elapsed() < PLACE_EVERY {
            return Ok(());
        }
        self.placed = Instant::now();
        let places = self.places();
        if places.is_empty() {
            return Ok(());
        }
        let writes = places.iter().map(|(_, position)| Write::Intent(IntentWrite::Read(position.clone())));
        self.around.spool.commit(writes.collect()).await?;
        for (at, LogPosition { file, offset, mark, .. }) in places {
            self.logs[at].noted = Some(Place { file, offset, mark });
        }
        Ok(())
    }

    /// What was kept long enough is of mails without the line; beyond the most that is kept the oldest goes.
    fn forget_unknown(&mut self) {
        self.kept.retain(|one| one.since.elapsed() < KEPT_FOR);
        let over = self.kept.len().saturating_sub(KEPT_MAX);
        if over > 0 {
            self.kept.drain(..over);
        }
    }

    async fn lapse(&mut self) -> Result<(), SpoolError> {
        if self.lapsed.is_some_and(|at| at.elapsed() < LAPSE_EVERY) {
            return Ok(());
        }
        self.lapsed = Some(Instant::now());
        let now = clock::now();
        lapse(&self.around, now.checked_sub(self.pending_for).unwrap_or(Timestamp::MIN), now).await
    }
}

/// Lets what is pending since before then lapse, and says so.
async fn lapse(around: &Around, before: Timestamp, at: Timestamp) -> Result<(), SpoolError> {
    let oldest = around.spool.intents_in(IntentState::Pending, 1).await?;
    if oldest.first().is_none_or(|of| of.at >= before) {
        return Ok(());
    }
    around.spool.commit(vec![Write::Intent(IntentWrite::Lapse { before, at })]).await?;
    tracing::warn!(
        target: "confirm", %before,
        "referrals in mails given to an MTA before then have lapsed: its log and the reports tell nothing of them"
    );
    around.told.notify_one();
    Ok(())
}

/// A mail with a return path of ours would come back to us.
fn tagged(fate: Fate, tagged: bool) -> Fate {
    match fate {
        Fate::Taken(proves) if tagged => Fate::Taken(proves.tagged()),
        fate => fate,
    }
}

fn finding(of: &Intended, fate: Fate, at: Timestamp, reply: &str) -> Finding {
    Finding { transaction: of.transaction.clone(), recipient: of.recipient, fate, at, reply: reply.to_owned() }
}

async fn open(log: &MtaLog, positions: &[LogPosition], is_pending: bool) -> Log {
    let name = format!("{} {}", log.mta, log.file.display());
    let place = positions.iter().find(|position| position.log == name);
    let place = place.map(|LogPosition { file, offset, mark, .. }| Place { file: *file, offset: *offset, mark: *mark });
    let zone = log.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(TimeZone::system);
    let manner = Manner { format: log.format, program: log.program().to_owned(), zone };
    let (path, journal) = (log.file.clone(), log.journal);
    let opened = tokio::task::spawn_blocking(move || Tail::new(&path, journal, place, is_pending)).await.ok();
    let (tail, lost) = opened.unzip();
    let log = Log { name, mta: log.mta.clone(), manner, journal, tail, noted: place, failing: None };
    if let Some(lost) = lost.flatten() {
        log.tell_lost(&lost);
    }
    log
}

impl Log {
    fn fact(&self, piece: &Piece, now: Timestamp) -> Option<Fact> {
        if self.journal {
            return export::read(&piece.octets, &self.manner);
        }
        Fact::read(String::from_utf8_lossy(&piece.octets).trim_end_matches('\r'), &self.manner, now)
    }

    fn tell_lost(&self, lost: &str) {
        tracing::warn!(
            target: "confirm", log = %self.name, lost,
            "referrals whose evidence stood there stay pending, and lapse if no report tells of them"
        );
    }

    fn fail(&mut self, error: &str) {
        if self.failing.as_deref() != Some(error) {
            tracing::error!(target: "confirm", log = %self.name, error, "the log cannot be read; it is tried again");
            self.failing = Some(error.to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
