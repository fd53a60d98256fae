//! The HR department's mail program: sends the day's mails to the gateway, one after another, over one connection.

use std::io::{self, Error, ErrorKind};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::proto::smtp::data::stuff;
use crate::proto::smtp::reply::Reply;

/// A connection to the gateway.
pub struct Sender {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Sender {
    /// Connects and says EHLO.
    ///
    /// # Errors
    /// When the gateway does not answer as a mail server would.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut sender = Self { stream, input: Vec::new() };
        sender.await_code(220).await?;
        sender.say("EHLO office.sakura.example\r\n", 250).await?;
        Ok(sender)
    }

    /// Sends one mail and returns the gateway's last word on it.
    ///
    /// # Errors
    /// When the envelope is refused or the connection breaks.
    pub async fn send(&mut self, from: &str, to: &[&str], octets: &[u8]) -> io::Result<Reply> {
        self.say(&format!("MAIL FROM:<{from}> BODY=8BITMIME\r\n"), 250).await?;
        for recipient in to {
            self.say(&format!("RCPT TO:<{recipient}>\r\n"), 250).await?;
        }
        self.say("DATA\r\n", 354).await?;
        for run in stuff([octets]) {
            self.stream.write_all(run).await?;
        }
        self.reply().await
    }

    /// Says goodbye.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn quit(mut self) -> io::Result<()> {
        self.say("QUIT\r\n", 221).await
    }

    async fn say(&mut self, command: &str, code: u16) -> io::Result<()> {
        self.stream.write_all(command.as_bytes()).await?;
        self.await_code(code).await
    }

    async fn await_code(&mut self, code: u16) -> io::Result<()> {
        let reply = self.reply().await?;
        if reply.code == code { Ok(()) } else { Err(Error::other(format!("the gateway answered {reply}"))) }
    }

    async fn reply(&mut self) -> io::Result<Reply> {
        loop {
            if let Some((reply, taken)) = Reply::read(&self.input).map_err(Error::other)? {
                self.input.drain(..taken);
                return Ok(reply);
            }
            let mut piece = [0; 4096];
            match self.stream.read(&mut piece).await? {
                0 => return Err(Error::new(ErrorKind::UnexpectedEof, "the gateway closed the connection")),
                n => self.input.extend_from_slice(&piece[..n]),
            }
        }
    }
}
