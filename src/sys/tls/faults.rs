//! Why certificates and keys cannot be used, with the file and what to do.

use std::io;
use std::path::PathBuf;

/// Why TLS cannot be had from the files it was given.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// A file cannot be read.
    #[error("{} cannot be read: {error}; it has to exist and be readable by the user we run as", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file without a certificate.
    #[error("{} holds no certificate in PEM; it has to begin one with -----BEGIN CERTIFICATE-----", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A file without a key.
    #[error("{} holds no private key in PEM that is not encrypted; write PKCS #8, PKCS #1 or SEC1", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A certificate that is none.
    #[error("{} holds what is no certificate we can use: {error}; have it issued anew", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: String,
    },
    /// A key of a kind we cannot sign with.
    #[error("{} holds a key we cannot use: {error}; RSA from 2048 bits, P-256, P-384 and Ed25519 are", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: String,
    },
    /// Certificate and key are not of one pair.
    #[error(
        "the key in {} is not that of the first certificate in {}; put our own certificate first, or the right key",
        key.display(),
        certificate.display()
    )]
    Mismatch {
        /// The file of the chain.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// This machine names no authority that it trusts.
    #[error("this machine trusts no certificate authority: {0}; install ca-certificates")]
    NoSystemRoots(String),
    /// The cryptography refuses, which no file can be blamed for.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}
