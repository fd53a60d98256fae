//! Taking changed files into a running gateway: whole or not at all, and never between two companies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::agreement::{Agreed, Terms};
use super::keys::Keys;
use super::parts::signing_keys;
use crate::config::{Inspection, Settings, Severity};
use crate::pipeline::Relaying;
use crate::policy::PolicyHandle;
use crate::sign::Signer;
use crate::sys::tls::ServerTls;

/// What a reload works on.
pub struct Reload {
    /// The settings of the start.
    pub settings: Settings,
    /// What a policy is made of.
    pub terms: Terms,
    /// The keys of candidates.
    pub keys: Arc<Keys>,
    /// The policy in force.
    pub policy: PolicyHandle,
    /// The keys that sign, in force.
    pub signer: Signer,
    /// The certificate in force.
    pub tls: Option<ServerTls>,
    /// Whether the ledger agrees to every company.
    pub agreed: Arc<AtomicBool>,
}

impl Reload {
    /// Takes companies, the right to relay, keys that sign and the certificate from files read anew. A fault of any
    /// file, or a company that the ledger knows otherwise, leaves all as it was.
    pub async fn take(&self, inspection: Inspection) {
        let Inspection { settings, findings } = inspection;
        for finding in &findings {
            let (file, line) = (finding.file.display(), finding.line);
            match finding.severity {
                Severity::Fault => tracing::error!(target: "config", %file, line, "{finding}"),
                Severity::Warning => tracing::warn!(target: "config", %file, line, "{finding}"),
            }
        }
        let refuse =
            |why: &str| tracing::error!(target: "config", "the files are not taken, all stays as it was: {why}");
        let Some(settings) = settings else { return refuse("they have faults") };
        if !settings.credentials_missing.is_empty() {
            return refuse("a credential is missing; a new one comes with a restart");
        }
        let (signing, keys) = match (signing_keys(&settings), self.keys.read_anew()) {
            (Ok(signing), Ok(keys)) => (signing, keys),
            (Err(fault), _) => return refuse(&fault.to_string()),
            (_, Err(fault)) => return refuse(&fault.to_string()),
        };
        let Agreed { policy, disagreements } = self.terms.agree(&settings, &keys).await;
        if let [(company, error), ..] = &disagreements[..] {
            return refuse(&format!("company {company}: {error}"));
        }
        if let Some(tls) = self.tls.clone() {
            // Files are read beside the runtime: a disk that hangs is not to hold up the mails of this thread.
            match tokio::task::spawn_blocking(move || tls.reload()).await {
                Ok(Ok(())) => {}
                Ok(Err(fault)) => return refuse(&fault.to_string()),
                Err(_) => return refuse("reading the certificate failed"),
            }
        }
        // A mail in between is decided on by one and signed by the other: if its key is gone, it is not signed.
        self.signer.swap(signing);
        self.keys.put(keys);
        self.policy.swap(&policy);
        self.agreed.store(true, Ordering::Relaxed);
        let later = self.left_for_a_restart(&settings);
        if !later.is_empty() {
            tracing::warn!(target: "config", sections = later.join(", "), "changed, and taken at the next restart");
        }
        tracing::info!(target: "config", companies = settings.companies.len(), "the files are taken");
    }

    /// The sections that differ from those of the start and are fixed while the server runs.
    fn left_for_a_restart(&self, now: &Settings) -> Vec<&'static str> {
        let (then, now) = (fixed(&self.settings), fixed(now));
        let differs = [
            ("data_dir, hostname", (&then.data_dir, &then.hostname) != (&now.data_dir, &now.hostname)),
            ("[smtp], [[listener]], [limits]", then.smtp != now.smtp),
            ("[milter]", then.milter != now.milter),
            ("[tls]", then.tls != now.tls),
            ("[dns]", then.dns != now.dns),
            ("[custody]", then.custody != now.custody),
            ("[deliver]", then.deliver != now.deliver),
            ("[[route]]", then.routes != now.routes),
            ("[retry]", then.retry != now.retry),
            ("[spool]", then.spool != now.spool),
            ("[confirm], [[mta_log]]", then.confirm != now.confirm),
            ("[notify]", then.notify != now.notify),
            ("[log]", then.log != now.log),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
}

/// The settings without what a reload takes.
fn fixed(settings: &Settings) -> Settings {
    let mut settings = Settings { companies: Vec::new(), dkim: Vec::new(), ..settings.clone() };
    settings.smtp.relaying = Relaying::default();
    settings
}
