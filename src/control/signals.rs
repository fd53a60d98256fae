//! Signals of fraud, in the form that goes over the socket and into `--json`.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::month::JAPAN;
use super::{Caller, Request};
use crate::ledger::signals::{Signal, SignalName, Weight};
use crate::ledger::{Act, Deed};
use crate::referral::CompanyId;
use crate::store::{SignalClear, Store};
use crate::sys::clock;

/// The company and the days that are asked about.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SignalsRequest {
    /// Whose.
    pub company: CompanyId,
    /// The first day in Japan; as far back as is looked when absent.
    pub from: Option<String>,
    /// The last day in Japan; today when absent.
    pub to: Option<String>,
}

/// That a signal was looked at.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClearRequest {
    /// Whose.
    pub company: CompanyId,
    /// Its code.
    pub name: String,
    /// Why it is in order, in a line.
    pub reason: String,
    /// Who looked, if it is not the one who asks.
    pub by: Option<String>,
    /// Whether it is only told what would be.
    pub dry_run: bool,
}

/// What is open, and what was cleared.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignalLines {
    /// The company.
    pub company: String,
    /// The open signals.
    pub signals: Vec<SignalLine>,
    /// The acts that cleared signals, oldest first.
    pub cleared: Vec<ClearLine>,
}

/// One open signal.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignalLine {
    /// Its code.
    pub name: String,
    /// How hard it is to explain honestly: weak, strong, grave.
    pub weight: String,
    /// How many people it is about.
    pub people: u64,
    /// Of how many.
    pub of: u64,
    /// When the first of them was counted, RFC 3339.
    pub first_at: String,
    /// When the last was.
    pub last_at: String,
    /// The entries that made their credits.
    pub entries: Vec<u64>,
    /// The hire slots that stand on such credits, and cannot be redeemed while it is open.
    pub slots: Vec<SlotName>,
    /// What is said of it in Japanese.
    pub ja: SignalWords,
    /// What is said of it in English.
    pub en: SignalWords,
}

/// A hire slot by name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SlotName {
    /// The contract series that paid for it.
    pub series: String,
    /// Its number in the series.
    pub slot: u32,
}

/// What is said of a signal.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignalWords {
    /// What it is.
    pub title: String,
    /// What was seen.
    pub seen: String,
    /// What to look at.
    pub look: String,
}

/// An act that cleared a signal.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ClearLine {
    /// The entry that says so.
    pub entry: u64,
    /// When, RFC 3339.
    pub at: String,
    /// The code of the signal.
    pub name: String,
    /// The newest entry that was looked at.
    pub up_to: u64,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// What clearing a signal made.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Cleared {
    /// The entry; 0 when it was only told that it could be.
    pub entry: u64,
    /// The code of the signal.
    pub name: String,
}

/// Answers what is asked about signals; `None` when the request is another.
pub async fn answer_signals(store: &Store, caller: Caller, request: &Request) -> Option<Result<Value, String>> {
    match request {
        Request::Signals { what } => Some(list(store, what).await.and_then(|lines| to_value(&lines))),
        Request::ClearSignal { what } => Some(clear(store, caller, what).await.and_then(|cleared| to_value(&cleared))),
        _ => None,
    }
}

async fn list(store: &Store, what: &SignalsRequest) -> Result<SignalLines, String> {
    let from = what.from.as_deref().map_or(Ok(Timestamp::MIN), |day| start_of(day, 0, "--from"))?;
    let until = what.to.as_deref().map_or(Ok(Timestamp::MAX), |day| start_of(day, 1, "--to"))?;
    let seen = store.signals(&what.company, (from, until), clock::now()).await.map_err(|e| e.to_string())?;
    Ok(SignalLines {
        company: what.company.to_string(),
        signals: seen.signals.iter().map(|(signal, slots)| line(signal, slots)).collect(),
        cleared: seen.cleared.iter().filter_map(clear_line).collect(),
    })
}

/// The first instant of a day in Japan, or of one some days behind it.
fn start_of(day: &str, later: i64, option: &str) -> Result<Timestamp, String> {
    let date: Date = day.parse().map_err(|_| format!("{day:?} is no day: write it as 2026-12-31 ({option})"))?;
    let date = date.checked_add(later.days()).map_err(|e| e.to_string())?;
    date.to_zoned(TimeZone::fixed(JAPAN)).map(|zoned| zoned.timestamp()).map_err(|e| e.to_string())
}

async fn clear(store: &Store, caller: Caller, what: &ClearRequest) -> Result<Cleared, String> {
    let name = SignalName::parse(&what.name).ok_or_else(|| {
        let known: Vec<&str> = SignalName::ALL.into_iter().map(SignalName::code).collect();
        format!("there is no signal {:?}: they are {}", what.name, known.join(", "))
    })?;
    let actor = match &what.by {
        Some(by) => format!("{by}, entered by {}", caller.describe()),
        None => caller.describe(),
    };
    let (company, reason, dry_run) = (what.company.clone(), what.reason.clone(), what.dry_run);
    let entry = store.clear_signal(SignalClear { company, name, actor, reason, dry_run }).await;
    Ok(Cleared { entry: entry.map_err(|e| e.to_string())?, name: what.name.clone() })
}

fn line(signal: &Signal, slots: &[(String, u32)]) -> SignalLine {
    let weight = match signal.name.weight() {
        Weight::Weak => "weak",
        Weight::Strong => "strong",
        Weight::Grave => "grave",
    };
    let words = |language| {
        let words = signal.name.words(language);
        let seen = words.seen(signal.people, signal.of);
        SignalWords { title: words.title.to_owned(), seen, look: words.look.to_owned() }
    };
    SignalLine {
        name: signal.name.code().to_owned(),
        weight: weight.to_owned(),
        people: signal.people,
        of: signal.of,
        first_at: signal.between.0.to_string(),
        last_at: signal.between.1.to_string(),
        entries: signal.entries.clone(),
        slots: slots.iter().map(|(series, slot)| SlotName { series: series.clone(), slot: *slot }).collect(),
        ja: words("ja"),
        en: words("en"),
    }
}

fn clear_line((entry, at, act): &(u64, Timestamp, Act)) -> Option<ClearLine> {
    let Deed::Clear { signal, up_to } = &act.deed else { return None };
    let (at, name, up_to) = (at.to_string(), signal.clone(), *up_to);
    Some(ClearLine { entry: *entry, at, name, up_to, actor: act.actor.clone(), reason: act.reason.clone() })
}

fn to_value(answer: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|e| e.to_string())
}
