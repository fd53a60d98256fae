//! `probe`: whether what comes back to our return paths is seen.

use std::io::{self, Write};

use clap::Args;
use serde_json::Value;

use super::args::{DataArgs, company_id};
use super::output::{Done, End, conclude, print_json, print_table, table};
use super::reach::ask_typed;
use crate::control::Request;
use crate::control::probe::ProbeLine;
use crate::referral::CompanyId;

/// `probe`. A running server is asked; without one the data folder is read here.
#[derive(Args, Clone, Debug)]
pub struct ProbeArgs {
    /// Send a probe of each return path now, in place of when it is due; a running server does that.
    #[arg(long)]
    pub now: bool,
    /// The company whose return path is probed; all of them when left out.
    #[arg(long, value_name = "ID", value_parser = company_id, requires = "now")]
    pub company: Option<CompanyId>,
    /// Whose server.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Does what is asked and prints how the return paths stand.
///
/// # Errors
/// When the reader of the output is gone.
pub fn probe(args: &ProbeArgs, out: &mut dyn Write) -> io::Result<End> {
    conclude(ask(args, out), out)
}

fn ask(args: &ProbeArgs, out: &mut dyn Write) -> Done<()> {
    let request = if args.now { Request::Probe { company: args.company.clone() } } else { Request::Probes };
    let (value, lines): (Value, Vec<ProbeLine>) = ask_typed(&args.data, &request)?;
    if args.data.json {
        return Ok(print_json(out, &value));
    }
    if lines.is_empty() {
        return Ok(writeln!(out, "no probe was sent yet: return_path.probe_to in a company's file says where to"));
    }
    let row = |line: ProbeLine| {
        let until = line.proven_until.unwrap_or_else(|| "never".to_owned());
        let proven = if line.proven { format!("until {until}") } else { format!("NO ({until})") };
        let since = line.proven_since.unwrap_or_default();
        vec![
            line.company,
            line.route,
            line.sent_at.unwrap_or_default(),
            line.back_at.unwrap_or_default(),
            since,
            proven,
        ]
    };
    let header = ["company", "route", "last sent", "last back", "proven since", "proven"];
    Ok(print_table(out, &table(&header, lines.into_iter().map(row))))
}
