//! A file that a command writes at its end and makes at its start, while it is still who asked: to read a ledger that
//! nobody serves it becomes the owner of the data folder, who may write in no folder of the admin's.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file. What was there stays until the new content is complete; a new file is removed when none comes.
pub struct OutFile {
    path: PathBuf,
    file: File,
    is_new: bool,
}

impl OutFile {
    /// Opens it, or makes it.
    ///
    /// # Errors
    /// A sentence for the admin.
    pub fn open(path: &Path) -> Result<Self, String> {
        let is_new = !path.exists();
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|e| format!("{}: cannot be written: {e}", path.display()))?;
        Ok(Self { path: path.to_owned(), file, is_new })
    }

    /// Writes it, and says so.
    ///
    /// # Errors
    /// When the reader of the output is gone; a sentence for the admin within.
    pub fn write(mut self, text: &str, out: &mut dyn Write) -> Result<io::Result<()>, String> {
        let written = self.file.set_len(0).and_then(|()| self.file.write_all(text.as_bytes()));
        match written.and_then(|()| self.file.sync_all()) {
            Ok(()) => {
                self.is_new = false;
                Ok(writeln!(out, "written: {}", self.path.display()))
            }
            Err(e) => Err(format!("{}: cannot be written: {e}", self.path.display())),
        }
    }
}

impl Drop for OutFile {
    fn drop(&mut self) {
        if self.is_new {
            // Nothing is lost with it, and there is nobody to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}
