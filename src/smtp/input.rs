//! The octets read and not yet used up. Thousands of clients wait at one time, and one that waits holds no buffer.

use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

/// Octets read at one time, at least.
const BUFFER_OCTETS_MIN: usize = 32 * 1024;
/// Buffers kept for the next who needs one.
const SPARE_MAX: usize = 64;

/// Buffers that nobody uses just now, all of one size.
pub(super) struct Buffers {
    octets: usize,
    spare: Mutex<Vec<Box<[u8]>>>,
}

impl Buffers {
    /// Buffers that hold so many unread octets, and more beside them.
    pub(super) fn new(unread_max: usize) -> Self {
        Self { octets: BUFFER_OCTETS_MIN.max(unread_max + 1), spare: Mutex::default() }
    }

    fn take(&self) -> Box<[u8]> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| vec![0; self.octets].into())
    }

    fn give_back(&self, buffer: Box<[u8]>) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_MAX {
            spare.push(buffer);
        }
    }
}

/// What one client has said that is not used up.
#[derive(Default)]
pub(super) struct Input {
    /// In a large buffer just after a read; else only what is left, in a box of its size.
    octets: Box<[u8]>,
    from: usize,
    to: usize,
}

impl Input {
    /// What is to be used up next.
    pub(super) fn unread(&self) -> &[u8] {
        &self.octets[self.from..self.to]
    }

    /// So many octets have been used up.
    pub(super) fn use_up(&mut self, octets: usize) {
        self.from = (self.from + octets).min(self.to);
    }

    /// Everything unread is forgotten.
    pub(super) fn clear(&mut self, buffers: &Buffers) {
        self.use_up(usize::MAX - self.from);
        self.settle(buffers);
    }

    /// Gives the large buffer back. What is unread stays, in as much memory as it takes.
    pub(super) fn settle(&mut self, buffers: &Buffers) {
        if self.octets.len() == buffers.octets {
            let rest = self.unread().into();
            buffers.give_back(std::mem::replace(&mut self.octets, rest));
            (self.from, self.to) = (0, self.octets.len());
        }
    }

    /// Reads more octets behind those that are unread, of which there may be as many as the buffers are made
    /// for. Ready with how many came: 0 at the end of the stream.
    pub(super) fn poll_fill<S>(
        &mut self,
        stream: Pin<&mut S>,
        cx: &mut Context<'_>,
        buffers: &Buffers,
    ) -> Poll<io::Result<usize>>
    where
        S: AsyncRead,
    {
        let mut buffer = buffers.take();
        let unread = self.unread();
        let kept = unread.len();
        let Some(space) = buffer.get_mut(..kept) else {
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        };
        space.copy_from_slice(unread);
        let mut free = ReadBuf::new(&mut buffer[kept..]);
        let polled = stream.poll_read(cx, &mut free);
        let read = free.filled().len();
        match polled {
            Poll::Pending => {
                buffers.give_back(buffer);
                Poll::Pending
            }
            Poll::Ready(done) => {
                self.settle(buffers);
                (self.octets, self.from, self.to) = (buffer, 0, kept + read);
                Poll::Ready(done.map(|()| read))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    fn spare(buffers: &Buffers) -> usize {
        buffers.spare.lock().expect("no panic").len()
    }

    #[tokio::test]
    async fn octets_come_in_order_and_what_is_left_takes_its_own_size_alone() {
        let (mut ours, mut theirs) = duplex(100);
        let (buffers, mut input) = (Buffers::new(2048), Input::default());
        let mut said = Vec::new();
        for text in ["EHLO pc\r\nMA", "IL FR", "OM:<>\r\n"] {
            theirs.write_all(text.as_bytes()).await.expect("room");
            let read = poll_fn(|cx| input.poll_fill(Pin::new(&mut ours), cx, &buffers)).await;
            assert_eq!(read.ok(), Some(text.len()));
            if let Some(end) = memchr::memrchr(b'\n', input.unread()) {
                said.extend_from_slice(&input.unread()[..=end]);
                input.use_up(end + 1);
            }
            input.settle(&buffers);
            assert!(input.octets.len() < 20 && spare(&buffers) == 1);
        }
        assert_eq!(said, b"EHLO pc\r\nMAIL FROM:<>\r\n");
        drop(theirs);
        let end = poll_fn(|cx| input.poll_fill(Pin::new(&mut ours), cx, &buffers)).await;
        assert!(end.is_ok_and(|read| read == 0) && input.unread().is_empty());
    }

    #[tokio::test]
    async fn who_waits_holds_no_buffer() {
        let (mut ours, _theirs) = duplex(100);
        let (buffers, mut input) = (Buffers::new(2048), Input::default());
        let waiting = poll_fn(|cx| {
            assert!(input.poll_fill(Pin::new(&mut ours), cx, &buffers).is_pending());
            Poll::Ready(())
        });
        waiting.await;
        assert!(input.octets.is_empty() && spare(&buffers) == 1);
    }

    #[tokio::test]
    async fn what_is_cleared_is_never_seen_again() {
        let (mut ours, mut theirs) = duplex(100);
        let (buffers, mut input) = (Buffers::new(2048), Input::default());
        theirs.write_all(b"EHLO pc\r\nMAIL").await.expect("room");
        let _ = poll_fn(|cx| input.poll_fill(Pin::new(&mut ours), cx, &buffers)).await;
        input.use_up(9);
        input.clear(&buffers);
        assert!(input.unread().is_empty() && input.octets.is_empty());
    }
}
