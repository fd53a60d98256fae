//! TLS by rustls, and the one stream type that both sides of the relay read and write.

mod stream;
mod trust;

pub use stream::Stream;
pub use trust::{Roots, Tlsa, Trust};
