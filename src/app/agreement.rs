//! A policy that the ledger agrees to: it knows each company's keys and contracts, or no line is written for it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::classify::{Lang, Rules};
use crate::config::Settings;
use crate::config::keys::Keyring;
use crate::control::Caller;
use crate::pipeline::{LineTerms, Mode, Policy};
use crate::policy;
use crate::referral::CompanyId;
use crate::store::{Store, StoreError, TermsChange};

/// What a policy is made of beside the settings.
pub struct Terms {
    store: Store,
    /// The rules in use, and the languages they were compiled for.
    rules: Mutex<Option<(Vec<Lang>, Arc<Rules>)>>,
}

/// A policy, and what the ledger did not agree to.
pub struct Agreed {
    /// The policy; a company the ledger disagrees on is only observed in it (design §4).
    pub policy: Policy,
    /// The companies whose keys or contracts the ledger knows otherwise: the file, the keys in it, and how.
    pub disagreements: Vec<(CompanyId, String)>,
}

/// What the ledger does not agree to, with the file it stands in and what to do.
fn in_file(settings: &Settings, company: &CompanyId, error: &StoreError) -> String {
    let StoreError::Disagrees(differences) = error else { return error.to_string() };
    let file = settings.company_files.iter().find(|(id, _)| id == company);
    let file = file.map_or(String::new(), |(_, file)| format!("{}: ", file.display()));
    let is_of_terms = differences.iter().any(|difference| difference.starts_with("contract "));
    let way_on = if is_of_terms {
        "; a version in use never changes: put back what the ledger has, and write new terms as a [[contract]] with \
         the next version"
    } else {
        ""
    };
    format!("{file}{}{way_on}", differences.join("; "))
}

impl Terms {
    /// Those of an installation.
    pub fn new(store: Store) -> Self {
        Self { store, rules: Mutex::default() }
    }

    /// Makes every company known to the ledger and builds the policy.
    pub async fn agree(&self, settings: &Settings, keys: &Keyring) -> Agreed {
        let mut settings = settings.clone();
        let mut disagreements = Vec::new();
        for agreement in policy::agreements(&self.build(&settings, keys)) {
            let company = agreement.company.clone();
            if let Err(error) = self.store.agree(agreement).await {
                let error = in_file(&settings, &company, &error);
                tracing::error!(company = company.as_str(), error, "the ledger does not agree to this company");
                let is_on = |mode: Mode| !matches!(mode, Mode::Off | Mode::Suspended);
                let of_it = settings.companies.iter_mut().filter(|c| c.id == company && is_on(c.mode));
                of_it.for_each(|c| c.mode = Mode::Observe);
                disagreements.push((company, error));
            }
        }
        self.note_terms(&settings).await;
        Agreed { policy: self.build(&settings, keys), disagreements }
    }

    /// Writes down what shapes the line from now on. Without the row `preview --at` cannot tell it later, and the mail
    /// path needs nothing of it.
    async fn note_terms(&self, settings: &Settings) {
        let actor = format!("files, read by {}", Caller::own().describe());
        for company in &settings.companies {
            let (id, terms, actor) = (company.id.clone(), LineTerms::of(company), actor.clone());
            if let Err(error) = self.store.note_terms(TermsChange { company: id, terms, actor }).await {
                tracing::error!(company = company.id.as_str(), %error, "what shapes the line is not written down");
            }
        }
    }

    fn build(&self, settings: &Settings, keys: &Keyring) -> Policy {
        policy::build(settings, keys, self.rules_for(settings))
    }

    /// Rules for the languages that the companies serve; those in use, where they are of the same.
    fn rules_for(&self, settings: &Settings) -> Arc<Rules> {
        let is_served = |language: &Lang| {
            settings.companies.iter().any(|of| of.languages.iter().any(|served| served.code() == language.code()))
        };
        let languages: Vec<Lang> = Lang::ALL.iter().copied().filter(is_served).collect();
        let mut held = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        match &*held {
            Some((of, rules)) if *of == languages => Arc::clone(rules),
            _ => {
                let rules = Arc::new(Rules::built_in_with(&languages));
                *held = Some((languages, Arc::clone(&rules)));
                rules
            }
        }
    }
}
