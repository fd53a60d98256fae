//! The arguments of `dkim`, in the words `--help` shows.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::args::ConfigArgs;
use crate::config::parse_selector;
use crate::mail::address::Domain;

/// `dkim`.
#[derive(Clone, Debug, Subcommand)]
pub enum DkimCommand {
    /// Make a key and write it to a file that nobody else may read; show the TXT record to enter.
    Keygen(KeygenArgs),
    /// Show the TXT record of each key, as a line of a zone file and plain.
    Dns(KeysArgs),
    /// Look each key's record up, compare it with the key, and verify a test mail with it. Nothing is sent.
    Check(KeysArgs),
}

/// `dkim keygen`.
#[derive(Args, Clone, Debug)]
pub struct KeygenArgs {
    /// The domain of the senders, or one above it.
    #[arg(long, value_name = "DOMAIN", value_parser = domain)]
    pub domain: Domain,
    /// The name the key gets below the domain, such as cr1; never one that was used before.
    #[arg(long, value_name = "NAME", value_parser = selector)]
    pub selector: String,
    /// RSA is verified everywhere; Ed25519 (RFC 8463) by some, and only beside an RSA signature of use.
    #[arg(long, value_name = "KIND", value_parser = ["rsa", "ed25519"], default_value = "rsa")]
    pub algorithm: String,
    /// The bits of an RSA key: 2048 fits everywhere; the record of a longer one is refused by some name servers.
    #[arg(long, value_name = "BITS", value_parser = ["2048", "3072", "4096"], default_value = "2048")]
    pub bits: String,
    /// Where to write the key; never over a file that exists. SELECTOR.DOMAIN.pem when left out.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `dkim dns` and `dkim check`.
#[derive(Args, Clone, Debug)]
pub struct KeysArgs {
    /// The main file, whose `[[dkim]]` keys are meant.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Only the keys of this domain.
    #[arg(long, value_name = "DOMAIN", value_parser = domain)]
    pub domain: Option<Domain>,
    /// Only the key of this selector.
    #[arg(long, value_name = "NAME", value_parser = selector)]
    pub selector: Option<String>,
    /// A key in a file, in place of the configured ones; no configuration is read then.
    #[arg(long, value_name = "FILE", requires = "domain", requires = "selector", conflicts_with = "config")]
    pub key: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

fn domain(text: &str) -> Result<Domain, String> {
    Domain::parse(text).map_err(|why| why.to_string())
}

fn selector(text: &str) -> Result<String, String> {
    parse_selector(text).ok_or_else(|| "write letters, digits and -, with dots between labels".to_owned())
}
