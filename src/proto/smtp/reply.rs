//! SMTP replies: written by the server, read strictly by the client (RFC 5321 4.2, RFC 2034).
//!
//! What a next hop says decides whether a mail counts as delivered, so a reply that is not well formed is no reply.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// Longest reply taken from a peer, all lines together, in octets.
pub const REPLY_OCTETS_MAX: usize = 16 * 1024;
/// Octets of one line that we write, its CRLF included (RFC 5321 4.5.3.1.5).
const LINE_OCTETS_MAX: usize = 512;

/// An enhanced status code (RFC 3463), such as 5.7.1.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct EnhancedCode {
    /// 2, 4 or 5: success, persistent transient, permanent.
    pub class: u8,
    /// What it is about, for example 7 for policy.
    pub subject: u16,
    /// The detail within the subject.
    pub detail: u16,
}

impl EnhancedCode {
    /// The code of these three numbers.
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        Self { class, subject, detail }
    }

    /// Reads the code in front of a reply text; returns it and the text behind it.
    fn split(text: &str) -> Option<(Self, &str)> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut numbers = word.split('.').map(|n| {
            let plain = (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit());
            if plain { n.parse::<u16>().ok() } else { None }
        });
        let code = Self {
            class: u8::try_from(numbers.next()??).ok().filter(|c| matches!(c, 2 | 4 | 5))?,
            subject: numbers.next()??,
            detail: numbers.next()??,
        };
        numbers.next().is_none().then_some((code, rest))
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// What the first digit of a reply says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// 2xx: done.
    Positive,
    /// 3xx: go on (354 after DATA).
    Intermediate,
    /// 4xx: not now.
    Transient,
    /// 5xx: no.
    Permanent,
}

/// One reply, of one line or several.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    /// The three digits, 200 to 559.
    pub code: u16,
    /// The enhanced status code, when there is one.
    pub enhanced: Option<EnhancedCode>,
    /// The text without codes; lines are parted by `\n`.
    pub text: Cow<'static, str>,
}

impl Reply {
    /// A reply with an enhanced code given as its three numbers.
    pub const fn new(code: u16, enhanced: (u8, u16, u16), text: &'static str) -> Self {
        let (class, subject, detail) = enhanced;
        Self { code, enhanced: Some(EnhancedCode::new(class, subject, detail)), text: Cow::Borrowed(text) }
    }

    /// A reply without an enhanced code: greetings, answers to EHLO, 354.
    pub const fn plain(code: u16, text: &'static str) -> Self {
        Self { code, enhanced: None, text: Cow::Borrowed(text) }
    }

    /// The same codes with another text.
    #[must_use]
    pub fn with_text(self, text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), ..self }
    }

    /// What the first digit says.
    pub fn severity(&self) -> Severity {
        match self.code / 100 {
            2 => Severity::Positive,
            3 => Severity::Intermediate,
            4 => Severity::Transient,
            _ => Severity::Permanent,
        }
    }

    /// Whether it is a 2xx.
    pub fn is_positive(&self) -> bool {
        self.severity() == Severity::Positive
    }

    /// Whether it is a 4xx.
    pub fn is_transient(&self) -> bool {
        self.severity() == Severity::Transient
    }

    /// Whether it is a 5xx.
    pub fn is_permanent(&self) -> bool {
        self.severity() == Severity::Permanent
    }

    /// The lines of the text, without codes.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.split('\n')
    }

    /// Appends the wire form: every line with the code, the enhanced code if any, and CRLF.
    ///
    /// Control characters in the text become `?`, so no text from elsewhere can end a line. A line is cut at 512 octets
    /// (RFC 5321 4.5.3.1.5).
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let mut lines = self.lines().peekable();
        while let Some(line) = lines.next() {
            let end = out.len() + LINE_OCTETS_MAX - 2;
            let mark = if lines.peek().is_some() { '-' } else { ' ' };
            out.reserve(line.len() + 24);
            // Writing to a vector cannot fail.
            let _ = write!(Octets(out), "{:03}{mark}", self.code);
            if let Some(enhanced) = self.enhanced {
                let _ = write!(Octets(out), "{enhanced} ");
            }
            let text = harmless(line);
            let cut = text.floor_char_boundary(end.saturating_sub(out.len()));
            out.extend_from_slice(&text.as_bytes()[..cut]);
            out.extend_from_slice(b"\r\n");
        }
    }

    /// Reads one reply from the front of `octets`; `None` when its last line is not there yet.
    ///
    /// Returns the reply and how many octets it took. Call it again with more octets appended, never with fewer.
    ///
    /// # Errors
    /// [`ReplyFault`] when it is not a well-formed reply; nothing that follows on the connection can be trusted then.
    pub fn read(octets: &[u8]) -> Result<Option<(Self, usize)>, ReplyFault> {
        let mut taken = 0;
        let mut reply: Option<Reading> = None;
        while let Some(end) = memchr::memchr(b'\n', &octets[taken..]) {
            if taken + end >= REPLY_OCTETS_MAX {
                return Err(ReplyFault::TooLong);
            }
            let line = Line::read(&octets[taken..=taken + end])?;
            taken += end + 1;
            let reply = match &mut reply {
                Some(reply) => reply.go_on(&line)?,
                none => none.insert(Reading::begin(&line)),
            };
            if line.last {
                return Ok(Some((reply.end(), taken)));
            }
        }
        check_unfinished(octets, taken)
    }
}

impl fmt::Display for Reply {
    /// One line, for logs and reports: codes and text, lines parted by a blank.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        self.lines().filter(|l| !l.is_empty()).try_for_each(|l| write!(f, " {}", harmless(l)))
    }
}

/// Why octets are not a reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReplyFault {
    /// No three digits in front, or digits that no reply has.
    #[error("a line without a reply code")]
    NoCode,
    /// Neither blank nor hyphen behind the code.
    #[error("neither blank nor hyphen behind the reply code")]
    Separator,
    /// A line that ends in a bare LF, or holds a CR or NUL.
    #[error("a bare CR, LF or NUL in a reply")]
    LineEnd,
    /// Lines of one reply with different codes.
    #[error("lines of one reply with different codes")]
    CodesDiffer,
    /// More than [`REPLY_OCTETS_MAX`].
    #[error("a reply that is too long")]
    TooLong,
}

/// A reply as far as its lines have been read.
struct Reading {
    code: u16,
    enhanced: Option<EnhancedCode>,
    text: String,
}

impl Reading {
    fn begin(line: &Line<'_>) -> Self {
        let class_fits = |e: &EnhancedCode| u16::from(e.class) == line.code / 100;
        let enhanced = EnhancedCode::split(&line.text).map(|(e, _)| e).filter(class_fits);
        let mut reply = Self { code: line.code, enhanced, text: String::with_capacity(line.text.len()) };
        reply.push(line);
        reply
    }

    fn go_on(&mut self, line: &Line<'_>) -> Result<&mut Self, ReplyFault> {
        if line.code != self.code {
            return Err(ReplyFault::CodesDiffer);
        }
        self.text.push('\n');
        self.push(line);
        Ok(self)
    }

    /// Appends a line's text, without the enhanced code when it is the first line's.
    fn push(&mut self, line: &Line<'_>) {
        let bare = EnhancedCode::split(&line.text).filter(|(code, _)| Some(*code) == self.enhanced);
        self.text.push_str(bare.map_or(&*line.text, |(_, rest)| rest));
    }

    fn end(&mut self) -> Reply {
        Reply { code: self.code, enhanced: self.enhanced, text: std::mem::take(&mut self.text).into() }
    }
}

struct Line<'a> {
    code: u16,
    last: bool,
    text: Cow<'a, str>,
}

impl<'a> Line<'a> {
    /// Reads one line, its LF included.
    fn read(line: &'a [u8]) -> Result<Self, ReplyFault> {
        let line = line.strip_suffix(b"\r\n").ok_or(ReplyFault::LineEnd)?;
        let code = read_code(line)?;
        if memchr::memchr2(b'\r', 0, line).is_some() {
            return Err(ReplyFault::LineEnd);
        }
        let last = match line.get(3) {
            None | Some(b' ') => true,
            Some(b'-') => false,
            Some(_) => return Err(ReplyFault::Separator),
        };
        let text = match String::from_utf8_lossy(line.get(4..).unwrap_or_default()) {
            Cow::Borrowed(text) => harmless(text),
            Cow::Owned(text) => harmless(&text).into_owned().into(),
        };
        // A mark of three octets for each that is no UTF-8 would let a reply grow beyond what any reply may have.
        let text = if text.contains(char::REPLACEMENT_CHARACTER) {
            text.replace(char::REPLACEMENT_CHARACTER, "?").into()
        } else {
            text
        };
        Ok(Self { code, last, text })
    }
}

fn read_code(line: &[u8]) -> Result<u16, ReplyFault> {
    match line {
        [a @ b'2'..=b'5', b @ b'0'..=b'5', c @ b'0'..=b'9', ..] => {
            Ok(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'))
        }
        _ => Err(ReplyFault::NoCode),
    }
}

/// A reply whose end is not there: fine so far, or beyond hope already.
fn check_unfinished(octets: &[u8], taken: usize) -> Result<Option<(Reply, usize)>, ReplyFault> {
    let rest = &octets[taken..];
    if octets.len() > REPLY_OCTETS_MAX {
        return Err(ReplyFault::TooLong);
    }
    if rest.len() >= 3 {
        read_code(rest)?;
    }
    Ok(None)
}

/// Takes text as octets, with no text of its own on the way.
struct Octets<'a>(&'a mut Vec<u8>);

impl Write for Octets<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

fn harmless(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        return text.replace(char::is_control, "?").into();
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wire: &str, expected: Result<Option<&str>, ReplyFault>) {
        let read = Reply::read(wire.as_bytes());
        assert_eq!(
            read.map(|r| r.map(|(reply, _)| reply.to_string())),
            expected.map(|r| r.map(str::to_owned)),
            "{wire:?}"
        );
    }

    #[test]
    fn well_formed_replies_are_read_with_their_codes() {
        check("250 OK\r\n", Ok(Some("250 OK")));
        check("250\r\n", Ok(Some("250")));
        check("250 2.0.0 queued\r\n", Ok(Some("250 2.0.0 queued")));
        check("250-mx.example\r\n250-SIZE 1\r\n250 DSN\r\n", Ok(Some("250 mx.example SIZE 1 DSN")));
        check("550-5.1.1 no\r\n550 5.1.1 such user\r\n", Ok(Some("550 5.1.1 no such user")));
    }

    #[test]
    fn an_enhanced_code_of_another_class_is_text() {
        let (reply, _) = Reply::read(b"250 5.1.1 odd\r\n").ok().flatten().unwrap_or_else(|| panic!("no reply"));
        assert_eq!((reply.enhanced, &*reply.text), (None, "5.1.1 odd"));
    }

    #[test]
    fn a_reply_that_is_not_whole_yet_is_waited_for() {
        for wire in ["", "2", "250", "250 OK", "250 OK\r", "250-a\r\n", "250-a\r\n250"] {
            check(wire, Ok(None));
        }
    }

    #[test]
    fn rubbish_is_no_reply() {
        check("OK\r\n", Err(ReplyFault::NoCode));
        check("650 what\r\n", Err(ReplyFault::NoCode));
        check("100 what\r\n", Err(ReplyFault::NoCode));
        check("queued as 1", Err(ReplyFault::NoCode));
        check("250OK\r\n", Err(ReplyFault::Separator));
        check("2500 OK\r\n", Err(ReplyFault::Separator));
        check("250 OK\n", Err(ReplyFault::LineEnd));
        check("250 O\rK\r\n", Err(ReplyFault::LineEnd));
        check("250 O\0K\r\n", Err(ReplyFault::LineEnd));
        check("250-a\r\n251 b\r\n", Err(ReplyFault::CodesDiffer));
        check("250-a\r\nqueued\r\n", Err(ReplyFault::NoCode));
        check(&"250-a\r\n".repeat(4000), Err(ReplyFault::TooLong));
        check(&format!("250 {}", "a".repeat(REPLY_OCTETS_MAX)), Err(ReplyFault::TooLong));
    }

    #[test]
    fn octets_behind_a_reply_are_left() {
        let read = Reply::read(b"250 a\r\n221 b\r\n");
        assert_eq!(read.map(|r| r.map(|(_, taken)| taken)), Ok(Some(7)));
    }

    #[test]
    fn no_text_ends_a_line_of_ours() {
        let mut out = Vec::new();
        Reply::new(550, (5, 7, 1), "").with_text("a\rb\u{1b}[31m\nsecond").write_to(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), "550-5.7.1 a?b?[31m\r\n550 5.7.1 second\r\n");
    }

    #[test]
    fn words_in_another_charset_make_no_reply_longer_than_it_came() {
        let line = [b"550 ".as_slice(), &[0xc5; 8000], b"\r\n"].concat();
        let (reply, _) = Reply::read(&line).ok().flatten().expect("a reply");
        assert!(reply.text.len() <= 8000 && reply.text.bytes().all(|b| b == b'?'));
    }

    #[test]
    fn no_line_of_ours_is_longer_than_the_standard_lets_it_be() {
        for text in ["x".repeat(16_000), "あ".repeat(5000), format!("short\n{}", "é".repeat(600))] {
            let mut out = Vec::new();
            Reply::new(550, (5, 7, 1), "").with_text(text).write_to(&mut out);
            let text = String::from_utf8(out).expect("whole characters");
            assert!(text.split_inclusive('\n').all(|line| line.len() <= 512 && line.ends_with("\r\n")));
            assert!(text.len() > 500 && text.starts_with("550"));
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(
            code in 200u16..560,
            lines in proptest::collection::vec("[ -~あ]{0,40}", 1..5),
        ) {
            let code = code / 100 * 100 + code % 60;
            let reply = Reply { code, enhanced: None, text: lines.join("\n").into() };
            let mut wire = Vec::new();
            reply.write_to(&mut wire);
            let (read, taken) = Reply::read(&wire).ok().flatten().unwrap_or_else(|| panic!("{wire:?}"));
            assert_eq!(taken, wire.len());
            assert_eq!(read.code, code);
            assert!(read.enhanced.is_some() || read == reply);
        }

        #[test]
        fn any_octets_are_read_without_harm(octets in proptest::collection::vec(0u8.., 0..200)) {
            let _ = Reply::read(&octets);
        }
    }
}
