//! The next hop: takes everything, offers STARTTLS, and notes each mail's id.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::mail::id_of;
use crate::talk::Talk;
use crate::tally::Tally;
use crate::tls::Tls;

const EHLO: &str = "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 104857600\r\n";

/// A sink on a thread of its own, until the bench ends.
pub struct Sink {
    /// Where it listens.
    pub port: u16,
    tally: Arc<Mutex<Arc<Tally>>>,
}

impl Sink {
    /// Starts it.
    pub fn start(tls: &Tls) -> Self {
        let acceptor = TlsAcceptor::from(tls.server());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("an option");
        let port = listener.local_addr().expect("its address").port();
        let tally = Arc::new(Mutex::new(Arc::new(Tally::new(0, 0))));
        let asked = Arc::clone(&tally);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener");
                while let Ok((stream, _)) = listener.accept().await {
                    let (acceptor, asked) = (acceptor.clone(), Arc::clone(&asked));
                    tokio::spawn(async move { serve(stream, &acceptor, &asked).await });
                }
            });
        });
        Self { port, tally }
    }

    /// From now on mails count for this run.
    pub fn count_for(&self, tally: &Arc<Tally>) {
        *self.tally.lock().expect("the tally") = Arc::clone(tally);
    }
}

/// One connection; an error is the other side's going away.
async fn serve(stream: TcpStream, acceptor: &TlsAcceptor, tally: &Mutex<Arc<Tally>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut talk = Talk::over(stream);
    talk.say(b"220 sink ESMTP\r\n");
    let mut secured = false;
    loop {
        let mut line = talk.line().await?;
        line.truncate(8);
        line.make_ascii_uppercase();
        match line.get(..4).unwrap_or_default() {
            b"EHLO" => {
                talk.say(EHLO.as_bytes());
                talk.say(if secured { b"250 ENHANCEDSTATUSCODES\r\n" } else { b"250 STARTTLS\r\n" });
            }
            b"STAR" => {
                talk.say(b"220 2.0.0 go\r\n");
                talk.flush().await?;
                talk = Talk::over(acceptor.accept(talk.into_wire()).await?);
                secured = true;
            }
            b"DATA" => {
                talk.say(b"354 go\r\n");
                let id = id_of(&talk.message().await?);
                let tally = Arc::clone(&tally.lock().expect("the tally"));
                tally.deliver(id);
                talk.say(b"250 2.0.0 Ok\r\n");
            }
            b"QUIT" => {
                talk.say(b"221 bye\r\n");
                return talk.flush().await;
            }
            _ => talk.say(b"250 2.0.0 Ok\r\n"),
        }
    }
}
