//! The spool: mail in our custody and the outbox of referrals, durable before anybody is told so.
//!
//! One SQLite file (`spool.db`) for what moves, one flat file (`spool.content`) for addresses and small originals, a
//! folder for big originals; one writer thread, and one commit for all batches that wait. When the last recipient of
//! an entry is settled, its addresses and octets are overwritten where they lie. The spool opens no socket and does
//! not know the store; `deliver` empties it, `store` reads its outbox.

mod acts;
mod apply;
mod bodies;
mod codec;
mod content;
mod database;
mod error;
mod handle;
mod holds;
mod inspect;
mod intents;
mod latest;
mod listing;
mod load;
mod probes;
mod queue;
mod read;
mod recipient_state;
mod recover;
mod reply;
mod rest;
mod returns;
mod room;
mod settle;
mod state;
mod stops;
#[cfg(test)]
mod tests;
mod times;
mod types;
mod writer;

pub use error::SpoolError;
pub use handle::Spool;
pub use holds::{EndedHold, Hold, HoldsDue, NewHold, Release};
pub use intents::{Fate, Finding, Intended, Intent, IntentState, IntentWrite, IntentsStanding, LogPosition};
pub use listing::{Act, ActKind, Listed, Listing, OutboxStory, Page, Referrals, Standing, Wanted};
pub use probes::SentProbe;
pub use recipient_state::RecipientState;
pub use reply::without_addresses;
pub use returns::Returnable;
pub use stops::EditStop;
pub use types::{
    Credit, Due, DueEntry, Entry, EntryCopy, EntryFault, EntryId, NewCopy, NewEntry, NewRecipient, NewState, Offer,
    OutboxRow, Outcome, Recipient, Recovered, Settlement, SpoolOptions, Summary, Write,
};
