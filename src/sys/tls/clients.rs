//! Certificates that clients show: asked for, never demanded, and believed only when a trusted authority signed them.
//!
//! A client whose certificate is stale or unknown is served as one that showed none: it may still be known by its
//! address or its password, and its mail must not wait for a certificate. So the handshake checks that the client holds
//! the key of what it shows, and nothing else; who it is, is judged here afterwards, also when a session is resumed.

use std::sync::Arc;

use ring::digest::{SHA256, digest};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use webpki::{EndEntityCert, KeyUsage};

/// The names of a client by the certificate it showed: its DNS names in lower case, and `sha256:` with its print in
/// hex.
///
/// None when the chain does not lead to one of `roots`, is out of its time, or is made for neither side of TLS. Public
/// authorities sign mail servers for the server's side alone since 2026, and such a server shows that certificate as
/// a client too.
pub(super) fn names(
    provider: &CryptoProvider,
    roots: &RootCertStore,
    chain: &[CertificateDer<'_>],
    now: UnixTime,
) -> Vec<String> {
    let Some((own, others)) = chain.split_first() else { return Vec::new() };
    let Ok(certificate) = EndEntityCert::try_from(own) else { return Vec::new() };
    let known = provider.signature_verification_algorithms.all;
    let is_good = |usage| certificate.verify_for_usage(known, &roots.roots, others, now, usage, None, None).is_ok();
    if !is_good(KeyUsage::client_auth()) && !is_good(KeyUsage::server_auth()) {
        return Vec::new();
    }
    let mut names: Vec<String> = certificate.valid_dns_names().map(str::to_ascii_lowercase).collect();
    let print = digest(&SHA256, own);
    names.push(format!("sha256:{}", data_encoding::HEXLOWER.encode(print.as_ref())));
    names
}

/// Asks clients for a certificate and takes any, as long as the client holds its key.
#[derive(Debug)]
pub(super) struct Asks {
    provider: Arc<CryptoProvider>,
}

impl Asks {
    pub(super) fn new(provider: Arc<CryptoProvider>) -> Arc<Self> {
        Arc::new(Self { provider })
    }
}

impl ClientCertVerifier for Asks {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// No hints: the names of all authorities would be 15 KB in each handshake.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    /// This is not the judgement; [`names`] is.
    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
