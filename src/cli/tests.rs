//! The commands as an admin uses them: what they print, and how they end.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{CommandFactory, Parser};

use super::args::{Cli, DataArgs};
use super::output::End;
use super::*;
use crate::config::example_company;
use crate::control::ledger::{Balances, Verified};
use crate::control::{Answer, Caller, Request, Server, SpoolStatus, Status};
use crate::ledger::{Proves, ReferralEvent};
use crate::mail::address::Address;
use crate::referral::CompanyKeys;
use crate::spool::OutboxRow;
use crate::store::{Agreement, Store};

fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a command line; its end, and what it printed.
fn run(words: &[&str]) -> (End, String) {
    let cli = Cli::try_parse_from(std::iter::once("career-relay").chain(words.iter().copied()));
    let mut out = Vec::new();
    let command = cli.unwrap_or_else(|e| panic!("{e}")).command;
    let Command::Tool(tool) = command else { panic!("{words:?} needs a gateway") };
    let end = super::run(&tool, &mut out);
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

/// A data folder whose ledger holds `people` referrals of one company.
fn ledger_with(people: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let company = example_company().unwrap_or_else(|e| panic!("{e}"));
    let keys = CompanyKeys::derive(&[5; 32], &company.id, 1);
    let contract = &company.contracts[0];
    let row = |n: usize| {
        let candidate =
            keys.candidate(&Address::parse(&format!("p{n}@candidate.example")).unwrap_or_else(|e| panic!("{e}")));
        let event = ReferralEvent {
            company: company.id.clone(),
            token: keys.token(&contract.series, &candidate),
            candidate,
            earlier: Vec::new(),
            contract: contract.reference(),
            proves: Proves::Delivered,
            route: "default".to_owned(),
            transaction: format!("m{n}"),
            recipient: 0,
            inserted: true,
            wording: None,
            traits: None,
            at: "2026-11-20T03:00:00Z".parse().unwrap_or_else(|e| panic!("{e}")),
        };
        OutboxRow { seq: n as u64, event }
    };
    let agreement = Agreement {
        company: company.id.clone(),
        keys: vec![(keys.key_id(), keys.fingerprint())],
        contracts: company.contracts.clone(),
        wordings: company.wording_records(),
        signatures: Vec::new(),
        operator_keys: Vec::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap_or_else(|e| panic!("{e}"));
    runtime.block_on(async {
        let clock = || "2026-11-20T03:00:01Z".parse().unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let store = Store::open_with(folder.path(), clock).unwrap_or_else(|e| panic!("{e}"));
        store.agree(agreement).await.unwrap_or_else(|e| panic!("{e}"));
        store.post((1..=people).map(row).collect()).await.unwrap_or_else(|e| panic!("{e}"));
    });
    folder
}

#[test]
fn a_clock_that_went_back_makes_no_checkpoint_older_than_the_entries_in_it() {
    use crate::control::trust::checkpoint;
    use crate::sys::signing_key::{KeyKind, SigningKey};

    let folder = ledger_with(2);
    let (key, _) = SigningKey::make(KeyKind::Ed25519, 0).unwrap_or_else(|e| panic!("{e}"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap_or_else(|e| panic!("{e}"));
    let made = runtime.block_on(async {
        let store = Store::open(folder.path()).unwrap_or_else(|e| panic!("{e}"));
        checkpoint(&store, &key, jiff::Timestamp::UNIX_EPOCH).await.unwrap_or_else(|e| panic!("{e}"))
    });
    assert_eq!((made.at.as_str(), made.companies), ("2026-11-20T03:00:01Z", 1));
}

#[test]
fn twelve_people_are_a_slot_and_two_toward_the_next() {
    let folder = ledger_with(12);
    let data = path(folder.path());
    let (end, text) = run(&["ledger", "balance", "--data", &data]);
    let last: Vec<&str> = text.lines().last().unwrap_or_default().split_whitespace().collect();
    assert_eq!((end, last), (End::Well, vec!["example", "main", "12", "1", "2", "of", "10"]), "{text}");
    let (_, text) = run(&["ledger", "balance", "--data", &data, "--company", "example", "--json"]);
    let balances: Balances = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    assert_eq!((balances.balances[0].counted, balances.balances[0].slots, balances.parked.len()), (12, 1, 0));
    let (end, text) = run(&["ledger", "verify", "--data", &data]);
    assert!(end == End::Well && text.starts_with("example: ") && text.contains(" entries, verified, "), "{text}");
}

#[test]
fn a_statement_comes_as_table_sheet_or_object() {
    let folder = ledger_with(10);
    let data = path(folder.path());
    let words = |more: &[&'static str]| {
        let fixed = ["ledger", "statement", "--company", "example", "--month", "2026-11", "--data"];
        let words: Vec<&str> = fixed.into_iter().chain([data.as_str()]).chain(more.iter().copied()).collect();
        run(&words)
    };
    let (end, text) = words(&["--lang", "ja"]);
    assert!(end == End::Well && text.contains("採用枠") && text.contains("2026-11-01"), "{text}");
    assert!(words(&["--csv"]).1.starts_with('\u{feff}'));
    let object: serde_json::Value = serde_json::from_str(&words(&["--json"]).1).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((&object["series"]["main"]["counted"], &object["company"]), (&10.into(), &"example".into()));
    let (end, text) = run(&["ledger", "statement", "--company", "kaede", "--data", &data]);
    assert_eq!((end, text.as_str()), (End::Wrong, "nobody has been counted for kaede: the ledger does not know it\n"));
}

/// A server in trouble: its ledger does not verify, and it writes no line.
struct Troubled;

impl Answer for Troubled {
    async fn answer(&self, _: Caller, request: Request) -> Result<serde_json::Value, String> {
        let answer = match request {
            Request::Verify { .. } => serde_json::to_value(vec![Verified {
                company: "sakura".to_owned(),
                entries: 3,
                head: "00".repeat(32),
                faults: vec!["entry 2: the hash differs".to_owned()],
            }]),
            Request::Status => serde_json::to_value(Status {
                version: "0.1.0".to_owned(),
                process: 4711,
                started_at: "2026-11-20T03:00:00Z".to_owned(),
                off: Vec::new(),
                edits_stopped: Vec::new(),
                edits: false,
                spool: SpoolStatus { entries: 2, in_doubt: 1, ..SpoolStatus::default() },
                pending: crate::control::confirm::PendingStatus {
                    pending: 3,
                    oldest_pending_at: Some("2026-11-20T03:00:00Z".to_owned()),
                    ..Default::default()
                },
                watch: crate::watch::Watch::new().snapshot(),
                rates: crate::watch::Rates::default(),
                next_hops: Vec::new(),
                next_hops_known: 0,
            }),
            _ => return Err("not now".to_owned()),
        };
        answer.map_err(|e| e.to_string())
    }
}

/// Runs command lines against a running server in trouble.
fn run_beside_server(commands: &[&[&str]]) -> Vec<(End, String)> {
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.unwrap_or_else(|e| panic!("{e}"));
    let (done, stop) = tokio::sync::oneshot::channel::<()>();
    let server = {
        let _inside = runtime.enter();
        Server::bind(folder.path()).unwrap_or_else(|e| panic!("{e}"))
    };
    let running = runtime.spawn(server.run(Arc::new(Troubled), async { drop(stop.await) }));
    let data = path(folder.path());
    let ends = commands.iter().map(|words| run(&[words, ["--data", &data].as_slice()].concat())).collect();
    drop(done);
    runtime.block_on(running).unwrap_or_else(|e| panic!("{e}"));
    ends
}

#[test]
fn a_running_server_is_asked_and_bad_news_end_with_1() {
    let ends = run_beside_server(&[&["ledger", "verify"], &["ledger", "balance"], &["status"], &["status", "--json"]]);
    let (end, text) = &ends[0];
    assert!(
        *end == End::Wrong && text.contains("DOES NOT VERIFY") && text.contains("entry 2: the hash differs"),
        "{text}"
    );
    assert_eq!(ends[1], (End::Wrong, "not now\n".to_owned()));
    let (end, text) = &ends[2];
    for part in
        ["career-relay 0.1.0, process 4711", "NO LINE IS WRITTEN", "mails in custody: 2", "recipients in doubt: 1"]
    {
        assert!(*end == End::Well && text.contains(part), "{part:?} is not in:\n{text}");
    }
    assert_eq!(serde_json::from_str::<Status>(&ends[3].1).map(|s| s.process).ok(), Some(4711));
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
