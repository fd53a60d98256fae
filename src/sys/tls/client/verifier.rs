//! Judging a next hop's certificate. Whatever is believed of it, its key must have signed the handshake.

use std::sync::Arc;

use ring::digest;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::server_name;
use crate::sys::tls::{Tlsa, Trust};

/// A verifier for one trust.
#[derive(Debug)]
pub(super) struct Verifier {
    good: Good,
    algorithms: WebPkiSupportedAlgorithms,
}

/// Which certificates are good.
#[derive(Debug)]
enum Good {
    All,
    Named { roots: Arc<RootCertStore>, names: Vec<ServerName<'static>> },
    Recorded { records: Arc<[Tlsa]>, names: Vec<ServerName<'static>> },
}

impl Verifier {
    pub(super) fn new(trust: &Trust, roots: Arc<RootCertStore>, algorithms: WebPkiSupportedAlgorithms) -> Self {
        let names = |names: &Arc<[String]>| names.iter().filter_map(|name| server_name(name)).collect();
        let good = match trust {
            Trust::Anyone => Good::All,
            Trust::Names { names: of, .. } => Good::Named { roots, names: names(of) },
            Trust::Dane { records, names: of } => Good::Recorded { records: Arc::clone(records), names: names(of) },
        };
        Self { good, algorithms }
    }

    /// Whether the certificate is signed by one of `roots`, in its time, and bears one of the names.
    fn check(&self, shown: &Shown<'_>, roots: &RootCertStore, names: &[ServerName<'static>]) -> Result<(), Error> {
        let certificate = ParsedCertificate::try_from(shown.own)?;
        verify_server_cert_signed_by_trust_anchor(&certificate, roots, shown.others, shown.now, self.algorithms.all)?;
        let mut fault = Error::InvalidCertificate(CertificateError::NotValidForName);
        for name in names {
            match verify_server_name(&certificate, name) {
                Ok(()) => return Ok(()),
                Err(e) => fault = e,
            }
        }
        Err(fault)
    }

    /// RFC 7672 3.1: one record that fits is enough.
    fn check_records(&self, shown: &Shown<'_>, records: &[Tlsa], names: &[ServerName<'static>]) -> Result<(), Error> {
        let mut fault = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        for record in records.iter().filter(|record| record.is_usable()) {
            if record.usage == 3 {
                // The record says all: whose the certificate is, and for how long (RFC 7672 3.1.1).
                if fits(record, shown.own) {
                    return Ok(());
                }
                continue;
            }
            // The authority has to be sent along with what it signed (RFC 7672 3.1.2).
            for authority in shown.others.iter().filter(|other| fits(record, other)) {
                let mut roots = RootCertStore::empty();
                match roots.add(authority.clone()).and_then(|()| self.check(shown, &roots, names)) {
                    Ok(()) => return Ok(()),
                    Err(e) => fault = e,
                }
            }
        }
        Err(fault)
    }
}

/// What a next hop shows.
struct Shown<'a> {
    own: &'a CertificateDer<'a>,
    others: &'a [CertificateDer<'a>],
    now: UnixTime,
}

/// Whether the record speaks of the certificate (RFC 6698 2.1).
fn fits(record: &Tlsa, certificate: &CertificateDer<'_>) -> bool {
    if record.selector == 0 {
        return matches(record, certificate);
    }
    ParsedCertificate::try_from(certificate).is_ok_and(|c| matches(record, &c.subject_public_key_info()))
}

fn matches(record: &Tlsa, octets: &[u8]) -> bool {
    match record.matching {
        0 => *record.data == *octets,
        1 => *record.data == *digest::digest(&digest::SHA256, octets).as_ref(),
        2 => *record.data == *digest::digest(&digest::SHA512, octets).as_ref(),
        _ => false,
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _said: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Shown { own: end_entity, others: intermediates, now };
        match &self.good {
            Good::All => {}
            Good::Named { roots, names } => self.check(&shown, roots, names)?,
            Good::Recorded { records, names } => self.check_records(&shown, records, names)?,
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
