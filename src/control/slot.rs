//! Hire slots, in the form that goes over the socket and into `--json`.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::month::JAPAN;
use super::redemption::{self, SignedLine};
use super::{Caller, Request};
use crate::ledger::{Act, Deed};
use crate::referral::CompanyId;
use crate::store::{SlotAct, SlotRow, Store};

/// What is to be done to a slot.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "deed", rename_all = "snake_case", deny_unknown_fields)]
pub enum SlotDeed {
    /// The company asks for its use.
    Reserve {
        /// For what.
        wish: String,
        /// Its last day in Japan.
        until: String,
    },
    /// The operator takes the wish on.
    Confirm,
    /// The operator has introduced a person.
    Introduce,
    /// It was used.
    Redeem {
        /// What the hire is known by.
        hire: Option<String>,
    },
    /// It is free again.
    Release,
    /// It is taken back.
    Void,
    /// The operator has signed that it was used.
    Sign {
        /// The signature, in base64.
        signature: String,
    },
}

/// Something to be done to a slot.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SlotRequest {
    /// Whose slot.
    pub company: CompanyId,
    /// The contract series; the only one there is when absent.
    pub series: Option<String>,
    /// Its number in the series.
    pub slot: u32,
    /// What.
    pub what: SlotDeed,
    /// Why, in a line.
    pub reason: String,
    /// Who wanted it, if it is not the one who asks.
    pub by: Option<String>,
    /// Whether it is only told what would be.
    pub dry_run: bool,
}

/// One slot.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SlotLine {
    /// Whose it is.
    pub company: String,
    /// The contract series that paid for it.
    pub series: String,
    /// Its number in the series, from 1.
    pub slot: u32,
    /// How far it has come: granted, reserved, confirmed, introduced, redeemed, expired, voided.
    pub stage: String,
    /// What it cost, in credits.
    pub credits: u32,
    /// When it was granted, RFC 3339.
    pub granted_at: String,
    /// The wish it is reserved for; null when it is not.
    pub wish: Option<String>,
    /// Until when it is reserved, RFC 3339; null when it is not.
    pub reserved_until: Option<String>,
    /// From when it can be redeemed, RFC 3339.
    pub redeemable_from: String,
    /// When it is over while nobody uses it, RFC 3339; null when it never is.
    pub expires_at: Option<String>,
    /// What the hire is known by; null when nothing was said.
    pub hire: Option<String>,
    /// Who has signed that it was used, of the operator's keys; empty for unsigned, and where it was not used.
    pub signed_by: Vec<SignedLine>,
    /// What was done to it, oldest first.
    pub acts: Vec<ActLine>,
}

/// What was done to a slot.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ActLine {
    /// The entry that says so.
    pub entry: u64,
    /// When, RFC 3339.
    pub at: String,
    /// What.
    pub deed: String,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// What an act made of a slot.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SlotChanged {
    /// The entry; 0 when it was only told what would be.
    pub entry: u64,
    /// The slot after it, or as it would be.
    pub stage: String,
    /// The slot as it stands.
    pub slot: SlotLine,
}

/// Answers what is asked about slots; `None` when the request is another.
pub async fn answer_slots(store: &Store, caller: Caller, request: &Request) -> Option<Result<Value, String>> {
    match request {
        Request::Slots { company } => Some(list(store, company.as_ref()).await.and_then(|lines| to_value(&lines))),
        Request::Redemption { what } => Some(redemption::show(store, what).await.and_then(|shown| to_value(&shown))),
        Request::Slot { what } => Some(act(store, caller, what).await.and_then(|changed| to_value(&changed))),
        _ => None,
    }
}

async fn list(store: &Store, company: Option<&CompanyId>) -> Result<Vec<SlotLine>, String> {
    let companies = match company {
        Some(company) => vec![company.clone()],
        None => store.companies().await.map_err(|e| e.to_string())?,
    };
    let mut lines = Vec::new();
    for company in companies {
        let slots = store.slots(&company).await.map_err(|e| e.to_string())?;
        lines.extend(slots.iter().map(|row| line(&company, row)));
    }
    Ok(lines)
}

async fn act(store: &Store, caller: Caller, wanted: &SlotRequest) -> Result<SlotChanged, String> {
    let company = wanted.company.clone();
    let series = series_of(store, &company, wanted.series.as_deref()).await?;
    let deed = match &wanted.what {
        SlotDeed::Reserve { wish, until } => Deed::Reserve { wish: wish.clone(), until: end_of(until)? },
        SlotDeed::Confirm => Deed::Confirm,
        SlotDeed::Introduce => Deed::Introduce,
        SlotDeed::Redeem { hire } => Deed::Redeem { hire: hire.clone() },
        SlotDeed::Release => Deed::Release,
        SlotDeed::Void => Deed::Void,
        SlotDeed::Sign { signature } => redemption::deed(store, (&company, &series, wanted.slot), signature).await?,
    };
    let actor = match &wanted.by {
        Some(by) => format!("{by}, entered by {}", caller.describe()),
        None => caller.describe(),
    };
    let act = Act { actor, reason: wanted.reason.clone(), deed };
    let asked = SlotAct { company, series: series.clone(), cycle: wanted.slot, act, dry_run: wanted.dry_run };
    let acted = store.act_on_slot(asked).await.map_err(|e| e.to_string())?;
    let slots = store.slots(&wanted.company).await.map_err(|e| e.to_string())?;
    let row = slots.iter().find(|row| row.series == series && row.cycle == wanted.slot);
    let slot = row.map(|row| line(&wanted.company, row)).ok_or("the slot was there and is not any more")?;
    Ok(SlotChanged { entry: acted.seq, stage: acted.stage.code().to_owned(), slot })
}

/// The series that is named, or the only one the company has slots in.
pub(super) async fn series_of(store: &Store, company: &CompanyId, named: Option<&str>) -> Result<String, String> {
    if let Some(series) = named {
        return Ok(series.to_owned());
    }
    let slots = store.slots(company).await.map_err(|e| e.to_string())?;
    let mut series: Vec<&str> = slots.iter().map(|row| row.series.as_str()).collect();
    series.dedup();
    match series[..] {
        [] => Err(format!("{company} has no hire slot yet")),
        [one] => Ok(one.to_owned()),
        _ => Err(format!("{company} has slots in several contract series: say which one (--series)")),
    }
}

/// The end of a day in Japan.
pub(super) fn end_of(day: &str) -> Result<Timestamp, String> {
    let date: Date = day.parse().map_err(|_| format!("{day:?} is no day: write it as 2026-12-31 (--until)"))?;
    let next = date.checked_add(1.day()).map_err(|e| e.to_string())?;
    next.to_zoned(TimeZone::fixed(JAPAN)).map(|zoned| zoned.timestamp()).map_err(|e| e.to_string())
}

fn line(company: &CompanyId, row: &SlotRow) -> SlotLine {
    let after = |days: u32| {
        let span = jiff::SignedDuration::from_hours(i64::from(days) * 24);
        row.granted.checked_add(span).unwrap_or(Timestamp::MAX).to_string()
    };
    let wish = row.acts.iter().rev().find_map(|(_, _, act)| match &act.deed {
        Deed::Reserve { wish, .. } => Some(wish.clone()),
        _ => None,
    });
    SlotLine {
        company: company.to_string(),
        series: row.series.clone(),
        slot: row.cycle,
        stage: row.stage.code().to_owned(),
        credits: row.threshold,
        granted_at: row.granted.to_string(),
        wish: wish.filter(|_| row.deadline.is_some() || row.stage == crate::ledger::SlotStage::Redeemed),
        reserved_until: row.deadline.map(|at| at.to_string()),
        redeemable_from: after(row.review_days),
        expires_at: row.expiry_days.map(after),
        hire: row.acts.iter().find_map(|(_, _, act)| match &act.deed {
            Deed::Redeem { hire } => hire.clone(),
            _ => None,
        }),
        signed_by: row.acts.iter().filter_map(redemption::signed_line).collect(),
        acts: row.acts.iter().map(act_line).collect(),
    }
}

pub(super) fn act_line((entry, at, act): &(u64, Timestamp, Act)) -> ActLine {
    ActLine {
        entry: *entry,
        at: at.to_string(),
        deed: act.deed.code().to_owned(),
        actor: act.actor.clone(),
        reason: act.reason.clone(),
    }
}

fn to_value(answer: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|e| e.to_string())
}
