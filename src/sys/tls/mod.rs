//! TLS by rustls, and the one stream type that both sides of the relay read and write.

mod client;
mod clients;
mod faults;
mod pem;
mod server;
mod stream;
mod trust;

pub use client::{ClientTls, ClientTlsFault};
pub use faults::TlsFault;
pub use server::{ClientRoots, ServerFiles, ServerTls};
pub use stream::Stream;
pub use trust::{Protection, Roots, Tlsa, Trust};

#[cfg(test)]
#[path = "../../../tests/it/certificates.rs"]
pub(crate) mod certificates;
#[cfg(test)]
pub(crate) use client::tests::authority;
#[cfg(test)]
mod tests;
