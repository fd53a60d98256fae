//! The way out: dots stuffed, nothing copied, and a last look for octets that must not be sent.

use memchr::memmem::Finder;

use super::DataFault;

/// The wire form of a message given as segments: dots stuffed, the final `.` behind, nothing copied.
///
/// A CRLF is added only when the message does not end in one. The pieces point into the segments or are constants, so
/// they can be written with one vectored write. The segments must hold no bare CR, bare LF or NUL: [`find_fault`].
pub fn stuff<'a, I>(segments: I) -> Stuffed<'a, I::IntoIter>
where
    I: IntoIterator<Item = &'a [u8]>,
{
    let finder = Finder::new(b"\r\n.");
    Stuffed { segments: segments.into_iter(), rest: &[], before: Before::LineStart, finder, ended: false }
}

/// The first octet that must not be sent, judged over the segments as one message.
pub fn find_fault<'a>(segments: impl IntoIterator<Item = &'a [u8]>) -> Option<DataFault> {
    let mut after_cr = false;
    for segment in segments {
        let mut at = 0;
        while at < segment.len() {
            if after_cr && segment[at] != b'\n' {
                return Some(DataFault::BareCr);
            }
            at += usize::from(std::mem::take(&mut after_cr));
            let Some(found) = memchr::memchr3(b'\r', b'\n', 0, &segment[at..]) else { break };
            match segment[at + found] {
                b'\r' => after_cr = true,
                b'\n' => return Some(DataFault::BareLf),
                _ => return Some(DataFault::Nul),
            }
            at += found + 1;
        }
    }
    after_cr.then_some(DataFault::BareCr)
}

/// What stands in front of the octet to be written next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Before {
    LineStart,
    Cr,
    Other,
}

/// The iterator of [`stuff`].
#[derive(Clone, Debug)]
pub struct Stuffed<'a, I> {
    segments: I,
    rest: &'a [u8],
    before: Before,
    finder: Finder<'static>,
    ended: bool,
}

impl<'a, I: Iterator<Item = &'a [u8]>> Iterator for Stuffed<'a, I> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while self.rest.is_empty() {
            match self.segments.next() {
                Some(segment) => self.rest = segment,
                None if self.ended => return None,
                None => {
                    self.ended = true;
                    return Some(if self.before == Before::LineStart { b".\r\n" } else { b"\r\n.\r\n" });
                }
            }
        }
        if self.before == Before::LineStart && self.rest[0] == b'.' {
            self.before = Before::Other;
            return Some(b".");
        }
        Some(self.take_run())
    }
}

impl<'a, I> Stuffed<'a, I> {
    /// The octets up to the next line that starts with a dot, or to the end of the segment.
    fn take_run(&mut self) -> &'a [u8] {
        if self.before == Before::Cr && self.rest.starts_with(b"\n.") {
            return self.cut(1);
        }
        match self.finder.find(self.rest) {
            Some(found) => self.cut(found + 2),
            None => self.cut(self.rest.len()),
        }
    }

    fn cut(&mut self, octets: usize) -> &'a [u8] {
        let (run, rest) = self.rest.split_at(octets);
        self.rest = rest;
        self.before = match run {
            [.., b'\r', b'\n'] => Before::LineStart,
            [b'\n'] if self.before == Before::Cr => Before::LineStart,
            [.., b'\r'] => Before::Cr,
            _ => Before::Other,
        };
        run
    }
}
