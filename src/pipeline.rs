//! The way of one message through deciding and editing: the only place that knows the order of the steps.
//!
//! Pure. What comes out is a list of edits or a reason for none, never a message: an error here cannot lose a mail.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use crate::classify::{self, Abstain, Evidence, Nearly, Rejection, Verdict};
use crate::inject::{self, Inserted, Refusal, Target};
use crate::ledger::ContractRef;
use crate::mail::address::Address;
use crate::mail::edit::Edits;
use crate::mail::envelope::Envelope;
use crate::mail::message::Message;
use crate::mail::view::View;
use crate::referral::carrier::{CarrierMail, filtering_carrier};
use crate::referral::exclusion::Exclusion;
use crate::referral::link::LinkUrl;
use crate::referral::token::company_code;
use crate::referral::wording::{Language, LineText, Wording, WordingDigest};
use crate::referral::{CandidateKey, CompanyId, LinkToken, OptOuts, Traits};

use signing::Signatures;

mod company;
mod exclusions;
mod observing;
mod policy;
mod relaying;
mod returning;
mod secret;
mod signing;
mod templates;
mod terms;
#[cfg(test)]
mod tests;
mod traits;
mod user;

pub use company::{Company, Doubtful, LaterWordings, Mode, ProvedBy, ReportTerms, Scope, Sender, Stage};
pub use exclusions::Exclusions;
pub use observing::{Observation, observe};
pub use policy::{InForce, Policy};
pub use relaying::{Admission, Mark, Relaying, SharedClients};
pub use returning::{Behind, CameBack, Probe, Probes, ReturnPath, ReturnRow, Returned, tag_copies};
pub use secret::Secret;
pub use signing::{CameSigned, Signing};
pub use templates::{CompanyTemplates, Sighted, Sighting, sighting_of};
pub use terms::{LineTerms, SenderTerms};
pub use user::{PasswordHash, Role, User, UserAct, UserName, UserNameFault, Users};

/// A client that has been allowed to relay, as far as it has shown who it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Client {
    /// Where the connection comes from.
    pub ip: IpAddr,
    /// The user it authenticated as.
    pub user: Option<String>,
    /// The company that user is bound to: he proves it and no other.
    pub bound_to: Option<CompanyId>,
    /// The names in its verified certificate, and the certificate's own print as `sha256:` and 64 hex digits.
    pub certificates: Vec<String>,
    /// Whether many tenants send from there, so that neither address nor certificate tells whose mail it is.
    pub shared: bool,
    /// The company whose secret routing header, or whose tenant mark, the mail bore.
    pub routed_for: Option<CompanyId>,
}

impl Client {
    /// A client of which nothing but its address is known.
    pub fn at(ip: IpAddr) -> Self {
        Self { ip, user: None, bound_to: None, certificates: Vec::new(), shared: false, routed_for: None }
    }
}

/// One message as a door of ours took it in.
#[derive(Clone, Debug)]
pub struct Received {
    /// Who handed it in.
    pub client: Client,
    /// Who sends it to whom.
    pub envelope: Envelope,
    /// Its octets, as they came.
    pub message: Bytes,
}

/// What is to become of a message.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It leaves as it came.
    Untouched(Untouched),
    /// It is a rejection mail that carries, or is given, the referral link.
    Referred(Referred),
    /// It may be a rejection mail: a person of the company says so, or it leaves as it came.
    Held(Held),
}

/// A doubtful message that waits for a word of HR. All is decided: what is said then chooses between two mails.
#[derive(Clone, Debug)]
pub struct Held {
    /// The code of what keeps it from being a rejection for certain.
    pub reason: &'static str,
    /// How long it waits; then it leaves as it came.
    pub hold_for: Duration,
    /// What goes out if it is one.
    pub referred: Referred,
}

impl Held {
    /// The same message where nobody can hold it: it passes, for a reason of its own or that of the doubt.
    pub fn pass(self, why: Option<&'static str>) -> Untouched {
        let Referred { company, evidence, .. } = self.referred;
        let reason = why.unwrap_or(self.reason);
        Untouched { company: Some(company), reason, rejection_seen: false, evidence }
    }
}

/// A message that gets no line, and why.
#[derive(Clone, Debug)]
pub struct Untouched {
    /// The company it belongs to, where one was found.
    pub company: Option<CompanyId>,
    /// A stable code.
    pub reason: &'static str,
    /// Whether the classifier found a rejection all the same: then something else held the line back.
    pub rejection_seen: bool,
    /// What the classifier found, for or against.
    pub evidence: Vec<Evidence>,
}

/// A message that refers one or more candidates.
#[derive(Clone, Debug)]
pub struct Referred {
    /// Whose mail it is.
    pub company: CompanyId,
    /// One copy for everybody, or one for each candidate of a BCC bulk.
    pub copies: Vec<Copy>,
    /// What the classifier found.
    pub evidence: Vec<Evidence>,
    /// Where the line went in the first copy; empty when the company's own link was there already.
    pub inserted: Vec<Inserted>,
    /// What signs the copies that have edits; the shell adds it as one more edit.
    pub signing: Option<Signing>,
}

/// One outgoing form of a message.
#[derive(Clone, Debug, Default)]
pub struct Copy {
    /// Who gets it, as indexes into the envelope's recipients.
    pub recipients: Vec<usize>,
    /// What is inserted for them.
    pub edits: Edits,
    /// The referrals that count once this copy is delivered.
    pub offers: Vec<Offer>,
    /// Why its recipient is not counted, though he gets the line.
    pub excluded: Option<Exclusion>,
    /// The sender it leaves with, where its edits do: a tagged one of our own; absent: the mail's.
    pub return_path: Option<Box<Address>>,
}

/// A referral that will count when its recipient's copy is accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offer {
    /// Index into the envelope's recipients.
    pub recipient: usize,
    /// Who is referred, as the ledger knows him.
    pub candidate: CandidateKey,
    /// The same under keys that were rotated out.
    pub earlier: Vec<CandidateKey>,
    /// The token in his link.
    pub token: LinkToken,
    /// The contract version in force.
    pub contract: ContractRef,
    /// Whether we put the line in; otherwise the company's own link was there already.
    pub inserted: bool,
    /// The words that were put in; nothing where none were.
    pub wording: Option<WordingDigest>,
    /// What signals of fraud look at.
    pub traits: Option<Traits>,
}

/// Decides on one message. `now` chooses the contract version.
pub fn process(received: &Received, policy: &Policy, now: Timestamp) -> Outcome {
    process_in_burst(received, policy, (now, 1))
}

/// The same where so many mails of nearly an approved template were seen within a short time: then it is one of it.
pub fn process_in_burst(received: &Received, policy: &Policy, (now, burst_mails): (Timestamp, u32)) -> Outcome {
    let message = Message::read(&received.message);
    match policy.company_of(received, &message) {
        Err(reason) => untouched(None, reason),
        Ok(company) => {
            refer(received, company, &message, policy, (now, burst_mails)).unwrap_or_else(Outcome::Untouched)
        }
    }
}

/// The steps for a message whose company is known; an early end is a message left as it came.
fn refer(
    received: &Received,
    of: &InForce,
    message: &Message<'_>,
    policy: &Policy,
    (now, burst_mails): (Timestamp, u32),
) -> Result<Outcome, Untouched> {
    let stop =
        |reason| Untouched { company: Some(of.company.id.clone()), reason, rejection_seen: false, evidence: vec![] };
    let sender = of.company.sender_of(message);
    of.company.takes_part(sender).map_err(stop)?;
    let audience = &of.company.audience;
    classify::recipients(&received.envelope, message, audience).map_err(|r| stop(r.code()))?;
    // A template that HR approved may hold no word of recruiting at all.
    let by_words = of.company.mode != Mode::Approved || policy.templates_of(&of.company.id).is_none();
    if by_words && !classify::may_be_recruiting(message, &policy.rules) {
        return Err(stop(classify::Reason::NotRecruiting.code()));
    }
    let view = View::read(message);
    let mail = classify::Mail { envelope: &received.envelope, message, view: &view, audience };
    let said = templates::verdict(&mail, &of.company, policy, burst_mails);
    let (verdict, by_template) = said.map_err(|(reason, evidence)| Untouched { evidence, ..stop(reason) })?;
    let signatures = policy.signatures(&of.company, message);
    let optouts = policy.optouts().map(Arc::as_ref);
    let case = Case { received, of, message, view: &view, sender, signatures: &signatures, optouts, by_template, now };
    match verdict {
        Verdict::Rejection(rejection) => match case.refer(&rejection) {
            Ok(referred) => Ok(Outcome::Referred(referred)),
            Err(reason) => Err(Untouched { rejection_seen: true, evidence: rejection.evidence, ..stop(reason) }),
        },
        Verdict::Abstain(Abstain { reason, evidence, nearly }) => {
            let held = nearly.and_then(|nearly| case.hold(&nearly, reason.code()));
            held.map(Outcome::Held).ok_or_else(|| Untouched { evidence, ..stop(reason.code()) })
        }
    }
}

/// A mail that is, or may be, a rejection, with all that writing its line takes.
struct Case<'a> {
    received: &'a Received,
    of: &'a InForce,
    message: &'a Message<'a>,
    view: &'a View,
    sender: Option<&'a Sender>,
    signatures: &'a Signatures,
    /// Who wants no line, if it is known.
    optouts: Option<&'a OptOuts>,
    /// Whether it is of a template that HR approved.
    by_template: bool,
    now: Timestamp,
}

impl Case<'_> {
    /// What refers its candidates; or the code of what forbids it.
    fn refer(&self, rejection: &Rejection) -> Result<Referred, &'static str> {
        let (copies, inserted) = self.copies(rejection)?;
        let (company, evidence) = (self.of.company.id.clone(), rejection.evidence.clone());
        Ok(Referred { company, copies, evidence, inserted, signing: self.signatures.to_come.clone() })
    }

    /// What is held of a close miss; nothing where the company lets such mails pass, where no line could be written,
    /// and where the company's own link stands there already, so that there is nothing to ask anybody.
    fn hold(&self, nearly: &Nearly, reason: &'static str) -> Option<Held> {
        let Doubtful::Hold(hold_for) = self.of.company.doubtful else { return None };
        let referred = self.refer(&nearly.rejection).ok().filter(|referred| !referred.inserted.is_empty())?;
        Some(Held { reason, hold_for, referred })
    }

    /// The copies that go out, and where the line stands in the first; or the code of what forbids it.
    fn copies(&self, rejection: &Rejection) -> Result<(Vec<Copy>, Vec<Inserted>), &'static str> {
        let company = &self.of.company;
        let approved = self.by_template && company.mode == Mode::Approved;
        company.mode.forbids_line().filter(|_| !approved).map_or(Ok(()), Err)?;
        let language = company.languages.iter().copied().find(|served| served.code() == rejection.language.code());
        let language = language.ok_or("language_not_served")?;
        let contract = company.contract_at(self.now).ok_or("no_contract")?.reference();
        let (mut out, candidates) = self.opted_out(&rejection.candidates.candidates)?;
        let target = |place: &classify::Place| {
            Some(Target { result: place.result(self.view)?, wishes: place.wishes(self.view) })
        };
        let targets: Option<Vec<Target>> = rejection.places.iter().map(target).collect();
        let targets = targets.ok_or("no_place")?;
        let mut copies = Vec::with_capacity(candidates.len() + 1);
        let mut inserted = Vec::new();
        for &recipient in &candidates {
            let excluded = self.excluded(recipient);
            let (edits, spots, offers) = match self.carrier_mail(recipient) {
                CarrierMail::Insert => {
                    let offer = self.offer(recipient, &contract);
                    let wording = self.wording(rejection);
                    let (edits, spots) = self.edits(&targets, (language, wording), &offer.token)?;
                    let inserted = !edits.is_empty();
                    let wording = inserted.then(|| wording.digest(language));
                    let offer = Offer { inserted, wording, ..offer };
                    (edits, spots, Some(offer).filter(|_| excluded.is_none()).into_iter().collect())
                }
                CarrierMail::TextOnly => {
                    let (edits, spots) = self.words_alone(&targets, language)?;
                    (edits, spots, Vec::new())
                }
                CarrierMail::Skip => {
                    out.push(recipient);
                    continue;
                }
            };
            copies.push(Copy { recipients: vec![recipient], edits, offers, excluded, return_path: None });
            if inserted.is_empty() {
                inserted = spots;
            }
        }
        self.note_traits(&mut copies);
        if copies.is_empty() && !out.is_empty() {
            return Err("carrier_filters_links");
        }
        // Whoever is no candidate (HR, an archive) gets the first candidate's copy.
        let others =
            (0..self.received.envelope.recipients.len()).filter(|r| !rejection.candidates.candidates.contains(r));
        copies.first_mut().ok_or("no_candidate")?.recipients.extend(others);
        if !out.is_empty() {
            copies.push(Copy { recipients: out, ..Copy::default() });
        }
        Ok((copies, inserted))
    }

    /// Those of the candidates who want no line, and the others; or the code of why there are no others.
    fn opted_out(&self, candidates: &[usize]) -> Result<(Vec<usize>, Vec<usize>), &'static str> {
        let optouts = self.optouts.ok_or("optouts_unreadable")?;
        if optouts.is_empty() {
            return Ok((Vec::new(), candidates.to_vec()));
        }
        let is_out = |r: &usize| {
            let address = self.received.envelope.recipients.get(*r);
            address.is_some_and(|address| optouts.is_out(&self.of.company.id, address))
        };
        let (out, others): (Vec<usize>, Vec<usize>) = candidates.iter().partition(|r| is_out(r));
        if others.is_empty() && !out.is_empty() { Err("opted_out") } else { Ok((out, others)) }
    }

    fn offer(&self, recipient: usize, contract: &ContractRef) -> Offer {
        let (keys, address) = (&self.of.keys, &self.received.envelope.recipients[recipient]);
        let (candidate, earlier) = (keys.candidate(address), keys.earlier_candidates(address));
        let (token, contract) = (keys.token(&contract.series, &candidate), contract.clone());
        Offer { recipient, candidate, earlier, token, contract, inserted: false, wording: None, traits: None }
    }

    /// Whether the first link that stands in the mail already is this company's: companies share one link host.
    fn has_own_link(&self) -> bool {
        let code = company_code(&self.of.company.id);
        let link = &self.of.company.link;
        let first = self.view.parts.iter().find_map(|part| {
            let shown = (0..part.lines.len()).find_map(|i| link.token_in(part.line(i).as_bytes()).map(str::to_owned));
            shown.or_else(|| part.links.iter().find_map(|l| link.token_behind(&l.url)))
        });
        first.is_some_and(|token| is_own_token(&token, &code))
    }

    /// What the candidate gets: the line for everybody but those whose carrier may drop mail with a link, and for them
    /// too where the mail shows one by itself, so that ours makes nothing worse.
    fn carrier_mail(&self, recipient: usize) -> CarrierMail {
        let wanted = self.of.company.carrier_mail;
        let address = self.received.envelope.recipients.get(recipient);
        if wanted == CarrierMail::Insert || address.and_then(filtering_carrier).is_none() || self.shows_link() {
            CarrierMail::Insert
        } else {
            wanted
        }
    }

    /// Whether any link stands in the mail as it came.
    fn shows_link(&self) -> bool {
        let is_link = |line: &str| line.contains("://") || line.contains("www.");
        self.view.parts.iter().any(|part| {
            part.links.iter().any(|link| is_link(&link.url)) || (0..part.lines.len()).any(|i| is_link(part.line(i)))
        })
    }

    /// The line without its link: no referral, for nothing in it leads to the company.
    fn words_alone(&self, targets: &[Target], language: Language) -> Result<(Edits, Vec<Inserted>), &'static str> {
        let company = &self.of.company;
        let wording = &company.wordings_at(self.now).without_link;
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        let mut texts =
            self.view.parts.iter().map(|p| (0..p.lines.len()).map(|i| squeezed(p.line(i))).collect::<String>());
        if texts.any(|text| wording.candidates(language).iter().any(|lead| text.contains(&squeezed(lead)))) {
            return Err("line_present");
        }
        let line = LineText { language, wording, url: LinkUrl::none(), template: &company.link };
        let injected = inject::line_edits(self.message, self.view, targets, &line, self.signatures.on_it);
        injected.map(|injected| (injected.edits, injected.inserted)).map_err(Refusal::code)
    }

    /// The words for the mail: the mailbox's own; else those of the stage it ends, as the mailbox's settings or the
    /// mail itself tell it.
    fn wording(&self, rejection: &Rejection) -> &Wording {
        let wordings = self.of.company.wordings_at(self.now);
        // The mail is asked only where the answer makes a difference.
        let of_mail = || wordings.has_stages().then(|| classify::stage_of(self.view, rejection)).flatten().map(stage);
        let told = || self.sender.and_then(|s| s.stage).or_else(of_mail);
        self.sender.and_then(|s| s.wording.as_ref()).unwrap_or_else(|| wordings.of(told()))
    }

    fn edits(
        &self,
        targets: &[Target],
        (language, wording): (Language, &Wording),
        token: &LinkToken,
    ) -> Result<(Edits, Vec<Inserted>), &'static str> {
        let company = &self.of.company;
        let url = company.link.url(token.as_str()).map_err(|_| "link_too_long")?;
        let line = LineText { language, wording, url, template: &company.link };
        match inject::line_edits(self.message, self.view, targets, &line, self.signatures.on_it) {
            Ok(injected) => Ok((injected.edits, injected.inserted)),
            Err(Refusal::LinkPresent) if self.has_own_link() => Ok((Edits::default(), Vec::new())),
            Err(Refusal::LinkPresent) => Err("link_of_another"),
            Err(refusal) => Err(refusal.code()),
        }
    }
}

/// Whether `token` is the company's: its code alone, or its code and a candidate's part.
fn is_own_token(token: &str, code: &str) -> bool {
    token.strip_prefix(code).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn stage(stage: classify::Stage) -> Stage {
    match stage {
        classify::Stage::Document => Stage::Document,
        classify::Stage::Interview => Stage::Interview,
        classify::Stage::Final => Stage::Final,
    }
}

fn untouched(company: Option<CompanyId>, reason: &'static str) -> Outcome {
    Outcome::Untouched(Untouched { company, reason, rejection_seen: false, evidence: Vec::new() })
}

/// The envelope that the header of a mail in a file suggests: From as the sender, To, Cc and Bcc as the recipients.
pub fn envelope_of(message: &Message<'_>) -> Envelope {
    let mut recipients: Vec<Address> = Vec::new();
    for address in message.to_and_cc().iter().chain(message.bcc()) {
        if !recipients.iter().any(|r| r.is_same_mailbox(address)) {
            recipients.push(address.clone());
        }
    }
    let body = crate::mail::envelope::Body::EightBitMime;
    let smtputf8 = recipients.iter().any(Address::needs_smtputf8);
    Envelope { sender: message.from().cloned(), recipients, body, smtputf8, ..Envelope::default() }
}
