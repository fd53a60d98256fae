//! Any octets in any chunks, told in any pieces: the message is their sum, or the connection ends.
#![no_main]

use std::sync::Arc;

use career_relay::proto::smtp::data::{BareLf, find_fault};
use career_relay::proto::smtp::limits::Limits;
use career_relay::proto::smtp::session::{Action, CameBack, Peer, Session, Terms};
use libfuzzer_sys::fuzz_target;

const ENVELOPE: &[u8] = b"EHLO pc\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\n";

/// The message that comes out, when one does; `None` when the connection is closed or nothing has come out.
fn tell(wire: &[u8], piece: usize, bare_lf: BareLf) -> Option<Vec<u8>> {
    let limits = Limits { message_octets_max: 2048, line_octets_max: 512, ..Limits::default() };
    let terms = Terms { bare_lf, ..Terms::plain("gw.sakura.example".into(), Arc::new(limits)) };
    let mut session = Session::new(Arc::new(terms), Peer { may_relay: true, ..Peer::default() });
    let (mut taken, mut there) = (0, 0);
    loop {
        let step = session.step(&wire[taken..there]);
        taken += step.consumed;
        match step.action {
            Action::Read if there == wire.len() => return None,
            Action::Read => there = wire.len().min(there + piece),
            Action::Recipient(_) => session.recipient_is(CameBack::No),
            Action::Room(octets) => session.grant(octets),
            Action::Reply(_) => {}
            Action::Message(transaction) => return Some(transaction.message.to_vec()),
            Action::Close(_) => return None,
            other => panic!("{other:?} was not offered"),
        }
    }
}

fuzz_target!(|input: (u8, Vec<&[u8]>)| {
    let (piece, chunks) = (usize::from(input.0).max(1), input.1);
    let mut wire = ENVELOPE.to_vec();
    for (number, chunk) in chunks.iter().enumerate() {
        let last = if number + 1 == chunks.len() { " LAST" } else { "" };
        wire.extend_from_slice(format!("BDAT {}{last}\r\n", chunk.len()).as_bytes());
        wire.extend_from_slice(chunk);
    }
    for bare_lf in [BareLf::Refuse, BareLf::Normalize] {
        let whole = tell(&wire, wire.len(), bare_lf);
        assert_eq!(whole, tell(&wire, piece, bare_lf));
        if let Some(message) = whole {
            assert!(message.len() <= 2048 && find_fault([&message[..]]).is_none());
            assert!(bare_lf == BareLf::Normalize || message == chunks.concat());
        }
    }
});
