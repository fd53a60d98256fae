//! Checkpoints: the heads of all companies' chains at one moment, signed, in a text that the other side keeps.
//!
//! A chain proves its own past and not its end: whoever holds an earlier checkpoint can tell that entries behind it are
//! gone, that the past was written anew, or that two sides were given two pasts.

use std::collections::BTreeMap;
use std::fmt;

use data_encoding::HEXLOWER;
use jiff::Timestamp;

use super::chain::Hash;
use super::signature::{PublicKey, Signature};
use crate::referral::CompanyId;

/// The first line of what is signed.
const FORM: &str = "career-relay checkpoint v1";
const BEGIN: &str = "-----BEGIN CAREER-RELAY CHECKPOINT-----";
const END: &str = "-----END CAREER-RELAY CHECKPOINT-----";

/// The name of a ledger: drawn when it was made, and the same in every copy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LedgerName(pub [u8; 16]);

impl LedgerName {
    /// Reads 32 hexadecimal characters.
    pub fn parse(text: &str) -> Option<Self> {
        HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for LedgerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

/// Where one company's chain ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// The number of its last entry, 0 for none.
    pub seq: u64,
    /// The hash of that entry.
    pub hash: Hash,
}

/// All heads at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// Of which ledger.
    pub ledger: LedgerName,
    /// When; never before the newest entry it covers was posted.
    pub at: Timestamp,
    /// Who signs it.
    pub key: PublicKey,
    /// The heads.
    pub heads: BTreeMap<CompanyId, Head>,
}

/// A checkpoint with its signature, which holds or not: [`SignedCheckpoint::holds`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedCheckpoint {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The signature.
    pub signature: Signature,
}

/// Why a text that begins as a checkpoint is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CheckpointFault {
    /// Its end is missing.
    #[error("the checkpoint that begins in line {0} is cut off: its last line is missing")]
    Cut(usize),
    /// A line of it.
    #[error("line {0} of the checkpoint cannot be read: it was changed, or is of a newer version")]
    Line(usize),
    /// Something it cannot be without.
    #[error("the checkpoint that begins in line {0} lacks a line: ledger, at, key or signature")]
    Lacks(usize),
}

impl Checkpoint {
    /// The canonical record, which is what is signed.
    pub fn record(&self) -> String {
        let head = |(company, head): (&CompanyId, &Head)| {
            format!("head {company} {} {}\n", head.seq, HEXLOWER.encode(&head.hash))
        };
        let heads: String = self.heads.iter().map(head).collect();
        format!("{FORM}\nledger {}\nat {}\nkey {}\n{heads}", self.ledger, self.at, self.key)
    }
}

impl SignedCheckpoint {
    /// The text that the other side keeps: a few lines, which may stand anywhere in a mail or a file.
    pub fn to_text(&self) -> String {
        let record = self.checkpoint.record();
        let lines = record.strip_prefix(FORM).unwrap_or(&record);
        format!("{BEGIN}{lines}signature {}\n{END}\n", self.signature)
    }

    /// Whether the key that it names has signed it.
    pub fn holds(&self) -> bool {
        self.checkpoint.key.has_signed(&self.checkpoint.record(), &self.signature)
    }

    /// Every checkpoint in a text, in its order, with the line it begins in. What stands around them is passed over,
    /// and so are blanks at the ends of lines, which mail may add or take.
    pub fn find_all(text: &str) -> Vec<(usize, Result<Self, CheckpointFault>)> {
        let mut lines = (1..).zip(text.lines().map(str::trim));
        let mut found = Vec::new();
        while let Some((begin, line)) = lines.next() {
            if line == BEGIN {
                found.push((begin, read(begin, &mut lines)));
            }
        }
        found
    }
}

/// Reads the lines behind the first one.
fn read<'t>(
    begin: usize,
    lines: &mut impl Iterator<Item = (usize, &'t str)>,
) -> Result<SignedCheckpoint, CheckpointFault> {
    let (mut ledger, mut at, mut key, mut signature) = (None, None, None, None);
    let mut heads = BTreeMap::new();
    for (number, line) in lines {
        if line == END {
            let parts = (|| Some((ledger?, at?, key?, signature?)))();
            let (ledger, at, key, signature) = parts.ok_or(CheckpointFault::Lacks(begin))?;
            return Ok(SignedCheckpoint { checkpoint: Checkpoint { ledger, at, key, heads }, signature });
        }
        let wrong = CheckpointFault::Line(number);
        let (word, rest) = line.split_once(' ').ok_or(wrong)?;
        let is_new = match word {
            "ledger" => ledger.replace(LedgerName::parse(rest).ok_or(wrong)?).is_none(),
            "at" => at.replace(rest.parse().map_err(|_| wrong)?).is_none(),
            "key" => key.replace(PublicKey::parse(rest).ok_or(wrong)?).is_none(),
            "signature" => signature.replace(Signature::parse(rest).ok_or(wrong)?).is_none(),
            "head" => {
                let (company, head) = head(rest).ok_or(wrong)?;
                heads.insert(company, head).is_none()
            }
            _ => false,
        };
        if !is_new {
            return Err(wrong);
        }
    }
    Err(CheckpointFault::Cut(begin))
}

fn head(text: &str) -> Option<(CompanyId, Head)> {
    let mut words = text.split(' ');
    let (company, seq, hash) = (words.next()?, words.next()?, words.next()?);
    let hash = HEXLOWER.decode(hash.as_bytes()).ok()?.try_into().ok()?;
    let head = Head { seq: seq.parse().ok()?, hash };
    words.next().is_none().then_some((CompanyId::parse(company).ok()?, head))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> SignedCheckpoint {
        let company = |id| CompanyId::parse(id).unwrap();
        let heads =
            [(company("momiji"), Head { seq: 0, hash: [2; 32] }), (company("kaede"), Head { seq: 34, hash: [1; 32] })];
        let checkpoint = Checkpoint {
            ledger: LedgerName([5; 16]),
            at: Timestamp::from_microsecond(1_800_000_000_000_001).unwrap(),
            key: PublicKey::new([7; 32]),
            heads: heads.into_iter().collect(),
        };
        SignedCheckpoint { checkpoint, signature: Signature::new([9; 64]) }
    }

    fn found(text: &str) -> Vec<Result<SignedCheckpoint, CheckpointFault>> {
        SignedCheckpoint::find_all(text).into_iter().map(|(_, found)| found).collect()
    }

    #[test]
    fn the_text_is_stable_and_read_back_also_out_of_a_mail() {
        let text = checkpoint().to_text();
        assert_eq!(
            text,
            format!(
                "{BEGIN}\nledger 05050505050505050505050505050505\nat 2027-01-15T08:00:00.000001Z\n\
                 key ed25519:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\nhead kaede 34 {}\nhead momiji 0 {}\n\
                 signature {}\n{END}\n",
                "01".repeat(32),
                "02".repeat(32),
                checkpoint().signature,
            )
        );
        assert_eq!(found(&text), [Ok(checkpoint())]);
        let mail = format!("\u{feff}Dear all,\r\n\r\n{}\r\nRegards\r\n{text}", text.replace('\n', " \r\n"));
        assert_eq!(found(&mail), [Ok(checkpoint()), Ok(checkpoint())]);
        assert_eq!(found("nothing of the kind"), []);
    }

    #[test]
    fn every_value_is_in_the_record() {
        let base = checkpoint().checkpoint;
        let other = |change: fn(&mut Checkpoint)| {
            let mut other = base.clone();
            change(&mut other);
            assert_ne!(other.record(), base.record());
        };
        other(|c| c.ledger.0[0] ^= 1);
        other(|c| c.at = Timestamp::UNIX_EPOCH);
        other(|c| c.key = PublicKey::new([8; 32]));
        other(|c| drop(c.heads.pop_first()));
        other(|c| c.heads.values_mut().for_each(|head| head.seq += 1));
        other(|c| c.heads.values_mut().for_each(|head| head.hash[31] ^= 1));
    }

    #[test]
    fn a_text_with_a_line_too_many_or_too_few_is_told_by_its_line() {
        let text = checkpoint().to_text();
        let lines: Vec<&str> = text.lines().collect();
        for at in 1..lines.len() {
            let without: Vec<&str> = lines.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, l)| *l).collect();
            let is_head = lines[at].starts_with("head");
            assert_eq!(found(&without.join("\n"))[0].is_ok(), is_head, "without {}", lines[at]);
            let mut doubled = lines.clone();
            doubled.insert(at, lines[at]);
            let is_end = lines[at] == END;
            let expected = if is_end { Ok(checkpoint()) } else { Err(CheckpointFault::Line(at + 2)) };
            assert_eq!(found(&doubled.join("\n"))[0], expected, "twice {}", lines[at]);
        }
        assert_eq!(found(&text.replace("head kaede 34", "head kaede 34 x"))[0], Err(CheckpointFault::Line(5)));
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_is_what_is_written(text in "(head|at|key|ledger|signature|x)?[ -~]{0,80}", at in 1usize..7) {
            let whole = checkpoint().to_text();
            let mut lines: Vec<&str> = whole.lines().collect();
            lines[at] = &text;
            for read in found(&lines.join("\n")).into_iter().flatten() {
                proptest::prop_assert_eq!(found(&read.to_text()), [Ok(read)]);
            }
        }
    }
}
