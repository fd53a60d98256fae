//! What `ledger` takes on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::erase::EraseArgs;
use crate::cli::args::{DataArgs, company_id};
use crate::control::Month;
use crate::referral::CompanyId;

/// `ledger`. A running server is asked; without one the data folder is opened here.
#[derive(Clone, Debug, Subcommand)]
pub enum LedgerCommand {
    /// Show how many people count, how many are missing to the next hire slot, and the slots granted.
    Balance(BalanceArgs),
    /// Show what one month changed, with the head of the chain that proves it.
    Statement(StatementArgs),
    /// Replay every entry and compare: chain, credits, grants and balances. Exit code 1 if anything differs.
    ///
    /// A chain proves its past, and not its end. With an earlier checkpoint, or a statement in JSON, the loss of the
    /// newest entries is named too, a past that was written anew, and two checkpoints that contradict each other.
    Verify(VerifyArgs),
    /// Show the words that mails were given, by the digest that `trace` tells of each entry, and when each was used.
    Words(BalanceArgs),
    /// Sign where the chains of all companies end now, in a few lines of text that the other side keeps.
    Checkpoint(CheckpointArgs),
    /// Enter the referrals of `recovery` lines, which a broken disk left in the log alone. Each counts once.
    Recover(RecoverArgs),
    /// Forget a person: key, salt and evidence go, the chain stays whole. The address is read from standard input.
    Erase(EraseArgs),
    /// Write every entry of a company, one JSON object a line, for whoever wants to count for himself.
    Export(ExportArgs),
    /// Copy the ledger into a new file while the server runs and posts, and prove the copy by a replay.
    Backup(BackupArgs),
    /// Put such a copy in the ledger's place, with no server running. The ledger that was there is kept beside it.
    Restore(RestoreArgs),
}

/// `ledger backup`.
#[derive(Args, Clone, Debug)]
pub struct BackupArgs {
    /// The new file. It has this name only when it is whole and proven.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `ledger restore`.
#[derive(Args, Clone, Debug)]
pub struct RestoreArgs {
    /// The copy, as `ledger backup` made it; it stays as it is.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only prove the copy, and tell what would be.
    #[arg(long)]
    pub dry_run: bool,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `ledger export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// The company.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: CompanyId,
    /// Where the ledger lies. Entries are JSON in any case.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `ledger recover`.
#[derive(Args, Clone, Debug)]
pub struct RecoverArgs {
    /// The log; standard input when left out or -. Other lines are passed over.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Only tell what would be entered.
    #[arg(long)]
    pub dry_run: bool,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `ledger checkpoint`.
#[derive(Args, Clone, Debug)]
pub struct CheckpointArgs {
    /// Where to write it, never over a file that exists; standard output when left out.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `ledger verify`.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// The company; all of them when left out.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// What was kept of the ledger: files with checkpoints, or statements in JSON.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub checkpoint: Vec<PathBuf>,
    /// Believe checkpoints by this public key alone, as `keys show` told it when it was written down; may be repeated.
    #[arg(long, value_name = "KEY", requires = "checkpoint")]
    pub key: Vec<String>,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `ledger balance` and `ledger words`.
#[derive(Args, Clone, Debug)]
pub struct BalanceArgs {
    /// The company; all of them when left out.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `ledger statement`.
#[derive(Args, Clone, Debug)]
pub struct StatementArgs {
    /// The company.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: CompanyId,
    /// The month in Japan, such as 2026-11; the present one when left out.
    #[arg(long, value_name = "YYYY-MM")]
    pub month: Option<Month>,
    /// The language of the labels.
    #[arg(long, value_name = "LANG", value_parser = ["ja", "en"], default_value = "en")]
    pub lang: String,
    /// Print a sheet for spreadsheet programs in place of a table.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Write it as a page, which prints on A4 and loads nothing from anywhere, in place of a table.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "csv"])]
    pub html: Option<PathBuf>,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}
