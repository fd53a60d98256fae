//! The rules of the count, pure: contracts, events, entries, credits, grants, the hash chain and its replay.

pub mod act;
pub mod audit;
pub mod bounce;
pub mod chain;
pub mod contract;
pub mod entry;
pub mod event;
pub mod presume;
pub mod rules;
pub mod signals;
pub mod slot;
pub mod statement;

pub use act::{Act, ActDigest, ActFault, Deed};
pub use audit::{Audit, Fault, Known};
pub use bounce::{Beside, take_back};
pub use contract::{ContractRef, ContractVersion, CountOn, LateBounce};
pub use entry::{Entry, Kind, NewEntry};
pub use event::{EventId, Evidence, Proves, ReferralEvent};
pub use presume::{is_presumed, presume, proven_since};
pub use rules::{Contracts, Pool, Posting, Referral, Stage, Unpostable, post, ruling};
pub use slot::{Slot, SlotFault, SlotStage};
pub use statement::{Balance, Grant, Notice, PoolStatement, Statement};
