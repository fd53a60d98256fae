//! What the machine gives: time, entropy, the disk, accounts, the terminal, and TLS. The only place that asks for them.

pub mod account;
pub mod clock;
pub mod disk;
pub mod password;
pub mod print;
pub mod random;
pub mod terminal;
pub mod tls;
