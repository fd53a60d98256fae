//! Tests of TLS towards next hops: which certificates are taken, and what is said to the server.

pub(crate) mod authority;

use ring::digest;
use rustls::HandshakeKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use self::authority::{Authority, Shown};
use super::*;
use crate::sys::tls::Tlsa;

/// What came of a handshake: the name the server heard, or the client's fault.
async fn shake(tls: &ClientTls, acceptor: &TlsAcceptor, host: &str, trust: &Trust) -> Result<Option<String>, String> {
    Ok(shaken(tls, acceptor, host, trust).await?.0)
}

async fn shaken(
    tls: &ClientTls,
    acceptor: &TlsAcceptor,
    host: &str,
    trust: &Trust,
) -> Result<(Option<String>, Option<HandshakeKind>), String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let socket = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("a connection");
    let acceptor = acceptor.clone();
    let server = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.expect("a client");
        let mut stream = acceptor.accept(socket).await.ok()?;
        let heard = stream.get_ref().1.server_name().map(str::to_owned);
        let kind = stream.get_ref().1.handshake_kind();
        stream.write_all(b"220\r\n").await.ok()?;
        // The client closes.
        let _ = stream.read_to_end(&mut Vec::new()).await;
        Some((heard, kind))
    });
    let mut stream = tls.handshake(socket, host, trust).await.map_err(|e| e.to_string())?;
    let mut greeting = [0; 5];
    stream.read_exact(&mut greeting).await.map_err(|e| e.to_string())?;
    stream.shutdown().await.map_err(|e| e.to_string())?;
    drop(stream);
    Ok(server.await.expect("a server").expect("a handshake"))
}

fn names(names: &[&str]) -> Arc<[String]> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

/// Trust in the authority of a file, with the folder that holds it.
fn trust(authority: &Authority, wanted: &[&str]) -> (Trust, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority.pem()).expect("a file");
    (Trust::Names { roots: Roots::File(file), names: names(wanted) }, folder)
}

async fn check(shown: &Shown, trust: &Trust, wanted: Result<(), &str>) {
    let came = shake(&ClientTls::new(), &shown.acceptor(), "mx.example", trust).await;
    match wanted {
        Ok(()) => assert!(came.is_ok(), "{came:?} for {trust:?}"),
        Err(words) => assert!(came.as_ref().is_err_and(|e| e.contains(words)), "{came:?} for {trust:?}"),
    }
}

#[tokio::test]
async fn whom_nobody_is_asked_about_may_show_anything() {
    let authority = Authority::new();
    check(&authority.sign(&["else.example"]), &Trust::Anyone, Ok(())).await;
    check(&authority.sign_until(&["else.example"], 2002), &Trust::Anyone, Ok(())).await;
}

#[tokio::test]
async fn a_verified_certificate_is_signed_by_the_authority_in_its_time_and_bears_the_name() {
    let authority = Authority::new();
    let (trusted, _folder) = trust(&authority, &["mx.sakura.example"]);
    check(&authority.sign(&["mx.sakura.example"]), &trusted, Ok(())).await;
    check(&authority.sign(&["*.sakura.example"]), &trusted, Ok(())).await;
    check(&authority.sign(&["*.mx.sakura.example"]), &trusted, Err("not valid for name")).await;
    check(&authority.sign(&["else.example"]), &trusted, Err("not valid for name")).await;
    check(&authority.sign_until(&["mx.sakura.example"], 2002), &trusted, Err("expired")).await;
    check(&Authority::new().sign(&["mx.sakura.example"]), &trusted, Err("BadSignature")).await;
}

#[tokio::test]
async fn any_one_of_several_names_is_enough_and_without_names_nobody_is_good() {
    let authority = Authority::new();
    let (trusted, _folder) = trust(&authority, &["other.example", "MX.example."]);
    check(&authority.sign(&["mx.example"]), &trusted, Ok(())).await;
    let (trusted, _folder) = trust(&authority, &[]);
    check(&authority.sign(&["mx.example"]), &trusted, Err("certificate")).await;
}

#[tokio::test]
async fn authorities_that_cannot_be_read_are_named_with_their_file() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in
        [("none.pem", None), ("empty.pem", Some("")), ("torn.pem", Some("-----BEGIN CERTIFICATE-----\n"))]
    {
        let file = folder.path().join(name);
        if let Some(text) = text {
            std::fs::write(&file, text).expect("a file");
        }
        let trusted = Trust::Names { roots: Roots::File(file), names: names(&["mx.example"]) };
        check(&Authority::new().sign(&["mx.example"]), &trusted, Err(name)).await;
    }
}

/// Records that speak of a certificate in all ways there are.
fn records(usage: u8, certificate: &CertificateDer<'_>) -> Vec<Tlsa> {
    let parsed = rustls::server::ParsedCertificate::try_from(certificate).expect("a certificate");
    let key = parsed.subject_public_key_info();
    let mut records = Vec::new();
    for (selector, octets) in [(0, certificate.as_ref()), (1, key.as_ref())] {
        let sha256 = digest::digest(&digest::SHA256, octets);
        let sha512 = digest::digest(&digest::SHA512, octets);
        for (matching, data) in [(0, octets), (1, sha256.as_ref()), (2, sha512.as_ref())] {
            records.push(Tlsa { usage, selector, matching, data: data.into() });
        }
    }
    records
}

fn dane(records: &[Tlsa]) -> Trust {
    Trust::Dane { records: records.into(), names: names(&["mx.example"]) }
}

#[tokio::test]
async fn a_record_of_the_servers_own_certificate_asks_for_no_name_and_no_date() {
    let authority = Authority::new();
    let shown = authority.sign_until(&["else.example"], 2002);
    for record in records(3, &shown.chain[0]) {
        check(&shown, &dane(std::slice::from_ref(&record)), Ok(())).await;
        check(&authority.sign(&["mx.example"]), &dane(&[record]), Err("UnknownIssuer")).await;
    }
}

#[tokio::test]
async fn a_record_of_an_authority_asks_for_name_and_date_below_it() {
    let authority = Authority::new();
    let shown = authority.sign(&["mx.example"]);
    for record in records(2, &shown.chain[1]) {
        let trusted = dane(&[record]);
        check(&shown, &trusted, Ok(())).await;
        check(&authority.sign(&["else.example"]), &trusted, Err("not valid for name")).await;
        check(&authority.sign_until(&["mx.example"], 2002), &trusted, Err("expired")).await;
        check(&Authority::new().sign(&["mx.example"]), &trusted, Err("UnknownIssuer")).await;
        let mut torn = shown.clone();
        torn.chain.truncate(1);
        check(&torn, &trusted, Err("UnknownIssuer")).await;
    }
}

#[tokio::test]
async fn an_authority_shown_beside_a_certificate_it_never_signed_is_no_proof() {
    let authority = Authority::new();
    let record = records(2, &authority.sign(&["mx.example"]).chain[1]);
    let mut forged = Authority::new().sign(&["mx.example"]);
    forged.chain.push(authority.sign(&["mx.example"]).chain[1].clone());
    check(&forged, &dane(&record), Err("certificate")).await;
}

#[tokio::test]
async fn one_record_that_fits_is_enough_and_unusable_ones_fit_nobody() {
    let shown = Authority::new().sign(&["mx.example"]);
    let mut of_both = records(3, &Authority::new().sign(&["mx.example"]).chain[0]);
    of_both.extend(records(3, &shown.chain[0]));
    check(&shown, &dane(&of_both), Ok(())).await;
    for usage in [0, 1, 4, 255] {
        check(&shown, &dane(&records(usage, &shown.chain[0])), Err("certificate")).await;
    }
    let short = Tlsa { usage: 3, selector: 1, matching: 1, data: Box::default() };
    check(&shown, &dane(&[short]), Err("certificate")).await;
}

#[tokio::test]
async fn a_host_name_is_said_in_sni_and_an_address_is_not() {
    let (tls, acceptor) = (ClientTls::new(), Authority::new().sign(&["mx.example"]).acceptor());
    let heard = shake(&tls, &acceptor, "mx.example.", &Trust::Anyone).await;
    assert_eq!(heard, Ok(Some("mx.example".to_owned())));
    assert_eq!(shake(&tls, &acceptor, "192.0.2.1", &Trust::Anyone).await, Ok(None));
    assert!(shake(&tls, &acceptor, "no name", &Trust::Anyone).await.is_err_and(|e| e.contains("no name")));
}

#[tokio::test]
async fn a_session_is_resumed_by_the_same_trust_alone() {
    let authority = Authority::new();
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let (tls, acceptor) = (ClientTls::new(), authority.sign(&["mx.example"]).acceptor_of(&[version]));
        let (trusted, _folder) = trust(&authority, &["mx.example"]);
        let mut kinds = Vec::new();
        for trust in [&Trust::Anyone, &Trust::Anyone, &trusted, &trusted] {
            kinds.push(shaken(&tls, &acceptor, "mx.example", trust).await.expect("a handshake").1);
        }
        let resumed: Vec<bool> = kinds.iter().map(|k| *k == Some(HandshakeKind::Resumed)).collect();
        assert_eq!(resumed, [false, true, false, true], "{version:?}");
    }
}
