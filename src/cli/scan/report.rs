//! What a scan comes to, as figures: the object of `--json`, which table, sheet and page are made of.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use super::remedy::Remedy;
use super::tally::{Tally, in_japan};
use crate::classify::template::Cluster;
use crate::ledger::ContractVersion;
use crate::sys::clock;

/// The version of the form.
const VERSION: u32 = 1;
/// Templates listed.
const TEMPLATES_MAX: usize = 30;

/// The figures.
#[derive(Serialize)]
pub(super) struct Report {
    scan: u32,
    /// The day it was made, in Japan.
    pub(super) made: String,
    pub(super) archive: Vec<String>,
    pub(super) from: Option<String>,
    pub(super) until: Option<String>,
    pub(super) months: usize,
    pub(super) mails: u64,
    /// Mails of other senders.
    pub(super) others: u64,
    pub(super) unreadable: u64,
    pub(super) unreadable_named: Vec<Named>,
    pub(super) rejections: u64,
    pub(super) people: usize,
    pub(super) doubtful: u64,
    pub(super) given: u64,
    pub(super) people_given: usize,
    pub(super) threshold: u32,
    pub(super) person_window_days: u32,
    /// People who would count, and the slots they make: as things are, and with all remedies taken.
    pub(super) now: Slots,
    pub(super) remedied: Slots,
    pub(super) templates: Vec<TemplateRow>,
    /// Rejections of templates that are not listed.
    pub(super) of_other_templates: u64,
    pub(super) held_back: Vec<HeldBackRow>,
    /// Domains that most likely are agencies'.
    pub(super) agencies: Vec<String>,
    pub(super) by_month: Vec<MonthRow>,
    pub(super) domains: BTreeMap<String, u64>,
    /// Mails that are no rejections, by the reason.
    reasons: BTreeMap<&'static str, u64>,
    /// Whether there were more than people could be told apart in.
    pub(super) cut: bool,
}

#[derive(Serialize)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) why: String,
}

#[derive(Serialize)]
pub(super) struct Slots {
    pub(super) counted: u64,
    pub(super) slots: u64,
}

#[derive(Serialize)]
pub(super) struct TemplateRow {
    pub(super) id: String,
    pub(super) mails: u64,
    pub(super) percent: u64,
    pub(super) first: Option<String>,
    pub(super) last: Option<String>,
    /// The sentence that states the result, with ○ for names and numbers.
    pub(super) states: String,
    /// Where one mail of it lies.
    pub(super) example: String,
}

#[derive(Serialize)]
pub(super) struct HeldBackRow {
    pub(super) reason: &'static str,
    pub(super) mails: u64,
    /// Who can do something about it, and what.
    pub(super) remedy: Remedy,
}

#[derive(Serialize)]
pub(super) struct MonthRow {
    pub(super) month: String,
    pub(super) mails: u64,
    pub(super) rejections: u64,
    pub(super) given: u64,
}

impl Report {
    pub(super) fn of(tally: &Tally, contract: &ContractVersion, archive: &[PathBuf]) -> Self {
        let slots = |given| {
            let counted = tally.counted(contract, given);
            Slots { counted, slots: counted / u64::from(contract.threshold.max(1)) }
        };
        let month = |(year, month): &(i16, i8)| format!("{year:04}-{month:02}");
        let with_mail = tally.months.iter();
        let by_month: Vec<MonthRow> = with_mail
            .map(|(key, m)| MonthRow { month: month(key), mails: m.mails, rejections: m.rejections, given: m.given })
            .collect();
        let (people, people_given) = tally.people();
        let templates = templates(tally);
        let listed: u64 = templates.iter().map(|row| row.mails).sum();
        let named = |(name, why): &(String, String)| Named { name: name.clone(), why: why.clone() };
        Self {
            scan: VERSION,
            made: in_japan(clock::now()).to_string(),
            archive: archive.iter().map(|path| path.display().to_string()).collect(),
            from: by_month.first().map(|row| row.month.clone()),
            until: by_month.last().map(|row| row.month.clone()),
            months: by_month.len(),
            mails: tally.mails,
            others: tally.others,
            unreadable: tally.unreadable_count,
            unreadable_named: tally.unreadable.iter().map(named).collect(),
            rejections: tally.rejections,
            people,
            doubtful: tally.doubtful,
            given: tally.given,
            people_given,
            threshold: contract.threshold,
            person_window_days: contract.person_window_days,
            now: slots(true),
            remedied: slots(false),
            templates,
            of_other_templates: tally.rejections.saturating_sub(listed),
            held_back: held_back(tally),
            agencies: tally.agencies(),
            by_month,
            domains: tally.domains.clone(),
            reasons: tally.reasons.clone(),
            cut: tally.is_cut(),
        }
    }
}

fn templates(tally: &Tally) -> Vec<TemplateRow> {
    let row = |cluster: &Cluster| {
        let shown = tally.shown.get(&cluster.id);
        let day = |at: Timestamp| in_japan(at).to_string();
        TemplateRow {
            id: cluster.id.to_string(),
            mails: cluster.mails,
            percent: cluster.mails * 100 / tally.rejections.max(1),
            first: cluster.span.map(|(first, _)| day(first)),
            last: cluster.span.map(|(_, last)| day(last)),
            states: shown.map(|shown| shown.excerpt.clone()).unwrap_or_default(),
            example: shown.map(|shown| shown.example.clone()).unwrap_or_default(),
        }
    };
    tally.clusters.largest_first().into_iter().take(TEMPLATES_MAX).map(row).collect()
}

/// The most frequent first; what is doubtful stands among them, since it gets no line by itself either.
fn held_back(tally: &Tally) -> Vec<HeldBackRow> {
    let doubtful = (tally.doubtful > 0).then_some(("doubtful", tally.doubtful));
    let reasons = tally.held_back.iter().map(|(reason, mails)| (*reason, *mails));
    let row = |(reason, mails)| HeldBackRow { reason, mails, remedy: Remedy::of(reason) };
    let mut rows: Vec<HeldBackRow> = reasons.chain(doubtful).map(row).collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.mails), row.reason));
    rows
}
