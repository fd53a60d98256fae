//! Lines and messages over a connection in clear or under TLS, for the generator and the sink alike.

use std::io;

use memchr::{memchr, memmem};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Both halves of a connection.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection with what came over it and is not read yet, and what is to be said and is not sent yet.
pub struct Talk {
    wire: Box<dyn Wire>,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Talk {
    /// Over this connection.
    pub fn over(wire: impl Wire + 'static) -> Self {
        Self { wire: Box::new(wire), input: Vec::with_capacity(16 * 1024), output: Vec::with_capacity(8 * 1024) }
    }

    /// The connection again, for the TLS handshake.
    pub fn into_wire(self) -> Box<dyn Wire> {
        self.wire
    }

    /// Keeps octets for the next [`Talk::flush`].
    pub fn say(&mut self, octets: &[u8]) {
        self.output.extend_from_slice(octets);
    }

    /// Sends what was said.
    pub async fn flush(&mut self) -> io::Result<()> {
        if !self.output.is_empty() {
            self.wire.write_all(&self.output).await?;
            self.wire.flush().await?;
            self.output.clear();
        }
        Ok(())
    }

    /// The next line without its end; what was said goes out before anybody waits.
    pub async fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut from = 0;
        loop {
            if let Some(end) = memchr(b'\n', &self.input[from..]) {
                let mut line: Vec<u8> = self.input.drain(..=from + end).collect();
                line.truncate(line.trim_ascii_end().len());
                return Ok(line);
            }
            from = self.input.len();
            self.fill().await?;
        }
    }

    /// The octets of a message up to its dot.
    pub async fn message(&mut self) -> io::Result<Vec<u8>> {
        let mut from = 0;
        loop {
            if let Some(end) = memmem::find(&self.input[from..], b"\r\n.\r\n") {
                let mut message: Vec<u8> = self.input.drain(..from + end + 5).collect();
                message.truncate(message.len() - 3);
                return Ok(message);
            }
            from = self.input.len().saturating_sub(4);
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.flush().await?;
        let read = self.wire.read_buf(&mut self.input).await?;
        if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// The code of the next reply.
    pub async fn reply(&mut self) -> io::Result<u16> {
        loop {
            let line = self.line().await?;
            if line.get(3) != Some(&b'-') {
                let code = line.get(..3).and_then(|c| std::str::from_utf8(c).ok()?.parse().ok());
                return code.ok_or_else(|| io::ErrorKind::InvalidData.into());
            }
        }
    }

    /// Says a command and gives the reply's code.
    pub async fn ask(&mut self, command: &str) -> io::Result<u16> {
        self.say(command.as_bytes());
        self.say(b"\r\n");
        self.reply().await
    }
}

/// Whether a reply is the one that is due.
pub fn want(code: u16, wanted: u16) -> io::Result<()> {
    if code == wanted {
        return Ok(());
    }
    Err(io::Error::other(format!("{code} where {wanted} was due")))
}
