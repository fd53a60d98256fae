//! A command of the binary on a terminal of its own: what it shows, and keys struck when it waits for them.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::gateway::wait_for;

/// A command on a terminal; `script` (util-linux) makes the terminal.
pub struct Terminal {
    child: Child,
    keys: ChildStdin,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Runs the binary with these words.
    pub fn run(words: &[&str]) -> Self {
        Self::run_sized((100, 40), words)
    }

    /// Runs it on a terminal of so many columns and rows.
    pub fn run_sized((columns, rows): (u16, u16), words: &[&str]) -> Self {
        let quoted: Vec<String> = words.iter().map(|w| format!("'{w}'")).collect();
        let binary = env!("CARGO_BIN_EXE_career-relay");
        let line = format!("stty cols {columns} rows {rows}; exec {binary} {}", quoted.join(" "));
        let mut command = Command::new("script");
        command.args(["-qefc", &line, "/dev/null"]).env("TERM", "xterm").env("SHELL", "/bin/sh");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("script runs");
        let (keys, mut out) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let shown = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&shown);
        let reader = std::thread::spawn(move || {
            let mut octets = [0; 4096];
            while let Ok(n @ 1..) = out.read(&mut octets) {
                kept.lock().expect("what is shown").extend_from_slice(&octets[..n]);
            }
        });
        Self { child, keys, shown, reader: Some(reader) }
    }

    /// The process of the command itself.
    pub fn process(&self) -> String {
        let id = self.child.id();
        let children = format!("/proc/{id}/task/{id}/children");
        let first = || std::fs::read_to_string(&children).ok()?.split_whitespace().next().map(str::to_owned);
        wait_for("the command", first)
    }

    /// All that was shown so far.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().expect("what is shown")).into_owned()
    }

    /// Waits until `text` is shown.
    pub fn wait_for(&self, text: &str) {
        let seen = || self.shown().contains(text).then_some(());
        wait_for(&format!("{text:?} on the terminal"), seen);
    }

    /// Strikes keys.
    pub fn strike(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("keys");
        self.keys.flush().expect("keys");
    }

    /// Waits for the end; whether it was a good one, and all that was shown.
    pub fn ended(mut self) -> (bool, String) {
        let ended = wait_for("the command to end", || self.child.try_wait().expect("its state"));
        self.reader.take().expect("a reader").join().expect("its output");
        (ended.success(), self.shown())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Both fail when it has ended, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
