//! Mails that are ours: to HR, about each hire slot granted. They know counts and slots, and no candidate.

mod courier;
mod notice;
mod probe;
mod task;
#[cfg(test)]
mod tests;

pub use courier::{Courier, CourierFault, Handover};
pub use notice::{Contact, NoticeFault, Sender, compose};
pub use probe::compose_probe;
pub use task::{Directory, Notifier, Terms};
