//! The documents tell the truth: codes, crates, commands and listen addresses are compared with what they speak of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use career_relay::classify::Reason;
use career_relay::cli::reason;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The first two cells of a document's table rows.
fn rows(text: &str) -> Vec<(String, String)> {
    let cells = |line: &str| {
        let mut cells = line.strip_prefix("| ")?.split(" | ").map(|c| c.trim_end_matches('|').trim().to_owned());
        Some((cells.next()?, cells.next()?))
    };
    text.lines().filter_map(cells).collect()
}

/// The rows whose first cell is a code, without its marks.
fn codes(text: &str) -> Vec<(String, String)> {
    let code = |cell: &str| Some(cell.strip_prefix('`')?.strip_suffix('`')?.to_owned());
    rows(text).into_iter().filter_map(|(first, second)| Some((code(&first)?, second))).collect()
}

#[test]
fn the_classifiers_document_has_every_code_with_its_meaning_and_no_other() {
    let in_code: Vec<(String, String)> = Reason::ALL
        .iter()
        .map(|r| (r.code(), r.meaning()))
        .chain(reason::others().flat_map(|(_, list)| list.iter().copied()))
        .map(|(code, meaning)| (code.to_owned(), meaning.to_owned()))
        .collect();
    assert_eq!(codes(&read("docs/classifier.md")), in_code);
}

/// The names of a table of Cargo.toml.
fn dependencies(manifest: &str, table: &str) -> BTreeSet<String> {
    let lines = manifest.lines().skip_while(|l| *l != table).skip(1).take_while(|l| !l.starts_with('['));
    lines.filter_map(|l| l.split_once(" = ")).map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn every_direct_dependency_has_its_reason_and_every_reason_its_dependency() {
    let manifest = read("Cargo.toml");
    let wanted = &dependencies(&manifest, "[dependencies]") | &dependencies(&manifest, "[dev-dependencies]");
    assert!(wanted.len() > 30 && wanted.contains("tokio") && wanted.contains("proptest"), "{wanted:?}");
    let text = read("CONTRIBUTING.md");
    let table = text.split("| crate |").nth(1).expect("a table of dependencies");
    let table = table.split("\n\n").next().expect("its end");
    let first = |cell: String| cell.split(" (").next().unwrap_or_default().to_owned();
    let named: BTreeSet<String> = rows(table)
        .into_iter()
        .filter(|(cell, _)| !cell.starts_with("---"))
        .flat_map(|(cell, _)| first(cell).split(", ").map(str::to_owned).collect::<Vec<_>>())
        .map(|name| name.split(' ').next().unwrap_or_default().to_owned())
        .filter(|name| !["why", "bundled"].contains(&name.as_str()))
        .collect();
    assert_eq!(named, wanted);
}

/// What a heading is called in links.
fn anchor(line: &str) -> Option<String> {
    let text = line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'))?;
    let kept = text.to_lowercase().replace(' ', "-");
    Some(kept.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect())
}

#[test]
fn the_readme_promises_what_ci_runs_and_the_links_lead_somewhere() {
    let readme = read("README.md");
    let commands: Vec<&str> = readme.lines().filter_map(|l| l.strip_prefix("    make ")).collect();
    assert_eq!(commands, ["demo", "test"]);
    assert!(read(".ci/run").ends_with("exec make test\n"));
    let makefile = read("Makefile");
    for target in commands {
        assert!(makefile.contains(&format!("\n{target}:")), "no target {target}");
    }
    for file in [
        "README.md",
        "README.ja.md",
        "CONTRIBUTING.md",
        "docs/architecture.md",
        "docs/flow.md",
        "docs/commands.md",
        "docs/interoperation.md",
        "docs/operations.md",
        "docs/rules.md",
        "docs/ja/operations.md",
        "docs/ja/injection.md",
        "docs/injection.md",
        "docs/ledger.md",
        "docs/report.md",
        "docs/ja/report.md",
    ] {
        let (text, folder) = (read(file), Path::new(file).parent().expect("a folder"));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (page, heading) = link.split_once('#').unwrap_or((link, ""));
            let path = match page {
                "" => Path::new(env!("CARGO_MANIFEST_DIR")).join(file),
                page => Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(page),
            };
            assert!(link.starts_with("https://") || path.exists(), "{file} leads to {link}");
            let is_there =
                || read(path.to_str().expect("a name")).lines().any(|line| anchor(line) == Some(heading.into()));
            assert!(link.starts_with("https://") || heading.is_empty() || is_there(), "{file} leads to {link}");
        }
    }
}

#[test]
fn the_architectures_table_names_every_module_and_no_other() {
    let there: BTreeSet<String> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .expect("src")
        .flatten()
        .map(|entry| entry.path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| !["main", "lib"].contains(&name.as_str()))
        .collect();
    let text = read("docs/architecture.md");
    let tables: BTreeMap<&str, &str> = text.split("\n## ").filter_map(|s| s.split_once('\n')).collect();
    let modules = ["Pure modules", "Shell modules"].into_iter().flat_map(|title| rows(tables[title]));
    let named: BTreeSet<String> = modules
        .filter(|(cell, _)| cell.starts_with('`'))
        .flat_map(|(cell, _)| cell.split(", ").map(|name| name.trim_matches('`').to_owned()).collect::<Vec<_>>())
        .collect();
    assert_eq!(named, there);
}

#[test]
fn the_socket_unit_listens_where_the_configuration_would() {
    let unit = read("systemd/career-relay.socket");
    let listens: Vec<&str> = unit.lines().filter_map(|l| l.strip_prefix("ListenStream=")).collect();
    let config = read("config/career-relay.toml");
    let listen = config.lines().find_map(|l| l.strip_prefix("listen = ")).expect("smtp.listen");
    assert_eq!(listen, format!("[{}]", listens.iter().map(|l| format!("\"{l}\"")).collect::<Vec<_>>().join(", ")));
}

/// The tests of a file, also those that a macro makes of `name: what;`.
fn tests_of(path: &str) -> BTreeSet<String> {
    let text = read(path);
    let is_name = |name: &&str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let written = text.split("#[test]\nfn ").skip(1).filter_map(|rest| rest.split('(').next());
    let made = text.lines().filter(|l| l.ends_with(';')).filter_map(|l| l.trim().split_once(": "));
    written.chain(made.map(|(name, _)| name).filter(|n| n.contains('_'))).filter(is_name).map(str::to_owned).collect()
}

#[test]
fn every_program_that_is_said_to_be_tried_has_its_tests_and_every_test_is_told() {
    let text = read("docs/interoperation.md");
    let told: Vec<&str> = text.split('`').skip(1).step_by(2).filter(|code| code.ends_with('_')).collect();
    let tests = &tests_of("tests/it/interop_clients.rs") | &tests_of("tests/it/interop_next_hops.rs");
    assert!(told.len() > 10 && tests.len() > 25, "{told:?} {tests:?}");
    for start in &told {
        assert!(tests.iter().any(|test| test.starts_with(start)), "no test begins with {start}");
    }
    for test in &tests {
        assert!(told.iter().any(|start| test.starts_with(start)), "docs/interoperation.md does not tell of {test}");
    }
}

/// The names of all tests of the package, properties too, and those of the suite that makes them of functions.
fn all_tests() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut folders, mut found) = (vec![root.join("src"), root.join("tests")], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).expect("a folder").flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("a source");
                let lines = text.lines().map(str::trim).collect::<Vec<_>>();
                let named = lines
                    .windows(2)
                    .filter(|two| two[0].starts_with("#[test]") || two[0].starts_with("#[tokio::test"))
                    .map(|two| two[1]);
                let name = |line: &str| Some(line.split_once("fn ")?.1.split_once('(')?.0.to_owned());
                found.extend(named.filter_map(name));
                if path.ends_with("conformance.rs") {
                    let listed = |line: &&str| Some(line.strip_suffix(',')?.split_once("::")?.1.to_owned());
                    found.extend(lines.iter().filter_map(listed));
                }
            }
        }
    }
    found
}

/// What stands in code type in a cell.
fn in_code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_rule_and_every_limit_has_its_tests_or_says_whose_it_is() {
    let text = read("docs/rules.md");
    let tables: BTreeMap<&str, &str> = text.split("\n## ").filter_map(|s| s.split_once('\n')).collect();
    let tests = all_tests();
    assert!(tests.len() > 700 && tests.contains("any_line_is_read_without_harm"), "{}", tests.len());
    let is_test = |name: &str| tests.contains(name) || name.ends_with('/');
    for (title, last) in [("Mail in transit", 34), ("Reliability and safety", 20)] {
        let lines = tables[title].lines().filter(|l| l.starts_with("| ") && !l.starts_with("| #"));
        for (number, line) in (1..).zip(lines.clone()) {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [at, _, proved] = cells[..] else { panic!("{line}") };
            assert_eq!(at, number.to_string(), "{title}");
            assert!(!proved.is_empty(), "{line}");
            assert_eq!(
                in_code(proved).find(|name| !is_test(name)),
                None,
                "{title} {number} names a test that is not there"
            );
        }
        assert_eq!(lines.count(), last, "{title}");
    }
    let limits = codes(tables["The limits of the SMTP server"]);
    let fields = read("src/proto/smtp/limits.rs");
    let fields = fields.lines().filter_map(|l| l.strip_prefix("    pub ")?.split_once(": ")).map(|(name, _)| name);
    assert_eq!(limits.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), fields.collect::<Vec<_>>());
    for (limit, proved) in &limits {
        assert_eq!(in_code(proved).find(|name| !tests.contains(*name)), None, "{limit} names a test that is not there");
        assert!(in_code(proved).next().is_some(), "{limit} has no test");
    }
}
