//! Mails of every kind, and things that are hardly mails.

use std::fs;
use std::path::{Path, PathBuf};

use career_relay::mail::charset::Charset;
use data_encoding::BASE64;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// One mail, and where in it a result is taken to stand.
#[derive(Clone, Debug)]
pub struct Mail {
    pub octets: Vec<u8>,
    /// The line of each part that is taken for the result, counted round its lines.
    pub result_line: usize,
    /// How many lines behind it the closing is.
    pub closing_behind: Option<usize>,
    /// Whether it is a mail as programs write them.
    pub is_whole: bool,
}

/// All kinds.
pub fn every_kind() -> impl Strategy<Value = Mail> {
    let octets = prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..400).prop_map(|octets| (with_head(&octets), false)),
        1 => prop::collection::vec(select(PIECES), 0..40).prop_map(|p| (with_head(p.concat().as_bytes()), false)),
        5 => built().prop_map(|octets| (octets, true)),
        4 => harmed(),
    ];
    let place = (0usize..12, prop::option::of(1usize..6));
    (octets, place).prop_map(|((octets, is_whole), (result_line, closing_behind))| Mail {
        octets,
        result_line,
        closing_behind,
        is_whole,
    })
}

const HEAD: &str = "From: HR <saiyo@sakura.example>\r\nTo: yamada@candidate.example\r\nSubject: Senko kekka\r\n";

fn with_head(octets: &[u8]) -> Vec<u8> {
    [HEAD.as_bytes(), octets].concat()
}

const PIECES: &[&str] = &[
    "Content-Type: multipart/mixed; boundary=b\r\n",
    "Content-Type: multipart/alternative;\r\n boundary=\"c\"\r\n",
    "Content-Type: text/plain; charset=utf-8\r\n",
    "Content-Type: text/html\r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "Content-Transfer-Encoding: quoted-printable\r\n",
    "\r\n",
    "\r\n\r\n",
    "\r\n--b\r\n",
    "\r\n--c\r\n",
    "\r\n--b--\r\n",
    "\r\n--c--\r\n",
    "--b",
    "--",
    "今回は採用を見送らせていただくこととなりました。\r\n",
    "<p>text</p>",
    "=E6=AE=8B=\r\n",
    "5q6L\r\n",
    "text\r\n",
    "\n",
    "\0",
    " ",
];

// --- built mails ----------------------------------------------------------------------------------------------------

const LABELS: &[&str] = &[
    "utf-8",
    "iso-2022-jp",
    "shift_jis",
    "cp932",
    "euc-jp",
    "us-ascii",
    "iso-8859-1",
    "windows-1252",
    "gb18030",
    "gb2312",
    "big5",
    "euc-kr",
    "koi8-r",
    "tis-620",
    "utf-16",
    "utf-7",
    "bogus",
];

const LINES: &[&str] = &[
    "この度は弊社の求人にご応募いただき、誠にありがとうございました。",
    "慎重に選考いたしました結果、誠に残念ながら今回は採用を見送らせていただくこととなりました。",
    "今後のご活躍をお祈り申し上げます。",
    "株式会社さくら 人事部",
    "山田 様",
    "-- ",
    "",
    "",
    "We regret to inform you that we will not be moving forward with your application.",
    "Thank you for your application = 100 %.",
    "> quoted",
    "From here on",
    "2026年11月2日 9:00 山田 <yamada@mail.example>:",
    "a\ttab and a blank at the end ",
    "<b>no markup</b> &amp;",
];

/// How a text is carried.
#[derive(Clone, Copy, Debug)]
struct Carriage {
    label: &'static str,
    transfer: usize,
    /// Characters on an encoded line.
    width: usize,
    eol: &'static str,
    /// Blanks at the end of base64 lines; small hex digits.
    odd: bool,
}

fn built() -> impl Strategy<Value = Vec<u8>> {
    let carriage = (select(LABELS), 0usize..4, 1usize..100, select(&["\r\n", "\r\n", "\n"][..]), any::<bool>());
    let carriage =
        carriage.prop_map(|(label, transfer, width, eol, odd)| Carriage { label, transfer, width, eol, odd });
    let lines = prop::collection::vec(select(LINES), 1..14);
    (carriage, lines, 0usize..6, any::<bool>(), 0usize..60).prop_map(|(carriage, lines, shape, ends, size)| {
        let plain = || entity("text/plain", carriage, &text(&lines, carriage.eol, ends));
        let html = || entity("text/html", carriage, &markup(&lines, carriage.eol, ends));
        let attached = || attachment(size * 200);
        let body = match shape {
            0 => plain(),
            1 => html(),
            2 => multipart("mixed", "out", &[plain(), attached()]),
            3 => multipart("mixed", "out", &[multipart("alternative", "in=_1", &[plain(), html()]), attached()]),
            4 => multipart("mixed", "out", &[plain(), attached(), plain()]),
            _ => multipart("alternative", "in=_1", &[plain(), html()]),
        };
        [HEAD.as_bytes(), b"MIME-Version: 1.0\r\n", &body].concat()
    })
}

fn text(lines: &[&str], eol: &str, ends: bool) -> String {
    lines.join(eol) + if ends { eol } else { "" }
}

fn markup(lines: &[&str], eol: &str, ends: bool) -> String {
    let paragraph = |line: &&str| format!("<p>{}</p>", line.replace('&', "&amp;").replace('<', "&lt;"));
    let paragraphs: Vec<String> = lines.iter().map(paragraph).collect();
    let body = paragraphs.join(if ends { eol } else { "" });
    if ends { format!("<html><body>{body}</body></html>{eol}") } else { body }
}

fn entity(media: &str, carriage: Carriage, text: &str) -> Vec<u8> {
    let Carriage { label, transfer, .. } = carriage;
    let charset = Charset::from_label(Some(label), b"").ok();
    // What the charset does not have is left out, so that most of these mails can be read.
    let kept = |c: char| charset.is_none_or(|charset| charset.encode(c.encode_utf8(&mut [0; 4])).is_some());
    let text: String = text.chars().filter(|c| kept(*c)).collect();
    let octets = charset.and_then(|charset| charset.encode(&text)).unwrap_or_else(|| text.into_bytes());
    let (name, body) = match transfer {
        0 => ("base64", base64(&octets, carriage)),
        1 => ("quoted-printable", quoted(&octets, carriage)),
        2 => ("8bit", octets),
        _ => ("7bit", octets),
    };
    let head = format!("Content-Type: {media}; charset={label}\r\nContent-Transfer-Encoding: {name}\r\n\r\n");
    [head.as_bytes(), &body].concat()
}

fn base64(octets: &[u8], carriage: Carriage) -> Vec<u8> {
    let end: &[u8] = if carriage.odd { b" \t\r\n" } else { b"\r\n" };
    let chars = BASE64.encode(octets).into_bytes();
    chars.chunks(carriage.width).collect::<Vec<_>>().join(end)
}

/// Quoted-printable with soft breaks wherever the width has them.
fn quoted(octets: &[u8], carriage: Carriage) -> Vec<u8> {
    let (mut out, mut column) = (Vec::new(), 0);
    for (at, octet) in octets.iter().enumerate() {
        let before_end = octets[at + 1..].starts_with(b"\r\n") || at + 1 == octets.len();
        let unit = match octet {
            b'\r' if before_end || octets[at + 1..].starts_with(b"\n") => vec![b'\r'],
            b'\n' if at > 0 && octets[at - 1] == b'\r' => vec![b'\n'],
            b' ' if !before_end => vec![b' '],
            b'=' | b' ' | b'\t' | b'\r' | b'\n' | 0x80.. if carriage.odd => format!("={octet:02x}").into_bytes(),
            b'=' | b' ' | b'\t' | b'\r' | b'\n' | 0x80.. => format!("={octet:02X}").into_bytes(),
            other => vec![*other],
        };
        let is_end = unit == b"\r" || unit == b"\n";
        if !is_end && column + unit.len() > carriage.width.clamp(4, 75) {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        column = if is_end { 0 } else { column + unit.len() };
        out.extend_from_slice(&unit);
    }
    out
}

fn attachment(octets: usize) -> Vec<u8> {
    let head = "Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let chars = BASE64.encode(&vec![b'%'; octets]).into_bytes();
    [head.as_bytes(), &chars.chunks(76).collect::<Vec<_>>().join(&b"\r\n"[..])].concat()
}

fn multipart(subtype: &str, boundary: &str, entities: &[Vec<u8>]) -> Vec<u8> {
    let mut out = format!("Content-Type: multipart/{subtype}; boundary=\"{boundary}\"\r\n\r\n").into_bytes();
    for entity in entities {
        out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        out.extend_from_slice(entity);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    out
}

// --- mails of the corpus, harmed ------------------------------------------------------------------------------------

/// One kind of harm, at a place.
#[derive(Clone, Debug)]
enum Harm {
    Put(Index, &'static str),
    Take(Index, usize),
    Change(Index, u8),
    Repeat(Index, usize),
    CutOff(Index),
}

fn harmed() -> impl Strategy<Value = (Vec<u8>, bool)> {
    let harm = prop_oneof![
        4 => (any::<Index>(), select(PIECES)).prop_map(|(at, piece)| Harm::Put(at, piece)),
        2 => (any::<Index>(), 1usize..80).prop_map(|(at, octets)| Harm::Take(at, octets)),
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, octet)| Harm::Change(at, octet)),
        1 => (any::<Index>(), 1usize..200).prop_map(|(at, octets)| Harm::Repeat(at, octets)),
        1 => any::<Index>().prop_map(Harm::CutOff),
    ];
    (select(corpus()), prop::collection::vec(harm, 0..5)).prop_map(|(mut octets, harms)| {
        let is_whole = harms.is_empty();
        for harm in &harms {
            do_harm(&mut octets, harm);
        }
        (octets, is_whole)
    })
}

fn do_harm(octets: &mut Vec<u8>, harm: &Harm) {
    let length = octets.len();
    let range = |at: &Index, count: &usize| at.index(length + 1)..(at.index(length + 1) + count).min(length);
    match harm {
        Harm::Put(at, piece) => drop(octets.splice(range(at, &0), piece.bytes())),
        Harm::Take(at, count) => drop(octets.drain(range(at, count))),
        Harm::Change(at, octet) => octets[range(at, &1)].fill(*octet),
        Harm::Repeat(at, count) => {
            let range = range(at, count);
            let again = octets[range.clone()].to_vec();
            octets.splice(range.start..range.start, again);
        }
        Harm::CutOff(at) => octets.truncate(at.index(length + 1)),
    }
}

/// Mails of the corpus and of the benches, small enough to be tried by the thousand.
fn corpus() -> Vec<Vec<u8>> {
    const OCTETS_MAX: u64 = 8 * 1024;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<PathBuf> = ["tests/corpus/inject", "benches/mails"]
        .iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).expect("a folder of mails").flatten())
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "eml") && !path.to_string_lossy().contains(".expected."))
        .filter(|path| path.metadata().is_ok_and(|m| m.len() <= OCTETS_MAX))
        .collect();
    paths.sort();
    assert!(paths.len() >= 10, "only {} mails", paths.len());
    paths.iter().map(|path| fs::read(path).expect("a mail")).collect()
}
