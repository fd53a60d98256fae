//! What one text says: scores for the questions, the results that stand as fact, the vetoes.

use memchr::memmem;

use super::fold::Folded;
use super::object;
use super::rules::{Kind, Proof, Rule, Rules};
use super::scan::{Hit, scan};
use super::verdict::{Lang, Reason};

/// How far behind a result its condition or denial may stand, in octets (some twenty-four Japanese characters).
const SCOPE_OCTETS_MAX: usize = 72;
/// Applicant weight of a result that is clear whatever stands behind it.
const APPLICANT_MIN: u32 = 2;
/// Where a clause ends and another begins within a sentence.
const CLAUSE_ENDS: &[&str] = &["が、", "ため、", "ので、"];

/// Words behind a result that turn the sentence to something else.
pub(super) const TURNS: [&str; 8] =
    ["が、", "けれど", "いただき、", "ものの、", ", but ", ", however", ", and you will", "; however"];
/// Octets behind a result in which a turn is looked for, and behind the turn in which it is looked whether it is kind.
const TURN_OCTETS_MAX: usize = 240;

/// One text, read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub folded: Folded,
    pub hits: Vec<Hit>,
    /// Sum of weights over the distinct rules that speak for recruiting.
    pub recruiting: u32,
    /// Whether what is applied for is a job, or something else; `None` when no noun says so.
    pub target: Option<bool>,
    /// What beside that tells a job from a prize or a flat.
    pub proofs: Vec<Proof>,
    /// Whether a sentence thanks the reader for what an applicant does.
    pub thanked: bool,
    /// The same for the addressee being the applicant.
    pub applicant: u32,
    /// The same for what stands beside results: regret, papers, wishes.
    pub support: u32,
    /// Results stated as fact, as indexes into `hits`.
    pub results: Vec<usize>,
    /// A result stands in a condition.
    pub conditional: bool,
    /// A result's sentence goes on to something that is neither regret nor wishes: it may well take the result back.
    pub turned: bool,
    /// The veto that wins.
    pub veto: Option<Reason>,
    /// The one that wins among those that nothing sets aside.
    pub sure_veto: Option<Reason>,
    /// The one that wins among those that hold however much the text reads like a rejection.
    pub grave_veto: Option<Reason>,
}

/// Reads a folded text.
pub(super) fn read(folded: Folded, rules: &Rules) -> Reading {
    let hits = scan(&folded, rules);
    read_hits(folded, hits, rules)
}

/// Reads it as if these were all the words of the rules that stand in it.
pub(super) fn read_hits(folded: Folded, hits: Vec<Hit>, rules: &Rules) -> Reading {
    let mut reading = Reading { folded, hits, ..Reading::default() };
    reading.sum(rules);
    reading.find_thanks(rules);
    reading.target = object::find_target(&reading.folded, &reading.hits, rules);
    reading.find_results(rules);
    reading.find_veto(rules);
    reading
}

impl Reading {
    /// The reading of another text, known already where that says the very same: the two forms of one mail mostly do.
    pub fn of_sibling(&self, folded: Folded, rules: &Rules) -> Self {
        if !folded.says_the_same_as(&self.folded) {
            return read(folded, rules);
        }
        let (hits, proofs, results) = (self.hits.clone(), self.proofs.clone(), self.results.clone());
        Self { folded, hits, proofs, results, ..*self }
    }

    fn sum(&mut self, rules: &Rules) {
        let mut seen = vec![false; rules.list.len()];
        for hit in &self.hits {
            let (Some(rule), Some(seen)) = (rules.list.get(hit.rule), seen.get_mut(hit.rule)) else { continue };
            if std::mem::replace(seen, true) {
                continue;
            }
            self.proofs.extend(rule.proof);
            match rule.kind {
                Kind::Recruiting => self.recruiting += rule.weight,
                Kind::Applicant => self.applicant += rule.weight,
                Kind::Support | Kind::Wish => self.support += rule.weight,
                _ => {}
            }
        }
    }

    fn find_veto(&mut self, rules: &Rules) {
        let clear = self.clear_result(rules);
        let (mut veto, mut sure_veto, mut grave_veto) = (None, None, None);
        for hit in &self.hits {
            let Some(rule) = rules.list.get(hit.rule) else { continue };
            let Kind::Veto(reason) = rule.kind else { continue };
            if reason == Reason::BusinessMail && clear.is_some_and(|result| self.is_stray(hit, result, rules)) {
                continue;
            }
            veto = veto.into_iter().chain([reason]).min();
            if !rule.weak {
                sure_veto = sure_veto.into_iter().chain([reason]).min();
                let grave = Some(reason).filter(|reason| !reason.may_stand_in_rejections(rule.firm));
                grave_veto = grave_veto.into_iter().chain(grave).min();
            }
        }
        (self.veto, self.sure_veto, self.grave_veto) = (veto, sure_veto, grave_veto);
    }

    /// Whether a word of another matter is of no weight: behind the result, or apart from what is applied for.
    fn is_stray(&self, hit: &Hit, result: usize, rules: &Rules) -> bool {
        let applied = || [Kind::Act, Kind::Applicant].iter().any(|kind| self.has_in(hit.sentence, *kind, rules));
        hit.sentence > result || self.target == Some(true) && !applied()
    }

    /// The sentence of a result that names the application for a job: words of other matters behind it are of papers
    /// to be shredded, or of the company's own trade.
    fn clear_result(&self, rules: &Rules) -> Option<usize> {
        let applicant = self.thanked || self.applicant >= APPLICANT_MIN;
        let hit = self.main_result(rules)?;
        let is_job = |hit: &Hit| rules.list.get(hit.rule).is_some_and(|rule| rule.proof == Some(Proof::Job));
        let job = self.hits.iter().take_while(|other| other.sentence <= hit.sentence).any(is_job)
            && self.target != Some(false)
            || self.target == Some(true);
        (applicant && job).then_some(hit.sentence)
    }

    /// Looks for a sentence with thanks and an applicant's act in it, and nobody else.
    fn find_thanks(&mut self, rules: &Rules) {
        let kind = |hit: &Hit| rules.list.get(hit.rule).map(|rule| rule.kind);
        let of_sentence = |hits: &[Hit], wanted| hits.iter().any(|hit| kind(hit) == Some(wanted));
        self.thanked = self.hits.chunk_by(|a, b| a.sentence == b.sentence).any(|hits| {
            of_sentence(hits, Kind::Thanks) && of_sentence(hits, Kind::Act) && !of_sentence(hits, Kind::Stranger)
        });
    }

    fn find_results(&mut self, rules: &Rules) {
        let kind = |hit: &Hit| rules.list.get(hit.rule).map(|rule| rule.kind);
        let brackets = brackets(&self.folded.text);
        let mut condition_in = None;
        for (index, hit) in self.hits.iter().enumerate() {
            match kind(hit) {
                Some(Kind::ConditionBefore) => condition_in = Some((hit.sentence, hit.end)),
                Some(Kind::Negative) => {
                    let before = condition_in.is_some_and(|(sentence, end)| sentence == hit.sentence && end <= hit.end);
                    // A hint states nothing, so no condition and no turn of it is one of the mail.
                    let stated = self.weight(index, rules) > Some(0);
                    match self.limit_after(index, hit, rules) {
                        Some(Kind::ConditionAfter) => self.conditional |= stated,
                        _ if before => self.conditional |= stated,
                        Some(_) => {}
                        None if object::is_of_other(&self.folded, &self.hits, hit, rules) => {}
                        None if is_spoken_of(&brackets, hit.start) && !is_quoted_outcome(&self.folded.text, hit) => {
                            self.conditional |= stated;
                        }
                        None => {
                            self.turned |= stated && self.turns_after(index, hit, rules);
                            self.results.push(index);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// What right behind a result takes it back or makes it a condition.
    fn limit_after(&self, index: usize, result: &Hit, rules: &Rules) -> Option<Kind> {
        let reach = result.end + SCOPE_OCTETS_MAX;
        let near =
            self.hits.iter().skip(index + 1).take_while(|hit| hit.start < reach && hit.sentence == result.sentence);
        // The count bounds a text made of nothing but hits.
        near.take(64).filter(|hit| hit.start >= result.end && self.is_one_clause(result.end, hit.start)).find_map(
            |hit| {
                let kind = rules.list.get(hit.rule)?.kind;
                matches!(kind, Kind::ConditionAfter | Kind::Denial).then_some(kind)
            },
        )
    }

    /// Whether the sentence turns to something else behind the result, without regret, wishes or papers in it.
    fn turns_after(&self, index: usize, result: &Hit, rules: &Rules) -> bool {
        let end = self.folded.sentence_end(result.sentence).min(result.end + TURN_OCTETS_MAX);
        let end = (result.end..=end).rev().find(|end| self.folded.text.is_char_boundary(*end)).unwrap_or(result.end);
        let rest = self.folded.text.get(result.end..end).unwrap_or_default();
        let Some(turn) = rules.words.turns.find(rest).map(|turn| turn.start()) else { return false };
        let behind = self.hits.iter().skip(index + 1).take_while(|hit| hit.sentence == result.sentence).take(64);
        let kind = |hit: &Hit| rules.list.get(hit.rule).map(|rule| rule.kind);
        !behind
            .filter(|hit| hit.start > result.end + turn)
            .any(|hit| matches!(kind(hit), Some(Kind::Wish | Kind::Continuation | Kind::Support | Kind::Thanks)))
    }

    fn is_one_clause(&self, from: usize, until: usize) -> bool {
        let between = self.folded.text.get(from..until).unwrap_or_default();
        !CLAUSE_ENDS.iter().any(|end| between.contains(end))
    }

    /// The first reason of the vetoes in that language, whatever stands beside them.
    pub fn veto_of(&self, language: Lang, rules: &Rules) -> Option<Reason> {
        let of_hit = |hit: &Hit| match rules.list.get(hit.rule)? {
            Rule { kind: Kind::Veto(reason), language: of, .. } if *of == language => Some(*reason),
            _ => None,
        };
        self.hits.iter().filter_map(of_hit).min()
    }

    /// Weight of the strongest result that stands as fact.
    pub fn strength(&self, rules: &Rules) -> u32 {
        self.results.iter().filter_map(|index| self.weight(*index, rules)).max().unwrap_or(0)
    }

    /// The result to put the line behind: the first that is more than a soft one, else the first that states it, else
    /// the first hint.
    pub fn main_result(&self, rules: &Rules) -> Option<&Hit> {
        let least = |least| self.results.iter().find(move |index| self.weight(**index, rules) >= Some(least));
        let main = least(2).or_else(|| least(1)).or(self.results.first());
        main.and_then(|index| self.hits.get(*index))
    }

    /// Whether the sentence holds words of that kind.
    pub fn has_in(&self, sentence: usize, wanted: Kind, rules: &Rules) -> bool {
        let from = self.hits.partition_point(|hit| hit.sentence < sentence);
        let of_sentence = self.hits.iter().skip(from).take_while(|hit| hit.sentence == sentence);
        of_sentence.into_iter().any(|hit| rules.list.get(hit.rule).is_some_and(|rule| rule.kind == wanted))
    }

    fn weight(&self, index: usize, rules: &Rules) -> Option<u32> {
        rules.list.get(self.hits.get(index)?.rule).map(|rule| rule.weight)
    }
}

/// Where 「 and 」 and quotation marks stand, and whether it is the one that opens.
fn brackets(text: &str) -> Vec<(usize, bool)> {
    let all = |bracket: &'static str, opens| memmem::find_iter(text.as_bytes(), bracket).map(move |at| (at, opens));
    let straight = memchr::memchr_iter(b'"', text.as_bytes()).enumerate().map(|(count, at)| (at, count % 2 == 0));
    let paired = all("「", true).chain(all("」", false)).chain(all("“", true)).chain(all("”", false));
    let mut brackets: Vec<(usize, bool)> = paired.chain(straight).collect();
    brackets.sort_unstable();
    brackets
}

/// Whether the words are an outcome in brackets of its own that is told: 結果は「不採用」です.
fn is_quoted_outcome(text: &str, hit: &Hit) -> bool {
    let opens = text.get(..hit.start).is_some_and(|before| before.ends_with('「'));
    let told = |behind: &str| ["です", "とな", "とさせ", "でした", "でござ"].iter().any(|end| behind.starts_with(end));
    opens && text.get(hit.end..).and_then(|behind| behind.strip_prefix('」')).is_some_and(told)
}

/// Whether the offset is inside 「」 or quotation marks: such words are spoken of, and not said.
fn is_spoken_of(brackets: &[(usize, bool)], offset: usize) -> bool {
    let before = brackets.partition_point(|(at, _)| *at < offset);
    before.checked_sub(1).and_then(|last| brackets.get(last)).is_some_and(|(_, opens)| *opens)
}
