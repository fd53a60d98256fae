//! TLS by rustls, and the one stream type that both sides of the relay read and write.

mod client;
mod stream;
mod trust;

pub use client::{ClientTls, TlsFault};
pub use stream::Stream;
pub use trust::{Protection, Roots, Tlsa, Trust};

#[cfg(test)]
pub(crate) use client::tests::authority;
