//! SIGKILL under load with Postfix as next hop: a seeded sample of the long run, every mail and credit reconciled.

use std::path::Path;
use std::process::Command;

#[test]
fn twenty_kills_under_load_lose_no_mail_and_no_credit() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/kill_run.py");
    let output = Command::new(script)
        .args(["--kills", "20", "--min-credits", "100", "--seed", "20"])
        .env("CAREER_RELAY_BIN", env!("CARGO_BIN_EXE_career-relay"))
        .output()
        .expect("python3 runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    println!("{text}");
}

fn chaos(arguments: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/chaos_run.py");
    let output = Command::new(script)
        .args(arguments)
        .env("CAREER_RELAY_BIN", env!("CARGO_BIN_EXE_career-relay"))
        .output()
        .expect("python3 runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    println!("{text}");
}

#[test]
fn a_next_hop_of_moods_makes_no_double_and_every_credit_is_exact() {
    chaos(&["--kills", "0", "--seconds", "6", "--seed", "1"]);
}

#[test]
fn kills_under_a_next_hop_of_moods_lose_nothing_in_either_kind_of_custody() {
    chaos(&["--kills", "5", "--mode", "hand-through", "--seed", "2"]);
    chaos(&["--kills", "5", "--mode", "spool", "--seed", "3"]);
}
