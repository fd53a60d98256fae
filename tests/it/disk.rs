//! The disk: what is synced before a 250, a disk that breaks, a disk that is full and has room again.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use crate::gateway::{Gateway, free_port, wait_for};
use crate::sink::{Act, Sink, Stage};
use crate::smtp::{Client, has_link, message, ordinary, rejection, without_trace};
use crate::strace::{Strace, is_output, is_sync, of_socket};

const CANDIDATE: &str = "yamada@candidate.example";
const SPOOL: [&str; 2] = ["/data/spool.db-wal>", "/data/spool.content>"];

/// Between a client's last dot and the 250 for it, the spool is synced in full: its content first if mail is kept.
fn check_synced(calls: &[String], wanted: &[&str], mails: usize) {
    let mut answered = 0;
    for (at, call) in calls.iter().enumerate() {
        if !(is_output(call) && call.contains("\"250 2.0.0 Accepted as ")) {
            continue;
        }
        answered += 1;
        let is_dot = |c: &String| of_socket(c) == of_socket(call) && !is_output(c) && c.contains("\\r\\n.\\r\\n\"");
        let dot = calls[..at].iter().rposition(is_dot).expect("a dot");
        let between = &calls[dot..at];
        for file in wanted {
            let sync = between.iter().find(|c| is_sync(c, file));
            assert!(sync.is_some_and(|s| s.ends_with("= 0")), "no sync of {file} before the 250:\n{between:#?}");
        }
    }
    assert_eq!(answered, mails);
}

#[test]
fn a_spooled_mail_is_synced_between_its_dot_and_its_250() {
    let next_hop = SocketAddr::from(([127, 0, 0, 1], free_port()));
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
fn of_many_mails_that_share_syncs_each_250_follows_its_own() {
    let next_hop = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut gateway = Gateway::start(next_hop);
    let strace = Strace::attach(&gateway);
    let senders: Vec<_> = (0..6)
        .map(|_| {
            let mut client = Client::connect(gateway.address);
            std::thread::spawn(move || {
                for number in 0..5 {
                    let to = format!("a{number}@vendor.example");
                    assert_eq!(client.mail(&[&to], &ordinary(&to)).0, 250);
                }
            })
        })
        .collect();
    for sender in senders {
        sender.join().expect("a sender");
    }
    gateway.kill();
    check_synced(&strace.calls(), &SPOOL, 30);
}

#[test]
fn an_attempt_at_a_mail_in_custody_is_marked_on_the_disk_before_its_dot() {
    let sink = Sink::start();
    let mut gateway = Gateway::start_with(sink.address, "[custody]\nmode = \"spool\"\n");
    let strace = Strace::attach(&gateway);
    let mut client = Client::connect(gateway.address);
    for number in 0..4 {
        let candidate = format!("c{number}@candidate.example");
        assert_eq!(client.mail(&[&candidate], &rejection(&candidate)).0, 250);
        wait_for("the mail to arrive", || (sink.taken().len() > number).then_some(()));
    }
    gateway.kill();
    let calls = strace.calls();
    let find = |from: usize, what: &str| calls[from..].iter().position(|c| is_output(c) && c.contains(what));
    let mut at = 0;
    for number in 0..4 {
        let answered = at + find(at, "\"250 2.0.0 Accepted as ").expect("a 250");
        let begun = answered + find(answered, "\"MAIL FROM:<saiyo@").expect("an attempt");
        let between = &calls[answered..begun];
        let mark = between.iter().find(|c| is_sync(c, SPOOL[0]));
        assert!(mark.is_some_and(|c| c.ends_with("= 0")), "no mark of mail {number}:\n{between:#?}");
        at = begun + 1;
    }
}

/// Calls of the kernel fail with EIO from now on, and a mail comes that has to be kept.
fn check_broken(calls: &str) {
    let next_hop = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut gateway = Gateway::start_with(next_hop, "[retry]\nwaits = [\"1s\"]\n[deliver]\ndown_for = \"1s\"\n");
    let mut client = Client::connect(gateway.address);
    let (kept, lost) = ("kept@vendor.example", "lost@vendor.example");
    assert_eq!(client.mail(&[kept], &ordinary(kept)).0, 250);
    let strace = Strace::break_calls(&gateway, calls);
    let (code, text) = client.mail(&[lost], &ordinary(lost));
    assert!(code == 451 && text.contains("4.3.0"), "{calls}: {text}");
    assert!(!gateway.ended().success(), "{calls}: it ends as failed, to be started again");
    assert!(strace.calls().iter().any(|c| c.contains("EIO")), "nothing was broken");
    assert!(gateway.log().contains("the spool failed"), "{}", gateway.log());
    gateway.run();
    let sink = Sink::on(std::net::TcpListener::bind(next_hop).expect("the port"), |_, _| Act::GoOn);
    assert_eq!(Client::connect(gateway.address).mail(&[lost], &ordinary(lost)).0, 250);
    gateway.settled_credits();
    let to = |who: &str| sink.taken().iter().filter(|t| t.recipients == [who]).count();
    // What was answered with 451 may be on the disk all the same, and then comes twice.
    assert_eq!((to(kept), to(lost).clamp(1, 2)), (1, to(lost)), "{calls}");
}

#[test]
fn a_disk_that_cannot_sync_takes_no_mail_and_ends_the_server_for_a_new_start() {
    check_broken("fsync,fdatasync");
}

#[test]
fn a_disk_that_cannot_write_takes_no_mail_and_ends_the_server_for_a_new_start() {
    check_broken("pwrite64");
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

#[test]
fn below_the_floor_what_has_to_be_kept_comes_again_and_what_the_next_hop_takes_passes() {
    let sink = Sink::start();
    let gateway = Gateway::start_with(sink.address, "[spool]\nfree_octets_min = \"1024GiB\"\n");
    let to = "a@vendor.example";
    assert_eq!(Client::connect(gateway.address).mail(&[to], &ordinary(to)).0, 250);
    sink.rewrite(|at, _| if at == Stage::Mail { Act::Say("451 4.3.0 not now") } else { Act::GoOn });
    let (code, text) = Client::connect(gateway.address).mail(&[to], &ordinary(to));
    assert!(code == 452 && text.contains("4.3.1"), "{text}");
    assert_eq!(gateway.ask_json(&["status"])["spool"]["entries"], 0);
}

#[test]
fn a_mail_whose_octets_were_changed_on_the_disk_is_parked_and_the_others_go_out() {
    let next_hop = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut gateway = Gateway::start_with(next_hop, "[retry]\nwaits = [\"1s\"]\n[deliver]\ndown_for = \"1s\"\n");
    let big = |to: &str| message(to, &"line\n".repeat(20_000));
    for (to, mail) in [("cut@v.example", big("cut@v.example")), ("flipped@v.example", ordinary("flipped@v.example"))] {
        assert_eq!(Client::connect(gateway.address).mail(&[to], &mail).0, 250);
    }
    let good = ["good@v.example", "big@v.example"];
    assert_eq!(Client::connect(gateway.address).mail(&good[..1], &ordinary(good[0])).0, 250);
    assert_eq!(Client::connect(gateway.address).mail(&good[1..], &big(good[1])).0, 250);
    gateway.kill();
    spoil(&gateway.folder.path().join("data"));
    gateway.run();
    let sink = Sink::on(std::net::TcpListener::bind(next_hop).expect("the port"), |_, _| Act::GoOn);
    wait_for("the others to arrive", || (sink.taken().len() >= 2).then_some(()));
    wait_for("the damaged to be parked", || (gateway.ask_json(&["status"])["spool"]["parked"] == 2).then_some(()));
    let mut arrived: Vec<_> = sink.taken().into_iter().flat_map(|taken| taken.recipients).collect();
    arrived.sort();
    assert_eq!(arrived, ["big@v.example", "good@v.example"]);
    assert_eq!(gateway.ask_json(&["status"])["spool"]["entries"], 2, "kept for an admin");
    gateway.kill();
    gateway.run();
    let spool = &gateway.ask_json(&["status"])["spool"];
    assert_eq!((&spool["entries"], &spool["parked"], sink.taken().len()), (&2.into(), &2.into(), 2));
}

/// Cuts the file of the first mail that has one, and changes an octet of the mail for `flipped`.
fn spoil(data: &Path) {
    let mut files: Vec<_> = fs::read_dir(data.join("spool")).expect("the folder").flatten().collect();
    files.retain(|file| file.file_type().is_ok_and(|kind| kind.is_file()));
    files.sort_by_key(fs::DirEntry::file_name);
    let first = fs::OpenOptions::new().write(true).open(files[0].path()).expect("the first mail");
    first.set_len(4096).expect("a cut");
    let path = data.join("spool.content");
    let mut content = fs::read(&path).expect("the content");
    let at = memchr::memmem::find(&content, b"To: flipped@v.example").expect("the mail");
    content[at + 30] ^= 1;
    fs::write(&path, content).expect("its content");
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
