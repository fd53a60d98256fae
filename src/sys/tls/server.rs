//! TLS as a server: one certificate from files, swapped whole when the files change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring as crypto;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{CertificateError, InconsistentKeys, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsAcceptor;
use webpki::{EndEntityCert, KeyUsage};

use super::clients::{self, Asks};
use super::faults::TlsFault;
use super::{Stream, pem};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Octets of ours that wait, encrypted, for a client that is slow to read them.
const BUFFER_OCTETS_MAX: usize = 16 * 1024;
/// A certificate with less time left is warned of.
const EXPIRES_SOON: Duration = Duration::from_hours(7 * 24);

/// Where certificate and key lie, and who signs the certificates of clients.
#[derive(Clone, Debug)]
pub struct ServerFiles {
    /// The chain as PEM, ours first.
    pub certificate: PathBuf,
    /// The private key as PEM.
    pub key: PathBuf,
    /// Who signs the certificates of clients.
    pub clients: ClientRoots,
}

/// Who signs the certificates of clients.
#[derive(Clone, Debug, Default)]
pub enum ClientRoots {
    /// Clients are not asked for one.
    #[default]
    None,
    /// The authorities this machine trusts.
    System,
    /// The authorities in this PEM file.
    File(PathBuf),
}

/// TLS as a server. Cheap to clone; all clones serve the same certificate.
#[derive(Clone)]
pub struct ServerTls(Arc<Inner>);

struct Inner {
    files: ServerFiles,
    in_force: ArcSwap<InForce>,
    /// The files as they were when they were last read, with or without success.
    seen: Mutex<Seen>,
}

/// What makes a file another one than before.
type Seen = Vec<Option<(SystemTime, u64, u64)>>;

/// All that one handshake needs, made from one reading of the files.
struct InForce {
    acceptor: TlsAcceptor,
    provider: Arc<CryptoProvider>,
    roots: Option<RootCertStore>,
    not_before: UnixTime,
    not_after: UnixTime,
}

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    /// The first thing in them that cannot be used, with what to do about it.
    pub fn open(files: ServerFiles) -> Result<Self, TlsFault> {
        let seen = look_at(&files);
        let in_force = InForce::read(&files)?;
        in_force.log_warning(&files);
        let (in_force, seen) = (ArcSwap::from_pointee(in_force), Mutex::new(seen));
        Ok(Self(Arc::new(Inner { files, in_force, seen })))
    }

    /// Reads the files again and puts what they hold in force, whole. On an error all stays as it was.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn reload(&self) -> Result<(), TlsFault> {
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = look_at(&self.0.files);
        let in_force = InForce::read(&self.0.files)?;
        in_force.log_warning(&self.0.files);
        self.0.in_force.store(Arc::new(in_force));
        Ok(())
    }

    /// Looks at the files every 30 seconds, beside the runtime, and reloads what has changed. Never ends.
    pub async fn follow_files(self) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let tls = self.clone();
            // A panic there was logged where it happened; the certificate in force stays.
            let _ = tokio::task::spawn_blocking(move || tls.look_again()).await;
        }
    }

    /// Reloads when a file is not the one last read, and says what came of it.
    pub fn look_again(&self) {
        let changed = *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) != look_at(&self.0.files);
        if !changed {
            return;
        }
        match self.reload() {
            Ok(()) => tracing::info!(target: "tls", "the certificate has been read again"),
            Err(fault) => tracing::error!(target: "tls", %fault, "the certificate in force is kept"),
        }
    }

    /// What will soon be wrong with the certificate, or is so already though it can be served.
    pub fn warning(&self, now: SystemTime) -> Option<String> {
        self.0.in_force.load().warning(&self.0.files, now)
    }

    /// Takes a client's handshake, which has to be over `within` this time. Gives the stream, and the names of the
    /// client by its certificate: none unless an authority we trust signed it.
    ///
    /// # Errors
    /// What the client did wrong, or that it was too slow.
    pub async fn accept(&self, socket: TcpStream, within: Duration) -> io::Result<(Stream, Vec<String>)> {
        let in_force = self.0.in_force.load_full();
        // The handshake is large and soon over: it has no place in the future of a connection that idles for hours.
        let shaking = Box::pin(timeout(within, in_force.acceptor.accept(socket)));
        let mut tls = shaking.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        tls.get_mut().1.set_buffer_limit(Some(BUFFER_OCTETS_MAX));
        let shown = tls.get_ref().1.peer_certificates().unwrap_or_default();
        let names = in_force
            .roots
            .as_ref()
            .map_or_else(Vec::new, |roots| clients::names(&in_force.provider, roots, shown, UnixTime::now()));
        Ok((Stream::Tls(Box::new(tls.into())), names))
    }
}

impl InForce {
    fn read(files: &ServerFiles) -> Result<Self, TlsFault> {
        let chain = pem::certificates(&files.certificate)?;
        let (not_before, not_after) = lifetime(&chain, &files.certificate)?;
        let key = pem::key(&files.key)?;
        let roots = match &files.clients {
            ClientRoots::None => None,
            ClientRoots::System => Some(pem::system_roots()?),
            ClientRoots::File(path) => Some(pem::roots(path)?),
        };
        let provider = Arc::new(crypto::default_provider());
        let setup = |error: rustls::Error| TlsFault::Setup(error.to_string());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(setup)?;
        let builder = match &roots {
            None => builder.with_no_client_auth(),
            Some(_) => builder.with_client_cert_verifier(Asks::new(Arc::clone(&provider))),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| blame(files, error))?;
        config.ticketer = crypto::Ticketer::new().map_err(setup)?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), provider, roots, not_before, not_after })
    }

    fn warning(&self, files: &ServerFiles, now: SystemTime) -> Option<String> {
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let file = files.certificate.display();
        let left = self.not_after.as_secs().saturating_sub(seconds);
        match () {
            () if left == 0 => Some(format!("the certificate in {file} has expired: clients that check it stay away")),
            () if self.not_before.as_secs() > seconds => Some(format!("the certificate in {file} is not yet valid")),
            () if left < EXPIRES_SOON.as_secs() => Some(format!("the certificate in {file} expires within a week")),
            () => None,
        }
    }

    fn log_warning(&self, files: &ServerFiles) {
        if let Some(warning) = self.warning(files, SystemTime::now()) {
            tracing::warn!(target: "tls", "{warning}");
        }
    }
}

/// Modification time, length and inode of each file; nothing for one that cannot be seen.
fn look_at(files: &ServerFiles) -> Seen {
    use std::os::unix::fs::MetadataExt;
    let roots = match &files.clients {
        ClientRoots::File(path) => Some(path),
        ClientRoots::None | ClientRoots::System => None,
    };
    let look = |path: &PathBuf| {
        let seen = std::fs::metadata(path).ok()?;
        Some((seen.modified().ok()?, seen.len(), seen.ino()))
    };
    [Some(&files.certificate), Some(&files.key), roots].into_iter().flatten().map(look).collect()
}

/// From when and until when our certificate is good. The verifier says so when it is asked too early and too late.
fn lifetime(chain: &[CertificateDer<'_>], path: &Path) -> Result<(UnixTime, UnixTime), TlsFault> {
    let wrong = |error: String| TlsFault::Certificate { path: path.to_owned(), error };
    let own = chain.first().ok_or_else(|| TlsFault::NoCertificate { path: path.to_owned() })?;
    let certificate = EndEntityCert::try_from(own).map_err(|e| wrong(e.to_string()))?;
    let known = crypto::default_provider().signature_verification_algorithms.all;
    let ask = |seconds: u64| {
        let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        certificate.verify_for_usage(known, &[], &[], at, KeyUsage::server_auth(), None, None).err()
    };
    match (ask(0), ask(u64::MAX / 2)) {
        (
            Some(webpki::Error::CertNotValidYet { not_before, .. }),
            Some(webpki::Error::CertExpired { not_after, .. }),
        ) => Ok((not_before, not_after)),
        (_, Some(error)) | (Some(error), _) => Err(wrong(error.to_string())),
        (None, None) => Err(wrong("it has no time".to_owned())),
    }
}

/// Says which file is to blame for what the builder did not like.
fn blame(files: &ServerFiles, error: rustls::Error) -> TlsFault {
    let (certificate, key) = (files.certificate.clone(), files.key.clone());
    match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsFault::Mismatch { certificate, key },
        rustls::Error::InvalidCertificate(error @ CertificateError::BadEncoding) => {
            TlsFault::Certificate { path: certificate, error: error.to_string() }
        }
        error => TlsFault::Key { path: key, error: error.to_string() },
    }
}
