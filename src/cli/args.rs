//! The commands and their arguments, in the words `--help` shows.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;

use super::contract::args::ContractCommand;
use super::dispute::DisputeCommand;
use super::dkim::args::DkimCommand;
use super::evidence::EvidenceCommand;
use super::hold::HoldCommand;
use super::keys::args::KeysCommand;
use super::ledger::args::LedgerCommand;
use super::operator::OperatorCommand;
use super::optout::OptOutCommand;
use super::probe::ProbeArgs;
use super::reconcile::ReconcileArgs;
use super::referral::ReferralCommand;
use super::report::args::ReportArgs;
use super::scan::ScanArgs;
use super::signals::SignalsArgs;
use super::slot::SlotCommand;
use super::snippet::SnippetArgs;
pub use super::spool::args::SpoolCommand;
use super::switch::{ResumeArgs, SwitchArgs};
use super::teach::TeachArgs;
pub use super::trace::args::TraceArgs;
use crate::control::test_mail::TestKind;
use crate::mail::address::Address;
use crate::pipeline::{Role, UserName};
use crate::referral::CompanyId;

/// Where the main file lies when nothing else is said.
pub const CONFIG: &str = "/etc/career-relay/career-relay.toml";

const ABOUT: &str =
    "An email gateway that gives job-rejection mails one line with a way on, and counts each referral once";

const EXIT_CODES: &str = "\
Exit codes:
  0  done, and all is well
  1  done, and something is wrong: faults in the files, a ledger that does not verify, no server to ask
  2  the command was not understood";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "career-relay", version, about = ABOUT, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send a day of HR mail through a gateway of its own on loopback, and check every mail that comes out.
    Demo(DemoArgs),
    /// Run the gateway.
    Serve(ServeArgs),
    /// What needs no gateway of its own.
    #[command(flatten)]
    Tool(Tool),
}

/// The commands that need no gateway of their own.
#[derive(Debug, Subcommand)]
pub enum Tool {
    /// Check the configuration: every fault of every file at once, with file, line and remedy.
    Check(CheckArgs),
    /// See the contract versions and who has signed them, or sign one for the operator.
    #[command(subcommand)]
    Contract(ContractCommand),
    /// Make the keys that sign mail with the line by DKIM, show their records, and check what is published.
    #[command(subcommand)]
    Dkim(DkimCommand),
    /// Enter what an ATS sent by itself with the company's link, by its export or a copy: a lower class of evidence.
    #[command(subcommand)]
    Evidence(EvidenceCommand),
    /// Tell what would become of mails in files, and why. Nothing is sent.
    Explain(ExplainArgs),
    /// See doubtful mails that are held for HR, and say whether each is a rejection.
    #[command(subcommand)]
    Hold(HoldCommand),
    /// See the public halves of the keys, rotate the keys of candidates, or carry those of a company elsewhere.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Read the ledger: people counted, slots granted, and the proof of both.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Stop the line at once, for one company or all: nothing is inserted any more, and mail flows.
    Off(SwitchArgs),
    /// Let the line be written again that was stopped by off.
    On(SwitchArgs),
    /// Say who wants no line, for one company or all: from then on such mails leave as they came.
    #[command(subcommand)]
    Optout(OptOutCommand),
    /// Show or write a mail as it would leave, or as it left once. Nothing is sent.
    Preview(PreviewArgs),
    /// Show until when each return path is proven by a mail that came back, or send such a mail now.
    Probe(ProbeArgs),
    /// Make the labour-market contribution report of a company: page, sheet and JSON with one checksum; or verify one.
    Report(Box<ReportArgs>),
    /// Let mails be edited again for a next hop that had refused mails with the line.
    Resume(ResumeArgs),
    /// Read an archive of sent mail and tell what HR asks first: rejections, people, hire slots, templates, remedies.
    Scan(ScanArgs),
    /// Send one marked mail through the gateway and follow it to the far end. It is never changed and never counted.
    SendTest(Box<SendTestArgs>),
    /// Show what in a company's count should be looked at before its slots are redeemed, or say that it was.
    Signals(Box<SignalsArgs>),
    /// Hire slots: what was earned, reserved, introduced and redeemed.
    #[command(subcommand)]
    Slot(SlotCommand),
    /// Print the line for the template of an ATS that sends by itself, as text and as HTML.
    Snippet(SnippetArgs),
    /// Look after the mails in custody: list, show, try again, give up, remove, write into files.
    #[command(subcommand)]
    Spool(Box<SpoolCommand>),
    /// Show how the running server is.
    Status(StatusArgs),
    /// Watch the running server: sessions, mails a second, next hops, the spool. On a terminal until q, else once.
    Top(TopArgs),
    /// Teach a template from mails of it, or approve, refuse and list those that were seen.
    #[command(alias = "template")]
    Teach(Box<TeachArgs>),
    /// Tell the whole story of a person's mails, or of one mail: custody, attempts, outbox, ledger.
    Trace(TraceArgs),
    /// Learn the weights of the classifier's model from mails whose answers are known, for who builds the program.
    Train(TrainArgs),
    /// Say who may send mail through the gateway with a password, or look after it.
    #[command(subcommand)]
    User(UserCommand),
    /// Enter what the operator of Career Relay tells: who registered, was supported, found work or left it.
    #[command(subcommand)]
    Operator(Box<OperatorCommand>),
    /// Hold a month of the ledger against the operator's list or totals, and show what differs.
    Reconcile(Box<ReconcileArgs>),
    /// Contest something of the count, answer it, settle it, and adjust credits by it.
    #[command(subcommand)]
    Dispute(Box<DisputeCommand>),
    /// Look at single referrals by the tokens of their links, or give a credit back.
    #[command(subcommand)]
    Referral(Box<ReferralCommand>),
}

/// The installation a command is about.
#[derive(Args, Clone, Debug)]
pub struct ConfigArgs {
    /// The main file of the configuration.
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub config: PathBuf,
}

/// `check`.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// The main file.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Also ask the name servers for the records that return paths need (MX, SPF).
    #[arg(long)]
    pub dns: bool,
    /// Print one JSON object: `ok`, `findings` (severity, file, line, key, what, remedy), `companies`; `dns` by --dns.
    #[arg(long)]
    pub json: bool,
}

/// The data folder a command is about, and how it answers.
#[derive(Args, Clone, Debug)]
pub struct DataArgs {
    /// The main file.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The data folder, in place of the configured one; no configuration is read then.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub data: Option<PathBuf>,
    /// Print JSON in place of tables.
    #[arg(long)]
    pub json: bool,
}

/// `status`.
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    /// Whose server.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `top`.
#[derive(Args, Clone, Debug)]
pub struct TopArgs {
    /// Print it once, as plain text, and end.
    #[arg(long)]
    pub once: bool,
    /// The language of the labels.
    #[arg(long, value_name = "LANG", value_parser = ["ja", "en"], default_value = "en")]
    pub lang: String,
    /// Whose server.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `user`. A running server is told and takes the change at once; without one the data folder is changed here.
#[derive(Clone, Debug, Subcommand)]
pub enum UserCommand {
    /// Add a user. The password is asked for twice, or read from standard input when that is no terminal.
    ///
    /// It has at least 12 characters and at most 256 octets, and is taken octet for octet as clients send it: letters
    /// that can be written in two ways are not made the same.
    Add(UserAddArgs),
    /// List the users there are.
    List(DataArgs),
    /// Show one user with every change: when, what, and by whom.
    Show(UserArgs),
    /// Give a user another password, asked for or read as `user add` does.
    Password(UserPasswordArgs),
    /// Remove a user. What was done to him stays written down.
    Remove(UserArgs),
}

/// `user add`.
#[derive(Args, Clone, Debug)]
pub struct UserAddArgs {
    /// His name: 1 to 64 of a-z, 0-9 and . _ - @ +.
    #[arg(value_name = "NAME", value_parser = user_name)]
    pub name: UserName,
    /// What he may do: relay sends mail through the gateway; the others are for its pages.
    #[arg(long, value_name = "ROLE", value_parser = PossibleValuesParser::new(Role::ALL.map(Role::code)).try_map(role))]
    pub role: Role,
    /// The company a relay, hr or viewer user is bound to: he proves that company and no other.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// His password.
    #[command(flatten)]
    pub password: PasswordArgs,
    /// Where the users are kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `user password`.
#[derive(Args, Clone, Debug)]
pub struct UserPasswordArgs {
    /// His name.
    #[arg(value_name = "NAME", value_parser = user_name)]
    pub name: UserName,
    /// His password.
    #[command(flatten)]
    pub password: PasswordArgs,
    /// Where the users are kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Where a new password comes from.
#[derive(Args, Clone, Debug)]
pub struct PasswordArgs {
    /// Draw a strong password and show it once, in place of asking for one.
    #[arg(long)]
    pub generate: bool,
}

/// `user show` and `user remove`.
#[derive(Args, Clone, Debug)]
pub struct UserArgs {
    /// His name.
    #[arg(value_name = "NAME", value_parser = user_name)]
    pub name: UserName,
    /// Where the users are kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `send-test`. The running server is told of the mail beforehand, so that it knows it again and tells its way.
#[derive(Args, Clone, Debug)]
pub struct SendTestArgs {
    /// A mailbox you can read; the postmaster of the sender's domain when left out.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub to: Option<Address>,
    /// The sender; a mailbox of the company, or career-relay@ and our host name, when left out.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub from: Option<Address>,
    /// Where to hand it in, such as the mail server in front; the running gateway itself when left out.
    #[arg(long, value_name = "HOST:PORT")]
    pub server: Option<String>,
    /// When TLS begins; auto takes it where it is offered. A certificate that is not good ends the test.
    #[arg(long, value_name = "WHEN", value_parser = ["auto", "none", "starttls", "implicit"], default_value = "auto")]
    pub tls: String,
    /// Believe the authorities in this PEM file, beside those this machine trusts.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The name the certificate must bear, when it is not that of the server.
    #[arg(long, value_name = "NAME")]
    pub tls_name: Option<String>,
    /// Log in as this user.
    #[arg(long, value_name = "NAME", requires = "password_file")]
    pub user: Option<String>,
    /// His password in a file; - reads it from standard input.
    #[arg(long, value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,
    /// The company whose mail it is.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// A short note, or a rejection mail to see whether such mail is recognised.
    #[arg(long, value_name = "KIND", default_value = "other",
          value_parser = PossibleValuesParser::new(TestKind::ALL.map(TestKind::code)).try_map(test_kind))]
    pub kind: TestKind,
    /// How long to follow it, such as 60s or 5m.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s")]
    pub timeout: Duration,
    /// Whose server.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// The main file.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `train`.
#[derive(Args, Clone, Debug)]
pub struct TrainArgs {
    /// The folder with the folders `tune` and `sentences`; tests/corpus/classify/README.md tells their form.
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Where the weights go; the program is built with config/rules/model.weights.
    #[arg(value_name = "FILE")]
    pub out: PathBuf,
}

/// `explain`.
#[derive(Args, Clone, Debug)]
pub struct ExplainArgs {
    /// Mails as files; - reads one from standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The company whose mail it is; the only one, or the built-in example, when left out.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// The main file; the built-in example company when left out.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The language of what is said.
    #[arg(long, value_name = "LANG", value_parser = ["ja", "en"], default_value = "en")]
    pub lang: String,
    /// Print one JSON object a line for each file: file, verdict, reason, evidence, questions, nearest, what became.
    #[arg(long)]
    pub json: bool,
}

/// `preview`.
#[derive(Args, Clone, Debug)]
pub struct PreviewArgs {
    /// Mails as files; - reads one from standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Where to write the mail as it would leave: a file, a folder for any number of them, or - for standard output.
    /// Without it what would be put in is shown.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Also write a page that shows the mails before and after. It loads nothing from anywhere.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Print JSON in place of text: one object per file, with the lines of each part and whether they were put in.
    #[arg(long, conflicts_with = "out")]
    pub json: bool,
    /// The language of that page.
    #[arg(long, value_name = "LANG", value_parser = ["ja", "en"], default_value = "en")]
    pub lang: String,
    /// Of a copy that HR has sent: the mail as it left at this time, such as 2026-11-22T09:30:00+09:00, by what held
    /// then and with the candidate's own link.
    #[arg(long, value_name = "TIME", value_parser = time, requires = "config")]
    pub at: Option<Timestamp>,
    /// The company whose mail it is; the only one, or the built-in example, when left out.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// The main file; the built-in example company when left out.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `demo`.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// Where ledger and caught mails go, made when missing; a fresh temporary folder when left out.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

fn role(code: String) -> Result<Role, String> {
    Role::parse(&code).ok_or(code)
}

fn test_kind(code: String) -> Result<TestKind, String> {
    TestKind::ALL.into_iter().find(|kind| kind.code() == code).ok_or(code)
}

fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|why| why.to_string())
}

/// `90`, `90s`, `5m` or `2h`, from a second to a day.
fn duration(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3600)];
    let cut = |(unit, seconds): (&str, u64)| text.strip_suffix(unit).map(|number| (number, seconds));
    let (number, unit) = units.into_iter().find_map(cut).unwrap_or((text, 1));
    let seconds = number.parse().ok().and_then(|n: u64| n.checked_mul(unit)).filter(|n| (1..=86_400).contains(n));
    seconds.map(Duration::from_secs).ok_or_else(|| "write 1s to 24h, such as 60s or 5m".to_owned())
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write it as 2026-11-22T09:30:00+09:00, or with Z".to_owned())
}

fn user_name(text: &str) -> Result<UserName, String> {
    UserName::parse(text).map_err(|why| why.to_string())
}

pub(super) fn company_id(text: &str) -> Result<CompanyId, String> {
    CompanyId::parse(text).map_err(|why| why.to_string())
}
