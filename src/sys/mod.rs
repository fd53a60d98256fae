//! What the machine gives: time, entropy, the disk, names, texts of the web, and TLS. The only place that asks for them.

pub mod clock;
pub mod disk;
pub mod https;
pub mod own_address;
pub mod random;
pub mod resolver;
pub mod tls;
