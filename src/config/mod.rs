//! Files to valid settings: all faults at once, each with file, line, key and remedy; never half a file.

mod company;
mod finding;
mod installation;
pub mod keys;
mod limits;
mod load;
mod reader;
pub mod settings;
#[cfg(test)]
mod tests;
mod values;
mod whole;

pub use finding::{Faults, Finding, Severity};
pub use load::{Inspection, example_company, inspect, load};
pub use settings::{
    CustodyMode, CustodySettings, DeliverSettings, DomainPattern, LogFormat, LogLevel, LogSettings, NextHop,
    NotifySettings, RetrySettings, Route, Settings, SmtpSettings, SpoolSettings,
};
