//! Files to valid settings: all faults at once, each with file, line, key and remedy; never half a file.

mod agreed;
mod company;
mod confirm_keys;
mod dkim_keys;
mod door_keys;
mod doors;
mod finding;
mod installation;
pub mod keys;
mod limits;
mod lint;
mod load;
mod milter;
mod reader;
mod report;
mod route_keys;
mod routes;
mod secrets;
pub mod settings;
mod shared;
#[cfg(test)]
mod tests;
mod trust;
mod values;
mod whole;
mod words;

pub use confirm_keys::{ConfirmSettings, MtaFormat, MtaLog, NamedHost};
pub use dkim_keys::{DkimKey, parse_selector};
pub use doors::{BareLf, ClientCa, DoorTls, Listener, SmtpSettings, Stamp, TlsSettings};
pub use finding::{Faults, Finding, Severity};
pub use load::{Inspection, contract_terms, example_company, inspect, load};
pub use milter::{MilterListener, MilterSettings, SocketOwner};
pub use routes::{DomainPattern, EightBit, HopTls, HostPort, Login, NextHop, Route, TlsMode};
pub use settings::{
    CustodyMode, CustodySettings, DeliverSettings, DnsSettings, LogFormat, LogLevel, LogSettings, NotifySettings,
    RetrySettings, Settings, SpoolSettings,
};
