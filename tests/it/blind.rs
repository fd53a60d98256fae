//! Mails that no rule was tuned on: no look-alike gets the line, and most ordinary rejections do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::gateway::binary;

/// Of the ordinary rejections, so many percent at the least are found.
const FOUND_PERCENT_MIN: usize = 75;

fn mails() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/blind");
    let entries = std::fs::read_dir(folder).expect("the corpus").flatten().map(|e| e.path());
    let mut mails: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|e| e == "eml")).collect();
    mails.sort();
    mails
}

#[test]
fn no_look_alike_gets_the_line_and_most_ordinary_rejections_do() {
    let mails = mails();
    assert!(mails.len() > 150, "only {} mails", mails.len());
    let output = binary().args(["explain", "--json"]).args(&mails).output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.lines().count(), mails.len(), "{}", String::from_utf8_lossy(&output.stderr));
    let (mut wrong, mut found) = (Vec::new(), BTreeMap::<char, (usize, usize)>::new());
    for line in text.lines() {
        let mail: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let file = mail["file"].as_str().unwrap_or_default();
        let kind = file.rsplit('/').next().and_then(|name| name.chars().next()).unwrap_or('?');
        let has_line = mail["inserted"].is_array();
        let (lines, all) = found.entry(kind).or_default();
        (*lines, *all) = (*lines + usize::from(has_line), *all + 1);
        if "NA".contains(kind) && has_line {
            wrong.push(line.to_owned());
        }
    }
    println!("lines of all, by kind: {found:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let (lines, all) = found[&'R'];
    assert!(lines * 100 >= all * FOUND_PERCENT_MIN, "{lines} of {all} ordinary rejections found");
}
