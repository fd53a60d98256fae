//! Certificates of the tests' own: authorities, and what they sign for servers and for clients.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Who signs.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Use {
    /// A server shows it.
    Server,
    /// A client shows it.
    Client,
    /// Either, as those of large mail services are.
    Both,
    /// Mails are signed with it, and nothing else.
    Mail,
    /// It does not say.
    Unsaid,
}

/// A certificate and its key.
pub struct Issued {
    /// The certificate as PEM.
    pub certificate: String,
    /// The key as PEM.
    pub key: String,
}

impl Authority {
    /// An authority of this name.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("an authority") }
    }

    /// Its own certificate as PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// It alone, as those whom a peer trusts.
    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("a root");
        roots
    }

    /// A certificate for these DNS names, good from 2020 to 2099.
    pub fn issue(&self, names: &[&str], of_use: Use) -> Issued {
        self.issue_until(names, of_use, 2099)
    }

    /// A certificate that ends with the first day of a year.
    pub fn issue_until(&self, names: &[&str], of_use: Use, year: i32) -> Issued {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("DNS names");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        params.extended_key_usages = match of_use {
            Use::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
            Use::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
            Use::Both => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
            Use::Mail => vec![ExtendedKeyUsagePurpose::EmailProtection],
            Use::Unsaid => Vec::new(),
        };
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Issued {
    /// Writes both as `NAME.pem` and `NAME.key`, each whole at once, and tells where.
    pub fn write(&self, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let whole = |file: String, text: &str| {
            let (path, new) = (folder.join(&file), folder.join(format!("{file}.new")));
            fs::write(&new, text).expect("a file");
            fs::rename(&new, &path).expect("a file");
            path
        };
        (whole(format!("{name}.pem"), &self.certificate), whole(format!("{name}.key"), &self.key))
    }

    /// The certificate.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(self.certificate.as_bytes()).map(|c| c.expect("PEM")).collect()
    }

    /// Its key.
    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("PEM")
    }
}
