//! The rules of the count, pure: contracts, events, entries, credits, grants, the hash chain and its replay.

pub mod contract;
pub mod event;

pub use contract::{ContractRef, ContractVersion, CountOn, LateBounce};
pub use event::{Proves, ReferralEvent};
