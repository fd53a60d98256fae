//! What of a company's file shapes the line in its mails: kept as dated rows, so that it can be told what held when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Company, LaterWordings, Mode};
use crate::referral::carrier::CarrierMail;
use crate::referral::link::LinkTemplate;
use crate::referral::wording::{Language, Stage, Wording, Wordings};

/// What shapes the line: words, link, languages, for whom; and whether it is written at all.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LineTerms {
    /// What may be done with the company's mail.
    pub mode: Mode,
    /// The template of its links.
    pub link: String,
    /// The languages that get a line.
    pub languages: Vec<Language>,
    /// The words.
    pub wording: Wordings,
    /// Those that come, or have come, into force on a later day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later_wordings: Vec<LaterWordings>,
    /// What candidates get behind whose mailboxes links may be filtered.
    pub carrier_mail: CarrierMail,
    /// HR's mailboxes with words or a stage of their own.
    pub senders: BTreeMap<String, SenderTerms>,
}

/// What is a mailbox's own.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SenderTerms {
    /// The stage its rejections end.
    pub stage: Option<Stage>,
    /// Its words.
    pub wording: Option<Wording>,
    /// Whether its mail is left alone.
    pub off: bool,
}

impl LineTerms {
    /// Those of a company now.
    pub fn of(company: &Company) -> Self {
        let senders = company.senders.iter().map(|sender| {
            let terms = SenderTerms { stage: sender.stage, wording: sender.wording.clone(), off: sender.off };
            (sender.address.to_string(), terms)
        });
        Self {
            mode: company.mode,
            link: company.link.to_string(),
            languages: company.languages.clone(),
            wording: company.wording.clone(),
            later_wordings: company.later_wordings.clone(),
            carrier_mail: company.carrier_mail,
            senders: senders.collect(),
        }
    }

    /// The company as it was when these held. `None` when the link of then cannot be read.
    pub fn put_into(self, mut company: Company) -> Option<Company> {
        company.link = LinkTemplate::parse(&self.link).ok()?;
        for sender in &mut company.senders {
            let then = self.senders.get(sender.address.as_str());
            sender.stage = then.and_then(|then| then.stage);
            sender.wording = then.and_then(|then| then.wording.clone());
            sender.off = then.is_some_and(|then| then.off);
        }
        (company.mode, company.languages) = (self.mode, self.languages);
        (company.wording, company.later_wordings) = (self.wording, self.later_wordings);
        company.carrier_mail = self.carrier_mail;
        Some(company)
    }
}
