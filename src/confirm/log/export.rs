//! The journal's export format: `NAME=value` lines, or the name, eight octets of length and the value; an empty line
//! behind each entry. As `journalctl -o export` writes it.

use jiff::Timestamp;

use super::{Fact, Manner};

/// The largest entry that is read, in octets.
pub const ENTRY_OCTETS_MAX: usize = 256 * 1024;

/// What an entry says, as far as it matters here.
#[derive(Debug, Default)]
struct Entry {
    at: Option<Timestamp>,
    program: String,
    pid: String,
    message: String,
}

/// The octets of the first whole entry, with the empty line behind it; nothing while it is not whole. `Err` tells how
/// many octets are none.
///
/// # Errors
/// The octets to pass over: an entry larger than any that is read.
pub fn next(octets: &[u8]) -> Result<Option<usize>, usize> {
    let mut at = 0;
    loop {
        let rest = octets.get(at..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'\n', rest) else { break };
        at += end + 1;
        if end == 0 {
            return Ok(Some(at));
        }
        if !rest[..end].contains(&b'=') {
            let Some(length) = octets.get(at..at + 8) else { break };
            let length = length.iter().rev().fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet));
            let Some(length) = usize::try_from(length).ok().filter(|length| *length <= ENTRY_OCTETS_MAX) else {
                return Err(at);
            };
            at += 8 + length + 1;
        }
    }
    if octets.len() > ENTRY_OCTETS_MAX { Err(octets.len()) } else { Ok(None) }
}

/// Reads one entry.
pub fn read(octets: &[u8], manner: &Manner) -> Option<Fact> {
    let mut entry = Entry::default();
    let mut rest = octets;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        if let Some(sign) = memchr::memchr(b'=', line) {
            entry.take(&line[..sign], &line[sign + 1..]);
        } else if !line.is_empty() {
            let (length, behind) = rest.split_first_chunk::<8>()?;
            let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
            entry.take(line, behind.get(..length)?);
            rest = behind.get(length + 1..)?;
        }
    }
    // A process of ours that began as somebody says its own name: what the kernel says of it is not asked here.
    (!entry.pid.is_empty()).then_some(())?;
    Fact::of(&entry.program, &entry.message, entry.at?, manner)
}

impl Entry {
    fn take(&mut self, name: &[u8], value: &[u8]) {
        let text = || String::from_utf8_lossy(value).into_owned();
        match name {
            b"SYSLOG_IDENTIFIER" => self.program = text(),
            b"_PID" => self.pid = text(),
            b"MESSAGE" => self.message = text(),
            b"_SOURCE_REALTIME_TIMESTAMP" => self.at = microseconds(value).or(self.at),
            b"__REALTIME_TIMESTAMP" => self.at = self.at.or_else(|| microseconds(value)),
            _ => {}
        }
    }
}

fn microseconds(value: &[u8]) -> Option<Timestamp> {
    let number = std::str::from_utf8(value).ok()?.parse().ok()?;
    Timestamp::from_microsecond(number).ok()
}
