//! The house rules as a test: who imports whom, where crates may appear, what pure code may not do, how big things get.
//!
//! The tables are those of the design. A cap is never raised here: what grows over it is split by thought.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 450;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_CHARS_MAX: usize = 120;
const ARGUMENTS_MAX: usize = 5;
/// Traits of others whose functions take more arguments than that.
const WIDE_TRAITS: &[&str] = &["ServerCertVerifier"];

/// Pure modules and what they may import of ours.
const PURE: &[(&str, &[&str])] = &[
    ("mail", &[]),
    ("referral", &["mail"]),
    ("classify", &["mail"]),
    ("inject", &["mail", "referral"]),
    ("ledger", &["referral"]),
    ("report", &["ledger"]),
    ("proto", &["mail"]),
    ("pipeline", &["mail", "referral", "classify", "inject", "ledger", "report", "proto"]),
];

/// Shell modules and which other shell modules they may import; every pure module is open to all of them.
const SHELL: &[(&str, &[&str])] = &[
    ("sys", &[]),
    ("watch", &["sys"]),
    ("config", &["sys"]),
    ("policy", &["config", "store"]),
    ("sign", &["sys"]),
    ("spool", &["sys"]),
    ("smtp", &["spool", "deliver", "sign", "policy", "config", "watch", "sys"]),
    ("milter", &["spool", "sign", "policy", "config", "watch", "sys"]),
    ("deliver", &["spool", "config", "watch", "sys"]),
    ("confirm", &["spool", "config", "watch", "sys"]),
    ("store", &["spool", "config", "watch", "sys"]),
    ("samotop", &["smtp", "sys"]),
    ("notify", &["store", "config", "watch", "sys"]),
    ("control", &["spool", "store", "policy", "watch", "sys"]),
    ("web", &["store", "spool", "policy", "notify", "config", "watch", "sys"]),
];

/// These may import everything, and nothing imports them.
const ROOFS: &[&str] = &["cli", "demo", "app"];

/// Where a crate may appear. A crate that is not listed may appear anywhere in the shell, and nowhere in pure code.
const CRATES: &[(&str, &[&str])] = &[
    ("aho_corasick", &["classify"]),
    ("arc_swap", &["policy", "sys"]),
    ("argon2", &["sys"]),
    ("clap", &["app", "cli"]),
    ("comfy_table", &["cli", "demo"]),
    ("crypto_bigint", &["sys"]),
    ("crypto_primes", &["sys"]),
    (
        "data_encoding",
        &[
            "mail", "referral", "ledger", "inject", "proto", "sys", "store", "spool", "cli", "control", "config",
            "demo", "sign",
        ],
    ),
    ("encoding_rs", &["mail"]),
    ("hickory_resolver", &["sys"]),
    ("http_body_util", &["sys"]),
    ("hyper", &["sys"]),
    ("hyper_util", &["sys"]),
    ("idna", &["mail", "referral"]),
    ("indicatif", &["cli", "demo"]),
    ("ipnet", &["config", "pipeline"]),
    ("lettre", &["notify", "cli"]),
    ("listenfd", &["app"]),
    ("lol_html", &["mail"]),
    ("mail_auth", &["sign"]),
    ("mail_parser", &["mail"]),
    ("ring", &["referral", "ledger", "sys"]),
    ("rusqlite", &["spool", "store"]),
    ("rustls", &["sys"]),
    ("rustls_native_certs", &["sys"]),
    ("samotop_core", &["samotop"]),
    ("sd_notify", &["app"]),
    ("subtle", &["pipeline"]),
    ("tokio_rustls", &["sys"]),
    ("toml", &["config", "classify"]),
    ("unicode_normalization", &["mail", "referral", "classify"]),
    ("unicode_width", &["cli", "demo"]),
    ("webpki", &["sys"]),
    ("whatlang", &["classify"]),
];

/// Crates without side effects, free to pure code beside those the table above gives it.
const PURE_CRATES: &[&str] =
    &["bytes", "jiff", "memchr", "serde", "serde_json", "thiserror", "std", "core", "proptest"];

/// What pure code must not name, and what to do instead.
const IMPURE: &[(&str, &str)] = &[
    ("async fn", "pure code does not wait; let the shell wait and hand in the value"),
    (".await", "pure code does not wait; let the shell wait and hand in the value"),
    ("Timestamp::now", "take the time as an argument"),
    ("Zoned::now", "take the time as an argument"),
    ("SystemTime::now", "take the time as an argument"),
    ("Instant::now", "take the time as an argument"),
    ("std::fs", "take the bytes as an argument"),
    ("std::env", "take the value as an argument"),
    ("std::process", "pure code starts nothing"),
    ("std::thread", "pure code runs where it is called"),
    ("TcpStream", "sockets belong to sys"),
    ("UdpSocket", "sockets belong to sys"),
    ("SystemRandom", "take the random octets as an argument"),
    ("LazyLock", "build it once in the shell and pass it"),
    ("OnceLock", "build it once in the shell and pass it"),
    ("thread_local!", "pass the value"),
    ("static mut", "pass the value"),
    ("println!", "return the text"),
    ("eprintln!", "return the text"),
];

/// What no file of the package may hold.
const BANNED: &[(&str, &str)] = &[
    ("todo!(", "finish it, or leave it out and say so"),
    ("unimplemented!(", "finish it, or leave it out and say so"),
    ("#[ignore", "mend the test or remove it"),
    ("dbg!(", "use a test or an event"),
    ("allow(clippy::too_many_lines)", "split the function"),
    ("allow(clippy::too_many_arguments)", "make the arguments one value"),
    ("unsafe {", "there is none in this package"),
];

/// Standing in production code, these turn a peer's octets into a crash of ours.
const PANICS: &[&str] = &[".unwrap()", ".expect("];

/// Folder names that say nothing of what is in them.
const LUMPS: &[&str] = &["core", "common", "utils", "util", "helpers", "misc", "lib"];

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The module of ours that the file belongs to: the first name below `src/`.
    fn module(&self) -> Option<&str> {
        let inner = self.path.strip_prefix("src").ok()?;
        inner.iter().next()?.to_str().map(|name| name.trim_end_matches(".rs"))
    }

    /// The code without its unit tests, comments and doc comments.
    fn production(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_tests = self.path.file_name().is_some_and(|n| n == "tests.rs")
            || self.path.components().any(|c| c.as_os_str() == "tests");
        let until = if is_tests { 0 } else { usize::MAX };
        let lines = self.text.lines().enumerate().take(until);
        lines.take_while(|(_, l)| *l != "#[cfg(test)]").filter(|(_, l)| !l.trim_start().starts_with("//"))
    }
}

fn sources(roots: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = roots.iter().map(PathBuf::from).filter(|p| p.is_dir()).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the package").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("a UTF-8 source file");
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no sources below {roots:?}: is the test run in the package's folder?");
    found
}

/// Fails with every finding at once.
fn report(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

fn at(path: &Path, line: usize, what: &str) -> String {
    format!("{}:{}: {what}", path.display(), line + 1)
}

/// The names that follow `prefix` in a line, as `crate::mail` gives `mail`; a braced list gives all its heads.
fn names_after<'a>(line: &'a str, prefix: &str) -> Vec<&'a str> {
    let ident = |t: &'a str| t.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
    let mut names = Vec::new();
    for (start, _) in line.match_indices(prefix) {
        let rest = &line[start + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(list) => names.extend(top_level_items(list).into_iter().map(|i| ident(i.trim_start()))),
            None => names.push(ident(rest)),
        }
    }
    names
}

/// Whether the crate is named as a path or in a `use`; a longer name that ends like it is another one.
fn names_crate(line: &str, krate: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(krate).any(|(start, _)| {
        let (before, behind) = (&line[..start], &line[start + krate.len()..]);
        let path = behind.starts_with("::") || (before.ends_with("use ") && !behind.starts_with(is_part));
        path && !before.ends_with(is_part) && !before.ends_with("::")
    })
}

fn top_level_items(list: &str) -> Vec<&str> {
    let (mut depth, mut from, mut items) = (0i32, 0, Vec::new());
    for (i, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&list[from..i]);
                return items;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&list[from..i]);
                from = i + 1;
            }
            _ => {}
        }
    }
    items.push(&list[from..]);
    items
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let allowed: BTreeMap<&str, Vec<&str>> = PURE
        .iter()
        .map(|(m, of)| (*m, of.to_vec()))
        .chain(SHELL.iter().map(|(m, of)| (*m, of.iter().copied().chain(PURE.iter().map(|p| p.0)).collect())))
        .collect();
    let mut findings = Vec::new();
    for source in sources(&["src"]) {
        let Some(module) = source.module().map(str::to_owned) else { continue };
        if module == "main" || module == "lib" || ROOFS.contains(&module.as_str()) {
            continue;
        }
        let Some(list) = allowed.get(module.as_str()) else {
            findings.push(at(&source.path, 0, "a module the table does not know"));
            continue;
        };
        // Unit tests may make the values that their module is given in life.
        for (i, line) in source.production() {
            for name in names_after(line, "crate::") {
                let ours = allowed.contains_key(name) || ROOFS.contains(&name);
                if ours && name != module && !list.contains(&name) {
                    findings.push(at(&source.path, i, &format!("{module} may not import {name}")));
                }
            }
        }
    }
    report(&findings);
}

#[test]
fn crates_appear_only_where_the_table_allows() {
    let mut findings = Vec::new();
    for source in sources(&["src"]) {
        let Some(module) = source.module() else { continue };
        for (i, line) in source.production() {
            for (krate, places) in CRATES {
                if names_crate(line, krate) && !places.contains(&module) {
                    findings.push(at(&source.path, i, &format!("{krate} belongs to {places:?}")));
                }
            }
        }
    }
    report(&findings);
}

#[test]
fn pure_modules_touch_nothing_outside() {
    let mut findings = Vec::new();
    for source in sources(&["src"]) {
        let Some(module) = source.module() else { continue };
        if !PURE.iter().any(|(m, _)| *m == module) {
            continue;
        }
        for (i, line) in source.production() {
            for (token, instead) in IMPURE {
                if line.contains(token) {
                    findings.push(at(&source.path, i, &format!("`{token}` in pure code: {instead}")));
                }
            }
            let krate = line.strip_prefix("use ").and_then(|l| l.split([':', ';', ' ']).next());
            let listed = |k: &str| CRATES.iter().any(|(c, places)| *c == k && places.contains(&module));
            let fine = |k: &str| ["crate", "self", "super"].contains(&k) || PURE_CRATES.contains(&k) || listed(k);
            // A `use` of a sibling module needs no crate.
            let sibling = |k: &str| source.text.contains(&format!("mod {k};"));
            if let Some(k) = krate.filter(|k| !fine(k) && !sibling(k)) {
                findings.push(at(&source.path, i, &format!("crate {k} is not for pure code")));
            }
        }
    }
    report(&findings);
}

#[test]
fn files_lines_and_functions_stay_under_their_caps() {
    let mut findings = Vec::new();
    for source in sources(&["src", "tests", "benches"]) {
        let lines: Vec<&str> = source.text.lines().collect();
        if lines.len() > FILE_LINES_MAX {
            findings.push(at(&source.path, 0, &format!("{} lines, the cap is {FILE_LINES_MAX}", lines.len())));
        }
        if !source.text.starts_with("//! ") {
            findings.push(at(&source.path, 0, "the first line says what the file owns: `//! …`"));
        }
        for (i, line) in lines.iter().enumerate() {
            if line.chars().count() > LINE_CHARS_MAX {
                findings.push(at(&source.path, i, &format!("a line over {LINE_CHARS_MAX} characters")));
            }
        }
        findings.extend(functions_over_caps(&source.path, &lines));
    }
    report(&findings);
}

/// Functions as rustfmt lays them out: from the line with `fn` to the closing brace at the same indent.
fn functions_over_caps(path: &Path, lines: &[&str]) -> Vec<String> {
    let mut findings = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        let head = body.strip_prefix("pub").map_or(body, |b| b.trim_start_matches(|c| c != ' ').trim_start());
        let head = head.trim_start_matches("const ").trim_start_matches("async ");
        if !head.starts_with("fn ") {
            continue;
        }
        let indent = &line[..line.len() - body.len()];
        let close = format!("{indent}}}");
        let one_line = line.trim_end().ends_with('}') || line.trim_end().ends_with(';');
        let length = if one_line { 1 } else { lines[i..].iter().position(|l| *l == close).map_or(1, |n| n + 1) };
        if length > FUNCTION_LINES_MAX {
            findings.push(at(path, i, &format!("a function of {length} lines, the cap is {FUNCTION_LINES_MAX}")));
        }
        let arguments = count_arguments(&lines[i..]);
        if arguments > ARGUMENTS_MAX && !is_of_a_foreign_trait(&lines[..i], indent) {
            findings.push(at(path, i, &format!("{arguments} arguments, the cap is {ARGUMENTS_MAX}")));
        }
    }
    findings
}

/// Whether a function behind these lines stands in an `impl` of a trait in the table: nobody here chose its arguments.
fn is_of_a_foreign_trait(before: &[&str], indent: &str) -> bool {
    let is_outer = |line: &&&str| !line.trim().is_empty() && line.len() - line.trim_start().len() < indent.len();
    let head = before.iter().rev().find(is_outer).and_then(|line| line.trim_start().strip_prefix("impl "));
    head.and_then(|head| head.split_once(" for ")).is_some_and(|(name, _)| WIDE_TRAITS.contains(&name))
}

/// Arguments between the first parenthesis after `fn name<…>` and its partner; a receiver counts as one.
fn count_arguments(lines: &[&str]) -> usize {
    let text = lines.iter().take(20).copied().collect::<Vec<_>>().join(" ");
    let Some(open) = text.find('(') else { return 0 };
    let (mut depth, mut commas, mut last_is_comma, mut any) = (0i32, 0, false, false);
    for c in text[open..].chars() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' => depth -= 1,
            ',' if depth == 1 => commas += 1,
            _ => {}
        }
        if depth == 0 {
            return if any { commas + usize::from(!last_is_comma) } else { 0 };
        }
        if c != ' ' && c != '(' {
            (any, last_is_comma) = (true, c == ',' && depth == 1);
        }
    }
    0
}

#[test]
fn nothing_unfinished_and_no_panic_on_input() {
    let mut findings = Vec::new();
    for source in sources(&["src", "benches", "tests/it"]) {
        for (i, line) in source.text.lines().enumerate() {
            for (token, instead) in BANNED.iter().filter(|(token, _)| line.contains(token)) {
                findings.push(at(&source.path, i, &format!("`{token}`: {instead}")));
            }
        }
        if source.module().is_none() {
            continue;
        }
        for (i, line) in source.production() {
            if let Some(token) = PANICS.iter().find(|t| line.contains(*t)) {
                findings.push(at(&source.path, i, &format!("`{token}` in production code: return the error")));
            }
        }
    }
    report(&findings);
}

#[test]
fn no_process_is_started_in_the_mail_path() {
    let mut findings = Vec::new();
    for source in sources(&["src"]) {
        let roof = source.module().is_some_and(|m| ROOFS.contains(&m));
        for (i, _) in source.production().filter(|(_, l)| !roof && l.contains("process::Command")) {
            findings.push(at(&source.path, i, "no process is started from mail data"));
        }
    }
    report(&findings);
}

#[test]
fn folders_are_named_for_what_they_hold() {
    let named = |p: &Path| p.components().any(|c| LUMPS.contains(&c.as_os_str().to_str().unwrap_or("")));
    let lumps = sources(&["src", "tests"]).into_iter().filter(|s| s.path.parent().is_some_and(named));
    report(&lumps.map(|s| at(&s.path, 0, "a folder name that says nothing")).collect::<Vec<_>>());
}

#[test]
fn the_checks_themselves_can_fail() {
    assert_eq!(names_after("use crate::mail::edit;", "crate::"), ["mail"]);
    assert_eq!(names_after("use crate::{mail::{a, b}, ledger};", "crate::"), ["mail", "ledger"]);
    assert_eq!(count_arguments(&["fn f(&self, a: Vec<(u8, u8)>, b: u8) {"]), 3);
    assert_eq!(count_arguments(&["fn f(", "    a: u8,", "    b: u8,", ") {"]), 2);
    assert_eq!(count_arguments(&["fn f() {"]), 0);
    assert!(names_crate("use ring::hmac;", "ring") && names_crate("let k = ring::hmac::sign();", "ring"));
    assert!(!names_crate("String::new()", "ring") && !names_crate("use crate::ring::x;", "ring"));
    let long: Vec<String> = std::iter::once("fn f() {".to_owned())
        .chain((0..FUNCTION_LINES_MAX).map(|_| "    step();".to_owned()))
        .chain(std::iter::once("}".to_owned()))
        .collect();
    let lines: Vec<&str> = long.iter().map(String::as_str).collect();
    assert_eq!(functions_over_caps(Path::new("x.rs"), &lines).len(), 1);
    let many = "    fn f(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8) {}";
    assert_eq!(functions_over_caps(Path::new("x.rs"), &["impl X {", "", many, "}"]).len(), 1);
    assert_eq!(functions_over_caps(Path::new("x.rs"), &["impl T for X {", "    // …", many, "}"]).len(), 1);
    let foreign = ["impl ServerCertVerifier for X {", "    // …", many, "}"];
    assert_eq!(functions_over_caps(Path::new("x.rs"), &foreign).len(), 0);
    let source = Source { path: "src/mail/x.rs".into(), text: "a\n// b\n#[cfg(test)]\nc\n".to_owned() };
    assert_eq!(source.production().collect::<Vec<_>>(), [(0, "a")]);
}
