//! What a message on the wire is, written down octet by octet, without speed and without segments: the standard in as
//! few lines as it takes. It knows nothing of the decoder, and `tests/streams` reads it too.

/// How a stream ends.
#[derive(Debug, Eq, PartialEq)]
pub enum End {
    /// It does not.
    Open,
    /// With a message, so many octets after its start.
    Message { message: Vec<u8>, taken: usize },
    /// With an octet that must not be there.
    Refused(&'static str),
}

/// The stream behind DATA. With `mend` a bare LF is a line end of the message, and still none of the protocol.
pub fn data(input: &[u8], mend: bool) -> End {
    let (mut message, mut line) = (Vec::new(), Vec::new());
    for (i, &octet) in input.iter().enumerate() {
        if let Some(fault) = fault(line.last().copied(), octet, mend) {
            return End::Refused(fault);
        }
        line.push(octet);
        if line == b".\r\n" {
            return End::Message { message, taken: i + 1 };
        }
        if line.ends_with(b"\r\n") {
            message.extend(mended(line.strip_prefix(b".").unwrap_or(&line)));
            line.clear();
        }
    }
    End::Open
}

/// The octets of all chunks, the last one among them or not.
pub fn chunks(input: &[u8], whole: bool, mend: bool) -> End {
    for (i, &octet) in input.iter().enumerate() {
        if let Some(fault) = fault(i.checked_sub(1).map(|before| input[before]), octet, mend) {
            return End::Refused(fault);
        }
    }
    match input.last() {
        _ if !whole => End::Open,
        Some(b'\r') => End::Refused("CR"),
        _ => End::Message { message: mended(input), taken: input.len() },
    }
}

fn fault(before: Option<u8>, octet: u8, mend: bool) -> Option<&'static str> {
    match (before, octet) {
        (Some(b'\r'), b'\n') => None,
        (Some(b'\r'), _) => Some("CR"),
        (_, b'\n') if !mend => Some("LF"),
        (_, 0) => Some("NUL"),
        _ => None,
    }
}

fn mended(octets: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for &octet in octets {
        if octet == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(octet);
    }
    out
}
