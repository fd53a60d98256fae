//! `explain`: the verdict on mails in files, its evidence, where the line goes and everything that blocks it.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::args::ExplainArgs;
use super::mailfile::{Decider, MailFile};
use super::output::End;
use crate::classify::Evidence;
use crate::inject::{Inserted, Refusal, shape_refusals};
use crate::mail::message::Message;
use crate::mail::view::View;
use crate::pipeline::Outcome;

/// What is said of one file.
struct Explanation {
    rejection: bool,
    reason: &'static str,
    evidence: Vec<Evidence>,
    inserted: Vec<Inserted>,
    untouched: Option<&'static str>,
    blocking: Vec<&'static str>,
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
                let explanation = explain_mail(&decider, &mail);
                if args.json {
                    writeln!(out, "{}", explanation.json(path))?;
                } else {
                    explanation.print(path, out)?;
                }
            }
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                end = End::Wrong;
            }
        }
    }
    Ok(end)
}

fn explain_mail(decider: &Decider, mail: &MailFile) -> Explanation {
    let (_, outcome) = decider.decide(mail);
    match outcome {
        Outcome::Referred(referred) => {
            let edits = referred.copies.into_iter().next().map(|c| c.edits).unwrap_or_default();
            let inserts: Vec<_> = edits.iter().collect();
            let of = |i: &Inserted| inserts.iter().find(|e| e.at == i.offset).map_or(&[][..], |e| &e.insert[..]);
            let inserted: Vec<_> = referred.inserted.iter().map(|i| mail.in_file(i, of(i))).collect();
            let untouched = inserted.is_empty().then_some("link_present");
            let evidence = referred.evidence;
            Explanation { rejection: true, reason: "rejection", evidence, inserted, untouched, blocking: Vec::new() }
        }
        Outcome::Untouched(untouched) => {
            let mut codes = vec![untouched.reason];
            for code in obstacles(mail) {
                if !codes.contains(&code) {
                    codes.push(code);
                }
            }
            Explanation {
                rejection: untouched.rejection_seen,
                reason: if untouched.rejection_seen { "rejection" } else { untouched.reason },
                evidence: untouched.evidence,
                inserted: Vec::new(),
                untouched: Some(untouched.reason),
                blocking: codes,
            }
        }
    }
}

/// Every code for which the mail would get no line whatever it says.
fn obstacles(mail: &MailFile) -> Vec<&'static str> {
    let message = Message::read(&mail.wire);
    let shape = shape_refusals(&message).into_iter().map(Refusal::code);
    let unread = View::read(&message).unread;
    shape.chain(unread.iter().map(|u| u.fault.code())).collect()
}

impl Explanation {
    fn verdict(&self) -> &'static str {
        if self.rejection { "rejection" } else { "abstain" }
    }

    fn json(&self, path: &Path) -> Value {
        let evidence: Vec<Value> = self.evidence.iter().map(evidence_json).collect();
        let mut object = json!({
            "file": path.display().to_string(),
            "verdict": self.verdict(),
            "reason": self.reason,
            "evidence": evidence,
        });
        match self.untouched {
            Some(code) => {
                object["untouched"] = code.into();
                object["blocking"] = self.blocking.clone().into();
            }
            None => object["inserted"] = self.inserted.iter().map(inserted_json).collect(),
        }
        object
    }

    fn print(&self, path: &Path, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}: {} ({})", path.display(), self.verdict(), self.reason)?;
        for e in &self.evidence {
            let place = e.line.map_or(String::new(), |line| format!(", part {}, line {}", e.text_part + 1, line + 1));
            writeln!(out, "  {:<10} {}   [{}{place}]", e.question.code(), e.text, e.rule)?;
        }
        for i in &self.inserted {
            writeln!(
                out,
                "  line       part {}, {}: {} octets in front of octet {}",
                i.path, i.charset, i.octets, i.offset
            )?;
        }
        if let Some(code) = self.untouched {
            let more: Vec<&str> = self.blocking.iter().copied().filter(|b| *b != code).collect();
            let more = if more.is_empty() { String::new() } else { format!("; also: {}", more.join(", ")) };
            writeln!(out, "  untouched  {code}{more}")?;
        }
        Ok(())
    }
}

fn evidence_json(e: &Evidence) -> Value {
    json!({
        "question": e.question.code(), "rule": e.rule, "text": e.text, "text_part": e.text_part, "line": e.line,
    })
}

fn inserted_json(i: &Inserted) -> Value {
    json!({ "path": i.path, "charset": i.charset, "offset": i.offset, "octets": i.octets })
}
