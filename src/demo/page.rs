//! The page of the demo's report: as wide as the terminal, coloured where that is wanted, wrapped by columns.

use std::io::IsTerminal as _;

use comfy_table::Table;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Columns where there is no terminal to ask.
const COLUMNS: u16 = 100;

/// How the report is laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Page {
    /// Columns of a line.
    pub columns: usize,
    /// Whether colours are shown.
    pub colours: bool,
}

/// What a run of text is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ink {
    /// A heading.
    Bold,
    /// What stands beside the matter.
    Faint,
    /// What we put in, and what is well.
    Green,
    /// What is wrong.
    Red,
}

impl Page {
    /// The page of standard output: the terminal's width, within reason, and colours unless `NO_COLOR` is set.
    pub fn of_stdout() -> Self {
        let columns = Table::new().width().unwrap_or(COLUMNS).clamp(60, 140);
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
            || std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        Self { columns: columns.into(), colours: std::io::stdout().is_terminal() && !plain }
    }

    /// Text in an ink.
    pub fn ink(&self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Bold => 1,
            Ink::Faint => 2,
            Ink::Green => 32,
            Ink::Red => 31,
        };
        if self.colours && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A heading with a rule to the edge of the page.
    pub fn heading(&self, text: &str) -> String {
        let rule = self.columns.saturating_sub(text.width() + 1);
        format!("{} {}", self.ink(Ink::Bold, text), self.ink(Ink::Faint, &"─".repeat(rule)))
    }

    /// `text` as lines of the page behind `margin`, which further lines repeat as `again`.
    pub fn hang(&self, margin: &str, again: &str, text: &str) -> String {
        let room = self.columns.saturating_sub(margin.width().max(again.width())).max(20);
        let mut out = String::new();
        for (i, line) in wrap(text, room).iter().enumerate() {
            let margin = if i == 0 { margin } else { again };
            out.push_str(format!("{margin}{line}").trim_end());
            out.push('\n');
        }
        out
    }
}

/// Lines of at most `room` columns: broken at blanks, and between wide characters where there is no blank.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text.trim_end();
    while rest.width() > room {
        let end = fitting(rest, room);
        let blank = rest[..end].rfind(' ').filter(|at| rest[..*at].width() * 2 > room);
        let cut = blank.unwrap_or_else(|| before_closing(rest, end));
        lines.push(rest[..cut].trim_end().to_owned());
        rest = rest[cut..].trim_start();
    }
    lines.push(rest.to_owned());
    lines
}

/// A place before `end` such that no closing mark begins the next line.
fn before_closing(text: &str, end: usize) -> usize {
    let closes = |at: usize| text[at..].starts_with(['、', '。', '」', '）', '：']);
    let earlier = text[..end].char_indices().rev().map(|(at, _)| at).take(3).find(|at| *at > 0 && !closes(*at));
    if closes(end) { earlier.unwrap_or(end) } else { end }
}

/// Where the first `room` columns of a text end; at least one character.
fn fitting(text: &str, room: usize) -> usize {
    let mut columns = 0;
    for (at, c) in text.char_indices() {
        columns += c.width().unwrap_or(0);
        if columns > room && at > 0 {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_to_the_room_and_lose_no_character() {
        for text in ["", "a", "one two three four five six", "株式会社サクラ商事採用担当者様", "a株b式c会社 d"]
        {
            for room in 2..30 {
                let lines = wrap(text, room);
                assert!(lines.iter().all(|l| l.width() <= room), "{text:?} in {room}: {lines:?}");
                let all: String = lines.concat().split(' ').collect();
                assert_eq!(all, text.split(' ').collect::<String>(), "{text:?} in {room}");
            }
        }
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("ご応募。", 6), ["ご応", "募。"]);
    }

    #[test]
    fn colours_are_only_where_they_are_wanted() {
        let page = |colours| Page { columns: 80, colours };
        assert_eq!(page(false).ink(Ink::Green, "a"), "a");
        assert_eq!(page(true).ink(Ink::Green, "a"), "\u{1b}[32ma\u{1b}[0m");
        assert_eq!(page(false).heading("日").width(), 80);
    }
}
