//! The milter: an MTA asks about each of its mails, keeps it, and is told what to change, if anything.
//!
//! Everything here may fail and no mail is lost or late by it: whatever goes wrong, the answer is that the mail may go
//! on as it is, or there is no answer and the MTA goes on by itself (`milter_default_action = accept`). What counts is
//! written down before a mail is changed, and becomes a referral only by evidence of its delivery (design §3.6).

mod connection;
mod decide;
mod entrance;
mod server;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use jiff::Timestamp;

use crate::config::MilterSettings;
use crate::pipeline::{self, Outcome, Policy, Received};
use crate::policy::PolicyHandle;
use crate::proto::milter::Limits;
use crate::referral::CompanyId;
use crate::sign::Signer;
use crate::spool::Spool;
use crate::sys::turns::Turns;
use crate::watch::{Gauge, Room, Watch};

pub use entrance::{Door, EntranceFault};
pub use server::serve;

/// What the milter works with.
#[derive(Clone)]
pub struct Services {
    /// The policy in force.
    pub policy: PolicyHandle,
    /// Where what is pending is written down.
    pub spool: Spool,
    /// The keys that sign mails with the line.
    pub signer: Signer,
    /// Where mails are counted.
    pub watch: Watch,
    /// Whether an admin has switched the line off for this company.
    pub is_off: Arc<dyn Fn(&CompanyId) -> bool + Send + Sync>,
}

/// What decides on a mail, and how many of nearly an approved template came with it.
type Process = fn(&Received, &Policy, (Timestamp, u32)) -> Outcome;

/// The milter.
pub struct Milter {
    services: Services,
    settings: MilterSettings,
    limits: Limits,
    room: Arc<Room>,
    turns: Turns,
    process: Process,
    stop_seconds_max: u64,
}

/// What mails and connections are held to, of the limits that all doors share.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// The largest mail that is looked at.
    pub message_octets_max: usize,
    /// Recipients of one.
    pub recipients_max: usize,
    /// All mails in memory at one time.
    pub in_flight_octets_max: usize,
    /// To finish what is under way when the service stops.
    pub stop_seconds_max: u64,
}

impl Milter {
    /// A milter by these settings.
    pub fn new(services: Services, settings: MilterSettings, measure: Measure) -> Self {
        let Measure { message_octets_max, recipients_max, in_flight_octets_max, stop_seconds_max } = measure;
        Self {
            room: Room::new(in_flight_octets_max, services.watch.clone(), Gauge::MilterOctetsHeld),
            limits: Limits { message_octets_max, recipients_max },
            turns: Turns::default(),
            process: pipeline::process_in_one_copy,
            services,
            settings,
            stop_seconds_max,
        }
    }
}
