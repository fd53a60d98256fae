//! A connection of an MTA, over an address or over the file system.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use tokio::net::{TcpStream, UnixStream};

use crate::sys::net;

/// What the kernel is asked to take at once. It grants what `net.core.wmem_max` allows.
const WHOLE_REPLY_OCTETS: usize = 8 << 20;

/// A connection.
pub(super) enum Wire {
    Inet(TcpStream),
    Unix(UnixStream),
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Inet(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

impl Wire {
    /// Has the connection take as much at once as the kernel grants; how many octets that is.
    pub(super) fn hold_whole(&self) -> usize {
        if let Self::Inet(stream) = self {
            // Without it each short reply would wait for the MTA's delayed acknowledgement.
            let _ = stream.set_nodelay(true);
        }
        net::hold_whole(self, WHOLE_REPLY_OCTETS)
    }

    /// Reads what is there; 0 when the MTA has gone.
    pub(super) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Self::Inet(stream) => {
                    stream.readable().await?;
                    stream.try_read(buffer)
                }
                Self::Unix(stream) => {
                    stream.readable().await?;
                    stream.try_read(buffer)
                }
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
        }
    }

    /// Writes in one call of the system where that takes it whole, else in several; whether it was one.
    ///
    /// The first call is the one that counts: what it takes leaves even if this process ends at once (design §3.6).
    pub(super) async fn write(&self, octets: &[u8]) -> io::Result<bool> {
        let mut calls = 0u32;
        let mut left = octets;
        while !left.is_empty() {
            let written = match self {
                Self::Inet(stream) => {
                    stream.writable().await?;
                    stream.try_write(left)
                }
                Self::Unix(stream) => {
                    stream.writable().await?;
                    stream.try_write(left)
                }
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(octets) => {
                    left = &left[octets..];
                    calls += 1;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(calls <= 1)
    }
}
