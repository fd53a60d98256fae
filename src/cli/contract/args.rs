//! The arguments of `contract`, in the words `--help` shows.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::args::{DataArgs, company_id};
use crate::referral::CompanyId;

/// `contract`.
#[derive(Clone, Debug, Subcommand)]
pub enum ContractCommand {
    /// List the contract versions that the ledger knows, and whether the operator has signed each.
    List(ListArgs),
    /// Show the terms of contract versions, their digest, and who has signed them.
    Show(ShowArgs),
    /// Make the operator's key and write it to a file that nobody else may read; show its public half.
    Keygen(KeygenArgs),
    /// Sign contract versions of a company's file for the operator, and print the lines to put into it.
    ///
    /// Nothing is changed: the terms are shown as they are signed, with the signature to copy behind each.
    Sign(SignArgs),
}

/// `contract list`.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// The company; all of them when left out.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `contract show`.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// The company.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: CompanyId,
    /// Only this series.
    #[arg(long, value_name = "NAME")]
    pub series: Option<String>,
    /// Only the version of this number.
    #[arg(long, value_name = "N")]
    pub version: Option<u32>,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `contract keygen`.
#[derive(Args, Clone, Debug)]
pub struct KeygenArgs {
    /// Where to write the key; never over a file that exists.
    #[arg(long, value_name = "FILE", default_value = "operator.pem")]
    pub out: PathBuf,
}

/// `contract sign`.
#[derive(Args, Clone, Debug)]
pub struct SignArgs {
    /// The company's file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The operator's private key.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Only this series.
    #[arg(long, value_name = "NAME")]
    pub series: Option<String>,
    /// Only the version of this number.
    #[arg(long, value_name = "N")]
    pub version: Option<u32>,
    /// Print JSON in place of the lines.
    #[arg(long)]
    pub json: bool,
}
