//! Text of mails and files on pages of ours, where it must never become markup.

/// The text for an element or an attribute in quotes. What HTML may not hold, and what could do something on a screen,
/// is replaced; line ends and tabs stay.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\r' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_becomes_markup_and_lines_stay_lines() {
        for (text, expected) in [
            ("<a href=\"x\">'&'", "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;"),
            ("a\tb\r\nc", "a\tb\r\nc"),
            ("\u{1b}[2J\0\u{85}", "\u{fffd}[2J\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(escape(text), expected);
        }
    }
}
