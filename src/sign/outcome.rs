//! DKIM for mails that got the line (design §3.2): one more edit, once everything else is decided.
//!
//! A mail that came unsigned and cannot be signed keeps its line: to whoever gets it, it is as unsigned as it came. One
//! that came signed would bear a broken signature and no other, so it leaves as it came.

use super::Signer;
use crate::mail::edit::Edits;
use crate::pipeline::{Outcome, Received, Referred, Signing, Unsigned, Untouched};

/// The outcome of a mail that came signed and could not be signed anew.
const DKIM_NOT_SIGNED: &str = "dkim_not_signed";

/// The outcome with the signatures that its copies get, and what came of that where there was something to sign.
pub async fn sign_outcome(
    outcome: Outcome,
    received: &Received,
    signer: &Signer,
) -> (Outcome, Option<Result<(), Unsigned>>) {
    match outcome {
        Outcome::Untouched(_) => (outcome, None),
        Outcome::Referred(mut referred) => {
            let made = sign(&mut referred, received, signer).await;
            let outcome = if must_go_back(made.as_ref()) { untouched(referred) } else { Outcome::Referred(referred) };
            (outcome, made)
        }
        // What HR may let go with the line is signed with all else that is decided of it now.
        Outcome::Held(mut held) => {
            let made = sign(&mut held.referred, received, signer).await;
            let back = must_go_back(made.as_ref());
            let outcome = if back { Outcome::Untouched(held.pass(Some(DKIM_NOT_SIGNED))) } else { Outcome::Held(held) };
            (outcome, made)
        }
    }
}

/// Whether a mail came signed, and its copies could not be signed anew.
fn must_go_back(made: Option<&Result<(), Unsigned>>) -> bool {
    matches!(made, Some(Err(Unsigned { came_signed: true, .. })))
}

async fn sign(referred: &mut Referred, received: &Received, signer: &Signer) -> Option<Result<(), Unsigned>> {
    let has_edits = referred.copies.iter().any(|copy| !copy.edits.is_empty());
    let Signing { domain, must } = referred.signing.take().filter(|_| has_edits)?;
    let edits: Vec<Edits> = referred.copies.iter().map(|copy| copy.edits.clone()).collect();
    Some(match signer.sign(&domain, &received.message, edits).await {
        Ok(edits) => {
            referred.copies.iter_mut().zip(edits).for_each(|(copy, edits)| copy.edits = edits);
            Ok(())
        }
        Err(fault) => Err(Unsigned { domain, came_signed: must, fault: fault.to_string() }),
    })
}

fn untouched(referred: Referred) -> Outcome {
    let Referred { company, evidence, .. } = referred;
    Outcome::Untouched(Untouched { company: Some(company), reason: DKIM_NOT_SIGNED, rejection_seen: true, evidence })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::address::Domain;
    use crate::mail::edit::Edit;
    use crate::mail::envelope::Envelope;
    use crate::pipeline::{Client, Copy};
    use crate::referral::CompanyId;

    const MAIL: &str = "From: hr@sakura.example\r\n\r\nbody\r\n";

    async fn leaves(signing: Option<bool>, line: &str) -> Outcome {
        let domain = Domain::parse("sakura.example").unwrap_or_else(|e| panic!("{e}"));
        let client = Client::at([127, 0, 0, 1].into());
        let received = Received { client, envelope: Envelope::default(), message: MAIL.into() };
        let edits = Edits::new(vec![Edit { at: MAIL.len(), insert: line.as_bytes().into() }]);
        let referred = Referred {
            company: CompanyId::parse("sakura").unwrap_or_else(|e| panic!("{e}")),
            copies: vec![Copy { recipients: vec![0], edits, ..Copy::default() }],
            evidence: Vec::new(),
            inserted: Vec::new(),
            signing: signing.map(|must| Signing { domain, must }),
        };
        // No key at all: every signature fails.
        sign_outcome(Outcome::Referred(referred), &received, &Signer::default()).await.0
    }

    #[tokio::test]
    async fn a_mail_that_cannot_be_signed_keeps_its_line_only_if_it_came_unsigned() {
        assert!(matches!(leaves(Some(false), "line\r\n").await, Outcome::Referred(r) if r.copies.len() == 1));
        let Outcome::Untouched(left) = leaves(Some(true), "line\r\n").await else { panic!("a broken signature") };
        assert_eq!((left.reason, left.rejection_seen), ("dkim_not_signed", true));
    }

    #[tokio::test]
    async fn a_mail_without_a_line_or_without_a_key_for_it_is_not_signed() {
        assert!(matches!(leaves(Some(true), "").await, Outcome::Referred(_)), "the company's own link was there");
        assert!(matches!(leaves(None, "line\r\n").await, Outcome::Referred(_)));
    }
}
