//! What an inline style says of visibility. Style sheets are not read: mail hides its preheaders inline.

/// The part of a style that matters to reading.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Shown {
    /// Hides the element and everything in it.
    pub(super) hidden: bool,
    /// Sets the font size: to zero (hides until some element inside sets another), or to something.
    pub(super) zero_font: Option<bool>,
    /// Sets whether line ends in the text are shown.
    pub(super) pre: Option<bool>,
}

/// Reads an inline style.
pub(super) fn read(style: &str) -> Shown {
    let mut shown = Shown::default();
    for declaration in style.split(';') {
        let Some((property, value)) = declaration.split_once(':') else { continue };
        let value = value.trim().to_ascii_lowercase();
        let value = value.trim_end_matches("!important").trim_end();
        match property.trim().to_ascii_lowercase().as_str() {
            "display" => shown.hidden |= value == "none",
            "visibility" => shown.hidden |= matches!(value, "hidden" | "collapse"),
            "mso-hide" => shown.hidden |= value == "all",
            "opacity" | "max-height" => shown.hidden |= is_zero(value),
            "font-size" => shown.zero_font = Some(is_zero(value)),
            "white-space" => shown.pre = Some(value.starts_with("pre")),
            _ => {}
        }
    }
    shown
}

/// `0`, `0px`, `0.0em`, `0%`.
fn is_zero(value: &str) -> bool {
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%').trim_end();
    digits.parse::<f32>().is_ok_and(|n| n.abs() < f32::EPSILON)
}
