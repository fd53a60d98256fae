//! What a mail leaves with beside its line: our DKIM signature, and a return path of ours.

use jiff::Timestamp;
use serde::Serialize;

use super::reason::meaning;
use crate::pipeline::{Held, Outcome, Policy, Received, Referred, tag_copies};
use crate::referral::exclusion::Exclusion;

/// What goes with the line; nothing of it where no line goes.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Beside {
    /// The domain whose DKIM keys sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_by: Option<String>,
    /// The domain of the sender that the candidate's copy leaves with.
    #[serde(skip_serializing_if = "Option::is_none")]
    returns_to: Option<String>,
    /// Why nobody is counted for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_counted: Option<&'static str>,
}

impl Beside {
    /// What goes with the line of this mail, which came through [`tagged`].
    pub fn of(referred: &Referred) -> Self {
        let mut edited = referred.copies.iter().filter(|copy| !copy.edits.is_empty()).peekable();
        if edited.peek().is_none() {
            return Self::default();
        }
        let path = edited.find_map(|copy| copy.return_path.as_deref()?.domain());
        Self {
            signed_by: referred.signing.as_ref().map(|signing| signing.domain.to_string()),
            returns_to: path.map(ToString::to_string),
            not_counted: not_counted(referred),
        }
    }

    /// The same in words, and why nobody is counted.
    pub fn sentences(&self) -> Vec<String> {
        let not_counted =
            self.not_counted.map(|code| format!("not counted ({code}): {}", meaning(code).unwrap_or_default()));
        self.of_transport().into_iter().chain(not_counted).collect()
    }

    fn of_transport(&self) -> Vec<String> {
        let signed = self.signed_by.iter().map(|domain| format!("signed by DKIM for {domain}"));
        let path = self.returns_to.iter().map(|domain| format!("its bounces come to us, at {domain}"));
        signed.chain(path).collect()
    }

    /// What a preview, which has none of it, says of it: behind a sentence.
    pub fn left_out(&self) -> String {
        self.of_transport().iter().flat_map(|sentence| ["; ", sentence, ", not here"]).map(str::to_owned).collect()
    }

    /// The same in Japanese, as sentences.
    pub fn left_out_ja(&self) -> String {
        let signed = self.signed_by.iter().map(|domain| format!("{domain} の DKIM 署名は、ここには含みません。"));
        let path =
            self.returns_to.iter().map(|domain| format!("不達通知は {domain} で受け取ります（ここには含みません）。"));
        signed.chain(path).collect()
    }
}

/// Why nobody of a mail is counted though the line is put in.
fn not_counted(referred: &Referred) -> Option<&'static str> {
    let offers = referred.copies.iter().any(|copy| !copy.offers.is_empty());
    let excluded = referred.copies.iter().find_map(|copy| copy.excluded);
    excluded.filter(|_| !offers).map(Exclusion::code)
}

/// The outcome with the return paths that its copies would have.
pub fn tagged(mut outcome: Outcome, received: &Received, policy: &Policy, now: Timestamp) -> Outcome {
    if let Outcome::Referred(referred) | Outcome::Held(Held { referred, .. }) = &mut outcome
        && let Some((copies, _)) = tag_copies(referred, received, policy, ("preview", now))
    {
        referred.copies = copies;
    }
    outcome
}
