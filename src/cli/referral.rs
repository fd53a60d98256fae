//! `referral list | show | find | reverse`: single referrals, by the tokens of their links.

use std::io::{self, Write};

use clap::{Args, Subcommand};

use super::args::{DataArgs, company_id};
use super::dispute::{CountArgs, act};
use super::output::{Done, End, conclude, print_json, print_table, table};
use super::reach::ask_typed;
use super::spool::read_address;
use crate::control::Request;
use crate::control::count::CountDeed;
use crate::control::referral::{ReferralLine, ReferralWhich};
use crate::referral::CompanyId;

/// `referral`. A running server is asked; without one the data folder is opened here.
#[derive(Clone, Debug, Subcommand)]
pub enum ReferralCommand {
    /// Show the newest referrals: token, stage, and whether each is a credit.
    List(ListArgs),
    /// Show one referral with its entries.
    Show(ShowArgs),
    /// Show the referral of a person. The address is read from standard input, and is kept and logged nowhere.
    Find(FindArgs),
    /// Give a credit back, as the company always may; its entry stays, and a new one takes its worth away.
    Reverse(ReverseArgs),
}

/// `referral list`.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: u32,
    /// Whose.
    #[command(flatten)]
    pub of: OfArgs,
}

/// Whose referrals, and where they are.
#[derive(Args, Clone, Debug)]
pub struct OfArgs {
    /// The company.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: CompanyId,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `referral show`.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// The token of its link: what stands behind /r/.
    #[arg(value_name = "TOKEN")]
    pub token: String,
    /// Whose.
    #[command(flatten)]
    pub of: OfArgs,
}

/// `referral find`.
#[derive(Args, Clone, Debug)]
pub struct FindArgs {
    /// Whose.
    #[command(flatten)]
    pub of: OfArgs,
}

/// `referral reverse`.
#[derive(Args, Clone, Debug)]
pub struct ReverseArgs {
    /// The token of the link, or the number of the entry that made the credit.
    #[arg(value_name = "TOKEN|ENTRY")]
    pub target: String,
    /// Whose count, by whom and why.
    #[command(flatten)]
    pub act: CountArgs,
}

/// Shows referrals, or gives a credit back.
///
/// # Errors
/// When the reader of the output is gone.
pub fn referral(command: &ReferralCommand, out: &mut dyn Write) -> io::Result<End> {
    let done = match command {
        ReferralCommand::List(args) => show(&args.of, ReferralWhich::Newest { limit: args.limit }, out),
        ReferralCommand::Show(args) => show(&args.of, ReferralWhich::Token { token: args.token.clone() }, out),
        ReferralCommand::Find(args) => {
            read_address("-").and_then(|address| show(&args.of, ReferralWhich::Address { address }, out))
        }
        ReferralCommand::Reverse(args) => {
            let what = CountDeed::Reverse { target: args.target.clone() };
            Ok(act(&args.act, what, "the credit is given back", out))
        }
    };
    conclude(done, out)
}

fn show(of: &OfArgs, what: ReferralWhich, out: &mut dyn Write) -> Done {
    let is_list = matches!(what, ReferralWhich::Newest { .. });
    let request = Request::Referrals { company: of.company.clone(), what };
    let (value, lines) = ask_typed::<Vec<ReferralLine>>(&of.data, &request)?;
    let end = if lines.is_empty() && !is_list { End::Wrong } else { End::Well };
    let printed = if of.data.json { print_json(out, &value) } else { print(&lines, out) };
    Ok(printed.map(|()| end))
}

fn print(lines: &[ReferralLine], out: &mut dyn Write) -> io::Result<()> {
    if lines.is_empty() {
        return writeln!(out, "there is no such referral");
    }
    let day = |at: &str| at.get(..10).unwrap_or(at).to_owned();
    let rows = lines.iter().map(|line| {
        let counted = match (&line.counted_at, line.reversed) {
            (_, Some(entry)) => format!("given back by entry {entry}"),
            (Some(at), None) => day(at),
            (None, None) => "-".to_owned(),
        };
        let token = line.token.clone().unwrap_or_else(|| "(its key is not here)".to_owned());
        vec![token, line.stage.clone(), day(&line.offered_at), counted, line.contract.clone()]
    });
    print_table(out, &table(&["token", "stage", "offered", "counted", "contract"], rows))?;
    for entry in lines.iter().flat_map(|line| &line.entries) {
        writeln!(
            out,
            "entry {}: {} {} (worth {}), posted {}",
            entry.seq, entry.at, entry.kind, entry.worth, entry.posted
        )?;
    }
    Ok(())
}
