//! The load generator: sessions in parallel, each command waits for its reply (as smtp-source), mail after mail.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use memchr::memmem;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::mail::on_the_wire;
use crate::talk::{Talk, want};
use crate::tally::Tally;

/// Ids go on over all runs of the bench: every mail is to a person of its own.
static NEXT_ID: AtomicUsize = AtomicUsize::new(0);

/// Where mail goes in, and for which domain it is.
#[derive(Clone, Copy)]
pub struct Target {
    pub port: u16,
    pub domain: &'static str,
}

/// A tally for so many mails, with ids of their own.
pub fn tally(mails: usize) -> Arc<Tally> {
    Arc::new(Tally::new(NEXT_ID.fetch_add(mails, Ordering::Relaxed), mails))
}

/// Sends all mails of the tally; returns how long it took until the last 250.
pub fn send(target: Target, tally: &Arc<Tally>, sessions: usize) -> Duration {
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut all = JoinSet::new();
        for _ in 0..sessions {
            let tally = Arc::clone(tally);
            all.spawn(async move {
                let mut unsent = tally.take();
                while unsent.is_some() {
                    let came = session(target, &tally, &mut unsent).await;
                    came.unwrap_or_else(|e| panic!("a session: {e}"));
                }
            });
        }
        all.join_all().await;
    });
    began.elapsed()
}

/// One connection; `unsent` is the mail to begin with, and what is left over when the peer has had enough of it.
async fn session(target: Target, tally: &Tally, unsent: &mut Option<usize>) -> io::Result<()> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, target.port)).await?;
    stream.set_nodelay(true)?;
    let mut talk = Talk::over(stream);
    want(talk.reply().await?, 220)?;
    want(talk.ask("EHLO bench.example").await?, 250)?;
    let message = on_the_wire();
    let id_at = memmem::find(&message, b"00000000").expect("the id's place");
    while let Some(id) = *unsent {
        tally.offer(id);
        match talk.ask("MAIL FROM:<hr@example.co.jp>").await? {
            // So many mails over one connection were enough.
            421 => return Ok(()),
            code => want(code, 250)?,
        }
        want(talk.ask(&format!("RCPT TO:<r{id:06}@{}>", target.domain)).await?, 250)?;
        want(talk.ask("DATA").await?, 354)?;
        talk.say(&message[..id_at]);
        talk.say(format!("{id:08}").as_bytes());
        talk.say(&message[id_at + 8..]);
        want(talk.reply().await?, 250)?;
        tally.accept(id);
        *unsent = tally.take();
    }
    want(talk.ask("QUIT").await?, 221)
}
