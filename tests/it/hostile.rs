//! Mails made to hurt whoever reads them: the commands answer, and leave every one of them octet for octet, within a
//! budget of processor time and memory that the system holds them to.

use std::fs;
use std::process::{Command, Output};

use crate::gateway::binary;
use crate::smtp::rejection;

/// A rejection's header, without what says how its body is written, and its body.
fn pieces() -> (String, String) {
    let text = String::from_utf8(rejection("yamada@candidate.example")).expect("UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("a header");
    let head: Vec<&str> = head.split("\r\n").filter(|l| !l.starts_with("Content-")).collect();
    (head.join("\r\n") + "\r\n", body.to_owned())
}

/// Seconds of processor time and KiB of address space for a command, a debug build's: many times what it needs, and a
/// small part of what anything that grows with the square of these mails would take.
const BUDGET: [&str; 2] = ["ulimit -t 20", "ulimit -v 2097152"];

/// Runs a command of ours within the budget.
fn run_within_budget(words: &[&str], path: &std::path::Path) -> Output {
    let script = format!("{} && {} && exec \"$@\"", BUDGET[0], BUDGET[1]);
    let program = binary();
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, "sh"]).arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        value.map(|value| shell.env(name, value));
    }
    shell.args(words).arg(path).output().expect("a shell runs")
}

/// Checks that the mail stays as it is, and that `code`, if one is given, is among the reasons.
fn check_coded(name: &str, code: Option<&str>, mail: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, out) = (folder.path().join("mail.eml"), folder.path().join("out.eml"));
    fs::write(&path, mail).expect("a file");
    let run = |words: &[&str]| run_within_budget(words, &path);
    let said = run(&["explain", "--json"]);
    let errors = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success() && errors.is_empty(), "{name}: {errors}");
    let said: serde_json::Value = serde_json::from_slice(&said.stdout).expect(name);
    assert!(said["untouched"].is_string(), "{name}: {said}");
    let blocking = said["blocking"].as_array().cloned().unwrap_or_default();
    assert!(code.is_none_or(|code| blocking.contains(&code.into())), "{name}: {said}");
    let written = run(&["preview", "--out", &out.display().to_string()]);
    assert!(written.status.success(), "{name}");
    assert!(fs::read(&out).expect(name) == mail, "{name} was changed");
}

/// Checks a rejection with these header lines of its own, and this body.
fn check_body(name: &str, fields: &str, body: &[u8]) {
    let (head, _) = pieces();
    check_coded(name, None, &[head.as_bytes(), fields.as_bytes(), b"\r\n", body].concat());
}

/// The same, for a reason that is known.
fn check_reason(code: &str, fields: &str, body: &[u8]) {
    let (head, _) = pieces();
    check_coded(code, Some(code), &[head.as_bytes(), fields.as_bytes(), b"\r\n", body].concat());
}

const PLAIN: &str = "Content-Type: text/plain; charset=utf-8\r\n";
const HTML: &str = "Content-Type: text/html; charset=utf-8\r\n";
const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\r\n";

#[test]
fn deep_and_wide_mails_are_left_as_they_are() {
    let (_, body) = pieces();
    let part = format!("--b\r\n{PLAIN}\r\n{body}\r\n");
    let nested = |n: usize| format!("--b{n}x\r\nContent-Type: multipart/mixed; boundary=b{}x\r\n\r\n", n + 1);
    let root = "Content-Type: multipart/mixed; boundary=b0x\r\n";
    let deep: String = (0..10_000).map(nested).collect();
    check_reason("too_deep", root, deep.as_bytes());
    let levels: String = (0..500).map(nested).collect();
    let end = |n: usize| format!("\r\n--b{n}x--\r\n");
    let ends: String = (0..=500).rev().map(end).collect();
    let whole = format!("{levels}--b500x\r\n{PLAIN}\r\n{body}{ends}");
    check_reason("too_deep", root, whole.as_bytes());
    let same = format!("--b\r\n{MIXED}\r\n").repeat(10_000);
    check_reason("malformed_boundary_collision", MIXED, same.as_bytes());
    check_reason("too_many_parts", MIXED, (part.repeat(10_000) + "--b--\r\n").as_bytes());
    check_reason("text_too_large", PLAIN, format!("{body}{}\r\n", "a".repeat(10_000_000)).as_bytes());
    check_reason("header_too_large", &format!("X-A: {}\r\n{PLAIN}", "a".repeat(1_000_000)), body.as_bytes());
    check_reason("header_too_large", &format!("{}{PLAIN}", "X-A: a\r\n".repeat(150_000)), body.as_bytes());
    check_reason("html_too_deep", HTML, format!("{}{body}", "<div>".repeat(10_000)).as_bytes());
    check_body("nothing but <", HTML, format!("{}{body}", "<".repeat(500_000)).as_bytes());
    check_body("nothing but &", HTML, format!("{}{body}", "&".repeat(900_000)).as_bytes());
}

#[test]
fn boundaries_that_readers_differ_on_are_left_as_they_are() {
    let (_, body) = pieces();
    let part = format!("{PLAIN}\r\n{body}\r\n");
    for (code, text) in [
        ("malformed_unclosed", format!("--b\r\n{part}")),
        ("malformed_delimiter_like", format!("--b\r\n{part}x --b\r\n--b--\r\n")),
        ("malformed_delimiter_like", format!("--b\r\n{part}--bc\r\n--b--\r\n")),
        ("malformed_delimiter_after_close", format!("--b\r\n{part}--b--\r\n--b\r\n{part}--b--\r\n")),
    ] {
        check_reason(code, MIXED, text.as_bytes());
    }
    for (name, fields, text) in [
        (
            "with a blank at its end",
            "Content-Type: multipart/mixed; boundary=\"b \"\r\n",
            format!("--b \r\n{part}--b --\r\n"),
        ),
        ("empty", "Content-Type: multipart/mixed; boundary=\"\"\r\n", format!("--\r\n{part}----\r\n")),
        (
            "in pieces",
            "Content-Type: multipart/mixed; boundary*0=b; boundary*1=c\r\n",
            format!("--bc\r\n{part}--bc--\r\n"),
        ),
        (
            "a prefix of another",
            MIXED,
            format!("--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n{part}--bb--\r\n--b--\r\n"),
        ),
    ] {
        check_body(name, fields, text.as_bytes());
    }
}

#[test]
fn texts_that_readers_differ_on_are_left_as_they_are() {
    let (_, body) = pieces();
    let with = |what: &[u8]| [body.as_bytes(), what, b"\r\n"].concat();
    for (name, what) in [
        ("NUL", &b"\0"[..]),
        ("half a character", b"\xe6\xae"),
        ("surrogates", b"\xed\xa0\x80\xed\xb0\x80"),
        ("an overlong dot", b"\xc0\xae"),
        ("a bare CR", b"a\rb"),
        ("a bare LF", b"a\nb"),
    ] {
        check_body(name, PLAIN, &with(what));
    }
    for charset in ["shift_jis", "euc-jp", "iso-2022-jp", "utf-7", "utf-16", "bogus"] {
        check_body(charset, &format!("Content-Type: text/plain; charset={charset}\r\n"), body.as_bytes());
    }
    let jis = "Content-Type: text/plain; charset=iso-2022-jp\r\n";
    check_body("an escape over two lines", jis, b"\x1b$B;D\r\nG0\x1b(B\r\n");
    check_body("an escape cut off", jis, b"\x1b$B;DG0\x1b(B\r\n\x1b");
    check_body("an escape to no set", jis, b"\x1b$A!!\x1b(B\r\n");
    let encoded = |name: &str| format!("{PLAIN}Content-Transfer-Encoding: {name}\r\n");
    check_body("base64 cut off", &encoded("base64"), b"6YG46ICD57WQ5p6\r\n");
    check_body("text behind base64", &encoded("base64"), b"6YG46ICD57WQ5p6c\r\n\r\nSent by a list.\r\n");
    check_body("broken quoted-printable", &encoded("quoted-printable"), b"=E9=81=B8=ZZ\r\n");
    check_body("two encodings", &(encoded("8bit") + "Content-Transfer-Encoding: base64\r\n"), body.as_bytes());
    check_body("two types", &format!("{PLAIN}{HTML}"), body.as_bytes());
    let twice = "Content-Type: text/plain; charset=utf-8; charset=shift_jis\r\n";
    check_reason("malformed_content_type", twice, body.as_bytes());
    check_reason("malformed_field_repeated", &format!("{PLAIN}Subject: another\r\n"), body.as_bytes());
    let behind =
        format!("<html><body><p>{}</p></body></html>\r\nSent by a list.\r\n", body.replace("\r\n\r\n", "</p><p>"));
    check_reason("html_ambiguous", HTML, behind.as_bytes());
    let frames = format!("<html><frameset><frame src=x></frameset><body><p>{body}</p></body></html>\r\n");
    check_reason("html_ambiguous", HTML, frames.as_bytes());
    for open in ["<!-- ", "<script>", "<style>", "<textarea>", "<template>", "<svg>", "<plaintext>", "<title>"] {
        check_body(open, HTML, format!("<p>a</p>{open}<p>{body}</p>").as_bytes());
    }
}
