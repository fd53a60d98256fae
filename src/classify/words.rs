//! Words that are looked for beside those of the rules, each list compiled once: a search per word costs more.

use aho_corasick::{AhoCorasick, BuildError, MatchKind};

use std::collections::HashMap;

use super::{language, names, object, reading};

/// The compiled lists.
#[derive(Debug)]
pub(super) struct Words {
    /// What behind a result turns its sentence to something else.
    pub turns: AhoCorasick,
    /// What an application is called, in the order of [`object::APPLICATIONS`].
    pub applications: AhoCorasick,
    /// What stands behind a person's name.
    pub honorifics: AhoCorasick,
    /// Small words, and by one bit each in which of [`language::SMALL`] they are.
    pub small: HashMap<&'static str, u32>,
}

impl Words {
    pub fn new() -> Result<Self, BuildError> {
        Ok(Self {
            turns: compile(reading::TURNS)?,
            applications: compile(object::APPLICATIONS.map(|(word, _)| word))?,
            honorifics: compile(names::HONORIFICS)?,
            small: small_words(),
        })
    }
}

fn small_words() -> HashMap<&'static str, u32> {
    let mut small = HashMap::new();
    for (bit, (_, list)) in (0u32..).zip(language::SMALL) {
        list.split(' ').for_each(|word| *small.entry(word).or_default() |= 1 << bit);
    }
    small
}

fn compile(words: impl IntoIterator<Item = &'static str>) -> Result<AhoCorasick, BuildError> {
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(words)
}
