//! The terminal: keys one at a time, without echo, and its size. It is given back as it was found.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// Longest line typed without echo, in octets.
const LINE_OCTETS_MAX: usize = 4096;

const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const CTRL_U: u8 = 0x15;
const BACKSPACE: [u8; 2] = [0x08, 0x7f];

/// A terminal that hands over each key as it is struck and shows none, until this is dropped. Keys that otherwise are
/// signals (Ctrl-C) come as octets too, so that nothing ends the process while the terminal is so.
pub struct Quiet {
    terminal: OwnedFd,
    before: Termios,
}

impl Quiet {
    /// Takes a terminal.
    ///
    /// # Errors
    /// When `of` is none.
    pub fn take(of: impl AsFd) -> io::Result<Self> {
        let terminal = of.as_fd().try_clone_to_owned()?;
        let before = tcgetattr(&terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing given back.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// Columns and rows of a terminal.
///
/// # Errors
/// When `of` is none.
pub fn size(of: impl AsFd) -> io::Result<(usize, usize)> {
    let size = tcgetwinsize(of)?;
    Ok((size.ws_col.into(), size.ws_row.into()))
}

/// Asks for a line that nobody shall see, on the terminal that standard input is. `None` when it was broken off.
///
/// # Errors
/// When standard input is no terminal, or is gone.
pub fn ask_unseen(prompt: &str) -> io::Result<Option<Vec<u8>>> {
    let mut input = io::stdin().lock();
    let _quiet = Quiet::take(&input)?;
    let mut shown = io::stderr().lock();
    write!(shown, "{prompt}")?;
    shown.flush()?;
    let line = read_unseen(&mut input);
    writeln!(shown)?;
    line
}

fn read_unseen(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut key = [0];
    loop {
        if input.read(&mut key)? == 0 {
            return Ok(None);
        }
        match key[0] {
            b'\r' | b'\n' => return Ok(Some(line)),
            CTRL_C => return Ok(None),
            CTRL_D if line.is_empty() => return Ok(None),
            CTRL_U => line.clear(),
            octet if BACKSPACE.contains(&octet) => remove_last(&mut line),
            octet if line.len() < LINE_OCTETS_MAX => line.push(octet),
            _ => {}
        }
    }
}

/// Removes the last character, however many octets it has.
fn remove_last(line: &mut Vec<u8>) {
    while line.pop().is_some_and(|octet| octet & 0xc0 == 0x80) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &[u8], line: Option<&str>) {
        let read = read_unseen(&mut &*typed).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(read.as_deref(), line.map(str::as_bytes), "{typed:?}");
    }

    #[test]
    fn a_line_is_typed_mended_and_broken_off() {
        check(b"plum\rrest", Some("plum"));
        check(b"plun\x7fm\n", Some("plum"));
        check("梅梅\u{7f}の花\n".as_bytes(), Some("梅の花"));
        check(b"\x7f\x08x\n", Some("x"));
        check(b"wrong\x15right\n", Some("right"));
        check(b"half\x03", None);
        check(b"\x04", None);
        check(b"half\x04way\n", Some("half\x04way"));
        check(b"no end", None);
        check(&[&[b'x'; LINE_OCTETS_MAX + 9][..], b"\n"].concat(), Some(&"x".repeat(LINE_OCTETS_MAX)));
    }
}
