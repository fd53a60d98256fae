//! Any attributes behind XCLIENT: read or refused, and no name that is read can break a header field.
#![no_main]

use career_relay::proto::smtp::command::Command;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let line = [b"XCLIENT ", octets].concat();
    if let Ok(Command::Xclient(told)) = Command::read(&line) {
        let names = [&told.name, &told.hello].into_iter().flatten().filter_map(|told| told.value());
        let fine = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
        names.for_each(|name| assert!(!name.is_empty() && name.chars().all(fine)));
        let login = told.login.as_ref().and_then(|told| told.value());
        assert!(login.is_none_or(|user| !user.contains(char::is_control)));
        assert_eq!(told.greeting().is_some(), told.hello.is_some_and(|told| told.value().is_some()));
    }
});
