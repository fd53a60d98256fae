//! Users as an admin keeps them: with a server and without, from pipes and terminals, by one or by many at once.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::{Output, Stdio};

use crate::gateway::{Gateway, binary, give};
use crate::sink::Sink;
use crate::terminal::Terminal;

const PASSWORD: &str = "plum blossom 7";

/// Runs `user …` with a password on standard input; whether it went well, and what it printed.
fn user(gateway: &Gateway, words: &[&str], password: &str) -> (bool, String) {
    said(start(gateway, words, password))
}

fn start(gateway: &Gateway, words: &[&str], password: &str) -> std::process::Child {
    let mut command = binary();
    command.arg("user").args(words).arg("--config").arg(gateway.config());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    // A command that needs no password may be gone before it is written.
    let _ = child.stdin.take().expect("a pipe").write_all(password.as_bytes());
    child
}

fn said(child: std::process::Child) -> (bool, String) {
    let Output { status, stdout, stderr } = child.wait_with_output().expect("its output");
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn names(gateway: &Gateway) -> Vec<String> {
    let users = gateway.ask_json(&["user", "list"]);
    users.as_array().expect("a list").iter().map(|u| u["name"].as_str().expect("a name").to_owned()).collect()
}

/// A gateway whose data folder has been in use, and which is stopped.
fn stopped() -> Gateway {
    let mut gateway = Gateway::start(Sink::start().address);
    assert!(gateway.stop());
    gateway
}

#[test]
fn users_are_kept_through_a_server_that_runs_and_through_one_that_does_not() {
    let mut gateway = Gateway::start(Sink::start().address);
    assert_eq!(user(&gateway, &["list"], "").1, "there are no users; `user add NAME --role relay` adds one\n");
    let (fine, text) = user(&gateway, &["add", "ATS", "--role", "relay", "--company", "sakura"], PASSWORD);
    assert!(fine && text == "ats is a user now: relay for sakura\n", "{text}");
    assert!(gateway.stop());
    let (fine, text) = user(&gateway, &["add", "hr@sakura.example", "--role", "hr"], PASSWORD);
    assert!(fine && text == "hr@sakura.example is a user now: hr\n", "{text}");
    let (fine, text) = user(&gateway, &["password", "ats"], "another plum 8\n");
    assert!(fine && text == "ats has another password now\n", "{text}");
    gateway.run();
    assert_eq!(names(&gateway), ["ats", "hr@sakura.example"]);
    let (fine, text) = user(&gateway, &["remove", "ats"], "");
    assert!(fine && text.starts_with("ats is a user no more"), "{text}");
    let story = gateway.ask_json(&["user", "show", "ats"]);
    assert!(story["user"].is_null(), "{story}");
    let acts: Vec<_> = story["changes"].as_array().expect("a list").iter().map(|c| c["act"].clone()).collect();
    assert_eq!(acts, ["add", "password", "remove"]);
    let own = story["changes"][0]["actor"].as_str().expect("an actor");
    assert!(own.ends_with(&format!("(uid {})", rustix::process::getuid().as_raw())), "{own}");
    assert!(story["changes"].as_array().expect("a list").iter().all(|c| c["actor"] == own), "{story}");
    let (fine, text) = user(&gateway, &["show", "ats"], "");
    assert!(fine && text.starts_with("ats: removed\n") && text.contains("relay") && text.contains("sakura"), "{text}");
    assert_eq!(names(&gateway), ["hr@sakura.example"]);
    assert!(!gateway.log().contains("hr@") && !gateway.log().contains("argon2id"), "{}", gateway.log());
}

#[test]
fn a_drawn_password_is_shown_once() {
    let gateway = Gateway::start(Sink::start().address);
    let (fine, text) = user(&gateway, &["add", "ats", "--role", "relay", "--generate"], "");
    let drawn = text.lines().find_map(|l| l.strip_prefix("password: ")).expect("a password");
    assert!(fine && drawn.len() == 29 && text.ends_with("kept nowhere in clear.\n"), "{text}");
    let answer = gateway.ask_json(&["user", "password", "ats", "--generate"]);
    assert_eq!((&answer["user"]["name"], answer["password"].as_str().map(str::len)), (&"ats".into(), Some(29)));
    assert_ne!(answer["password"], drawn);
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    let running = Gateway::start(Sink::start().address);
    let (fine, text) = user(&running, &["add", "ats", "--role", "relay"], PASSWORD);
    assert!(fine, "{text}");
    for (words, password, why) in [
        (&["add", "jiro", "--role", "relay"][..], "eleven char", "too short: take at least 12 characters"),
        (&["add", "jiro", "--role", "relay"], "", "no password is there: pipe one in"),
        (&["add", "jiro", "--role", "relay"], "twelve chars\nand more\n", "control character"),
        (&["add", "jiro", "--role", "relay"], &"x".repeat(257), "too long: 256 octets at most"),
        (&["add", "ats", "--role", "hr"], PASSWORD, "there is a user ats already; `user password`"),
        (&["add", "jiro", "--role", "relay", "--company", "kaede"], PASSWORD, "does not know the company kaede"),
        (&["add", "jiro", "--role", "admin", "--company", "sakura"], PASSWORD, "leave --company sakura out"),
        (&["add", "jiro", "--role", "king"], PASSWORD, "[possible values: relay, admin, operator, hr, viewer]"),
        (&["add", "ji ro", "--role", "hr"], PASSWORD, "a user's name is 1 to 64 characters"),
        (&["password", "jiro"], PASSWORD, "there is no user jiro; `user list`"),
        (&["remove", "jiro"], "", "there is no user jiro; `user list`"),
        (&["show", "jiro"], "", "there is no user jiro; `user list`"),
    ] {
        let (fine, text) = user(&running, words, password);
        assert!(!fine && text.contains(why), "{words:?}: {why:?} is not in: {text}");
    }
    assert_eq!(names(&running), ["ats"]);
}

#[test]
fn before_the_first_start_there_is_nothing_to_keep_users_in() {
    let gateway = Gateway::prepare(Sink::start().address, "", "127.0.0.0/8");
    let (fine, text) = user(&gateway, &["add", "ats", "--role", "relay"], PASSWORD);
    assert!(!fine && text.starts_with("there is no ledger in ") && text.contains("first start"), "{text}");
    assert!(!gateway.folder.path().join("data").exists());
}

#[test]
fn many_commands_at_once_all_get_their_turn() {
    for gateway in [Gateway::start(Sink::start().address), stopped()] {
        let add = |n: usize| start(&gateway, &["add", &format!("user{n}"), "--role", "relay"], PASSWORD);
        let added: Vec<_> = (0..8).map(add).collect();
        for child in added {
            let (fine, text) = said(child);
            assert!(fine, "{text}");
        }
        assert_eq!(names(&gateway).len(), 8);
        let same: Vec<_> = (0..4).map(|_| start(&gateway, &["add", "one", "--role", "relay"], PASSWORD)).collect();
        let fine = same.into_iter().map(said).filter(|(fine, _)| *fine).count();
        assert_eq!(fine, 1);
    }
}

#[test]
fn root_leaves_no_file_of_its_own_in_the_data_folder() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can work for somebody else");
        return;
    }
    let gateway = stopped();
    let data = gateway.folder.path().join("data");
    give(&data, 12345);
    // As systemd keeps it: below a folder that the service itself may not enter.
    chown(gateway.folder.path(), Some(0), Some(0)).expect("a parent of root's");
    fs::set_permissions(gateway.folder.path(), fs::Permissions::from_mode(0o700)).expect("a closed parent");
    // Restored from a backup without it, say.
    fs::remove_file(data.join("lock")).expect("a lock file");
    let (fine, text) = user(&gateway, &["add", "ats", "--role", "relay"], PASSWORD);
    assert!(fine, "{text}");
    assert_eq!(names(&gateway), ["ats"]);
    let story = gateway.ask_json(&["user", "show", "ats"]);
    assert_eq!(story["changes"][0]["actor"], "root (uid 0)");
    for file in fs::read_dir(&data).expect("the folder").flatten() {
        assert_eq!(file.metadata().expect("its state").uid(), 12345, "{:?}", file.path());
    }
    // A link that the service left there leads root nowhere.
    let target = gateway.folder.path().join("roots");
    fs::write(&target, "untouched").expect("a file");
    fs::remove_file(data.join("lock")).expect("a lock file");
    std::os::unix::fs::symlink(&target, data.join("lock")).expect("a link");
    let (fine, text) = user(&gateway, &["list"], "");
    assert!(!fine && text.contains("cannot be used"), "{text}");
    assert_eq!(fs::read_to_string(&target).expect("the file"), "untouched");
}

#[test]
fn on_a_terminal_the_password_is_asked_for_twice_and_never_shown() {
    let gateway = Gateway::start(Sink::start().address);
    let config = gateway.config().display().to_string();
    let add = |name: &str| Terminal::run(&["user", "add", name, "--role", "relay", "--config", &config]);
    let mut terminal = add("ats");
    terminal.wait_for("Password for ats: ");
    terminal.strike("plum blosson\u{7f}m 7\r");
    terminal.wait_for("Once more: ");
    terminal.strike("plum blossom 7\r");
    let (fine, shown) = terminal.ended();
    assert!(fine && shown.contains("ats is a user now: relay") && !shown.contains("plum"), "{shown:?}");
    for (first, second, why) in [
        ("plum blossom 7\r", "plum blossom 8\r", "the two differ: nothing was changed"),
        ("plum blossom 7\r", "plum\u{3}", "broken off: nothing was changed"),
        ("short\r", "", "too short"),
    ] {
        let mut terminal = add("jiro");
        terminal.wait_for("Password for jiro: ");
        terminal.strike(first);
        if !second.is_empty() {
            terminal.wait_for("Once more: ");
            terminal.strike(second);
        }
        let (fine, shown) = terminal.ended();
        assert!(!fine && shown.contains(why), "{shown:?}");
    }
    assert_eq!(names(&gateway), ["ats"]);
}
