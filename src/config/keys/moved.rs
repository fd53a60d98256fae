//! The keys of one company in a form that can be carried to another installation.

use std::collections::BTreeMap;

use crate::referral::{CompanyId, KeyOctets};

/// The first line of the form.
const FORM: &str = "career-relay company keys v1";
/// Keys of one company; nobody rotates more often.
const KEYS_MAX: usize = 1_000;

/// All keys of one company, those that were rotated out included. Its `Debug` form shows none of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MovedKeys {
    /// Whose they are.
    pub company: CompanyId,
    /// By key id. There is at least one.
    pub keys: BTreeMap<u16, KeyOctets>,
}

/// Why octets are no keys of a company.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MovedKeysFault {
    /// Something else.
    #[error("it holds no keys of a company")]
    Form,
    /// A line of it.
    #[error("line {0} of the keys cannot be read")]
    Line(usize),
}

impl MovedKeys {
    /// The form: a line for the company, and one for each key. It is a secret.
    pub fn to_text(&self) -> String {
        let line = |(id, octets): (&u16, &KeyOctets)| {
            format!("key {id} {}\n", data_encoding::HEXLOWER.encode(&octets.to_octets()))
        };
        let keys: String = self.keys.iter().map(line).collect();
        format!("{FORM}\ncompany {}\n{keys}", self.company)
    }

    /// Reads what [`Self::to_text`] wrote.
    ///
    /// # Errors
    /// [`MovedKeysFault`], which shows nothing of it.
    pub fn parse(octets: &[u8]) -> Result<Self, MovedKeysFault> {
        let text = std::str::from_utf8(octets).map_err(|_| MovedKeysFault::Form)?;
        let mut lines = text.lines();
        let company = match (lines.next(), lines.next().and_then(|line| line.strip_prefix("company "))) {
            (Some(FORM), Some(id)) => CompanyId::parse(id).map_err(|_| MovedKeysFault::Line(2))?,
            _ => return Err(MovedKeysFault::Form),
        };
        let mut keys = BTreeMap::new();
        for (number, line) in (3..).zip(lines) {
            let (id, octets) = key(line).ok_or(MovedKeysFault::Line(number))?;
            if keys.insert(id, octets).is_some() || keys.len() > KEYS_MAX {
                return Err(MovedKeysFault::Line(number));
            }
        }
        if keys.is_empty() { Err(MovedKeysFault::Form) } else { Ok(Self { company, keys }) }
    }
}

fn key(line: &str) -> Option<(u16, KeyOctets)> {
    let (id, octets) = line.strip_prefix("key ")?.split_once(' ')?;
    let octets = data_encoding::HEXLOWER.decode(octets.as_bytes()).ok()?;
    Some((id.parse().ok().filter(|id| *id > 0)?, KeyOctets::from_octets(&octets)?))
}
