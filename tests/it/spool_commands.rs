//! Mail in custody as an admin looks after it: with a server and without, as its owner, as root and as somebody else.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Output;

use serde_json::Value;

use crate::gateway::{Gateway, binary, free_port, give, wait_for};
use crate::sink::{Act, Sink, Stage};
use crate::smtp::{Client, has_link, ordinary, rejection, without_trace};

const CANDIDATE: &str = "yamada@candidate.example";
const PARTNER: &str = "partner@vendor.example";
const SLOW: &str = "[retry]\nwaits = [\"1h\"]\n";

/// A sink that defers every recipient, with an address in its words.
fn deferring() -> Sink {
    Sink::scripted(|at, line| match at {
        Stage::Rcpt if !line.contains("saiyo@") => Act::Say("450 4.2.0 <someone@candidate.example> is busy"),
        _ => Act::GoOn,
    })
}

/// A gateway with a rejection and an ordinary mail in custody.
fn with_mails(sink: &Sink) -> Gateway {
    let gateway = Gateway::start_with(sink.address, SLOW);
    let mut client = Client::connect(gateway.address);
    assert_eq!(client.mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
    assert_eq!(client.mail(&[PARTNER], &ordinary(PARTNER)).0, 250);
    wait_for("both to have been tried", || (spool(&gateway)["waiting"] == 2).then_some(()));
    gateway
}

fn spool(gateway: &Gateway) -> Value {
    gateway.ask_json(&["status"])["spool"].clone()
}

fn said(output: &Output) -> (bool, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn run(gateway: &Gateway, words: &[&str]) -> (bool, String) {
    said(&gateway.ask(&[&["spool"], words].concat()))
}

/// The mails that a list with these filters has.
fn listed(gateway: &Gateway, filters: &[&str]) -> Vec<Value> {
    let answer = gateway.ask_json(&[&["spool", "list"], filters].concat());
    answer["mails"].as_array().expect("a list").clone()
}

fn id(mail: &Value) -> String {
    mail["id"].as_str().expect("an id").to_owned()
}

/// The ids of the rejection and of the ordinary mail.
fn ids(gateway: &Gateway) -> (String, String) {
    let mails = listed(gateway, &[]);
    assert_eq!(mails.len(), 2, "{mails:?}");
    (id(&mails[0]), id(&mails[1]))
}

#[test]
fn a_list_tells_ages_and_reasons_and_no_address() {
    let sink = deferring();
    let mut gateway = with_mails(&sink);
    for running in [true, false] {
        if !running {
            assert!(gateway.stop());
        }
        let (fine, text) = run(&gateway, &["list"]);
        assert!(fine && text.starts_with("2 mails, 2 recipients; the oldest came "), "{text}");
        assert!(text.contains("450 4.2.0 <rcpt> is busy") && text.contains("in 59m") && text.contains("waiting"));
        assert!(!text.contains('@'), "an address in:\n{text}");
        let (fine, text) = run(&gateway, &["list", "--addresses"]);
        assert!(fine && text.contains(CANDIDATE) && text.contains(PARTNER), "{text}");
        let mails = listed(&gateway, &[]);
        let recipient = &mails[0]["recipients"][0];
        assert_eq!((&recipient["destination"], &recipient["state"]), (&"mx".into(), &"waiting".into()), "{recipient}");
        assert_eq!((&recipient["referral"], &recipient["address"]), (&true.into(), &Value::Null), "{recipient}");
    }
    assert!(!gateway.log().contains(CANDIDATE));
}

#[test]
fn every_filter_leaves_out_what_does_not_fit_it() {
    let sink = deferring();
    let gateway = with_mails(&sink);
    let (first, second) = ids(&gateway);
    for (filters, wanted) in [
        (&["--destination", "mx"][..], 2),
        (&["--route", "smarthost"], 0),
        (&["--company", "sakura"], 2),
        (&["--company", "kaede"], 0),
        (&["--state", "waiting"], 2),
        (&["--state", "parked"], 0),
        (&["--older-than", "1h"], 0),
        (&["--older-than", "0s"], 2),
        (&["--younger-than", "1h"], 2),
        (&["--younger-than", "0s"], 0),
        (&["--maybe-doubled"], 0),
        (&["--id-prefix", &first[..20]], 1),
        (&[&first, &second], 2),
        (&["--to", "Yamada@CANDIDATE.example"], 1),
        (&["--to", "nobody@candidate.example"], 0),
        (&["--to", PARTNER, "--id-prefix", &first[..20]], 0),
        (&["--limit", "1"], 1),
    ] {
        assert_eq!(listed(&gateway, filters).len(), wanted, "{filters:?}");
    }
    let mut child = binary();
    child.args(["spool", "list", "--json", "--to", "-", "--config"]).arg(gateway.config());
    let output = crate::gateway::with_input(child, format!("{PARTNER}\n").as_bytes());
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["mails"][0]["id"], second.as_str());
    assert!(!gateway.log().contains('@'), "an address in the log");
}

#[test]
fn a_mail_is_shown_with_its_recipients_and_tried_again_when_an_admin_says_so() {
    let sink = deferring();
    let gateway = with_mails(&sink);
    let (first, second) = ids(&gateway);
    let (fine, text) = run(&gateway, &["show", &first]);
    for part in
        [CANDIDATE, "saiyo@sakura.example", "attempts  1", "<rcpt> is busy", "next try", "line        in 1 of 1"]
    {
        assert!(fine && text.contains(part), "{part} is not in:\n{text}");
    }
    let (fine, text) = run(&gateway, &["retry", "--all", "--dry-run"]);
    assert!(fine && text.contains("would be due now: 2 recipients of 2 mails; nothing was changed"), "{text}");
    sink.rewrite(|_, _| Act::GoOn);
    let (fine, text) = run(&gateway, &["retry", &first]);
    assert!(fine && text.contains("due now: 1 recipient of 1 mail"), "{text}");
    wait_for("the mail to leave", || (sink.taken().len() == 1 && spool(&gateway)["entries"] == 1).then_some(()));
    assert_eq!(sink.taken()[0].recipients, [CANDIDATE]);
    assert_eq!(id(&listed(&gateway, &[])[0]), second, "the other one waits on");
    let audit = gateway.log().lines().filter(|l| l.contains("\"target\":\"audit\"")).count();
    assert_eq!(audit, 1, "{}", gateway.log());
    let (fine, text) = run(&gateway, &["show", &first]);
    assert!(!fine && text.contains("it has left, or never came"), "{text}");
}

#[test]
fn a_destination_that_is_left_alone_is_tried_at_once() {
    let port = free_port();
    let next_hop = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let gateway = Gateway::start_with(next_hop, &format!("{SLOW}[deliver]\ndown_for = \"1h\"\n"));
    let mut client = Client::connect(gateway.address);
    for number in 0..4 {
        let to = format!("c{number}@vendor.example");
        assert_eq!(client.mail(&[&to], &ordinary(&to)).0, 250);
    }
    let listener = std::net::TcpListener::bind(next_hop).expect("the port is free");
    let sink = Sink::on(listener, |_, _| Act::GoOn);
    let (fine, text) = run(&gateway, &["retry", "--all"]);
    assert!(fine, "{text}");
    wait_for("all to leave", || (sink.taken().len() == 4).then_some(()));
}

#[test]
fn who_is_given_up_is_reported_to_the_sender_once() {
    for running in [true, false] {
        let sink = deferring();
        let mut gateway = with_mails(&sink);
        let (first, second) = ids(&gateway);
        if !running {
            assert!(gateway.stop());
        }
        let (fine, text) = run(&gateway, &["bounce", "--to", CANDIDATE, "--dry-run"]);
        assert!(fine && text.contains(&first) && text.contains("nothing was changed"), "{text}");
        let (fine, text) = run(&gateway, &["bounce", "--to", CANDIDATE]);
        assert!(fine && text.contains("given up: recipients 0, a report goes to the sender"), "{text}");
        if !running {
            gateway.run();
        }
        let report = wait_for("the report", || sink.taken().into_iter().next());
        assert_eq!(report.recipients, ["saiyo@sakura.example"]);
        let text = String::from_utf8_lossy(&report.octets).into_owned();
        assert!(text.contains("Given up by the administrator") && text.contains("Status: 5.0.0"), "{text}");
        wait_for("the report to be settled", || (spool(&gateway)["entries"] == 1).then_some(()));
        assert_eq!(id(&listed(&gateway, &[])[0]), second);
        assert_eq!(gateway.settled_credits_but(1), 0, "given up is not accepted");
    }
}

#[test]
fn what_is_dropped_is_gone_without_a_word_and_only_after_a_yes() {
    for running in [true, false] {
        let sink = deferring();
        let mut gateway = with_mails(&sink);
        let (first, second) = ids(&gateway);
        if !running {
            assert!(gateway.stop());
        }
        let (fine, text) = run(&gateway, &["drop", &first]);
        assert!(!fine && text.contains("nothing was dropped: say --yes"), "{text}");
        assert_eq!(ids(&gateway).0, first);
        let (fine, text) = run(&gateway, &["drop", &first, "--yes"]);
        assert!(fine && text.contains("dropped: 1 recipient of 1 mail"), "{text}");
        let left = listed(&gateway, &[]);
        assert_eq!((left.len(), id(&left[0])), (1, second));
        let content = fs::read(gateway.folder.path().join("data/spool.content")).expect("the content");
        assert!(!content.windows(CANDIDATE.len()).any(|w| w == CANDIDATE.as_bytes()), "its address is still there");
        assert!(sink.taken().is_empty(), "somebody was told");
    }
}

#[test]
fn a_mail_is_exported_as_it_came_and_as_it_would_leave() {
    let sink = deferring();
    let gateway = with_mails(&sink);
    let (first, _) = ids(&gateway);
    let path = |name: &str| gateway.folder.path().join(name);
    let out = |name: &str| path(name).display().to_string();
    let (fine, text) = run(&gateway, &["export", &first, "--out", &out("came.eml")]);
    assert!(fine && text.contains("a person's mail"), "{text}");
    assert_eq!(fs::read(path("came.eml")).expect("the mail"), rejection(CANDIDATE));
    assert_eq!(fs::metadata(path("came.eml")).expect("its state").permissions().mode() & 0o777, 0o600);
    let (fine, text) = run(&gateway, &["export", &first, "--leaving", "--out", &out("leaves.eml")]);
    assert!(fine, "{text}");
    let leaving = fs::read(path("leaves.eml")).expect("the mail");
    assert!(has_link(&leaving) && leaving.starts_with(b"Received: "));
    let output = gateway.ask(&["spool", "export", &first, "--out", "-"]);
    assert_eq!(output.stdout, rejection(CANDIDATE));
    let (fine, text) = run(&gateway, &["export", &first, "--out", &out("came.eml")]);
    assert!(!fine && text.contains("name a new file"), "{text}");
    let (fine, text) = run(&gateway, &["show", &first]);
    assert!(fine && text.matches("export by ").count() == 3, "{text}");
    sink.rewrite(|_, _| Act::GoOn);
    assert!(run(&gateway, &["retry", &first]).0);
    let taken = wait_for("the mail to leave", || sink.taken().into_iter().next());
    assert_eq!(taken.octets, leaving);
    assert_ne!(without_trace(&taken.octets), rejection(CANDIDATE));
}

#[test]
fn a_big_mail_is_exported_whole_and_a_damaged_one_can_only_be_dropped() {
    let sink = deferring();
    let mut gateway = Gateway::start_with(sink.address, SLOW);
    let mut mail = ordinary(PARTNER);
    let line = [b"x".repeat(70), b"\r\n".to_vec()].concat();
    mail.extend(line.repeat(130_000));
    assert_eq!(Client::connect(gateway.address).mail(&[PARTNER], &mail).0, 250);
    let name = wait_for("the mail to be tried", || Some(id(listed(&gateway, &["--state", "waiting"]).first()?)));
    assert!(gateway.ask(&["spool", "export", &name, "--out", "-"]).stdout == mail, "it is not what came");
    assert!(gateway.stop());
    let body = gateway.folder.path().join("data/spool").join(&name);
    fs::write(&body, &mail[..mail.len() - 1]).expect("a file cut short");
    let (fine, text) = run(&gateway, &["list", "--state", "parked"]);
    assert!(fine && text.contains(&name), "{text}");
    for (words, why) in [
        (&["release", &name][..], "still cannot be read as it was written: only `drop`"),
        (&["bounce", &name], "it cannot be read, so nobody can be told: only `drop`"),
        (&["retry", &name], "`release` lets it go on"),
        (&["export", &name, "--out", "-"], "cannot be read as it was written"),
    ] {
        let (fine, text) = run(&gateway, words);
        assert!(!fine && text.contains(why), "{words:?}: {text}");
    }
    let aside = gateway.folder.path().join("data/spool/corrupt").join(&name);
    fs::write(&aside, &mail).expect("the file from a backup");
    gateway.run();
    sink.rewrite(|_, _| Act::GoOn);
    let (fine, text) = run(&gateway, &["release", &name]);
    assert!(fine && text.contains("released: 1 recipient of 1 mail"), "{text}");
    wait_for("the mail to leave", || (spool(&gateway)["entries"] == 0).then_some(()));
    assert!(without_trace(&sink.taken()[0].octets) == mail && !aside.exists(), "it is not what came");
}

#[test]
fn a_mail_whose_answer_is_awaited_is_left_alone() {
    let sink = Sink::scripted(|at, _| if at == Stage::Dot { Act::Stall } else { Act::GoOn });
    let quick = "[custody]\nhand_through_for = \"1s\"\n";
    let gateway = Gateway::start_with(sink.address, quick);
    assert_eq!(Client::connect(gateway.address).mail(&[PARTNER], &ordinary(PARTNER)).0, 250);
    let name = id(&listed(&gateway, &["--state", "in_doubt"])[0]);
    for act in ["retry", "bounce", "drop"] {
        let yes = if act == "drop" { &["--yes"][..] } else { &[] };
        let (fine, text) = run(&gateway, &[&[act, &name], yes].concat());
        assert!(!fine && text.contains("has not answered yet"), "{act}: {text}");
    }
    assert_eq!(listed(&gateway, &["--state", "in_doubt"]).len(), 1);
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    let fresh = Gateway::prepare(Sink::start().address, "", "127.0.0.0/8");
    let (fine, text) = run(&fresh, &["list"]);
    assert!(!fine && text.starts_with("there is no spool in ") && text.contains("first start"), "{text}");
    assert!(!fresh.folder.path().join("data").exists());
    let gateway = Gateway::start(Sink::start().address);
    for (words, why) in [
        (&["retry"][..], "say which mails: their ids, a filter, or --all"),
        (&["drop", "--yes"], "say which mails"),
        (&["show", "no id"], "\"no id\" is no id of a mail"),
        (&["show", "0123"], "no mail 0123 is in custody"),
        (&["retry", "0123"], "no such mail is in custody"),
        (&["bounce", "--to", "nobody"], "no address is there to look for"),
        (&["list", "--to", ""], "no address is there to look for"),
        (&["list", "--state", "lost"], "[possible values: waiting, sending, in_doubt, parked]"),
        (&["list", "--older-than", "soon"], "write 0s to 366d"),
        (&["list", "--company", "No One"], "--company"),
        (&["export", "0123", "--out", "-"], "no mail 0123 is in custody"),
        (&["export", "0123"], "--out"),
        (&["export", "0123", "--out", "-", "--recipient", "1"], "--leaving"),
        (&["mend"], "unrecognized subcommand"),
    ] {
        let (fine, text) = run(&gateway, words);
        assert!(!fine && text.contains(why), "{words:?}: {why:?} is not in: {text}");
    }
    let (fine, text) = run(&gateway, &["list"]);
    assert!(fine && text == "no such mail is in custody\n", "{text}");
}

#[test]
fn root_works_as_the_owner_and_somebody_else_is_told_whom_to_ask() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can work for somebody else");
        return;
    }
    let sink = deferring();
    let mut gateway = with_mails(&sink);
    let (first, _) = ids(&gateway);
    let data = gateway.folder.path().join("data");
    let as_stranger = |words: &[&str]| {
        let mut command = binary();
        command.uid(54321).gid(54321).arg("spool").args(words).arg("--data").arg(&data);
        said(&command.output().expect("it runs"))
    };
    fs::set_permissions(gateway.folder.path(), fs::Permissions::from_mode(0o755)).expect("an open parent");
    for running in [true, false] {
        if !running {
            assert!(gateway.stop());
            give(&data, 12345);
        }
        let (fine, text) = as_stranger(&["list"]);
        assert!(!fine && text.contains("the control socket cannot be used") && text.contains("or as root"), "{text}");
    }
    let (fine, text) = run(&gateway, &["drop", &first, "--yes"]);
    assert!(fine, "{text}");
    let mut folders = vec![data.clone()];
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(&folder).expect("the folder").flatten() {
            assert_eq!(file.metadata().expect("its state").uid(), 12345, "{:?}", file.path());
            folders.extend(file.path().is_dir().then(|| file.path()));
        }
    }
    let mut own = binary();
    own.uid(12345).gid(12345).args(["spool", "list", "--data"]).arg(&data);
    let (fine, text) = said(&own.output().expect("it runs"));
    assert!(fine && text.starts_with("1 mail, 1 recipient"), "{text}");
    let mut bounce = binary();
    bounce.uid(12345).gid(12345).args(["spool", "bounce", "--all", "--data"]).arg(&data);
    let (fine, text) = said(&bounce.output().expect("it runs"));
    assert!(!fine && text.contains("name it with --config"), "{text}");
}
