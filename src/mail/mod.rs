//! Mail as bytes and values: addresses, envelopes, the shape of a message, its visible text, edits, reports.
//!
//! Pure, and imports nothing else of ours: everything that decides, edits, counts or carries mail stands on it.

pub mod address;
pub mod charset;
pub mod dsn;
pub mod edit;
pub mod envelope;
pub mod fields;
pub mod html;
pub mod message;
pub mod transfer;
pub mod view;
