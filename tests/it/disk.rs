//! The disk: what is synced before a 250, a disk that breaks, a disk that is full and has room again.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::channel;

use crate::gateway::{Gateway, free_port, wait_for};
use crate::sink::{Act, Sink, Stage};
use crate::smtp::{Client, has_link, ordinary, rejection, without_trace};

const CANDIDATE: &str = "yamada@candidate.example";
const SPOOL: [&str; 2] = ["/data/spool.db-wal>", "/data/spool.content>"];

/// Writes down each read, write and sync of the gateway while it lives.
struct Strace {
    child: Child,
    file: PathBuf,
    /// Kept open: it ends when nobody listens to what it says of each new thread.
    _said: BufReader<ChildStderr>,
}

impl Strace {
    fn attach(gateway: &Gateway) -> Self {
        let file = gateway.folder.path().join("strace");
        let calls = "trace=fsync,fdatasync,read,recvfrom,write,writev,sendto,sendmsg";
        let mut child = Command::new("strace")
            .args(["-f", "-y", "-s", "4096", "-e", calls, "-o"])
            .arg(&file)
            .args(["-p", &gateway.pid().to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace runs; tests/setup installs it");
        let mut said = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        said.read_line(&mut line).expect("a word of strace");
        assert!(line.contains("attached"), "strace may not attach: {line}");
        Self { child, file, _said: said }
    }

    /// The calls, each where it came to its end.
    fn calls(mut self) -> Vec<String> {
        self.child.wait().expect("strace ends with the gateway");
        let mut begun: Vec<(String, String)> = Vec::new();
        let mut calls = Vec::new();
        for line in fs::read_to_string(&self.file).expect("its file").lines() {
            let (thread, call) = line.split_once(' ').expect("a thread");
            let call = call.trim_start();
            if let Some(start) = call.strip_suffix(" <unfinished ...>") {
                begun.push((thread.to_owned(), start.to_owned()));
            } else if let Some((_, end)) = call.split_once(" resumed>") {
                let at = begun.iter().position(|(t, _)| t == thread).expect("a call that was begun");
                calls.push(begun.remove(at).1 + end);
            } else {
                calls.push(call.to_owned());
            }
        }
        calls
    }
}

/// Between the client's last dot and the 250 for it, the spool is synced in full: its content first if mail is kept.
fn check_synced(calls: &[String], wanted: &[&str], mails: usize) {
    let is_input = |c: &String| c.starts_with("recvfrom") || c.starts_with("read");
    let is_output = |c: &String| c.starts_with("sendto") || c.starts_with("write") || c.starts_with("sendmsg");
    let mut answered = 0;
    for (at, call) in calls.iter().enumerate() {
        if !(is_output(call) && call.contains("\"250 2.0.0 Accepted as ")) {
            continue;
        }
        answered += 1;
        let dot = calls[..at].iter().rposition(|c| is_input(c) && c.contains("\\r\\n.\\r\\n\"")).expect("a dot");
        let between = &calls[dot..at];
        for file in wanted {
            let synced = |c: &&String| (c.starts_with("fsync(") || c.starts_with("fdatasync(")) && c.contains(file);
            let sync = between.iter().find(synced);
            assert!(sync.is_some_and(|s| s.ends_with("= 0")), "no sync of {file} before the 250:\n{between:#?}");
        }
    }
    assert_eq!(answered, mails);
}

#[test]
fn a_spooled_mail_is_synced_between_its_dot_and_its_250() {
    let next_hop = std::net::SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut gateway = Gateway::start(next_hop);
    let strace = Strace::attach(&gateway);
    let mut client = Client::connect(gateway.address);
    for mail in [ordinary("a@vendor.example"), rejection(CANDIDATE)] {
        assert_eq!(client.mail(&[CANDIDATE], &mail).0, 250);
    }
    gateway.kill();
    check_synced(&strace.calls(), &SPOOL, 2);
}

#[test]
fn a_referral_handed_through_is_synced_before_its_250() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    let strace = Strace::attach(&gateway);
    let mut client = Client::connect(gateway.address);
    for number in 0..3 {
        let candidate = format!("c{number}@candidate.example");
        assert_eq!(client.mail(&[&candidate], &rejection(&candidate)).0, 250);
    }
    gateway.kill();
    check_synced(&strace.calls(), &SPOOL[..1], 3);
}

/// A gateway that has ended because its disk broke behind the next hop's 250 for a referral, what the next hop has, and
/// what the client heard.
pub fn broken_behind_the_250(candidate: &str) -> (Gateway, Sink, String) {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    let ((tell, dots), (say, held)) = (channel(), channel::<()>());
    let (tell, held) = (Mutex::new(tell), Mutex::new(held));
    sink.rewrite(move |at, _| {
        if at == Stage::Dot {
            let _ = tell.lock().expect("the channel").send(());
            let _ = held.lock().expect("the channel").recv();
        }
        Act::GoOn
    });
    let mut client = Client::connect(gateway.address);
    client.send_mail(&[candidate], &rejection(candidate));
    dots.recv().expect("a dot");
    let limit = ["--pid", &gateway.pid().to_string(), "--fsize=1"].map(str::to_owned);
    assert!(Command::new("prlimit").args(limit).status().expect("prlimit runs").success());
    say.send(()).expect("the sink waits");
    let (code, text) = client.reply();
    assert_eq!(code, 250, "the next hop has it: {text}");
    assert!(!gateway.ended().success(), "it ends as failed, to be started again");
    sink.rewrite(|_, _| Act::GoOn);
    (gateway, sink, text)
}

#[test]
fn a_disk_that_breaks_behind_the_next_hops_250_leaves_the_referral_in_the_log_and_ends_the_server() {
    let (mut gateway, sink, text) = broken_behind_the_250(CANDIDATE);
    let log = gateway.log();
    let lines: Vec<&str> = log.lines().filter(|l| l.contains("\"target\":\"recovery\"")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    let row: serde_json::Value = serde_json::from_str(lines[0]).expect("one line of JSON");
    assert_eq!((&row["event"]["company"], &row["target"]), (&"sakura".into(), &"recovery".into()));
    assert!(text.contains(row["event"]["transaction"].as_str().expect("a transaction")), "{text}");
    assert!(!lines[0].contains('@'), "an address in the log");
    gateway.run();
    let other = "suzuki@candidate.example";
    assert_eq!(Client::connect(gateway.address).mail(&[other], &rejection(other)).0, 250);
    assert_eq!((gateway.settled_credits(), sink.taken().len()), (1, 2));
}

/// A small disk of its own for the data folder; gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=12m,mode=700", "tmpfs"]).arg(folder).output();
        let mount = mount.expect("mount runs");
        let errors = String::from_utf8_lossy(&mount.stderr).into_owned();
        assert!(mount.status.success(), "this test needs root, for a disk of its own: {errors}");
        Self(folder.to_owned())
    }

    /// Leaves no room.
    fn fill(&self) {
        let full = std::io::copy(&mut std::io::repeat(1), &mut self.ballast());
        assert_eq!(full.expect_err("a disk without end").kind(), std::io::ErrorKind::StorageFull);
    }

    fn ballast(&self) -> fs::File {
        let file = fs::OpenOptions::new().create(true).append(true).open(self.0.join("ballast"));
        file.expect("a file that takes the room")
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("ballast")).expect("the file is there");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn on_a_full_disk_mail_passes_untouched_or_comes_again_and_nothing_acknowledged_is_lost() {
    let small = "[spool]\nfree_octets_min = \"1MiB\"\nreserve_octets = \"1MiB\"\n[retry]\nwaits = [\"1s\"]\n\
                 [custody]\nhand_through_for = \"1s\"\n[deliver]\ndown_for = \"1s\"\n";
    let sink = Sink::start();
    let mut gateway = Gateway::prepare(sink.address, small, "127.0.0.0/8");
    let disk = SmallDisk::mount(&gateway.folder.path().join("data"));
    gateway.run();
    let mut client = Client::connect(gateway.address);
    let name = |n: usize| format!("c{n}@candidate.example");
    // One is counted, one lies in custody, and then the disk is full.
    assert_eq!(client.mail(&[&name(0)], &rejection(&name(0))).0, 250);
    sink.rewrite(|at, _| if at == Stage::Mail { Act::Say("451 4.3.0 not now") } else { Act::GoOn });
    assert_eq!(client.mail(&[&name(1)], &rejection(&name(1))).0, 250);
    disk.fill();
    // Mail for a next hop that takes nothing cannot be kept: the client is to come again.
    let wait = || {
        let (code, text) = Client::connect(gateway.address).mail(&["a@vendor.example"], &ordinary("a@vendor.example"));
        (code == 452 && text.contains("4.3.1")).then_some(()).or_else(|| {
            assert_eq!(code, 250, "{text}");
            disk.fill();
            None
        })
    };
    wait_for("the disk to be full", wait);
    // What the next hop takes passes, as it came.
    sink.rewrite(|_, _| Act::GoOn);
    disk.fill();
    let mail = rejection(&name(2));
    wait_for("a mail to pass untouched", || {
        assert_eq!(Client::connect(gateway.address).mail(&[&name(2)], &mail).0, 250);
        sink.taken().iter().any(|t| t.recipients == [name(2)] && without_trace(&t.octets) == mail).then_some(())
    });
    assert!(!gateway.ask_json(&["status"])["edits"].as_bool().expect("a flag"));
    disk.make_room();
    wait_for("editing to resume", || gateway.ask_json(&["status"])["edits"].as_bool().filter(|edits| *edits));
    assert_eq!(Client::connect(gateway.address).mail(&[&name(3)], &rejection(&name(3))).0, 250);
    let credits = gateway.settled_credits();
    let counted = |n: usize| sink.taken().iter().any(|t| t.recipients == [name(n)] && has_link(&t.octets));
    assert_eq!(credits, (0..4).filter(|n| counted(*n)).count() as u64);
    assert!(counted(0) && counted(1) && counted(3), "an acknowledged mail was lost");
    let verify = gateway.ask_json(&["ledger", "verify"]);
    assert_eq!(verify[0]["faults"], serde_json::json!([]), "{verify}");
}
