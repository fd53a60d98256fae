//! Asking the model, where the rules are not sure by themselves.

use super::{
    Bars, Letter, RECRUITING_MIN, RECRUITING_SURE, SOFT, STRONG, THANKED_APPLICANT, fold, fold_lines, head_of,
    is_newest, primary, read, recruiting_weight,
};
use crate::classify::bars::Vetoes;
use crate::classify::hear::hear;
use crate::classify::language;
use crate::classify::marks::Marks;
use crate::classify::model::Traits;
use crate::classify::rules::Rules;
use crate::classify::verdict::{Place, Reason};
use crate::mail::view::View;

/// Points of the model from which on a likely rejection is one: crossed by families, one look-alike in a hundred of
/// those written against the classifier comes so far.
pub(super) const SURE_POINTS: i64 = 700;
/// Points of a sentence beyond which it sounds no surer.
const HEARD_MAX: i64 = 300;
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
    Some(then(&Letter { view, part, text, reading: &reading, subject: &subject, rules }))
}

/// Whether the model takes a text for a rejection, whatever the rules say of it.
#[cfg(test)]
pub(in crate::classify) fn is_likely_alone(view: &View, rules: &Rules) -> bool {
    let of_letter = |letter: &Letter<'_>| {
        let heard = hear(letter.reading, letter.rules);
        let traits = letter.traits((heard.no, heard.better));
        letter.rules.model.whole(&Marks::of(letter), &traits) >= SURE_POINTS
    };
    learn_from(view, rules, of_letter).unwrap_or(false)
}

impl Letter<'_> {
    /// Hands on where the result of a rejection stands; else why it is none, and where it would stand if a person took
    /// it for one. The text is that with what the model heard in it, if it was asked.
    pub(super) fn decide<T>(&self, then: impl FnOnce(&Letter<'_>, Result<Vec<Place>, Doubt>) -> T) -> T {
        let reason = match self.places(Bars::of(self.rules)) {
            Ok(places) => return then(self, Ok(places)),
            Err(reason) => reason,
        };
        self.ask_model(|letter, points| {
            let by_model = |asked| points.filter(|points| *points >= asked).and_then(|_| letter.places_by_model());
            let found = by_model(SURE_POINTS);
            then(letter, found.ok_or(()).map_err(|()| (reason, by_model(LIKELY_POINTS))))
        })
    }

    /// Lets the model listen to the text where each question may still be answered with yes, and hands on the text with
    /// what was heard and the points of the whole; `None` where the model has no say.
    pub(super) fn ask_model<T>(&self, then: impl FnOnce(&Letter<'_>, Option<i64>) -> T) -> T {
        let Letter { reading, rules, .. } = *self;
        let open = |reason| reason == Reason::NoResult;
        // A subject alone is not enough: what is heard in a text that speaks of nothing the rules know is chance.
        if reading.recruiting == 0 || self.question(&self.likely()).is_some_and(|r| !open(r)) {
            return then(self, None);
        }
        let heard = hear(reading, rules);
        let points = rules.model.whole(&Marks::of(self), &self.traits((heard.no, heard.better)));
        match heard.add_to(reading, rules) {
            Some(reading) => then(&Letter { reading: &reading, ..*self }, Some(points)),
            None => then(self, Some(points)),
        }
    }

    /// Where the result stands, when each question is likely and none is answered with no.
    fn places_by_model(&self) -> Option<Vec<Place>> {
        self.places(&self.likely()).ok().filter(|places| !places.is_empty())
    }

    /// What a text has to reach for the model to be heeded. Of languages of which the corpus holds fewer mails nothing
    /// is set aside.
    fn likely(&self) -> Bars {
        Bars { vetoes: if self.is_japanese() { Vetoes::Grave } else { Vetoes::All }, ..Bars::LIKELY }
    }

    fn is_japanese(&self) -> bool {
        let scripts = self.reading.folded.scripts;
        // A name or a line of it in an English mail makes none of it.
        self.rules.alone.is_none() && scripts.kana > 0 && scripts.kana * 2 >= scripts.latin
    }

    /// What was made of the rules' words, and what the model heard, in hundredths.
    pub(in crate::classify) fn traits(&self, heard: (i64, i64)) -> Traits {
        let Letter { reading, subject, rules, .. } = *self;
        let targets = [reading.target, subject.target];
        let (recruiting, applicant) = (recruiting_weight(reading, subject, rules), self.applicant_weight());
        let share = |weight: u32, of: u32| i64::from(weight.min(of)) * 100 / i64::from(of);
        let [no, no_less, no_0, no_100, no_200, better, better_less, better_0, better_100] = traits_of_heard(heard);
        [
            no,
            no_less,
            no_0,
            no_100,
            no_200,
            better,
            better_less,
            better_0,
            better_100,
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
            holds(self.question(Bars::of(rules)).is_none()),
        ]
    }
}

/// What is told of the points of the sentences that sound most like a no and most like something better: the first
/// traits of a mail.
pub(in crate::classify) fn traits_of_heard(points: (i64, i64)) -> [i64; 9] {
    let [no, better] = [points.0, points.1].map(|points| points.clamp(-HEARD_MAX, HEARD_MAX));
    let of_no = [no / 3, no.min(0) / 3, holds(no > 0), holds(no > 100), holds(no > 200)];
    let of_better = [better / 3, better.min(0) / 3, holds(better > 0), holds(better > 100)];
    let mut traits = [0; 9];
    traits.iter_mut().zip(of_no.into_iter().chain(of_better)).for_each(|(slot, value)| *slot = value);
    traits
}

fn holds(holds: bool) -> i64 {
    if holds { 100 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::message::Message;

    fn check(body: &str, japanese: bool) {
        let raw = format!("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n");
        let view = View::read(&Message::read(raw.as_bytes()));
        let found = learn_from(&view, &Rules::built_in(), |letter: &Letter<'_>| letter.is_japanese());
        assert_eq!(found, Some(japanese), "{body}");
    }

    #[test]
    fn a_japanese_name_makes_no_japanese_mail_of_an_english_one() {
        check("ご応募ありがとうございました。今回は採用を見送ります。", true);
        check("Dear はなこ, thank you for applying to our company. The position has been filled.", false);
        check("Thank you for applying to our company.", false);
    }
}
