//! Any octets behind an MTA's offer: no panic, no memory over the limits, and each whole mail can be edited soundly.
#![no_main]

use career_relay::mail::edit::{Edit, Edits};
use career_relay::proto::milter::{Changes, Event, Limits, Session};
use libfuzzer_sys::fuzz_target;

const OFFER: &[u8] = b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff";

fuzz_target!(|octets: &[u8]| {
    let mut session = Session::new(Limits { message_octets_max: 10_000, recipients_max: 5 });
    session.push(OFFER);
    // In two pieces, as a network may cut them.
    let (first, second) = octets.split_at(octets.len() / 2);
    for piece in [first, second] {
        session.push(piece);
        while let Ok(Some(event)) = session.event() {
            assert!(session.mail().is_none_or(|mail| mail.octets.len() <= 10_000 + 70_000));
            match event {
                Event::Header => session.go_on(),
                Event::Mail(mail) => {
                    let Some(snapshot) = mail.into_snapshot() else {
                        session.leave();
                        continue;
                    };
                    let line = Edit { at: snapshot.body_at, insert: b"line\r\n".as_slice().into() };
                    let field = Edit { at: 0, insert: b"X-New: field\r\n".as_slice().into() };
                    let changes = Changes::of(&snapshot, &Edits::new(vec![field, line])).expect("changes");
                    assert!(session.answer(&changes).is_ok_and(|reply| reply.ends_with(b"\0\0\0\x01c")));
                }
                Event::Aborted | Event::Quit => {}
            }
        }
    }
});
