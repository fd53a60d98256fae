//! The three questions of a verdict with their words and scores, and what would have changed it, in two languages.

use std::io::{self, Write};

use serde::Serialize;

use crate::classify::{Account, Answer, Change, Nearest, POINTS_ASKED, Question, Reason, Words};

/// What is said when it would be a rejection.
const REJECTION: &str = "rejection";

/// The part of `explain --json` that tells how the verdict came about, its keys in this order.
#[derive(Debug, Serialize)]
pub struct Grounds {
    questions: Vec<QuestionLine>,
    points: Option<i64>,
    nearest: Option<NearestLine>,
}

#[derive(Debug, Serialize)]
struct QuestionLine {
    #[serde(skip)]
    asked: Question,
    question: &'static str,
    yes: bool,
    score: u32,
    bar: u32,
    words: Vec<WordsLine>,
    against: Vec<WordsLine>,
}

#[derive(Debug, Serialize)]
struct WordsLine {
    rule: String,
    text: String,
    text_part: usize,
    line: Option<usize>,
    written: Option<String>,
}

#[derive(Debug, Serialize)]
struct NearestLine {
    #[serde(flatten)]
    change: ChangeLine,
    then: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum ChangeLine {
    Without(WordsLine),
    More { question: &'static str, points: u32 },
    SentWithout(&'static str),
}

impl From<Account> for Grounds {
    fn from(account: Account) -> Self {
        let Account { answers, points, nearest } = account;
        Self {
            questions: answers.into_iter().map(QuestionLine::from).collect(),
            points,
            nearest: nearest.map(NearestLine::from),
        }
    }
}

impl From<Answer> for QuestionLine {
    fn from(answer: Answer) -> Self {
        let Answer { question, yes, score, bar, words, against } = answer;
        let lines = |words: Vec<Words>| words.into_iter().map(WordsLine::from).collect();
        Self {
            asked: question,
            question: question.code(),
            yes,
            score,
            bar,
            words: lines(words),
            against: lines(against),
        }
    }
}

impl From<Words> for WordsLine {
    fn from(words: Words) -> Self {
        let Words { rule, text, text_part, line, written } = words;
        let written = written.map(|written| written.to_string());
        Self { rule: rule.to_string(), text: text.to_string(), text_part, line, written }
    }
}

impl From<Nearest> for NearestLine {
    fn from(nearest: Nearest) -> Self {
        let change = match nearest.change {
            Change::Without(words) => ChangeLine::Without(words.into()),
            Change::More { question, points } => ChangeLine::More { question: question.code(), points },
            Change::Sent(reason) => ChangeLine::SentWithout(reason.code()),
        };
        Self { change, then: nearest.then.map_or(REJECTION, Reason::code) }
    }
}

impl Grounds {
    /// Takes the nearest change away: what the settings decided, no words would have changed.
    pub fn without_nearest(self) -> Self {
        Self { nearest: None, ..self }
    }

    /// Prints the questions, and what would have changed the verdict.
    ///
    /// # Errors
    /// When the reader of the output is gone.
    pub fn print(&self, ja: bool, out: &mut dyn Write) -> io::Result<()> {
        for question in &self.questions {
            question.print(ja, out)?;
        }
        match self.points {
            Some(points) if ja => {
                writeln!(out, "  model       文章全体の評価は {points} 点（基準 {POINTS_ASKED} 点）")?;
            }
            Some(points) => {
                writeln!(
                    out,
                    "  model       {points} points for the text as a whole, {POINTS_ASKED} asked for where rules doubt"
                )?;
            }
            None => {}
        }
        if let Some(nearest) = &self.nearest {
            writeln!(out, "  nearest     {}", if ja { nearest.in_japanese() } else { nearest.in_english() })?;
        }
        Ok(())
    }
}

impl QuestionLine {
    fn print(&self, ja: bool, out: &mut dyn Write) -> io::Result<()> {
        let Self { question, yes, score, bar, .. } = self;
        let said = match (ja, yes) {
            (true, true) => format!("はい（{score} 点、基準 {bar} 点）"),
            (true, false) => format!("いいえ（{score} 点、基準 {bar} 点）"),
            (false, true) => format!("Yes: {score} points, {bar} asked for."),
            (false, false) => format!("No: {score} points, {bar} asked for."),
        };
        writeln!(out, "  {question:<11} {} {said}", asks(self.asked, ja))?;
        for words in &self.words {
            writeln!(out, "    {}   [{}, {}]", words.shown(), words.rule, words.place(ja))?;
        }
        let against = if ja { "ただし " } else { "but " };
        for words in &self.against {
            writeln!(out, "    {against}{}   [{}, {}]", words.shown(), words.rule, words.place(ja))?;
        }
        Ok(())
    }
}

impl WordsLine {
    /// The words as the mail has them, on one line; those of the subject in the spelling of the rules.
    fn shown(&self) -> String {
        let words = self.written.as_ref().unwrap_or(&self.text);
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Where they stand, lines counted from 1.
    fn place(&self, ja: bool) -> String {
        place(self.text_part, self.line, ja)
    }
}

/// Where words stand: the line of the visible text, counted from 1, in the part when there are several.
pub fn place(text_part: usize, line: Option<usize>, ja: bool) -> String {
    let part = match (text_part, ja) {
        (0, _) => String::new(),
        (part, true) => format!("本文{}の", part + 1),
        (part, false) => format!("text {}, ", part + 1),
    };
    match (line, ja) {
        (Some(line), true) => format!("{part}{}行目", line + 1),
        (Some(line), false) => format!("{part}line {}", line + 1),
        (None, true) => "件名".to_owned(),
        (None, false) => "subject".to_owned(),
    }
}

impl NearestLine {
    fn in_english(&self) -> String {
        let change = match &self.change {
            ChangeLine::Without(words) => format!("without 「{}」 in {}", words.shown(), words.place(false)),
            ChangeLine::More { question, points } => {
                format!("with words that weigh {points} more for “{question}”")
            }
            ChangeLine::SentWithout(code) => format!("sent to a candidate alone, without what {code} stands for"),
        };
        let verdict =
            if self.then == REJECTION { "a rejection".to_owned() } else { format!("abstain ({})", self.then) };
        format!("{change} it would be: {verdict}")
    }

    fn in_japanese(&self) -> String {
        let change = match &self.change {
            ChangeLine::Without(words) => format!("{}の「{}」がなければ", words.place(true), words.shown()),
            ChangeLine::More { question, points } => {
                format!("{}を示す語があと {points} 点分あれば", asked_in_japanese(question))
            }
            ChangeLine::SentWithout(code) => format!("応募者一人だけに宛てた通常のメール（{code} でない）であれば"),
        };
        let verdict = if self.then == REJECTION {
            "不採用通知".to_owned()
        } else {
            format!("判定せず（{}）", self.then)
        };
        format!("{change}、{verdict}と判定します")
    }
}

fn asked_in_japanese(question: &str) -> &'static str {
    match question {
        "recruiting" => "採用選考の連絡であること",
        "negative" => "不採用という結果",
        _ => "宛先が応募者本人であること",
    }
}

/// What each question asks.
fn asks(question: Question, ja: bool) -> &'static str {
    match (question, ja) {
        (Question::Recruiting, false) => "Is it recruiting mail to an applicant?",
        (Question::Negative, false) => "Is a negative result stated as fact?",
        (Question::Applicant, false) => "Is the reader the applicant?",
        (Question::Veto, false) => "Does it say what a rejection never says?",
        (Question::Recruiting, true) => "応募者への採用選考の連絡か：",
        (Question::Negative, true) => "不採用という結果が事実として書かれているか：",
        (Question::Applicant, true) => "読み手は応募者本人か：",
        (Question::Veto, true) => "不採用通知にはない語があるか：",
    }
}
