//! The mail as it left at a time: by the rows of then, and with the candidate's own link.

use std::sync::Arc;

use jiff::Timestamp;

use crate::cli::args::{ConfigArgs, DataArgs, PreviewArgs};
use crate::cli::mailfile::{Decider, MailFile, Moment};
use crate::cli::reach::{ask_typed, data_dir};
use crate::config::keys::open_keys;
use crate::control::Request;
use crate::control::then::Then;
use crate::pipeline::{Outcome, Untouched};
use crate::policy::optouts_of;

/// Decides as it was decided then. The settings of then are the ledger's, the keys those of the data folder.
///
/// # Errors
/// A sentence for the admin.
pub(super) fn decide(
    decider: &Decider,
    mail: &MailFile,
    (args, at): (&PreviewArgs, Timestamp),
) -> Result<Outcome, String> {
    let config = args.config.clone().ok_or("--at asks the ledger: name the installation with --config")?;
    let data = DataArgs { config: ConfigArgs { config }, data: None, json: false };
    let company = decider.company_of(mail).ok_or("the mail is of no company of this configuration")?;
    let id = company.id.clone();
    let (_, then): (_, Then) = ask_typed(&data, &Request::Then { company: id.clone(), at: at.to_string() })?;
    let terms = then.terms.ok_or_else(|| format!("the ledger knows nothing of the line of {id} at {at}"))?;
    if then.off {
        let (reason, evidence) = ("switched_off", Vec::new());
        return Ok(Outcome::Untouched(Untouched { company: Some(id), reason, rejection_seen: false, evidence }));
    }
    let ring = open_keys(&data_dir(&data)?).map_err(|e| e.to_string())?;
    let keys = ring.of(&id);
    let company = terms.put_into(company).ok_or("the link of then cannot be read")?;
    let optouts = Arc::new(optouts_of(&ring, then.optouts));
    Ok(decider.decide_then(mail, Moment { at, company, keys, optouts }))
}
