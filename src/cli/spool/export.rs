//! `spool export`: a mail in custody as a file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use data_encoding::BASE64;

use super::Done;
use super::args::ExportArgs;
use crate::cli::folder::{Reached, reach};
use crate::cli::output::End;
use crate::control::spool::{MailStory, Piece, SpoolRequest};

pub(super) fn export(args: &ExportArgs, out: &mut dyn Write) -> Done {
    let is_output = args.out.as_os_str() == "-";
    // Made while we are still who asked: without a server we become the owner of the data folder.
    let file = if is_output { None } else { Some(create(&args.out)?) };
    let fetched = reach(&args.data).and_then(|reached| fetch(&reached, args));
    let written = match (fetched, file) {
        (Ok(octets), None) => return Ok(out.write_all(&octets).map(|()| End::Well)),
        (Ok(octets), Some(file)) => write(file, &octets).map(|()| octets.len()).map_err(|e| e.to_string()),
        (Err(why), _) => Err(why),
    };
    match written {
        Ok(octets) => {
            Ok(writeln!(out, "{octets} octets in {}; it holds a person's mail", args.out.display()).map(|()| End::Well))
        }
        Err(why) => {
            if !is_output {
                // What is there is half a mail or nothing.
                let _ = fs::remove_file(&args.out);
            }
            Err(why)
        }
    }
}

fn create(path: &Path) -> Result<File, String> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(|e| format!("{} cannot be made: {e}; name a new file", path.display()))
}

fn write(mut file: File, octets: &[u8]) -> io::Result<()> {
    file.write_all(octets)?;
    file.sync_all()
}

fn fetch(reached: &Reached, args: &ExportArgs) -> Result<Vec<u8>, String> {
    let leaving = if args.leaving { Some(copy_of(reached, args)?) } else { None };
    let mut octets = Vec::new();
    loop {
        let (id, from) = (args.id.clone(), octets.len() as u64);
        let piece: Piece = reached.ask(SpoolRequest::Export { id, leaving, from })?;
        let read = BASE64.decode(piece.base64.as_bytes()).map_err(|e| format!("the server sends no octets: {e}"))?;
        octets.extend_from_slice(&read);
        if octets.len() as u64 >= piece.octets {
            return Ok(octets);
        }
        if read.is_empty() {
            return Err("the server sends less than it has said".to_owned());
        }
    }
}

/// The recipient whose copy is wanted. It has to be named where there are several copies.
fn copy_of(reached: &Reached, args: &ExportArgs) -> Result<u32, String> {
    if let Some(number) = args.recipient {
        return Ok(number);
    }
    let story: MailStory = reached.ask(SpoolRequest::Show { id: args.id.clone() })?;
    match &story.mail.recipients[..] {
        [] => Err(format!("the mail {} has just left", args.id)),
        [first, more @ ..] if more.is_empty() || story.inserted_octets.len() < 2 => Ok(first.number),
        _ => {
            let copies = story.inserted_octets.len();
            Err(format!("the mail leaves in {copies} copies: name a recipient with --recipient; `spool show` has them"))
        }
    }
}
