//! Mails built from a text: a charset, a transfer encoding, a shape. What the tests turn on is data here.

use data_encoding::BASE64;

use crate::mail::charset::Charset;

/// How a text is carried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carriage {
    pub charset: &'static str,
    pub transfer: &'static str,
    /// Line ends of the decoded text; other than CRLF only where the encoding hides them.
    pub eol: &'static str,
}

/// Every carriage that can write Japanese.
pub(super) fn japanese() -> Vec<Carriage> {
    let mut all = Vec::new();
    for charset in ["utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "cp932"] {
        let bare = if charset == "iso-2022-jp" { "7bit" } else { "8bit" };
        for (transfer, eol) in [(bare, "\r\n"), ("quoted-printable", "\r\n"), ("base64", "\r\n"), ("base64", "\n")] {
            all.push(Carriage { charset, transfer, eol });
        }
    }
    all
}

/// One entity: header fields and body. `media` may have further parameters.
pub(super) fn entity(carriage: Carriage, media: &str, text: &str) -> Vec<u8> {
    let Carriage { charset, transfer, eol } = carriage;
    let known = Charset::from_label(Some(charset), b"").unwrap_or_else(|e| panic!("{charset}: {e}"));
    let octets = known.encode(&text.replace('\n', eol)).unwrap_or_else(|| panic!("not in {charset}: {text}"));
    let body = match transfer {
        "base64" => base64(&octets),
        "quoted-printable" => quoted_printable(&octets),
        _ => octets,
    };
    let head = format!("Content-Type: {media}; charset={charset}\r\nContent-Transfer-Encoding: {transfer}\r\n\r\n");
    [head.as_bytes(), &body].concat()
}

/// A whole message around one entity.
pub(super) fn message(entity: &[u8]) -> Vec<u8> {
    let head = "From: HR <hr@sakura.example>\r\nTo: kouho@mail.example\r\nSubject: Kekka\r\nMIME-Version: 1.0\r\n";
    [head.as_bytes(), entity].concat()
}

/// A multipart of entities; `subtype` may have further parameters.
pub(super) fn multipart(subtype: &str, boundary: &str, entities: &[Vec<u8>]) -> Vec<u8> {
    let mut out = format!("Content-Type: multipart/{subtype}; boundary=\"{boundary}\"\r\n\r\n").into_bytes();
    for entity in entities {
        out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        out.extend_from_slice(entity);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    out
}

/// An attachment that no line belongs to, with text in it that looks like a result.
pub(super) fn attachment() -> Vec<u8> {
    let head = "Content-Type: text/plain; charset=utf-8; name=\"a.txt\"\r\n\
        Content-Disposition: attachment; filename=\"a.txt\"\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    [head.as_bytes(), &base64("ご希望に添いかねる結果となりました。\n".as_bytes())].concat()
}

fn base64(octets: &[u8]) -> Vec<u8> {
    let chars = BASE64.encode(octets).into_bytes();
    chars.chunks(76).map(|line| [line, b"\r\n"].concat()).collect::<Vec<_>>().concat()
}

fn quoted_printable(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in octets.split_inclusive(|b| *b == b'\n') {
        let (text, end) = line.split_at(line.len() - line.iter().rev().take_while(|b| b"\r\n".contains(b)).count());
        let mut column = 0;
        for (i, b) in text.iter().enumerate() {
            let bare = (b.is_ascii_graphic() && *b != b'=') || (*b == b' ' && i + 1 < text.len());
            let unit = if bare { vec![*b] } else { format!("={b:02X}").into_bytes() };
            if column + unit.len() > 75 {
                out.extend_from_slice(b"=\r\n");
                column = 0;
            }
            column += unit.len();
            out.extend_from_slice(&unit);
        }
        out.extend_from_slice(end);
    }
    out
}
