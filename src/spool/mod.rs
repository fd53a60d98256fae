//! The spool: mail in our custody and the outbox of referrals, durable before anybody is told so.
//!
//! One SQLite file (`spool.db`), one writer thread, one sync for all batches that wait (group commit). Originals too big
//! for a row lie as files beside it. When the last recipient of an entry is settled, addresses and body are overwritten.
//! The spool opens no socket and does not know the store; `deliver` empties it, `store` reads its outbox.

mod apply;
mod bodies;
mod database;
mod error;
mod handle;
mod load;
mod queue;
mod read;
mod recover;
mod reply;
mod rest;
mod room;
mod settle;
mod state;
#[cfg(test)]
mod tests;
mod types;
mod writer;

pub use error::SpoolError;
pub use handle::Spool;
pub use reply::without_addresses;
pub use types::{
    Credit, DueEntry, DueRoute, Entry, EntryFault, EntryId, NewCopy, NewEntry, NewRecipient, NewState, Offer,
    OutboxRow, Outcome, Recipient, RecipientState, Recovered, Settlement, SpoolOptions, Summary, Write,
};
