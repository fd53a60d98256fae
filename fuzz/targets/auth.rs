//! Any lines as a login: every line ends in a challenge, credentials or a refusal, and what was said comes out as it was.
#![no_main]

use career_relay::proto::smtp::auth::{Exchange, Mechanism, Response, Turn};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, Option<&[u8]>, [&[u8]; 3])| {
    let mechanism = if input.0 { Mechanism::Plain } else { Mechanism::Login };
    let initial = input.1.map(Response::new);
    let mut turn = Exchange::begin(mechanism, initial.as_ref());
    for line in input.2 {
        match turn {
            Ok(Turn::Challenge(exchange, text)) => {
                assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'='));
                turn = exchange.take(line);
            }
            Ok(Turn::Credentials(credentials)) => {
                for text in [&credentials.user, &credentials.password] {
                    assert!(!text.is_empty() && !text.contains('\0'));
                }
                return;
            }
            Err(fault) => {
                let mut written = Vec::new();
                fault.reply().write_to(&mut written);
                assert!(written.starts_with(b"5") && written.ends_with(b"\r\n"));
                return;
            }
        }
    }
});
