//! What the machine gives: time, entropy, the disk, accounts, the terminal, names, texts of the web, and TLS. The only
//! place that asks for them.

pub mod account;
pub mod clock;
pub mod disk;
pub mod https;
pub mod own_address;
pub mod password;
pub mod print;
pub mod random;
pub mod resolver;
pub mod terminal;
pub mod tls;
