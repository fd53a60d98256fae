//! Asking a running server, from a command that is not one.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::{LINE_OCTETS_MAX, Reply, Request, SocketPath};

/// A connection to the running server.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskFault {
    /// The socket cannot be used.
    #[error("the control socket cannot be used: {0}; ask as the user that runs the service, or as root")]
    Socket(io::Error),
    /// The server did not answer, or not in our language.
    #[error("the server gave no answer: {0}")]
    NoAnswer(String),
    /// The server answered that it cannot.
    #[error("{0}")]
    Refused(String),
}

impl Client {
    /// Connects to the server of a data folder; nothing when none runs.
    ///
    /// # Errors
    /// [`AskFault::Socket`] when one may run, but not for us.
    pub fn connect(data_dir: &Path) -> Result<Option<Self>, AskFault> {
        let connected = SocketPath::below(data_dir).and_then(|socket| UnixStream::connect(&socket.path));
        match connected {
            Ok(stream) => Ok(Some(Self { stream })),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
            Err(e) => Err(AskFault::Socket(e)),
        }
    }

    /// Asks one thing and waits for its answer, `patience` at most.
    ///
    /// # Errors
    /// [`AskFault`].
    pub fn ask(mut self, request: &Request, patience: Duration) -> Result<serde_json::Value, AskFault> {
        let mut line = serde_json::to_vec(request).map_err(|e| AskFault::NoAnswer(e.to_string()))?;
        line.push(b'\n');
        let mut answer = Vec::new();
        self.exchange(&line, &mut answer, patience).map_err(AskFault::Socket)?;
        if answer.is_empty() {
            return Err(AskFault::NoAnswer("it closed the connection".to_owned()));
        }
        match serde_json::from_slice(&answer).map_err(|e| AskFault::NoAnswer(e.to_string()))? {
            Reply::Answer(value) => Ok(value),
            Reply::Fault(text) => Err(AskFault::Refused(text)),
        }
    }

    fn exchange(&mut self, line: &[u8], answer: &mut Vec<u8>, patience: Duration) -> io::Result<()> {
        self.stream.set_write_timeout(Some(patience))?;
        self.stream.set_read_timeout(Some(patience))?;
        self.stream.write_all(line)?;
        let limit = LINE_OCTETS_MAX as u64;
        BufReader::new((&self.stream).take(limit)).read_until(b'\n', answer).map(|_| ())
    }
}
