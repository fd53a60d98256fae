//! What the machine gives: time, entropy, disk, sockets, accounts, terminal, names, the web, TLS. Nobody else asks it.

pub mod account;
pub mod clock;
pub mod disk;
pub mod ed25519;
pub mod files;
pub mod https;
pub mod net;
pub mod own_address;
pub mod password;
pub mod print;
pub mod random;
pub mod resolver;
pub mod sealed;
pub mod signing_key;
pub mod terminal;
pub mod tls;
pub mod turns;
