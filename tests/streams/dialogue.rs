//! One stream: made by dice, told to a session in pieces, and compared with what the reference says of it.

use std::sync::Arc;

use career_relay::proto::smtp::data::{BareLf, find_fault, stuff};
use career_relay::proto::smtp::limits::Limits;
use career_relay::proto::smtp::session::{Action, CameBack, Peer, Session, Terms};

use crate::dice::Dice;
use crate::reference::{self, End};

const ENVELOPE: &[u8] = b"EHLO pc\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\n";
const DATA: &[u8] = b"DATA\r\n";

/// What the stream follows.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Kind {
    Data,
    Chunks,
}

/// Makes a stream, has it read, and says how it ended.
///
/// # Panics
/// When session and reference differ, with the stream.
pub fn check(kind: Kind, mend: bool, dice: &mut Dice) -> End {
    let (wire, expected, replies) = match kind {
        Kind::Data => behind_data(mend, dice),
        Kind::Chunks => in_chunks(mend, dice),
    };
    let heard = tell(&wire, mend, dice);
    let shown = || wire.escape_ascii().to_string();
    assert_eq!(heard.end, expected, "mend {mend}: {}", shown());
    assert_eq!(heard.chunks, replies, "mend {mend}: {}", shown());
    if let End::Message { message, .. } = &expected {
        check_sending(message, &shown);
    }
    expected
}

/// A stream behind DATA; a message in it may be followed by another one that must not be read as part of the first.
fn behind_data(mend: bool, dice: &mut Dice) -> (Vec<u8>, End, usize) {
    let (pieces, harm) = (dice.below(40), dice.below(2) == 0);
    let mut stream = dice.octets(pieces, harm);
    if dice.below(2) == 0 {
        stream.extend_from_slice(b"\r\n.\r\nNOOP\r\nMAIL FROM:<evil@x.example>\r\n");
    }
    let end = match reference::data(&stream, mend) {
        End::Message { message, taken } => End::Message { message, taken: ENVELOPE.len() + DATA.len() + taken },
        other => other,
    };
    ([ENVELOPE, DATA, &stream].concat(), end, 0)
}

/// A message in chunks, the last of which may be missing, with commands between and behind them.
fn in_chunks(mend: bool, dice: &mut Dice) -> (Vec<u8>, End, usize) {
    let (harm, chunks) = (dice.below(2) == 0, 1 + dice.below(6));
    let ends = dice.below(4) > 0;
    let (mut wire, mut content, mut replies) = (ENVELOPE.to_vec(), Vec::new(), 0);
    for number in 1..=chunks {
        let last = ends && number == chunks;
        let pieces = dice.below(12);
        let mut chunk = dice.octets(pieces, harm);
        if dice.below(4) == 0 {
            // Line ends cut in two by chunks.
            chunk.push(b'\r');
        } else if content.last() == Some(&b'\r') {
            chunk.insert(0, b'\n');
        }
        wire.extend_from_slice(format!("BDAT {}{}\r\n", chunk.len(), if last { " LAST" } else { "" }).as_bytes());
        wire.extend_from_slice(&chunk);
        content.extend_from_slice(&chunk);
        match reference::chunks(&content, last, mend) {
            End::Open => replies += 1,
            End::Message { message, .. } => {
                let taken = wire.len();
                wire.extend_from_slice(b"NOOP\r\nMAIL FROM:<>\r\n");
                return (wire, End::Message { message, taken }, replies);
            }
            refused @ End::Refused(_) => {
                wire.extend_from_slice(b"MAIL FROM:<evil@x.example>\r\n");
                return (wire, refused, replies);
            }
        }
    }
    (wire, End::Open, replies)
}

/// What the session made of a stream.
struct Heard {
    end: End,
    /// Chunks that were taken, the last one not among them.
    chunks: usize,
}

/// Tells the stream in pieces of random size, up to its end.
fn tell(wire: &[u8], mend: bool, dice: &mut Dice) -> Heard {
    let bare_lf = if mend { BareLf::Normalize } else { BareLf::Refuse };
    let terms = Terms { bare_lf, ..Terms::plain("relay.example".into(), Arc::new(Limits::default())) };
    let mut session = Session::new(Arc::new(terms), Peer { may_relay: true, ..Peer::default() });
    let longest = [1, 2, 5, 20, wire.len()][dice.below(5)];
    let (mut taken, mut there, mut chunks) = (0, 0, 0);
    loop {
        let step = session.step(&wire[taken..there]);
        taken += step.consumed;
        match step.action {
            Action::Read if there == wire.len() => return Heard { end: End::Open, chunks },
            Action::Read => there = wire.len().min(there + 1 + dice.below(longest)),
            Action::Recipient(_) => session.recipient_is(CameBack::No),
            Action::Room(octets) => session.grant(octets),
            Action::Reply(reply) if reply.text.ends_with(" octets") => chunks += 1,
            Action::Reply(reply) => assert!(reply.code < 400, "{reply}: {}", wire.escape_ascii()),
            Action::Message(transaction) => {
                let message = transaction.message.to_vec();
                return Heard { end: End::Message { message, taken }, chunks };
            }
            Action::Close(reply) => {
                let fault =
                    ["CR", "LF", "NUL"].into_iter().find(|word| reply.text.contains(&format!("holds a {word}")));
                let fault = fault.or_else(|| reply.text.contains("holds an LF").then_some("LF"));
                assert!(reply.code == 554, "{reply}: {}", wire.escape_ascii());
                return Heard { end: End::Refused(fault.expect("a fault that has a name")), chunks };
            }
            other => panic!("{other:?}: {}", wire.escape_ascii()),
        }
    }
}

/// What we send on of a message ends at a strict next hop where it ended with us, and nowhere before.
fn check_sending(message: &[u8], shown: &dyn Fn() -> String) {
    assert_eq!(find_fault([message]), None, "{}", shown());
    let wire = stuff([message]).collect::<Vec<_>>().concat();
    let whole = message.is_empty() || message.ends_with(b"\r\n");
    let message = if whole { message.to_vec() } else { [message, b"\r\n"].concat() };
    let taken = wire.len();
    assert_eq!(reference::data(&wire, false), End::Message { message, taken }, "{}", shown());
}
