//! Asking over the real socket: answers, refusals, rubbish, a server that is gone, a folder that is taken.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;

struct Echo;

impl Answer for Echo {
    async fn answer(&self, _: Caller, request: Request) -> Result<Value, String> {
        match request {
            Request::Verify { .. } => Err("the ledger is being written".to_owned()),
            other => serde_json::to_value(other).map_err(|e| e.to_string()),
        }
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"))
}

/// Runs `ask` beside a server on `data_dir`, and stops the server when it is done.
fn with_server<T: Send + 'static>(data_dir: &Path, ask: impl FnOnce() -> T + Send + 'static) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|e| panic!("{e}"));
    runtime.block_on(async {
        let server = Server::bind(data_dir).unwrap_or_else(|e| panic!("{e}"));
        let (done, stop) = tokio::sync::oneshot::channel::<()>();
        let asked = tokio::task::spawn_blocking(move || {
            let answer = ask();
            drop(done);
            answer
        });
        server.run(Arc::new(Echo), async { drop(stop.await) }).await;
        asked.await.unwrap_or_else(|e| panic!("{e}"))
    })
}

fn ask(data_dir: &Path, request: &Request) -> Result<Value, String> {
    let client = Client::connect(data_dir).map_err(|e| e.to_string())?.ok_or("no server runs")?;
    client.ask(request, Duration::from_secs(5)).map_err(|e| e.to_string())
}

fn send_raw(data_dir: &Path, octets: &[u8]) -> String {
    let mut stream = UnixStream::connect(data_dir.join(SOCKET)).unwrap_or_else(|e| panic!("{e}"));
    stream.write_all(octets).unwrap_or_else(|e| panic!("{e}"));
    stream.shutdown(std::net::Shutdown::Write).unwrap_or_else(|e| panic!("{e}"));
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap_or_else(|e| panic!("{e}"));
    answer
}

#[test]
fn a_request_gets_its_answer_and_a_refusal_its_reason() {
    let folder = folder();
    let dir = folder.path().to_owned();
    let (status, verify) = with_server(folder.path(), move || {
        (ask(&dir, &Request::Status), ask(&dir, &Request::Verify { company: None }))
    });
    assert_eq!(status, Ok(json!({ "ask": "status" })));
    assert_eq!(verify, Err("the ledger is being written".to_owned()));
    assert_eq!(ask(folder.path(), &Request::Status), Err("no server runs".to_owned()));
}

#[test]
fn rubbish_is_answered_and_harms_nobody_else() {
    let folder = folder();
    let dir = folder.path().to_owned();
    let (answers, status) = with_server(folder.path(), move || {
        let sent: [&[u8]; 4] = [b"rubbish\n", b"{\"ask\":\"format_disk\"}\n", b"", b"{\"ask\":\"status\"}"];
        (sent.map(|octets| send_raw(&dir, octets)), ask(&dir, &Request::Counters))
    });
    assert!(answers.iter().all(|a| a.starts_with("{\"fault\":")), "{answers:?}");
    assert_eq!(status, Ok(json!({ "ask": "counters" })));
}

#[test]
fn the_socket_is_the_owners_alone_and_outlives_no_server() {
    let folder = folder();
    let path = folder.path().join(SOCKET);
    let socket = path.clone();
    let mode = with_server(folder.path(), move || std::fs::metadata(socket).map(|m| m.permissions().mode() & 0o777));
    assert_eq!(mode.ok(), Some(0o600));
    assert!(!path.exists());
}

#[test]
fn a_socket_left_by_a_dead_server_is_taken_over() {
    let folder = folder();
    drop(std::os::unix::net::UnixListener::bind(folder.path().join(SOCKET)));
    assert_eq!(ask(folder.path(), &Request::Status), Err("no server runs".to_owned()));
    let dir = folder.path().to_owned();
    assert!(with_server(folder.path(), move || ask(&dir, &Request::Status)).is_ok());
}

#[test]
fn a_data_folder_with_a_long_name_has_a_socket_too() {
    let folder = folder();
    let deep = folder.path().join("d".repeat(120));
    std::fs::create_dir(&deep).unwrap_or_else(|e| panic!("{e}"));
    let dir = deep.clone();
    assert!(with_server(&deep, move || ask(&dir, &Request::Status)).is_ok());
}

#[test]
fn a_data_folder_is_held_by_one_and_the_next_is_told_by_whom() {
    let folder = folder();
    let data_dir = folder.path().join("made/on/the/way");
    let lock = DataLock::take(&data_dir, "serve").unwrap_or_else(|e| panic!("{e}"));
    let refused = DataLock::take(&data_dir, "check").map(drop).map_err(|e| e.to_string());
    let holder = format!("process {} (serve)", std::process::id());
    assert!(refused.as_ref().is_err_and(|e| e.contains(&holder)), "{refused:?}");
    drop(lock);
    assert!(DataLock::take(&data_dir, "check").is_ok());
    let mode = std::fs::metadata(&data_dir).map(|m| m.permissions().mode() & 0o777);
    assert_eq!(mode.ok(), Some(0o700));
}

#[test]
fn a_data_folder_that_cannot_be_made_is_a_clear_message() {
    let folder = folder();
    let file = folder.path().join("file");
    std::fs::write(&file, b"").unwrap_or_else(|e| panic!("{e}"));
    let refused = DataLock::take(&file.join("data"), "serve").map(drop).map_err(|e| e.to_string());
    assert!(refused.as_ref().is_err_and(|e| e.contains("cannot be used")), "{refused:?}");
}
