//! `confirm`: what became of mail that an MTA has from the milter.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use serde_json::Value;

use super::args::DataArgs;
use super::mailfile::MailFile;
use super::output::{Done, End, conclude, print_json, print_table, table};
use super::reach::ask_server;
use crate::control::Request;
use crate::control::confirm::{PendingLine, ReportRequest, ReportTaken};
use crate::mail::dsn::read::{names, read};

/// `confirm …`. A running server is asked.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfirmCommand {
    /// Take a delivery report, from a file or standard input: a success counts as delivered, a failure takes back.
    Report {
        /// The report; standard input when left out, or for "-".
        #[arg(value_name = "FILE", default_value = "-")]
        file: PathBuf,
        /// The address it came to, as an alias or a pipe tells it: a return path of ours says whose mail it is about.
        #[arg(long, value_name = "ADDRESS")]
        to: Option<String>,
        /// Whose server.
        #[command(flatten)]
        data: DataArgs,
    },
    /// List the referrals in mails of MTAs, the oldest first, at most 200.
    List {
        /// Those that stand so.
        #[arg(long, value_enum, default_value_t = State::Pending)]
        state: State,
        /// Whose server.
        #[command(flatten)]
        data: DataArgs,
    },
}

/// How a referral in a mail of an MTA stands.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum State {
    /// Nothing is known.
    #[default]
    Pending,
    /// A smarthost has it.
    Accepted,
    /// The candidate's own servers have it.
    Delivered,
    /// It was not delivered.
    Bounced,
    /// Nothing was heard in time.
    Lapsed,
}

impl State {
    fn code(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Lapsed => "lapsed",
        }
    }
}

/// Does what is asked.
///
/// # Errors
/// When the reader of the output is gone.
pub fn confirm(command: &ConfirmCommand, out: &mut dyn Write) -> io::Result<End> {
    let done = match command {
        ConfirmCommand::Report { file, to, data } => report((file, to.as_deref()), data, out),
        ConfirmCommand::List { state, data } => list(*state, data, out),
    };
    conclude(done, out)
}

fn ask(data: &DataArgs, request: &Request) -> Result<Value, String> {
    let none = "no server runs on this data folder: start it, and hand this in again";
    ask_server(data, request)?.ok_or_else(|| none.to_owned())
}

fn typed<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, String> {
    serde_json::from_value(value.clone()).map_err(|why| format!("the server answers in another form: {why}"))
}

fn report((file, to): (&PathBuf, Option<&str>), data: &DataArgs, out: &mut dyn Write) -> Done<()> {
    let mail = MailFile::read(file)?;
    let (reading, named) = (read(&mail.wire), names(&mail.wire));
    let status = reading.status.map(|(class, subject, detail)| format!("{class}.{subject}.{detail}"));
    let what = ReportRequest {
        verdict: reading.verdict.code().to_owned(),
        to: to.map(str::to_owned),
        envelope: named.envelope,
        queue_ids: named.queue_ids,
        recipients: reading.recipients.iter().map(ToString::to_string).collect(),
        status: status.unwrap_or_default(),
    };
    let value = ask(data, &Request::Report { what })?;
    if data.json {
        return Ok(print_json(out, &value));
    }
    let taken: ReportTaken = typed(&value)?;
    let about = match (taken.known_by.as_deref(), taken.transaction) {
        (Some("return_path"), _) => "about a mail of ours, by the return path it came to".to_owned(),
        (Some(_), Some(transaction)) => {
            format!("about {transaction}, candidate(s) {:?}", taken.recipients)
        }
        _ => "about no referral that is known here, or nothing that counts: nothing was written down".to_owned(),
    };
    Ok(writeln!(out, "{}: {about}", taken.verdict))
}

fn list(state: State, data: &DataArgs, out: &mut dyn Write) -> Done<()> {
    let value = ask(data, &Request::Pending { state: state.code().to_owned() })?;
    if data.json {
        return Ok(print_json(out, &value));
    }
    let lines: Vec<PendingLine> = typed(&value)?;
    if lines.is_empty() {
        return Ok(writeln!(out, "no referral is {}", state.code()));
    }
    let row = |line: PendingLine| {
        let PendingLine { transaction, mta, queue_id, company, recipient, at, deferrals, last_reply, .. } = line;
        let recipient = recipient.to_string();
        vec![at, company, mta, queue_id, transaction, recipient, deferrals.to_string(), last_reply.unwrap_or_default()]
    };
    let header = ["since", "company", "MTA", "queue id", "mail", "recipient", "put off", "last reply"];
    Ok(print_table(out, &table(&header, lines.into_iter().map(row))))
}
