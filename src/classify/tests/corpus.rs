//! The reader of `tests/corpus/classify`: short notes expanded to whole mails, the way mailers write them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::mail::address::Address;
use crate::mail::envelope::{Body, Envelope};

/// What a mail of the corpus is, for the figures.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Sort {
    /// A rejection in the words of most.
    Ordinary,
    /// A rejection in words of its own.
    Hard,
    /// Anything else, made to look like one or not.
    Other,
    /// What an agency or a school office is told.
    Agency,
    /// What two people would not answer alike.
    Ambiguous,
}

impl Sort {
    /// Every kind, in the order of the table.
    pub const ALL: [Self; 5] = [Self::Ordinary, Self::Hard, Self::Other, Self::Agency, Self::Ambiguous];

    /// Its name in directives, in names of families and in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Hard => "hard",
            Self::Other => "other",
            Self::Agency => "agency",
            Self::Ambiguous => "ambiguous",
        }
    }

    /// Whether such a mail is a rejection to its reader.
    pub fn is_rejection(self) -> bool {
        matches!(self, Self::Ordinary | Self::Hard)
    }
}

/// The languages the corpus is written in, by their codes (ISO 639-1); Chinese also by its letters.
const LANGUAGES: [&str; 19] = [
    "ja", "en", "ko", "zh", "zhs", "zht", "vi", "de", "fr", "es", "pt", "it", "ru", "nl", "sv", "pl", "id", "tl", "th",
];

/// One mail of the corpus.
#[derive(Clone, Debug)]
pub struct Note {
    /// `family/name`.
    pub name: String,
    /// `rejection`, or the reasons that are right.
    pub expect: Vec<String>,
    /// Which form its body takes.
    pub form: String,
    subject: String,
    from: String,
    to: Vec<String>,
    cc: Vec<String>,
    rcpt: Option<Vec<String>>,
    null_sender: bool,
    /// Nothing but its subject tells what it is about.
    pub told_by_subject: bool,
    headers: Vec<String>,
    language: Option<String>,
    kind: Option<String>,
    body: String,
}

/// The families of a folder as they are written, in order of their names.
pub fn read_families(folder: &str) -> Vec<String> {
    paths(folder).iter().map(|path| fs::read_to_string(path).expect("a UTF-8 family")).collect()
}

fn paths(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/classify").join(folder);
    let mut files: Vec<_> = fs::read_dir(&folder).expect("the corpus").flatten().map(|e| e.path()).collect();
    files.sort();
    files
}

impl Note {
    /// Reads all families of a folder.
    pub fn read_all(folder: &str) -> Vec<Note> {
        let read = |path: &std::path::PathBuf| {
            let family = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default().to_owned();
            let text = fs::read_to_string(path).expect("a UTF-8 family");
            let notes: Vec<Note> = text.split("\n=== ").map(|note| Note::parse(&family, note)).collect();
            notes
        };
        paths(folder).iter().flat_map(read).collect()
    }

    /// The file it stands in.
    pub fn family(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    fn parse(family: &str, text: &str) -> Note {
        let text = text.trim_start_matches("=== ");
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let (name, directives) = head.split_once('\n').expect("a name and directives");
        let words = |value: &str| value.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let mut note = Note {
            name: format!("{family}/{name}"),
            expect: Vec::new(),
            form: "plain".to_owned(),
            subject: "選考結果のご連絡".to_owned(),
            from: "saiyo@sakura.example".to_owned(),
            to: vec!["hanako@mail.example".to_owned()],
            cc: Vec::new(),
            rcpt: None,
            null_sender: false,
            told_by_subject: false,
            headers: Vec::new(),
            language: None,
            kind: None,
            body: body.trim_end().to_owned(),
        };
        for directive in directives.lines() {
            let (key, value) = directive.split_once(':').expect("key: value");
            let value = value.trim();
            match key {
                "expect" => note.expect = value.split(',').map(str::to_owned).collect(),
                "form" => value.clone_into(&mut note.form),
                "subject" => value.clone_into(&mut note.subject),
                "from" => value.clone_into(&mut note.from),
                "to" => note.to = words(value),
                "cc" => note.cc = words(value),
                "rcpt" => note.rcpt = Some(words(value)),
                "told-by" => note.told_by_subject = value == "subject",
                "sender" => note.null_sender = value == "<>",
                "language" => note.language = Some(value.to_owned()),
                "kind" => note.kind = Some(value.to_owned()),
                "header" => note.headers.push(value.to_owned()),
                other => panic!("{}: unknown directive {other}", note.name),
            }
        }
        assert!(!note.expect.is_empty(), "{}: no verdict", note.name);
        note
    }

    /// A mail of that body, with nothing special about it.
    pub fn of_body(body: &str) -> Note {
        Note::parse("test", &format!("body\nexpect: rejection\n\n{body}"))
    }

    /// A mail in the form of the corpus, behind its `===`.
    pub fn parse_one(text: &str) -> Note {
        Note::parse("test", text)
    }

    /// The same mail under another subject.
    pub fn under(&self, subject: &str) -> Note {
        Note { subject: subject.to_owned(), ..self.clone() }
    }

    /// Whether its text can be written in the charset of that form.
    pub fn fits(&self, form: &str) -> bool {
        let written = |charset: &'static encoding_rs::Encoding| !charset.encode(&self.body).2;
        match form {
            "jis" => written(encoding_rs::ISO_2022_JP),
            "sjis" => written(encoding_rs::SHIFT_JIS),
            _ => true,
        }
    }

    /// The same mail with its body turned by every rule that fits, or nothing: a result may be stated twice.
    pub fn turned(&self, turns: &[(&str, &str)]) -> Option<Note> {
        let body = turns.iter().fold(self.body.clone(), |body, (from, to)| body.replace(from, to));
        (body != self.body).then(|| Note { body, ..self.clone() })
    }

    /// Whether it is to be found.
    pub fn is_rejection(&self) -> bool {
        self.expect == ["rejection"]
    }

    /// The language it is written in: as said, else as its family is named, else by its letters.
    pub fn language(&self) -> &str {
        if let Some(said) = &self.language {
            return said;
        }
        let named = self.family().split('-').find(|word| LANGUAGES.contains(word));
        named.unwrap_or_else(|| language_by_letters(&self.body))
    }

    /// What it is for the figures: as said, else as its family is named, else by what is expected of it.
    pub fn sort(&self) -> Sort {
        let named = |name: &str| Sort::ALL.into_iter().find(|sort| sort.name() == name);
        // A family of hard rejections may hold others beside them, and one of others an agency's mail.
        let tells = |sort: &Sort| match sort {
            Sort::Hard => self.is_rejection(),
            Sort::Agency | Sort::Ambiguous => !self.is_rejection(),
            Sort::Ordinary | Sort::Other => false,
        };
        let by_family = || self.family().split('-').filter_map(named).find(tells);
        let expected = |code: &str| self.expect.iter().any(|expected| expected == code);
        let by_answer = || match () {
            () if self.is_rejection() => Sort::Ordinary,
            () if expected("agency") || expected("school_office") => Sort::Agency,
            () if expected("ambiguous") => Sort::Ambiguous,
            () => Sort::Other,
        };
        let said = self.kind.as_deref().map(|kind| named(kind).unwrap_or_else(|| panic!("{}: {kind}", self.name)));
        said.or_else(by_family).unwrap_or_else(by_answer)
    }

    /// The text of its plain form.
    pub fn text(&self) -> &str {
        &self.body
    }

    /// The same mail with another text.
    pub fn with_text(&self, body: &str) -> Note {
        Note { body: body.to_owned(), ..self.clone() }
    }

    /// Whether it has but one text, which is no HTML of its own.
    pub fn is_of_plain_text(&self) -> bool {
        matches!(self.form.as_str(), "plain" | "base64" | "jis" | "sjis") && !self.body.starts_with('<')
    }

    /// The same mail with its body in another form.
    pub fn in_form(&self, form: &str) -> Note {
        Note { form: form.to_owned(), ..self.clone() }
    }

    /// Its envelope.
    pub fn envelope(&self) -> Envelope {
        let address = |text: &String| Address::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        let visible = || self.to.iter().chain(&self.cc).cloned().collect();
        let recipients = self.rcpt.clone().unwrap_or_else(visible).iter().map(address).collect();
        let sender = (!self.null_sender).then(|| address(&self.from));
        Envelope { sender, recipients, body: Body::EightBitMime, ..Envelope::default() }
    }

    /// Its subject as a mailer of that charset writes it (RFC 2047).
    fn encoded_subject(&self) -> String {
        let jis = encoding_rs::ISO_2022_JP.encode(&self.subject);
        let (charset, octets) = match (self.form.as_str(), jis.2) {
            ("jis", false) => ("iso-2022-jp", jis.0.to_vec()),
            _ => ("utf-8", self.subject.as_bytes().to_vec()),
        };
        format!("=?{charset}?B?{}?=", data_encoding::BASE64.encode(&octets))
    }

    /// The octets of the mail.
    pub fn raw(&self) -> Vec<u8> {
        let mut head = format!("From: <{}>\r\nTo: {}\r\n", self.from, self.to.join(", "));
        if !self.cc.is_empty() {
            let _ = write!(head, "Cc: {}\r\n", self.cc.join(", "));
        }
        let _ = write!(head, "Subject: {}\r\nMIME-Version: 1.0\r\n", self.encoded_subject());
        for header in &self.headers {
            let _ = write!(head, "{header}\r\n");
        }
        let (plain, html) = self.body.split_once("\n--- html ---\n").unwrap_or((&self.body, &self.body));
        let mut raw = head.into_bytes();
        raw.extend(match self.form.as_str() {
            "plain" => text_part("plain", plain.as_bytes(), "utf-8"),
            "jis" => text_part("plain", &encoding_rs::ISO_2022_JP.encode(plain).0, "iso-2022-jp"),
            "sjis" => text_part("plain", &encoding_rs::SHIFT_JIS.encode(plain).0, "shift_jis"),
            "base64" => base64_part(plain),
            "quoted-printable" => quoted_printable_part(plain),
            "html" => text_part("html", markup(html).as_bytes(), "utf-8"),
            "alternative" => multipart("alternative", &[utf8("plain", plain), utf8("html", &markup(html))]),
            "stub" => {
                multipart("alternative", &[utf8("plain", "このメールはHTMLメールです。"), utf8("html", &markup(html))])
            }
            "calendar" => {
                multipart("mixed", &[utf8("plain", plain), utf8("calendar", "BEGIN:VCALENDAR\nEND:VCALENDAR")])
            }
            "report" => multipart("report", &[utf8("plain", plain)]),
            "unknown-charset" => text_part("plain", plain.as_bytes(), "x-unheard-of"),
            other => panic!("{}: unknown form {other}", self.name),
        });
        raw
    }
}

fn language_by_letters(text: &str) -> &'static str {
    let has = |is: fn(char) -> bool| text.chars().any(is);
    match () {
        () if has(|c| matches!(c, '\u{3041}'..='\u{30fa}')) => "ja",
        () if has(|c| matches!(c, '\u{ac00}'..='\u{d7a3}')) => "ko",
        () if has(|c| matches!(c, '\u{4e00}'..='\u{9fff}')) => "zh",
        () => "en",
    }
}

fn crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 64);
    for line in text.split(|byte| *byte == b'\n') {
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn text_part(kind: &str, body: &[u8], charset: &str) -> Vec<u8> {
    let mut out = format!("Content-Type: text/{kind}; charset={charset}\r\n\r\n").into_bytes();
    out.extend(crlf(body));
    out
}

fn utf8(kind: &str, body: &str) -> Vec<u8> {
    text_part(kind, body.as_bytes(), "utf-8")
}

fn base64_part(body: &str) -> Vec<u8> {
    let text = data_encoding::BASE64.encode(&crlf(body.as_bytes()));
    let lines: Vec<&[u8]> = text.as_bytes().chunks(76).collect();
    let mut out = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n".to_vec();
    out.extend(crlf(&lines.join(&b'\n')));
    out
}

/// RFC 2045 section 6.7: soft line ends within 76 characters, blanks at line ends encoded.
fn quoted_printable_part(body: &str) -> Vec<u8> {
    let mut out = String::from("Content-Type: text/plain; charset=utf-8\r\n");
    out.push_str("Content-Transfer-Encoding: quoted-printable\r\n\r\n");
    for line in body.split('\n') {
        let mut column = 0;
        for (at, octet) in line.bytes().enumerate() {
            let is_plain = matches!(octet, b'!'..=b'<' | b'>'..=b'~') || octet == b' ' && at + 1 < line.len();
            let piece = if is_plain { char::from(octet).to_string() } else { format!("={octet:02X}") };
            if column + piece.len() > 75 {
                out.push_str("=\r\n");
                column = 0;
            }
            column += piece.len();
            out.push_str(&piece);
        }
        out.push_str("\r\n");
    }
    out.into_bytes()
}

fn multipart(kind: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let mut out = format!("Content-Type: multipart/{kind}; boundary=b0\r\n\r\n").into_bytes();
    for part in parts {
        out.extend_from_slice(b"--b0\r\n");
        out.extend_from_slice(part);
    }
    out.extend_from_slice(b"--b0--\r\n");
    out
}

fn markup(body: &str) -> String {
    if body.starts_with('<') {
        return body.to_owned();
    }
    let escaped = body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let paragraph = |text: &str| format!("<p>{}</p>", text.trim().replace('\n', "<br>\n"));
    format!("<html><body>{}</body></html>", escaped.split("\n\n").map(paragraph).collect::<Vec<_>>().join("\n"))
}
