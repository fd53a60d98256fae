//! Recorded conversations: `tests/corpus/milter/*.txt`, a packet a line, `>` what the MTA said and `<` what it heard.
//!
//! Each mail gets a field in front and a line at the start of its body. `UPDATE_EXPECT=1` writes what is heard anew;
//! read the difference before committing it.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// Octets as they stand in a file: ASCII as it is, the rest as `\xNN`.
fn unescape(text: &str) -> Vec<u8> {
    let (mut octets, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, more)) = rest.split_first() {
        let (octet, used) = match (first, more) {
            (b'\\', [b'x', high, low, ..]) => {
                let hex = std::str::from_utf8(&[*high, *low]).map(|h| u8::from_str_radix(h, 16).expect("hex"));
                (hex.expect("hex"), 4)
            }
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [other, ..]) => (*other, 2),
            _ => (*first, 1),
        };
        octets.push(octet);
        rest = &rest[used..];
    }
    octets
}

fn heard(octets: &[u8]) -> String {
    let mut packets = Packets::default();
    packets.push(octets);
    let mut lines = String::new();
    while let Some(Packet { kind, data }) = packets.take().expect("packets of ours") {
        let line = format!("< {} {}", kind as char, data.escape_ascii());
        lines.extend([line.trim_end(), "\n"]);
    }
    lines
}

/// What a conversation's mail is answered with.
fn answer(session: &mut Session, mail: Gathered) -> Vec<u8> {
    let Some(snapshot) = mail.into_snapshot() else {
        session.leave();
        return session.take_output();
    };
    let list = edits(&[(0, b"X-Seen: yes\r\n"), (snapshot.body_at, b"a line\r\n")]);
    let changes = Changes::of(&snapshot, &list).expect("changes");
    session.answer(&changes).expect("a reply")
}

fn replay(path: &Path) {
    let text = fs::read_to_string(path).expect("a conversation");
    let mut session = Session::new(limits());
    let mut found = String::new();
    for line in text.lines().filter(|line| !line.starts_with('<')) {
        found.extend([line, "\n"]);
        let Some(said) = line.strip_prefix("> ") else { continue };
        let (kind, data) = (said.as_bytes()[0], said.get(2..).unwrap_or(""));
        session.push(&packet(kind, &unescape(data)));
        while let Some(event) = session.event().expect("a sound conversation") {
            found += &heard(&session.take_output());
            match event {
                Event::Header => session.go_on(),
                Event::Mail(mail) => found += &heard(&answer(&mut session, *mail)),
                Event::Aborted | Event::Quit => {}
            }
        }
        found += &heard(&session.take_output());
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, &found).expect("a file");
    }
    assert_eq!(found, text, "{}", path.display());
}

#[test]
fn recorded_conversations_are_answered_as_they_were() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/milter");
    let files = fs::read_dir(&folder).expect("the conversations").flatten().map(|f| f.path());
    let files: Vec<PathBuf> = files.filter(|p| p.extension().is_some_and(|e| e == "txt")).collect();
    assert!(files.len() >= 2, "{files:?}");
    for path in &files {
        replay(path);
    }
}
