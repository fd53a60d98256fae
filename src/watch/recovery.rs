//! Recovery lines: referrals that reached no disk but the log's, written there and read back.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ledger::ReferralEvent;

/// How many records of the journal may be wrapped around a line.
const WRAPPINGS_MAX: usize = 2;

#[derive(Serialize)]
struct Line<'a> {
    target: &'static str,
    event: &'a ReferralEvent,
}

/// One line, in one write: `{"target":"recovery","event":{…}}`.
pub(super) fn write(out: &mut impl Write, event: &ReferralEvent) -> io::Result<()> {
    // What tells the line from others comes first: a line that is cut short can be known then.
    let mut line = serde_json::to_vec(&Line { target: "recovery", event })?;
    line.push(b'\n');
    out.write_all(&line)?;
    out.flush()
}

/// Reads the referral back from a line of the log; `None` for a line that is about something else. The line may be
/// wrapped as [`read_line`] takes it.
///
/// # Errors
/// What is wrong with a line that is meant to be one.
pub fn read_recovery(line: &[u8]) -> Option<Result<ReferralEvent, String>> {
    let object = match unwrap(line, WRAPPINGS_MAX)? {
        Ok(object) => object,
        // Cut short, most likely.
        Err(why) => return is_meant(line).then(|| Err(format!("no whole object: {why}"))),
    };
    if object.get("target").and_then(Value::as_str) != Some("recovery") {
        return None;
    }
    let event = object.get("event").ok_or("it has no event".to_owned());
    Some(event.and_then(|event| ReferralEvent::deserialize(event).map_err(|why| why.to_string())).and_then(check))
}

/// Whether what is left of a line is of this kind: it has our mark or the beginning of a referral, wrapped or not.
fn is_meant(line: &[u8]) -> bool {
    let has = |text: &[u8]| line.windows(text.len()).any(|w| w == text);
    let marks: [&[u8]; 4] = [b"\"target\":\"recovery", b"target\\\":\\\"recovery", b"\"event\":{", b"event\\\":{"];
    marks.into_iter().any(has)
}

/// The object of a line of the log; `None` when there is none. What stands in front of it (time, host and process, as
/// the journal writes them) is passed over, and a record of `journalctl -o json` is opened.
pub fn read_line(line: &[u8]) -> Option<Value> {
    unwrap(line, WRAPPINGS_MAX)?.ok()
}

fn unwrap(line: &[u8], wrappings: usize) -> Option<Result<Value, serde_json::Error>> {
    let start = line.iter().position(|b| *b == b'{')?;
    let object = serde_json::Deserializer::from_slice(&line[start..]).into_iter::<Value>().next()?;
    let Ok(Some(message)) = object.as_ref().map(|o| o.get("MESSAGE").and_then(Value::as_str)) else {
        return Some(object);
    };
    if wrappings == 0 { None } else { unwrap(message.as_bytes(), wrappings - 1) }
}

/// An id of ours is letters, digits, - and _; names of routes and contract series are people's own words. None of them
/// holds an address: what has one was not written by us.
fn check(event: ReferralEvent) -> Result<ReferralEvent, String> {
    let is_id = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let is_name = |text: &str| text.len() <= 256 && !text.contains(|c: char| c == '@' || c.is_control());
    let wrong = if !(1..=64).contains(&event.transaction.len()) || !is_id(&event.transaction) {
        Some("transaction")
    } else if !is_name(&event.route) {
        Some("route")
    } else if !is_name(&event.contract.series) {
        Some("series")
    } else {
        None
    };
    wrong.map_or(Ok(event), |what| Err(format!("its {what} is none of ours")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{ContractRef, Proves};
    use crate::mail::address::Address;
    use crate::referral::{CandidateKey, CompanyId, CompanyKeys};

    fn event() -> ReferralEvent {
        let company = CompanyId::parse("sakura").unwrap_or_else(|e| panic!("{e}"));
        let keys = CompanyKeys::derive(&[3; 32], &company, 1);
        let key = keys.candidate(&Address::parse("hanako@candidate.example").unwrap_or_else(|e| panic!("{e}")));
        ReferralEvent {
            company,
            token: keys.token("main", &key),
            candidate: key,
            earlier: vec![CandidateKey { key_id: 1, octets: [8; 32] }],
            contract: ContractRef { series: "main".to_owned(), version: 1, digest: [9; 32] },
            proves: Proves::Delivered,
            route: "default".to_owned(),
            transaction: "m1".to_owned(),
            recipient: 0,
            inserted: true,
            wording: None,
            traits: None,
            at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn line(event: &ReferralEvent) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, event).unwrap_or_else(|e| panic!("{e}"));
        out
    }

    #[test]
    fn a_line_is_read_back_as_it_stands_in_any_log() {
        let line = line(&event());
        let text = String::from_utf8_lossy(&line).into_owned();
        let record = serde_json::json!({ "PRIORITY": "6", "MESSAGE": text.trim_end() }).to_string();
        let syslog = format!("Nov 22 03:00:05 gw career-relay[4711]: {text}");
        for wrapped in [
            line,
            record.into_bytes(),
            syslog.into_bytes(),
            text.replace(':', ": ").replace("1970-01-01T00: 00: 00Z", "1970-01-01T00:00:00Z").into_bytes(),
        ] {
            assert_eq!(read_recovery(&wrapped), Some(Ok(event())), "{}", String::from_utf8_lossy(&wrapped));
        }
    }

    #[test]
    fn other_lines_are_passed_over() {
        for other in [
            "",
            "\n",
            "not JSON",
            "{\"target\":\"message\",\"id\":\"m1\"}",
            "{",
            "{}",
            "recovery of the disk",
            "{\"message\":\"recovery\",\"target\":\"career_relay\"}",
        ] {
            assert_eq!(read_recovery(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_line_that_is_damaged_says_so() {
        let whole = String::from_utf8_lossy(&line(&event())).into_owned();
        for (damaged, why) in [
            (whole[..60].to_owned(), "no whole object"),
            ("{\"target\":\"recovery\"}".to_owned(), "it has no event"),
            (whole.replace("\"sakura\"", "\"Sakura!\""), "company"),
            (whole.replace("\"m1\"", "\"hanako@candidate.example\""), "its transaction is none of ours"),
            (whole.replace("\"recipient\":0", "\"recipient\":-1"), "-1"),
        ] {
            let read = read_recovery(damaged.as_bytes());
            assert!(matches!(&read, Some(Err(text)) if text.contains(why)), "{damaged}: {read:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_octets_are_read_without_a_panic(octets in proptest::collection::vec(0u8.., 0..200)) {
            read_recovery(&octets);
        }

        #[test]
        fn a_line_changed_in_one_octet_is_read_or_refused(at in 0usize..600, octet in 0u8..) {
            let mut line = line(&event());
            let at = at % line.len();
            line[at] = octet;
            read_recovery(&line);
        }
    }
}
