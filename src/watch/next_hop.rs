//! How one next hop is, as delivery tells it and admins read it.

use serde::{Deserialize, Serialize};

/// One next hop at one moment.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct NextHopState {
    /// Host and port, or the domain whose servers are looked up.
    pub name: String,
    /// The route that leads there; of several that share its connections the first.
    pub route: String,
    /// Connections that carry a mail now, or are being opened.
    pub in_use: usize,
    /// Connections kept for the next mail.
    pub idle: usize,
    /// Connections it may have at one time.
    pub connections_max: usize,
    /// Mails of the spool being sent to it.
    pub from_spool: usize,
    /// Failures since it last answered.
    pub failures: u32,
    /// For how long it is left alone yet, in milliseconds.
    pub left_alone_ms: u64,
    /// What came of the last try, while it fails.
    pub why: Option<String>,
    /// Whether mail of the spool has waited for it for long, so that new mail goes behind it.
    pub has_backlog: bool,
    /// Mails a minute it is sent at most.
    pub rate_per_minute: Option<u32>,
    /// Recipients it has accepted.
    pub accepted: u64,
    /// Recipients it has deferred or refused.
    pub not_accepted: u64,
    /// The code of its last reply about a mail.
    pub last_reply: Option<u16>,
    /// When that came, RFC 3339.
    pub last_reply_at: Option<String>,
}
