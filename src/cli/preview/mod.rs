//! `preview`: mails from files before and after, as text, as a page, as JSON, or as the octets that would leave or once
//! left.

mod compare;
mod json;
mod out;
mod page;
mod said;
mod text;
mod then;

use std::io::{self, Write};
use std::path::Path;

use super::args::PreviewArgs;
use super::mailfile::{Decider, MailFile};
use super::output::End;
use compare::Comparison;
use out::Place;
use page::Pages;
use said::Said;

/// One mail, and what becomes of it.
struct Shown<'a> {
    file: &'a Path,
    mail: MailFile,
    /// The octets that leave, as on the wire.
    wire: Vec<u8>,
    said: Said,
}

impl Shown<'_> {
    fn comparison(&self) -> Comparison {
        Comparison::of(&self.mail.wire, &self.wire)
    }
}

/// Decides on each file, shows or writes what would leave, and goes on behind one that cannot be read.
///
/// # Errors
/// When the reader of the output is gone.
pub fn preview(args: &PreviewArgs, out: &mut dyn Write) -> io::Result<End> {
    let decider = Decider::new(args.config.as_deref(), args.company.as_ref());
    let (decider, mut place) = match decider.and_then(|decider| Ok((decider, Place::of(args)?))) {
        Ok(both) => both,
        Err(why) => {
            eprintln!("{why}");
            return Ok(End::Wrong);
        }
    };
    let (mut pages, mut end) = (Pages::new(args.lang == "ja"), End::Well);
    for (at, file) in args.files.iter().enumerate() {
        if at > 0 && place.is_shown() && !args.json {
            writeln!(out)?;
        }
        let shown = match show(&decider, file, args) {
            Ok(shown) => shown,
            Err(why) => {
                eprintln!("{why}");
                end = End::Wrong;
                continue;
            }
        };
        if args.html.is_some() {
            pages.add(&shown);
        }
        let written = if args.json { json::print(&shown, out).map(Ok) } else { place.put(&shown, out) };
        if let Err(why) = written? {
            eprintln!("{why}");
            end = End::Wrong;
        }
    }
    let page = args.html.as_ref().map(|path| out::write_file(path, pages.finish().as_bytes()));
    if let Some(Err(why)) = page {
        eprintln!("{why}");
        end = End::Wrong;
    }
    Ok(end)
}

fn show<'a>(decider: &Decider, file: &'a Path, args: &PreviewArgs) -> Result<Shown<'a>, String> {
    let mail = MailFile::read(file)?;
    let outcome = match args.at {
        Some(at) => then::decide(decider, &mail, (args, at)).map_err(|why| format!("{}: {why}", file.display()))?,
        None => decider.decide(&mail),
    };
    let (wire, said) = said::leaving(&mail, outcome, args.at.is_some());
    Ok(Shown { file, mail, wire, said })
}
