//! Text and numbers on pages of ours: none of it ever becomes markup.

/// The text for an element or an attribute in quotes. What HTML may not hold, and what could do something on a screen,
/// is replaced; line ends and tabs stay.
pub fn escape(text: &str) -> String {
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

/// What [`escape`] was given, as far as it lost nothing.
pub fn unescape(text: &str) -> String {
    // The ampersand last, so that nothing is read twice.
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (name, c)| text.replace(name, c))
}

/// A number with commas between its thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let head = digits.len() % 3;
    let mut out = digits[..head].to_owned();
    for group in digits.as_bytes()[head..].chunks(3) {
        if !out.is_empty() {
            out.push(',');
        }
        out.extend(group.iter().map(|digit| char::from(*digit)));
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
        let text = "&amp;lt; <a href=\"x\">'&'";
        assert_eq!(unescape(&escape(text)), text);
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
