//! One person's mails, or one mail, wherever something of it is: in custody, in the outbox, in the ledger.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::spool::{ActLine, MailLine, Unlogged, mail_line};
use crate::ledger::{Entry, Proves, ReferralEvent};
use crate::mail::address::Address;
use crate::referral::{CandidateKey, CompanyId, CompanyKeys};
use crate::spool::{EntryId, Page, Referrals, Spool, Wanted};
use crate::store::{EventStory, Store, Traced};

/// Mails in custody told of at most.
const MAILS_MAX: usize = 1_000;

/// Of what everything is wanted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Subject {
    /// The mailbox of an address, in any spelling.
    To(Unlogged),
    /// A mail, by our id of it.
    Id(String),
}

/// Everything that is known.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Trace {
    /// The keys by which the companies know the address.
    pub keys: Vec<KeyLine>,
    /// What is in custody now, without addresses.
    pub custody: Vec<MailLine>,
    /// Referrals in the outbox: those not posted yet, and those of the last days.
    pub outbox: Vec<OutboxLine>,
    /// Referrals in the ledger.
    pub ledger: Vec<LedgerLine>,
    /// Referrals kept aside because no agreed contract or key rules them.
    pub parked: Vec<ParkedLine>,
    /// What admins did with these mails.
    pub acts: Vec<ActLine>,
}

/// By which key a company knows a candidate.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct KeyLine {
    /// The company.
    pub company: String,
    /// The keyed hash.
    pub candidate: String,
}

/// The next hop's 250 for a mail with the line.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReferralLine {
    /// Our id of the mail.
    pub id: String,
    /// Whose mail it was.
    pub company: String,
    /// To whom it went, as a keyed hash.
    pub candidate: String,
    /// His number in the envelope, from 0.
    pub recipient: u32,
    /// The route it went by.
    pub route: String,
    /// What the 250 proves: `accepted` or `delivered`.
    pub proves: String,
    /// Whether the line was put in; `false` when the company's link was there already.
    pub inserted: bool,
}

/// A referral in the outbox.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OutboxLine {
    /// The referral.
    #[serde(flatten)]
    pub referral: ReferralLine,
    /// When the 250 came, RFC 3339.
    pub at: String,
    /// Its number.
    pub seq: u64,
    /// Whether the ledger has it.
    pub posted: bool,
}

/// A referral in the ledger.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LedgerLine {
    /// The referral.
    #[serde(flatten)]
    pub referral: ReferralLine,
    /// The entries it made.
    pub entries: Vec<EntryLine>,
}

/// A referral kept aside.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ParkedLine {
    /// The referral.
    #[serde(flatten)]
    pub referral: ReferralLine,
    /// When the 250 came, RFC 3339.
    pub at: String,
    /// The stable code of why.
    pub reason: String,
}

/// An entry of the ledger.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EntryLine {
    /// Its number in the company's chain.
    pub seq: u64,
    /// The code of its kind.
    pub kind: String,
    /// What it adds to the credits that wait for the next slot.
    pub worth: i64,
    /// The slot's number, for a grant; else 0.
    pub cycle: u32,
    /// The contract series and version that rule it.
    pub contract: String,
    /// The digest of the words that were put into its mail; empty where none were.
    #[serde(default)]
    pub wording: String,
    /// When it happened, RFC 3339.
    pub at: String,
    /// When it was posted, RFC 3339.
    pub posted: String,
}

/// Gathers everything. `keys` are those of each company that the ledger knows.
///
/// # Errors
/// A sentence for the admin, in which no address stands.
pub async fn trace((spool, store): (&Spool, &Store), keys: &[CompanyKeys], subject: &Subject) -> Result<Trace, String> {
    let mut trace = Trace::default();
    let (wanted, referrals, traced) = match subject {
        Subject::To(address) => {
            let address = address.address()?;
            let candidates = candidates(keys, &address);
            trace.keys = candidates.iter().map(key_line).collect();
            let wanted = Wanted { to: Some(address), ..Wanted::default() };
            (wanted, Referrals::Of(candidates.clone()), Traced::Of(candidates))
        }
        Subject::Id(id) => {
            let entry = EntryId::parse(id).map_err(|why| format!("{id:?} is no id of a mail: {why}"))?;
            let wanted = Wanted { ids: vec![entry], ..Wanted::default() };
            (wanted, Referrals::In(id.clone()), Traced::In(id.clone()))
        }
    };
    trace.custody = custody(spool, wanted).await?;
    let outbox = spool.referrals(referrals).await.map_err(|e| e.to_string())?;
    trace.outbox = outbox
        .iter()
        .map(|story| {
            let (seq, event) = (story.row.seq, &story.row.event);
            OutboxLine { referral: of_event(event), at: event.at.to_string(), seq, posted: story.posted }
        })
        .collect();
    let (events, parked) = store.traced(traced).await.map_err(|e| e.to_string())?;
    // What the operator tells of a person is no mail, and told in totals alone.
    trace.ledger = events.iter().filter(|story| story.proves.told().is_none()).map(of_story).collect();
    trace.parked = parked
        .iter()
        .map(|p| ParkedLine { referral: of_event(&p.event), at: p.event.at.to_string(), reason: p.reason.clone() })
        .collect();
    let ids = trace.ids(subject).iter().filter_map(|id| EntryId::parse(id).ok()).collect();
    let acts = spool.acts(ids).await.map_err(|e| e.to_string())?;
    trace.acts = acts.iter().map(ActLine::from).collect();
    Ok(trace)
}

impl Trace {
    /// The ids of all mails in it, each once, and the one that was asked for; those that came first in front.
    pub fn ids(&self, subject: &Subject) -> Vec<String> {
        let asked = if let Subject::Id(id) = subject { Some(id) } else { None };
        let custody = self.custody.iter().map(|mail| &mail.id);
        let outbox = self.outbox.iter().map(|line| &line.referral.id);
        let ledger = self.ledger.iter().map(|line| &line.referral.id);
        let parked = self.parked.iter().map(|line| &line.referral.id);
        let mut ids: Vec<String> = custody.chain(outbox).chain(ledger).chain(parked).chain(asked).cloned().collect();
        // Ids rise with the time.
        ids.sort();
        ids.dedup();
        ids
    }

    /// Whether nothing at all is known.
    pub fn is_empty(&self) -> bool {
        let Self { custody, outbox, ledger, parked, acts, keys: _ } = self;
        custody.is_empty() && outbox.is_empty() && ledger.is_empty() && parked.is_empty() && acts.is_empty()
    }
}

fn candidates(keys: &[CompanyKeys], address: &Address) -> Vec<(CompanyId, CandidateKey)> {
    let all = keys.iter().flat_map(CompanyKeys::all);
    all.map(|of| (of.company().clone(), of.candidate(address))).collect()
}

fn key_line((company, key): &(CompanyId, CandidateKey)) -> KeyLine {
    KeyLine { company: company.to_string(), candidate: key.to_text() }
}

async fn custody(spool: &Spool, wanted: Wanted) -> Result<Vec<MailLine>, String> {
    let (mut mails, mut after) = (Vec::new(), Some(0));
    while let Some(at) = after.filter(|_| mails.len() < MAILS_MAX) {
        let page = Page { after: at, entries_max: MAILS_MAX, addresses: false };
        let listing = spool.list(wanted.clone(), page).await.map_err(|e| e.to_string())?;
        mails.extend(listing.entries.iter().map(|listed| mail_line(listed, false)));
        after = listing.next;
    }
    Ok(mails)
}

fn of_event(event: &ReferralEvent) -> ReferralLine {
    ReferralLine {
        id: event.transaction.clone(),
        company: event.company.to_string(),
        candidate: event.candidate.to_text(),
        recipient: event.recipient,
        route: event.route.clone(),
        proves: Proves::code(event.proves).to_owned(),
        inserted: event.inserted,
    }
}

fn of_story(story: &EventStory) -> LedgerLine {
    LedgerLine {
        referral: ReferralLine {
            id: story.transaction.clone(),
            company: story.company.to_string(),
            candidate: story.candidate.to_text(),
            recipient: story.recipient,
            route: story.route.clone(),
            proves: story.proves.code().to_owned(),
            inserted: story.inserted,
        },
        entries: story.entries.iter().map(entry_line).collect(),
    }
}

pub(super) fn entry_line(entry: &Entry) -> EntryLine {
    EntryLine {
        seq: entry.seq,
        kind: entry.new.kind.code().to_owned(),
        worth: entry.new.worth,
        cycle: entry.new.cycle,
        contract: format!("{} {}", entry.contract.series, entry.contract.version),
        wording: entry.wording.map(|digest| HEXLOWER.encode(&digest)).unwrap_or_default(),
        at: entry.at.to_string(),
        posted: entry.posted.to_string(),
    }
}

/// When a mail came, as its id says; reports of ours have another kind of id.
pub fn came_at(id: &str) -> Option<Timestamp> {
    let is_ours = id.len() == 28 && id.bytes().all(|b| b.is_ascii_hexdigit());
    let millis = is_ours.then(|| i64::from_str_radix(&id[..12], 16).ok()).flatten()?;
    Timestamp::from_millisecond(millis).ok()
}
