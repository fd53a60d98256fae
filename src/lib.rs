//! `career-relay`: the email gateway that turns every job-rejection mail into a next step.
//!
//! `docs/architecture.md` is the map. The pure modules come first: bytes and values in, values out. The shell modules
//! give them a clock, a disk and sockets. `tests/tidy.rs` holds the walls between them.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

pub mod app;
pub mod classify;
pub mod cli;
pub mod config;
pub mod confirm;
pub mod control;
pub mod deliver;
pub mod demo;
pub mod inject;
pub mod ledger;
pub mod mail;
pub mod milter;
pub mod notify;
pub mod pipeline;
pub mod policy;
pub mod proto;
pub mod referral;
pub mod report;
#[cfg(any(test, feature = "samotop"))]
pub mod samotop;
pub mod sign;
pub mod smtp;
pub mod spool;
pub mod store;
pub mod sys;
pub mod watch;
