//! The gateway under test: the real binary with a configuration and a data folder of its own.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a test waits for something that must happen. Never a pause: every wait ends when its condition holds.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The binary that cargo built for these tests, or the one a long run names.
pub fn binary() -> Command {
    Command::new(binary_path())
}

/// Where it lies.
pub fn binary_path() -> OsString {
    std::env::var_os("CAREER_RELAY_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_career-relay").into())
}

/// A port of loopback that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Waits until `holds` gives a value; fails with `what` after [`PATIENCE`].
pub fn wait_for<T>(what: &str, mut holds: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = holds() {
            return value;
        }
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::yield_now();
    }
}

/// Makes somebody the owner of a folder and of all that is in it.
pub fn give(folder: &Path, uid: u32) {
    chown(folder, Some(uid), Some(uid)).expect("a folder given away");
    for file in fs::read_dir(folder).expect("the folder").flatten() {
        if file.path().is_dir() {
            give(&file.path(), uid);
        } else {
            chown(file.path(), Some(uid), Some(uid)).expect("a file given away");
        }
    }
}

/// Runs a command with this on its standard input.
pub fn with_input(mut command: Command, octets: &[u8]) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    // A command that has no use for it may be gone before it is written.
    let _ = child.stdin.take().expect("a pipe").write_all(octets);
    child.wait_with_output().expect("its output")
}

/// A gateway that runs, and stops when dropped.
pub struct Gateway {
    /// Its folder: configuration, data, log.
    pub folder: TempDir,
    /// Where it listens.
    pub address: SocketAddr,
    next_hop: String,
    more: String,
    /// What its environment has beside ours.
    pub variables: Vec<(&'static str, OsString)>,
    child: Option<Child>,
    /// Carries its log into the file: limits on what it may write do not hold for a pipe.
    log: Option<JoinHandle<()>>,
}

impl Gateway {
    /// Starts one that relays to `next_hop`, which it takes for the candidates' MX.
    pub fn start(next_hop: SocketAddr) -> Self {
        Self::start_with(next_hop, "")
    }

    /// Starts one with more lines of configuration, in front of the first table.
    pub fn start_with(next_hop: SocketAddr, more: &str) -> Self {
        let mut gateway = Self::prepare(next_hop, more, "127.0.0.0/8");
        gateway.run();
        gateway
    }

    /// Has everything ready for [`Gateway::run`]; clients in `network` may relay.
    pub fn prepare(next_hop: SocketAddr, more: &str, network: &str) -> Self {
        Self::prepare_to(&next_hop.to_string(), more, network)
    }

    /// The same for a next hop as it stands in the configuration.
    pub fn prepare_to(next_hop: &str, more: &str, network: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (next_hop, more) = (next_hop.to_owned(), more.to_owned());
        let variables = Vec::new();
        let gateway = Self { folder, address, next_hop, more, variables, child: None, log: None };
        gateway.configure(network);
        gateway
    }

    /// Starts one for which the tests' own address is a stranger's.
    pub fn closed_to_loopback(next_hop: SocketAddr) -> Self {
        let mut gateway = Self::prepare(next_hop, "", "192.0.2.0/24");
        gateway.run();
        gateway
    }

    /// Writes the files; clients in `network` may relay, and write for the company.
    fn configure(&self, network: &str) {
        let companies = self.folder.path().join("companies");
        fs::create_dir_all(&companies).expect("a folder for companies");
        fs::write(companies.join("sakura.toml"), COMPANY.replace("NETWORK", network)).expect("a company file");
        let data = self.folder.path().join("data");
        let config = format!(
            "data_dir = \"{}\"\ncompanies_dir = \"companies\"\nhostname = \"gw.sakura.example\"\n\
             [smtp]\nlisten = [\"{}\"]\nrelay_networks = [\"{network}\"]\n\
             [[route]]\nname = \"mx\"\ndomains = [\"*\"]\nnext_hop = \"{}\"\nproves = \"delivered\"\n{}",
            data.display(),
            self.address,
            self.next_hop,
            self.more
        );
        fs::write(self.config(), config).expect("a configuration file");
    }

    /// Adds lines to the company's file, in front of its first table.
    pub fn configure_company(&self, lines: &str) {
        let path = self.folder.path().join("companies/sakura.toml");
        let text = fs::read_to_string(&path).expect("a company file");
        fs::write(path, text.replace("mode = \"live\"\n", &format!("mode = \"live\"\n{lines}")))
            .expect("a company file");
    }

    /// Its configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("career-relay.toml")
    }

    /// Runs the binary on its configuration and waits until it listens.
    pub fn run(&mut self) {
        let mut log = fs::OpenOptions::new().create(true).append(true).open(self.log_path()).expect("a log file");
        // A file that may not grow is to be an error, as a broken disk is, and not the end of the process.
        let mut command = Command::new("env");
        command.arg("--ignore-signal=XFSZ").arg(binary_path()).args(["serve", "--config"]);
        command.envs(self.variables.iter().cloned());
        command.arg(self.config()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let mut said = child.stderr.take().expect("a pipe");
        self.log = Some(std::thread::spawn(move || drop(io::copy(&mut said, &mut log))));
        wait_for("the gateway to listen", || {
            assert!(child.try_wait().expect("its state").is_none(), "the gateway ended:\n{}", self.log());
            TcpStream::connect(self.address).ok()
        });
        self.child = Some(child);
    }

    /// The file with what it has written.
    pub fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Asks it to stop and waits until it has; returns whether it ended well.
    pub fn stop(&mut self) -> bool {
        let Some(mut child) = self.child.take() else { return true };
        let pid = child.id().to_string();
        assert!(Command::new("kill").arg(&pid).status().expect("kill runs").success());
        let ended = child.wait().expect("it ends");
        self.finish_log();
        ended.success()
    }

    /// The most memory it has had so far, in KiB.
    pub fn memory_kib_max(&self) -> u64 {
        let pid = self.child.as_ref().expect("a gateway that runs").id();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a figure");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Sends it a hangup and waits until it has said what it makes of the files; whether it has taken them.
    pub fn reload(&self) -> bool {
        let said = |log: &str, what: &str| log.matches(what).count();
        let (taken, refused) = ("the files are taken", "the files are not taken");
        let before = self.log();
        assert!(Command::new("kill").args(["-HUP", &self.pid().to_string()]).status().expect("kill runs").success());
        wait_for("the files to be read again", || {
            let log = self.log();
            let more = |what| said(&log, what) > said(&before, what);
            (more(taken) || more(refused)).then(|| more(taken))
        })
    }

    /// Waits until it ends by itself.
    pub fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("a gateway that runs");
        let ended = wait_for("the gateway to end", || child.try_wait().expect("its state"));
        self.finish_log();
        ended
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("a gateway that runs").id()
    }

    fn finish_log(&mut self) {
        if let Some(log) = self.log.take() {
            log.join().expect("its log");
        }
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is killed");
            child.wait().expect("it ends");
            self.finish_log();
        }
    }

    /// Runs a command of the binary on its configuration.
    pub fn ask(&self, words: &[&str]) -> Output {
        binary().args(words).arg("--config").arg(self.config()).output().expect("the binary runs")
    }

    /// The command's JSON answer.
    pub fn ask_json(&self, words: &[&str]) -> serde_json::Value {
        let output = self.ask(&[words, &["--json"]].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words:?}: {text}{errors}\n{}", self.log());
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{words:?} printed no JSON ({e}): {text}"))
    }

    /// Waits until so many mails are in custody and the ledger has every referral; returns the credits.
    pub fn settled_credits_but(&self, entries: u64) -> u64 {
        wait_for("the spool to settle", || {
            let spool = &self.ask_json(&["status"])["spool"];
            (spool["entries"] == entries && spool["unposted"] == 0).then_some(())
        });
        self.ask_json(&["ledger", "balance"])["balances"][0]["counted"].as_u64().unwrap_or(0)
    }

    /// Waits until nothing is in custody and the ledger has every referral; returns the credits.
    pub fn settled_credits(&self) -> u64 {
        self.settled_credits_but(0)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- log of the gateway ---\n{}", self.log());
        }
    }
}

const COMPANY: &str = include_str!("sakura.toml");
