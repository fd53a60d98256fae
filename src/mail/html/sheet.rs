//! Style sheets, as far as they hide text or set the room around paragraphs. A rule is taken to hold for whatever its
//! last part names: to hide too much costs a line, to hide too little might put one where nobody sees it.

use memchr::{memchr, memmem};

use super::HtmlFault;
use super::style::{self, Shown};
use crate::mail::charset::Charset;

/// Rules that matter to reading, over all sheets of a part: more than this and the part is not read.
const RULES_MAX: usize = 512;
/// Classes that web mailers put around a mail: rules for what is inside them are for these readers alone.
const OF_ONE_READER: [&str; 5] = [".externalclass", ".readmsgbody", "#outlook", "#messageviewbody", ".yshortcuts"];

/// The rules that matter, from the weakest to the strongest.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    name: String,
    id: String,
    classes: Vec<String>,
    /// How much of an element the selector names (CSS Selectors 17).
    weight: usize,
    /// Whether it holds on some screens only.
    conditional: bool,
    shown: Shown,
}

/// When the rules of a block in a sheet hold.
#[derive(Clone, Copy, Eq, PartialEq)]
enum When {
    Always,
    OnSomeScreens,
    Never,
}

impl Sheet {
    /// Reads the `style` elements of a part whose markup can be scanned.
    pub(super) fn read(body: &[u8], charset: Charset) -> Result<Self, HtmlFault> {
        let mut sheet = Self::default();
        let mut at = 0;
        while let Some((tag, content)) = next_style(&body[at..]) {
            let (tag, content) = (&body[at + tag.start..at + tag.end], at + content.start..at + content.end);
            at = content.end;
            let when = when_of_element(&String::from_utf8_lossy(tag));
            let octets = &body[content];
            match charset.decode_line(octets) {
                Some(css) => sheet.take(&css, when)?,
                None => sheet.take(&String::from_utf8_lossy(octets), when)?,
            }
        }
        sheet.rules.sort_by_key(|rule| rule.weight);
        Ok(sheet)
    }

    /// What the sheets say of an element. Classes are compared as readers in quirks mode do.
    pub(super) fn shown(&self, name: &str, class: &str, id: &str) -> Shown {
        let mut shown = Shown::default();
        for rule in self.rules.iter().filter(|rule| !rule.conditional && rule.names(name, class, id)) {
            shown = shown.then(rule.shown);
        }
        let turns = |rule: &Rule| rule.shown.hidden && !shown.hidden || rule.shown.shows && shown.hidden;
        let conditional = |rule: &&Rule| rule.conditional && rule.names(name, class, id);
        if self.rules.iter().filter(conditional).any(turns) {
            // On some screen it is seen, so it counts as seen.
            (shown.varies, shown.hidden) = (true, false);
        }
        shown
    }

    fn take(&mut self, css: &str, of_element: When) -> Result<(), HtmlFault> {
        let css = without_comments(css);
        let mut rest = css.as_str();
        let mut around = vec![of_element];
        while let Some(at) = memchr::memchr3(b'{', b'}', b';', rest.as_bytes()) {
            let (prelude, sign) = (rest[..at].trim(), rest.as_bytes()[at]);
            rest = &rest[at + 1..];
            let when = *around.last().unwrap_or(&of_element);
            match sign {
                b'}' if around.len() > 1 => _ = around.pop(),
                b'{' if has_rules(prelude) && when == When::Always => around.push(when_of_block(prelude)),
                b'{' if has_rules(prelude) => around.push(when),
                b'{' => {
                    let end = memchr(b'}', rest.as_bytes()).unwrap_or(rest.len());
                    let declarations = &rest[..end];
                    rest = rest.get(end + 1..).unwrap_or_default();
                    if !prelude.starts_with('@') && when != When::Never {
                        self.add(prelude, declarations, when == When::OnSomeScreens)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn add(&mut self, selectors: &str, declarations: &str, conditional: bool) -> Result<(), HtmlFault> {
        let shown = style::read(declarations);
        if shown == Shown::default() {
            return Ok(());
        }
        for selector in selectors.trim_start_matches("<!--").split(',') {
            self.rules.extend(Rule::parse(selector, conditional, shown));
            if self.rules.len() > RULES_MAX {
                return Err(HtmlFault::Ambiguous);
            }
        }
        Ok(())
    }
}

impl Rule {
    /// `None` for selectors that turn on attributes, states and neighbours: they are tricks for single readers.
    fn parse(selector: &str, conditional: bool, shown: Shown) -> Option<Self> {
        let selector = selector.trim().to_ascii_lowercase();
        if selector.contains(['[', ':', '+', '~', '@']) || OF_ONE_READER.iter().any(|known| selector.contains(known)) {
            return None;
        }
        let last = selector.rsplit([' ', '\t', '\r', '\n', '>']).next().filter(|last| !last.is_empty())?;
        let mut rule = Self {
            name: String::new(),
            id: String::new(),
            classes: Vec::new(),
            weight: weight(&selector),
            conditional,
            shown,
        };
        let mut rest = last;
        while !rest.is_empty() {
            let end =
                rest.char_indices().skip(1).find(|(_, c)| matches!(c, '.' | '#')).map_or(rest.len(), |(at, _)| at);
            let (part, behind) = rest.split_at(end);
            match (part.strip_prefix('.'), part.strip_prefix('#')) {
                (Some(class), _) => rule.classes.push(class.to_owned()),
                (None, Some(id)) => id.clone_into(&mut rule.id),
                (None, None) if part == "*" => {}
                (None, None) => part.clone_into(&mut rule.name),
            }
            rest = behind;
        }
        Some(rule)
    }

    fn names(&self, name: &str, class: &str, id: &str) -> bool {
        let has = |wanted: &String| class.split_ascii_whitespace().any(|c| c.eq_ignore_ascii_case(wanted));
        (self.name.is_empty() || self.name == name)
            && (self.id.is_empty() || self.id.eq_ignore_ascii_case(id))
            && self.classes.iter().all(has)
    }
}

fn weight(selector: &str) -> usize {
    let count = |sign: char| selector.matches(sign).count();
    let names =
        selector.split([' ', '\t', '\r', '\n', '>']).filter(|p| p.starts_with(|c: char| c.is_ascii_alphabetic()));
    count('#') * 10_000 + count('.') * 100 + names.count()
}

/// Whether a block with that in front of it holds rules, and not declarations.
fn has_rules(prelude: &str) -> bool {
    let lower = prelude.get(..11).unwrap_or(prelude).to_ascii_lowercase();
    ["@media", "@supports", "@layer", "@container", "@scope"].iter().any(|known| lower.starts_with(known))
        // Their frames are named by percentages; they end in nothing that is seen.
        || lower.starts_with("@keyframes")
        || lower.starts_with("@-")
}

/// When the rules in a block hold, by what stands in front of it.
fn when_of_block(prelude: &str) -> When {
    let lower = prelude.to_ascii_lowercase();
    match lower.strip_prefix("@media") {
        Some(query) => when_of_media(query.trim()),
        None if lower.starts_with("@layer") => When::Always,
        None if lower.starts_with("@keyframes") || lower.starts_with("@-") => When::Never,
        None => When::OnSomeScreens,
    }
}

/// When the rules of a `style` element hold, by its start tag.
fn when_of_element(tag: &str) -> When {
    let lower = tag.to_ascii_lowercase();
    let Some((_, value)) = lower.split_once("media=") else { return When::Always };
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let query = match quote {
        Some(quote) => value[1..].split(quote).next(),
        None => value.split([' ', '>']).next(),
    };
    when_of_media(query.unwrap_or_default().trim())
}

fn when_of_media(query: &str) -> When {
    match query {
        "" | "all" | "screen" | "only screen" => When::Always,
        _ if query.contains("print") || query.contains("speech") => When::Never,
        _ => When::OnSomeScreens,
    }
}

fn without_comments(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some(at) = memmem::find(rest.as_bytes(), b"/*") {
        out.push_str(&rest[..at]);
        let end = memmem::find(&rest.as_bytes()[at + 2..], b"*/").map_or(rest.len(), |n| at + 2 + n + 2);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// Whether the body has a style sheet, be it for some readers or for all.
pub(crate) fn has_sheet(body: &[u8]) -> bool {
    next_style(body).is_some()
}

/// The next `style` element outside comments: its start tag, and what it holds.
fn next_style(body: &[u8]) -> Option<(std::ops::Range<usize>, std::ops::Range<usize>)> {
    let mut at = 0;
    while let Some(tag) = memchr(b'<', body.get(at..)?).map(|n| at + n) {
        let rest = &body[tag..];
        if rest.starts_with(b"<!--") {
            at = tag + 4 + memmem::find(&rest[4..], b"-->")?;
            continue;
        }
        let is_style = rest.get(1..6).is_some_and(|name| name.eq_ignore_ascii_case(b"style"))
            && rest.get(6).is_some_and(|b| b.is_ascii_whitespace() || *b == b'>');
        if !is_style {
            at = tag + 1;
            continue;
        }
        let start = tag + memchr(b'>', rest)? + 1;
        let is_end =
            |n: &usize| body.get(start + n + 2..start + n + 7).is_some_and(|name| name.eq_ignore_ascii_case(b"style"));
        let end = memmem::find_iter(&body[start..], b"</").find(is_end).map_or(body.len(), |n| start + n);
        return Some((tag..start, start..end));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a page with this sheet says of an element with this class.
    fn check(css: &str, (name, class): (&str, &str), (hidden, varies): (bool, bool)) {
        let charset = Charset::from_label(Some("utf-8"), b"").unwrap_or_else(|e| panic!("{e}"));
        let sheet = Sheet::read(format!("<style>{css}</style>").as_bytes(), charset).unwrap_or_else(|e| panic!("{e}"));
        let shown = sheet.shown(name, class, "");
        assert_eq!((shown.hidden, shown.varies), (hidden, varies), "{css} on {name}.{class}");
    }

    #[test]
    fn a_class_that_hides_hides() {
        for css in [
            ".x{display:none}",
            "<!-- .a, p.b , .x { color:red; display : NONE !important } -->",
            ".a .x{visibility:hidden}",
            ".a > p.x{mso-hide:all}",
            "@import url(a.css); .x{max-height:0}",
            "/* .x{display:block} */ .X{opacity:0}",
            ".x{display:none} p{display:block}",
            "@media all{.x{display:none}}",
            "@font-face{font-family:a} .x{display:none}",
        ] {
            check(css, ("p", "a x"), (true, false));
        }
    }

    #[test]
    fn what_names_something_else_does_not() {
        for css in [
            ".y{display:none}",
            "残念{display:none}",
            "div.x{display:none}",
            ".x.y{display:none}",
            ".x:hover{display:none}",
            ".x[hidden]{display:none}",
            ".ExternalClass .x{display:none}",
            ".x{display:none} .x{display:block}",
            ".x{display:none} p.x{display:inline}",
            "@media print{.x{display:none}}",
            "@keyframes a{from{opacity:0}} p{color:red}",
            ".x{",
            "}}.x",
        ] {
            check(css, ("p", "x"), (false, false));
        }
    }

    #[test]
    fn what_only_some_screens_show_is_seen_and_known_for_it() {
        check("@media (max-width:600px){.x{display:none!important}}", ("p", "x"), (false, true));
        check(
            ".x{display:none} @media only screen and (max-width:600px){ .x{display:block} }",
            ("p", "x"),
            (false, true),
        );
        check("@media (max-width:600px){.x{width:100%}} .x{color:red}", ("p", "x"), (false, false));
    }

    #[test]
    fn sheets_in_comments_are_for_outlook_alone_and_are_not_read() {
        let charset = Charset::from_label(Some("utf-8"), b"").unwrap_or_else(|e| panic!("{e}"));
        let read = |body: &str| Sheet::read(body.as_bytes(), charset).map(|s| s.rules.len());
        assert_eq!(read("<!--[if mso]><style>.x{display:none}</style><![endif]-->"), Ok(0));
        assert_eq!(
            read("<STYLE type='text/css'>.x{display:none}</STYLE><style media=\"print\">p{margin:0}</style>"),
            Ok(1)
        );
        assert_eq!(read("<style>.x{display:none}"), Ok(1));
        assert_eq!(read(&format!("<style>{}</style>", ".x{display:none}".repeat(600))), Err(HtmlFault::Ambiguous));
    }

    proptest::proptest! {
        #[test]
        fn no_sheet_panics(css in "([.#a{}@mei:;/*<>! \\-残0,]{0,20}(\\{display:none\\})?){0,4}") {
            let charset = Charset::from_label(Some("utf-8"), b"").unwrap_or_else(|e| panic!("{e}"));
            let _ = Sheet::read(format!("<style>{css}</style>").as_bytes(), charset).map(|s| s.shown("p", "a", ""));
        }
    }
}
