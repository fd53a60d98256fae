//! Statements as people and programs read them: text, CSV and JSON, with Japanese or English labels.

pub mod csv;
pub mod json;
pub mod labels;
pub mod period;
pub mod text;

pub use csv::{csv, csv_row};
pub use json::json;
pub use labels::Labels;
pub use period::month;
pub use text::text;

#[cfg(test)]
mod tests;
