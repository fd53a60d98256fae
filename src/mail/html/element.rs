//! What each element is to reading: which end lines, which hide their content, which mark history or a signature.

/// What an element does to the text around it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    /// Runs on in the line.
    Inline,
    /// Ends the line before and behind it.
    Block,
    /// `br`.
    Break,
    /// Ends the line and has no content, as `hr`.
    Rule,
    /// Has no content and does nothing to the line.
    Void,
    /// Its content is not shown as text.
    Hidden,
}

/// The longest name of an element that is known.
pub(super) const NAME_OCTETS_MAX: usize = 10;
/// What an element is that is not known: it runs on in the line.
pub(super) const UNKNOWN: (&str, Role) = ("", Role::Inline);

/// In the order of their names.
const ELEMENTS: [(&str, Role); 96] = [
    ("a", Role::Inline),
    ("address", Role::Block),
    ("area", Role::Void),
    ("article", Role::Block),
    ("aside", Role::Block),
    ("audio", Role::Hidden),
    ("b", Role::Inline),
    ("base", Role::Void),
    ("big", Role::Inline),
    ("blockquote", Role::Block),
    ("body", Role::Block),
    ("br", Role::Break),
    ("canvas", Role::Hidden),
    ("caption", Role::Block),
    ("center", Role::Block),
    ("code", Role::Inline),
    ("col", Role::Void),
    ("datalist", Role::Hidden),
    ("dd", Role::Block),
    ("del", Role::Inline),
    ("details", Role::Block),
    ("dialog", Role::Block),
    ("dir", Role::Block),
    ("div", Role::Block),
    ("dl", Role::Block),
    ("dt", Role::Block),
    ("em", Role::Inline),
    ("embed", Role::Void),
    ("fieldset", Role::Block),
    ("figcaption", Role::Block),
    ("figure", Role::Block),
    ("font", Role::Inline),
    ("footer", Role::Block),
    ("form", Role::Block),
    ("frameset", Role::Block),
    ("h1", Role::Block),
    ("h2", Role::Block),
    ("h3", Role::Block),
    ("h4", Role::Block),
    ("h5", Role::Block),
    ("h6", Role::Block),
    ("head", Role::Hidden),
    ("header", Role::Block),
    ("hr", Role::Rule),
    ("html", Role::Block),
    ("i", Role::Inline),
    ("iframe", Role::Hidden),
    ("img", Role::Void),
    ("input", Role::Void),
    ("legend", Role::Block),
    ("li", Role::Block),
    ("link", Role::Void),
    ("main", Role::Block),
    ("math", Role::Hidden),
    ("meta", Role::Void),
    ("nav", Role::Block),
    ("noembed", Role::Hidden),
    ("noframes", Role::Hidden),
    ("noscript", Role::Hidden),
    ("object", Role::Hidden),
    ("ol", Role::Block),
    ("option", Role::Hidden),
    ("p", Role::Block),
    ("param", Role::Void),
    ("plaintext", Role::Hidden),
    ("pre", Role::Block),
    ("s", Role::Inline),
    ("script", Role::Hidden),
    ("section", Role::Block),
    ("select", Role::Hidden),
    ("small", Role::Inline),
    ("source", Role::Void),
    ("span", Role::Inline),
    ("strong", Role::Inline),
    ("style", Role::Hidden),
    ("sub", Role::Inline),
    ("summary", Role::Block),
    ("sup", Role::Inline),
    ("svg", Role::Hidden),
    ("table", Role::Block),
    ("tbody", Role::Block),
    ("td", Role::Block),
    ("template", Role::Hidden),
    ("textarea", Role::Hidden),
    ("tfoot", Role::Block),
    ("th", Role::Block),
    ("thead", Role::Block),
    ("title", Role::Hidden),
    ("tr", Role::Block),
    ("track", Role::Void),
    ("tt", Role::Inline),
    ("u", Role::Inline),
    ("ul", Role::Block),
    ("video", Role::Hidden),
    ("wbr", Role::Void),
    ("xmp", Role::Hidden),
];

const _: () = {
    let mut at = 0;
    while at < ELEMENTS.len() {
        assert!(ELEMENTS[at].0.len() <= NAME_OCTETS_MAX, "a name is longer than the longest");
        at += 1;
    }
};

/// Where the names of each first letter begin among the elements.
const BY_LETTER: [usize; 27] = {
    let mut starts = [0; 27];
    let mut letter = 0;
    while letter < 27 {
        let mut at = 0;
        while at < ELEMENTS.len() && (ELEMENTS[at].0.as_bytes()[0] as usize) < letter + b'a' as usize {
            at += 1;
        }
        starts[letter] = at;
        letter += 1;
    }
    starts
};

/// The element's name without allocation, and its role.
pub(super) fn known(name: &str) -> (&'static str, Role) {
    let letter = name.bytes().next().map_or(usize::MAX, |b| usize::from(b.wrapping_sub(b'a')));
    let same_letter = match (BY_LETTER.get(letter), BY_LETTER.get(letter.saturating_add(1))) {
        (Some(from), Some(until)) => &ELEMENTS[*from..*until],
        _ => &[],
    };
    same_letter.iter().find(|(n, _)| *n == name).copied().unwrap_or(UNKNOWN)
}

/// Whether a block of any kind may be put beside this one, in the element around it.
pub(super) fn takes_siblings(name: &str) -> bool {
    let of_text =
        ["address", "article", "aside", "blockquote", "center", "div", "footer", "header", "main", "p", "pre"];
    of_text.contains(&name) || name == "section" || matches!(name.as_bytes(), [b'h', b'1'..=b'6'])
}

/// The elements whose start ends an open one of these names, within the nearest of the barriers.
pub(super) fn implied_ends(name: &str, role: Role) -> &'static [&'static str] {
    match name {
        "li" => &["p", "li"],
        "dt" | "dd" => &["p", "dt", "dd"],
        "td" | "th" => &["p", "td", "th"],
        "tr" => &["p", "td", "th", "tr"],
        "tbody" | "thead" | "tfoot" => &["p", "td", "th", "tr", "tbody", "thead", "tfoot"],
        _ if role == Role::Block || role == Role::Rule => &["p"],
        _ => &[],
    }
}

/// Elements that an implied end does not reach through.
pub(super) fn is_barrier(name: &str, start: &str) -> bool {
    match start {
        "li" => matches!(name, "ul" | "ol" | "dir" | "td" | "th" | "table"),
        "dt" | "dd" => matches!(name, "dl" | "td" | "th" | "table"),
        "td" | "th" => matches!(name, "tr" | "table"),
        "tr" | "tbody" | "thead" | "tfoot" => name == "table",
        _ => matches!(name, "td" | "th" | "table" | "li" | "div"),
    }
}

/// Whether the class or id is one that mail programs give to reply or forward history.
pub(super) fn marks_history(class: &str, id: &str) -> bool {
    const CLASSES: [&str; 9] = [
        "gmail_quote",
        "gmail_attr",
        "gmail_extra",
        "moz-cite-prefix",
        "moz-forward-container",
        "yahoo_quoted",
        "protonmail_quote",
        "tutanota_quote",
        "zmail_extra",
    ];
    const IDS: [&str; 5] =
        ["divrplyfwdmsg", "appendonsend", "reply-intro", "olk_src_body_section", "mail-editor-reference"];
    let has = |value: &str, list: &[&str]| words(value).any(|w| list.iter().any(|l| starts_with(w, l)));
    has(class, &CLASSES) || has(id, &IDS)
}

/// Whether the class or id is one that mail programs give to signatures.
pub(super) fn marks_signature(class: &str, id: &str) -> bool {
    const NAMES: [&str; 6] = [
        "gmail_signature",
        "moz-signature",
        "signature",
        "ms-outlook-mobile-signature",
        "applemailsignature",
        "mobile-signature",
    ];
    words(class).chain(words(id)).any(|w| NAMES.iter().any(|n| w.eq_ignore_ascii_case(n)))
}

/// Whether the class or id is one of the preview texts that newsletters hide by a style sheet.
pub(super) fn marks_preheader(class: &str, id: &str) -> bool {
    words(class).chain(words(id)).any(|w| starts_with(w, "preheader"))
}

fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split_ascii_whitespace()
}

fn starts_with(word: &str, start: &str) -> bool {
    word.get(..start.len()).is_some_and(|w| w.eq_ignore_ascii_case(start))
}
