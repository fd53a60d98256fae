//! The comparison for a terminal: what was put in, with the lines around it.

use std::io::{self, Write};

use super::compare::{Comparison, ShownPart};

/// Lines shown on either side of what was put in.
const AROUND: usize = 3;

/// Prints each text part: `+` in front of what was put in.
pub(super) fn print(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    for part in &comparison.parts {
        writeln!(out, "\npart {}  {}  {}  {}", part.path, part.media(), part.charset, part.transfer)?;
        if part.is_changed() { print_part(part, out)? } else { writeln!(out, "  as it came")? }
    }
    Ok(())
}

fn print_part(part: &ShownPart, out: &mut dyn Write) -> io::Result<()> {
    let near = |i: usize| {
        let around = i.saturating_sub(AROUND)..(i + AROUND + 1).min(part.lines.len());
        part.lines[around].iter().any(|line| line.inserted)
    };
    let mut skipped = false;
    for (i, line) in part.lines.iter().enumerate() {
        if !near(i) {
            skipped = true;
            continue;
        }
        if std::mem::take(&mut skipped) {
            writeln!(out, "    …")?;
        }
        let mark = if line.inserted { "  + " } else { "    " };
        writeln!(out, "{}", format!("{mark}{}", visible(&line.text)).trim_end())?;
    }
    if skipped { writeln!(out, "    …") } else { Ok(()) }
}

/// The text without what would steer a terminal.
fn visible(text: &str) -> String {
    let steers =
        |c: char| c.is_control() && c != '\t' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(before: &str, after: &str) -> String {
        let head = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
        let [before, after] = [before, after].map(|t| format!("{head}{}", t.replace('\n', "\r\n")));
        let mut out = Vec::new();
        print(&Comparison::of(before.as_bytes(), after.as_bytes()), &mut out).unwrap_or_else(|e| panic!("{e}"));
        String::from_utf8(out).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn what_was_put_in_is_marked_and_stands_among_its_neighbours() {
        let text = printed("a\nb\nc\nd\ne\nf\ng\nh\ni\n", "a\nb\nc\nd\ne\nNEW\n\nf\ng\nh\ni\n");
        assert!(text.ends_with("    …\n    c\n    d\n    e\n  + NEW\n  +\n    f\n    g\n    h\n    …\n"), "{text}");
    }

    #[test]
    fn a_part_that_stays_is_told_so_and_nothing_steers_the_terminal() {
        assert!(printed("a\n", "a\n").ends_with("  as it came\n"));
        let text = printed("a\u{1b}[2J\u{202e}b\n", "a\u{1b}[2J\u{202e}b\nNEW\n");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && text.contains("  + NEW"), "{text}");
    }
}
