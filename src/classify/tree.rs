//! All patterns of the rules as one tree, which finds them in a text in one pass.
//!
//! A walk begins at each character where a word may begin. The pair of characters that stands there says whether any
//! pattern begins so, and mostly none does. A word that goes on is never walked from, so English costs a walk a word.
//! The tree lies flat, level by level: children, tail and steps of a node end where those of the next one begin.

use super::step::Step;

mod grow;

pub(super) use grow::Patterns;

/// Patterns that overlap one another: room for so many is made at once.
const BATCH_USUAL: usize = 32;
/// Bits of a [`Head`] that hold the number of its node, plus one.
const NODE_BITS: u32 = 22;
/// Bits of a character.
const CHAR_BITS: u32 = 21;

/// The patterns, ready to be looked for.
#[derive(Debug)]
pub(super) struct Tree {
    /// The pairs that patterns begin with, each at its hash or behind it; a power of two of them.
    heads: Box<[Head]>,
    /// The nodes and one more, where the last of them ends.
    nodes: Box<[Node]>,
    tails: Box<str>,
    steps: Box<[Step]>,
}

/// Two characters, then the number of their node plus one; nought is no pair.
#[derive(Clone, Copy, Debug, Default)]
struct Head(u64);

/// A place in the tree where patterns part or end.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// The character that leads here from its parent.
    label: char,
    /// Where that begins which follows the label without any choice.
    tail: u32,
    /// The first of its children, which stand in order of their labels.
    child: u32,
    /// The first of the steps that the pattern is which ends here.
    steps: u32,
}

/// A pattern in the text. They are in order of their ends, and of those that end alike the longest is the first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Found {
    end: usize,
    start: usize,
    node: usize,
}

impl Tree {
    /// Finds all patterns that begin where a word may, in order of their ends, and of those that end alike the longest
    /// first: where each begins and ends, and the steps that it is, later steps of a phrase first.
    pub fn find<'t>(&'t self, text: &str, mut take: impl FnMut(usize, usize, &'t [Step])) {
        let mut batch = Vec::with_capacity(BATCH_USUAL);
        let mut take_all = |batch: &mut Vec<Found>| {
            batch.sort_unstable();
            batch.drain(..).for_each(|found| take(found.start, found.end, self.steps_of(found.node)));
        };
        let (mut reach, mut rest, mut goes_on) = (0, text, false);
        loop {
            let mut chars = rest.chars();
            let Some(first) = chars.next() else { break };
            let (start, behind) = (text.len() - rest.len(), chars.as_str());
            let Some(second) = chars.next() else { break };
            let is_letter = is_letter_of_word(first);
            let is_within = std::mem::replace(&mut goes_on, is_letter) && is_letter;
            let node = if is_within { None } else { self.beginning_with(first, second) };
            if let Some(node) = node {
                // What is found from here on ends behind all that was found before.
                if start >= reach && !batch.is_empty() {
                    take_all(&mut batch);
                }
                self.walk(node, chars.as_str(), |node, rest| {
                    let end = text.len() - rest;
                    batch.push(Found { end, start, node });
                    reach = reach.max(end);
                });
            }
            // No other pattern begins within a word.
            let word = if first.is_ascii() && is_letter { ascii_word(behind) } else { 0 };
            rest = behind.get(word..).unwrap_or_default();
        }
        take_all(&mut batch);
    }

    /// The node of the patterns that begin with these characters.
    fn beginning_with(&self, first: char, second: char) -> Option<usize> {
        let pair = pair_of(first, second);
        let places = self.heads.len().checked_sub(1)?;
        let mut place = hash(pair) & places;
        loop {
            let head = self.heads.get(place).filter(|head| head.0 != 0)?;
            if head.0 >> NODE_BITS == pair {
                return usize::try_from(head.0 & ((1 << NODE_BITS) - 1)).ok()?.checked_sub(1);
            }
            place = (place + 1) & places;
        }
    }

    /// Goes from a node as far as the text does; tells where patterns end, and how many octets are behind them.
    fn walk(&self, mut node: usize, mut text: &str, mut found: impl FnMut(usize, usize)) {
        while let Some([this, next]) = self.nodes.get(node..node + 2) {
            let tail = self.tails.get(this.tail as usize..next.tail as usize).unwrap_or_default();
            // Most tails are empty or a word's end: a loop is there before a call would be.
            if text.len() < tail.len() || text.bytes().zip(tail.bytes()).any(|(a, b)| a != b) {
                return;
            }
            let rest = text.get(tail.len()..).unwrap_or_default();
            if this.steps < next.steps {
                found(node, rest.len());
            }
            let children = self.nodes.get(this.child as usize..next.child as usize).unwrap_or_default();
            let mut behind = rest.chars();
            let Some(c) = behind.next() else { return };
            let Ok(child) = children.binary_search_by_key(&c, |child| child.label) else { return };
            (node, text) = (this.child as usize + child, behind.as_str());
        }
    }

    /// The steps that the pattern is which ends at a node.
    fn steps_of(&self, node: usize) -> &[Step] {
        let begin = |node: usize| self.nodes.get(node).map_or(0, |node| node.steps as usize);
        self.steps.get(begin(node)..begin(node + 1)).unwrap_or_default()
    }
}

fn pair_of(first: char, second: char) -> u64 {
    u64::from(first) << CHAR_BITS | u64::from(second)
}

fn hash(pair: u64) -> usize {
    usize::try_from(pair.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40).unwrap_or_default()
}

/// Whether a word of an alphabet goes on across the offset: such words match whole, or by a stem that says so.
pub(super) fn is_in_word(text: &str, at: usize) -> bool {
    let (Some(before), Some(behind)) = (text.get(..at), text.get(at..)) else { return false };
    behind.chars().next().is_some_and(is_letter_of_word) && before.chars().next_back().is_some_and(is_letter_of_word)
}

/// Octets of a word's letters and digits that a text begins with.
fn ascii_word(text: &str) -> usize {
    text.bytes().position(|octet| !octet.is_ascii_alphanumeric()).unwrap_or(text.len())
}

/// Letters and digits of Latin, Greek and Cyrillic words, which blanks keep apart.
fn is_letter_of_word(c: char) -> bool {
    // Most text is Japanese, which one look tells.
    c < '\u{1f00}' && (c.is_ascii_alphanumeric() || matches!(c, '\u{c0}'..='\u{52f}' | '\u{1e00}'..='\u{1eff}'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tree(patterns: &[&str]) -> Tree {
        let mut gathered = Patterns::default();
        for (number, pattern) in patterns.iter().enumerate() {
            gathered.add(pattern, Step::new(number, 0, false).expect("a step")).expect("a pattern");
        }
        gathered.grow().expect("a tree")
    }

    fn found(tree: &Tree, text: &str) -> Vec<(usize, usize, usize)> {
        let mut all = Vec::new();
        tree.find(text, |start, end, steps| all.extend(steps.iter().map(|step| (start, end, step.phrase()))));
        all
    }

    #[test]
    fn each_pattern_has_its_own_steps_and_later_ones_first() {
        let step = |phrase, number, open| Step::new(phrase, number, open).expect("a step");
        let mut gathered = Patterns::default();
        for (pattern, step) in [
            ("採用", step(0, 0, false)),
            ("見送り", step(0, 1, false)),
            ("採用", step(0, 1, false)),
            ("採用", step(0, 1, true)),
            ("見送", step(7, 0, true)),
        ] {
            gathered.add(pattern, step).expect("a pattern");
        }
        let tree = gathered.grow().expect("a tree");
        let mut all = Vec::new();
        tree.find("採用を見送り", |_, _, steps| all.push(steps.to_vec()));
        let expected = [vec![step(0, 1, false), step(0, 0, false)], vec![step(7, 0, true)], vec![step(0, 1, false)]];
        assert_eq!(all, expected);
    }

    #[test]
    fn a_word_is_not_found_within_another() {
        let tree = tree(&["art", "part of", "応募"]);
        assert_eq!(found(&tree, "a part of art応募"), [(2, 9, 1), (10, 13, 0), (13, 19, 2)]);
        assert_eq!(found(&tree, "party of"), []);
        assert_eq!(found(&Patterns::default().grow().expect("no tree"), "応募"), []);
    }

    #[test]
    fn a_pattern_of_one_character_is_refused() {
        assert_eq!(Patterns::default().add("応", Step::new(0, 0, false).expect("a step")), None);
    }

    proptest! {
        #[test]
        fn the_tree_finds_what_a_search_for_each_pattern_finds(
            patterns in proptest::collection::btree_set("[あいab. ]{2,6}", 1..24),
            text in "[あいab. ]{0,60}",
        ) {
            let (text, patterns) = (text.as_str(), patterns.iter().map(String::as_str).collect::<Vec<_>>());
            let begins = text.char_indices().map(|(at, _)| at).filter(|at| !is_in_word(text, *at));
            let at = |start: usize| {
                let here = patterns.iter().enumerate().filter(move |(_, pattern)| text[start..].starts_with(**pattern));
                here.map(move |(number, pattern)| (start, start + pattern.len(), number))
            };
            let mut expected: Vec<_> = begins.flat_map(at).collect();
            expected.sort_by_key(|(start, end, _)| (*end, *start));
            prop_assert_eq!(found(&tree(&patterns), text), expected);
        }
    }
}
