//! Writes the demo's mails: one text in the charset, transfer encoding and MIME shape that a mail program would use.

use std::fmt::Write as _;

use data_encoding::BASE64;

use super::day::{Form, Mail, Shape};
use crate::mail::charset::Charset;

const OUTER: &str = "=_sakura_outer";
const INNER: &str = "=_sakura_inner";

/// The octets of a mail with CRLF line ends; `None` when a text does not fit its charset.
pub fn compose(mail: &Mail, from: &str, number: usize) -> Option<Vec<u8>> {
    let mut out = header(mail, from, number).into_bytes();
    let form = mail.form;
    let text = mail.text.replace("{who}", mail.who);
    let plain = || part("text/plain", form, &text);
    let html = || part("text/html", form, &html_of(&text));
    match form.shape {
        Shape::Plain => out.extend(plain()?),
        Shape::Html => out.extend(html()?),
        Shape::Alternative => out.extend(multipart("alternative", INNER, &[plain()?, html()?])),
        Shape::WithAttachment => out.extend(multipart("mixed", OUTER, &[plain()?, attachment()])),
        Shape::Signed => {
            let kind = "signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256";
            out.extend(multipart(kind, OUTER, &[plain()?, signature()]));
        }
    }
    Some(out)
}

fn header(mail: &Mail, from: &str, number: usize) -> String {
    let mut h = String::new();
    let word = |t: &str| if t.is_ascii() { t.to_owned() } else { encoded_words(t) };
    let _ = write!(h, "From: {} <{from}>\r\nTo: {}\r\n", encoded_words("サクラ商事 採用担当"), mail.to);
    if let Some(cc) = mail.cc {
        let _ = write!(h, "Cc: {cc}\r\n");
    }
    let _ = write!(h, "Subject: {}\r\n", word(mail.subject));
    let _ = write!(h, "Date: Mon, 6 Apr 2026 {:02}:{:02}:00 +0900\r\n", 9 + number / 60, number % 60);
    let _ = write!(h, "Message-ID: <day-{number}@sakura.example>\r\nMIME-Version: 1.0\r\n");
    h
}

/// RFC 2047 words of at most 75 characters, cut between characters.
fn encoded_words(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let word = |c: &[char]| format!("=?UTF-8?B?{}?=", BASE64.encode(c.iter().collect::<String>().as_bytes()));
    chars.chunks(14).map(word).collect::<Vec<_>>().join("\r\n ")
}

fn part(media: &str, form: Form, text: &str) -> Option<Vec<u8>> {
    let charset = Charset::from_label(Some(form.charset), &[]).ok()?;
    let octets: Vec<u8> = if form.charset == "utf-8" { text.into() } else { encode_lines(&charset, text)? };
    let head = format!(
        "Content-Type: {media}; charset={}\r\nContent-Transfer-Encoding: {}\r\n\r\n",
        form.charset, form.transfer
    );
    let mut out = head.into_bytes();
    let crlf = with_crlf(&octets);
    match form.transfer {
        "base64" => out.extend(base64_lines(&crlf)),
        "quoted-printable" => out.extend(quoted_printable(&crlf)),
        _ => out.extend(crlf),
    }
    Some(out)
}

/// Line by line, so that ISO-2022-JP is back in ASCII at each line end.
fn encode_lines(charset: &Charset, text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for line in text.split_inclusive('\n') {
        out.extend(charset.encode(line.trim_end_matches('\n'))?);
        out.extend(line.ends_with('\n').then_some(b'\n'));
    }
    Some(out)
}

fn with_crlf(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() + 64);
    for &b in octets {
        if b == b'\n' {
            out.push(b'\r');
        }
        out.push(b);
    }
    out
}

fn base64_lines(octets: &[u8]) -> Vec<u8> {
    let text = BASE64.encode(octets);
    text.as_bytes().chunks(76).flat_map(|l| [l, b"\r\n"].concat()).collect()
}

fn quoted_printable(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut column = 0;
    for (i, &b) in octets.iter().enumerate() {
        if b == b'\r' || b == b'\n' {
            out.push(b);
            column = 0;
            continue;
        }
        let at_end = matches!(octets.get(i + 1), None | Some(b'\r'));
        let plain = (33..=126).contains(&b) && b != b'=' || b == b' ' && !at_end;
        let width = if plain { 1 } else { 3 };
        if column + width > 75 {
            out.extend(b"=\r\n");
            column = 0;
        }
        if plain {
            out.push(b);
        } else {
            out.extend(format!("={b:02X}").bytes());
        }
        column += width;
    }
    out
}

fn html_of(text: &str) -> String {
    let paragraph = |p: &str| {
        let escaped = p.replace('&', "&amp;").replace('<', "&lt;").replace('\n', "<br>\n");
        format!("<p style=\"font-size:14px;line-height:1.7\">{escaped}</p>\n")
    };
    let body: String = text.trim_end().split("\n\n").map(paragraph).collect();
    format!("<html>\n<body>\n{body}</body>\n</html>\n")
}

fn multipart(kind: &str, boundary: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let mut out = format!("Content-Type: multipart/{kind};\r\n boundary=\"{boundary}\"\r\n\r\n").into_bytes();
    for part in parts {
        out.extend(format!("--{boundary}\r\n").bytes());
        out.extend(part);
        out.extend(b"\r\n");
    }
    out.extend(format!("--{boundary}--\r\n").bytes());
    out
}

fn attachment() -> Vec<u8> {
    let head = "Content-Type: application/pdf; name=shiryo.pdf\r\nContent-Disposition: attachment; \
                filename=shiryo.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let pdf: Vec<u8> = b"%PDF-1.4\n"
        .iter()
        .copied()
        .chain((0..3000u32).map(|n| n.wrapping_mul(0x9e37_79b1).to_be_bytes()[0]))
        .collect();
    [head.as_bytes(), &base64_lines(&pdf)].concat()
}

fn signature() -> Vec<u8> {
    let head = "Content-Type: application/pkcs7-signature; name=smime.p7s\r\n\
                Content-Transfer-Encoding: base64\r\n\r\n";
    let octets: Vec<u8> = (0..400u32).map(|n| n.wrapping_mul(0x85eb_ca6b).to_be_bytes()[0]).collect();
    [head.as_bytes(), &base64_lines(&octets)].concat()
}
