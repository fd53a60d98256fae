//! The mail filter protocol of Sendmail and Postfix, versions 2 to 6: octets in, octets and events out.
//!
//! An MTA connects, negotiates what it will send and what we may change, and then tells each mail step by step. It
//! keeps the mail all the while: nothing here can lose one. What we change is told in one reply behind the body's end.
//!
//! The wire form is that of libmilter; where Sendmail and Postfix count differently, the way both understand is taken.

mod changes;
mod command;
mod envelope;
mod gathered;
mod macros;
mod packet;
mod session;
mod terms;
#[cfg(test)]
mod tests;

pub use changes::{Change, Changes, Unfit};
pub use command::{Command, CommandFault, Peer};
pub use envelope::{EnvelopeFault, read_envelope};
pub use gathered::{Field, Flaw, Gathered, Snapshot};
pub use macros::Macros;
pub use packet::{Packet, PacketFault, Packets};
pub use session::{Connected, Event, Fault, Limits, Session};
pub use terms::{Actions, Steps, Terms, TermsFault};
