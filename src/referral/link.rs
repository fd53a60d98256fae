//! The shape of a company's tracked links: one template, filled with one token per referral.

use std::fmt;

/// Longest filled link, in octets: it stands on a line of its own and is never broken.
pub const URL_OCTETS_MAX: usize = 72;
/// Longest token a template must have room for, in octets.
pub const TOKEN_OCTETS_MAX: usize = 47;

/// Wrapped links are looked into this deep.
const WRAPPERS_MAX: usize = 3;
const SLOT: &str = "{token}";
const SCHEME: &str = "https://";

/// Where a company's links lead, such as `https://careerrelay.jp/r/{token}`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LinkTemplate {
    before: Box<str>,
    after: Box<str>,
}

impl LinkTemplate {
    /// Parses a template: `https`, exactly one `{token}` behind the host, and short enough when filled.
    ///
    /// # Errors
    /// What is wrong with it; each fault's text says how to mend it.
    pub fn parse(text: &str) -> Result<Self, LinkFault> {
        if !text.bytes().all(is_url_octet) {
            return Err(LinkFault::Characters);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(LinkFault::NotHttps)?;
        if text.matches(SLOT).count() != 1 {
            return Err(LinkFault::TokenSlot);
        }
        let (before, after) = text.split_once(SLOT).ok_or(LinkFault::TokenSlot)?;
        if before.contains(['{', '}']) || after.contains(['{', '}']) {
            return Err(LinkFault::TokenSlot);
        }
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if !is_host(host) || before.len() <= SCHEME.len() + host.len() + 1 {
            return Err(LinkFault::Host);
        }
        let filled = before.len() + TOKEN_OCTETS_MAX + after.len();
        if filled > URL_OCTETS_MAX {
            return Err(LinkFault::TooLong { over: filled - URL_OCTETS_MAX });
        }
        Ok(Self { before: before.into(), after: after.into() })
    }

    /// The link of one referral.
    ///
    /// # Errors
    /// When the token is empty, too long, or holds anything but ASCII letters, digits, `-` and `_`.
    pub fn url(&self, token: &str) -> Result<LinkUrl, LinkFault> {
        if token.is_empty() || token.len() > TOKEN_OCTETS_MAX || !token.bytes().all(is_token_octet) {
            return Err(LinkFault::Token);
        }
        Ok(LinkUrl([&self.before, token, &self.after].concat().into()))
    }

    /// The token of the link of this template that a link leads to: itself, or wrapped up by a click counter or a mail
    /// scanner, which write the true target percent-encoded (RFC 3986 2.1) into their own.
    pub fn token_behind(&self, url: &str) -> Option<String> {
        let mut octets = url.as_bytes().to_vec();
        for _ in 0..WRAPPERS_MAX {
            if let Some(token) = self.token_in(&octets) {
                return Some(token.to_owned());
            }
            octets = unescape(&octets)?;
        }
        self.token_in(&octets).map(str::to_owned)
    }

    /// Whether a link of this template stands in `text`, with or without its scheme.
    pub fn recognises(&self, text: &str) -> bool {
        self.token_in(text.as_bytes()).is_some()
    }

    /// The token of the first link of this template in `octets` of any charset whose ASCII is ASCII.
    pub fn token_in<'t>(&self, octets: &'t [u8]) -> Option<&'t str> {
        let needle = &self.before.as_bytes()[SCHEME.len()..];
        let (first, rest) = needle.split_first()?;
        let (low, high) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
        memchr::memchr2_iter(low, high, octets).find_map(|at| {
            let tail = octets.get(at + 1..at + needle.len()).filter(|t| t.eq_ignore_ascii_case(rest))?;
            let alone = octets[..at].last().is_none_or(|b| !b.is_ascii_alphanumeric() && !b".-_@".contains(b));
            let token = &octets[at + 1 + tail.len()..];
            let end = token.iter().position(|b| !is_token_octet(*b)).unwrap_or(token.len());
            std::str::from_utf8(&token[..end]).ok().filter(|t| alone && !t.is_empty())
        })
    }
}

impl fmt::Display for LinkTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{SLOT}{}", self.before, self.after)
    }
}

/// A filled link: ASCII, `https`, at most [`URL_OCTETS_MAX`] octets, no blank in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LinkUrl(Box<str>);

impl LinkUrl {
    /// No link: the words stand alone.
    pub fn none() -> Self {
        Self("".into())
    }

    /// The link as it is written; empty where there is none.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LinkUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a link template, or a token no token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LinkFault {
    /// Not `https://`.
    #[error("the link must begin with https://")]
    NotHttps,
    /// No host, a host with a port or a user in it, or no path before the token.
    #[error("the link needs a plain host name and a path, as in https://careerrelay.jp/r/{{token}}")]
    Host,
    /// `{token}` is missing, doubled, or other braces stand in it.
    #[error("write {{token}} exactly once, behind the host")]
    TokenSlot,
    /// Octets that cannot stand in a link unescaped.
    #[error("the link may hold printable ASCII only, without blanks, quotes and angle brackets")]
    Characters,
    /// Longer than [`URL_OCTETS_MAX`] once filled.
    #[error("the filled link would be {over} octets too long: shorten the path or the host")]
    TooLong {
        /// By how many octets.
        over: usize,
    },
    /// Not a token.
    #[error("a token is 1 to {TOKEN_OCTETS_MAX} ASCII letters, digits, - and _")]
    Token,
}

/// The octets with their percent escapes resolved; `None` when there are none.
fn unescape(octets: &[u8]) -> Option<Vec<u8>> {
    let first = memchr::memchr(b'%', octets)?;
    let hex = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut out = octets[..first].to_vec();
    let mut rest = &octets[first..];
    while let Some((octet, behind)) = rest.split_first() {
        let escaped = match (octet, behind) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        out.push(escaped.map_or(*octet, |(high, low)| high << 4 | low));
        rest = if escaped.is_some() { &behind[2..] } else { behind };
    }
    Some(out)
}

/// Printable ASCII that mail readers keep within a link, and the braces of the slot.
fn is_url_octet(b: u8) -> bool {
    b.is_ascii_graphic() && !b"\"'<>\\^`|".contains(&b)
}

fn is_token_octet(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'-' || b == b'_'
}

fn is_host(host: &str) -> bool {
    host.contains('.') && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> LinkTemplate {
        LinkTemplate::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    fn check(text: &str, fault: LinkFault) {
        assert_eq!(LinkTemplate::parse(text), Err(fault), "{text:?}");
    }

    #[test]
    fn a_link_is_found_behind_click_counters() {
        let behind = |url: &str| template("https://careerrelay.jp/r/{token}").token_behind(url);
        for url in [
            "https://careerrelay.jp/r/a-b",
            "https://click.ats.example/t?u=https%3A%2F%2Fcareerrelay.jp%2Fr%2Fa-b&x=1",
            "https://scan.example/?u=http%3a%2f%2fc.example%2f%3fu%3dhttps%253A%252F%252Fcareerrelay.jp%252Fr%252Fa-b",
        ] {
            assert_eq!(behind(url).as_deref(), Some("a-b"), "{url}");
        }
        for url in [
            "",
            "%",
            "%4",
            "https://click.ats.example/t?u=%68ttps%3A%2F%2Fx.example%2Fr%2Fa",
            "https://notcareerrelay.jp/r/a",
        ] {
            assert_eq!(behind(url), None, "{url}");
        }
    }

    #[test]
    fn a_template_is_filled_with_a_token() {
        let t = template("https://careerrelay.jp/r/{token}");
        assert_eq!(t.url("sakura-abc234").map(|u| u.to_string()), Ok("https://careerrelay.jp/r/sakura-abc234".into()));
        let longest = t.url(&"a".repeat(TOKEN_OCTETS_MAX)).map(|u| u.as_str().len());
        assert!(longest.is_ok_and(|n| n <= URL_OCTETS_MAX));
    }

    #[test]
    fn what_is_no_link_template_is_refused_with_its_fault() {
        check("http://careerrelay.jp/r/{token}", LinkFault::NotHttps);
        check("https://careerrelay.jp/r/", LinkFault::TokenSlot);
        check("https://careerrelay.jp/{token}/{token}", LinkFault::TokenSlot);
        check("https://careerrelay.jp/{name}/{token}", LinkFault::TokenSlot);
        check("https://{token}.careerrelay.jp/", LinkFault::Host);
        check("https://hr@careerrelay.jp/r/{token}", LinkFault::Host);
        check("https://careerrelay.jp{token}", LinkFault::Host);
        check("https://careerrelay.jp/r/\"{token}", LinkFault::Characters);
        check("https://キャリア.example/{token}", LinkFault::Characters);
        check("https://careerrelay.jp/recruiting/{token}", LinkFault::TooLong { over: 9 });
    }

    #[test]
    fn a_token_cannot_break_out_of_the_link() {
        let t = template("https://careerrelay.jp/r/{token}");
        for token in ["", "a b", "a\r\nb", "a/b", "a\"b", "あ", &"a".repeat(TOKEN_OCTETS_MAX + 1)] {
            assert_eq!(t.url(token), Err(LinkFault::Token), "{token:?}");
        }
    }

    #[test]
    fn the_companys_own_link_is_recognised_and_others_are_not() {
        let t = template("https://careerrelay.jp/r/{token}");
        for text in [
            "ご案内：https://careerrelay.jp/r/sakura-abc",
            "HTTPS://CareerRelay.jp/R/sakura-abc",
            "http://careerrelay.jp/r/x",
            "(careerrelay.jp/r/x)",
        ] {
            assert!(t.recognises(text), "{text}");
        }
        for text in ["https://careerrelay.jp/", "https://careerrelay.jp/r/", "https://notcareerrelay.jp/r/x", ""] {
            assert!(!t.recognises(text), "{text}");
        }
        assert_eq!(t.token_in(b"see https://careerrelay.jp/r/sakura-abc."), Some("sakura-abc"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_parses_or_is_refused(text in ".{0,80}", octets in proptest::collection::vec(0u8.., 0..80)) {
            if let Ok(t) = LinkTemplate::parse(&text) {
                assert_eq!(t.to_string(), text);
            }
            template("https://careerrelay.jp/r/{token}").token_in(&octets);
        }
    }
}
