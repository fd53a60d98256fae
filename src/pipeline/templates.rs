//! What HR has said of a company's templates, and what that makes of a mail: asked before the classifier where only
//! approved templates get the line, and after it where the classifier decides.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Company, InForce, Mode, Outcome, Policy, Received, Referred};
use crate::classify::template::{Fingerprint, Specimen, TemplateId, Templates};
use crate::classify::{self, Abstain, ByTemplate, Evidence, Mail, Question, Verdict};
use crate::mail::address::Domain;
use crate::mail::message::Message;
use crate::mail::view::View;
use crate::referral::{CandidateKey, CompanyId};

/// Mails of a rejection in a mode that watches templates: the codes with which they leave as they came.
const WATCHED: [&str; 2] = ["observe", "template_not_approved"];

/// The templates of all companies that HR has said something of.
pub type CompanyTemplates = HashMap<CompanyId, Templates>;

impl Policy {
    /// The same policy for these templates; `None` when nobody can say what HR has said, and then no mail gets a line.
    #[must_use]
    pub fn with_templates(mut self, templates: Option<Arc<CompanyTemplates>>) -> Self {
        self.templates = templates;
        self
    }

    /// What HR has said of templates, if it is known.
    pub fn templates(&self) -> Option<&Arc<CompanyTemplates>> {
        self.templates.as_ref()
    }

    /// Those of a company, if there are any.
    pub(super) fn templates_of(&self, company: &CompanyId) -> Option<&Templates> {
        let templates = self.templates.as_deref()?;
        // Most houses have none, and a mail is to pay nothing for that.
        if templates.is_empty() { None } else { templates.get(company).filter(|of| !of.is_empty()) }
    }
}

/// A verdict, and whether it rests on a template that HR approved; or the code that ends the matter.
pub(super) type Said = Result<(Verdict, bool), (&'static str, Vec<Evidence>)>;

/// The verdict on a mail of a company, `burst_mails` of whose likes were seen within a short time.
pub(super) fn verdict(mail: &Mail<'_>, company: &Company, policy: &Policy, burst_mails: u32) -> Said {
    let decide = || classify::decide(mail, &policy.rules);
    if policy.templates.is_none() {
        return unless_unreadable(decide());
    }
    let Some(templates) = policy.templates_of(&company.id) else { return Ok((decide(), false)) };
    let by_template = |burst_mails| classify::decide_by_templates(mail, templates, burst_mails, &policy.rules);
    match company.mode {
        Mode::Approved => match by_template(burst_mails) {
            ByTemplate::Rejection(_, rejection) => Ok((Verdict::Rejection(rejection), true)),
            ByTemplate::Never(id) => Err(("template_never", named(id))),
            ByTemplate::Refused(id, reason) => Err((reason.code(), named(id))),
            ByTemplate::Near(id) => Err(("template_not_approved", named(id))),
            ByTemplate::Unknown => Ok((decide(), false)),
        },
        Mode::Live => {
            let verdict = decide();
            if !is_rejection_or_close(&verdict) {
                return Ok((verdict, false));
            }
            match (by_template(1), verdict) {
                (ByTemplate::Never(id), _) => Err(("template_never", named(id))),
                (ByTemplate::Rejection(_, rejection), Verdict::Abstain(_)) => Ok((Verdict::Rejection(rejection), true)),
                (_, verdict) => Ok((verdict, false)),
            }
        }
        Mode::Off | Mode::Suspended | Mode::Observe => Ok((decide(), false)),
    }
}

fn is_rejection_or_close(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Rejection(_) | Verdict::Abstain(Abstain { nearly: Some(_), .. }))
}

fn unless_unreadable(verdict: Verdict) -> Said {
    if is_rejection_or_close(&verdict) { Err(("templates_unreadable", Vec::new())) } else { Ok((verdict, false)) }
}

/// Which template it was, as evidence.
fn named(id: TemplateId) -> Vec<Evidence> {
    let (rule, text) = (Arc::from(format!("template:{id}")), Arc::from(""));
    vec![Evidence { question: Question::Negative, rule, text, text_part: 0, line: None }]
}

/// A rejection of a company that observes, or gives the line to approved templates alone: which template it is of.
#[derive(Debug)]
pub struct Sighting {
    /// Whose.
    pub company: CompanyId,
    /// Of which template.
    pub template: Sighted,
    /// Where it went, when that is one mailbox: as a key, and the domain.
    pub mailbox: Option<(CandidateKey, Domain)>,
    /// Whom it speaks to, as a number that names nobody.
    pub about: Option<u64>,
}

/// Which template a rejection is of.
#[derive(Debug)]
pub enum Sighted {
    /// One that HR has said something of.
    Known(TemplateId, Fingerprint),
    /// Nearly one that HR approved: it would be, if many such mails came at the time.
    Near(TemplateId),
    /// Another one.
    New(Box<Specimen>, Fingerprint),
}

/// Which template a mail is of that was decided on; `None` where nobody wants to know. It reads the mail once more,
/// and only rejections of companies in such a mode.
pub fn sighting_of(received: &Received, policy: &Policy, outcome: &Outcome) -> Option<Sighting> {
    let company = match outcome {
        Outcome::Untouched(untouched) if WATCHED.contains(&untouched.reason) => untouched.company.as_ref()?,
        Outcome::Referred(Referred { company, .. }) => company,
        _ => return None,
    };
    let of = policy.company(company)?;
    if !matches!(of.company.mode, Mode::Observe | Mode::Approved) {
        return None;
    }
    let message = Message::read(&received.message);
    let view = View::read(&message);
    let known = policy.templates_of(company).and_then(|templates| closest(&view, templates, policy));
    let rejection = matches!(outcome, Outcome::Referred(_))
        || matches!(outcome, Outcome::Untouched(untouched) if untouched.rejection_seen);
    let new = || rejection.then(|| classify::fingerprint_of(&view, &policy.rules)).flatten();
    let (template, about) = match known {
        Some(known) => known,
        None => new().map(|(specimen, print)| {
            let about = specimen.about();
            (Sighted::New(Box::new(specimen.without_text()), print), about)
        })?,
    };
    let mailbox = mailbox_of(received, of);
    Some(Sighting { company: company.clone(), template, mailbox, about })
}

fn closest(view: &View, templates: &Templates, policy: &Policy) -> Option<(Sighted, Option<u64>)> {
    let specimen = classify::specimen_of(view, &policy.rules)?;
    let (template, likeness) = templates.closest(&specimen)?;
    let sighted = match (likeness.is_match(1), likeness.is_near()) {
        (true, _) => Sighted::Known(template.id, template.fingerprint.clone()),
        (false, true) => Sighted::Near(template.id),
        (false, false) => return None,
    };
    Some((sighted, specimen.about()))
}

fn mailbox_of(received: &Received, of: &InForce) -> Option<(CandidateKey, Domain)> {
    let own = |domain: &Domain| of.company.audience.own_domains.iter().any(|own| domain.is_within(own));
    let outside = received.envelope.recipients.iter().filter(|r| r.domain().is_some_and(|domain| !own(domain)));
    let mut outside = outside.take(2);
    let (Some(one), None) = (outside.next(), outside.next()) else { return None };
    Some((of.keys.candidate(one), one.domain()?.clone()))
}
