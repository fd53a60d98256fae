//! TLS by rustls, and the one stream type that both sides of the relay read and write.

mod clients;
mod faults;
mod pem;
mod server;
mod stream;

pub use faults::TlsFault;
pub use server::{ClientRoots, ServerFiles, ServerTls};
pub use stream::Stream;

#[cfg(test)]
#[path = "../../../tests/it/certificates.rs"]
pub mod certificates;
#[cfg(test)]
mod tests;
