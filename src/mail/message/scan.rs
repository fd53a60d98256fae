//! The MIME structure by its delimiter lines (RFC 2046 5.1): iterative, linear, strict where readers differ.

use memchr::{memchr, memmem};

use super::fault::Fault;
use super::head::{self, Head};
use super::header::{self, Field, without_line_end};
use super::part::Part;
use super::sweep::Sweep;

/// Multiparts deeper than this are not read.
pub const DEPTH_MAX: usize = 64;
/// More parts than this are not read.
pub const PARTS_MAX: usize = 1000;
/// More header octets than this, over all parts, are not read.
pub const HEADER_OCTETS_MAX: usize = 256 * 1024;

/// What one pass over the message found.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) parts: Vec<Part>,
    /// The fields of the root.
    pub(super) fields: Vec<Field>,
    pub(super) faults: Vec<Fault>,
}

/// A multipart that is open where the scan stands.
struct Frame<'a> {
    part: usize,
    boundary: &'a [u8],
    children: usize,
    closed: bool,
}

/// A line that some open boundary begins.
enum Delimiter {
    Next(usize),
    Close(usize),
    Like,
}

struct Scan<'a> {
    raw: &'a [u8],
    shape: Shape,
    frames: Vec<Frame<'a>>,
    /// The part whose body is being passed over, when it is no multipart.
    leaf: Option<usize>,
    header_octets: usize,
    stopped: bool,
}

/// Reads the structure of the whole message.
pub(super) fn read(raw: &[u8]) -> Shape {
    let shape = Shape { parts: Vec::new(), fields: Vec::new(), faults: Vec::new() };
    let mut scan = Scan { raw, shape, frames: Vec::new(), leaf: None, header_octets: 0, stopped: false };
    let mut sweep = Sweep::over(raw);
    let mut from = scan.part(0);
    while !scan.frames.is_empty() && !scan.stopped {
        let Some(hit) = sweep.find_dashes(from) else { break };
        from = scan.line(hit);
    }
    scan.finish();
    scan.shape.faults.splice(0..0, sweep.faults());
    scan.shape
}

impl<'a> Scan<'a> {
    fn fault(&mut self, fault: Fault) {
        if !self.shape.faults.contains(&fault) {
            self.shape.faults.push(fault);
        }
    }

    /// Reads the header at `start` and enters the part. Gives where to look for the next delimiter from.
    fn part(&mut self, start: usize) -> usize {
        let raw = self.raw;
        let limit = start.saturating_add(HEADER_OCTETS_MAX - self.header_octets);
        let frames = &self.frames;
        let header = header::scan(raw, start, limit, |line| delimiter(frames, line).is_some());
        self.header_octets += header.body_start.min(limit) - start;
        self.stopped |= header.faults.contains(&Fault::HeaderTooLarge);
        header.faults.iter().for_each(|f| self.fault(*f));
        let parent = self.frames.last().map(|f| f.part);
        let in_digest = parent.is_some_and(|p| self.shape.parts[p].media == "multipart/digest");
        let head = head::read(raw, &header.fields, in_digest);
        head.faults.iter().for_each(|f| self.fault(*f));
        let path = self.path();
        let Head { mut part, boundary, .. } = head;
        (part.parent, part.path) = (parent, path);
        (part.header, part.body) = (header.octets, header.body_start..header.body_start);
        self.leaf = Some(self.shape.parts.len());
        if let Some(boundary) = boundary {
            self.open(&raw[boundary]);
        }
        if self.shape.parts.is_empty() {
            self.shape.fields = header.fields;
        }
        self.shape.parts.push(part);
        header.body_start.saturating_sub(1)
    }

    fn path(&self) -> String {
        match self.frames.last() {
            None => "0".to_owned(),
            Some(f) if f.part == 0 => f.children.to_string(),
            Some(f) => format!("{}.{}", self.shape.parts[f.part].path, f.children),
        }
    }

    /// Makes the part about to be added an open multipart.
    fn open(&mut self, boundary: &'a [u8]) {
        if self.frames.len() >= DEPTH_MAX {
            return self.fault(Fault::TooDeep);
        }
        if self.frames.iter().any(|f| f.boundary.starts_with(boundary) || boundary.starts_with(f.boundary)) {
            self.fault(Fault::BoundaryCollision);
        }
        self.leaf = None;
        self.frames.push(Frame { part: self.shape.parts.len(), boundary, children: 0, closed: false });
    }

    /// Handles the line behind the line end at `hit`. Gives where to look on from.
    fn line(&mut self, hit: usize) -> usize {
        let start = hit + 1;
        let next = memchr(b'\n', &self.raw[start..]).map_or(self.raw.len(), |n| start + n + 1);
        let (depth, closes) = match delimiter(&self.frames, without_line_end(&self.raw[start..next])) {
            None => return start,
            Some(Delimiter::Like) => {
                self.fault(Fault::DelimiterLike);
                return start;
            }
            Some(Delimiter::Next(depth)) => (depth, false),
            Some(Delimiter::Close(depth)) => (depth, true),
        };
        let end = if hit > 0 && self.raw[hit - 1] == b'\r' { hit - 1 } else { hit };
        self.end_below(depth, end);
        let frame = &mut self.frames[depth];
        if frame.closed {
            self.fault(Fault::DelimiterAfterClose);
            return start;
        }
        frame.closed = closes;
        if closes {
            return next.saturating_sub(1).max(start);
        }
        frame.children += 1;
        if self.shape.parts.len() >= PARTS_MAX {
            self.fault(Fault::TooManyParts);
            self.stopped = true;
            return start;
        }
        self.part(next)
    }

    /// Ends at `end` whatever is open inside the multipart at `depth`.
    fn end_below(&mut self, depth: usize, end: usize) {
        // A header that a delimiter cut short ends behind the line end that `end` stands before; so do those around it.
        let mut end = end;
        if let Some(leaf) = self.leaf.take() {
            end = self.end_part(leaf, end);
        }
        while self.frames.len() > depth + 1 {
            let Some(frame) = self.frames.pop() else { return };
            end = self.end_frame(&frame, end);
        }
    }

    fn end_frame(&mut self, frame: &Frame<'_>, end: usize) -> usize {
        if !frame.closed && !self.stopped {
            self.fault(Fault::Unclosed);
        }
        if frame.children == 0 {
            self.fault(Fault::Empty);
        }
        self.end_part(frame.part, end)
    }

    /// Gives where the part really ends: never before it starts.
    fn end_part(&mut self, index: usize, end: usize) -> usize {
        let part = &mut self.shape.parts[index];
        let end = end.max(part.body.start);
        part.body.end = end;
        if !part.is_inline_text() {
            return end;
        }
        // Some readers take a delimiter in the middle of a line for one.
        let body = &self.raw[part.body.clone()];
        if self.frames.iter().any(|f| has_delimiter_inside(body, f.boundary)) {
            self.fault(Fault::DelimiterLike);
        }
        end
    }

    fn finish(&mut self) {
        let end = self.raw.len();
        self.end_below(0, end);
        if let Some(frame) = self.frames.pop() {
            self.end_frame(&frame, end);
        }
    }
}

fn has_delimiter_inside(body: &[u8], boundary: &[u8]) -> bool {
    memmem::find_iter(body, boundary).any(|at| body[..at].ends_with(b"--"))
}

/// What the line is to the open multiparts, the innermost first.
fn delimiter(frames: &[Frame<'_>], line: &[u8]) -> Option<Delimiter> {
    let rest = line.strip_prefix(b"--")?;
    for (depth, frame) in frames.iter().enumerate().rev() {
        let Some(tail) = rest.strip_prefix(frame.boundary) else { continue };
        return Some(match tail.trim_ascii_end() {
            b"" => Delimiter::Next(depth),
            b"--" => Delimiter::Close(depth),
            _ => Delimiter::Like,
        });
    }
    None
}
