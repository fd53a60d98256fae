//! What the handle does for referrals in mails that an MTA has from our milter.

use super::Spool;
use crate::spool::database::unreadable;
use crate::spool::error::SpoolError;
use crate::spool::intents::{self, Intended, Intent, IntentState, IntentWrite, IntentsStanding, LogPosition};
use crate::spool::types::Write;

impl Spool {
    /// Writes down what a mail is worth that is about to be given back to its MTA with the line in it. When it returns
    /// `Ok` that is synced to disk, in one commit with others that come meanwhile.
    ///
    /// # Errors
    /// As [`Spool::commit`]: then the mail may not get the line.
    pub async fn intend(&self, intent: Intent) -> Result<(), SpoolError> {
        self.commit(vec![Write::Intent(IntentWrite::Intend(intent))]).await
    }

    /// The referrals of mails that have one of these names: that of an MTA (empty for any), and its queue id. A name
    /// that was given to several mails brings those of all of them.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn intended_under(&self, names: Vec<(String, String)>) -> Result<Vec<Intended>, SpoolError> {
        let read = move |c: &_| {
            let all = names.iter().map(|(mta, id)| intents::intended_under(c, (mta, id)));
            all.collect::<Result<Vec<_>, _>>().map(|found| found.concat()).map_err(unreadable)
        };
        self.0.readers.read(read).await
    }

    /// The referrals of one mail, by our message id.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn intended_as(&self, transaction: &str) -> Result<Vec<Intended>, SpoolError> {
        let transaction = transaction.to_owned();
        self.0.readers.read(move |c| intents::intended_as(c, &transaction).map_err(unreadable)).await
    }

    /// The referrals in one state, the oldest first, at most `most`.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn intents_in(&self, state: IntentState, most: usize) -> Result<Vec<Intended>, SpoolError> {
        self.0.readers.read(move |c| intents::list(c, state, most).map_err(unreadable)).await
    }

    /// How many referrals in mails of MTAs stand how.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn intents_standing(&self) -> Result<IntentsStanding, SpoolError> {
        self.0.readers.read(|c| intents::standing(c).map_err(unreadable)).await
    }

    /// How far each log of an MTA was read.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn log_positions(&self) -> Result<Vec<LogPosition>, SpoolError> {
        self.0.readers.read(|c| intents::positions(c).map_err(unreadable)).await
    }
}
