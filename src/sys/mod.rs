//! What the machine gives: time, entropy, the disk, sockets, accounts, the terminal, and TLS. The only place that asks.

pub mod account;
pub mod clock;
pub mod disk;
pub mod files;
pub mod net;
pub mod password;
pub mod print;
pub mod random;
pub mod terminal;
pub mod tls;
