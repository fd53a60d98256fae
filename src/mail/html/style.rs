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

/// The properties that matter. Most declarations set none of them, and cost no allocation.
#[derive(Clone, Copy)]
enum Property {
    Display,
    Visibility,
    MsoHide,
    Opacity,
    MaxHeight,
    FontSize,
    WhiteSpace,
}

impl Property {
    fn of(name: &str) -> Option<Self> {
        const NAMES: [(&str, Property); 7] = [
            ("display", Property::Display),
            ("visibility", Property::Visibility),
            ("mso-hide", Property::MsoHide),
            ("opacity", Property::Opacity),
            ("max-height", Property::MaxHeight),
            ("font-size", Property::FontSize),
            ("white-space", Property::WhiteSpace),
        ];
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, property)| *property)
    }
}

/// Reads an inline style.
pub(super) fn read(style: &str) -> Shown {
    let mut shown = Shown::default();
    for declaration in style.split(';') {
        let Some((property, value)) = declaration.split_once(':') else { continue };
        let Some(property) = Property::of(property.trim()) else { continue };
        let value = value.trim().to_ascii_lowercase();
        let value = value.trim_end_matches("!important").trim_end();
        match property {
            Property::Display => shown.hidden |= value == "none",
            Property::Visibility => shown.hidden |= matches!(value, "hidden" | "collapse"),
            Property::MsoHide => shown.hidden |= value == "all",
            Property::Opacity | Property::MaxHeight => shown.hidden |= is_zero(value),
            Property::FontSize => shown.zero_font = Some(is_zero(value)),
            Property::WhiteSpace => shown.pre = Some(value.starts_with("pre")),
        }
    }
    shown
}

/// `0`, `0px`, `0.0em`, `0%`.
fn is_zero(value: &str) -> bool {
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%').trim_end();
    digits.parse::<f32>().is_ok_and(|n| n.abs() < f32::EPSILON)
}
