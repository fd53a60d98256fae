//! Words that are looked for beside those of the rules, each list compiled once: a search per word costs more.

use aho_corasick::{AhoCorasick, BuildError, MatchKind};

use super::{names, object, reading};

/// The compiled lists.
#[derive(Debug)]
pub(super) struct Words {
    /// What behind a result turns its sentence to something else.
    pub turns: AhoCorasick,
    /// What an application is called, in the order of [`object::APPLICATIONS`].
    pub applications: AhoCorasick,
    /// What stands behind a person's name.
    pub honorifics: AhoCorasick,
}

impl Words {
    pub fn new() -> Result<Self, BuildError> {
        Ok(Self {
            turns: compile(reading::TURNS)?,
            applications: compile(object::APPLICATIONS.map(|(word, _)| word))?,
            honorifics: compile(names::HONORIFICS)?,
        })
    }
}

fn compile(words: impl IntoIterator<Item = &'static str>) -> Result<AhoCorasick, BuildError> {
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(words)
}
