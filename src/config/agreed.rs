//! `operator_keys` and `signature`: which contract versions of a company the operator has agreed to.

use toml::de::DeValue;

use super::finding::Wrong;
use super::reader::Section;
use super::values::quoted;
use crate::ledger::signature::{ContractSignature, PublicKey, Signature};
use crate::ledger::{AtNewThreshold, ContractVersion};
use crate::referral::CompanyId;

/// A public key of the operator.
pub(super) fn operator_key(value: &DeValue) -> Result<PublicKey, Wrong> {
    let text = quoted(value, "\"ed25519:…\"")?;
    PublicKey::parse(text).ok_or_else(|| {
        let remedy = "write the public key as `career-relay contract keygen` prints it, \"ed25519:\" and 44 characters";
        Wrong::new(format!("{text:?} is no public key"), remedy)
    })
}

/// A signature.
pub(super) fn signature(value: &DeValue) -> Result<Signature, Wrong> {
    let text = quoted(value, "\"…\"")?;
    Signature::parse(text).ok_or_else(|| {
        let remedy = "copy the line that `career-relay contract sign` prints: 88 characters between quotes";
        Wrong::new("not a signature, or one that is cut short", remedy)
    })
}

/// The signature of a contract section, checked; a fault where it does not hold, nothing where there is none.
pub(super) fn check(
    section: &Section<'_>,
    (company, version): (Option<&CompanyId>, &ContractVersion),
    keys: &[PublicKey],
) -> Option<ContractSignature> {
    let signature = section.optional("signature", signature)?;
    if keys.is_empty() {
        let what = "a signature, and no key of the operator to check it by";
        let remedy = "add operator_keys = [\"ed25519:…\"] above the first [section], or remove the line";
        section.fault("signature", Wrong::new(what, remedy));
        return None;
    }
    let company = company?;
    let checked = ContractSignature::check((company, version), keys, signature);
    if checked.is_none() {
        let what = format!(
            "no key in operator_keys has signed these terms of contract {} {} for {company}",
            version.series, version.version
        );
        let remedy = "a term or the company differs from what was signed: mend it, or have these terms signed again \
                      (`career-relay contract sign`), or remove the line: unsigned counts too, and every statement \
                      says so";
        section.fault("signature", Wrong::new(what, remedy));
    }
    checked
}

/// Counting begins anew where there is another threshold behind one, and nowhere else.
pub(super) fn check_restart(section: &Section<'_>, version: &ContractVersion, before: &[ContractVersion]) {
    if version.at_new_threshold == AtNewThreshold::Carry {
        return;
    }
    let last = before.iter().rev().find(|other| other.series == version.series);
    if last.is_none_or(|last| last.threshold == version.threshold) {
        let what = "no version of the series with another threshold stands before this one, so nothing begins anew";
        section.fault("at_new_threshold", Wrong::new(what, "remove the line, or write \"carry\""));
    }
}
