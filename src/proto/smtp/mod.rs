//! SMTP (RFC 5321) without sockets: replies, the data phase, commands and the server's session.

pub mod auth;
pub mod client;
pub mod command;
pub mod data;
pub mod limits;
pub mod reply;
pub mod session;
pub mod trace;
pub mod xtext;
