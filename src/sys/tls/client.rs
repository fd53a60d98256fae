//! TLS towards next hops: handshakes by rustls, TLS 1.2 at least, believed as far as a [`Trust`] says.
//!
//! Sessions are resumed only where the same certificates would be taken: every trust has a configuration of its own,
//! and with it a memory of sessions of its own.

mod verifier;

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use self::verifier::Verifier;
use super::{Roots, Stream, Trust};

/// Configurations that are kept; a route has one, MX domains with records of their own have one each.
const CONFIGURATIONS_MAX: usize = 512;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum ClientTlsFault {
    /// The authorities of a route cannot be read, or there are none in the file.
    #[error("cannot read authorities from {file}: {why}", file = .file.display())]
    Authorities {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The system trusts nobody.
    #[error("this machine has no list of trusted authorities; install ca-certificates or set tls_ca for the route")]
    NoAuthorities,
    /// A name that no certificate can bear.
    #[error("not a host name: {0}")]
    Name(String),
    /// rustls takes none of it.
    #[error("cannot prepare TLS: {0}")]
    Prepare(rustls::Error),
    /// The handshake came to nothing: a certificate that is not good, or no TLS on the other side.
    #[error("TLS handshake failed: {0}")]
    Handshake(io::Error),
}

/// The client's side of TLS for the whole process. Clones share their sessions.
#[derive(Clone, Debug, Default)]
pub struct ClientTls(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    configurations: Mutex<HashMap<Trust, Arc<ClientConfig>>>,
    /// Authorities that were read; reading the system's takes tens of milliseconds.
    roots: Mutex<HashMap<Roots, Arc<RootCertStore>>>,
}

impl ClientTls {
    /// Nothing is read before it is needed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a connection one under TLS. `host` is the name said in SNI; an address says none.
    ///
    /// # Errors
    /// [`ClientTlsFault`]; the connection is gone then, and nothing may be said on it in clear.
    pub async fn handshake(&self, socket: TcpStream, host: &str, trust: &Trust) -> Result<Stream, ClientTlsFault> {
        let name = server_name(host).ok_or_else(|| ClientTlsFault::Name(host.to_owned()))?;
        let connector = TlsConnector::from(self.configuration(trust).await?);
        let stream = connector.connect(name, socket).await.map_err(ClientTlsFault::Handshake)?;
        Ok(Stream::Tls(Box::new(stream.into())))
    }

    async fn configuration(&self, trust: &Trust) -> Result<Arc<ClientConfig>, ClientTlsFault> {
        if let Some(known) = lock(&self.0.configurations).get(trust) {
            return Ok(Arc::clone(known));
        }
        let roots = match trust {
            Trust::Names { roots, .. } => self.roots(roots).await?,
            Trust::Anyone | Trust::Dane { .. } => Arc::new(RootCertStore::empty()),
        };
        let made = Arc::new(configuration(trust, roots)?);
        let mut known = lock(&self.0.configurations);
        if known.len() >= CONFIGURATIONS_MAX {
            // Records change now and then; what is still in use is made anew.
            known.clear();
        }
        Ok(Arc::clone(known.entry(trust.clone()).or_insert(made)))
    }

    async fn roots(&self, roots: &Roots) -> Result<Arc<RootCertStore>, ClientTlsFault> {
        if let Some(known) = lock(&self.0.roots).get(roots) {
            return Ok(Arc::clone(known));
        }
        let wanted = roots.clone();
        let read = tokio::task::spawn_blocking(move || match &wanted {
            Roots::System => system_roots(),
            Roots::File(file) => roots_of(file),
        });
        let read = Arc::new(read.await.map_err(|_| ClientTlsFault::NoAuthorities)??);
        Ok(Arc::clone(lock(&self.0.roots).entry(roots.clone()).or_insert(read)))
    }
}

fn configuration(trust: &Trust, roots: Arc<RootCertStore>) -> Result<ClientConfig, ClientTlsFault> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new(trust, roots, provider.signature_verification_algorithms);
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&versions);
    let builder = builder.map_err(ClientTlsFault::Prepare)?.dangerous();
    Ok(builder.with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

fn system_roots() -> Result<RootCertStore, ClientTlsFault> {
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if taken == 0 { Err(ClientTlsFault::NoAuthorities) } else { Ok(roots) }
}

fn roots_of(file: &Path) -> Result<RootCertStore, ClientTlsFault> {
    let fault = |why: String| ClientTlsFault::Authorities { file: file.to_owned(), why };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|e| fault(e.to_string()))? {
        let certificate = certificate.map_err(|e| fault(e.to_string()))?;
        roots.add(certificate).map_err(|e| fault(e.to_string()))?;
    }
    if roots.is_empty() { Err(fault("no certificate in it".to_owned())) } else { Ok(roots) }
}

/// The name a certificate may bear; a dot at its end is DNS's, not the name's.
fn server_name(host: &str) -> Option<ServerName<'static>> {
    match host.parse::<IpAddr>() {
        Ok(address) => Some(ServerName::IpAddress(address.into())),
        Err(_) => ServerName::try_from(host.strip_suffix('.').unwrap_or(host).to_owned()).ok(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod tests;
