//! A next hop that does as the recipients' names tell it.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};

use crate::spool::Spool;

/// A mail it took: the local parts of the recipients, and the message.
type Mail = (Vec<String>, String);

/// `gone…` is refused, `busy…` deferred, `late…` makes the dot wait for a permit, `breakspool` closes the spool of the
/// sender before the dot is answered, `edit` takes no mail with a line. Everybody else is accepted at once.
pub(super) struct NextHop {
    pub(super) port: u16,
    pub(super) answer_late: Arc<Semaphore>,
    mails: mpsc::UnboundedReceiver<Mail>,
}

impl NextHop {
    pub(super) async fn start(spool: Spool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound listener").port();
        let answer_late = Arc::new(Semaphore::new(0));
        let (taken, mails) = mpsc::unbounded_channel();
        let late = Arc::clone(&answer_late);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let session = Session { spool: spool.clone(), late: Arc::clone(&late), taken: taken.clone() };
                tokio::spawn(session.talk(stream));
            }
        });
        Self { port, answer_late, mails }
    }

    /// The next mail that was accepted.
    pub(super) async fn delivered(&mut self) -> Mail {
        self.mails.recv().await.expect("a next hop that runs")
    }
}

struct Session {
    spool: Spool,
    late: Arc<Semaphore>,
    taken: mpsc::UnboundedSender<Mail>,
}

impl Session {
    async fn talk(self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        say(&mut stream, "220 mx.example").await?;
        let mut recipients = Vec::new();
        loop {
            let line = hear(&mut stream).await?;
            let name = line.split(['<', '@']).nth(1).unwrap_or_default().to_owned();
            match line.get(..4).unwrap_or_default() {
                "EHLO" => say(&mut stream, "250-mx.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE").await?,
                "RCPT" if name.starts_with("gone") => say(&mut stream, "550 5.1.1 No such user").await?,
                "RCPT" if name.starts_with("busy") => say(&mut stream, "450 4.2.1 Busy").await?,
                "DATA" if recipients.is_empty() => say(&mut stream, "554 5.5.1 No valid recipients").await?,
                "DATA" => self.take(&mut stream, std::mem::take(&mut recipients)).await?,
                "QUIT" => return None,
                other => {
                    if other == "RCPT" {
                        recipients.push(name);
                    }
                    say(&mut stream, "250 2.0.0 Fine").await?;
                }
            }
        }
    }

    async fn take(&self, stream: &mut BufReader<TcpStream>, recipients: Vec<String>) -> Option<()> {
        say(stream, "354 Go on").await?;
        let mut message = String::new();
        loop {
            let line = hear(stream).await?;
            if line == ".\r\n" {
                break;
            }
            message.push_str(line.strip_prefix('.').unwrap_or(&line));
        }
        if recipients.iter().any(|r| r.starts_with("late")) {
            self.late.acquire().await.ok()?.forget();
        }
        if recipients.iter().any(|r| r == "breakspool") {
            self.spool.close().await;
        }
        if recipients.iter().any(|r| r == "edit") && message.contains("line for") {
            return say(stream, "554 5.7.1 Edited").await;
        }
        self.taken.send((recipients, message)).ok()?;
        say(stream, "250 2.0.0 Taken").await
    }
}

async fn say(stream: &mut BufReader<TcpStream>, line: &str) -> Option<()> {
    stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).await.ok()
}

async fn hear(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let octets = stream.read_line(&mut line).await.ok()?;
    (octets > 0).then_some(line)
}
