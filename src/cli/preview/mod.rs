//! `preview`: a mail from a file before and after, as text, as a page, or as the octets that would leave or once left.

mod compare;
mod page;
mod text;
mod then;

use std::io::{self, Write};
use std::path::Path;

use super::args::PreviewArgs;
use super::leaves::Beside;
use super::mailfile::{Decider, MailFile};
use super::output::End;
use super::reason::meaning;
use crate::pipeline::Outcome;
use compare::Comparison;

/// What became of the mail, in both languages of the page.
struct Said {
    /// The stable code.
    code: &'static str,
    /// A sentence in English.
    text: String,
    /// The same in Japanese.
    text_ja: String,
}

/// Decides on the file, and shows or writes what would leave.
///
/// # Errors
/// When the reader of the output is gone.
pub fn preview(args: &PreviewArgs, out: &mut dyn Write) -> io::Result<End> {
    let chosen = Decider::new(args.config.as_deref(), args.company.as_ref());
    let read = chosen.and_then(|decider| MailFile::read(&args.file).map(|mail| (decider, mail)));
    let decided = read.and_then(|(decider, mail)| {
        let outcome = match args.at {
            Some(at) => then::decide(&decider, &mail, (args, at))?,
            None => decider.decide(&mail),
        };
        Ok((mail, outcome))
    });
    let (mail, outcome) = match decided {
        Ok(both) => both,
        Err(why) => {
            eprintln!("{why}");
            return Ok(End::Wrong);
        }
    };
    let (wire, said) = leaving(&mail, outcome, args.at.is_some());
    if let Some(path) = &args.html {
        let page = page::page(&Comparison::of(&mail.wire, &wire), &said, args.lang == "ja");
        if let Err(why) = write_file(path, page.as_bytes()) {
            eprintln!("{why}");
            return Ok(End::Wrong);
        }
    }
    let Some(path) = &args.out else {
        writeln!(out, "{}: {}", args.file.display(), said.text)?;
        return text::print(&Comparison::of(&mail.wire, &wire), out).map(|()| End::Well);
    };
    let octets = if wire == mail.wire { mail.file.clone() } else { mail.for_file(wire) };
    if path.as_os_str() == "-" {
        out.write_all(&octets)?;
        eprintln!("{}: {}", args.file.display(), said.text);
        return Ok(End::Well);
    }
    if let Err(why) = write_file(path, &octets) {
        eprintln!("{why}");
        return Ok(End::Wrong);
    }
    writeln!(out, "{}: {}", args.file.display(), said.text)?;
    Ok(End::Well)
}

fn write_file(path: &Path, octets: &[u8]) -> Result<(), String> {
    std::fs::write(path, octets).map_err(|error| format!("{}: cannot be written: {error}", path.display()))
}

/// The octets that leave, as on the wire, and what is said of them.
fn leaving(mail: &MailFile, outcome: Outcome, is_past: bool) -> (Vec<u8>, Said) {
    let as_it_came = mail.wire.to_vec();
    match outcome {
        Outcome::Referred(referred) => {
            let beside = Beside::of(&referred);
            let (beside, beside_ja): (Vec<String>, Vec<String>) = (
                beside.sentences().iter().map(|said| format!("; {said}, not here")).collect(),
                beside.sentences_ja().iter().map(|said| format!("{said}（ここには含みません）。")).collect(),
            );
            let (beside, beside_ja) = (beside.concat(), beside_ja.concat());
            let (edits, offers) =
                referred.copies.into_iter().next().map(|c| (c.edits, c.offers.len())).unwrap_or_default();
            let octets = edits.octets_added();
            let (note, note_ja) = match (offers, is_past) {
                (0, _) => ("words without a link, which count for nobody", "リンクのない案内です。数えません"),
                (_, true) => ("as it left then", "当時送信された形です"),
                (_, false) => {
                    ("the link of a preview counts for nobody", "プレビューのリンクは誰の分としても数えません")
                }
            };
            let text = format!("rejection, {octets} octets inserted ({note}){beside}");
            let text_ja = format!("不採用通知です。{octets} オクテットを挿入します（{note_ja}）。{beside_ja}");
            (edits.apply(&mail.wire), Said { code: "rejection", text, text_ja })
        }
        Outcome::Held(held) => {
            let meaning = meaning(held.reason).unwrap_or_default();
            let text = format!("held for HR's word, {}: {meaning} It is shown as it came", held.reason);
            let text_ja = format!("採用担当の方の判断を待って保留します（{}）。元の形で表示しています。", held.reason);
            (as_it_came, Said { code: held.reason, text, text_ja })
        }
        Outcome::Untouched(untouched) => {
            let code = untouched.reason;
            let text = format!("untouched, {code}: {}", meaning(code).unwrap_or_default());
            (as_it_came, Said { code, text, text_ja: format!("そのままの形で送信します（{code}）。") })
        }
    }
}
