//! `preview`: writes a mail from a file as it would leave, or its very octets when it gets no line.

use std::io::{self, Write};

use super::args::PreviewArgs;
use super::mailfile::{Decider, MailFile};
use super::output::End;
use crate::pipeline::Outcome;

/// Decides on the file and writes what would leave.
///
/// # Errors
/// When the reader of the output is gone.
pub fn preview(args: &PreviewArgs, out: &mut dyn Write) -> io::Result<End> {
    let chosen = Decider::new(args.config.as_deref(), args.company.as_ref());
    let read = MailFile::read(&args.file).map_err(|e| format!("{}: {e}", args.file.display()));
    let (decider, mail) = match chosen.and_then(|d| read.map(|m| (d, m))) {
        Ok(both) => both,
        Err(why) => {
            eprintln!("{why}");
            return Ok(End::Wrong);
        }
    };
    let (octets, said) = match decider.decide(&mail).1 {
        Outcome::Referred(referred) => {
            let edits = referred.copies.into_iter().next().map(|c| c.edits).unwrap_or_default();
            let octets = if edits.is_empty() { mail.file.clone() } else { mail.for_file(edits.apply(&mail.wire)) };
            (
                octets,
                format!(
                    "rejection, {} octets inserted (the link of a preview counts for nobody)",
                    edits.octets_added()
                ),
            )
        }
        Outcome::Untouched(untouched) => (mail.file.clone(), format!("untouched: {}", untouched.reason)),
    };
    if let Err(error) = std::fs::write(&args.out, octets) {
        eprintln!("{}: {error}", args.out.display());
        return Ok(End::Wrong);
    }
    writeln!(out, "{}: {said}", args.file.display())?;
    Ok(End::Well)
}
