//! `explain`: the verdict on mails in files, its evidence, where the line goes and everything that blocks it.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::account::{Grounds, place};
use super::args::ExplainArgs;
use super::leaves::Beside;
use super::mailfile::{Decider, MailFile};
use super::output::End;
use super::reason::meaning;
use super::reason_ja::meaning_ja;
use crate::classify::{Evidence, Question, Reason};
use crate::inject::{Inserted, Refusal, shape_refusals};
use crate::mail::message::Message;
use crate::mail::view::View;
use crate::pipeline::{Held, Outcome, Referred};

const REJECTION: &str = "rejection";
const ABSTAIN: &str = "abstain";
const DOUBTFUL: &str = "doubtful";

/// What is said of one file: the object of `--json`, its keys in this order.
#[derive(Serialize)]
struct Explanation {
    file: String,
    verdict: &'static str,
    reason: &'static str,
    evidence: Vec<EvidenceLine>,
    #[serde(flatten)]
    grounds: Grounds,
    #[serde(flatten)]
    line: Line,
}

/// What became of the line.
#[derive(Serialize)]
#[serde(untagged)]
enum Line {
    Inserted {
        inserted: Vec<Spot>,
        #[serde(flatten)]
        beside: Beside,
    },
    Held {
        held_for_seconds: u64,
        inserted_if_released: Vec<Spot>,
        #[serde(flatten)]
        beside: Beside,
    },
    Untouched {
        untouched: &'static str,
        blocking: Vec<&'static str>,
    },
}

/// Words that speak for or against a question, and where they stand.
#[derive(Serialize)]
struct EvidenceLine {
    question: &'static str,
    rule: String,
    text: String,
    text_part: usize,
    line: Option<usize>,
}

/// Where a line went.
#[derive(Serialize)]
struct Spot {
    path: String,
    charset: &'static str,
    offset: usize,
    octets: usize,
}

/// Explains each file and goes on behind one that cannot be read.
///
/// # Errors
/// When the reader of the output is gone.
pub fn explain(args: &ExplainArgs, out: &mut dyn Write) -> io::Result<End> {
    let decider = match Decider::new(args.config.as_deref(), args.company.as_ref()) {
        Ok(decider) => decider,
        Err(why) => {
            eprintln!("{why}");
            return Ok(End::Wrong);
        }
    };
    let mut end = End::Well;
    for path in &args.files {
        match MailFile::read(path) {
            Ok(mail) => {
                let explanation = explain_mail(path, &decider, &mail);
                if args.json {
                    serde_json::to_writer(&mut *out, &explanation)?;
                    writeln!(out)?;
                } else {
                    explanation.print(args.lang == "ja", out)?;
                }
            }
            Err(why) => {
                eprintln!("{why}");
                end = End::Wrong;
            }
        }
    }
    Ok(end)
}

fn explain_mail(path: &Path, decider: &Decider, mail: &MailFile) -> Explanation {
    let file = path.display().to_string();
    let grounds = Grounds::from(decider.account(mail));
    match decider.decide(mail) {
        Outcome::Referred(referred) => {
            let inserted = spots(&referred, mail);
            let line = if inserted.is_empty() {
                let code = Refusal::LinkPresent.code();
                Line::Untouched { untouched: code, blocking: vec![code] }
            } else {
                Line::Inserted { inserted, beside: Beside::of(&referred) }
            };
            Explanation {
                file,
                verdict: REJECTION,
                reason: REJECTION,
                evidence: lines(referred.evidence),
                grounds,
                line,
            }
        }
        Outcome::Held(Held { reason, hold_for, referred }) => {
            let (held_for_seconds, inserted_if_released) = (hold_for.as_secs(), spots(&referred, mail));
            let line = Line::Held { held_for_seconds, inserted_if_released, beside: Beside::of(&referred) };
            Explanation { file, verdict: DOUBTFUL, reason, evidence: lines(referred.evidence), grounds, line }
        }
        Outcome::Untouched(untouched) => {
            let code = untouched.reason;
            let (verdict, reason) = if untouched.rejection_seen { (REJECTION, REJECTION) } else { (ABSTAIN, code) };
            let line = Line::Untouched { untouched: code, blocking: blocking(code, mail) };
            // Of what the settings decided, no words of the mail would have changed anything.
            let by_settings = verdict == ABSTAIN && Reason::from_code(code).is_none();
            let grounds = if by_settings { grounds.without_nearest() } else { grounds };
            Explanation { file, verdict, reason, evidence: lines(untouched.evidence), grounds, line }
        }
    }
}

/// Where the line goes in the first copy, as offsets of the file.
fn spots(referred: &Referred, mail: &MailFile) -> Vec<Spot> {
    let inserts: Vec<_> = referred.copies.first().map(|c| c.edits.iter().collect()).unwrap_or_default();
    let of = |i: &Inserted| inserts.iter().find(|e| e.at == i.offset).map_or(&[][..], |e| &e.insert[..]);
    referred.inserted.iter().map(|i| spot(mail.in_file(i, of(i)))).collect()
}

/// Everything that keeps the line out: what decided first, then what its shape forbids and what of its text cannot be
/// read; each code once.
fn blocking(first: &'static str, mail: &MailFile) -> Vec<&'static str> {
    let message = Message::read(&mail.wire);
    let shape = shape_refusals(&message).into_iter().map(Refusal::code);
    let unread = View::read(&message).unread;
    let mut codes = vec![first];
    for code in shape.chain(unread.iter().map(|u| u.fault.code())) {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

fn lines(evidence: Vec<Evidence>) -> Vec<EvidenceLine> {
    let line = |e: Evidence| EvidenceLine {
        question: e.question.code(),
        rule: String::from(&*e.rule),
        text: String::from(&*e.text),
        text_part: e.text_part,
        line: e.line,
    };
    evidence.into_iter().map(line).collect()
}

fn spot(inserted: Inserted) -> Spot {
    let Inserted { path, charset, offset, octets } = inserted;
    Spot { path, charset, offset, octets }
}

fn print_spots(spots: &[Spot], beside: &Beside, ja: bool, out: &mut dyn Write) -> io::Result<()> {
    for Spot { path, charset, offset, octets } in spots {
        let part = if path == "0" { String::new() } else { format!("part {path}, ") };
        if ja {
            writeln!(out, "  line        {part}{charset}：{offset} オクテット目の前に {octets} オクテット")?;
        } else {
            writeln!(out, "  line        {part}{charset}: {octets} octets in front of octet {offset}")?;
        }
    }
    for sentence in beside.sentences() {
        writeln!(out, "  with it     {sentence}")?;
    }
    Ok(())
}

/// What a code means, in Japanese where it is the classifier's.
fn meaning_in(code: &str, ja: bool) -> &'static str {
    let japanese = || Reason::from_code(code).map(meaning_ja);
    ja.then(japanese).flatten().or_else(|| meaning(code)).unwrap_or_default()
}

impl Explanation {
    fn print(&self, ja: bool, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}: {}", self.file, self.verdict)?;
        match &self.line {
            Line::Inserted { inserted, beside } => print_spots(inserted, beside, ja, out)?,
            Line::Held { held_for_seconds: seconds, inserted_if_released, beside } => {
                let held = if ja {
                    format!("人事の判断を {seconds} 秒待ち、なければそのまま送ります")
                } else {
                    format!("{seconds} s for HR's word; else it leaves as it came")
                };
                writeln!(out, "  held        {held}")?;
                writeln!(out, "  doubt       {}: {}", self.reason, meaning_in(self.reason, ja))?;
                print_spots(inserted_if_released, beside, ja, out)?;
            }
            Line::Untouched { blocking, .. } => {
                for code in blocking {
                    writeln!(out, "  untouched   {code}: {}", meaning_in(code, ja))?;
                }
            }
        }
        for e in self.evidence.iter().filter(|e| e.question == Question::Veto.code()) {
            writeln!(out, "  {:<11} {}   [{}, {}]", e.question, e.text, e.rule, place(e.text_part, e.line, ja))?;
        }
        self.grounds.print(ja, out)
    }
}
