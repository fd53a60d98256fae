//! How much each question asks for: in full, or with one of them a little less, which tells a close miss from a no.

use super::reading::Reading;
use super::rules::Rules;
use super::verdict::{Lang, Question, Reason};

/// How sure a result has to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Asked {
    /// In words that are used of other matters too it needs more beside it, and it may not be turned to something else.
    Sure,
    /// It is enough that it is stated.
    Stated,
    /// A hint will do.
    Hinted,
}

/// Which words speak against a rejection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Vetoes {
    /// All, those too that stand in rejections now and then.
    All,
    /// Those alone that tell of something a rejection never tells of; the others are for the model to weigh.
    Grave,
}

/// What the three questions ask of a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Bars {
    /// Recruiting weight a result of full weight needs beside it.
    pub(super) recruiting: u32,
    /// Whether something has to say that the matter is a job.
    pub(super) job_said: bool,
    /// Whether a noun that is applied for and is not known as a job says that it is none.
    pub(super) matter_said: bool,
    /// How sure the result has to be.
    pub(super) result: Asked,
    /// Which words speak against one.
    pub(super) vetoes: Vetoes,
    /// Applicant weight: thanks for applying or for coming, say. An agency is told the result in the very same words,
    /// but is not thanked for those.
    pub(super) applicant: u32,
}

impl Bars {
    /// What a rejection has to reach.
    pub(super) const FULL: Self = Self {
        recruiting: 3,
        job_said: true,
        matter_said: true,
        result: Asked::Sure,
        vetoes: Vetoes::All,
        applicant: 2,
    };

    /// The same in a language that no model knows, where the result says of itself that it is one of hiring.
    pub(super) const ALONE: Self = Self { recruiting: 2, ..Self::FULL };

    /// What a text has to reach for the model to be asked: every question possible, none of them sure.
    pub(super) const LIKELY: Self = Self {
        recruiting: 1,
        job_said: false,
        matter_said: false,
        result: Asked::Hinted,
        vetoes: Vetoes::Grave,
        applicant: 0,
    };

    /// What in a text speaks against a rejection.
    pub(super) fn veto_of(&self, reading: &Reading) -> Option<Reason> {
        match self.vetoes {
            Vetoes::All => reading.veto,
            Vetoes::Grave => reading.grave_veto,
        }
    }

    /// What a rejection has to reach by these rules.
    pub(super) fn of(rules: &Rules) -> &'static Self {
        let certain = rules.alone.is_none_or(Lang::is_read_when_certain);
        if certain { &Self::FULL } else { &Self::ALONE }
    }

    /// The bars with that of one question lowered: what is likely is enough for it, and the others are to be certain.
    fn lowered(question: Question) -> Self {
        match question {
            Question::Recruiting => Self { recruiting: 2, job_said: false, ..Self::FULL },
            Question::Negative => Self { result: Asked::Stated, ..Self::FULL },
            Question::Applicant => Self { applicant: 1, ..Self::FULL },
            Question::Veto => Self::FULL,
        }
    }

    /// The question that a reason for abstaining left open, with its bar lowered; `None` for a reason that speaks
    /// against a rejection and not only too little for one.
    pub(super) fn for_close_miss(reason: Reason) -> Option<(Question, Self)> {
        let question = match reason {
            Reason::NotRecruiting => Question::Recruiting,
            Reason::NoResult | Reason::Ambiguous => Question::Negative,
            Reason::NoApplicant => Question::Applicant,
            _ => return None,
        };
        Some((question, Self::lowered(question)))
    }
}
