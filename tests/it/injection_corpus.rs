//! The corpus of mails with the line's place written beside them: made as its generator says, read back by another
//! program, and shown in a browser.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::gateway::binary;

fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a program of `tests/python/inject_corpus`; it must pass and say so of at least `count_min` mails.
fn check(program: &str, args: &[&str], folders: &[&str], count_min: usize) {
    let mut command = Command::new("python3");
    command.arg(in_tree("tests/python/inject_corpus").join(program));
    if !matches!(program, "make.py" | "test_reading.py") {
        command.arg(binary().get_program());
    }
    let output = command.args(folders.iter().map(|f| in_tree(f))).args(args).output().expect("python3 runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let count = text.lines().last().and_then(|l| l.split(' ').next()).and_then(|n| n.parse::<usize>().ok());
    assert!(count.is_some_and(|n| n >= count_min), "too few: {text}");
}

#[test]
fn the_judge_of_the_corpus_sees_each_fault() {
    check("test_reading.py", &[], &[], 15);
}

#[test]
fn the_made_mails_are_what_their_generator_makes() {
    check("make.py", &["--check"], &["tests/corpus/inject/made"], 600);
}

#[test]
fn every_made_mail_reads_back_with_the_line_in_its_place() {
    check("check.py", &[], &["tests/corpus/inject/made"], 600);
}

#[test]
fn every_mail_written_by_hand_reads_back_with_the_line_in_its_place() {
    check("check.py", &[], &["tests/corpus/inject/hand"], 40);
}

#[test]
fn a_browser_shows_the_line_where_it_can_be_read_and_tapped() {
    check("render.py", &["--sample", "40"], &["tests/corpus/inject/made"], 15);
}
