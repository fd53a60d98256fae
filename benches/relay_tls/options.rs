//! What the bench is asked to do.

use std::time::Duration;

use crate::peer::Kind;

const HELP: &str = "cargo bench --bench relay_tls -- [OPTION VALUE]…
  --peers      career-relay,postfix,postfix-reuse   (all three; the last keeps its TLS connections to the next hop)
  --workloads  kept,each,resumed   (all three) sessions kept open; a connection and a full handshake for every mail;
               a connection for every mail that resumes the TLS session before it
  --rounds 3   --seconds 4 (of load)   --sessions 20
  --door       starttls | implicit   how the generator comes in (starttls)";

/// How the generator's connections live.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Workload {
    /// Sessions are kept open.
    Kept,
    /// A connection and a full handshake for each mail.
    Each,
    /// A connection for each mail, with the TLS session of the one before.
    Resumed,
}

impl Workload {
    const ALL: [Self; 3] = [Self::Kept, Self::Each, Self::Resumed];

    /// Its name on the command line and in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Each => "each",
            Self::Resumed => "resumed",
        }
    }
}

/// The command line.
pub struct Options {
    pub peers: Vec<Kind>,
    pub workloads: Vec<Workload>,
    pub rounds: usize,
    pub seconds: Duration,
    pub sessions: usize,
    pub implicit: bool,
}

impl Options {
    /// Reads the command line; nothing when only help was asked for.
    pub fn from_arguments() -> Option<Self> {
        let mut options = Self {
            peers: Kind::ALL.to_vec(),
            workloads: Workload::ALL.to_vec(),
            rounds: 3,
            seconds: Duration::from_secs(4),
            sessions: 20,
            implicit: false,
        };
        let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
        while let Some(name) = arguments.next() {
            if name == "--help" {
                println!("{HELP}");
                return None;
            }
            let value = arguments.next().unwrap_or_else(|| panic!("{name} wants a value\n{HELP}"));
            options.set(&name, &value);
        }
        Some(options)
    }

    fn set(&mut self, name: &str, value: &str) {
        let number = || value.parse().unwrap_or_else(|_| panic!("{name} {value} is no number\n{HELP}"));
        match name {
            "--peers" => self.peers = listed(value, &Kind::ALL, Kind::name),
            "--workloads" => self.workloads = listed(value, &Workload::ALL, Workload::name),
            "--rounds" => self.rounds = number(),
            "--seconds" => self.seconds = Duration::from_secs(number() as u64),
            "--sessions" => self.sessions = number(),
            "--door" => self.implicit = value == "implicit",
            _ => panic!("what is {name}?\n{HELP}"),
        }
    }
}

fn listed<T: Copy>(value: &str, all: &[T], name: impl Fn(T) -> &'static str) -> Vec<T> {
    let named = |word: &str| all.iter().copied().find(|one| name(*one) == word);
    value.split(',').map(|word| named(word).unwrap_or_else(|| panic!("what is {word}?\n{HELP}"))).collect()
}
