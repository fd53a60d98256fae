//! SIGKILL under load, a seeded sample of the long runs: every mail, report and credit is reconciled.

use std::path::Path;
use std::process::Command;

fn run(script: &str, arguments: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
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
fn twenty_kills_under_load_lose_no_mail_and_no_credit() {
    run("kill_run.py", &["--kills", "20", "--min-credits", "100", "--seed", "20"]);
}

#[test]
fn twenty_kills_across_gateway_and_store_with_copies_brought_back_lose_and_double_no_credit() {
    run("kill_run.py", &["--kills", "20", "--min-credits", "100", "--seed", "7", "--copies", "--restore-every", "10"]);
}

#[test]
fn twenty_kills_in_hand_through_lose_no_mail_and_no_credit() {
    run("custody_run.py", &["through", "--kills", "20", "--seed", "1"]);
}

#[test]
fn twenty_kills_while_the_next_hop_is_mostly_down_lose_nothing_and_list_each_double() {
    run("custody_run.py", &["down", "--kills", "20", "--seed", "2"]);
}

#[test]
fn twenty_kills_with_a_slow_and_lossy_next_hop_lose_nothing_and_list_each_double() {
    run("custody_run.py", &["lossy", "--kills", "20", "--seed", "3"]);
}

#[test]
fn a_next_hop_of_moods_makes_no_double_and_every_credit_is_exact() {
    run("chaos_run.py", &["--kills", "0", "--seconds", "6", "--seed", "1"]);
}

#[test]
fn kills_under_a_next_hop_of_moods_lose_nothing_in_either_kind_of_custody() {
    run("chaos_run.py", &["--kills", "5", "--mode", "hand-through", "--seed", "2"]);
    run("chaos_run.py", &["--kills", "5", "--mode", "spool", "--seed", "3"]);
}
