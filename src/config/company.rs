//! One company as its file describes it: who writes for it, how that is proved, and what its mails are given.

use ipnet::IpNet;

use crate::classify::Audience;
use crate::ledger::ContractVersion;
use crate::mail::address::{Address, Domain};
use crate::referral::CompanyId;
use crate::referral::wording::{Language, LinkTemplate, Wording};

/// What may happen to the mails of a company (design §5).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// Nothing is decided.
    Off,
    /// Decide and report, change nothing.
    #[default]
    Observe,
    /// The line only in mails of templates HR has approved.
    Approved,
    /// The classifier decides.
    Live,
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

/// At which stage of a selection a mailbox writes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// 書類選考.
    Document,
    /// 面接.
    Interview,
    /// 最終選考.
    Final,
}

/// One of HR's mailboxes, with what differs for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sender {
    /// The mailbox.
    pub address: Address,
    /// Whose applications it answers, when it is always the same.
    pub scope: Option<Scope>,
    /// The stage it writes at, when it is always the same.
    pub stage: Option<Stage>,
    /// Its own wording in place of the company's.
    pub wording: Option<Wording>,
    /// Mails from this mailbox are never given a line.
    pub off: bool,
}

/// What shows that a client may write in the company's name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProvedBy {
    /// Names that must have logged in.
    pub users: Vec<String>,
    /// Networks the client must come from.
    pub networks: Vec<IpNet>,
    /// Names that must stand in the client's certificate.
    pub certificates: Vec<String>,
}

/// One company of the installation.
#[derive(Clone, Debug, PartialEq)]
pub struct CompanySettings {
    /// Its name in keys, events and the ledger; never changed.
    pub id: CompanyId,
    /// Its name in Japanese.
    pub name_ja: String,
    /// Its name in English.
    pub name_en: String,
    /// Why the company gives the line, in its own words, for its records.
    pub purpose: String,
    /// What may happen to its mails.
    pub mode: Mode,
    /// The domains whose mail is the company's.
    pub sender_domains: Vec<Domain>,
    /// Who is never, or not the only, candidate.
    pub audience: Audience,
    /// HR's mailboxes that differ from the rest.
    pub senders: Vec<Sender>,
    /// What shows that a client may write in its name.
    pub proved_by: ProvedBy,
    /// Where the link leads.
    pub link: LinkTemplate,
    /// The line per language.
    pub wording: Wording,
    /// The languages the service answers in; others get no line.
    pub languages: Vec<Language>,
    /// Where the mail about a granted slot goes.
    pub notify_to: Vec<Address>,
    /// The language of that mail.
    pub notify_language: Language,
    /// The contract versions, in force from their dates on.
    pub contracts: Vec<ContractVersion>,
}
