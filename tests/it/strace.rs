//! The gateway's calls to the kernel: written down as they come, or made to fail.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::gateway::Gateway;

/// Writes down each read, write and sync of the gateway while it lives.
pub struct Strace {
    child: Child,
    file: PathBuf,
    /// Kept open: it ends when nobody listens to what it says of each new thread.
    _said: BufReader<ChildStderr>,
}

impl Strace {
    pub fn attach(gateway: &Gateway) -> Self {
        Self::with(gateway, &["-e", "trace=fsync,fdatasync,read,recvfrom,write,writev,sendto,sendmsg"])
    }

    /// Lets these calls fail with EIO from now on, as they do on a disk that breaks.
    pub fn break_calls(gateway: &Gateway, calls: &str) -> Self {
        Self::with(gateway, &["-e", &format!("trace={calls}"), "-e", &format!("inject={calls}:error=EIO")])
    }

    /// Lets writes into this file find no room from now on, but for each thread's first, as when the disk is full in
    /// the midst of a commit.
    pub fn fill(gateway: &Gateway, file: &Path) -> Self {
        let file = file.to_str().expect("a name in UTF-8");
        let inject = "inject=pwrite64:error=ENOSPC:when=2+";
        Self::with(gateway, &["-P", file, "-e", "trace=pwrite64", "-e", inject])
    }

    /// Lets go of the gateway, which runs on.
    pub fn release(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(&pid).status().expect("kill runs").success());
        self.child.wait().expect("strace ends");
    }

    fn with(gateway: &Gateway, arguments: &[&str]) -> Self {
        let file = gateway.folder.path().join("strace");
        let mut child = Command::new("strace")
            .args(["-f", "-y", "-s", "4096"])
            .args(arguments)
            .arg("-o")
            .arg(&file)
            .args(["-p", &gateway.pid().to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace runs; tests/setup installs it");
        let mut said = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        said.read_line(&mut line).expect("a word of strace");
        assert!(line.contains("attached"), "strace may not attach: {line}");
        Self { child, file, _said: said }
    }

    /// The calls, each where it came to its end.
    pub fn calls(mut self) -> Vec<String> {
        self.child.wait().expect("strace ends with the gateway");
        let mut begun: Vec<(String, String)> = Vec::new();
        let mut calls = Vec::new();
        for line in fs::read_to_string(&self.file).expect("its file").lines() {
            let (thread, call) = line.split_once(' ').expect("a thread");
            let call = call.trim_start();
            if let Some(start) = call.strip_suffix(" <unfinished ...>") {
                begun.push((thread.to_owned(), start.to_owned()));
            } else if let Some((_, end)) = call.split_once(" resumed>") {
                let at = begun.iter().position(|(t, _)| t == thread).expect("a call that was begun");
                calls.push(begun.remove(at).1 + end);
            } else {
                calls.push(call.to_owned());
            }
        }
        calls
    }
}

/// Whether a call writes.
pub fn is_output(call: &str) -> bool {
    ["sendto(", "write", "sendmsg("].iter().any(|name| call.starts_with(name))
}

/// Whether a call syncs this file.
pub fn is_sync(call: &str, file: &str) -> bool {
    (call.starts_with("fsync(") || call.starts_with("fdatasync(")) && call.contains(file)
}

/// What a call is about: its file or socket.
pub fn of_socket(call: &str) -> Option<&str> {
    call.split_once('(')?.1.split([',', ')']).next()
}
