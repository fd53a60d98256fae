//! An MTA-STS policy (RFC 8461 3.2) and the record that announces it (3.1), read from their octets.

use std::time::Duration;

/// The longest time a policy may be believed: a year, in seconds (RFC 8461 3.2).
const AGE_SECONDS_MAX: u64 = 31_557_600;
/// Patterns of one policy.
const PATTERNS_MAX: usize = 100;

/// What becomes of mail for servers that do not fit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::deliver) enum Mode {
    /// It is not sent there.
    Enforce,
    /// It is sent, and counted.
    Testing,
    /// As if there were no policy.
    None,
}

/// What a domain says of its mail servers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::deliver) struct Policy {
    pub(in crate::deliver) mode: Mode,
    /// Names of servers, or `*.` and a name for all with one label in front of it.
    mx: Vec<String>,
    /// How long it is believed.
    pub(super) max_age: Duration,
}

impl Policy {
    /// Reads the lines of a policy file; nothing when it is none. Of a repeated key the first counts, and keys that are
    /// not known say nothing.
    pub(super) fn parse(octets: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(octets).ok()?;
        let pairs = || text.lines().filter_map(|line| line.split_once(':')).map(|(k, v)| (k.trim(), v.trim()));
        let value = |key: &str| pairs().find(|(k, _)| *k == key).map(|(_, v)| v);
        if value("version")? != "STSv1" {
            return None;
        }
        let mode = match value("mode")? {
            "enforce" => Mode::Enforce,
            "testing" => Mode::Testing,
            "none" => Mode::None,
            _ => return None,
        };
        let seconds: u64 = value("max_age")?.parse().ok()?;
        let max_age = Duration::from_secs(seconds.min(AGE_SECONDS_MAX));
        let patterns = pairs().filter(|(k, _)| *k == "mx").take(PATTERNS_MAX);
        let mx: Vec<String> = patterns.map(|(_, v)| v.trim_end_matches('.').to_ascii_lowercase()).collect();
        let is_name = |p: &String| p.strip_prefix("*.").is_none_or(|rest| !rest.is_empty()) && !p.is_empty();
        let named = mode == Mode::None || !mx.is_empty();
        (named && mx.iter().all(is_name)).then_some(Self { mode, mx, max_age })
    }

    /// The policy as a file that [`Policy::parse`] reads.
    pub(super) fn text(&self) -> String {
        let mode = match self.mode {
            Mode::Enforce => "enforce",
            Mode::Testing => "testing",
            Mode::None => "none",
        };
        let mut lines = vec!["version: STSv1".to_owned(), format!("mode: {mode}")];
        lines.extend(self.mx.iter().map(|pattern| format!("mx: {pattern}")));
        lines.push(format!("max_age: {}\n", self.max_age.as_secs()));
        lines.join("\n")
    }

    /// Whether a server is among those it names (RFC 8461 4.1).
    pub(in crate::deliver) fn covers(&self, host: &str) -> bool {
        self.mx.iter().any(|pattern| match pattern.strip_prefix("*.") {
            None => pattern.eq_ignore_ascii_case(host),
            Some(parent) => {
                host.split_once('.').is_some_and(|(first, rest)| !first.is_empty() && rest.eq_ignore_ascii_case(parent))
            }
        })
    }
}

/// The id that the TXT records of `_mta-sts` announce; nothing when not exactly one of them is such a record.
pub(super) fn id(records: &[Vec<u8>]) -> Option<String> {
    let mut announcing = records.iter().filter(|r| r.starts_with(b"v=STSv1;"));
    let (Some(record), None) = (announcing.next(), announcing.next()) else { return None };
    let text = std::str::from_utf8(record).ok()?;
    let id = text.split(';').find_map(|field| field.trim().strip_prefix("id="))?.trim();
    let fine = (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    fine.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: &str =
        "version: STSv1\r\nmode: enforce\r\nmx: mail.x.example\r\nmx: *.X.example.\r\nmax_age: 604800\r\n";

    fn parse(text: &str) -> Option<Policy> {
        Policy::parse(text.as_bytes())
    }

    #[test]
    fn a_policy_names_its_servers_by_name_or_by_one_label() {
        let policy = parse(POLICY).unwrap_or_else(|| panic!("no policy"));
        assert_eq!((policy.mode, policy.max_age), (Mode::Enforce, Duration::from_hours(168)));
        let covered = ["mail.x.example", "MX1.x.example"];
        assert!(covered.iter().all(|host| policy.covers(host)));
        let others = ["x.example", "a.b.x.example", "mail.y.example", ".x.example", ""];
        assert!(!others.iter().any(|host| policy.covers(host)));
    }

    #[test]
    fn a_policy_is_read_back_from_its_own_text() {
        for mode in ["enforce", "testing", "none"] {
            let policy = parse(&POLICY.replace("enforce", mode)).unwrap_or_else(|| panic!("no policy"));
            assert_eq!(parse(&policy.text()), Some(policy));
        }
    }

    #[test]
    fn what_is_not_whole_is_no_policy() {
        for (from, to) in
            [("STSv1", "STSv2"), ("enforce", "maybe"), ("max_age: 604800", ""), ("604800", "-1"), ("mx:", "xm:")]
        {
            assert_eq!(parse(&POLICY.replace(from, to)), None, "{from} as {to}");
        }
        assert_eq!(parse("version: STSv1\nmode: none\nmax_age: 1\n").map(|p| p.mode), Some(Mode::None));
        assert_eq!(Policy::parse(b"version: STSv1\nmode: \xff"), None);
    }

    #[test]
    fn the_first_of_a_repeated_key_counts_and_nothing_is_believed_for_more_than_a_year() {
        let policy = parse(&format!("{POLICY}mode: none\nmax_age: 1\nweather: fine\n"));
        assert_eq!(policy.map(|p| (p.mode, p.max_age.as_secs())), Some((Mode::Enforce, 604_800)));
        let policy = parse(&POLICY.replace("604800", "99999999999"));
        assert_eq!(policy.map(|p| p.max_age), Some(Duration::from_secs(AGE_SECONDS_MAX)));
    }

    #[test]
    fn an_announcement_is_one_record_with_an_id() {
        let id = |records: &[&str]| id(&records.iter().map(|r| r.as_bytes().to_vec()).collect::<Vec<_>>());
        assert_eq!(id(&["v=spf1 -all", "v=STSv1; id=20261122T1; x=y;"]).as_deref(), Some("20261122T1"));
        assert_eq!(id(&["v=STSv1; id=1;", "v=STSv1; id=2;"]), None);
        assert_eq!(id(&["v=STSv1;"]), None);
        assert_eq!(id(&["v=STSv1; id=a b;"]), None);
        assert_eq!(id(&["v=STSv1 ; id=1;"]), None);
    }

    proptest! {
        #[test]
        fn any_octets_are_read_without_a_panic(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            Policy::parse(&octets);
            id(&[octets]);
        }
    }
}
