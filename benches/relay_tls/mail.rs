//! The mail that the generators send, each with an id of its own that the sinks find again.

use memchr::memmem;

/// W1: a rejection in multipart/alternative, UTF-8, base64, 4 KB.
const MAIL: &[u8] = include_bytes!("../mails/W1.eml");

/// The mail with its id's field in front, CRLF, dots stuffed, and the final dot.
pub fn on_the_wire() -> Vec<u8> {
    let mut out = b"X-Bench-Id: 00000000\r\n".to_vec();
    for line in MAIL.split_inclusive(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

/// The id of a mail that came out.
pub fn id_of(message: &[u8]) -> Option<usize> {
    let at = memmem::find(message, b"X-Bench-Id: ")? + 12;
    std::str::from_utf8(message.get(at..at + 8)?).ok()?.parse().ok()
}
