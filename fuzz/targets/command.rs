//! Any octets as a session: it ends every step, takes no more than it is given, and never passes on a broken address.
#![no_main]

use std::sync::Arc;

use career_relay::proto::smtp::limits::Limits;
use career_relay::proto::smtp::session::{Action, Peer, Session, Terms};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let terms = Terms::plain("gw.sakura.example".into(), Arc::new(Limits::default()));
    let mut session = Session::new(Arc::new(terms), Peer { may_relay: true, ..Peer::default() });
    let mut rest = octets;
    // Each step takes octets or says something; so many are enough for any input.
    for _ in 0..octets.len() * 2 + 16 {
        let step = session.step(rest);
        rest = &rest[step.consumed..];
        match step.action {
            Action::Read | Action::Close(_) => break,
            Action::StartTls(_) | Action::Authenticate(_) | Action::Introduce(_) => unreachable!("not offered"),
            Action::Begin(_) => session.begin_from(true),
            Action::Room(octets) => session.grant(octets),
            Action::Message(transaction) => {
                assert!(!transaction.message.contains(&0));
                session.answered();
            }
            Action::Reply(reply) => {
                let mut written = Vec::new();
                reply.write_to(&mut written);
                assert!(written.ends_with(b"\r\n"));
            }
        }
    }
});
