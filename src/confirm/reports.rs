//! What a mail proves that came to a return path of ours.

use jiff::Timestamp;

use crate::ledger::ReferralEvent;
use crate::mail::dsn::read::{Reading, Verdict, read};
use crate::pipeline::Behind;
use crate::spool::Write;

/// Reads it, and gives what is to be written down when it says for good that the mail was not delivered: the bounce of
/// a mail with the line, or that a probe is back. Warnings, receipts, answers of programs and complaints are none.
pub fn evidence(behind: &Behind, octets: &[u8], at: Timestamp) -> (Reading, Option<Write>) {
    let reading = read(octets);
    let write = (reading.verdict == Verdict::Failed).then(|| match behind {
        Behind::Mail(returned) => Write::Outbox(ReferralEvent { at, ..returned.bounce.clone() }),
        Behind::Probe(probe) => Write::ProbeBack { id: probe.id.clone(), at },
    });
    (reading, write)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{ContractVersion, Proves};
    use crate::pipeline::{Probe, Returned};
    use crate::referral::{CandidateKey, CompanyId, LinkToken};

    fn returned() -> Returned {
        let contract = ContractVersion::new("main", 1, jiff::civil::date(2026, 4, 1));
        Returned {
            sender: "saiyo@kaede.example".to_owned(),
            bounce: ReferralEvent {
                company: CompanyId::parse("kaede").unwrap_or_else(|e| panic!("{e}")),
                candidate: CandidateKey { key_id: 1, octets: [1; 32] },
                earlier: Vec::new(),
                token: LinkToken::parse(&format!("kaede-{}", "a".repeat(26))).unwrap_or_else(|e| panic!("{e}")),
                contract: contract.reference(),
                proves: Proves::Bounced,
                route: "return-path".to_owned(),
                transaction: "t1".to_owned(),
                recipient: 0,
                inserted: true,
                wording: None,
                traits: None,
                at: Timestamp::UNIX_EPOCH,
            },
        }
    }

    fn check(mail: &str, bounces: bool) {
        let at = Timestamp::from_second(9).unwrap_or_default();
        let (_, write) = evidence(&Behind::Mail(Box::new(returned())), mail.as_bytes(), at);
        let bounce = if let Some(Write::Outbox(event)) = write { Some(event) } else { None };
        let expected = bounces.then(|| ReferralEvent { at, ..returned().bounce });
        assert_eq!(bounce, expected, "{mail}");
        let (company, id) = (returned().bounce.company, "p1".to_owned());
        let (_, write) = evidence(&Behind::Probe(Probe { company, id, route: "out".to_owned() }), mail.as_bytes(), at);
        let back = matches!(&write, Some(Write::ProbeBack { id, at: when }) if id == "p1" && *when == at);
        assert_eq!((back, write.is_some()), (bounces, bounces), "{mail}");
    }

    #[test]
    fn only_a_failure_bounces_and_it_bounces_the_mail_of_the_tag() {
        let report = |action: &str| {
            format!(
                "From: MAILER-DAEMON@mx.example\r\nContent-Type: message/delivery-status\r\n\r\n\
                 Final-Recipient: rfc822; somebody.else@mail.example\r\nAction: {action}\r\nStatus: 5.1.1\r\n"
            )
        };
        check(&report("failed"), true);
        check(&report("delayed"), false);
        check(&report("relayed"), false);
        check("From: hana@mail.example\r\nAuto-Submitted: auto-replied\r\n\r\nAway.\r\n", false);
        check("", false);
    }
}
