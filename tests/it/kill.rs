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
