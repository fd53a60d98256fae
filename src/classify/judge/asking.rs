//! Asking the model, where the rules are not sure by themselves.

use super::{
    Bars, Letter, RECRUITING_MIN, RECRUITING_SURE, SOFT, STRONG, THANKED_APPLICANT, fold, fold_lines, head_of,
    is_newest, primary, read, recruiting_weight,
};
use crate::classify::hear::{Heard, hear};
use crate::classify::language;
use crate::classify::marks::Marks;
use crate::classify::model::{TRAITS, Traits};
use crate::classify::rules::Rules;
use crate::classify::verdict::{Lang, Place, Reason};
use crate::mail::view::View;

/// Points of the model from which on a likely rejection is one: crossed by families, one look-alike in a hundred of
/// those written against the classifier comes so far.
pub(super) const SURE_POINTS: i64 = 900;
/// Points of a sentence, or of the words, beyond which it is no surer.
const HEARD_MAX: i64 = 300;
/// Traits that tell what the other functions say.
const SAID: usize = 14;
/// Points of a sentence from which on it is taken to tell something better, whatever else a mail says. Crossed by
/// families, one in a hundred of the rejections that would be found has such a sentence, and one in twenty-five of the
/// others that would be taken for one.
const BETTER_POINTS: i64 = -40;
/// Octets of a text that has hardly room for anything but thanks, a result and wishes: it has few marks, and the rules
/// see all of it.
const SHORT_OCTETS: usize = 360;
/// Points that a mail has to have though the rules find a rejection in it.
const FOUND_POINTS: i64 = 500;
/// Points from which on a person is asked.
const LIKELY_POINTS: i64 = 0;
/// Why a text is no rejection, and where its result would stand if it were one.
type Doubt = (Reason, Option<Vec<Place>>);

/// A mail that has a text, as it is read for learning.
pub(in crate::classify) fn learn_from<T>(view: &View, rules: &Rules, then: impl FnOnce(&Letter<'_>) -> T) -> Option<T> {
    let (part, text) = primary(view)?;
    let folded = fold_lines(text, is_newest);
    let rules = language::rules_for(&folded, rules);
    let reading = read(folded, rules);
    let subject = read(fold(std::iter::once((0, head_of(&view.subject)))), rules);
    Some(then(&Letter::new((view, part, text), (&reading, &subject), rules)))
}

/// Whether the model takes a text for a rejection, whatever the rules say of it.
#[cfg(test)]
pub(in crate::classify) fn is_likely_alone(view: &View, rules: &Rules) -> bool {
    let of_letter = |letter: &Letter<'_>| {
        let heard = hear(letter.reading, letter.subject, letter.rules);
        letter.points(&heard) >= SURE_POINTS
    };
    learn_from(view, rules, of_letter).unwrap_or(false)
}

impl Letter<'_> {
    /// Hands on where the result of a rejection stands; else why it is none, and where it would stand if a person took
    /// it for one. The text is that with what the model heard in it, if it was asked.
    pub(super) fn decide<T>(&self, then: impl FnOnce(&Letter<'_>, Result<Vec<Place>, Doubt>) -> T) -> T {
        let found = self.question_in_full().map_or_else(|| self.read_siblings(Bars::of(self.rules)), Err);
        let reason = match found {
            Ok(places) if self.rules_decide() => return then(self, Ok(places)),
            Ok(places) => return self.weigh_found(places, then),
            Err(reason) => reason,
        };
        self.ask_model(|letter, points| {
            let by_model = |asked| points.filter(|points| *points >= asked).and_then(|_| letter.places_by_model());
            let found = by_model(SURE_POINTS);
            then(letter, found.ok_or(()).map_err(|()| (reason, by_model(LIKELY_POINTS))))
        })
    }

    /// What the rules find has to read like a rejection, too: the same words close offers, farewells and refusals of
    /// other things.
    fn weigh_found<T>(&self, places: Vec<Place>, then: impl FnOnce(&Letter<'_>, Result<Vec<Place>, Doubt>) -> T) -> T {
        let heard = hear(self.reading, self.subject, self.rules);
        let is_short = self.reading.folded.text.len() <= SHORT_OCTETS && heard.better < BETTER_POINTS;
        let found = if is_short || self.points(&heard) >= FOUND_POINTS {
            Ok(places)
        } else {
            Err((Reason::Ambiguous, Some(places)))
        };
        then(self, found)
    }

    /// Whether the rules have the only word: the corpus holds too few mails of the language, or no model is there.
    fn rules_decide(&self) -> bool {
        self.rules.model.is_blank() || self.rules.alone.is_some_and(Lang::is_read_when_certain)
    }

    /// Lets the model listen to the text where each question may still be answered with yes, and hands on the text with
    /// what was heard and the points of the whole; `None` where the model has no say.
    pub(super) fn ask_model<T>(&self, then: impl FnOnce(&Letter<'_>, Option<i64>) -> T) -> T {
        let Letter { reading, subject, rules, .. } = *self;
        let open = |reason| reason == Reason::NoResult;
        // A subject alone is not enough: what is heard in a text that speaks of nothing the rules know is chance.
        if reading.recruiting == 0 || self.question(&Bars::LIKELY).is_some_and(|r| !open(r)) {
            return then(self, None);
        }
        let heard = hear(reading, subject, rules);
        let points = self.points(&heard);
        match heard.add_to(reading, rules) {
            Some(reading) => then(&self.with(&reading, subject), Some(points)),
            None => then(self, Some(points)),
        }
    }

    /// How much the model takes the mail as a whole for a rejection.
    fn points(&self, heard: &Heard) -> i64 {
        let marks = (heard.words, &Marks::of_rules(self));
        let points = self.rules.model.weigh(marks, |words| self.traits((heard.no, heard.better), words));
        if heard.better < BETTER_POINTS { points } else { points.min(LIKELY_POINTS) }
    }

    /// Where the result stands, when each question is likely and none is answered with no.
    fn places_by_model(&self) -> Option<Vec<Place>> {
        self.places(&Bars::LIKELY).ok().filter(|places| !places.is_empty())
    }

    /// What was made of the rules' words, and what the model heard, in hundredths.
    pub(in crate::classify) fn traits(&self, heard: (i64, i64), words: i64) -> Traits {
        let Letter { reading, subject, rules, .. } = *self;
        let targets = [reading.target, subject.target];
        let (recruiting, applicant) = (recruiting_weight(reading, subject, rules), self.applicant_weight());
        let share = |weight: u32, of: u32| i64::from(weight.min(of)) * 100 / i64::from(of);
        let told = [
            share(recruiting, 12),
            holds(recruiting >= 1),
            holds(recruiting >= RECRUITING_MIN),
            holds(recruiting >= RECRUITING_SURE),
            share(applicant, 6),
            holds(applicant >= 1),
            holds(applicant >= THANKED_APPLICANT),
            holds(targets.contains(&Some(true))),
            holds(targets.contains(&Some(false))),
            holds(reading.veto.or(subject.veto).is_some()),
            holds(reading.sure_veto.or(subject.sure_veto).is_some()),
            holds(self.names_another()),
            holds(reading.conditional),
            holds(reading.turned),
            holds(reading.thanked),
            holds(reading.strength(rules) >= SOFT),
            holds(reading.strength(rules) > SOFT),
            holds(reading.strength(rules) >= STRONG),
            holds(self.question_in_full().is_none()),
        ];
        let mut traits = [0; TRAITS];
        let all = traits_of_said(heard, words).into_iter().chain(told);
        traits.iter_mut().zip(all).for_each(|(slot, value)| *slot = value);
        traits
    }
}

/// What is told of the points of the sentences that sound most like a no and most like something better, and of those
/// of the words: the first traits of a mail.
pub(in crate::classify) fn traits_of_said(heard: (i64, i64), words: i64) -> [i64; SAID] {
    let [no, better, words] = [heard.0, heard.1, words].map(|points| points.clamp(-HEARD_MAX, HEARD_MAX));
    let of_no = [no / 3, no.min(0) / 3, holds(no > 0), holds(no > 100), holds(no > 200)];
    let of_better = [better / 3, better.min(0) / 3, holds(better > 0), holds(better > 100)];
    let of_words = [words / 3, words.min(0) / 3, holds(words > 0), holds(words > 100), holds(words > 200)];
    let all = of_no.into_iter().chain(of_better).chain(of_words);
    let mut traits = [0; SAID];
    traits.iter_mut().zip(all).for_each(|(slot, value)| *slot = value);
    traits
}

fn holds(holds: bool) -> i64 {
    if holds { 100 } else { 0 }
}
