//! The load generator: sessions in parallel, each command waits for its reply (as smtp-source), mail after mail.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use memchr::memmem;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::mail::on_the_wire;
use crate::options::Workload;
use crate::sink::Sink;
use crate::talk::{Talk, want};
use crate::tally::{Figures, Tally};
use crate::tls::{NAME, Tls};

/// Ids go on over all runs of the bench.
static NEXT_ID: AtomicUsize = AtomicUsize::new(0);

/// Where mail is sent to.
#[derive(Clone, Copy)]
pub struct Target {
    pub port: u16,
    /// Whether TLS begins with the first octet.
    pub implicit: bool,
}

/// One workload against one target.
pub struct Load {
    target: Target,
    workload: Workload,
    tls: Arc<ClientConfig>,
    message: Vec<u8>,
    id_at: usize,
}

impl Load {
    /// Prepares it; TLS sessions are taken up again only where the workload says so.
    pub fn new(workload: Workload, tls: &Tls, target: Target) -> Arc<Self> {
        let tls = tls.client();
        let message = on_the_wire();
        let id_at = memmem::find(&message, b"00000000").expect("the id's place");
        Arc::new(Self { target, workload, tls, message, id_at })
    }

    /// Sends so many mails and waits until they have come out.
    pub fn run(self: &Arc<Self>, sink: &Sink, sessions: usize, mails: usize) -> Figures {
        let first = NEXT_ID.fetch_add(mails, Ordering::Relaxed);
        let tally = Arc::new(Tally::new(first, mails));
        sink.count_for(&tally);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut all = JoinSet::new();
            for _ in 0..sessions {
                let (load, tally) = (Arc::clone(self), Arc::clone(&tally));
                all.spawn(async move { load.session(&tally).await });
            }
            all.join_all().await;
        });
        tally.settle();
        tally.figures()
    }

    /// Mails over one connection after another until none is left.
    async fn session(&self, tally: &Tally) {
        let mut config = ClientConfig::clone(&self.tls);
        // One that is shared by all keeps fewer tickets than there are sessions.
        let resumes = self.workload == Workload::Resumed;
        config.resumption = if resumes { Resumption::in_memory_sessions(8) } else { Resumption::disabled() };
        let connector = TlsConnector::from(Arc::new(config));
        let mut unsent = None;
        let mut broken = 0;
        while let Some(id) = unsent.take().or_else(|| tally.take()) {
            unsent = Some(id);
            if self.connection(&connector, tally, &mut unsent).await.is_err() {
                broken += 1;
                tally.refused.fetch_add(1, Ordering::Relaxed);
                assert!(broken < 100, "the peer breaks one connection after another");
            }
        }
    }

    /// One connection; `unsent` is the mail to begin with, and what is left over when the peer ends it.
    async fn connection(&self, tls: &TlsConnector, tally: &Tally, unsent: &mut Option<usize>) -> io::Result<()> {
        let mut talk = self.connect(tls, tally).await?;
        while let Some(id) = *unsent {
            tally.offer(id);
            match talk.ask("MAIL FROM:<hr@example.co.jp>").await? {
                250 => {}
                // So many mails over one connection were enough.
                421 => return Ok(()),
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
            want(talk.ask(&format!("RCPT TO:<r{id:06}@candidate.example>")).await?, 250)?;
            want(talk.ask("DATA").await?, 354)?;
            talk.say(&self.message[..self.id_at]);
            talk.say(format!("{id:08}").as_bytes());
            talk.say(&self.message[self.id_at + 8..]);
            want(talk.reply().await?, 250)?;
            tally.accept(id);
            *unsent = if self.workload == Workload::Kept { tally.take() } else { None };
        }
        want(talk.ask("QUIT").await?, 221)
    }

    /// A connection under TLS on which EHLO has been said.
    async fn connect(&self, tls: &TlsConnector, tally: &Tally) -> io::Result<Talk> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.target.port)).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(NAME).expect("a name");
        let mut talk = Talk::over(stream);
        if !self.target.implicit {
            want(talk.reply().await?, 220)?;
            want(talk.ask("EHLO bench.example").await?, 250)?;
            want(talk.ask("STARTTLS").await?, 220)?;
        }
        let secured = tls.connect(name, talk.into_wire()).await?;
        if secured.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed) {
            tally.resumed.fetch_add(1, Ordering::Relaxed);
        }
        talk = Talk::over(secured);
        if self.target.implicit {
            want(talk.reply().await?, 220)?;
        }
        want(talk.ask("EHLO bench.example").await?, 250)?;
        Ok(talk)
    }
}
