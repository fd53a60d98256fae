//! Statements and reports as people and programs read them: text, pages, CSV and JSON, in Japanese or English.

pub mod contribution;
pub mod csv;
pub mod json;
pub mod labels;
pub mod markup;
pub mod page;
pub mod paper;
pub mod period;
pub mod rows;
pub mod text;

pub use csv::{csv, csv_row};
pub use json::json;
pub use labels::Labels;
pub use page::page;
pub use period::month;
pub use rows::statement_checksum;
pub use text::text;

#[cfg(test)]
mod tests;
