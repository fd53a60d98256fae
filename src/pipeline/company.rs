//! A company as deciding and editing see it: whose mail it is, who counts as a candidate, what the line says.

use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{self, TimeZone};
use serde::{Deserialize, Serialize};

pub use crate::referral::wording::Stage;

use super::exclusions::Exclusions;
use super::{CameSigned, Client, ReturnPath, Secret};
use crate::classify::Audience;
use crate::ledger::ContractVersion;
use crate::ledger::signature::{ContractSignature, PublicKey};
use crate::mail::address::{Address, Domain};
use crate::mail::message::Message;
use crate::referral::CompanyId;
use crate::referral::carrier::CarrierMail;
use crate::referral::link::LinkTemplate;
use crate::referral::wording::{Language, Wording, Wordings};
use crate::report::contribution::Reference;

/// One company (tenant) that sends rejection mails, as its file describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Company {
    /// Its id, unique in the installation; part of every key and token, never changed.
    pub id: CompanyId,
    /// Its name in Japanese.
    pub name_ja: String,
    /// Its name in English.
    pub name_en: String,
    /// Why the company gives the line, in its own words, for its records.
    pub purpose: String,
    /// What we may do with its mail.
    pub mode: Mode,
    /// What becomes of a mail that may be a rejection, while the line is written.
    pub doubtful: Doubtful,
    /// The domains it sends from. A domain belongs to one company only; sub-domains are not included.
    pub sender_domains: Vec<Domain>,
    /// HR's mailboxes with settings of their own.
    pub senders: Vec<Sender>,
    /// Whether mail of mailboxes that are not in `senders` passes untouched.
    pub only_senders: bool,
    /// How a client shows that it may send for this company.
    pub proved_by: ProvedBy,
    /// Who among the recipients is no candidate.
    pub audience: Audience,
    /// The tracked link.
    pub link: LinkTemplate,
    /// Where referred mail comes back to, if to us.
    pub return_path: Option<ReturnPath>,
    /// What the line says.
    pub wording: Wordings,
    /// What it says from a later day on, in the order of the days.
    pub later_wordings: Vec<LaterWordings>,
    /// What candidates get behind whose mailboxes links may be filtered, if the mail shows no link by itself.
    pub carrier_mail: CarrierMail,
    /// The languages the service answers in; a mail in another gets no line.
    pub languages: Vec<Language>,
    /// Who in HR is told when a hire slot is granted.
    pub notify_to: Vec<Address>,
    /// The language of that mail.
    pub notify_language: Language,
    /// What becomes of its mail that came with a DKIM signature; nothing said: signed anew where we hold the keys of
    /// every domain that signed it, and else untouched.
    pub came_signed: Option<CameSigned>,
    /// Who gets the line and is not counted.
    pub exclusions: Exclusions,
    /// Its contract versions, each in force from its date on.
    pub contracts: Vec<ContractVersion>,
    /// What its contribution reports go by.
    pub report: ReportTerms,
    /// The operator's signatures under them; a version without one counts too, and is called unsigned.
    pub signatures: Vec<ContractSignature>,
    /// The operator's public keys.
    pub operator_keys: Vec<PublicKey>,
}

/// What a company's contribution reports go by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReportTerms {
    /// The month its fiscal year begins in, 1 to 12.
    pub fiscal_year_from: i8,
    /// What a hire is said to cost.
    pub reference: Reference,
}

impl Default for ReportTerms {
    /// From April, as most years in Japan are.
    fn default() -> Self {
        Self { fiscal_year_from: 4, reference: Reference::default() }
    }
}

/// Words that come into force on a day.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LaterWordings {
    /// The first day they are in force, in the company's time zone.
    #[serde(with = "day")]
    pub from: Date,
    /// The words.
    pub wordings: Wordings,
}

/// Days as text, such as `2026-12-01`.
mod day {
    use jiff::civil::Date;
    use serde::{Deserialize, Deserializer, Serializer, de};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    pub(super) fn serialize<S: Serializer>(day: &Date, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(day)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

/// What we may do with a company's mail.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing is even decided.
    Off,
    /// Decide and report, change nothing.
    #[default]
    Observe,
    /// The line goes only into mails of templates that HR approved.
    Approved,
    /// The classifier decides.
    Live,
    /// The contract is suspended: nothing is decided.
    Suspended,
}

impl Mode {
    /// The code of what keeps the line out in this mode.
    pub(super) fn forbids_line(self) -> Option<&'static str> {
        match self {
            Self::Off => Some("off"),
            Self::Observe => Some("observe"),
            Self::Approved => Some("template_not_approved"),
            Self::Live => None,
            Self::Suspended => Some("suspended"),
        }
    }
}

/// What becomes of a mail that may be a rejection.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Doubtful {
    /// It leaves as it came.
    #[default]
    Pass,
    /// It waits so long for a word of HR, and then leaves as it came. Only where we have custody: never by milter.
    Hold(Duration),
}

/// One mailbox of HR.
#[derive(Clone, Debug, PartialEq)]
pub struct Sender {
    /// Its address, as it stands in From.
    pub address: Address,
    /// Whose applications it answers, when it is always the same.
    pub scope: Option<Scope>,
    /// The stage its rejections end.
    pub stage: Option<Stage>,
    /// Wording of its own.
    pub wording: Option<Wording>,
    /// Whether its mail is left alone.
    pub off: bool,
}

/// Whose applications a mailbox answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// 新卒.
    NewGraduate,
    /// 中途.
    MidCareer,
    /// アルバイト・パート.
    PartTime,
}

/// What shows that a client may send for a company; any one of these is enough, but for a client that others share.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProvedBy {
    /// Names of authenticated users.
    pub users: Vec<String>,
    /// Networks its mail comes from.
    pub networks: Vec<IpNet>,
    /// Names in verified client certificates.
    pub certificates: Vec<String>,
    /// The secrets its routing header may hold; two while one follows the other.
    pub routing: Vec<Secret>,
    /// What a shared service calls it in its tenant header.
    pub tenant: Option<String>,
}

impl ProvedBy {
    /// Whether the client has shown that it may send for the company called `id`. A user who is bound to a company, and
    /// a mail that was marked for one, are that one's alone; of a client that others share neither address nor
    /// certificate is believed (design §3.1).
    pub fn proves(&self, client: &Client, id: &CompanyId) -> bool {
        let others = |company: &Option<CompanyId>| company.as_ref().is_some_and(|c| c != id);
        if others(&client.bound_to) || others(&client.routed_for) {
            return false;
        }
        client.bound_to.is_some()
            || client.routed_for.is_some()
            || self.lists_user(client)
            || !client.shared && self.lists_host(client)
    }

    /// Whether its user is the company's.
    fn lists_user(&self, client: &Client) -> bool {
        client.user.as_ref().is_some_and(|user| self.users.contains(user))
    }

    /// Whether its address or its certificate is the company's.
    pub(super) fn lists_host(&self, client: &Client) -> bool {
        self.networks.iter().any(|n| n.contains(&client.ip))
            || client.certificates.iter().any(|name| is_listed(name, &self.certificates))
    }
}

/// Whether a name in a certificate is one of `listed`; names are compared without case.
pub(super) fn is_listed(name: &str, listed: &[String]) -> bool {
    listed.iter().any(|l| l.eq_ignore_ascii_case(name))
}

impl Company {
    /// The settings of the mailbox in From, if it is listed.
    pub(super) fn sender_of(&self, message: &Message<'_>) -> Option<&Sender> {
        let from = message.from()?;
        self.senders.iter().find(|s| s.address.is_same_mailbox(from))
    }

    /// Whether mail of this mailbox is looked at; else the code of why not.
    pub(super) fn takes_part(&self, sender: Option<&Sender>) -> Result<(), &'static str> {
        match sender {
            _ if matches!(self.mode, Mode::Off | Mode::Suspended) => self.mode.forbids_line().map_or(Ok(()), Err),
            Some(s) if s.off => Err("sender_off"),
            None if self.only_senders => Err("sender_not_listed"),
            _ => Ok(()),
        }
    }

    /// Whether the company sends from this domain.
    pub(super) fn sends_from(&self, domain: &Domain) -> bool {
        self.sender_domains.contains(domain)
    }

    /// The contract version in force.
    pub fn contract_at(&self, now: Timestamp) -> Option<&ContractVersion> {
        ContractVersion::in_force(&self.contracts, day_of(now))
    }

    /// The words in force.
    pub fn wordings_at(&self, now: Timestamp) -> &Wordings {
        // Hardly a company has words for later.
        let begun = || self.later_wordings.iter().rfind(|later| later.from <= day_of(now));
        let later = if self.later_wordings.is_empty() { None } else { begun() };
        later.map_or(&self.wording, |later| &later.wordings)
    }

    /// The records of all words that a mail with a link may be given, now or later, each once.
    pub fn wording_records(&self) -> Vec<String> {
        let later = self.later_wordings.iter().map(|later| &later.wordings);
        let of_stages = std::iter::once(&self.wording).chain(later).flat_map(Wordings::with_link);
        let all: Vec<&Wording> =
            of_stages.chain(self.senders.iter().filter_map(|sender| sender.wording.as_ref())).collect();
        let records = |language: &Language| all.iter().map(|wording| wording.record(*language)).collect::<Vec<_>>();
        let mut records: Vec<String> = self.languages.iter().flat_map(records).collect();
        records.sort();
        records.dedup();
        records
    }
}

/// The day it is for a company. All of them are in Japan.
fn day_of(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::fixed(tz::offset(9))).date()
}
