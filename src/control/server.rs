//! The server's side of the admin socket: bounded lines, bounded time, few callers, each of them the same user or root.

use std::fs;
use std::future::Future;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Caller, Reply, Request, SOCKET, SocketPath};

/// Callers at one time; further ones wait.
const CALLERS_MAX: usize = 8;
/// Octets of a request line.
const REQUEST_OCTETS_MAX: u64 = super::LINE_OCTETS_MAX as u64;
/// For a caller to send its request, and to take its answer.
const CALLER_SECONDS_MAX: Duration = Duration::from_secs(10);

/// Answers what is asked of a running server. The app implements it over spool, store, policy and watch.
pub trait Answer: Send + Sync + 'static {
    /// Answers one request with any JSON, or with a sentence for the admin that says why not.
    fn answer(
        &self,
        caller: Caller,
        request: Request,
    ) -> impl Future<Output = Result<serde_json::Value, String>> + Send;
}

/// The bound socket; the file goes when it is dropped.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
}

impl Server {
    /// Binds the socket below the data folder, over one that a dead server left behind.
    ///
    /// The caller holds the data folder's lock, so no live server can own the old socket.
    ///
    /// # Errors
    /// What removing the old socket or binding the new one failed with.
    pub fn bind(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join(SOCKET);
        if fs::symlink_metadata(&path).is_ok_and(|m| m.file_type().is_socket()) {
            fs::remove_file(&path)?;
        }
        let listener = UnixListener::bind(&SocketPath::below(data_dir)?.path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }

    /// Answers callers until `stop` is done; then finishes those it has.
    pub async fn run(self, handler: Arc<impl Answer>, stop: impl Future<Output = ()>) {
        let mut callers = JoinSet::new();
        let room = Arc::new(Semaphore::new(CALLERS_MAX));
        tokio::pin!(stop);
        loop {
            let caller = tokio::select! {
                () = &mut stop => break,
                Some(_) = callers.join_next() => continue,
                caller = self.take_caller(&room) => caller,
            };
            let Some((stream, place)) = caller else { continue };
            let handler = Arc::clone(&handler);
            callers.spawn(async move {
                // A caller that breaks off has nobody left to be told.
                let _ = answer_caller(stream, &*handler).await;
                drop(place);
            });
        }
        while callers.join_next().await.is_some() {}
    }

    async fn take_caller(&self, room: &Arc<Semaphore>) -> Option<(UnixStream, tokio::sync::OwnedSemaphorePermit)> {
        let place = Arc::clone(room).acquire_owned().await.ok()?;
        if let Ok((stream, _)) = self.listener.accept().await {
            return Some((stream, place));
        }
        // Out of file descriptors, most likely: let others give some back.
        tokio::time::sleep(Duration::from_millis(100)).await;
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A socket left behind does no harm: the next start removes it.
        let _ = fs::remove_file(&self.path);
    }
}

async fn answer_caller(stream: UnixStream, handler: &impl Answer) -> io::Result<()> {
    let uid = stream.peer_cred()?.uid();
    let (read, mut write) = stream.into_split();
    let reply = if uid == 0 || uid == rustix::process::geteuid().as_raw() {
        let mut line = Vec::new();
        let mut reader = BufReader::new(read.take(REQUEST_OCTETS_MAX));
        timeout(CALLER_SECONDS_MAX, reader.read_until(b'\n', &mut line)).await??;
        answer_line(&line, Caller { uid }, handler).await
    } else {
        Reply::Fault("only the user that runs the service, and root, are answered".to_owned())
    };
    let mut line = serde_json::to_vec(&reply)?;
    line.push(b'\n');
    timeout(CALLER_SECONDS_MAX, write.write_all(&line)).await?
}

async fn answer_line(line: &[u8], caller: Caller, handler: &impl Answer) -> Reply {
    if !line.ends_with(b"\n") {
        return Reply::Fault("a request is one line of JSON".to_owned());
    }
    match serde_json::from_slice(line) {
        Ok(request) => handler.answer(caller, request).await.map_or_else(Reply::Fault, Reply::Answer),
        Err(why) => Reply::Fault(format!("a request this server does not know: {why}")),
    }
}
