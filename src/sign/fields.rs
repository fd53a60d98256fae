//! Which fields a signature covers.

use crate::mail::fields;

/// Named once more than they stand there (RFC 6376 5.4.2, 8.15): one that is added behind us breaks the signature.
const SEALED: [&str; 10] = [
    "From",
    "To",
    "Cc",
    "Subject",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "In-Reply-To",
    "References",
];

/// Sealed where they stand; left open where they do not, since a server behind us may add them (RFC 6409 8.2, 8.3).
const OFTEN_ADDED: [&str; 2] = ["Date", "Message-ID"];

/// Named as often as they stand there.
const COVERED: [&str; 5] =
    ["Sender", "Content-Disposition", "Content-Language", "List-Unsubscribe", "List-Unsubscribe-Post"];

/// The names to sign, in the form the library counts them: a name that stands in the mail n times is written there n
/// times by itself, and once more for each further time it is named here.
///
/// Nothing where a verifier may find another header than the library does: a name with blanks behind it, or a blank
/// that only some take for one.
pub(super) fn signed(mail: &[u8]) -> Option<Vec<&'static str>> {
    let header = header_of(mail);
    if header.iter().any(|b| matches!(b, 0x0b | 0x0c | 0)) {
        return None;
    }
    let mut names = Vec::with_capacity(2 * (SEALED.len() + OFTEN_ADDED.len()) + COVERED.len());
    let listed = SEALED.map(|n| (n, true, true)).into_iter();
    let listed = listed.chain(OFTEN_ADDED.map(|n| (n, true, false))).chain(COVERED.map(|n| (n, false, false)));
    for (name, seals, seals_absent) in listed {
        let found = fields::named(header, name);
        if found.iter().any(|field| field.value.start != field.whole.start + name.len() + 1) {
            return None;
        }
        let times = match found.len() {
            0 => usize::from(seals_absent),
            _ => 1 + usize::from(seals),
        };
        names.extend(std::iter::repeat_n(name, times));
    }
    Some(names)
}

/// The same mail to relaxed canonicalisation (RFC 6376 3.4.4), which ignores empty lines and blanks at a body's end.
/// The library keeps a line of blanks there, and so would sign what no verifier sees.
pub(super) fn without_blank_end(mail: &[u8]) -> Vec<u8> {
    let body = header_of(mail).len() + 2;
    let Some(text) = mail.get(body..) else { return mail.to_vec() };
    let used = text.iter().rposition(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n')).map_or(0, |last| last + 1);
    let end: &[u8] = if used == 0 { b"" } else { b"\r\n" };
    [&mail[..body + used], end].concat()
}

/// The header with the last line end of its last field.
fn header_of(mail: &[u8]) -> &[u8] {
    memchr::memmem::find(mail, b"\r\n\r\n").map_or(mail, |end| &mail[..end + 2])
}
