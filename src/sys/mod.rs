//! What the machine gives: time, entropy, the disk, and TLS. The only place that asks for them.

pub mod clock;
pub mod disk;
pub mod password;
pub mod random;
pub mod tls;
