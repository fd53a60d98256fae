//! No address and no word of a mail outlives it: after mails of every outcome the data folder and the log are searched,
//! free pages and the write-ahead log included, for the words as they are and in the encodings of mail.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use data_encoding::BASE64;

use crate::gateway::{Gateway, wait_for};
use crate::sink::{Act, Sink, Stage};
use crate::smtp::{Client, message, rejection};

/// Said in each body and in no configuration.
const WORDS: [&str; 2] = ["swordfish-plover", "秘密の合言葉はひまわり"];
/// In each recipient's address.
const NAME: &str = "himitsu.taro";
const SENDER: &str = "saiyo@sakura.example";

const CONFIG: &str = "[custody]\nhand_through_for = \"1s\"\n\
    [retry]\nwaits = [\"1s\"]\ndelay_warning_after = \"2s\"\n\
    [deliver]\ndown_for = \"1s\"\nedit_refusals_max = 100\n";

/// The text as a body may bear it: as it is, in base64 wherever it begins there, in quoted-printable.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![text.as_bytes().to_vec(), quoted(text).into_bytes()];
    for before in 0..3 {
        let padded = [&vec![b' '; before], text.as_bytes()].concat();
        let encoded = BASE64.encode(&padded);
        // What stands at the edges depends on what stands beside the text; a line of base64 ends somewhere, too.
        let inner = &encoded[4..encoded.len() - 4];
        forms.push(inner.as_bytes()[..inner.len().min(12)].to_vec());
    }
    forms
}

fn quoted(text: &str) -> String {
    let octet = |o: u8| if o.is_ascii_graphic() && o != b'=' { char::from(o).to_string() } else { format!("={o:02X}") };
    text.bytes().map(octet).collect()
}

/// The files below a folder that hold any of it.
fn search(folder: &Path) -> Vec<String> {
    let needles: Vec<Vec<u8>> = WORDS.into_iter().chain([NAME, SENDER]).flat_map(forms).collect();
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
                continue;
            }
            // A file may go while we look; a socket is none.
            let Ok(octets) = fs::read(entry.path()) else { continue };
            let held = needles.iter().filter(|n| memchr::memmem::find(&octets, n).is_some());
            found.extend(held.map(|n| format!("{}: {}", entry.path().display(), String::from_utf8_lossy(n))));
        }
    }
    found
}

/// A rejection with the words in it, in each encoding by its number.
fn secret(number: usize, to: &str) -> Vec<u8> {
    let text = String::from_utf8(rejection(to)).expect("UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("a body");
    let body = format!("{body}\r\n{}\r\n{}\r\n", WORDS[0], WORDS[1]);
    let encoded = |encoding: &str, body: String| {
        let head = head.replace("Transfer-Encoding: 8bit", &format!("Transfer-Encoding: {encoding}"));
        format!("{head}\r\n\r\n{body}").into_bytes()
    };
    let lines = |text: &str, octets: usize| -> String {
        let line = |line: &[u8]| format!("{}\r\n", String::from_utf8_lossy(line));
        text.as_bytes().chunks(octets).map(line).collect()
    };
    match number % 3 {
        0 => encoded("8bit", body),
        1 => encoded("base64", lines(&BASE64.encode(body.as_bytes()), 76)),
        _ => {
            let soft = |line: &str| lines(&quoted(line), 72).trim_end().replace("\r\n", "=\r\n") + "\r\n";
            encoded("quoted-printable", body.split("\r\n").map(soft).collect())
        }
    }
}

struct World {
    gateway: Gateway,
    sink: Sink,
    sent: usize,
}

impl World {
    /// Sends a mail to so many recipients and gives the code of the answer; their names begin with `kind`.
    fn send(&mut self, kind: &str, recipients: usize) -> u16 {
        self.sent += 1;
        let to: Vec<String> =
            (0..recipients).map(|n| format!("{kind}{n}.{NAME}.{}@candidate.example", self.sent)).collect();
        let names: Vec<&str> = to.iter().map(String::as_str).collect();
        Client::connect(self.gateway.address).mail(&names, &secret(self.sent, &to.join(", "))).0
    }

    fn script(&self, script: impl Fn(Stage, &str) -> Act + Send + Sync + 'static) {
        self.sink.rewrite(script);
    }

    /// Every outcome of hand-through.
    fn hand_through(&mut self) {
        for _ in 0..3 {
            assert_eq!(self.send("taken", 1), 250);
        }
        self.script(|at, _| if at == Stage::Rcpt { Act::Say("550 5.1.1 nobody") } else { Act::GoOn });
        assert_eq!(self.send("refused", 1), 550);
        let first = AtomicBool::new(true);
        self.script(move |at, _| {
            let refuses = at == Stage::Dot && first.swap(false, Ordering::SeqCst);
            if refuses { Act::Say("554 5.7.1 no links") } else { Act::GoOn }
        });
        assert_eq!(self.send("edited", 1), 250);
        self.script(|_, _| Act::GoOn);
        self.bulk();
        self.success();
    }

    /// A mail to several who do not see each other, split into copies.
    fn bulk(&mut self) {
        let to = [format!("bcc1.{NAME}@candidate.example"), format!("bcc2.{NAME}@candidate.example")];
        let names: Vec<&str> = to.iter().map(String::as_str).collect();
        let hidden = secret(0, "undisclosed-recipients:;");
        assert_eq!(Client::connect(self.gateway.address).mail(&names, &hidden).0, 250);
    }

    /// A mail whose sender asks to hear that it arrived.
    fn success(&self) {
        let to = format!("success.{NAME}@candidate.example");
        let mut client = Client::connect(self.gateway.address);
        assert_eq!(client.say(&format!("MAIL FROM:<{SENDER}> BODY=8BITMIME RET=FULL")), 250);
        let rcpt = format!("RCPT TO:<{to}> NOTIFY=SUCCESS ORCPT=rfc822;{to}");
        assert_eq!(client.say(&rcpt), 250);
        assert_eq!(client.say("DATA"), 354);
        client.send_raw(&crate::smtp::stuffed(&secret(0, &to)));
        assert_eq!(client.reply().0, 250);
    }

    /// Everything that can come into custody, and stays there.
    fn custody(&mut self) {
        self.script(|at, line| match at {
            Stage::Rcpt if line.contains("gone") => Act::Say("550 5.1.1 nobody"),
            Stage::Rcpt if line.contains("later") => Act::Say("450 4.2.0 <himitsu.taro@candidate.example> later"),
            // The reports of these are refused: nobody hears of them.
            Stage::Rcpt if line.contains(SENDER) => Act::Say("550 5.1.1 nobody"),
            _ => Act::GoOn,
        });
        for kind in ["later", "gone-or-later"] {
            assert_eq!(self.send(kind, 1 + usize::from(kind.len() > 5)) / 100, if kind == "later" { 2 } else { 5 });
        }
        self.mixed();
        self.script(|at, _| if at == Stage::Dot { Act::Stall } else { Act::GoOn });
        assert_eq!(self.send("doubtful", 1), 250);
        self.script(|at, _| if at == Stage::Connect { Act::Drop } else { Act::GoOn });
        for _ in 0..3 {
            assert_eq!(self.send("down", 1), 250);
        }
        let (to, line) = (format!("big.{NAME}@vendor.example"), format!("{}\n", WORDS[0]));
        let big = message(&to, &line.repeat(10_000));
        assert_eq!(Client::connect(self.gateway.address).mail(&[&to], &big).0, 250);
    }

    /// One recipient refused and one put off: a report, and a mail that waits.
    fn mixed(&self) {
        let to = [format!("gone.{NAME}@vendor.example"), format!("later.{NAME}@vendor.example")];
        let names: Vec<&str> = to.iter().map(String::as_str).collect();
        assert_eq!(Client::connect(self.gateway.address).mail(&names, &secret(1, &to.join(", "))).0, 250);
    }
}

#[test]
fn no_address_and_no_word_of_any_mail_is_left_in_the_data_folder_or_the_log() {
    let sink = Sink::start();
    let gateway = Gateway::start_with(sink.address, CONFIG);
    let data = gateway.folder.path().join("data");
    let mut world = World { gateway, sink, sent: 0 };
    world.hand_through();
    world.custody();
    let kept = search(&data);
    for file in ["spool.content", "/spool/"] {
        assert!(kept.iter().any(|found| found.contains(file)), "the search finds what is there: {kept:#?}");
    }
    // What was in doubt or being sent when the power went is found by the next start.
    world.gateway.kill();
    world.gateway.run();
    let told = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&told);
    world.script(move |at, line| match at {
        Stage::Rcpt if line.contains(SENDER) => {
            heard.store(true, Ordering::SeqCst);
            Act::GoOn
        }
        Stage::Rcpt if !heard.load(Ordering::SeqCst) => Act::Say("450 4.2.0 not before its sender is told"),
        _ => Act::GoOn,
    });
    wait_for("a sender to be told that a mail is late", || told.load(Ordering::SeqCst).then_some(()));
    world.gateway.settled_credits();
    wait_for("the spool to be cleaned", || search(&data).is_empty().then_some(()));
    world.gateway.kill();
    assert_eq!(search(&data), [""; 0], "after an end without warning");
    let log = world.gateway.log();
    for needle in [NAME, WORDS[0], WORDS[1], "@candidate.example", SENDER] {
        assert!(!log.contains(needle), "{needle} in the log:\n{log}");
    }
    world.gateway.run();
    assert!(world.gateway.stop());
    assert_eq!(search(&data), [""; 0], "after a stop");
}
