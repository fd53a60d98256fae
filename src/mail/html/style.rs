//! What declarations of a style say of visibility and spacing, be they inline or a style sheet's.

/// The part of a style that matters to reading.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own that a later style may set")]
pub(super) struct Shown {
    /// Hides the element and everything in it.
    pub(super) hidden: bool,
    /// Sets a display or visibility that shows the element.
    pub(super) shows: bool,
    /// What hides it is `!important`.
    pub(super) important: bool,
    /// Whether it is hidden depends on the screen.
    pub(super) varies: bool,
    /// Sets the font size: to zero (hides until some element inside sets another), or to something.
    pub(super) zero_font: Option<bool>,
    /// Sets whether line ends in the text are shown.
    pub(super) pre: Option<bool>,
    /// Sets whether there is room above, and below, that a reader sees.
    pub(super) margins: super::Margins,
}

impl Shown {
    /// What holds when `later` is said of the same element after this.
    pub(super) fn then(self, later: Self) -> Self {
        let stays_hidden = self.hidden && (self.important || !later.shows);
        Self {
            hidden: stays_hidden || later.hidden,
            shows: self.shows || later.shows,
            important: stays_hidden && self.important || later.hidden && later.important,
            varies: self.varies || later.varies,
            zero_font: later.zero_font.or(self.zero_font),
            pre: later.pre.or(self.pre),
            margins: self.margins.then(later.margins),
        }
    }
}

/// Text no larger than this, in any unit but relative ones, is there for preview panes and not for readers.
const FONT_SIZE_MIN: f32 = 2.0;
/// Text moved out of the page by at least this much, in pixels, is not seen.
const OFF_PAGE: f32 = -500.0;
/// The properties that matter. Most declarations set none of them, and cost no allocation.
const PROPERTIES: [&str; 18] = [
    "display",
    "visibility",
    "mso-hide",
    "opacity",
    "max-height",
    "font-size",
    "width",
    "height",
    "max-width",
    "overflow",
    "position",
    "left",
    "top",
    "text-indent",
    "white-space",
    "margin",
    "margin-top",
    "margin-bottom",
];

/// Reads declarations.
pub(super) fn read(style: &str) -> Shown {
    let mut shown = Shown::default();
    let (mut has_no_extent, mut clips, mut is_placed, mut is_off_page) = (false, false, false, false);
    for declaration in style.split(';') {
        let Some((property, value)) = declaration.split_once(':') else { continue };
        let property = property.trim();
        let Some(&property) = PROPERTIES.iter().find(|p| p.eq_ignore_ascii_case(property)) else { continue };
        let value = value.trim().to_ascii_lowercase();
        let plain = value.trim_end_matches("important").trim_end().trim_end_matches('!').trim_end();
        let is_important = plain.len() < value.len();
        let value = plain;
        match property {
            "display" | "visibility" => {
                let hides = matches!(value, "none" | "hidden" | "collapse");
                shown.hidden |= hides;
                shown.shows |= !hides;
                shown.important |= hides && is_important;
            }
            "mso-hide" => shown.hidden |= value == "all",
            "opacity" | "max-height" => shown.hidden |= is_zero(value),
            "font-size" => shown.zero_font = Some(is_tiny(value)),
            "width" | "height" | "max-width" => has_no_extent |= is_tiny(value),
            "overflow" => clips = value == "hidden",
            "position" => is_placed = matches!(value, "absolute" | "fixed" | "relative"),
            "left" | "top" => is_off_page |= is_below(value, OFF_PAGE),
            "text-indent" => shown.hidden |= is_below(value, OFF_PAGE),
            "white-space" => shown.pre = Some(value.starts_with("pre")),
            "margin" => shown.margins = margins(value),
            "margin-top" => shown.margins.above = Some(is_room(value)),
            "margin-bottom" => shown.margins.below = Some(is_room(value)),
            _ => {}
        }
    }
    shown.hidden |= has_no_extent && clips || is_placed && is_off_page;
    shown
}

/// The room above and below that a `margin` of one to four lengths sets.
fn margins(value: &str) -> super::Margins {
    let mut lengths = value.split_ascii_whitespace();
    let above = lengths.next().map(is_room);
    super::Margins { above, below: lengths.nth(1).map_or(above, |below| Some(is_room(below))) }
}

/// Whether a margin of that length is seen: Word writes `.0001pt` for none.
fn is_room(value: &str) -> bool {
    !(value == "auto" || is_tiny(value) || value.starts_with('-'))
}

/// The number and the unit of a length.
fn length(value: &str) -> Option<(f32, &str)> {
    let unit = value.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'));
    value[..value.len() - unit.len()].parse().ok().map(|number| (number, unit.trim_start()))
}

fn is_tiny(value: &str) -> bool {
    is_zero(value) || length(value).is_some_and(|(n, unit)| n <= FONT_SIZE_MIN && matches!(unit, "px" | "pt"))
}

fn is_below(value: &str, least: f32) -> bool {
    length(value).is_some_and(|(n, unit)| n <= least && unit == "px")
}

/// `0`, `0px`, `0.0em`, `0%`.
fn is_zero(value: &str) -> bool {
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%').trim_end();
    digits.parse::<f32>().is_ok_and(|n| n.abs() < f32::EPSILON)
}
