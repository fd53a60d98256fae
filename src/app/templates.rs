//! Templates: what HR has said of them put in force, and what was seen of others written down now and then.

use std::sync::Arc;

use tokio::sync::watch as signal;

use super::gathered;
use crate::classify::template::Template;
use crate::pipeline::CompanyTemplates;
use crate::store::{SeenAgency, SeenTemplate, Store, StoreError, TemplateRow};
use crate::watch::{SeenMails, Watch};

/// Likeness from which on a template that was seen is one that was seen before the last start, in percent.
const SAME_PERCENT_MIN: u32 = 85;

/// What HR has said, by the rows of the store.
///
/// # Errors
/// When it cannot be read.
pub async fn read(store: &Store) -> Result<Arc<CompanyTemplates>, StoreError> {
    Ok(Arc::new(gather(store.templates().await?)))
}

fn gather(rows: Vec<TemplateRow>) -> CompanyTemplates {
    let mut companies = std::collections::HashMap::<_, Vec<Template>>::new();
    for TemplateRow { change, .. } in rows {
        let Some(stand) = change.stand else { continue };
        let template = Template { id: change.id, stand, fingerprint: change.fingerprint };
        companies.entry(change.company).or_default().push(template);
    }
    companies.into_iter().map(|(company, templates)| (company, templates.into_iter().collect())).collect()
}

/// What HR has said at a start; when the ledger cannot tell, nobody gets a line until a restart that can.
pub async fn at_start(store: &Store) -> Option<Arc<CompanyTemplates>> {
    match read(store).await {
        Ok(templates) => Some(templates),
        Err(error) => {
            tracing::error!(%error, "what HR said of templates cannot be read: nobody gets the line");
            None
        }
    }
}

/// Writes down what was seen now and then, until the stop.
pub(super) async fn run(watch: Watch, store: Store, mut stop: signal::Receiver<bool>) {
    while gathered::is_time(&mut stop).await {
        write(&watch, &store).await;
    }
}

/// Writes down what was seen since the last time. While the store is down it stays here.
pub(super) async fn write(watch: &Watch, store: &Store) {
    let (seen, agencies) = watch.take_seen();
    if seen.is_empty() && agencies.is_empty() {
        return;
    }
    let written = match store.seen().await {
        Ok((known, _)) => {
            let rows = seen.iter().map(|mails| row(mails, &known)).collect();
            let agencies = agencies.into_iter();
            let agency = |(company, domain, first, last)| SeenAgency { company, domain, first, last };
            store.note_seen(rows, agencies.map(agency).collect()).await
        }
        Err(error) => Err(error),
    };
    if let Err(error) = written {
        tracing::warn!(%error, "the templates that were seen are not written down yet");
        watch.put_back_seen(seen);
    }
}

/// The row under the name that the template had before the last start, if it was seen then.
fn row(mails: &SeenMails, known: &[SeenTemplate]) -> SeenTemplate {
    let SeenMails { company, id, fingerprint, mails, first, last } = mails.clone();
    let same = |row: &&SeenTemplate| {
        row.company == company
            && (row.id == id
                || row.fingerprint.states_the_same_as(&fingerprint)
                    && row.fingerprint.likeness_of(&fingerprint) >= SAME_PERCENT_MIN)
    };
    let id = known.iter().find(same).map_or(id, |row| row.id);
    SeenTemplate { company, id, fingerprint, first, last, mails }
}
