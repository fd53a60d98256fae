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

const BLOCKS: [&str; 44] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "html",
    "legend",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
    "dir",
];
const INLINES: [&str; 16] =
    ["a", "b", "big", "code", "del", "em", "font", "i", "s", "small", "span", "strong", "sub", "sup", "tt", "u"];
const VOIDS: [&str; 12] =
    ["area", "base", "col", "embed", "img", "input", "link", "meta", "param", "source", "track", "wbr"];
const HIDDEN: [&str; 20] = [
    "audio", "canvas", "datalist", "head", "iframe", "math", "noembed", "noframes", "noscript", "object", "option",
    "script", "select", "style", "svg", "template", "textarea", "title", "video", "xmp",
];

/// The element's name without allocation, and its role. Elements that are not known run on in the line.
pub(super) fn known(name: &str) -> (&'static str, Role) {
    let find = |list: &'static [&'static str]| list.iter().find(|n| **n == name).copied();
    if name == "br" {
        return ("br", Role::Break);
    }
    if name == "hr" {
        return ("hr", Role::Rule);
    }
    let inline = find(&INLINES).map(|n| (n, Role::Inline));
    let block = || find(&BLOCKS).map(|n| (n, Role::Block));
    let void = || find(&VOIDS).map(|n| (n, Role::Void));
    let hidden = || find(&HIDDEN).map(|n| (n, Role::Hidden));
    inline.or_else(block).or_else(void).or_else(hidden).unwrap_or(("", Role::Inline))
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
