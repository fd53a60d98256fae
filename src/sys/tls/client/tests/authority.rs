//! An authority of the tests' own, and servers that show what it has signed.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// A certificate authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A chain and the key of its first certificate.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    key: Arc<Vec<u8>>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "An authority of the tests");
        Self(CertifiedIssuer::self_signed(params, key()).expect("an authority"))
    }

    /// Its own certificate as PEM.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for these names, shown together with the authority's.
    pub(crate) fn sign(&self, names: &[&str]) -> Shown {
        self.sign_until(names, 2096)
    }

    /// The same, good until the first day of a year.
    pub(crate) fn sign_until(&self, names: &[&str], year: i32) -> Shown {
        let own = key();
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let issuer: &Issuer<'_, KeyPair> = &self.0;
        let certificate = params.signed_by(&own, issuer).expect("a certificate");
        Shown { chain: vec![certificate.der().clone(), self.0.der().clone()], key: Arc::new(own.serialize_der()) }
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

impl Shown {
    /// The server's side.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor_of(&[&rustls::version::TLS13, &rustls::version::TLS12])
    }

    pub(crate) fn acceptor_of(&self, versions: &[&'static rustls::SupportedProtocolVersion]) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::try_from(self.key.to_vec()).expect("a key");
        let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).expect("versions");
        let config = builder.with_no_client_auth().with_single_cert(self.chain.clone(), key).expect("a chain");
        TlsAcceptor::from(Arc::new(config))
    }
}
