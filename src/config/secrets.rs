//! Files that the settings name: where they lie, and the secrets in them. No secret ever stands in the TOML itself.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::finding::Wrong;
use super::reader::Section;
use super::values::text;
use crate::pipeline::Secret;

/// In front of the name of a credential that the service manager hands over.
const CREDENTIAL: &str = "credential:";
/// Octets of a file with secrets; whatever is longer is another file.
const OCTETS_MAX: usize = 4096;
/// Fewest and most characters of a routing secret.
pub(super) const ROUTING_CHARS: std::ops::RangeInclusive<usize> = 16..=200;
/// Routing secrets that hold at one time: the one in use, and the one before or after it.
pub(super) const ROUTING_SECRETS_MAX: usize = 2;

/// Where a file lies that a key names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Named {
    /// There.
    At(PathBuf),
    /// With the service manager, who hands it to the service alone.
    Credential(String),
}

/// A path, counted from the folder of the file that names it, or `credential:NAME` for one that systemd hands over
/// (`LoadCredential=`).
pub(super) fn file(section: &Section<'_>, value: &DeValue) -> Result<Named, Wrong> {
    let text = text(4096)(value)?;
    let Some(name) = text.strip_prefix(CREDENTIAL) else { return Ok(Named::At(section.folder().join(text))) };
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.is_empty() || !name.bytes().all(fine) || name.starts_with('.') {
        let remedy = "write credential: and the name in the unit's LoadCredential=";
        return Err(Wrong::new(format!("{text:?} names no credential"), remedy));
    }
    Ok(section.credentials().map_or_else(|| Named::Credential(name.to_owned()), |folder| Named::At(folder.join(name))))
}

/// The lines of a file with secrets; nothing when it is a credential that only the service is handed, which is noted.
pub(super) fn lines(section: &Section<'_>, key: &str, value: &DeValue) -> Result<Option<Vec<String>>, Wrong> {
    let path = match file(section, value)? {
        Named::At(path) => path,
        Named::Credential(name) => {
            section.miss_credential(key, &name);
            return Ok(None);
        }
    };
    let octets = read(&path)?;
    if is_read_by_all(&path) {
        let what = format!("{} may be read by every user of this machine", path.display());
        section.warn(key, Wrong::new(what, "chmod o= it, or hand it over with LoadCredential= and credential:NAME"));
    }
    let no_text = || Wrong::new(format!("{} holds no plain text", path.display()), "write the secret alone, as UTF-8");
    let text = String::from_utf8(octets).ok().filter(|t| !t.contains('\0')).ok_or_else(no_text)?;
    let lines: Vec<String> = text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
    if lines.is_empty() {
        return Err(Wrong::new(format!("{} is empty", path.display()), "write the secret on its first line"));
    }
    Ok(Some(lines))
}

/// The one secret of a file, such as a password.
pub(super) fn password(section: &Section<'_>, key: &str, value: &DeValue) -> Result<Option<Secret>, Wrong> {
    let Some(lines) = lines(section, key, value)? else { return Ok(None) };
    match &lines[..] {
        [password] if !password.chars().any(char::is_control) => Ok(Some(Secret::new(password))),
        _ => Err(Wrong::new("not one password", "write it alone, on one line, without control characters")),
    }
}

/// The routing secrets of a file. Each has to survive a header field as it is: no blank, nothing but ASCII.
pub(super) fn routing(section: &Section<'_>, key: &str, value: &DeValue) -> Result<Vec<Secret>, Wrong> {
    let lines = lines(section, key, value)?.unwrap_or_default();
    if lines.len() > ROUTING_SECRETS_MAX {
        let what = format!("{} secrets in one file", lines.len());
        return Err(Wrong::new(what, "keep the one in use and at most one more, each on a line"));
    }
    let fits = |line: &String| ROUTING_CHARS.contains(&line.len()) && line.bytes().all(|b| b.is_ascii_graphic());
    if !lines.iter().all(fits) {
        let remedy = "write 16 to 200 ASCII characters without blanks, as `openssl rand -hex 24` prints them";
        return Err(Wrong::new("a routing secret that can be guessed, or not be sent in a header", remedy));
    }
    Ok(lines.iter().map(|l| Secret::new(l)).collect())
}

/// A file that a key names and somebody else will read: it has to be there and readable.
pub(super) fn readable(section: &Section<'_>, key: &str, value: &DeValue) -> Result<Option<PathBuf>, Wrong> {
    match file(section, value)? {
        Named::At(path) => fs::File::open(&path).map(|_| Some(path.clone())).map_err(|error| unreadable(&path, &error)),
        Named::Credential(name) => {
            section.miss_credential(key, &name);
            Ok(None)
        }
    }
}

/// The octets of a small file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Wrong> {
    let octets = fs::read(path).map_err(|error| unreadable(path, &error))?;
    let too_long =
        || Wrong::new(format!("{} is no file with a secret: too long", path.display()), "name the right file");
    (octets.len() <= OCTETS_MAX).then_some(octets).ok_or_else(too_long)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Wrong {
    let what = format!("{} cannot be read: {error}", path.display());
    Wrong::new(
        what,
        match error.kind() {
            ErrorKind::NotFound => {
                "put the file there, or correct the key; relative names count from this file's folder"
            }
            _ => "let the service's user read it, or hand it over with LoadCredential= and credential:NAME",
        },
    )
}

/// Whether others than its owner and its group may read the file.
pub(super) fn is_read_by_all(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o004 != 0)
}
