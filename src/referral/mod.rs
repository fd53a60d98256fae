//! Who refers and who is referred: company ids, candidate keys, link tokens, the canonical address behind a key, and
//! the words and the link of the line.

pub mod canonical;
pub mod carrier;
pub mod company;
pub mod domains;
pub mod exclusion;
pub mod key;
pub mod language;
pub mod lead;
pub mod link;
pub mod optout;
pub mod return_path;
pub mod token;
pub mod traits;
pub mod wording;

pub use canonical::canonical;
pub use company::CompanyId;
pub use domains::DomainClass;
pub use key::{CandidateKey, CompanyKeys, KeyOctets, OptOutKey};
pub use optout::{OptOut, OptOutSource, OptOuts};
pub use token::LinkToken;
pub use traits::{Mark, Traits};
