//! The test mail itself, made with lettre's builder.

use jiff::Timestamp;
use lettre::Message;
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};

use crate::control::test_mail::TestKind;
use crate::mail::address::{Address, Domain};
use crate::sys::{clock, random};
use crate::watch::TEST_FIELD;

/// The recipient a test rejection shows. RFC 2606 keeps `.invalid` for names that nobody has: since it is not the
/// envelope's domain, no career-relay anywhere takes the envelope's recipient for the candidate.
const SHOWN: &str = "candidate@send-test.invalid";

const OTHER_SUBJECT: &str = "career-relay: test mail / 送信テスト";

const OTHER: &str = "\
This is a test mail of career-relay. An administrator has sent it to see
whether mail gets through. Nothing needs to be done.

これは career-relay の送信テストです。メールが届くことを管理者が確かめる
ために送りました。何もしていただく必要はありません。
";

const REJECTION_SUBJECT: &str = "【送信テスト】選考結果のご連絡";

const REJECTION: &str = "\
テスト 太郎 様

採用担当です。
先日は弊社の営業職にご応募いただき、誠にありがとうございました。

慎重に選考を重ねました結果、誠に残念ではございますが、
今回は採用を見送らせていただくこととなりました。
何卒ご了承くださいますようお願い申し上げます。

末筆ながら、今後のご活躍を心よりお祈り申し上げます。

-- 
これは career-relay の送信テストです。実在の応募者あてのものではありません。
This is a test mail of career-relay. It is not about anybody.
";

/// A mail to be handed in.
pub(super) struct TestMail {
    pub from: Address,
    pub to: Address,
    pub message_id: String,
    pub subject: &'static str,
    /// Its octets, without the last line end, which the transport adds.
    pub octets: Vec<u8>,
}

impl TestMail {
    /// Whether its addresses need SMTPUTF8.
    pub(super) fn needs_smtputf8(&self) -> bool {
        self.from.needs_smtputf8() || self.to.needs_smtputf8()
    }
}

/// Makes the mail; with a token it is known again by the server that gave it.
pub(super) fn compose(kind: TestKind, (from, to): (Address, Address), token: Option<&str>) -> Result<TestMail, String> {
    compose_at(kind, (from, to), token, clock::now())
}

fn compose_at(
    kind: TestKind,
    (from, to): (Address, Address),
    token: Option<&str>,
    now: Timestamp,
) -> Result<TestMail, String> {
    let domain = from.domain().ok_or_else(|| format!("{} has no domain: name another --from", from.as_str()))?;
    let message_id = format!("<test.{:016x}@{}>", u64::from_be_bytes(random::octets()), domain.as_str());
    let nobodys = |domain: &Domain| domain.as_str().rsplit('.').next() == Some("invalid");
    if kind == TestKind::Rejection && to.domain().is_some_and(nobodys) {
        return Err(format!("{}: name a mailbox that exists", to.as_str()));
    }
    let (subject, shown, body) = match kind {
        TestKind::Other => (OTHER_SUBJECT, to.as_str(), OTHER),
        TestKind::Rejection => (REJECTION_SUBJECT, SHOWN, REJECTION),
    };
    let author: lettre::Address =
        from.as_str().parse().map_err(|e| format!("{}: {e}; name another --from", from.as_str()))?;
    // The envelope is ours to say; the builder wants one all the same, and does not take every address there is.
    let unused = Envelope::new(Some(author.clone()), vec![author.clone()]).map_err(|e| e.to_string())?;
    let raw = |name, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
    let message = Message::builder()
        .envelope(unused)
        .from(Mailbox::new(None, author))
        .raw_header(raw("To", shown))
        .date(now.into())
        .message_id(Some(message_id.clone()))
        .subject(subject)
        .raw_header(raw("Auto-Submitted", "auto-generated"))
        .raw_header(raw(TEST_FIELD, token.unwrap_or("not announced")))
        .header(ContentType::TEXT_PLAIN)
        .body(body.to_owned())
        .map_err(|e| format!("the mail cannot be made: {e}"))?;
    let mut octets = message.formatted();
    octets.truncate(octets.trim_ascii_end().len());
    Ok(TestMail { from, to, message_id, subject, octets })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::classify::Rules;
    use crate::config::example_company;
    use crate::mail::envelope;
    use crate::mail::message;
    use crate::pipeline::{Client, InForce, Outcome, Policy, Received, Relaying, process};
    use crate::referral::CompanyKeys;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    /// What the live example company's gateway, which knows no mark, does with a test mail; and what it would do were
    /// the recipient the one the mail shows.
    fn outcomes(kind: TestKind, to: &str) -> [String; 2] {
        let mail = compose(kind, (address("hr@sample.example"), address(to)), None).unwrap_or_else(|e| panic!("{e}"));
        let company = example_company().unwrap_or_else(|e| panic!("{e}"));
        let keys = CompanyKeys::derive(&[1; 32], &company.id, 1);
        let policy = Policy::new(vec![InForce { company, keys }], Relaying::default(), Arc::new(Rules::built_in()));
        let shown = message::Message::read(&mail.octets).to_and_cc().to_vec();
        [vec![mail.to.clone()], shown].map(|recipients| {
            let sender = Some(mail.from.clone());
            let envelope = envelope::Envelope { sender, recipients, ..envelope::Envelope::default() };
            let client = Client::at([127, 0, 0, 1].into());
            let message = mail.octets.clone().into();
            match process(&Received { client, envelope, message }, &policy, Timestamp::now()) {
                Outcome::Referred(_) => "referred".to_owned(),
                Outcome::Held(held) => held.reason.to_owned(),
                Outcome::Untouched(untouched) => untouched.reason.to_owned(),
            }
        })
    }

    #[test]
    fn no_test_mail_counts_at_a_server_that_does_not_know_its_mark() {
        for to in ["admin@mail.example", "admin@send-test.example", "x@gmail.com"] {
            assert_eq!(outcomes(TestKind::Rejection, to), ["recipients_differ", "referred"]);
            assert_eq!(outcomes(TestKind::Other, to), ["not_recruiting", "not_recruiting"]);
        }
        assert_eq!(outcomes(TestKind::Rejection, "boss@sample.example")[0], "own_domain");
        let shown = (address("hr@sample.example"), address(SHOWN));
        assert!(compose(TestKind::Rejection, shown, None).is_err_and(|e| e.contains("a mailbox that exists")));
    }

    #[test]
    fn the_mail_bears_its_mark_and_an_address_that_others_refuse() {
        let to = "foo..bar.@docomo.ne.jp";
        let made = compose(TestKind::Other, (address("hr@sample.example"), address(to)), Some("0123"));
        let mail = made.unwrap_or_else(|e| panic!("{e}"));
        let text = String::from_utf8_lossy(&mail.octets).into_owned();
        for part in ["X-Career-Relay-Test: 0123\r\n", "To: foo..bar.@docomo.ne.jp\r\n", &mail.message_id] {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
        assert!(text.is_ascii() && !text.ends_with('\n'));
    }
}
