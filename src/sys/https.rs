//! Fetching small texts over HTTPS: verified, without redirects, bounded in octets and time.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::resolver::Resolve;
use super::tls::{ClientTls, Roots, Trust};

/// How long a fetch may take, with everything that belongs to it.
const FETCH_WITHIN: Duration = Duration::from_secs(30);
/// How long one address may take to answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Addresses tried.
const ADDRESSES_MAX: usize = 4;
/// The largest text that is taken.
pub const OCTETS_MAX: usize = 64 * 1024;

/// Why nothing was fetched. The texts hold names of hosts and no more.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FetchFault {
    /// The host cannot be found or does not answer.
    #[error("cannot reach {0}: {1}")]
    Unreachable(String, String),
    /// It is not who it should be, or speaks no HTTP.
    #[error("no HTTPS with {0}: {1}")]
    Broken(String, String),
    /// It answered something else than the text: 200 and text/plain are asked.
    #[error("{0} answered {1}")]
    Refused(String, String),
    /// It took too long.
    #[error("{0} took too long")]
    TooSlow(String),
}

/// A fetch under way.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Bytes, FetchFault>> + Send + 'a>>;

/// Somebody who fetches texts.
pub trait Fetch: Debug + Send + Sync {
    /// The `text/plain` at this path of a host, at most [`OCTETS_MAX`].
    fn fetch<'a>(&'a self, host: &'a str, path: &'a str) -> Fetching<'a>;
}

/// Fetches from the net.
#[derive(Clone, Debug)]
pub struct Https {
    /// Who knows the hosts.
    pub names: Arc<dyn Resolve>,
    /// Whose certificates count.
    pub roots: Roots,
    /// The port of HTTPS; another one in tests.
    pub port: u16,
    /// The process's TLS.
    pub tls: ClientTls,
}

impl Https {
    /// The usual port, and the authorities of this machine.
    pub fn new(names: Arc<dyn Resolve>, tls: ClientTls) -> Self {
        Self { names, roots: Roots::System, port: 443, tls }
    }

    async fn get(&self, host: &str, path: &str) -> Result<Bytes, FetchFault> {
        let broken = |why: &dyn ToString| FetchFault::Broken(host.to_owned(), why.to_string());
        let refused = |why: String| FetchFault::Refused(host.to_owned(), why);
        let socket = self.connect(host).await?;
        let trust = Trust::Names { roots: self.roots.clone(), names: Arc::from([host.to_owned()]) };
        let stream = self.tls.handshake(socket, host, &trust).await.map_err(|e| broken(&e))?;
        let connected = hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await;
        let (mut sender, connection) = connected.map_err(|e| broken(&e))?;
        let request = Request::get(path).header(HOST, host).header("accept", "text/plain").body(Empty::new());
        let asking =
            async move { sender.send_request(request.map_err(|e| e.to_string())?).await.map_err(|e| e.to_string()) };
        // The connection makes progress as long as it is polled, and ends with us.
        let mut connection = Box::pin(connection);
        let reading = async {
            let response = asking.await.map_err(|e| broken(&e))?;
            if response.status() != hyper::StatusCode::OK {
                return Err(refused(response.status().to_string()));
            }
            let kind = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
            let plain = kind.split(';').next().unwrap_or_default().trim();
            if !plain.eq_ignore_ascii_case("text/plain") {
                return Err(refused(format!("content of type {plain:?}")));
            }
            let body = Limited::new(response.into_body(), OCTETS_MAX).collect().await;
            body.map(http_body_util::Collected::to_bytes).map_err(|e| refused(e.to_string()))
        };
        let mut reading = Box::pin(reading);
        tokio::select! {
            read = &mut reading => read,
            // What has come by then is all there is.
            _ = &mut connection => reading.await,
        }
    }

    async fn connect(&self, host: &str) -> Result<TcpStream, FetchFault> {
        let unreachable = |why: String| FetchFault::Unreachable(host.to_owned(), why);
        let addresses = self.names.addresses(host).await.map_err(|e| unreachable(e.to_string()))?;
        let mut last = "no address".to_owned();
        for ip in addresses.records.into_iter().take(ADDRESSES_MAX) {
            match timeout(CONNECT_WITHIN, TcpStream::connect(SocketAddr::new(ip, self.port))).await {
                Ok(Ok(socket)) => return Ok(socket),
                Ok(Err(error)) => last = error.to_string(),
                Err(_) => "no answer".clone_into(&mut last),
            }
        }
        Err(unreachable(last))
    }
}

impl Fetch for Https {
    fn fetch<'a>(&'a self, host: &'a str, path: &'a str) -> Fetching<'a> {
        Box::pin(async move {
            let fetched = timeout(FETCH_WITHIN, self.get(host, path)).await;
            fetched.unwrap_or_else(|_| Err(FetchFault::TooSlow(host.to_owned())))
        })
    }
}

#[cfg(test)]
mod tests;
