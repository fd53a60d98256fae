//! The commands as an admin uses them: what they print, and how they end.

use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};

use super::args::{Cli, Command, DataArgs};
use super::output::End;
use super::*;

fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a command line; its end, and what it printed.
fn run(words: &[&str]) -> (End, String) {
    let cli = Cli::try_parse_from(std::iter::once("career-relay").chain(words.iter().copied()));
    let mut out = Vec::new();
    let end = match cli.unwrap_or_else(|e| panic!("{e}")).command {
        Command::Check(args) => check::check(&args, &mut out),
        Command::Ledger(command) => ledger::ledger(&command, &mut out),
        Command::Status(args) => status::status(&args, &mut out),
    };
    (end.unwrap_or_else(|e| panic!("{e}")), String::from_utf8_lossy(&out).into_owned())
}

fn path(of: &Path) -> String {
    of.display().to_string()
}

#[test]
fn every_command_and_argument_has_a_help_text() {
    fn walk(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{} says nothing", command.get_name());
        for argument in command.get_arguments().filter(|a| !a.is_hide_set()) {
            assert!(argument.get_help().is_some(), "{} {} says nothing", command.get_name(), argument.get_id());
        }
        command.get_subcommands().for_each(walk);
    }
    Cli::command().debug_assert();
    walk(&Cli::command());
    let help = Cli::command().render_long_help().to_string();
    assert!(help.contains("Exit codes:"), "{help}");
}

#[test]
fn check_says_in_short_what_sound_files_mean() {
    let config = path(&package("config/career-relay.toml"));
    let (end, text) = run(&["check", "--config", &config]);
    assert_eq!(end, End::Well);
    for part in ["no fault, 0 warnings", "127.0.0.1:2525", "accepted", "example", "live", "saiyo.sample.example"] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

#[test]
fn check_prints_every_fault_and_ends_with_1() {
    let config = path(&package("tests/corpus/config/values.toml"));
    let (end, text) = run(&["check", "--config", &config]);
    assert_eq!(end, End::Wrong);
    assert!(text.contains("values.toml:48: log.queue_lines_max: ") && text.contains("values.toml:2: hostname: "));
    assert!(text.lines().last().is_some_and(|l| l.ends_with("faults, 1 warning: not taken")), "{text}");
    let (end, text) = run(&["check", "--json", "--config", &config]);
    let object: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    assert_eq!((end, &object["ok"]), (End::Wrong, &serde_json::Value::Bool(false)));
    assert_eq!(object["findings"].as_array().map(Vec::len).map(|n| n > 30), Some(true));
    assert_eq!(object["findings"][0]["severity"], "warning");
}

#[test]
fn check_of_a_file_that_is_not_there_says_how_to_begin() {
    let (end, text) = run(&["check", "--config", "no/such/file.toml"]);
    assert_eq!(end, End::Wrong);
    assert!(text.starts_with("no/such/file.toml: cannot be read: ") && text.contains("config/career-relay.toml"));
}

#[test]
fn without_server_and_ledger_the_commands_say_so() {
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let data = path(folder.path());
    let (end, text) = run(&["status", "--data", &data]);
    assert_eq!((end, text.as_str()), (End::Wrong, "no server runs on this data folder\n"));
    let (end, text) = run(&["ledger", "balance", "--data", &data]);
    assert!(end == End::Wrong && text.starts_with("there is no ledger in "), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).map(Iterator::count).ok(), Some(0));
}

#[test]
fn a_data_folder_and_a_configuration_exclude_each_other() {
    let words = ["career-relay", "status", "--data", "a", "--config", "b"];
    assert!(Cli::try_parse_from(words).is_err());
    let args = Cli::try_parse_from(["career-relay", "ledger", "statement", "--company", "Sakura", "--data", "a"]);
    assert!(args.is_err_and(|e| e.to_string().contains("--company")));
}

#[test]
fn a_ledger_nobody_serves_is_read_under_the_lock() {
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let data = path(folder.path());
    drop(crate::store::Store::open(folder.path()).unwrap_or_else(|e| panic!("{e}")));
    let (end, text) = run(&["ledger", "balance", "--data", &data]);
    assert_eq!((end, text.as_str()), (End::Well, "nobody has been counted yet\n"));
    let (end, text) = run(&["ledger", "verify", "--data", &data, "--json"]);
    assert_eq!((end, text.as_str()), (End::Well, "[]\n"));
    let (end, text) = run(&["ledger", "statement", "--data", &data, "--company", "sakura"]);
    assert!(end == End::Wrong && text.contains("sakura"), "{text}");
    let lock = crate::control::DataLock::take(folder.path(), "demo").unwrap_or_else(|e| panic!("{e}"));
    let (end, text) = run(&["ledger", "verify", "--data", &data]);
    assert!(end == End::Wrong && text.contains("(demo)"), "{text}");
    drop(lock);
}

#[test]
fn the_data_folder_comes_from_the_configuration_unless_it_is_named() {
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let config = folder.path().join("career-relay.toml");
    std::fs::write(&config, "data_dir = \"data\"\n").unwrap_or_else(|e| panic!("{e}"));
    let args = |data| DataArgs { config: args::ConfigArgs { config: config.clone() }, data, json: false };
    assert_eq!(reach::data_dir(&args(None)), Ok(folder.path().join("data")));
    assert_eq!(reach::data_dir(&args(Some(PathBuf::from("d")))), Ok(PathBuf::from("d")));
}
