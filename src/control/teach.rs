//! Templates, in the form that goes over the socket and into `--json`. Fingerprints go in, and no text.

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use serde_json::Value;

use super::{Caller, Request, hold};
use crate::classify::Rules;
use crate::classify::template::{Fingerprint, Specimen, Stand, TemplateId};
use crate::mail::message::Message;
use crate::mail::view::View;
use crate::referral::CompanyId;
use crate::spool::Spool;
use crate::store::{SeenAgency, SeenTemplate, Store, StoreError, TemplateChange, TemplateRow};

/// Templates of one request.
pub const TEMPLATES_MAX: usize = 200;
/// Fewest characters of an id that name a template.
const PREFIX_MIN: usize = 4;

/// What HR says of templates of a company.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TeachRequest {
    /// Whose they are.
    pub company: CompanyId,
    /// Which, and what is said of each.
    pub templates: Vec<Taught>,
}

/// What is said of one template.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Taught {
    /// Its id, or so much of it that there is one alone.
    pub id: String,
    /// `rejection`, `never` or `remove`.
    pub act: String,
    /// What people call it.
    pub name: Option<String>,
    /// Its fingerprint in base64; absent for one that is known.
    pub fingerprint: Option<String>,
    /// Where it was met: `teach`, `seen`, `hold` or `scan`.
    pub source: String,
}

impl Taught {
    /// A template that was just learnt.
    pub fn learnt(id: TemplateId, print: &Fingerprint, stand: Stand, (name, source): (Option<String>, &str)) -> Self {
        let fingerprint = Some(BASE64.encode(&print.to_octets()));
        Self { id: id.to_string(), act: stand.code().to_owned(), name, fingerprint, source: source.to_owned() }
    }
}

/// One template, decided on or proposed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TemplateLine {
    /// Whose it is.
    pub company: String,
    /// Its id.
    pub id: String,
    /// `rejection`, `never`, or `proposed` while nobody has said anything of it.
    pub stand: String,
    /// What people call it.
    pub name: Option<String>,
    /// The code of its language.
    pub language: String,
    /// Mails of it that were seen while the company observed or approved.
    pub mails: u64,
    /// Share of the mails that were seen of any template of the company, in percent.
    pub percent: u64,
    /// When the first of these came, RFC 3339.
    pub first: Option<String>,
    /// When the last of these came, RFC 3339.
    pub last: Option<String>,
    /// Since when that is its stand, RFC 3339.
    pub since: Option<String>,
    /// Where it was met when that was said.
    pub source: Option<String>,
    /// Who said so.
    pub actor: Option<String>,
}

/// A domain that most likely is an agency's.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AgencyLine {
    /// Whose rejections went there.
    pub company: String,
    /// The domain.
    pub domain: String,
    /// When that was noticed first, RFC 3339.
    pub first: String,
    /// When it was noticed last, RFC 3339.
    pub last: String,
}

/// All templates, and what is proposed beside them.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct TemplateLists {
    /// The templates, those with the most mails first.
    pub templates: Vec<TemplateLine>,
    /// Domains to be entered under `agencies`, if they are some.
    pub agencies: Vec<AgencyLine>,
}

/// One template and everything that was said of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TemplateStory {
    /// As it is now.
    pub template: TemplateLine,
    /// What was said, oldest first.
    pub changes: Vec<TemplateChangeLine>,
}

/// What was once said of a template.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TemplateChangeLine {
    /// When, RFC 3339.
    pub at: String,
    /// `rejection`, `never` or `remove`.
    pub act: String,
    /// Where it was met.
    pub source: String,
    /// Who said so.
    pub actor: String,
}

/// Answers a request about templates that changes nothing; `None` when it is about something else.
pub async fn answer_templates(store: &Store, request: &Request) -> Option<Result<Value, String>> {
    match request {
        Request::Templates { company } => Some(list(store, company.as_ref()).await.and_then(to_value)),
        Request::Template { company, id } => Some(story(store, company, id).await.and_then(to_value)),
        _ => None,
    }
}

/// A template in the mail that is held, before it is let go: what HR says of the mail is said of its template.
pub async fn of_held(spool: &Spool, id: &str) -> Option<(CompanyId, Specimen)> {
    let hold = hold::find(spool, id).await.ok()?;
    let (company, entry) = (hold.company?, spool.load(&hold.id).await.ok()??);
    let read = move || {
        let message = Message::read(&entry.original);
        Specimen::read(&View::read(&message), None, &Rules::of_all_languages()).ok()
    };
    let specimen = tokio::task::spawn_blocking(read).await.ok()??;
    Some((company, specimen))
}

/// What HR's word on a held mail says of its template.
pub fn said_of_held((company, specimen): (CompanyId, Specimen), with_line: bool) -> Option<TeachRequest> {
    let print = Fingerprint::of(std::slice::from_ref(&specimen)).ok()?;
    let stand = if with_line { Stand::Rejection } else { Stand::Never };
    let taught = Taught::learnt(print.id(), &print, stand, (None, "hold"));
    Some(TeachRequest { company, templates: vec![taught] })
}

/// Names in the answer to a release the template that was learnt by it.
pub fn name_in(released: &mut Value, lines: &[TemplateLine]) {
    if let (Some(object), Some(line)) = (released.as_object_mut(), lines.first()) {
        object.insert("template".to_owned(), Value::from(line.id.clone()));
    }
}

/// Everything that is known of templates, of one company or of all.
///
/// # Errors
/// A sentence for the admin.
pub async fn list(store: &Store, company: Option<&CompanyId>) -> Result<TemplateLists, String> {
    let meant = |id: &CompanyId| company.is_none_or(|company| company == id);
    let rows = store.templates().await.map_err(say)?;
    let (seen, agencies) = store.seen().await.map_err(say)?;
    let total = |of: &CompanyId| seen.iter().filter(|s| s.company == *of).map(|s| s.mails).sum::<u64>().max(1);
    let seen_of = |id: TemplateId, of: &CompanyId| seen.iter().find(|s| s.id == id && s.company == *of);
    let known = |s: &&SeenTemplate| !rows.iter().any(|r| r.change.id == s.id && r.change.company == s.company);
    let decided = rows.iter().map(|row| decided_line(row, seen_of(row.change.id, &row.change.company)));
    let proposed = seen.iter().filter(known).map(proposed_line);
    let mut templates: Vec<TemplateLine> = decided
        .chain(proposed)
        .filter(|(of, _)| meant(of))
        .map(|(of, mut line)| {
            line.percent = line.mails * 100 / total(&of);
            line
        })
        .collect();
    templates.sort_by(|a, b| (&a.company, b.mails, &a.id).cmp(&(&b.company, a.mails, &b.id)));
    let agencies = agencies.iter().filter(|agency| meant(&agency.company)).map(agency_line).collect();
    Ok(TemplateLists { templates, agencies })
}

fn decided_line(row: &TemplateRow, seen: Option<&SeenTemplate>) -> (CompanyId, TemplateLine) {
    let TemplateChange { company, id, fingerprint, stand, name, source, actor } = &row.change;
    let line = TemplateLine {
        company: company.to_string(),
        id: id.to_string(),
        stand: stand.map_or("remove", Stand::code).to_owned(),
        name: name.clone(),
        language: fingerprint.language().code().to_owned(),
        mails: seen.map_or(0, |seen| seen.mails),
        percent: 0,
        first: seen.map(|seen| seen.first.to_string()),
        last: seen.map(|seen| seen.last.to_string()),
        since: Some(row.at.to_string()),
        source: Some(source.clone()),
        actor: Some(actor.clone()),
    };
    (company.clone(), line)
}

fn proposed_line(seen: &SeenTemplate) -> (CompanyId, TemplateLine) {
    let line = TemplateLine {
        company: seen.company.to_string(),
        id: seen.id.to_string(),
        stand: "proposed".to_owned(),
        name: None,
        language: seen.fingerprint.language().code().to_owned(),
        mails: seen.mails,
        percent: 0,
        first: Some(seen.first.to_string()),
        last: Some(seen.last.to_string()),
        since: None,
        source: None,
        actor: None,
    };
    (seen.company.clone(), line)
}

fn agency_line(agency: &SeenAgency) -> AgencyLine {
    AgencyLine {
        company: agency.company.to_string(),
        domain: agency.domain.clone(),
        first: agency.first.to_string(),
        last: agency.last.to_string(),
    }
}

/// One template with its story.
///
/// # Errors
/// A sentence for the admin.
pub async fn story(store: &Store, company: &CompanyId, id: &str) -> Result<TemplateStory, String> {
    let lines = list(store, Some(company)).await?.templates;
    let template = find(&lines, id)?.clone();
    let parsed = TemplateId::parse(&template.id).ok_or("an id that is none")?;
    let history = store.template_history(company, parsed).await.map_err(say)?;
    let change = |row: TemplateRow| TemplateChangeLine {
        at: row.at.to_string(),
        act: row.change.stand.map_or("remove", Stand::code).to_owned(),
        source: row.change.source,
        actor: row.change.actor,
    };
    Ok(TemplateStory { template, changes: history.into_iter().map(change).collect() })
}

/// The one template of that id, or of which that is the beginning.
fn find<'a>(lines: &'a [TemplateLine], id: &str) -> Result<&'a TemplateLine, String> {
    let id = id.to_ascii_lowercase();
    let mut fits = lines.iter().filter(|line| line.id.starts_with(&id) && id.len() >= PREFIX_MIN);
    match (fits.next(), fits.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(format!("several templates begin with {id}: write more of the id")),
        _ => Err(format!("no template {id} is known here: `teach list` names those there are")),
    }
}

/// Writes down what HR says, and gives what holds of these templates now.
///
/// # Errors
/// A sentence for the admin; then nothing was written.
pub async fn teach(store: &Store, caller: Caller, request: &TeachRequest) -> Result<Vec<TemplateLine>, String> {
    if request.templates.len() > TEMPLATES_MAX {
        return Err(format!("over {TEMPLATES_MAX} templates in one request: send them in several"));
    }
    let company = &request.company;
    let known = list(store, Some(company)).await?.templates;
    let (rows, seen) = (store.templates().await.map_err(say)?, store.seen().await.map_err(say)?.0);
    let mut changes = Vec::with_capacity(request.templates.len());
    for taught in &request.templates {
        let stand = match taught.act.as_str() {
            "remove" => None,
            act => Some(Stand::parse(act).ok_or_else(|| format!("{act:?} is nothing to be said of a template"))?),
        };
        let (id, print) = if let Some(text) = &taught.fingerprint {
            let octets = BASE64.decode(text.as_bytes()).map_err(|e| e.to_string())?;
            let print = Fingerprint::from_octets(&octets).map_err(|e| e.to_string())?;
            (TemplateId::parse(&taught.id).ok_or("an id that is none")?, print)
        } else {
            let id = TemplateId::parse(&find(&known, &taught.id)?.id).ok_or("an id that is none")?;
            let of_row = rows.iter().find(|r| r.change.id == id && r.change.company == *company);
            let of_seen = || seen.iter().find(|s| s.id == id && s.company == *company).map(|s| &s.fingerprint);
            let print = of_row.map(|r| &r.change.fingerprint).or_else(of_seen).ok_or("a template that is gone")?;
            (id, print.clone())
        };
        let before = rows.iter().find(|r| r.change.id == id && r.change.company == *company);
        let name = taught.name.clone().or_else(|| before.and_then(|row| row.change.name.clone()));
        let (source, actor) = (taught.source.clone(), caller.describe());
        changes.push(TemplateChange { company: company.clone(), id, fingerprint: print, stand, name, source, actor });
    }
    let ids: Vec<String> = changes.iter().map(|change| change.id.to_string()).collect();
    store.change_templates(changes).await.map_err(say)?;
    let lines = list(store, Some(company)).await?.templates;
    Ok(lines.into_iter().filter(|line| ids.contains(&line.id)).collect())
}

fn to_value(answer: impl Serialize) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|e| e.to_string())
}

fn say(error: StoreError) -> String {
    match error {
        StoreError::NoCompany(company) => {
            format!("there is no company {company}: `ledger balance` names those there are")
        }
        other => other.to_string(),
    }
}
