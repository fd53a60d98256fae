//! What the handle answers to admins.

use std::sync::Arc;

use super::Spool;
use crate::spool::acts;
use crate::spool::database::unreadable;
use crate::spool::error::SpoolError;
use crate::spool::inspect;
use crate::spool::listing::{Act, Listing, OutboxStory, Page, Referrals, Standing, Wanted};
use crate::spool::load;
use crate::spool::types::{Entry, EntryId};

impl Spool {
    /// A part of the list of recipients that are wanted.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn list(&self, wanted: Wanted, page: Page) -> Result<Listing, SpoolError> {
        let content = Arc::clone(&self.0.content);
        self.0.readers.read(move |c| inspect::list(c, &content, &wanted, page)).await
    }

    /// What waits for each destination, those first for which the oldest mail waits. Looks at every recipient once.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn standings(&self) -> Result<Vec<Standing>, SpoolError> {
        self.0.readers.read(|c| inspect::standings(c).map_err(unreadable)).await
    }

    /// Reads an entry as [`Spool::load`] does, parked ones too, and parks none.
    ///
    /// # Errors
    /// [`SpoolError::Damaged`] when it is not as it was stored. [`SpoolError::Read`].
    pub async fn examine(&self, id: &EntryId) -> Result<Option<Entry>, SpoolError> {
        let (content, bodies, wanted) = (Arc::clone(&self.0.content), Arc::clone(&self.0.bodies), id.clone());
        let files = move |c: &_| load::load(c, &load::Files { content: &content, bodies: &bodies }, &wanted);
        self.0.readers.read(files).await
    }

    /// What admins did with these entries, oldest first; for a year.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn acts(&self, ids: Vec<EntryId>) -> Result<Vec<Act>, SpoolError> {
        self.0.readers.read(move |c| acts::of(c, &ids).map_err(unreadable)).await
    }

    /// Referrals in the outbox, those the store has included, in their order.
    ///
    /// # Errors
    /// [`SpoolError::Read`].
    pub async fn referrals(&self, wanted: Referrals) -> Result<Vec<OutboxStory>, SpoolError> {
        self.0.readers.read(move |c| inspect::referrals(c, &wanted)).await
    }
}
