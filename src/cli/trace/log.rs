//! What the log says of mails: its lines as the service wrote them, or as the journal gives them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::{Object, Said};
use crate::watch::read_line;

/// Octets of a line; a longer one is none of ours.
const LINE_OCTETS_MAX: u64 = 1 << 20;

/// A log, open.
pub(super) struct Log {
    path: PathBuf,
    input: Box<dyn BufRead>,
}

/// A line about a mail.
pub(super) struct Line {
    /// When it was written, RFC 3339.
    pub(super) at: String,
    /// What it says.
    pub(super) text: String,
    /// The whole of it.
    pub(super) object: Object,
}

/// Opens a log.
///
/// # Errors
/// A sentence for the admin.
pub(super) fn open(path: &Path) -> Result<Log, String> {
    let input: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::new(File::open(path).map_err(|e| unreadable(path, &e))?))
    };
    Ok(Log { path: path.to_owned(), input })
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be read: {error}", path.display())
}

impl Log {
    /// Gathers the lines about these mails.
    ///
    /// # Errors
    /// A sentence for the admin.
    pub(super) fn read(&mut self, ids: &[String], said: &mut Said) -> Result<(), String> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut self.input).take(LINE_OCTETS_MAX).read_until(b'\n', &mut line);
            match read.map_err(|e| unreadable(&self.path, &e))? {
                0 => return Ok(()),
                octets if octets as u64 == LINE_OCTETS_MAX && !line.ends_with(b"\n") => {
                    self.input.skip_until(b'\n').map_err(|e| unreadable(&self.path, &e))?;
                }
                _ => {}
            }
            let Some(object) = read_line(&line) else { continue };
            for id in ids.iter().filter(|id| is_about(&object, id)) {
                said.entry(id.clone()).or_default().push(tell(object.clone()));
            }
        }
    }
}

fn is_about(object: &Object, id: &str) -> bool {
    let text = |key: &str| object.get(key).and_then(Object::as_str);
    [text("id"), text("entry"), object.pointer("/event/transaction").and_then(Object::as_str)].contains(&Some(id))
        || text("ids").is_some_and(|ids| ids.split(' ').any(|one| one == id))
}

fn tell(object: Object) -> Line {
    let at = object.get("timestamp").and_then(Object::as_str).unwrap_or_default().to_owned();
    let word = |key: &str| match object.get(key) {
        None | Some(Object::Null) => "-".to_owned(),
        Some(Object::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let millis = |key: &str| object.get(key).and_then(Object::as_u64).unwrap_or(0) / 1_000;
    let text = match object.get("target").and_then(Object::as_str) {
        Some("message") => format!(
            "decided: {} ({}); {} after {} ms, {} recipients, next hop said {}",
            word("outcome"),
            word("verdict"),
            word("custody"),
            millis("answer_micros"),
            word("recipients"),
            word("replies"),
        ),
        Some("attempt") => format!(
            "attempt {} by {}: {} for {} recipients, reply {}",
            word("number"),
            word("route"),
            word("outcome"),
            word("recipients"),
            word("reply"),
        ),
        Some("recovery") => "its referral reached this log alone: `ledger recover` enters it".to_owned(),
        Some("audit") => format!("{} by uid {}", word("act"), word("uid")),
        _ => format!("{}: {}", word("level"), word("message")),
    };
    Line { at, text, object }
}
