//! The commands an admin types: what they take, what they print, and their exit codes.

mod account;
pub mod args;
pub mod check;
mod check_names;
pub mod confirm;
pub mod contract;
pub mod dispute;
pub mod dkim;
pub mod evidence;
pub mod explain;
pub mod folder;
pub mod hold;
pub mod keys;
mod leaves;
pub mod ledger;
mod mailfile;
pub mod operator;
pub mod optout;
mod outfile;
pub mod output;
pub mod preview;
pub mod probe;
pub mod reach;
pub mod reason;
mod reason_ja;
pub mod reconcile;
mod redemption;
pub mod referral;
pub mod report;
pub mod scan;
pub mod send_test;
pub mod signals;
pub mod slot;
pub mod snippet;
pub mod spool;
pub mod status;
pub mod switch;
pub mod teach;
#[cfg(test)]
mod tests;
pub mod top;
pub mod trace;
pub mod train;
pub mod user;

use std::io::{self, Write};
use std::process::ExitCode;

pub use args::{Cli, Command, Tool};
use output::End;

/// Runs a command that needs no gateway of its own, printing to `out`.
///
/// # Errors
/// When the output cannot be written.
pub fn run(tool: &Tool, out: &mut dyn Write) -> io::Result<End> {
    match tool {
        Tool::Check(args) => check::check(args, out),
        Tool::Confirm(command) => confirm::confirm(command, out),
        Tool::Contract(command) => contract::contract(command, out),
        Tool::Dkim(command) => dkim::dkim(command, out),
        Tool::Evidence(command) => evidence::evidence(command, out),
        Tool::Explain(args) => explain::explain(args, out),
        Tool::Hold(command) => hold::hold(command, out),
        Tool::Keys(command) => keys::keys(command, out),
        Tool::Ledger(command) => ledger::ledger(command, out),
        Tool::Off(args) => switch::switch(args, true, out),
        Tool::On(args) => switch::switch(args, false, out),
        Tool::Optout(command) => optout::optout(command, out),
        Tool::Preview(args) => preview::preview(args, out),
        Tool::Probe(args) => probe::probe(args, out),
        Tool::Report(args) => report::report(args, out),
        Tool::Resume(args) => switch::resume(args, out),
        Tool::Scan(args) => scan::scan(args, out),
        Tool::SendTest(args) => send_test::send_test(args, out),
        Tool::Signals(args) => signals::signals(args, out),
        Tool::Slot(command) => slot::slot(command, out),
        Tool::Snippet(args) => snippet::snippet(args, out),
        Tool::Spool(command) => spool::spool(command, out),
        Tool::Status(args) => status::status(args, out),
        Tool::Teach(args) => teach::teach(args, out),
        Tool::Top(args) => top::top(args, out),
        Tool::Trace(args) => trace::trace(args, out),
        Tool::Train(args) => train::train(args, out),
        Tool::User(command) => user::user(command, out),
        Tool::Operator(command) => operator::operator(command, out),
        Tool::Reconcile(args) => reconcile::reconcile(args, out),
        Tool::Dispute(command) => dispute::dispute(command, out),
        Tool::Referral(command) => referral::referral(command, out),
    }
}

/// The exit code of a command's end. A reader that has gone (`| head`) is no fault of the command.
pub fn exit_code(end: io::Result<End>) -> ExitCode {
    match end {
        Ok(end) => end.into(),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // With the output gone and standard error too, the exit code is all that is left to tell it.
            let _ = writeln!(io::stderr(), "career-relay: the output cannot be written: {error}");
            ExitCode::FAILURE
        }
    }
}
