//! Fetching from a server on loopback that shows a certificate of the tests' own.

use std::net::IpAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::sys::resolver::{Answer, Lookup, LookupFault, Mx, TlsaRecord};
use crate::sys::tls::authority::Authority;

/// Every host is on loopback.
#[derive(Debug)]
struct Here;

impl Resolve for Here {
    fn mx<'a>(&'a self, _domain: &'a str) -> Lookup<'a, Mx> {
        Box::pin(async { Err(LookupFault::NoRecords) })
    }

    fn addresses<'a>(&'a self, _host: &'a str) -> Lookup<'a, IpAddr> {
        Box::pin(async { Ok(Answer { records: vec![IpAddr::from([127, 0, 0, 1])], secure: false }) })
    }

    fn txt<'a>(&'a self, _name: &'a str) -> Lookup<'a, Vec<u8>> {
        Box::pin(async { Err(LookupFault::NoRecords) })
    }

    fn tlsa<'a>(&'a self, _name: &'a str) -> Lookup<'a, TlsaRecord> {
        Box::pin(async { Err(LookupFault::NoRecords) })
    }
}

/// Fetches `/policy.txt` of `mta-sts.x.example` from a server that shows a certificate for `name` and answers so.
async fn fetch(name: &str, answer: Vec<u8>) -> (Result<Bytes, FetchFault>, String) {
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority.pem()).expect("a file");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let acceptor = authority.sign(&[name]).acceptor();
    let server = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.expect("a client");
        let Ok(mut stream) = acceptor.accept(socket).await else { return String::new() };
        let mut heard = vec![0; 4096];
        let octets = stream.read(&mut heard).await.unwrap_or(0);
        // A client that has heard enough goes.
        let _ = stream.write_all(&answer).await;
        let _ = stream.shutdown().await;
        String::from_utf8_lossy(&heard[..octets]).into_owned()
    });
    let https = Https { names: Arc::new(Here), roots: Roots::File(file), port, tls: ClientTls::new() };
    let fetched = https.fetch("mta-sts.x.example", "/policy.txt").await;
    (fetched, server.await.expect("a server"))
}

fn answer(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

const HOST: &str = "mta-sts.x.example";
const PLAIN: &str = "200 OK\r\nContent-Type: Text/Plain; charset=utf-8";

#[tokio::test]
async fn a_text_is_fetched_from_whom_it_should_come() {
    let (fetched, heard) = fetch(HOST, answer(PLAIN, "version: STSv1\n")).await;
    assert_eq!(fetched, Ok(Bytes::from_static(b"version: STSv1\n")));
    assert!(
        heard.starts_with("GET /policy.txt HTTP/1.1\r\n") && heard.contains("host: mta-sts.x.example\r\n"),
        "{heard}"
    );
    let (fetched, heard) = fetch("other.example", answer(PLAIN, "version: STSv1\n")).await;
    assert!(matches!(fetched, Err(FetchFault::Broken(..))) && heard.is_empty(), "{fetched:?}");
}

#[tokio::test]
async fn a_redirect_another_type_and_an_endless_text_are_refused() {
    let moved = answer("301 Moved\r\nLocation: https://other.example/\r\nContent-Type: text/plain", "");
    let html = answer("200 OK\r\nContent-Type: text/html", "<p>");
    let untold = answer("200 OK", "version: STSv1\n");
    let long = answer(PLAIN, &"x".repeat(OCTETS_MAX + 1));
    for answer in [moved, html, untold, long] {
        let (fetched, _) = fetch(HOST, answer).await;
        assert!(matches!(fetched, Err(FetchFault::Refused(..))), "{fetched:?}");
    }
    let (fetched, _) = fetch(HOST, b"220 mail.example ESMTP\r\n".to_vec()).await;
    assert!(matches!(fetched, Err(FetchFault::Broken(..))), "{fetched:?}");
}
