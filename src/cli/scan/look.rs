//! One mail of an archive: whose it is, whether it is a rejection, and what would become of it.

use std::path::Path;

use jiff::fmt::rfc2822;

use super::tally::{Fate, Rejection, Tally, name_of};
use crate::classify::{Mail, Verdict, decide_on_text};
use crate::cli::mailfile::{Decider, MailFile};
use crate::ledger::ContractVersion;
use crate::mail::address::{Address, Domain};
use crate::mail::message::Message;
use crate::mail::view::View;
use crate::pipeline::{Company, Outcome, envelope_of};
use crate::referral::exclusion::Exclusion;
use crate::referral::{CompanyId, CompanyKeys};
use crate::sys::{clock, random};

/// Reasons that are those of the recipients alone: what the text says is asked apart from them.
const OF_RECIPIENTS: [&str; 6] =
    ["several_visible_recipients", "recipients_differ", "agency", "school_office", "list_mail", "no_candidate"];
/// Those of them whose recipients are no candidates, whatever is done.
const NO_CANDIDATES: [&str; 3] = ["agency", "school_office", "list_mail"];
/// Reasons that say that the mail is another's.
const OF_OTHERS: [&str; 4] = ["no_company", "from_elsewhere", "no_from", "sender_not_listed"];

/// What looks at mails.
pub(super) struct Eye {
    decider: Decider,
    /// Drawn for this run: who was told is known again within it, and by nobody after it.
    keys: CompanyKeys,
    contract: Option<ContractVersion>,
}

impl Eye {
    pub(super) fn new(decider: Decider) -> Self {
        // The id only separates keys, and every run has its own.
        let id = CompanyId::parse("scan").unwrap_or_else(|_| unreachable!("a company id"));
        Self { decider, keys: CompanyKeys::derive(&random::octets(), &id, 1), contract: None }
    }

    /// The terms that slots are told by: the contract in force of the company met first, else the usual ones.
    pub(super) fn contract(&self) -> ContractVersion {
        let usual = || ContractVersion::new("standard", 1, jiff::civil::date(2026, 1, 1));
        self.contract.clone().unwrap_or_else(usual)
    }

    /// Looks at one mail and adds it up.
    pub(super) fn look(&mut self, from: (&Path, Option<usize>), octets: Vec<u8>, tally: &mut Tally) {
        let mail = MailFile::of(octets);
        let message = Message::read(&mail.wire);
        let at = message.header("Date").and_then(|date| rfc2822::parse(date).ok()).map(|at| at.timestamp());
        if message.from().is_none() && at.is_none() {
            let why = if mail.file.is_empty() { "is empty" } else { "is no mail: it has neither From nor Date" };
            return tally.add_unreadable(name_of(from), why.to_owned());
        }
        let Some((domain, company)) = self.whose(&message) else {
            tally.others += 1;
            return;
        };
        let outside = outside(&message, company, &domain);
        let contract = company.contract_at(clock::now()).cloned();
        let outcome = self.decider.decide(&mail);
        if let Outcome::Untouched(untouched) = &outcome
            && OF_OTHERS.contains(&untouched.reason)
        {
            tally.others += 1;
            return;
        }
        self.contract = self.contract.take().or(contract);
        tally.add_mail(domain.as_str(), at);
        let view = View::read(&message);
        let Some(fate) = self.fate(&outcome, &message, &view) else {
            if let Outcome::Untouched(untouched) = outcome {
                *tally.reasons.entry(untouched.reason).or_default() += 1;
            }
            return;
        };
        let told =
            if matches!(fate, Fate::HeldBack(code) if NO_CANDIDATES.contains(&code)) { &[][..] } else { &outside };
        let people = told.iter().map(|address| self.number_of(address)).collect();
        let mailbox = match &outside[..] {
            [one] => one.domain().map(|domain| (self.number_of(one), domain.to_string())),
            _ => None,
        };
        let rejection = Rejection { fate, people, mailbox, at, view: &view };
        tally.add_rejection(rejection, from, self.decider.rules());
    }

    fn whose(&self, message: &Message<'_>) -> Option<(Domain, &Company)> {
        let domain = message.from()?.domain()?;
        self.decider.company_from(domain).map(|company| (domain.clone(), company))
    }

    /// What becomes of a rejection; `None` for any other mail.
    fn fate(&self, outcome: &Outcome, message: &Message<'_>, view: &View) -> Option<Fate> {
        match outcome {
            Outcome::Referred(referred) if referred.copies.iter().all(|copy| copy.offers.is_empty()) => {
                let excluded = referred.copies.iter().find_map(|copy| copy.excluded);
                Some(Fate::HeldBack(excluded.map_or("words_alone", Exclusion::code)))
            }
            Outcome::Referred(_) => Some(Fate::Given),
            Outcome::Held(_) => Some(Fate::Doubtful),
            Outcome::Untouched(untouched) if untouched.rejection_seen => Some(Fate::HeldBack(untouched.reason)),
            Outcome::Untouched(untouched) if OF_RECIPIENTS.contains(&untouched.reason) => {
                let (envelope, audience) = (envelope_of(message), crate::classify::Audience::default());
                let mail = Mail { envelope: &envelope, message, view, audience: &audience };
                let says = decide_on_text(&mail, self.decider.rules());
                matches!(says, Verdict::Rejection(_)).then_some(Fate::HeldBack(untouched.reason))
            }
            Outcome::Untouched(_) => None,
        }
    }

    /// A person as a number of this run.
    fn number_of(&self, address: &Address) -> u64 {
        let octets = self.keys.candidate(address).octets;
        octets.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
    }
}

/// The recipients that are neither the company's nor copies.
fn outside(message: &Message<'_>, company: &Company, from: &Domain) -> Vec<Address> {
    let own = |domain: &Domain| {
        domain.is_within(from) || company.audience.own_domains.iter().any(|own| domain.is_within(own))
    };
    let is_copy = |address: &Address| company.audience.copy_addresses.iter().any(|copy| copy.is_same_mailbox(address));
    let recipients = envelope_of(message).recipients;
    recipients.into_iter().filter(|address| !address.domain().is_none_or(own) && !is_copy(address)).collect()
}
