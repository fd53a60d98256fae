//! What a mail leaves with beside its line: our DKIM signature, and a return path of ours.

use jiff::Timestamp;
use serde::Serialize;

use crate::pipeline::{Held, Outcome, Policy, Received, Referred, tag_copies};

/// What goes with the line; nothing of it where no line goes.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Beside {
    /// The domain whose DKIM keys sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_by: Option<String>,
    /// The domain of the sender that the candidate's copy leaves with.
    #[serde(skip_serializing_if = "Option::is_none")]
    returns_to: Option<String>,
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
        }
    }

    /// The same in words.
    pub fn sentences(&self) -> Vec<String> {
        let signed = self.signed_by.iter().map(|domain| format!("signed by DKIM for {domain}"));
        let path = self.returns_to.iter().map(|domain| format!("its bounces come to us, at {domain}"));
        signed.chain(path).collect()
    }

    /// The same in Japanese.
    pub fn sentences_ja(&self) -> Vec<String> {
        let signed = self.signed_by.iter().map(|domain| format!("{domain} の DKIM 署名を付けます"));
        let path = self.returns_to.iter().map(|domain| format!("不達通知は {domain} で受け取ります"));
        signed.chain(path).collect()
    }
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
