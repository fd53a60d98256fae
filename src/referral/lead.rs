//! A lead text as somebody writes it: what it may not hold, and what stands in its slots.

/// Longest lead text, in characters: a line, not a leaflet, and far below 998 octets in every charset.
pub const LEAD_CHARS_MAX: usize = 200;

/// What is wrong with a lead text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LeadFault {
    /// Nothing to read in it, or blanks around it.
    #[error("write a text without blanks at its ends")]
    Blank,
    /// More than [`LEAD_CHARS_MAX`] characters.
    #[error("shorten it to {LEAD_CHARS_MAX} characters")]
    TooLong,
    /// Line ends, controls, or characters that hide or reorder text.
    #[error("write it on one line, without control characters")]
    Controls,
    /// A link, or a slot for one: the link follows by itself, once.
    #[error("leave the link out: it follows on a line of its own")]
    Link,
    /// Begins like a quotation, a signature delimiter or a mailbox separator.
    #[error("do not begin it with >, -, _ or From: mail readers take such lines for something else")]
    Opening,
    /// A slot that nothing fills.
    #[error(
        "use no slots but {{optout}}, {{operator}}, {{postal_address}} and {{contact}}, and fill them in [sender_block]"
    )]
    Slot,
}

/// A lead text that may be used, with its slots filled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lead(pub(super) Box<str>);

impl Lead {
    /// Its words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What stands in the slots of a lead text.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Slots<'a> {
    /// For `{optout}`: a link or an address where a candidate says that he wants no more of it.
    pub optout: Option<&'a str>,
    /// For `{operator}`: who runs the service.
    pub operator: Option<&'a str>,
    /// For `{postal_address}`: where that is.
    pub postal_address: Option<&'a str>,
    /// For `{contact}`: where questions go.
    pub contact: Option<&'a str>,
}

impl Slots<'_> {
    /// The text with its slots filled. What the slots hold is the company's, and may be a link; the text may hold none.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn fill(&self, text: &str) -> Result<Lead, LeadFault> {
        check_lead(text)?;
        let mut filled = text.to_owned();
        let slots = [
            ("{optout}", self.optout),
            ("{operator}", self.operator),
            ("{postal_address}", self.postal_address),
            ("{contact}", self.contact),
        ];
        for (slot, value) in slots {
            if filled.contains(slot) {
                filled = filled.replace(slot, value.ok_or(LeadFault::Slot)?);
            }
        }
        if filled.contains(['{', '}']) {
            return Err(LeadFault::Slot);
        }
        if filled.chars().count() > LEAD_CHARS_MAX { Err(LeadFault::TooLong) } else { Ok(Lead(filled.into())) }
    }
}

fn check_lead(text: &str) -> Result<(), LeadFault> {
    let blank = |c: char| c.is_whitespace();
    let hides = |c: char| {
        let hidden =
            matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
        c.is_control() || hidden || c == '\u{feff}'
    };
    if text.is_empty() || text.starts_with(blank) || text.ends_with(blank) {
        return Err(LeadFault::Blank);
    }
    if text.chars().count() > LEAD_CHARS_MAX {
        return Err(LeadFault::TooLong);
    }
    if text.contains(hides) {
        return Err(LeadFault::Controls);
    }
    let lower = text.to_ascii_lowercase();
    if lower.contains("://") || lower.contains("www.") || text.contains("{url}") || text.contains("{token}") {
        return Err(LeadFault::Link);
    }
    let opens = text.starts_with(['>', '＞', '-', '_']) || text.starts_with("From ");
    if opens { Err(LeadFault::Opening) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_filled_by_what_the_company_gives_and_by_nothing_else() {
        let slots = Slots { optout: Some("https://careerrelay.jp/stop"), ..Slots::default() };
        let filled = slots.fill("ご案内（不要の方： {optout} ）：");
        assert_eq!(filled.as_ref().map(Lead::as_str), Ok("ご案内（不要の方： https://careerrelay.jp/stop ）："));
        for (text, why) in [
            ("{operator}のご案内：", LeadFault::Slot),
            ("{name}様へ：", LeadFault::Slot),
            ("https://x.example/ {optout}", LeadFault::Link),
        ] {
            assert_eq!(slots.fill(text), Err(why), "{text}");
        }
        let long = format!("{}{{optout}}", "あ".repeat(LEAD_CHARS_MAX - 8));
        assert_eq!(slots.fill(&long), Err(LeadFault::TooLong));
    }
}
