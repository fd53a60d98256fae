//! A scripted next hop: it takes mail, and at each stage it does what the test says instead.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Where in a transaction the sink is asked what to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    Connect,
    Ehlo,
    Mail,
    Rcpt,
    Data,
    Dot,
}

/// What it does instead of going on.
#[derive(Clone, Debug)]
pub enum Act {
    /// What a good server says.
    GoOn,
    /// Says this, with CRLF behind it.
    Say(&'static str),
    /// Closes the connection without a word.
    Drop,
    /// Says nothing until the other side goes away.
    Stall,
}

/// One mail that was accepted.
#[derive(Clone, Debug)]
pub struct Taken {
    pub recipients: Vec<String>,
    pub octets: Vec<u8>,
}

type Script = Arc<dyn Fn(Stage, &str) -> Act + Send + Sync>;

/// A sink that listens until the test ends.
pub struct Sink {
    pub address: SocketAddr,
    taken: Arc<Mutex<Vec<Taken>>>,
    script: Arc<Mutex<Script>>,
}

impl Sink {
    /// One that takes everything.
    pub fn start() -> Self {
        Self::scripted(|_, _| Act::GoOn)
    }

    /// One that asks the script at each stage; the second argument is the command line.
    pub fn scripted(script: impl Fn(Stage, &str) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        Self::on(listener, script)
    }

    /// One on a listener the test has bound.
    pub fn on(listener: TcpListener, script: impl Fn(Stage, &str) -> Act + Send + Sync + 'static) -> Self {
        let address = listener.local_addr().expect("its address");
        let taken = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Arc::new(script)));
        let (kept, asked) = (Arc::clone(&taken), Arc::clone(&script));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, asked) = (Arc::clone(&kept), Arc::clone(&asked));
                std::thread::spawn(move || serve(&stream, &kept, &asked));
            }
        });
        Self { address, taken, script }
    }

    /// Changes the script for what comes next.
    pub fn rewrite(&self, script: impl Fn(Stage, &str) -> Act + Send + Sync + 'static) {
        *self.script.lock().expect("the script") = Arc::new(script);
    }

    /// What it has taken so far.
    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().expect("the mails").clone()
    }
}

/// Serves one connection; an error is the other side's going away.
fn serve(stream: &TcpStream, kept: &Mutex<Vec<Taken>>, script: &Mutex<Script>) -> Option<()> {
    let mut input = BufReader::new(stream);
    let ask = |stage, line: &str| {
        let script = Arc::clone(&script.lock().expect("the script"));
        script(stage, line)
    };
    act(stream, &ask(Stage::Connect, ""), "220 sink ESMTP")?;
    let mut recipients = Vec::new();
    loop {
        let line = read_line(&mut input)?;
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let (stage, good) = match verb.as_str() {
            "EHLO" => (Stage::Ehlo, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 104857600"),
            "MAIL" => (Stage::Mail, "250 2.1.0 ok"),
            "RCPT" => (Stage::Rcpt, "250 2.1.5 ok"),
            "DATA" => (Stage::Data, "354 go on"),
            "QUIT" => return act(stream, &Act::GoOn, "221 bye"),
            _ => {
                act(stream, &Act::GoOn, "250 ok")?;
                continue;
            }
        };
        let doing = ask(stage, &line);
        match stage {
            Stage::Mail => recipients.clear(),
            Stage::Rcpt if matches!(doing, Act::GoOn) => {
                recipients.push(line.split(['<', '>']).nth(1).unwrap_or_default().to_owned());
            }
            _ => {}
        }
        act(stream, &doing, good)?;
        if stage == Stage::Data && matches!(doing, Act::GoOn) {
            let octets = read_message(&mut input)?;
            let doing = ask(Stage::Dot, "");
            if matches!(doing, Act::GoOn) {
                kept.lock().expect("the mails").push(Taken { recipients: std::mem::take(&mut recipients), octets });
            }
            act(stream, &doing, "250 2.0.0 taken")?;
        }
    }
}

fn act(mut stream: &TcpStream, act: &Act, good: &str) -> Option<()> {
    match act {
        Act::GoOn => stream.write_all(format!("{good}\r\n").as_bytes()).ok(),
        Act::Say(line) => stream.write_all(format!("{line}\r\n").as_bytes()).ok(),
        Act::Drop => {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            None
        }
        Act::Stall => {
            let mut rest = Vec::new();
            let _ = std::io::Read::read_to_end(&mut stream, &mut rest);
            None
        }
    }
}

fn read_line(input: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    let read = input.read_until(b'\n', &mut line).ok()?;
    (read > 0).then(|| String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// The message up to the lone dot, dots unstuffed.
fn read_message(input: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    loop {
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
        if line == b".\r\n" {
            return Some(octets);
        }
        octets.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}
