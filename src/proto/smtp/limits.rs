//! The one table of the SMTP server's limits. Each is enforced in code and has a test.

/// Limits of the server; the defaults are those of the trusted relays, tightened where they were too wide.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Octets of one command line, its CRLF included (RFC 5321 4.5.3.1.4 asks for 512, extensions for more).
    pub command_octets_max: usize,
    /// Octets of one line of a login, its CRLF included (RFC 4954 4: 12288 do for every mechanism there is).
    pub auth_octets_max: usize,
    /// Octets of one line of a message, its CRLF included. RFC 5321 4.5.3.1.6 asks for 1000; longer lines exist and are
    /// passed on as they are, never folded.
    pub line_octets_max: usize,
    /// Octets of one message; announced by SIZE (RFC 1870).
    pub message_octets_max: usize,
    /// Recipients of one transaction; the next one gets a 452 (RFC 5321 4.5.3.1.10).
    pub recipients_max: usize,
    /// Refused commands on one connection before it is closed.
    pub errors_max: u32,
    /// Failed logins on one connection before it is closed.
    pub auth_failures_max: u32,
    /// Transactions on one connection before it is closed.
    pub transactions_max: u32,
    /// Received fields of a message before it counts as looping (RFC 5321 6.3).
    pub hops_max: usize,
    /// Seconds without an octet from the client before the connection is closed (RFC 5321 4.5.3.2.7).
    pub idle_seconds_max: u64,
    /// Seconds from the first octet of a command to its CRLF: dripping octets do not count as life.
    pub command_seconds_max: u64,
    /// Seconds from 354 to the final dot.
    pub data_seconds_max: u64,
    /// Octets of a message that have to come in each second, on the whole of it and after 30 seconds of grace; 0 for no
    /// such limit. A client on the slowest mobile line is faster, and one that drips octets to hold a place is not.
    pub data_octets_per_second_min: u64,
    /// Seconds of one connection altogether; a message whose final dot has come is still answered.
    pub connection_seconds_max: u64,
    /// Connections at one time; clients that may not relay get half of them at most.
    pub connections_max: usize,
    /// Connections at one time from one client address (for IPv6: from one /64).
    pub connections_per_client_max: usize,
    /// Messages that one client may begin in a minute, by its user, else by its address (for IPv6: its /64); over it,
    /// MAIL gets a 450 4.7.1. 0 for no limit.
    pub messages_per_client_per_minute: u32,
    /// Messages of one company in a minute, by the domain of their senders; over it, MAIL gets a 450 4.7.1. 0 for no
    /// limit.
    pub messages_per_company_per_minute: u32,
    /// Octets of all messages in memory at one time; over it, DATA gets a 452 4.3.1.
    pub in_flight_octets_max: usize,
    /// Seconds to finish transactions in flight when the server stops.
    pub stop_seconds_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_octets_max: 2048,
            auth_octets_max: 12288,
            line_octets_max: 64 * 1024,
            message_octets_max: 50 * 1024 * 1024,
            recipients_max: 1000,
            errors_max: 20,
            auth_failures_max: 3,
            transactions_max: 1000,
            hops_max: 50,
            idle_seconds_max: 300,
            command_seconds_max: 300,
            data_seconds_max: 1800,
            data_octets_per_second_min: 256,
            connection_seconds_max: 7200,
            connections_max: 1000,
            connections_per_client_max: 100,
            messages_per_client_per_minute: 0,
            messages_per_company_per_minute: 0,
            in_flight_octets_max: 256 * 1024 * 1024,
            stop_seconds_max: 30,
        }
    }
}

impl Limits {
    /// Octets of a line with AUTH, which is a command too.
    pub fn login_octets_max(&self) -> usize {
        self.auth_octets_max.max(self.command_octets_max)
    }
}
