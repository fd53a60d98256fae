//! The commands an admin types: what they take, what they print, and their exit codes.

pub mod args;
pub mod check;
pub mod explain;
pub mod ledger;
mod mailfile;
pub mod output;
pub mod preview;
pub mod reach;
pub mod status;
#[cfg(test)]
mod tests;

pub use args::{Cli, Command};
