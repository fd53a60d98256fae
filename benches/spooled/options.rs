//! What the bench is asked to do.

const HELP: &str = "cargo bench --bench spooled -- [OPTION VALUE]…
  --peers    career-relay,postfix   (both)
  --faults   defer,down             (both) what the next hop does at first: 451 to each recipient, or no connection
  --mails 5000      taken while it does so, then released; 0 leaves this part out
  --waiting 100000  mails for a dead destination in the spool of the other part; 0 leaves it out
  --rounds 3   --sessions 20";

/// Who relays.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    CareerRelay,
    Postfix,
}

impl Kind {
    const ALL: [Self; 2] = [Self::CareerRelay, Self::Postfix];

    /// Its name on the command line and in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::CareerRelay => "career-relay",
            Self::Postfix => "postfix",
        }
    }
}

/// What keeps the mails waiting.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Each recipient gets 451.
    Defer,
    /// Nobody listens.
    Down,
}

impl Fault {
    const ALL: [Self; 2] = [Self::Defer, Self::Down];

    /// Its name on the command line and in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Defer => "defer",
            Self::Down => "down",
        }
    }
}

/// The command line.
pub struct Options {
    pub peers: Vec<Kind>,
    pub faults: Vec<Fault>,
    pub mails: usize,
    pub waiting: usize,
    pub rounds: usize,
    pub sessions: usize,
}

impl Options {
    /// Reads the command line; nothing when only help was asked for.
    pub fn from_arguments() -> Option<Self> {
        let (peers, faults) = (Kind::ALL.to_vec(), Fault::ALL.to_vec());
        let mut options = Self { peers, faults, mails: 5_000, waiting: 100_000, rounds: 3, sessions: 20 };
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
            "--faults" => self.faults = listed(value, &Fault::ALL, Fault::name),
            "--mails" => self.mails = number(),
            "--waiting" => self.waiting = number(),
            "--rounds" => self.rounds = number(),
            "--sessions" => self.sessions = number(),
            _ => panic!("what is {name}?\n{HELP}"),
        }
    }
}

fn listed<T: Copy>(value: &str, all: &[T], name: impl Fn(T) -> &'static str) -> Vec<T> {
    let named = |word: &str| all.iter().copied().find(|one| name(*one) == word);
    value.split(',').map(|word| named(word).unwrap_or_else(|| panic!("what is {word}?\n{HELP}"))).collect()
}
