//! What the machine gives: time, entropy, the disk, names, accounts, the terminal, and TLS. Nobody else asks for them.

pub mod account;
pub mod clock;
pub mod disk;
pub mod own_address;
pub mod password;
pub mod print;
pub mod random;
pub mod resolver;
pub mod terminal;
pub mod tls;
