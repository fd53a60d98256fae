//! Files to valid settings: all faults at once, each with file, line, key and remedy; never half a file.

pub mod company;
pub mod settings;

pub use settings::Settings;
