//! The next hop: it notes each mail's id, and it is well, puts everything off, or is not there, as it is told.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::TcpStream;

use crate::mail::id_of;
use crate::options::Fault;
use crate::talk::Talk;
use crate::tally::Tally;

/// A next hop on a thread of its own, until the bench ends.
pub struct NextHop {
    pub port: u16,
    shared: Arc<Shared>,
    runtime: tokio::runtime::Runtime,
    /// The open door, and those who came through it.
    door: Option<tokio::task::JoinHandle<()>>,
}

struct Shared {
    tally: Mutex<Arc<Tally>>,
    defers: AtomicBool,
    connections: Mutex<Vec<std::net::TcpStream>>,
}

impl NextHop {
    /// Starts one that is well.
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_io().build();
        let port = free_port();
        let shared = Shared {
            tally: Mutex::new(Arc::new(Tally::new(0, 0))),
            defers: AtomicBool::new(false),
            connections: Mutex::default(),
        };
        let mut hop = Self { port, shared: Arc::new(shared), runtime: runtime.expect("a runtime"), door: None };
        hop.mend();
        hop
    }

    /// From now on mails count for this run.
    pub fn count_for(&self, tally: &Arc<Tally>) {
        *self.shared.tally.lock().expect("the tally") = Arc::clone(tally);
    }

    /// Lets it fail.
    pub fn fail(&mut self, fault: Fault) {
        match fault {
            Fault::Defer => self.shared.defers.store(true, Ordering::Release),
            Fault::Down => {
                if let Some(door) = self.door.take() {
                    door.abort();
                    let _ = self.runtime.block_on(door);
                }
                for connection in self.shared.connections.lock().expect("the connections").drain(..) {
                    let _ = connection.shutdown(Shutdown::Both);
                }
            }
        }
    }

    /// Makes it well again.
    pub fn mend(&mut self) {
        self.shared.defers.store(false, Ordering::Release);
        if self.door.is_some() {
            return;
        }
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let shared = Arc::clone(&self.shared);
        let listener = self.runtime.block_on(async move { tokio::net::TcpListener::bind(at).await }).expect("its port");
        self.door = Some(self.runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let stream = stream.into_std().expect("a socket");
                shared.connections.lock().expect("the connections").push(stream.try_clone().expect("a socket"));
                let stream = TcpStream::from_std(stream).expect("a socket");
                let shared = Arc::clone(&shared);
                tokio::spawn(async move { serve(stream, &shared).await });
            }
        }));
    }
}

/// A port where nobody listens now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}

/// One connection; an error is the other side's going away.
async fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut talk = Talk::over(stream);
    talk.say(b"220 next ESMTP\r\n");
    let mut is_put_off = false;
    loop {
        let mut line = talk.line().await?;
        line.truncate(4);
        line.make_ascii_uppercase();
        match &line[..] {
            b"EHLO" => talk.say(
                b"250-next\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 104857600\r\n250 ENHANCEDSTATUSCODES\r\n",
            ),
            b"RCPT" => {
                is_put_off = shared.defers.load(Ordering::Acquire);
                talk.say(if is_put_off { b"451 4.3.2 Come back later\r\n" } else { b"250 2.1.5 Ok\r\n" });
            }
            b"DATA" if is_put_off => talk.say(b"503 5.5.1 No recipients\r\n"),
            b"DATA" => {
                talk.say(b"354 go\r\n");
                let id = id_of(&talk.message().await?);
                let tally = Arc::clone(&shared.tally.lock().expect("the tally"));
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
