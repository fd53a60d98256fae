//! A mail before and after, part by part: the lines a reader sees, and which of them were put in.

use crate::mail::message::{Message, Transfer};
use crate::mail::view::{TextKind, TextPart, View};

/// One line, and whether it was put in.
pub(super) struct ShownLine {
    pub(super) text: String,
    pub(super) inserted: bool,
}

/// One text part.
pub(super) struct ShownPart {
    /// The path of the part, such as `1.2`.
    pub(super) path: String,
    pub(super) kind: TextKind,
    pub(super) charset: &'static str,
    pub(super) transfer: &'static str,
    pub(super) lines: Vec<ShownLine>,
    /// The markup before and after, of an HTML part.
    pub(super) markup: Option<(String, String)>,
}

impl ShownPart {
    /// Whether anything was put into it.
    pub(super) fn is_changed(&self) -> bool {
        self.lines.iter().any(|line| line.inserted)
    }

    pub(super) fn media(&self) -> &'static str {
        match self.kind {
            TextKind::Plain => "text/plain",
            TextKind::Html => "text/html",
        }
    }
}

/// Both forms of a mail.
pub(super) struct Comparison {
    pub(super) subject: String,
    pub(super) parts: Vec<ShownPart>,
}

impl Comparison {
    /// Compares what came with what leaves. The proof has shown that they have the same parts.
    pub(super) fn of(before: &[u8], after: &[u8]) -> Self {
        let (old_message, new_message) = (Message::read(before), Message::read(after));
        let (old, new) = (View::read(&old_message), View::read(&new_message));
        let parts = old.parts.iter().zip(&new.parts).map(|(old, new)| {
            let mime = old_message.parts().get(old.part);
            let markup = (old.kind == TextKind::Html).then(|| (markup(old), markup(new)));
            ShownPart {
                path: mime.map_or_else(String::new, |part| part.path.clone()),
                kind: old.kind,
                charset: old.charset.name(),
                transfer: mime.map_or("", |part| transfer(part.transfer)),
                lines: lines(old, new),
                markup,
            }
        });
        Self { subject: old.subject.clone(), parts: parts.collect() }
    }
}

fn lines(old: &TextPart, new: &TextPart) -> Vec<ShownLine> {
    let mut before = (0..old.lines.len()).map(|i| old.line(i)).peekable();
    let line = |i: usize| {
        let text = new.line(i);
        let inserted = before.next_if(|next| *next == text).is_none();
        ShownLine { text: text.trim_end().to_owned(), inserted }
    };
    (0..new.lines.len()).map(line).collect()
}

fn markup(part: &TextPart) -> String {
    let octets = &part.decoded.octets;
    part.charset.decode_line(octets).map_or_else(|| String::from_utf8_lossy(octets).into_owned(), Into::into)
}

fn transfer(transfer: Transfer) -> &'static str {
    match transfer {
        Transfer::SevenBit => "7bit",
        Transfer::EightBit => "8bit",
        Transfer::Binary => "binary",
        Transfer::Base64 => "base64",
        Transfer::QuotedPrintable => "quoted-printable",
        Transfer::Unknown => "",
    }
}
