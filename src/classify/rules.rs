//! The rules as data: read from TOML, folded like the text, compiled once into one tree.

use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::fold::{PhraseFolder, is_han};
use super::gate::Gate;
use super::marks::print_of;
use super::model::Model;
use super::others::Others;
use super::spell::{Sets, one_choice, spell_out, spellings};
use super::step::Step;
use super::tree::{Patterns, Tree};
use super::verdict::{Lang, Reason};
use super::words::Words;

/// Stands in a phrase for a short gap within one sentence.
const GAP: char = '~';
/// Stands at the end of a stem, whose word may go on.
const STEM: char = '*';
/// Longest gap, in octets of folded text (some sixteen Japanese characters).
const GAP_OCTETS: u16 = 48;
/// The same between the parts of a Japanese result, which stand apart for politeness: `採用は、誠に…ながら、見送り`.
/// What may not stand between them is listed (rules of kind `barrier`).
const GAP_OCTETS_RESULT: u16 = 78;

/// All rules, ready to read text with.
#[derive(Debug)]
pub struct Rules {
    /// All patterns of all phrases.
    pub(super) tree: Tree,
    /// What every recruiting text in Japanese holds something of.
    pub(super) gate: Gate,
    pub(super) words: Arc<Words>,
    pub(super) phrases: Box<[Phrase]>,
    pub(super) list: Box<[Rule]>,
    /// What is asked where the rules are not sure by themselves.
    pub(super) model: Arc<Model>,
    /// The rules of other languages.
    pub(super) others: Others,
    /// The one such language whose texts alone are read with them.
    pub(super) alone: Option<Lang>,
}

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub id: Arc<str>,
    pub language: Lang,
    pub kind: Kind,
    pub weight: u32,
    /// A veto that holds even inside the words of a negative result.
    pub firm: bool,
    /// A veto of words that stand in rejections too: one that the model may set aside.
    pub weak: bool,
    /// What its words tell of the matter being a job.
    pub proof: Option<Proof>,
    /// Whether the model finds its words, and no phrase does.
    pub heard: bool,
    /// What the model knows it by.
    pub print: u32,
}

/// How words of recruiting tell a job from a prize, a school or a flat, which have applications and results too.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Proof {
    /// Said of jobs alone.
    Job,
    /// Taking on: said of manuscripts and proposals too.
    Hiring,
    /// An interview or a stage before one: committees and prizes have them too.
    Interview,
    /// Applying to the writer: said of prizes and schemes of companies too.
    Employer,
}

/// What the words of a rule mean.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Recruiting,
    Negative,
    Applicant,
    Veto(Reason),
    /// Makes what follows it in the sentence a condition.
    ConditionBefore,
    /// Makes what stands right before it a condition, a possibility or hearsay.
    ConditionAfter,
    /// Takes back what stands right before it.
    Denial,
    /// The closing wishes.
    Wish,
    /// Goes on with the result: asks to understand it.
    Continuation,
    /// Regret, papers: stands beside results.
    Support,
    /// Thanks.
    Thanks,
    /// What an applicant does, and is thanked for.
    Act,
    /// A person who is neither the writer nor the reader.
    Stranger,
    /// A noun of jobs and employers, as what is applied for.
    Target,
    /// A noun of hiring, as what is passed over.
    Object,
    /// May not stand between the parts of a result: the later part then speaks of something else.
    Barrier,
}

/// One phrase of a rule, or of its exceptions. There are thousands, so it is small.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phrase {
    pub rule: u32,
    /// Number of its steps.
    pub steps: u16,
    /// Where the state of its first step is kept while reading; its last step has no state.
    pub slot: u16,
    /// Whether it is an exception: hits of its rule inside it do not count.
    pub excepts: bool,
    /// Longest gap between two of its steps, in octets.
    pub gap: u16,
    /// Whether a barrier between its steps parts them.
    pub stops: bool,
}

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesFault {
    /// Not TOML, or not of the form of rules.
    #[error("rules are not readable: {0}")]
    Form(String),
    /// A rule that says nothing, or says it wrongly.
    #[error("rule {rule}: {what}")]
    Rule {
        /// Its id.
        rule: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The file of weights is none.
    #[error("the weights are not those of a model")]
    Weights,
    /// They cannot be made into what finds them.
    #[error("rules cannot be compiled: {0}")]
    Compile(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    /// Named lists of words, for phrases to name: `採用~<no>`.
    #[serde(default)]
    sets: BTreeMap<String, Vec<String>>,
    rule: Vec<RuleText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    id: String,
    kind: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default = "one")]
    weight: u32,
    #[serde(default)]
    firm: bool,
    #[serde(default)]
    weak: bool,
    #[serde(default)]
    proof: Option<Proof>,
    phrases: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
}

fn one() -> u32 {
    1
}

impl RuleText {
    /// The rule with the words of each set it names in the place of the name.
    fn with_sets(self, sets: &Sets) -> Result<Self, RulesFault> {
        let spell = |list: &[String]| list.iter().map(|phrase| spell_out(phrase, sets)).collect::<Option<Vec<_>>>();
        match (spell(&self.phrases), spell(&self.unless)) {
            (Some(phrases), Some(unless)) => Ok(Self { phrases, unless, ..self }),
            _ => Err(RulesFault::Rule { rule: self.id, what: "it names a set that is not there" }),
        }
    }
}

impl Rules {
    /// The rules of Japanese and English that come with the program.
    pub fn built_in() -> Self {
        Self::built_in_with(&[])
    }

    /// The same for every language that is read.
    pub fn of_all_languages() -> Self {
        Self::built_in_with(Lang::ALL)
    }

    /// The rules of Japanese and English, and of these languages beside them. Text in another language is left alone.
    ///
    /// # Panics
    /// Never in a build that passed its tests: the texts are part of the program, and one test reads them.
    pub fn built_in_with(languages: &[Lang]) -> Self {
        let texts = [
            (Lang::Ja, include_str!("../../config/rules/ja.toml")),
            (Lang::En, include_str!("../../config/rules/en.toml")),
        ];
        let weights = include_bytes!("../../config/rules/model.weights");
        let with_others = |rules: Self| {
            let others = Others::built_in(languages, &rules.words)?;
            Self { others, ..rules }.with_model(Cow::Borrowed(weights))
        };
        let rules = Self::parse(&texts).and_then(with_others);
        rules.unwrap_or_else(|fault| unreachable!("built-in {fault}"))
    }

    /// The same rules with the weights that [`train`](super::train) learnt.
    ///
    /// # Errors
    /// The octets are no file of weights.
    pub fn with_model(self, weights: Cow<'static, [u8]>) -> Result<Self, RulesFault> {
        let model = Arc::new(Model::read(weights).ok_or(RulesFault::Weights)?);
        Ok(self.with(&model))
    }

    /// The same rules, of every language, with a model.
    pub(super) fn with(self, model: &Arc<Model>) -> Self {
        Self { others: self.others.with(model), model: Arc::clone(model), ..self }
    }

    /// Reads and compiles rules, with a model that knows nothing.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub fn parse(texts: &[(Lang, &str)]) -> Result<Self, RulesFault> {
        let mut builder = Builder::default();
        for (language, text) in texts {
            builder.add_file(*language, text)?;
        }
        let words = Words::new().map_err(|fault| RulesFault::Compile(fault.to_string()))?;
        builder.build(Arc::new(words))
    }

    /// Reads and compiles the rules of a language that has a set of its own; `also` gives a second way in which a
    /// spelling is written, as without its accents.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub(super) fn parse_alone(
        (language, text): (Lang, &str),
        also: fn(&str) -> Option<String>,
        words: Arc<Words>,
    ) -> Result<Self, RulesFault> {
        let mut builder = Builder { also: Some(also), ..Builder::default() };
        builder.add_file(language, text)?;
        // The gate is asked of the common set alone.
        builder.recruiting.clear();
        let rules = builder.build(words)?;
        Ok(Self { alone: Some(language), ..rules })
    }

    /// The rules of a language that has a set of its own.
    pub(super) fn of(&self, language: Lang) -> Option<&Self> {
        self.others.of(language)
    }

    /// The rule whose words a sentence is in which the model hears a no.
    pub(super) fn told_in(&self, sentence: &str) -> Option<usize> {
        let japanese = sentence.chars().any(|c| is_han(c) || matches!(c, '\u{3041}'..='\u{30fe}'));
        let language = self.alone.unwrap_or(if japanese { Lang::Ja } else { Lang::En });
        self.list.iter().position(|rule| rule.heard && rule.language == language)
    }

    /// Slots of state that reading needs.
    pub(super) fn slots(&self) -> usize {
        self.phrases.last().map_or(0, |last| usize::from(last.slot) + usize::from(last.steps) - 1)
    }
}

#[derive(Default)]
struct Builder {
    patterns: Patterns,
    folder: PhraseFolder,
    phrases: Vec<Phrase>,
    rules: Vec<Rule>,
    /// The recruiting phrases as they are written.
    recruiting: Vec<String>,
    slots: u16,
    /// Gives a second way in which a spelling is written.
    also: Option<fn(&str) -> Option<String>>,
}

impl Builder {
    fn add_file(&mut self, language: Lang, text: &str) -> Result<(), RulesFault> {
        let file: RuleFile = toml::from_str(text).map_err(|fault| RulesFault::Form(fault.to_string()))?;
        let RuleFile { sets, rule } = file;
        let sets = sets.into_iter().map(|(name, words)| (name, one_choice(&words))).collect();
        rule.into_iter().try_for_each(|rule| self.add(language, rule.with_sets(&sets)?))?;
        let id: Arc<str> = format!("model.{}", language.code()).into();
        let (print, kind, proof) = (print_of(&id), Kind::Negative, None);
        self.rules.push(Rule { id, language, kind, weight: 0, firm: false, weak: false, proof, heard: true, print });
        Ok(())
    }

    fn add(&mut self, language: Lang, text: RuleText) -> Result<(), RulesFault> {
        let fault = |what| RulesFault::Rule { rule: text.id.clone(), what };
        if text.phrases.is_empty() {
            return Err(fault("it has no phrases"));
        }
        if self.rules.iter().any(|rule| *rule.id == text.id) {
            return Err(fault("its id is taken"));
        }
        let kind = kind_of(&text).map_err(fault)?;
        let rule = u32::try_from(self.rules.len()).map_err(|_| fault("there are too many rules"))?;
        let result = kind == Kind::Negative && language == Lang::Ja;
        for phrase in &text.phrases {
            let gap = if result { GAP_OCTETS_RESULT } else { GAP_OCTETS };
            self.add_phrase(phrase, &Phrase { rule, steps: 0, slot: 0, excepts: false, gap, stops: result })
                .map_err(fault)?;
        }
        for phrase in &text.unless {
            let gap = GAP_OCTETS;
            self.add_phrase(phrase, &Phrase { rule, steps: 0, slot: 0, excepts: true, gap, stops: false })
                .map_err(fault)?;
        }
        let RuleText { id, weight, firm, weak, proof, phrases, .. } = text;
        if kind == Kind::Recruiting {
            self.recruiting.extend(phrases);
        }
        let print = print_of(&id);
        self.rules.push(Rule { id: id.into(), language, kind, weight, firm, weak, proof, heard: false, print });
        Ok(())
    }

    /// Adds a phrase of that kind; its steps are counted here.
    fn add_phrase(&mut self, phrase: &str, kind: &Phrase) -> Result<(), &'static str> {
        if phrase.split(GAP).any(|step| step.matches('(').count() != step.matches(')').count()) {
            return Err("a choice of a phrase is not closed within its step");
        }
        let steps = u16::try_from(phrase.split(GAP).count()).map_err(|_| "a phrase has too many steps")?;
        let index = self.phrases.len();
        self.phrases.push(Phrase { steps, slot: self.slots, ..*kind });
        self.slots = self.slots.checked_add(steps - 1).ok_or("there are too many phrases")?;
        for (number, step) in phrase.split(GAP).enumerate() {
            let mut done = Ok(());
            spellings(step, &mut |spelling| {
                if done.is_ok() {
                    done = self.add_spelling(spelling, index, number);
                }
            });
            done?;
        }
        Ok(())
    }

    /// Adds a spelling of the step of this number of a phrase.
    fn add_spelling(&mut self, spelling: &str, phrase: usize, number: usize) -> Result<(), &'static str> {
        let folded = self.folder.fold(spelling);
        let cut = folded.strip_suffix(STEM);
        let pattern = cut.unwrap_or(folded);
        if pattern.chars().nth(1).is_none() {
            return Err("a step of a phrase is shorter than two characters");
        }
        let step = Step::new(phrase, number, cut.is_some());
        let second = self.also.and_then(|also| also(pattern));
        let mut add = |pattern: &str| self.patterns.add(pattern, step?);
        second.map_or(Some(()), |second| add(&second)).and_then(|()| add(pattern)).ok_or("there are too many phrases")
    }

    fn build(self, words: Arc<Words>) -> Result<Rules, RulesFault> {
        let tree = self.patterns.grow().ok_or_else(|| RulesFault::Compile("there are too many phrases".to_owned()))?;
        let gate = Gate::new(self.recruiting.iter().map(String::as_str));
        let gate = gate.map_err(|fault| RulesFault::Compile(fault.to_string()))?;
        let (phrases, list) = (self.phrases.into_boxed_slice(), self.rules.into_boxed_slice());
        let (model, others) = (Arc::new(Model::blank()), Others::none());
        Ok(Rules { tree, gate, words, phrases, list, model, others, alone: None })
    }
}

fn kind_of(text: &RuleText) -> Result<Kind, &'static str> {
    let reason = text.reason.as_deref().map(|code| Reason::from_code(code).ok_or("an unknown reason")).transpose()?;
    match (text.kind.as_str(), reason) {
        ("veto", Some(reason)) => Ok(Kind::Veto(reason)),
        ("veto", None) => Err("a veto needs a reason"),
        (_, Some(_)) => Err("a reason belongs to a veto"),
        ("recruiting", None) => Ok(Kind::Recruiting),
        ("negative", None) => Ok(Kind::Negative),
        ("applicant", None) => Ok(Kind::Applicant),
        ("condition_before", None) => Ok(Kind::ConditionBefore),
        ("condition_after", None) => Ok(Kind::ConditionAfter),
        ("denial", None) => Ok(Kind::Denial),
        ("wish", None) => Ok(Kind::Wish),
        ("continuation", None) => Ok(Kind::Continuation),
        ("support", None) => Ok(Kind::Support),
        ("thanks", None) => Ok(Kind::Thanks),
        ("act", None) => Ok(Kind::Act),
        ("stranger", None) => Ok(Kind::Stranger),
        ("target", None) => Ok(Kind::Target),
        ("object", None) => Ok(Kind::Object),
        ("barrier", None) => Ok(Kind::Barrier),
        _ => Err("an unknown kind"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_are_sound() {
        let rules = Rules::built_in();
        assert!(rules.list.len() > 40, "{} rules", rules.list.len());
    }

    fn check(text: &str, fault: &str) {
        let found = Rules::parse(&[(Lang::Ja, text)]).err().map(|fault| fault.to_string()).unwrap_or_default();
        assert!(found.contains(fault), "{text:?}: {found:?}");
    }

    #[test]
    fn a_bad_rule_is_named() {
        check("rule = 1", "not readable");
        check("[[rule]]\nid='a'\nkind='wish'\nphrases=['祈り']\ncolour=1", "colour");
        check("[[rule]]\nid='a'\nkind='wish'\nphrases=[]", "rule a: it has no phrases");
        check("[[rule]]\nid='a'\nkind='veto'\nphrases=['内定']", "a veto needs a reason");
        check("[[rule]]\nid='a'\nkind='veto'\nreason='x'\nphrases=['内定']", "an unknown reason");
        check("[[rule]]\nid='a'\nkind='wish'\nphrases=['祈~申し']", "shorter than two");
        check("[[rule]]\nid='a'\nkind='wish'\nphrases=['祈<no>']", "rule a: it names a set");
        check("[[rule]]\nid='a'\nkind='wish'\nphrases=['(祈り~申し|成功)を']", "not closed");
    }
}
