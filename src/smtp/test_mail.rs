//! Test mails of `send-test` as they come in: decided on like any mail, left as they came, and never a referral.
//!
//! Only a token that was drawn by this server, told over its admin socket and not used yet makes a mail a test mail. A
//! stranger who writes the header field changes nothing: his mail is treated like any other.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::deliver::HandThrough;
use crate::mail::message::Message;
use crate::pipeline::{Outcome, Received, Untouched};
use crate::spool::EntryId;
use crate::watch::{Step, TEST_FIELD, Watch};

/// Why a test mail is left as it came.
const TEST_MAIL: &str = "test_mail";

/// A test mail as it shows itself: to be asked about in place of the one received, whose recipient is the admin.
/// `None` for every other mail.
pub(super) fn recognise(received: &Received, id: &EntryId, watch: &Watch) -> Option<Received> {
    if !watch.is_expecting_test() {
        return None;
    }
    // What is looked at is a stranger's: an error of ours in reading it must not cost a mail.
    catch_unwind(AssertUnwindSafe(|| {
        let message = Message::read(&received.message);
        let mut tokens = message.headers(TEST_FIELD);
        let token = tokens.next().filter(|_| tokens.next().is_none())?;
        if !watch.begin_test(token.trim(), id.as_str()) {
            return None;
        }
        let mut shown = received.clone();
        if !message.to_and_cc().is_empty() {
            shown.envelope.recipients = message.to_and_cc().to_vec();
        }
        Some(shown)
    }))
    .unwrap_or_default()
}

/// Notes what would become of such a mail, and leaves it as it came.
pub(super) fn leave(would: Outcome, id: &EntryId, watch: &Watch) -> Outcome {
    let (company, code, rejection) = match would {
        Outcome::Referred(referred) => (Some(referred.company), "referred", true),
        Outcome::Held(held) => (Some(held.referred.company), held.reason, false),
        Outcome::Untouched(untouched) => (untouched.company, untouched.reason, untouched.rejection_seen),
    };
    let named = company.as_ref().map(ToString::to_string);
    watch.step(id.as_str(), || Step::Decided { company: named, would: code.to_owned(), rejection });
    Outcome::Untouched(Untouched { company, reason: TEST_MAIL, rejection_seen: false, evidence: Vec::new() })
}

/// Notes what the next hop said while the client waited.
pub(super) fn note_handed(handed: &HandThrough, id: &EntryId, watch: &Watch) {
    if !watch.follows(id.as_str()) {
        return;
    }
    let settled = match handed {
        HandThrough::Settled(settled) => settled,
        HandThrough::Spool(why) => return watch.step(id.as_str(), || Step::Kept { why: why.code().to_owned() }),
        HandThrough::InDoubt(_) => return watch.step(id.as_str(), || Step::Kept { why: "in_doubt".to_owned() }),
    };
    for outcome in &settled.outcomes {
        watch.step(id.as_str(), || Step::Tried {
            next_hop: settled.next_hop.clone(),
            route: settled.route.clone(),
            end: outcome.end().code().to_owned(),
            reply: Some(outcome.reply().to_string()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::address::Address;
    use crate::mail::envelope::Envelope;
    use crate::pipeline::{Client, Referred};
    use crate::referral::CompanyId;

    fn received(fields: &str) -> Received {
        let recipient = Address::parse("admin@sakura.example").expect("an address");
        let message = format!("From: hr@sakura.example\r\nTo: shown@mail.example\r\n{fields}\r\n").into();
        let envelope = Envelope { recipients: vec![recipient], ..Envelope::default() };
        Received { client: Client::at([127, 0, 0, 1].into()), envelope, message }
    }

    fn id() -> EntryId {
        EntryId::parse("m1").expect("an id")
    }

    #[test]
    fn a_mail_is_a_test_mail_by_a_token_of_ours_alone() {
        let watch = Watch::new();
        let with = |token: &str| received(&format!("X-Career-Relay-Test: {token}\r\n"));
        assert!(recognise(&with(""), &id(), &watch).is_none());
        let token = watch.announce_test();
        for stranger in [with(""), with("yes"), with(&token[1..]), received("")] {
            assert!(recognise(&stranger, &id(), &watch).is_none());
        }
        let twice = received(&format!("X-Career-Relay-Test: {token}\r\nX-Career-Relay-Test: {token}\r\n"));
        assert!(recognise(&twice, &id(), &watch).is_none());
        let shown = recognise(&with(&token), &id(), &watch).expect("a test mail");
        assert_eq!(shown.envelope.recipients[0].as_str(), "shown@mail.example");
        assert!(recognise(&with(&token), &id(), &watch).is_none());
    }

    #[test]
    fn a_test_mail_is_left_as_it_came_and_counts_as_nothing() {
        let watch = Watch::new();
        let token = watch.announce_test();
        assert!(watch.begin_test(&token, "m1"));
        let company = CompanyId::parse("sakura").expect("an id");
        let referred =
            Referred { company, copies: Vec::new(), evidence: Vec::new(), inserted: Vec::new(), signing: None };
        let Outcome::Untouched(left) = leave(Outcome::Referred(referred), &id(), &watch) else { panic!("a referral") };
        assert_eq!((left.reason, left.rejection_seen, left.evidence.len()), ("test_mail", false, 0));
        let (_, made) = watch.test_story(&token).expect("a story");
        let decided =
            Step::Decided { company: Some("sakura".to_owned()), would: "referred".to_owned(), rejection: true };
        assert_eq!(made.last().map(|m| &m.step), Some(&decided));
    }
}
