//! Mail with a DKIM signature (RFC 6376): what the line breaks, and who signs anew.

use super::{Company, Policy};
use crate::inject::SignedMail;
use crate::mail::address::Domain;
use crate::mail::message::Message;

/// What becomes of a company's mail that came with a DKIM signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CameSigned {
    /// It passes untouched.
    Untouched,
    /// It gets the line, and a signature by our key for the domain of its From; untouched where we hold none.
    Sign,
    /// It gets the line: the next hop signs.
    NextHopSigns,
}

/// The signature that a mail with the line gets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signing {
    /// The domain whose keys sign.
    pub domain: Domain,
    /// Whether it came signed: then it leaves as it came if it cannot be signed anew.
    pub must: bool,
}

/// A mail that was to be signed and is not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unsigned {
    /// Whose signature it was to bear.
    pub domain: Domain,
    /// Whether it came with one, which the line would have broken.
    pub came_signed: bool,
    /// Why.
    pub fault: String,
}

/// What the signatures on a mail mean for the line.
pub(super) struct Signatures {
    /// Whether the line may break them.
    pub(super) on_it: SignedMail,
    /// What signs the mail once it has the line.
    pub(super) to_come: Option<Signing>,
}

impl Policy {
    /// With the domains whose DKIM keys we hold.
    #[must_use]
    pub fn signing_for(mut self, domains: Vec<Domain>) -> Self {
        self.signing_domains = domains;
        self
    }

    /// The domains whose DKIM keys we hold.
    pub fn signing_domains(&self) -> &[Domain] {
        &self.signing_domains
    }

    /// The domain whose keys sign mail from `from`: its own, else the closest above it, which DMARC takes for aligned
    /// unless the domain asks for more (RFC 7489 3.1.1).
    fn signing_domain(&self, from: &Domain) -> Option<&Domain> {
        self.signing_domains.iter().filter(|d| from.is_within(d)).max_by_key(|d| d.as_str().len())
    }

    /// What is to be done about the signatures on a mail and the one to come.
    ///
    /// A broken signature counts as none (RFC 6376 6.1), so the old one stays where it is. Without a word of the
    /// company's a mail is only signed anew when every signature on it is by a domain whose keys we hold.
    pub(super) fn signatures(&self, company: &Company, message: &Message<'_>) -> Signatures {
        let domain = message.from().and_then(|a| a.domain()).and_then(|from| self.signing_domain(from));
        let by = |must| domain.map(|domain| Signing { domain: domain.clone(), must });
        let mut signed_by = message.headers("DKIM-Signature").map(signing_domain_of).peekable();
        if signed_by.peek().is_none() {
            return Signatures { on_it: SignedMail::Refuse, to_come: by(false) };
        }
        let anew = match company.came_signed {
            Some(CameSigned::NextHopSigns) => return Signatures { on_it: SignedMail::Edit, to_come: by(false) },
            Some(CameSigned::Untouched) => false,
            Some(CameSigned::Sign) => true,
            None => signed_by.all(|d| d.is_some_and(|d| self.signing_domains.contains(&d))),
        };
        match by(true).filter(|_| anew) {
            Some(signing) => Signatures { on_it: SignedMail::Edit, to_come: Some(signing) },
            None => Signatures { on_it: SignedMail::Refuse, to_come: None },
        }
    }
}

/// The `d=` of a signature (RFC 6376 3.5).
fn signing_domain_of(signature: &str) -> Option<Domain> {
    let tags = signature.split(';').filter_map(|tag| tag.split_once('='));
    let mut domains = tags.filter(|(name, _)| name.trim() == "d").map(|(_, value)| value.trim());
    Domain::parse(domains.next()?).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::classify::Rules;
    use crate::pipeline::Relaying;

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn the_keys_of_the_closest_domain_sign_and_none_of_another() {
        let held = ["sakura.example", "hr.sakura.example", "kaede.example"].map(domain).to_vec();
        let policy = Policy::new(Vec::new(), Relaying::default(), Arc::new(Rules::built_in())).signing_for(held);
        for (from, signs) in [
            ("sakura.example", Some("sakura.example")),
            ("hr.sakura.example", Some("hr.sakura.example")),
            ("x.hr.sakura.example", Some("hr.sakura.example")),
            ("saiyo.sakura.example", Some("sakura.example")),
            ("notsakura.example", None),
            ("example", None),
        ] {
            assert_eq!(policy.signing_domain(&domain(from)).map(Domain::as_str), signs, "{from}");
        }
    }

    #[test]
    fn the_domain_of_a_signature_is_read_in_every_form_it_has() {
        for (signature, of) in [
            ("v=1; d=sakura.example; s=x", Some("sakura.example")),
            ("v=1;d = Sakura.EXAMPLE ;s=x", Some("sakura.example")),
            ("bh=d=no; s=x", None),
            ("v=1; s=x", None),
            ("d=", None),
            ("", None),
        ] {
            assert_eq!(signing_domain_of(signature).as_ref().map(Domain::as_str), of, "{signature:?}");
        }
    }
}
