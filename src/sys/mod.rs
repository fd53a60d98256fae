//! What the machine gives: time, entropy, the disk, sockets, and TLS. The only place that asks for them.

pub mod clock;
pub mod disk;
pub mod files;
pub mod net;
pub mod random;
pub mod tls;
