//! The admin socket of the running server, and the lock on the data folder that says whether one runs.
//!
//! One JSON object a line each way. The socket is the service's own (0600, and the peer must be the same user or root);
//! what is asked is answered by the handler the app hands in.

mod client;
pub mod confirm;
pub mod count;
pub mod erase;
pub mod hold;
pub mod ledger;
mod lock;
mod month;
pub mod observe;
pub mod operator;
pub mod optout;
pub mod probe;
pub mod reconcile;
pub mod recover;
pub mod redemption;
pub mod referral;
pub mod report;
mod server;
pub mod signals;
pub mod slot;
pub mod spool;
mod status;
pub mod switch;
pub mod teach;
pub mod test_mail;
#[cfg(test)]
mod tests;
pub mod then;
pub mod trace;
pub mod trust;
pub mod users;

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use client::{AskFault, Client};
pub use lock::{DataLock, LockFault};
pub use month::Month;
pub use server::{Answer, Server};
pub use status::{DestinationState, SpoolStatus, Status};

use crate::ledger::ReferralEvent;
use crate::pipeline::{UserAct, UserName};
use crate::referral::CompanyId;
use crate::sys::account;

/// The socket's name below the data folder.
pub const SOCKET: &str = "control.sock";

/// Octets of one request or answer line.
const LINE_OCTETS_MAX: usize = 16 << 20;

/// What can be asked of a running server.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How it is: since when it runs, what is in custody, what waits to be counted.
    Status,
    /// All counters and gauges.
    Counters,
    /// Credits and slots of one company, or of all.
    Balance {
        /// The company; all when absent.
        company: Option<CompanyId>,
    },
    /// What one month changed in one company's ledger.
    Statement {
        /// The company.
        company: CompanyId,
        /// The month.
        month: Month,
        /// How it is wanted.
        form: ledger::StatementForm,
        /// `ja` or `en`, for the labels.
        language: String,
    },
    /// Replays the ledger against its chain.
    Verify {
        /// The company; all when absent.
        company: Option<CompanyId>,
    },
    /// The words that mails may have been given.
    Words {
        /// The company; all when absent.
        company: Option<CompanyId>,
    },
    /// Who may log in.
    Users,
    /// One user, and all that was ever done to him.
    User {
        /// His name.
        name: UserName,
    },
    /// Adds, changes or removes a user; it holds from the answer on.
    SetUser {
        /// His name.
        name: UserName,
        /// What is to be.
        change: UserAct,
    },
    /// A token for a test mail to come, and where to hand it in.
    ExpectTest {
        /// Whose mail it shall be.
        company: Option<CompanyId>,
        /// What it shall look like.
        kind: test_mail::TestKind,
    },
    /// What became of a test mail so far.
    Follow {
        /// The token it bears.
        token: String,
    },
    /// Something about the mail in custody.
    Spool {
        /// What.
        what: spool::SpoolRequest,
    },
    /// Enters referrals that a broken disk left in the log alone.
    Recover {
        /// The referrals.
        events: Vec<ReferralEvent>,
        /// Whether it is only told which are new.
        dry_run: bool,
    },
    /// Everything that is known of a person's mails, or of one mail.
    Trace {
        /// Of what.
        subject: trace::Subject,
    },
    /// Stops the line, or lets it be written again.
    Switch {
        /// The company; all of them when absent.
        company: Option<CompanyId>,
        /// Whether it is stopped.
        off: bool,
    },
    /// Lets mails be edited again for next hops that had refused edited ones.
    ResumeEditing {
        /// The company; all of them when absent.
        company: Option<CompanyId>,
        /// The next hop; all of them when absent.
        next_hop: Option<String>,
    },
    /// The mails that are held for a word of HR.
    Holds,
    /// How the last holds ended.
    EndedHolds,
    /// One held mail: its subject and its text.
    Hold {
        /// Its id.
        id: String,
    },
    /// Lets a held mail go.
    Release {
        /// Its id.
        id: String,
        /// Whether with the line; else as it came.
        with_line: bool,
    },
    /// How the return paths stand: probes sent and come back, and until when each is proven.
    Probes,
    /// Sends a probe of each return path now.
    Probe {
        /// Whose; all companies' when absent.
        company: Option<CompanyId>,
    },
    /// Who wants no line.
    OptOuts {
        /// The company; every list when absent.
        company: Option<CompanyId>,
    },
    /// Puts persons on the list of those who want no line, or takes them off it; it holds from the answer on.
    SetOptOuts {
        /// Who, and how.
        what: optout::OptOutRequest,
    },
    /// The templates HR has said something of, and those that are proposed.
    Templates {
        /// The company; all when absent.
        company: Option<CompanyId>,
    },
    /// One template, and all that was ever said of it.
    Template {
        /// Whose.
        company: CompanyId,
        /// Its id, or the beginning of it.
        id: String,
    },
    /// Says what templates are; it holds from the answer on.
    Teach {
        /// Which, and what.
        what: teach::TeachRequest,
    },
    /// What held for a company's line at a time.
    Then {
        /// The company.
        company: CompanyId,
        /// The time, RFC 3339.
        at: String,
    },
    /// A signed checkpoint over the heads of all companies' chains.
    Checkpoint,
    /// Replays the ledger, and holds it against what the other side has kept of it.
    VerifyGiven {
        /// The company; all when absent.
        company: Option<CompanyId>,
        /// What was kept.
        given: Vec<trust::Given>,
        /// The only keys that are believed; those the ledger knows when there are none.
        keys: Vec<String>,
    },
    /// The contract versions, and who has signed them.
    Contracts {
        /// The company; all when absent.
        company: Option<CompanyId>,
    },
    /// The keys the ledger knows, without their secrets.
    Keys,
    /// The hire slots.
    Slots {
        /// The company; all when absent.
        company: Option<CompanyId>,
    },
    /// Does something to a hire slot.
    Slot {
        /// What, and to which.
        what: slot::SlotRequest,
    },
    /// Forgets a person; the chain stays whole.
    Erase {
        /// Whom, and why.
        what: erase::EraseRequest,
    },
    /// Takes evidence of mail that never passed here.
    Observe {
        /// Which mails, of whom.
        what: observe::ObserveRequest,
    },
    /// Enters what the operator tells of a company's referrals.
    Import {
        /// What.
        what: operator::ImportRequest,
    },
    /// Compares a month with what the operator says of it.
    Reconcile {
        /// What he says.
        what: reconcile::ReconcileRequest,
    },
    /// Gives a credit back, or does something to a dispute.
    Count {
        /// What.
        what: count::CountRequest,
    },
    /// The disputes.
    Disputes {
        /// The company; all when absent.
        company: Option<CompanyId>,
    },
    /// Referrals, by their tokens.
    Referrals {
        /// Whose.
        company: CompanyId,
        /// Which.
        what: referral::ReferralWhich,
    },
    /// What in a company's credits should be looked at.
    Signals {
        /// Whose, and of which days.
        what: signals::SignalsRequest,
    },
    /// Says that somebody has looked at a signal.
    ClearSignal {
        /// Which, and why it is in order.
        what: signals::ClearRequest,
    },
    /// What the operator signs of a slot that was used.
    Redemption {
        /// Which.
        what: redemption::RedemptionRequest,
    },
    /// Finishes what is in flight, then ends.
    Stop,
    /// What the ledger has for a contribution report.
    Contribution {
        /// The company.
        company: CompanyId,
        /// The first day, in Japan.
        from: String,
        /// The last day.
        to: String,
        /// The number of the last entry that is looked at; all when absent.
        seq_max: Option<u64>,
        /// How far what the operator reported is looked at: the last entry and total; all when absent.
        told_max: Option<(u64, u64)>,
    },
    /// The entries of one company, so many at once as fit into an answer.
    Entries {
        /// The company.
        company: CompanyId,
        /// The number of the entry in front of the first.
        after: u64,
    },
    /// Takes a delivery report that was handed in.
    Report {
        /// What it says.
        what: confirm::ReportRequest,
    },
    /// The referrals in mails of MTAs that stand so.
    Pending {
        /// The code of the state.
        state: String,
    },
}

/// Who asks: the account at the other end of the socket, as the kernel tells it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Caller {
    /// Its user id.
    pub uid: u32,
}

impl Caller {
    /// The one who runs this process.
    pub fn own() -> Self {
        Self { uid: account::own_uid() }
    }

    /// How the rows of what it changes show it.
    pub fn describe(self) -> String {
        account::describe(self.uid)
    }
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Answer(serde_json::Value),
    Fault(String),
}

/// A path that names the socket, and the folder it stands on while it is used: the kernel takes 107 octets at most.
struct SocketPath {
    path: PathBuf,
    _folder: Option<File>,
}

impl SocketPath {
    fn below(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join(SOCKET);
        if path.as_os_str().len() <= 107 {
            return Ok(Self { path, _folder: None });
        }
        let folder = File::open(data_dir)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()));
        Ok(Self { path, _folder: Some(folder) })
    }
}

impl Request {
    /// The company of a request that needs its keys: to know persons by the tokens of their links.
    pub fn company_of_tokens(&self) -> Option<&CompanyId> {
        match self {
            Self::Import { what } => Some(&what.company),
            Self::Reconcile { what } => Some(&what.company),
            Self::Count { what } => Some(&what.company),
            Self::Referrals { company, .. } => Some(company),
            _ => None,
        }
    }
}
