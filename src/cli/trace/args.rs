//! What `trace` takes on the command line.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::DataArgs;

/// `trace`.
#[derive(Args, Clone, Debug)]
pub struct TraceArgs {
    /// Everything about mail to this address, in any spelling; - reads it from standard input. It is logged nowhere.
    #[arg(long, value_name = "ADDRESS", required_unless_present = "id", conflicts_with = "id")]
    pub to: Option<String>,
    /// Everything about this mail.
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Look into this log too, for what was decided and tried; - reads standard input. May be given again.
    #[arg(long, value_name = "FILE")]
    pub log: Vec<PathBuf>,
    /// Where spool and ledger lie.
    #[command(flatten)]
    pub data: DataArgs,
}
