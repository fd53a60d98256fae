//! Any octets as a session: it ends every step, takes no more than it is given, and never passes on a broken address.
#![no_main]

use std::sync::Arc;

use career_relay::proto::smtp::limits::Limits;
use career_relay::proto::smtp::session::{Action, Peer, Session};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let peer = Peer { host: "gw.sakura.example".into(), may_relay: true };
    let mut session = Session::new(Arc::new(Limits::default()), peer);
    let mut rest = octets;
    // Each step takes octets or says something; so many are enough for any input.
    for _ in 0..octets.len() * 2 + 16 {
        let step = session.step(rest);
        rest = &rest[step.consumed..];
        match step.action {
            Action::Read | Action::Close(_) => break,
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
