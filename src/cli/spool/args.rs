//! What `spool` takes on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use crate::cli::args::{DataArgs, company_id};
use crate::referral::CompanyId;
use crate::spool::RecipientState;

/// `spool`. A running server is asked; without one the data folder is opened here, as its owner.
#[derive(Clone, Debug, Subcommand)]
pub enum SpoolCommand {
    /// List mails in custody: since when, for whom, and why they are still here. Addresses are not shown.
    List(ListArgs),
    /// Show one mail: sender, recipients, states, attempts, last replies, next try, and what admins did with it.
    Show(ShowArgs),
    /// Try waiting recipients again now, whatever their schedule says.
    Retry(ChangeArgs),
    /// Let mails go on that were set aside as damaged and can be read again.
    Release(ChangeArgs),
    /// Give recipients up: the sender gets a report.
    Bounce(ChangeArgs),
    /// Remove recipients without a word to anybody. Asks for --yes.
    Drop(DropArgs),
    /// Write a mail into a file, as it came or as it would leave.
    Export(ExportArgs),
}

/// Which recipients are meant: those for which all that is given holds.
#[derive(Args, Clone, Debug)]
pub struct WhichArgs {
    /// Ids of mails, whole.
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// Mails whose id begins so.
    #[arg(long, value_name = "TEXT")]
    pub id_prefix: Option<String>,
    /// A route, route/domain, or a domain that has servers of its own.
    #[arg(long, visible_alias = "route", value_name = "NAME")]
    pub destination: Option<String>,
    /// Mails of this company.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// Recipients in this state.
    #[arg(long, value_name = "STATE",
          value_parser = PossibleValuesParser::new(RecipientState::ALL.map(RecipientState::code)).map(String::from))]
    pub state: Option<String>,
    /// Mails that came at least so long ago, such as 30m, 4h or 2d.
    #[arg(long, value_name = "TIME", value_parser = age)]
    pub older_than: Option<Duration>,
    /// Mails that came within this time.
    #[arg(long, value_name = "TIME", value_parser = age)]
    pub younger_than: Option<Duration>,
    /// Recipients that may get their mail twice.
    #[arg(long)]
    pub maybe_doubled: bool,
    /// This recipient, in any spelling; - reads the address from standard input. It is logged nowhere.
    #[arg(long, value_name = "ADDRESS")]
    pub to: Option<String>,
}

impl WhichArgs {
    /// Whether nothing at all was given.
    pub fn is_everything(&self) -> bool {
        let Self { ids, id_prefix, destination, company, state, older_than, younger_than, maybe_doubled, to } = self;
        let texts = [id_prefix, destination, state, to];
        ids.is_empty()
            && texts.iter().all(|text| text.is_none())
            && company.is_none()
            && older_than.is_none()
            && younger_than.is_none()
            && !maybe_doubled
    }
}

/// `spool list`.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// Which.
    #[command(flatten)]
    pub which: WhichArgs,
    /// Show addresses too, a line for each recipient.
    #[arg(long)]
    pub addresses: bool,
    /// Show so many mails, 0 for all; 100 when left out, and all with --json.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Where the spool lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `spool show`.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// The mail's id.
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where the spool lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `spool retry`, `release` and `bounce`.
#[derive(Args, Clone, Debug)]
pub struct ChangeArgs {
    /// Which.
    #[command(flatten)]
    pub which: WhichArgs,
    /// All mails in custody, when nothing else is said.
    #[arg(long)]
    pub all: bool,
    /// Only tell what would be done.
    #[arg(long)]
    pub dry_run: bool,
    /// Where the spool lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `spool drop`.
#[derive(Args, Clone, Debug)]
pub struct DropArgs {
    /// What and how.
    #[command(flatten)]
    pub change: ChangeArgs,
    /// Do it; without this it is only told what would be done.
    #[arg(long)]
    pub yes: bool,
}

/// `spool export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// The mail's id.
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where to write it: a new file for you alone; - writes to standard output.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Write it as it would leave, with our trace line and the line of its referral, in place of as it came.
    #[arg(long)]
    pub leaving: bool,
    /// The copy of this recipient, by the number that `spool show` gives, where it leaves in several.
    #[arg(long, value_name = "N", requires = "leaving")]
    pub recipient: Option<u32>,
    /// Where the spool lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `90s`, `30m`, `4h` or `2d`, up to a year.
fn age(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
    let cut = |(unit, seconds): (&str, u64)| text.strip_suffix(unit).map(|number| (number, seconds));
    let read = units.into_iter().find_map(cut).and_then(|(number, unit)| number.parse::<u64>().ok()?.checked_mul(unit));
    let seconds = read.filter(|seconds| *seconds <= 366 * 86_400);
    seconds.map(Duration::from_secs).ok_or_else(|| "write 0s to 366d, such as 30m, 4h or 2d".to_owned())
}
