//! The policy in force: built whole from files and keys, swapped whole, read without waiting.

mod optouts;

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::classify::Rules;
use crate::config::Settings;
use crate::config::keys::Keyring;
use crate::pipeline::{CompanyTemplates, InForce, Policy, Users};
use crate::referral::OptOuts;
use crate::store::Agreement;

pub use optouts::{OPTOUTS_FILE, kept_optouts, optouts_of, optouts_to_keep, rows_of};

/// Builds the policy that the settings mean, with each company's keys.
pub fn build(settings: &Settings, keys: &Keyring, rules: Arc<Rules>) -> Policy {
    let companies =
        settings.companies.iter().map(|company| InForce { keys: keys.of(&company.id), company: company.clone() });
    let signing = settings.dkim.iter().filter(|key| key.key.is_some()).map(|key| key.domain.clone());
    Policy::new(companies.collect(), settings.smtp.relaying.clone(), rules).signing_for(signing.collect())
}

/// What the ledger must agree to before this node may write a line: each company's keys and contract versions. It
/// keeps the words from then on.
pub fn agreements(policy: &Policy) -> Vec<Agreement> {
    let agreement = |of: &InForce| Agreement {
        company: of.company.id.clone(),
        keys: of.keys.all().map(|keys| (keys.key_id(), keys.fingerprint())).collect(),
        contracts: of.company.contracts.clone(),
        wordings: of.company.wording_records(),
        signatures: of.company.signatures.clone(),
        operator_keys: of.company.operator_keys.clone(),
    };
    policy.companies().map(agreement).collect()
}

/// Where every mail finds the policy in force. Cheap to clone; all clones see the same one.
#[derive(Clone)]
pub struct PolicyHandle {
    policy: Arc<ArcSwap<Policy>>,
    users: Arc<ArcSwap<Users>>,
}

impl PolicyHandle {
    /// A handle on a first policy.
    pub fn new(policy: Policy) -> Self {
        Self { policy: Arc::new(ArcSwap::from_pointee(policy)), users: Arc::default() }
    }

    /// The policy in force now. A mail keeps the one it began with, whatever is swapped in meanwhile.
    pub fn current(&self) -> Arc<Policy> {
        self.policy.load_full()
    }

    /// Puts another policy in force, but for opt-outs and templates, which stay as they are. Gives back the one before.
    pub fn swap(&self, policy: &Policy) -> Arc<Policy> {
        let with_both =
            |now: &Policy| policy.clone().without(now.optouts().cloned()).with_templates(now.templates().cloned());
        self.policy.rcu(|now| with_both(now))
    }

    /// From now on this is what HR has said of templates; `None`: nobody knows, and no mail gets a line.
    pub fn put_templates(&self, templates: Option<&Arc<CompanyTemplates>>) {
        self.policy.rcu(|now| Policy::clone(now).with_templates(templates.cloned()));
    }

    /// From now on these get no line; `None`: nobody does, for nobody knows who they are.
    pub fn put_optouts(&self, optouts: Option<&Arc<OptOuts>>) {
        self.policy.rcu(|now| Policy::clone(now).without(optouts.cloned()));
    }

    /// The users there are now. They are swapped apart from the policy: who may log in is decided before any mail is.
    pub fn users(&self) -> Arc<Users> {
        self.users.load_full()
    }

    /// Puts other users in force, whole.
    pub fn put_users(&self, users: Users) {
        self.users.store(Arc::new(users));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::example_company;
    use crate::config::keys::open_keys;
    use crate::pipeline::Company;

    fn build_with(data_dir: &std::path::Path, companies: Vec<Company>) -> Policy {
        let keys = open_keys(data_dir).unwrap_or_else(|e| panic!("{e}"));
        build(&Settings { companies, ..Settings::default() }, &keys, Arc::new(Rules::built_in()))
    }

    fn example() -> Company {
        example_company().unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn a_mail_keeps_the_policy_it_began_with() {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let handle = PolicyHandle::new(build_with(folder.path(), vec![example()]));
        let (begun, other_node) = (handle.current(), handle.clone());
        handle.swap(&build_with(folder.path(), Vec::new()));
        assert_eq!((begun.companies().count(), other_node.current().companies().count()), (1, 0));
    }

    #[test]
    fn the_same_key_file_means_the_same_agreement_and_another_one_another() {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap_or_else(|e| panic!("{e}")));
        let keys = |n: usize| agreements(&build_with(folders[n].path(), vec![example()]))[0].keys.clone();
        assert_eq!(keys(0), keys(0));
        assert_ne!(keys(0), keys(1));
        let agreement = &agreements(&build_with(folders[0].path(), vec![example()]))[0];
        assert_eq!((agreement.company.as_str(), agreement.contracts.len()), ("example", 1));
    }
}
