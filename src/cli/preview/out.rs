//! Where a preview goes: to the terminal, to standard output, into a file, or into a folder for many.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Shown, text};
use crate::cli::args::PreviewArgs;

/// The place for the octets that leave, if they are wanted.
pub(super) enum Place {
    /// What was put in is shown.
    Shown,
    /// Standard output.
    Output,
    File(PathBuf),
    /// A file for each mail, of the same name; no two of one name.
    Folder(PathBuf, HashSet<PathBuf>),
}

impl Place {
    /// What the arguments ask for. A folder that is asked for is made.
    ///
    /// # Errors
    /// A sentence for the admin.
    pub(super) fn of(args: &PreviewArgs) -> Result<Self, String> {
        let many = args.files.len() > 1;
        let Some(path) = &args.out else { return Ok(Self::Shown) };
        if path.as_os_str() == "-" {
            let why = "several mails on standard output cannot be told apart: name a folder with --out";
            return if many { Err(why.to_owned()) } else { Ok(Self::Output) };
        }
        if many {
            let made = std::fs::create_dir_all(path);
            made.map_err(|e| format!("{}: no folder for several mails: {e}", path.display()))?;
        }
        let is_folder = many || path.is_dir();
        Ok(if is_folder { Self::Folder(path.clone(), HashSet::new()) } else { Self::File(path.clone()) })
    }

    /// Whether the mails are shown and not written.
    pub(super) fn is_shown(&self) -> bool {
        matches!(self, Self::Shown)
    }

    /// Shows or writes a mail. The inner error is a sentence for the admin, the outer one that of the output.
    pub(super) fn put(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<Result<(), String>> {
        let (file, said) = (shown.file.display(), &shown.said.text);
        let path = match self {
            Self::Shown => {
                writeln!(out, "{file}: {said}")?;
                return text::print(&shown.comparison(), out).map(Ok);
            }
            Self::Output => {
                out.write_all(&octets(shown))?;
                eprintln!("{file}: {said}");
                return Ok(Ok(()));
            }
            Self::File(path) => path.clone(),
            Self::Folder(folder, taken) => {
                let path =
                    folder.join(shown.file.file_name().filter(|name| *name != "-").unwrap_or("stdin.eml".as_ref()));
                if !taken.insert(path.clone()) {
                    return Ok(Err(format!("{file}: {} was written for another mail of this name", path.display())));
                }
                if path.canonicalize().is_ok_and(|there| shown.file.canonicalize().is_ok_and(|here| here == there)) {
                    return Ok(Err(format!("{file}: would be written over itself; name another folder with --out")));
                }
                path
            }
        };
        match write_file(&path, &octets(shown)) {
            Ok(()) => writeln!(out, "{file}: {said}").map(Ok),
            Err(why) => Ok(Err(why)),
        }
    }
}

/// The octets in the line ends of the file.
fn octets(shown: &Shown<'_>) -> Vec<u8> {
    if shown.wire == shown.mail.wire { shown.mail.file.clone() } else { shown.mail.for_file(shown.wire.clone()) }
}

/// Writes a file.
pub(super) fn write_file(path: &Path, octets: &[u8]) -> Result<(), String> {
    std::fs::write(path, octets).map_err(|error| format!("{}: cannot be written: {error}", path.display()))
}
