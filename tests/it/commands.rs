//! The commands a mail admin types: what they print, and how they end.

use std::fs;

use crate::gateway::binary;
use crate::smtp::{ordinary, rejection};

fn run(words: &[&str]) -> (bool, String, String) {
    let output = binary().args(words).output().expect("the binary runs");
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// A folder with one rejection and one ordinary mail.
fn mails() -> (tempfile::TempDir, String, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str, octets: Vec<u8>| {
        let path = folder.path().join(name);
        fs::write(&path, octets).expect("a file");
        path.display().to_string()
    };
    let first = file("rejection.eml", rejection("yamada@candidate.example"));
    let second = file("ordinary.eml", ordinary("partner@vendor.example"));
    (folder, first, second)
}

#[test]
fn explain_prints_one_json_object_a_line_for_each_file() {
    let (_folder, first, second) = mails();
    let (fine, text, errors) = run(&["explain", "--json", &first, &second]);
    assert!(fine, "{errors}");
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["file"], &lines[0]["verdict"]), (&first.clone().into(), &"rejection".into()));
    let inserted = lines[0]["inserted"].as_array().expect("a list");
    assert_eq!(inserted.len(), 1);
    for key in ["path", "charset", "offset", "octets"] {
        assert!(!inserted[0][key].is_null(), "no {key} in {}", inserted[0]);
    }
    assert!(!lines[0]["evidence"].as_array().expect("a list").is_empty());
    assert_eq!(lines[1]["verdict"], "abstain");
    assert!(lines[1]["reason"].is_string() && lines[1]["untouched"].is_string(), "{}", lines[1]);
    assert!(lines[1]["inserted"].is_null());
}

#[test]
fn explain_names_a_file_that_is_not_there_and_goes_on_with_the_rest() {
    let (folder, first, _) = mails();
    let missing = folder.path().join("missing.eml").display().to_string();
    let (fine, text, errors) = run(&["explain", &missing, &first]);
    assert!(!fine);
    assert!(errors.contains("missing.eml"), "{errors}");
    assert!(text.contains("rejection"), "{text}");
}

#[test]
fn preview_writes_the_edited_mail_or_the_same_octets() {
    let (folder, first, second) = mails();
    let out = folder.path().join("out.eml");
    let (fine, _, errors) = run(&["preview", &first, "--out", &out.display().to_string()]);
    assert!(fine, "{errors}");
    let edited = String::from_utf8(fs::read(&out).expect("the preview")).expect("UTF-8");
    assert_eq!(edited.matches("https://careerrelay.jp/r/").count(), 1);
    let (fine, _, errors) = run(&["preview", &second, "--out", &out.display().to_string()]);
    assert!(fine, "{errors}");
    assert_eq!(fs::read(&out).expect("the preview"), fs::read(&second).expect("the mail"));
}

#[test]
fn explain_says_what_is_no_mail_and_reads_on() {
    let (folder, first, _) = mails();
    let name = |of: &str| folder.path().join(of).display().to_string();
    fs::write(name("empty.eml"), "").expect("a file");
    fs::write(name("text.txt"), "just a note\n").expect("a file");
    let (fine, text, errors) =
        run(&["explain", "--json", &name("empty.eml"), &name("text.txt"), &name("."), &name("no.eml"), &first]);
    assert!(!fine);
    assert!(
        errors.contains("is a folder; name the mails in it") && errors.contains("no.eml: cannot be read"),
        "{errors}"
    );
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    for line in &lines[..2] {
        let object: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!((&object["verdict"], &object["untouched"]), (&"abstain".into(), &"no_from".into()), "{line}");
    }
    assert!(lines[2].starts_with("{\"file\":") && lines[2].contains("\"verdict\":\"rejection\""), "{}", lines[2]);
}

#[test]
fn explain_tells_a_person_what_each_code_means() {
    let (_folder, first, second) = mails();
    let (fine, text, errors) = run(&["explain", &first, &second]);
    assert!(fine, "{errors}");
    assert!(text.contains("rejection.eml: rejection\n  line        "), "{text}");
    assert!(text.contains("ordinary.eml: abstain\n  untouched   not_recruiting: No recruiting mail.\n"), "{text}");
}

#[test]
fn preview_writes_to_standard_output_for_a_dash() {
    let (_folder, _, second) = mails();
    let output = binary().args(["preview", &second, "--out", "-"]).output().expect("the binary runs");
    assert_eq!(output.stdout, fs::read(&second).expect("the mail"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("untouched, not_recruiting: "));
}

#[test]
fn check_takes_the_shipped_configuration() {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config/career-relay.toml");
    let (fine, text, errors) = run(&["check", "--config", config]);
    assert!(fine, "{text}{errors}");
}

#[test]
fn check_reports_every_fault_at_once_with_its_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("career-relay.toml");
    fs::write(&config, "data_dri = \"x\"\n\n[smtp]\nlisten = [\"nowhere\"]\n").expect("a file");
    let (fine, text, errors) = run(&["check", "--config", &config.display().to_string()]);
    let all = text + &errors;
    assert!(!fine);
    assert!(all.contains("career-relay.toml:1") && all.contains("data_dir"), "{all}");
    assert!(all.contains("career-relay.toml:4") && all.contains("nowhere"), "{all}");
}

#[test]
fn an_unknown_command_is_refused_with_help() {
    let (fine, _, errors) = run(&["serv"]);
    assert!(!fine);
    assert!(errors.contains("serve"), "{errors}");
}

#[test]
fn serve_says_of_a_faulty_configuration_what_check_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("career-relay.toml").display().to_string();
    fs::write(&config, "data_dir = 5\n[smtp]\nlisten = [\"nowhere\"]\n").expect("a file");
    let (checked, said, _) = run(&["check", "--config", &config]);
    let (served, _, errors) = run(&["serve", "--config", &config]);
    assert!(!checked && !served);
    assert!(errors == said && said.ends_with("2 faults, 1 warning: not taken\n"), "{said}\n{errors}");
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_file_in_shift_jis_is_told_with_its_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("career-relay.toml");
    fs::write(&config, b"# \n# \x8a\x94\x8e\xae\n").expect("a file");
    let (fine, text, _) = run(&["check", "--config", &config.display().to_string()]);
    assert!(!fine && text.contains("career-relay.toml:2: not UTF-8; save the file as UTF-8"), "{text}");
}
