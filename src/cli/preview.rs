//! `preview`: writes a mail from a file as it would leave, or its very octets when it gets no line.

use std::io::{self, Write};

use super::args::PreviewArgs;
use super::leaves::Beside;
use super::mailfile::{Decider, MailFile};
use super::output::End;
use super::reason::meaning;
use crate::pipeline::Outcome;

/// Decides on the file and writes what would leave.
///
/// # Errors
/// When the reader of the output is gone.
pub fn preview(args: &PreviewArgs, out: &mut dyn Write) -> io::Result<End> {
    let chosen = Decider::new(args.config.as_deref(), args.company.as_ref());
    let (decider, mail) = match chosen.and_then(|d| MailFile::read(&args.file).map(|m| (d, m))) {
        Ok(both) => both,
        Err(why) => {
            eprintln!("{why}");
            return Ok(End::Wrong);
        }
    };
    let (octets, said) = match decider.decide(&mail) {
        Outcome::Referred(referred) => {
            let beside = Beside::of(&referred).sentences();
            let beside = beside.iter().map(|sentence| format!("; {sentence}, not here")).collect::<Vec<_>>().concat();
            let edits = referred.copies.into_iter().next().map(|c| c.edits).unwrap_or_default();
            let octets = if edits.is_empty() { mail.file.clone() } else { mail.for_file(edits.apply(&mail.wire)) };
            (
                octets,
                format!(
                    "rejection, {} octets inserted (the link of a preview counts for nobody){beside}",
                    edits.octets_added()
                ),
            )
        }
        Outcome::Held(held) => {
            let meaning = meaning(held.reason).unwrap_or_default();
            (mail.file.clone(), format!("held for HR's word, {}: {meaning} It is shown as it came", held.reason))
        }
        Outcome::Untouched(untouched) => {
            let meaning = meaning(untouched.reason).unwrap_or_default();
            (mail.file.clone(), format!("untouched, {}: {meaning}", untouched.reason))
        }
    };
    if args.out.as_os_str() == "-" {
        out.write_all(&octets)?;
        eprintln!("{}: {said}", args.file.display());
        return Ok(End::Well);
    }
    if let Err(error) = std::fs::write(&args.out, octets) {
        eprintln!("{}: cannot be written: {error}", args.out.display());
        return Ok(End::Wrong);
    }
    writeln!(out, "{}: {said}", args.file.display())?;
    Ok(End::Well)
}
