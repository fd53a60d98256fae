//! Any octets as a session, in clear and under TLS, told at once and in pieces: each step takes no more than it is given,
//! no broken octet is passed on, and pieces change nothing.
#![no_main]

use std::sync::Arc;

use career_relay::proto::smtp::data::{BareLf, find_fault};
use career_relay::proto::smtp::limits::Limits;
use career_relay::proto::smtp::session::{Action, Availability, CameBack, Checked, Peer, Role, Session, Terms};
use libfuzzer_sys::fuzz_target;

/// Everything the client hears, up to the end of the octets or of the connection.
fn tell(octets: &[u8], piece: usize, peer: Peer) -> Vec<u8> {
    let limits = Limits { message_octets_max: 65536, recipients_max: 20, ..Limits::default() };
    let terms = Terms {
        starttls: Availability::Offered,
        auth: Availability::Offered,
        bare_lf: BareLf::Normalize,
        ..Terms::plain("gw.sakura.example".into(), Arc::new(limits))
    };
    let mut session = Session::new(Arc::new(terms), peer);
    let (mut taken, mut there, mut heard) = (0, 0, Vec::new());
    loop {
        let step = session.step(&octets[taken..there]);
        taken += step.consumed;
        assert!(taken <= there);
        match step.action {
            Action::Read if there == octets.len() => return heard,
            Action::Read => there = octets.len().min(there + piece),
            Action::Begin(_) => session.begin_from(true),
            Action::Recipient(_) => session.recipient_is(CameBack::No),
            Action::Room(octets) => session.grant(octets),
            Action::Message(transaction) => {
                assert_eq!(find_fault([&transaction.message[..]]), None);
                heard.extend_from_slice(&transaction.message);
                session.answered();
            }
            Action::Authenticate(credentials) => {
                let known = Checked::Known { may_relay: true };
                session.authenticated(if credentials.user.len() > 2 { known } else { Checked::Unknown });
            }
            Action::Introduce(_) => session.introduced(session.peer()),
            Action::Reply(reply) => {
                let from = heard.len();
                reply.write_to(&mut heard);
                assert!(heard[from..].ends_with(b"\r\n"));
            }
            // How much of the octets was thrown away hangs on how they were cut.
            Action::StartTls(_) => return heard,
            Action::Close(reply) => {
                reply.write_to(&mut heard);
                return heard;
            }
        }
    }
}

fuzz_target!(|input: (u8, u8, &[u8])| {
    let role = if input.0 & 1 == 0 { Role::Client } else { Role::Proxy };
    let peer = Peer { may_relay: true, tls: input.0 & 2 == 0, role, ..Peer::default() };
    let (whole, cut) = (tell(input.2, input.2.len().max(1), peer), tell(input.2, usize::from(input.1).max(1), peer));
    // A DATA that is refused ends the connection when octets stand behind it already: then less is heard.
    assert!(cut.starts_with(&whole));
});
