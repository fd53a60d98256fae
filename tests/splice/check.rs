//! What must hold of any mail: nothing is done to it, or octets are put in and every reader finds the rest as it was.

use std::net::Ipv4Addr;
use std::sync::Arc;

use career_relay::classify::Rules;
use career_relay::config::example_company;
use career_relay::inject::{self, SignedMail, Target};
use career_relay::mail::address::Domain;
use career_relay::mail::edit::Edits;
use career_relay::mail::message::Message;
use career_relay::mail::view::View;
use career_relay::pipeline::{self, Client, InForce, Outcome, Policy, Received, Relaying};
use career_relay::referral::CompanyKeys;
use career_relay::referral::link::LinkTemplate;
use career_relay::referral::wording::{Language, LineText, Wording};
use jiff::Timestamp;
use mail_parser::{MessageParser, PartType};
use proptest::test_runner::TestCaseError;

use crate::mails::Mail;
use crate::tally::Seen;

const MARK: &str = "careerrelay.jp/r/";
const TOKEN: &str = "sakura-abcdefghijklmnopqrstuvwx23";
/// Longest line that mail may carry (RFC 5322 2.1.1).
const LINE_OCTETS_MAX: usize = 998;

/// A company in force, and the line it gives.
pub struct Bench {
    policy: Policy,
    wording: Wording,
    template: LinkTemplate,
    now: Timestamp,
}

impl Bench {
    pub fn new() -> Self {
        let mut company = example_company().unwrap_or_else(|faults| panic!("{faults}"));
        let domains = ["sakura.example", "example.co.jp", "sample.example"];
        company.sender_domains = domains.iter().filter_map(|d| Domain::parse(d).ok()).collect();
        let keys = CompanyKeys::derive(&[0; 32], &company.id, 1);
        let rules = Arc::new(Rules::built_in());
        Self {
            policy: Policy::new(vec![InForce { company, keys }], Relaying::default(), rules),
            wording: Wording::default(),
            template: LinkTemplate::parse(&format!("https://{MARK}{{token}}")).expect("a template"),
            now: Timestamp::from_second(1_790_000_000).expect("a time"),
        }
    }

    /// What becomes of the mail, if it is what may become of one.
    pub fn check(&self, mail: &Mail) -> Result<Seen, TestCaseError> {
        let edits = self.edits_behind_any_line(mail);
        if let Some(edits) = &edits {
            check_splice(&mail.octets, edits, mail.is_whole)?;
        }
        let copies = self.copies(&mail.octets);
        for edits in &copies {
            check_splice(&mail.octets, edits, mail.is_whole)?;
        }
        Ok(Seen { spliced: edits.is_some(), referred: copies.iter().any(|edits| !edits.is_empty()) })
    }

    /// Whatever the classifier might point at.
    fn edits_behind_any_line(&self, mail: &Mail) -> Option<Edits> {
        let message = Message::read(&mail.octets);
        let view = View::read(&message);
        let target = |(text_part, part): (usize, &career_relay::mail::view::TextPart)| {
            let result_line = mail.result_line % part.lines.len().max(1);
            Target::at_lines(&view, text_part, result_line, mail.closing_behind.map(|n| result_line + n))
        };
        let targets: Vec<Target> = view.parts.iter().enumerate().filter_map(target).collect();
        let url = self.template.url(TOKEN).expect("a link");
        let line = LineText { wording: &self.wording, language: Language::Ja, url, template: &self.template };
        let injected = inject::line_edits(&message, &view, &targets, &line, SignedMail::Refuse).ok()?;
        Some(injected.edits)
    }

    /// The edits of each copy that the whole pipeline makes of it.
    fn copies(&self, octets: &[u8]) -> Vec<Edits> {
        let client = Client::at(Ipv4Addr::LOCALHOST.into());
        let envelope = pipeline::envelope_of(&Message::read(octets));
        let received = Received { client, envelope, message: octets.to_vec().into() };
        match pipeline::process(&received, &self.policy, self.now) {
            Outcome::Referred(referred) => referred.copies.into_iter().map(|copy| copy.edits).collect(),
            Outcome::Untouched(_) | Outcome::Held(_) => Vec::new(),
        }
    }
}

fn check_splice(raw: &[u8], edits: &Edits, is_whole: bool) -> Result<(), TestCaseError> {
    let output = edits.apply(raw);
    let mut rest = output.clone();
    for edit in edits.iter() {
        let taken: Vec<u8> = rest.splice(edit.at..edit.at + edit.insert.len(), []).collect();
        ensure(taken == *edit.insert, "other octets were put in", &output)?;
    }
    ensure(rest == raw, "more was done than putting octets in", &output)?;
    let longest = |octets: &[u8]| octets.split(|b| *b == b'\n').map(|l| l.trim_ascii_end().len()).max().unwrap_or(0);
    ensure(longest(&output) <= LINE_OCTETS_MAX.max(longest(raw)), "a line over 998 octets", &output)?;
    if edits.is_empty() { Ok(()) } else { check_by_another_reader(raw, &output, is_whole) }
}

/// The parts as `mail-parser` decodes them: the same but for the line. In mail that had harm done to it that reader
/// sees other parts than most do, so only their number is compared.
fn check_by_another_reader(raw: &[u8], output: &[u8], is_whole: bool) -> Result<(), TestCaseError> {
    let parser = MessageParser::default();
    let (Some(old), Some(new)) = (parser.parse(raw), parser.parse(output)) else {
        return ensure(parser.parse(raw).is_none(), "another reader reads it no more", output);
    };
    ensure(old.parts.len() == new.parts.len(), "another reader sees other parts", output)?;
    if !is_whole {
        return Ok(());
    }
    let mut lines = 0;
    for (old, new) in old.parts.iter().zip(&new.parts) {
        ensure(old.headers.len() == new.headers.len(), "another reader sees other fields", output)?;
        match (&old.body, &new.body) {
            (PartType::Text(old), PartType::Text(new)) | (PartType::Html(old), PartType::Html(new)) => {
                let count = |text: &str| text.matches(MARK).count();
                if old != new {
                    ensure(count(new) > count(old), "another reader does not see the link", output)?;
                    lines += 1;
                }
            }
            _ => ensure(old.contents() == new.contents(), "another reader sees another attachment", output)?,
        }
    }
    ensure(lines > 0, "another reader sees no line", output)
}

fn ensure(holds: bool, fault: &str, output: &[u8]) -> Result<(), TestCaseError> {
    if holds {
        return Ok(());
    }
    Err(TestCaseError::fail(format!("{fault}: {}", output.escape_ascii())))
}
