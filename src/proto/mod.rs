//! Wire protocols as state machines over octets: nothing here waits, reads a clock or owns a socket.

pub mod milter;
pub mod proxy;
pub mod smtp;
