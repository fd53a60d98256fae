//! Making the tree from patterns: sorted, then parted level by level. Few large buffers, which go back when it is made.

use std::ops::Range;

use super::super::step::Step;
use super::{Head, NODE_BITS, Node, Tree, hash, pair_of};

/// Patterns as they are gathered, with the step that each is. A pattern may come many times.
#[derive(Default)]
pub(in super::super) struct Patterns {
    text: String,
    list: Vec<Pattern>,
}

struct Pattern {
    /// Its first octets as a number, by which most of the sorting is done.
    begin: u64,
    from: u32,
    until: u32,
    step: Step,
}

/// Patterns that begin alike up to here: a node to be.
struct Part {
    label: char,
    /// Which of the sorted patterns.
    patterns: Range<u32>,
    /// How many of their octets led here.
    depth: u32,
}

impl Patterns {
    /// Adds a pattern as a step; `None` when it is shorter than two characters, or there are too many.
    pub fn add(&mut self, pattern: &str, step: Step) -> Option<()> {
        pattern.chars().nth(1)?;
        let from = u32::try_from(self.text.len()).ok()?;
        self.text.push_str(pattern);
        let until = u32::try_from(self.text.len()).ok()?;
        let mut begin = [0; 8];
        begin.iter_mut().zip(pattern.bytes()).for_each(|(octet, of)| *octet = of);
        self.list.push(Pattern { begin: u64::from_be_bytes(begin), from, until, step });
        Some(())
    }

    /// The tree of all of them; `None` when there are too many.
    pub fn grow(mut self) -> Option<Tree> {
        let text = &self.text;
        let octets = |of: &Pattern| text.as_bytes().get(of.from as usize..of.until as usize).unwrap_or_default();
        // The same patterns stay in the order in which they came.
        self.list.sort_unstable_by(|a, b| {
            let order = a.begin.cmp(&b.begin).then_with(|| octets(a).cmp(octets(b)));
            order.then_with(|| a.from.cmp(&b.from))
        });
        let mut growing = Growing { sorted: &self, parts: Vec::new(), tails: String::new(), steps: Vec::new() };
        growing.part_by_pairs()?;
        let heads = growing.parts.len();
        let mut nodes = Vec::with_capacity(self.list.len() * 3 / 2);
        while nodes.len() < growing.parts.len() {
            nodes.push(growing.node(nodes.len())?);
        }
        nodes.push(growing.end()?);
        let heads = growing.heads(heads)?;
        let (tails, steps) = (growing.tails.into_boxed_str(), growing.steps.into_boxed_slice());
        Some(Tree { heads, nodes: nodes.into_boxed_slice(), tails, steps })
    }
}

struct Growing<'p> {
    sorted: &'p Patterns,
    /// The nodes to be, level by level.
    parts: Vec<Part>,
    tails: String,
    steps: Vec<Step>,
}

impl<'p> Growing<'p> {
    /// What follows the first octets of a sorted pattern.
    fn rest(&self, pattern: u32, depth: u32) -> &'p str {
        let of = self.sorted.list.get(pattern as usize);
        of.and_then(|of| self.sorted.text.get((of.from + depth) as usize..of.until as usize)).unwrap_or_default()
    }

    /// The first two characters of a sorted pattern.
    fn pair(&self, pattern: u32) -> Option<(char, char)> {
        let mut chars = self.rest(pattern, 0).chars();
        Some((chars.next()?, chars.next()?))
    }

    fn part_by_pairs(&mut self) -> Option<()> {
        let count = u32::try_from(self.sorted.list.len()).ok()?;
        let mut from = 0;
        while from < count {
            let (first, second) = self.pair(from)?;
            let until = (from..count).find(|at| self.pair(*at) != Some((first, second))).unwrap_or(count);
            let depth = u32::try_from(first.len_utf8() + second.len_utf8()).ok()?;
            self.parts.push(Part { label: first, patterns: from..until, depth });
            from = until;
        }
        Some(())
    }

    /// The node of a part, whose children become parts behind all others.
    fn node(&mut self, part: usize) -> Option<Node> {
        let Part { label, patterns: Range { start, end }, depth } = self.parts.get(part)?;
        let (label, start, end, mut depth) = (*label, *start, *end, *depth);
        let node = Node { label, ..self.end()? };
        // They are sorted, so what the first and the last share is shared by all.
        let (first, last) = (self.rest(start, depth), self.rest(end - 1, depth));
        let same = first.chars().zip(last.chars()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum();
        self.tails.push_str(first.get(..same)?);
        depth += u32::try_from(same).ok()?;
        let mut from = (start..end).find(|at| !self.rest(*at, depth).is_empty()).unwrap_or(end);
        self.add_steps(start..from);
        while from < end {
            let label = self.rest(from, depth).chars().next()?;
            let until = (from..end).find(|at| !self.rest(*at, depth).starts_with(label)).unwrap_or(end);
            let depth = depth + u32::try_from(label.len_utf8()).ok()?;
            self.parts.push(Part { label, patterns: from..until, depth });
            from = until;
        }
        Some(node)
    }

    /// Later steps come first, so that one hit is never two steps of the same phrase.
    fn add_steps(&mut self, patterns: Range<u32>) {
        let from = self.steps.len();
        let same = self.sorted.list.get(patterns.start as usize..patterns.end as usize).unwrap_or_default();
        for Pattern { step, .. } in same {
            let is_held = self.steps.get(from..).and_then(<[_]>::last).is_some_and(|last| last.is_same_as(*step));
            if !is_held {
                self.steps.push(*step);
            }
        }
        self.steps.get_mut(from..).unwrap_or_default().reverse();
    }

    /// A node that begins where all nodes so far end.
    fn end(&self) -> Option<Node> {
        let short = |count: usize| u32::try_from(count).ok();
        let (tail, child, steps) = (short(self.tails.len())?, short(self.parts.len())?, short(self.steps.len())?);
        Some(Node { label: '\0', tail, child, steps })
    }

    /// The table of the pairs, of which the first parts are.
    fn heads(&self, count: usize) -> Option<Box<[Head]>> {
        let mut heads = vec![Head::default(); (count * 2).next_power_of_two()].into_boxed_slice();
        let places = heads.len() - 1;
        for (number, part) in (1u64..1 << NODE_BITS).zip(self.parts.get(..count)?) {
            let (first, second) = self.pair(part.patterns.start)?;
            let pair = pair_of(first, second);
            let mut place = hash(pair) & places;
            while heads.get(place)?.0 != 0 {
                place = (place + 1) & places;
            }
            *heads.get_mut(place)? = Head(pair << NODE_BITS | number);
        }
        Some(heads).filter(|_| count < 1 << NODE_BITS)
    }
}
