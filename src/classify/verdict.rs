//! What the classifier answers: a rejection with its evidence and places, or why it abstains.

use std::sync::Arc;

use super::recipients::Candidates;

/// The answer about one mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// A rejection to its candidate.
    Rejection(Rejection),
    /// Not one, or not certainly one.
    Abstain(Abstain),
}

/// A mail that tells its candidate of a negative result.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rejection {
    /// The language the result is stated in.
    pub language: Lang,
    /// Who of the envelope is told.
    pub candidates: Candidates,
    /// What was found, one entry per rule.
    pub evidence: Vec<Evidence>,
    /// Where the result stands, one entry per text part that states it.
    pub places: Vec<Place>,
}

/// A mail that is left alone, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Abstain {
    /// The first reason that holds.
    pub reason: Reason,
    /// What was found before the reason held, one entry per rule.
    pub evidence: Vec<Evidence>,
    /// What it would be, when two of the questions are sure and only the third is not sure enough: a person can tell.
    pub nearly: Option<Nearly>,
}

/// A close miss: a text that is a rejection if one question, which is likely, is answered with yes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Nearly {
    /// The question that is open.
    pub question: Question,
    /// What it is then.
    pub rejection: Rejection,
}

macro_rules! languages {
    ($(#[doc = $name:literal] $variant:ident = $code:literal,)*) => {
        /// The language of a rejection.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Lang { $(#[doc = $name] $variant,)* }

        impl Lang {
            /// Every language that is read.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable code.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }
        }
    };
}

impl Lang {
    /// Whether its mails are found by rules alone, and only when certain.
    pub fn is_read_when_certain(self) -> bool {
        matches!(self, Self::It | Self::Ru | Self::Nl | Self::Sv | Self::Pl | Self::Id | Self::Tl | Self::Th)
    }
}

languages! {
    /// Japanese.
    Ja = "ja",
    /// English.
    En = "en",
    /// Korean.
    Ko = "ko",
    /// Chinese in simplified characters.
    ZhHans = "zh_hans",
    /// Chinese in traditional characters.
    ZhHant = "zh_hant",
    /// Vietnamese.
    Vi = "vi",
    /// German.
    De = "de",
    /// French.
    Fr = "fr",
    /// Spanish.
    Es = "es",
    /// Portuguese.
    Pt = "pt",
    /// Italian.
    It = "it",
    /// Russian.
    Ru = "ru",
    /// Dutch.
    Nl = "nl",
    /// Swedish.
    Sv = "sv",
    /// Polish.
    Pl = "pl",
    /// Indonesian.
    Id = "id",
    /// Tagalog.
    Tl = "tl",
    /// Thai.
    Th = "th",
}

/// Where the result stands in one text part, in lines of that part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// Index into `View::parts`.
    pub text_part: usize,
    /// Last line of what states the result; text may follow it.
    pub result_line: usize,
    /// First line of the wishes after the result, when they begin a line.
    pub closing_line: Option<usize>,
}

/// Words that speak for or against one of the questions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Evidence {
    /// What they speak to.
    pub question: Question,
    /// Id of the rule that found them.
    pub rule: Arc<str>,
    /// The words as they were matched: folded, without blanks between Japanese characters.
    pub text: Arc<str>,
    /// Index into `View::parts`.
    pub text_part: usize,
    /// Line in that part; `None` for words of the subject.
    pub line: Option<usize>,
}

/// The questions, and what speaks against all of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Question {
    /// Is it recruiting mail to an applicant?
    Recruiting,
    /// Is a negative result stated as fact?
    Negative,
    /// Is the addressee the applicant?
    Applicant,
    /// Something that must not stand in a rejection that gets a line.
    Veto,
}

impl Question {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Recruiting => "recruiting",
            Self::Negative => "negative",
            Self::Applicant => "applicant",
            Self::Veto => "veto",
        }
    }
}

macro_rules! reasons {
    ($(#[doc = $meaning:literal] $name:ident = $code:literal,)*) => {
        /// Why the classifier abstains. In the order in which they win when several hold.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Reason { $(#[doc = $meaning] $name,)* }

        impl Reason {
            /// Every reason, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable code.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What it means, as a sentence for the mail admin.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning.trim_ascii(),)* }
            }
        }
    };
}

reasons! {
    /// A report, an automatic answer, a mail with the null sender.
    Automatic = "automatic",
    /// Mail of a list or a mass mailing (RFC 2919, RFC 2369).
    ListMail = "list_mail",
    /// All recipients are copies, or there is none.
    NoCandidate = "no_candidate",
    /// All recipients belong to the company, or it is addressed to one of its people.
    OwnDomain = "own_domain",
    /// A listed agency is among the recipients.
    Agency = "agency",
    /// A listed school office is among the recipients.
    SchoolOffice = "school_office",
    /// Several outside people can see each other.
    SeveralVisibleRecipients = "several_visible_recipients",
    /// The envelope and the visible recipients name different outside people.
    RecipientsDiffer = "recipients_differ",
    /// No visible text that can be read.
    NoText = "no_text",
    /// More text than is read.
    TooLong = "too_long",
    /// A text part that nobody can read: what it says is unknown.
    Unreadable = "unreadable",
    /// A language that the rules do not know, or that no company serves.
    UnsupportedLanguage = "unsupported_language",
    /// A mail that hands another mail on.
    Forwarded = "forwarded",
    /// Death and condolence.
    Bereavement = "bereavement",
    /// An offer is taken back.
    Rescinded = "rescinded",
    /// An earlier notice is corrected.
    Correction = "correction",
    /// An apology for a fault of the company.
    Apology = "apology",
    /// A complaint or a legal matter.
    Complaint = "complaint",
    /// The candidate withdrew.
    WithdrawnByCandidate = "withdrawn_by_candidate",
    /// A template, a draft, or a mail with unfilled places.
    Template = "template",
    /// An employee's matter: posting, promotion, contract, probation.
    Employee = "employee",
    /// An offer, an employment contract.
    Offer = "offer",
    /// The candidate passed a step.
    Passed = "passed",
    /// An interview is being arranged.
    Interview = "interview",
    /// It answers a question about an earlier result.
    AnswerToWhy = "answer_to_why",
    /// The result was told before.
    SecondNotice = "second_notice",
    /// Waiting list, another position, a result that is none yet.
    Ambiguous = "ambiguous",
    /// Business, grants, contests, tenancy, loans, exams, tickets.
    BusinessMail = "business_mail",
    /// About somebody else than the reader.
    ThirdPerson = "third_person",
    /// No recruiting mail.
    NotRecruiting = "not_recruiting",
    /// The result stands in a condition.
    ConditionalResult = "conditional_result",
    /// The result stands in quoted text alone.
    QuotedOnly = "quoted_only",
    /// No negative result.
    NoResult = "no_result",
    /// Nothing says that the reader is the applicant.
    NoApplicant = "no_applicant",
    /// The text parts say different things.
    PartsDisagree = "parts_disagree",
}

impl Reason {
    /// Whether its words stand in rejections now and then: of what else the house does, of the person who was taken,
    /// and, if they are not firm, of a stage that was passed before.
    pub(super) fn may_stand_in_rejections(self, firm: bool) -> bool {
        match self {
            Self::Passed | Self::Interview => !firm,
            _ => matches!(self, Self::Ambiguous | Self::BusinessMail | Self::ThirdPerson),
        }
    }

    /// The reason of that code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }
}
