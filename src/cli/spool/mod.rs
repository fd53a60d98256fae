//! `spool list | show | retry | release | bounce | drop | export`.

pub mod args;
mod change;
mod export;
mod list;
mod show;

use std::io::{self, BufRead, Write};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::output::{Done, End, conclude};
use crate::control::spool::{Unlogged, Which};
use crate::spool::ActKind;
use args::{SpoolCommand, WhichArgs};

/// Octets of an address on standard input.
const ADDRESS_OCTETS_MAX: u64 = 1024;

/// Does what is asked and prints what came of it.
///
/// # Errors
/// When the reader of the output is gone.
pub fn spool(command: &SpoolCommand, out: &mut dyn Write) -> io::Result<End> {
    let done = match command {
        SpoolCommand::List(args) => list::list(args, out),
        SpoolCommand::Show(args) => show::show(args, out),
        SpoolCommand::Retry(args) => change::change(ActKind::Retry, args, out),
        SpoolCommand::Release(args) => change::change(ActKind::Release, args, out),
        SpoolCommand::Bounce(args) => change::change(ActKind::Bounce, args, out),
        SpoolCommand::Drop(args) => change::drop_mail(args, out),
        SpoolCommand::Export(args) => export::export(args, out),
    };
    conclude(done, out)
}

/// What the command line means, at this time.
fn which(args: &WhichArgs, now: Timestamp) -> Result<Which, String> {
    let before = |age: Duration| {
        let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
        now.checked_sub(age).unwrap_or(Timestamp::MIN).to_string()
    };
    Ok(Which {
        ids: args.ids.clone(),
        id_prefix: args.id_prefix.clone(),
        destination: args.destination.clone(),
        company: args.company.clone(),
        state: args.state.clone(),
        // Mail that comes from now on is not meant: not even the reports that this very command makes.
        received_until: Some(before(args.older_than.unwrap_or_default())),
        received_from: args.younger_than.map(before),
        maybe_doubled: args.maybe_doubled,
        to: args.to.as_deref().map(read_address).transpose()?,
    })
}

/// An address from the command line, or from standard input for `-`, where no list of processes shows it.
///
/// # Errors
/// A sentence for the admin that does not repeat what was read.
pub fn read_address(text: &str) -> Result<Unlogged, String> {
    let mut read = text.to_owned();
    if text == "-" {
        read.clear();
        let mut input = io::Read::take(io::stdin().lock(), ADDRESS_OCTETS_MAX);
        input.read_line(&mut read).map_err(|e| format!("the address cannot be read: {e}"))?;
    }
    let address = Unlogged(read.trim().to_owned());
    address.address().map(|_| address)
}
