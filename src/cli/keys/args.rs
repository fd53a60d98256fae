//! The arguments of `keys`, in the words `--help` shows.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::args::{DataArgs, company_id};
use crate::referral::CompanyId;

/// `keys`. No secret is ever printed.
#[derive(Clone, Debug, Subcommand)]
pub enum KeysCommand {
    /// Show the ledger's name, the public keys that sign its checkpoints, and fingerprints of the keys of candidates.
    Show(DataArgs),
    /// Make another key for candidates, in use from the next start or reload on.
    ///
    /// Those before it stay: whoever was counted under one of them is known by it, and counts no second time. The key
    /// files belong into every backup, all of them.
    Rotate(RotateArgs),
    /// Write the keys of one company into a file, sealed with a passphrase, to carry them to another installation.
    ///
    /// The passphrase is asked for twice, or read from standard input when that is no terminal.
    Export(ExportArgs),
    /// Take in the keys of a company that another installation has exported; in use from the next start or reload on.
    Import(ImportArgs),
}

/// `keys rotate`.
#[derive(Args, Clone, Debug)]
pub struct RotateArgs {
    /// The number of a key that is gone for good: go on without it. Whoever was counted under it counts as new.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub lost: Vec<u16>,
    /// Only tell what would be done, and what it means.
    #[arg(long)]
    pub dry_run: bool,
    /// Whose keys.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `keys export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// The company.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: CompanyId,
    /// Where to write them; never over a file that exists.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Whose keys.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `keys import`.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// What `keys export` has written.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only tell whose keys they are, and whether they can be taken in.
    #[arg(long)]
    pub dry_run: bool,
    /// Whose keys.
    #[command(flatten)]
    pub data: DataArgs,
}
