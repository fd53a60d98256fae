//! The data phase of SMTP: where a message ends, and dots at the start of lines (RFC 5321 4.5.2).
//!
//! Only CR LF "." CR LF ends a message, however the octets are cut. A CR that stands alone, or a NUL, is never mended:
//! two servers that read such a message differently are how a second mail is smuggled behind a first one. An LF that
//! stands alone is refused too, or, where the house says so, becomes CR LF once dots and the end have been looked for:
//! a line end of the message, and none of the protocol.
//!
//! Chunks (RFC 3030) have neither dots nor an end of their own; what may not stand in a message may not stand in them.

mod stuffed;

pub use stuffed::{Stuffed, find_fault, stuff};

/// Bounds of one message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DataLimits {
    /// Octets of the message, dots unstuffed, line ends included.
    pub octets_max: usize,
    /// Octets of one line, its line end included.
    pub line_octets_max: usize,
}

/// What happens to a message with a bare LF (an LF without CR in front of it).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum BareLf {
    /// 554, and the connection is closed.
    #[default]
    Refuse,
    /// Each becomes CRLF; the end of the message is still CRLF.CRLF alone.
    Normalize,
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

/// Takes the octets behind 354, or those of chunks, in any pieces and yields the message.
#[derive(Clone, Debug)]
pub struct Decoder {
    limits: DataLimits,
    bare_lf: BareLf,
    /// Whether dots are unstuffed and one of them ends the message.
    dotted: bool,
    state: State,
    /// Octets of the message so far, kept or not.
    octets: usize,
    /// Octets of the current line so far.
    line_octets: usize,
    fault: Option<DataFault>,
}

impl Decoder {
    /// A decoder at the start of a message behind DATA.
    pub fn new(limits: DataLimits, bare_lf: BareLf) -> Self {
        let state = State::LineStart;
        Self { limits, bare_lf, dotted: true, state, octets: 0, line_octets: 0, fault: None }
    }

    /// A decoder at the start of a message in chunks: nothing in it ends it, see [`Decoder::end`].
    pub fn chunked(limits: DataLimits, bare_lf: BareLf) -> Self {
        Self { dotted: false, state: State::Line, ..Self::new(limits, bare_lf) }
    }

    /// How much the message can grow, in octets, when so many are fed.
    pub fn growth_max(&self, octets: usize) -> usize {
        // A CR is kept when its LF comes; a bare LF takes two octets where it is mended.
        let factor = if self.bare_lf == BareLf::Normalize { 2 } else { 1 };
        octets.saturating_mul(factor).saturating_add(1)
    }

    /// What is wrong with a message in chunks that ends here.
    pub fn end(&self) -> Option<DataFault> {
        let open_line = (self.state == State::Cr).then_some(DataFault::BareCr);
        self.fault.or(open_line)
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

    /// Takes as many lines as need no dot removed, and keeps them in as few runs as can be.
    fn take_lines(&mut self, input: &[u8], from: usize, out: &mut Vec<u8>) -> Result<usize, DataFault> {
        let (mut from, mut line) = (from, from);
        loop {
            let Some(found) = memchr::memchr3(b'\r', b'\n', 0, &input[line..]) else {
                self.keep_line_part(&input[from..], input.len() - line, out);
                return Ok(input.len());
            };
            let end = line + found;
            match input[end] {
                b'\n' if self.bare_lf == BareLf::Normalize => {
                    // The line of the message ends; the line of the protocol goes on, so a dot behind it is only a dot.
                    self.keep_line_part(&input[from..end], found, out);
                    self.keep_line_part(b"\r\n", 2, out);
                    self.line_octets = 0;
                    (from, line) = (end + 1, end + 1);
                    continue;
                }
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
            let at_dot = |next: &u8| self.dotted && *next == b'.';
            if input.get(line).is_none_or(at_dot) {
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

    /// Counts octets of the current line. The limit that is crossed first is the fault, however the octets were cut.
    fn measure(&mut self, more: usize) {
        self.line_octets = self.line_octets.saturating_add(more);
        self.octets = self.octets.saturating_add(more);
        let line = self.line_octets.saturating_sub(self.limits.line_octets_max);
        let all = self.octets.saturating_sub(self.limits.octets_max);
        if line > 0 || all > 0 {
            self.fault.get_or_insert(if all >= line { DataFault::TooLarge } else { DataFault::LineTooLong });
        }
    }

    fn end_line(&mut self) {
        self.line_octets = 0;
        self.state = if self.dotted { State::LineStart } else { State::Line };
    }

    fn keep(&mut self, run: &[u8], out: &mut Vec<u8>) {
        match self.fault {
            None => out.extend_from_slice(run),
            Some(_) => *out = Vec::new(),
        }
    }
}
