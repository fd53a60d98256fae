//! What is answered about held mails, and how one is let go, in the form that goes over the socket and into `--json`.
//!
//! The text of a mail is read from the spool for whoever asks, and goes nowhere else.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Caller, Request};
use crate::mail::edit::Edits;
use crate::mail::message::Message;
use crate::mail::view::View;
use crate::spool::{EndedHold, Entry, Hold, Release, Spool, SpoolError, Write};
use crate::sys::clock;
use crate::watch::{HoldEnd, HoldEvent, Watch};

/// Lines of a mail's text that are shown.
const LINES_MAX: usize = 1000;
/// Characters of one line that are shown.
const LINE_CHARS_MAX: usize = 2000;
/// Ended holds that are told.
const ENDED_MAX: usize = 1000;

/// A mail that is held.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct HoldLine {
    /// Our id of it.
    pub id: String,
    /// Whose mail it is.
    pub company: Option<String>,
    /// When it came, RFC 3339.
    pub received_at: String,
    /// What is left of its time, in seconds; then it goes out as it came.
    pub left_seconds: u64,
    /// When that will be, by the wall clock as it goes now, RFC 3339.
    pub until: String,
    /// The code of the doubt.
    pub reason: String,
    /// Ids of the rules that found something.
    pub evidence: Vec<String>,
}

/// A mail that was held.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EndedLine {
    /// When the hold ended, RFC 3339.
    pub at: String,
    /// Our id of it.
    pub id: String,
    /// Whose mail it is.
    pub company: Option<String>,
    /// The code of the doubt.
    pub reason: String,
    /// Whether it went out with the line.
    pub with_line: bool,
    /// Who said so; absent when its time was over.
    pub actor: Option<String>,
    /// The template that was learnt by it; told when it is let go.
    #[serde(default)]
    pub template: Option<String>,
}

/// A held mail as far as it takes to say whether it is a rejection.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct HoldStory {
    /// The hold.
    pub hold: HoldLine,
    /// Its subject.
    pub subject: String,
    /// The text its reader sees, with the line where it would stand.
    pub text: Vec<TextLine>,
    /// Whether there is more text than is shown.
    pub cut: bool,
}

/// One line of a text.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TextLine {
    /// What it says.
    pub text: String,
    /// Whether it stands there only if the mail goes out with the line.
    pub inserted: bool,
}

/// Answers a request about held mails; `None` when it is about something else.
pub async fn answer_hold(
    spool: &Spool,
    watch: &Watch,
    caller: Caller,
    request: &Request,
) -> Option<Result<Value, String>> {
    match request {
        Request::Holds => Some(list(spool).await),
        Request::EndedHolds => Some(ended(spool).await),
        Request::Hold { id } => Some(show(spool, id).await),
        Request::Release { id, with_line } => Some(release(spool, watch, caller, (id, *with_line)).await),
        _ => None,
    }
}

async fn list(spool: &Spool) -> Result<Value, String> {
    let holds = spool.holds().await.map_err(say)?;
    to_value(holds.iter().map(line).collect::<Vec<_>>())
}

async fn ended(spool: &Spool) -> Result<Value, String> {
    let ended = spool.ended_holds(ENDED_MAX).await.map_err(say)?;
    to_value(ended.into_iter().map(ended_line).collect::<Vec<_>>())
}

/// The hold of a mail.
///
/// # Errors
/// A sentence for the admin when it is not held.
pub async fn find(spool: &Spool, id: &str) -> Result<Hold, String> {
    let found = spool.holds().await.map_err(say)?.into_iter().find(|hold| hold.id.as_str() == id);
    found
        .ok_or_else(|| format!("no mail {id:?} is held; `hold list` names those there are, `--ended` those there were"))
}

async fn show(spool: &Spool, id: &str) -> Result<Value, String> {
    let hold = find(spool, id).await?;
    let gone = || format!("the mail {id} has just been let go");
    let entry = spool.load(&hold.id).await.map_err(say)?.ok_or_else(gone)?;
    // A long mail takes long to read.
    let read = tokio::task::spawn_blocking(move || read(&entry)).await;
    let (subject, text, cut) = read.map_err(|_| format!("the mail {id} cannot be read: an error of ours"))?;
    to_value(HoldStory { hold: line(&hold), subject, text, cut })
}

async fn release(spool: &Spool, watch: &Watch, caller: Caller, (id, with_line): (&str, bool)) -> Result<Value, String> {
    let hold = find(spool, id).await?;
    let actor = caller.describe();
    let_go(spool, watch, &hold, (with_line, &actor)).await.map_err(say)?;
    let reason = hold.reason.clone();
    let ended =
        EndedHold { at: clock::now(), id: hold.id, company: hold.company, reason, with_line, actor: Some(actor) };
    to_value(ended_line(ended))
}

/// Lets a held mail go because somebody says so, and says who it was.
///
/// # Errors
/// [`SpoolError::Conflict`] when it is not held any more.
pub async fn let_go(
    spool: &Spool,
    watch: &Watch,
    hold: &Hold,
    (with_line, actor): (bool, &str),
) -> Result<(), SpoolError> {
    let (entry, actor) = (hold.id.clone(), Some(actor.to_owned()));
    spool.commit(vec![Write::Release(Release { entry, with_line, actor, at: clock::now() })]).await?;
    let (id, company, reason) = (hold.id.as_str().to_owned(), hold.company.clone(), hold.reason.clone());
    let end = if with_line { HoldEnd::WithLine } else { HoldEnd::WithoutLine };
    watch.hold_ended(&HoldEvent { id, company, reason, end });
    Ok(())
}

/// Subject and text, and whether the text is cut short.
fn read(entry: &Entry) -> (String, Vec<TextLine>, bool) {
    let untouched = Edits::default();
    let edited = entry.copies.first().map_or(&untouched, |copy| &copy.edits).apply(&entry.original);
    let (original, edited) = (Message::read(&entry.original), Message::read(&edited));
    let (original, edited) = (View::read(&original), View::read(&edited));
    let (before, after) = (text_of(&original), text_of(&edited));
    let mut before = before.iter().peekable();
    let marked = after.into_iter().map(|text| {
        let inserted = before.next_if(|next| **next == text).is_none();
        TextLine { text: text.chars().take(LINE_CHARS_MAX).collect(), inserted }
    });
    let mut lines: Vec<TextLine> = marked.collect();
    let cut = lines.len() > LINES_MAX || lines.iter().any(|l| l.text.chars().count() == LINE_CHARS_MAX);
    lines.truncate(LINES_MAX);
    (original.subject.clone(), lines, cut)
}

/// The lines of the part that a person reads.
fn text_of(view: &View) -> Vec<&str> {
    view.primary().map(|part| (0..part.lines.len()).map(|line| part.line(line)).collect()).unwrap_or_default()
}

fn line(hold: &Hold) -> HoldLine {
    let until = jiff::SignedDuration::try_from(hold.left).ok().and_then(|left| clock::now().checked_add(left).ok());
    HoldLine {
        id: hold.id.to_string(),
        company: hold.company.as_ref().map(ToString::to_string),
        received_at: hold.received_at.to_string(),
        left_seconds: hold.left.saturating_add(Duration::from_millis(500)).as_secs(),
        until: until.unwrap_or(jiff::Timestamp::MAX).to_string(),
        reason: hold.reason.clone(),
        evidence: hold.evidence.clone(),
    }
}

fn ended_line(ended: EndedHold) -> EndedLine {
    EndedLine {
        at: ended.at.to_string(),
        id: ended.id.to_string(),
        company: ended.company.map(|company| company.to_string()),
        reason: ended.reason,
        with_line: ended.with_line,
        actor: ended.actor,
        template: None,
    }
}

fn to_value(answer: impl Serialize) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|e| e.to_string())
}

fn say(error: SpoolError) -> String {
    match error {
        SpoolError::Conflict(_) => {
            "the mail is not held any more; `hold list --ended` says what became of it".to_owned()
        }
        SpoolError::Damaged(id) => format!("the mail {id} is damaged on disk and was set aside"),
        other => other.to_string(),
    }
}
