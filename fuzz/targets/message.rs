//! Any octets as a message: read in bounds, its parts in order inside it, its view without a panic.
#![no_main]

use career_relay::mail::message::Message;
use career_relay::mail::view::View;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let message = Message::read(octets);
    for part in message.parts() {
        assert!(part.header.start <= part.header.end && part.header.end <= part.body.start);
        assert!(part.body.start <= part.body.end && part.body.end <= octets.len());
    }
    let view = View::read(&message);
    for part in &view.parts {
        for i in 0..part.lines.len() {
            let _ = part.line(i).len();
        }
    }
});
