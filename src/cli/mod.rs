//! The commands an admin types: what they take, what they print, and their exit codes.

pub mod args;
pub mod check;
pub mod ledger;
pub mod output;
pub mod reach;
pub mod status;
#[cfg(test)]
mod tests;

pub use args::{Cli, Command};
