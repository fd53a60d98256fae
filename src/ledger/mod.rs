//! The rules of the count, pure: contracts, events, entries, credits, grants, the hash chain and its replay.

pub mod act;
pub mod audit;
pub mod bounce;
pub mod chain;
pub mod checkpoint;
pub mod contract;
pub mod correct;
pub mod dispute;
pub mod entry;
pub mod erase;
pub mod event;
pub mod outcome;
pub mod presume;
pub mod rules;
pub mod signals;
pub mod signature;
pub mod slot;
pub mod statement;
pub mod told;
mod waiting;
pub mod witness;

pub use act::{Act, ActDigest, ActFault, Contested, Deed};
pub use audit::{Audit, Fault, Known};
pub use bounce::{Beside, take_back};
pub use chain::checksum;
pub use contract::{ContractRef, ContractVersion, CountOn, LateBounce};
pub use correct::{Correction, correct};
pub use dispute::{Dispute, DisputeFault, DisputeStage};
pub use entry::{Entry, Kind, NewEntry};
pub use erase::{DISPUTE_DAYS, KeepPersons, window_ends};
pub use event::{EventId, Evidence, Proves, ReferralEvent, name_of_elsewhere};
pub use presume::{is_presumed, presume, proven_since};
pub use rules::{Contracts, Pool, Posting, Referral, Stage, Unpostable, post, ruling};
pub use slot::{Slot, SlotFault, SlotStage};
pub use statement::{Balance, Grant, Notice, PoolStatement, Statement};
pub use told::hear;
