//! A small mail catcher that plays the candidates' MX: it takes every mail and keeps it as it came.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::proto::smtp::data::{BareLf, DataLimits, Decoder, Progress};

const LIMITS: DataLimits = DataLimits { octets_max: 64 << 20, line_octets_max: 1 << 20 };

/// One mail as the MX got it.
#[derive(Clone, Debug)]
pub struct Caught {
    /// The recipients of its envelope.
    pub recipients: Vec<String>,
    /// Its octets.
    pub octets: Vec<u8>,
}

/// The catcher: where it listens, and what it has caught.
pub struct Catcher {
    /// Its address on loopback.
    pub address: SocketAddr,
    caught: Arc<Mutex<Vec<Caught>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Catcher {
    /// Starts to listen on a free port of loopback.
    ///
    /// # Errors
    /// When no socket is to be had.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let caught = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&caught);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept)));
            }
        });
        Ok(Self { address, caught, task })
    }

    /// What has been caught so far, in the order of arrival.
    pub fn caught(&self) -> Vec<Caught> {
        self.caught.lock().map(|list| list.clone()).unwrap_or_default()
    }
}

impl Drop for Catcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a client has said since its last MAIL.
#[derive(Default)]
struct Session {
    recipients: Vec<String>,
    data: Option<(Decoder, Vec<u8>)>,
    input: Vec<u8>,
    quit: bool,
}

async fn serve(mut stream: TcpStream, caught: Arc<Mutex<Vec<Caught>>>) {
    let mut session = Session::default();
    let mut answer = b"220 mx.candidate.example ESMTP\r\n".to_vec();
    loop {
        if stream.write_all(&answer).await.is_err() || session.quit {
            return;
        }
        answer.clear();
        let mut piece = [0; 16 * 1024];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(n) => session.input.extend_from_slice(&piece[..n]),
        }
        session.take(&mut answer, &caught);
    }
}

impl Session {
    fn take(&mut self, answer: &mut Vec<u8>, caught: &Mutex<Vec<Caught>>) {
        loop {
            if let Some((decoder, octets)) = &mut self.data {
                match decoder.feed(&self.input, octets) {
                    Progress::More => return self.input.clear(),
                    Progress::Refused(_) => return self.quit = true,
                    Progress::Done { consumed, fault } => {
                        self.input.drain(..consumed);
                        self.end_of_data(fault.is_none(), answer, caught);
                    }
                }
            } else if let Some(end) = memchr::memchr(b'\n', &self.input) {
                let line: Vec<u8> = self.input.drain(..=end).collect();
                self.command(&String::from_utf8_lossy(&line), answer);
            } else {
                return;
            }
        }
    }

    fn end_of_data(&mut self, fine: bool, answer: &mut Vec<u8>, caught: &Mutex<Vec<Caught>>) {
        let octets = self.data.take().map(|(_, octets)| octets).unwrap_or_default();
        let recipients = std::mem::take(&mut self.recipients);
        if let (true, Ok(mut list)) = (fine, caught.lock()) {
            list.push(Caught { recipients, octets });
            answer.extend(b"250 2.0.0 caught\r\n");
        } else {
            answer.extend(b"451 4.3.0 not caught\r\n");
        }
    }

    fn command(&mut self, line: &str, answer: &mut Vec<u8>) {
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let reply: &[u8] = match verb.as_str() {
            "EHLO" => b"250-mx.candidate.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
            "DATA" => {
                self.data = Some((Decoder::new(LIMITS, BareLf::Refuse), Vec::new()));
                b"354 go on\r\n"
            }
            "QUIT" => {
                self.quit = true;
                b"221 2.0.0 bye\r\n"
            }
            "RCPT" => {
                let path = line.split(['<', '>']).nth(1).unwrap_or_default();
                self.recipients.push(path.to_owned());
                b"250 2.1.5 ok\r\n"
            }
            "MAIL" | "RSET" => {
                self.recipients.clear();
                b"250 2.1.0 ok\r\n"
            }
            _ => b"250 2.0.0 ok\r\n",
        };
        answer.extend(reply);
    }
}
