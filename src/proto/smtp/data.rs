//! The data phase of SMTP: where a message ends, and dots at the start of lines (RFC 5321 4.5.2).
//!
//! Only CR LF "." CR LF ends a message, however the octets are cut. A CR or LF that stands alone, or a NUL, is never
//! mended: two servers that read such a message differently are how a second mail is smuggled behind a first one.

use memchr::memmem::Finder;

/// Bounds of one message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DataLimits {
    /// Octets of the message, dots unstuffed, line ends included.
    pub octets_max: usize,
    /// Octets of one line, its line end included.
    pub line_octets_max: usize,
}

/// What is wrong with a message as it came over the wire.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DataFault {
    /// A CR that no LF follows.
    #[error("a CR without LF")]
    BareCr,
    /// An LF that follows no CR.
    #[error("an LF without CR")]
    BareLf,
    /// A NUL octet.
    #[error("a NUL octet")]
    Nul,
    /// More octets than allowed.
    #[error("too many octets")]
    TooLarge,
    /// A line longer than allowed.
    #[error("a line too long")]
    LineTooLong,
    /// No memory was left for the rest of it.
    #[error("more than there is memory for")]
    NoRoom,
}

impl DataFault {
    /// Whether nothing behind it can be trusted, so that the connection has to end.
    pub fn ends_connection(self) -> bool {
        matches!(self, Self::BareCr | Self::BareLf | Self::Nul)
    }
}

/// How far the decoder is after a piece of input.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// All of the input was taken and the message goes on.
    More,
    /// The message ended after `consumed` octets of this input; what follows is the next command.
    Done {
        /// Octets taken, the final dot and its CRLF included.
        consumed: usize,
        /// A fault that was waited out; the message must be refused and is not in the output.
        fault: Option<DataFault>,
    },
    /// Refused at once: the connection must end.
    Refused(DataFault),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    LineStart,
    Dot,
    DotCr,
    Line,
    Cr,
}

/// Takes the octets behind 354 in any pieces and yields the message.
#[derive(Clone, Debug)]
pub struct Decoder {
    limits: DataLimits,
    state: State,
    /// Octets of the message so far, kept or not.
    octets: usize,
    /// Octets of the current line so far.
    line_octets: usize,
    fault: Option<DataFault>,
}

impl Decoder {
    /// A decoder at the start of a message.
    pub fn new(limits: DataLimits) -> Self {
        Self { limits, state: State::LineStart, octets: 0, line_octets: 0, fault: None }
    }

    /// Octets of the message seen so far.
    pub fn octets(&self) -> usize {
        self.octets
    }

    /// The first fault that is being waited out.
    pub fn fault(&self) -> Option<DataFault> {
        self.fault
    }

    /// Keeps nothing more and waits for the end, which will carry `fault` if there was none before.
    pub fn give_up(&mut self, fault: DataFault) {
        self.fault.get_or_insert(fault);
    }

    /// Takes a piece of input and appends what of the message it holds to `out`.
    ///
    /// After a fault that is waited out (size, line length) nothing more is appended and `out` is emptied.
    pub fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> Progress {
        let mut at = 0;
        while let Some(&octet) = input.get(at) {
            match (self.state, octet) {
                (State::LineStart, b'.') => (self.state, at) = (State::Dot, at + 1),
                (State::Dot, b'\r') => (self.state, at) = (State::DotCr, at + 1),
                (State::LineStart | State::Dot, _) => self.state = State::Line,
                (State::DotCr, b'\n') => return Progress::Done { consumed: at + 1, fault: self.fault },
                (State::Cr, b'\n') => {
                    self.keep_line_part(b"\r\n", 2, out);
                    self.end_line();
                    at += 1;
                }
                (State::Cr | State::DotCr, _) => return Progress::Refused(DataFault::BareCr),
                (State::Line, _) => match self.take_lines(input, at, out) {
                    Ok(next) => at = next,
                    Err(fault) => return Progress::Refused(fault),
                },
            }
        }
        Progress::More
    }

    /// Takes as many lines as need no dot removed, and keeps them in one run.
    fn take_lines(&mut self, input: &[u8], from: usize, out: &mut Vec<u8>) -> Result<usize, DataFault> {
        let mut line = from;
        loop {
            let Some(found) = memchr::memchr3(b'\r', b'\n', 0, &input[line..]) else {
                self.keep_line_part(&input[from..], input.len() - line, out);
                return Ok(input.len());
            };
            let end = line + found;
            match input[end] {
                b'\n' => return Err(DataFault::BareLf),
                0 => return Err(DataFault::Nul),
                _ => {}
            }
            let Some(&behind) = input.get(end + 1) else {
                self.keep_line_part(&input[from..end], found, out);
                self.state = State::Cr;
                return Ok(input.len());
            };
            if behind != b'\n' {
                return Err(DataFault::BareCr);
            }
            self.measure(found + 2);
            self.end_line();
            line = end + 2;
            if input.get(line).is_none_or(|next| *next == b'.') {
                self.keep(&input[from..line], out);
                return Ok(line);
            }
            self.state = State::Line;
        }
    }

    fn keep_line_part(&mut self, run: &[u8], line_octets: usize, out: &mut Vec<u8>) {
        self.measure(line_octets);
        self.keep(run, out);
    }

    fn measure(&mut self, more: usize) {
        self.line_octets += more;
        if self.line_octets > self.limits.line_octets_max {
            self.fault.get_or_insert(DataFault::LineTooLong);
        }
    }

    fn end_line(&mut self) {
        self.line_octets = 0;
        self.state = State::LineStart;
    }

    fn keep(&mut self, run: &[u8], out: &mut Vec<u8>) {
        self.octets = self.octets.saturating_add(run.len());
        if self.octets > self.limits.octets_max {
            self.fault.get_or_insert(DataFault::TooLarge);
        }
        match self.fault {
            None => out.extend_from_slice(run),
            Some(_) => *out = Vec::new(),
        }
    }
}

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

#[cfg(test)]
mod tests;
