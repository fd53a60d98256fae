//! TLS by rustls, and the one stream type that both sides of the relay read and write.

mod stream;

pub use stream::Stream;
