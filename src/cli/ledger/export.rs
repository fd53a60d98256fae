//! `ledger export`: a company's entries as they are, for whoever wants to count them for himself.

use std::io::{self, Write};

use serde_json::Value;

use super::args::ExportArgs;
use crate::cli::output::{Done, End, conclude};
use crate::cli::reach::{ask_store_often, data_dir};
use crate::control::Request;
use crate::control::report::Exported;

/// Writes the entries, one JSON object a line.
///
/// # Errors
/// When the reader of the output is gone.
pub(super) fn export(args: &ExportArgs, out: &mut dyn Write) -> io::Result<End> {
    conclude(write(args, out), out)
}

fn write(args: &ExportArgs, out: &mut dyn Write) -> Done {
    let mut asked = Request::Entries { company: args.company.clone(), after: 0 };
    let mut ended = Ok(());
    ask_store_often(&data_dir(&args.data)?, |answer: Option<Value>| {
        let Some(answer) = answer else { return Ok(Some(asked.clone())) };
        let read = serde_json::from_value::<Vec<Exported>>(answer);
        let entries = read.map_err(|why| format!("the server answers in another form: {why}"))?;
        let Some(last) = entries.last() else { return Ok(None) };
        asked = Request::Entries { company: args.company.clone(), after: last.seq };
        ended = entries.iter().try_for_each(|entry| {
            serde_json::to_writer(&mut *out, entry)?;
            writeln!(out)
        });
        Ok(ended.is_ok().then(|| asked.clone()))
    })?;
    Ok(ended.map(|()| End::Well))
}
