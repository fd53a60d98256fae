//! The stage that a rejection ends, where the letter speaks of it as of something that was: its result, or thanks.
//!
//! A stage that somebody is not invited to is none he was at: a mention counts only with words of the past around it.
//! What is not told stays unknown.

use memchr::memmem;

use super::fold::fold;
use super::verdict::{Lang, Rejection};
use crate::mail::view::{LineKind, View};

/// Lines behind the result in which the stage may be named still.
const LINES_BEHIND: usize = 3;

/// The stage of a selection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// Screening of documents.
    Document,
    /// An interview before the last.
    Interview,
    /// The last interview.
    Final,
}

/// A mention: an anchor with one of the words in front of it, and one behind it. An empty list takes anything.
struct Mention {
    stage: Stage,
    anchors: &'static [&'static str],
    before: &'static [&'static str],
    behind: &'static [&'static str],
}

/// Behind the name of a meeting that took place.
const MET: &[&str] = &[
    "の結果",
    "結果",
    "におき",
    "において",
    "にて",
    "では",
    "でお",
    "でご",
    "の際",
    "を受け",
    "にお越",
    "にお時間",
    "にお運び",
    "にご参加",
    "にご来",
    "にご足労",
    "にご出席",
    "にご対応",
    "にご協力",
    "のお時間",
    "の内容",
    "後",
    "を通じ",
    "を踏まえ",
    "をもと",
    "、ありがと",
];
const SCREENED: &[&str] = &["の結果", "結果", "におき", "において", "にて", "では", "を行", "を慎重", "の段階"];
const READ: &[&str] = &[
    "を拝見",
    "を慎重",
    "をもと",
    "を元",
    "を検討",
    "をご提出",
    "をお送り",
    "の内容",
    "に基づ",
    "を確認",
    "を審査",
    "を精査",
];

/// Those that tell more come first.
const MENTIONS: &[Mention] = &[
    Mention {
        stage: Stage::Final,
        anchors: &["最終面接", "最終選考", "最終面談", "役員面接", "社長面接"],
        before: &[],
        behind: MET,
    },
    Mention {
        stage: Stage::Final,
        anchors: &["最終面接まで", "最終選考まで"],
        before: &[],
        behind: &["お進みいただき", "お越", "進んで", "ご参加いただき", "残って"],
    },
    Mention {
        stage: Stage::Final,
        anchors: &["final interview", "final round", "final-round", "final stage"],
        before: &[
            "your ",
            "after the ",
            "following the ",
            "in the ",
            "at the ",
            "reached the ",
            "reaching the ",
            "it to the ",
        ],
        behind: &[],
    },
    Mention { stage: Stage::Interview, anchors: &["面接", "面談"], before: &[], behind: MET },
    Mention {
        stage: Stage::Interview,
        anchors: &["interview"],
        before: &[
            "your ",
            "your recent ",
            "your phone ",
            "your video ",
            "your online ",
            "your first ",
            "your second ",
            "time to ",
            "after the ",
            "following the ",
            "during the ",
            "attending the ",
            "attended the ",
            "in for an ",
        ],
        behind: &[],
    },
    Mention {
        stage: Stage::Interview,
        anchors: &[
            "interviewing with",
            "interviewed with",
            "time to speak with",
            "time to meet with",
            "meeting with us",
        ],
        before: &[],
        behind: &[],
    },
    Mention {
        stage: Stage::Document,
        anchors: &["書類選考", "書類審査", "書類による選考", "エントリーシート選考"],
        before: &[],
        behind: SCREENED,
    },
    Mention {
        stage: Stage::Document,
        anchors: &["応募書類", "履歴書", "経歴書", "エントリーシート", "書類"],
        before: &[],
        behind: READ,
    },
    Mention {
        stage: Stage::Document,
        anchors: &[" your application", " your resume", " your cv", " your résumé", " your materials"],
        before: &["reviewing", "reviewed", "review of", "screening of", "read", "reading"],
        behind: &[],
    },
    Mention {
        stage: Stage::Document,
        anchors: &["document screening", "resume screening", "application screening"],
        before: &[],
        behind: &[],
    },
];

/// The last stage that subject or letter speak of, as far as they do: the subject, and the text to a little behind the
/// result. The text is folded once more for that, so it is for those to ask who have words for stages.
pub fn stage_of(view: &View, rejection: &Rejection) -> Option<Stage> {
    let place = rejection.places.first()?;
    let part = view.parts.get(place.text_part)?;
    let newest = part.lines.iter().enumerate().take(place.result_line + 1 + LINES_BEHIND);
    let newest = newest.filter(|(_, line)| matches!(line.kind, LineKind::Text | LineKind::Blank));
    let text = fold(newest.map(|(number, _)| (number, part.line(number))));
    let subject = fold(std::iter::once((0, &*view.subject)));
    stage_in([&text.text, &subject.text], rejection.language == Lang::Ja)
}

/// The words of the other languages are not looked for in Japanese, nor those of Japanese in them.
fn stage_in(texts: [&str; 2], is_japanese: bool) -> Option<Stage> {
    let is_there = |mention: &&Mention| texts.iter().any(|text| mention.stands_in(text, is_japanese));
    MENTIONS.iter().find(is_there).map(|mention| mention.stage)
}

impl Mention {
    fn stands_in(&self, text: &str, is_japanese: bool) -> bool {
        let around = |anchor: &&str| {
            memmem::find_iter(text.as_bytes(), anchor).any(|at| {
                let (before, behind) = (&text[..at], &text[at + anchor.len()..]);
                (self.before.is_empty() || self.before.iter().any(|words| before.ends_with(words)))
                    && (self.behind.is_empty() || self.behind.iter().any(|words| behind.starts_with(words)))
            })
        };
        self.anchors.iter().filter(|anchor| anchor.starts_with(|c: char| c.is_ascii()) != is_japanese).any(around)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, stage: Option<Stage>) {
        let (folded, is_japanese) = (fold(text.lines().enumerate()).text, !text.starts_with(|c: char| c.is_ascii()));
        assert_eq!(stage_in([&folded, ""], is_japanese), stage, "{folded}");
        assert_eq!(stage_in(["", &folded], is_japanese), stage, "subject: {folded}");
    }

    #[test]
    fn the_stage_is_the_last_one_that_was() {
        for (text, stage) in [
            ("書類選考の結果、誠に残念ながら、今回は採用を見送らせていただくこととなりました。", Stage::Document),
            ("ご応募書類を拝見し、慎重に検討いたしましたが、ご希望に添いかねる結果となりました。", Stage::Document),
            ("【選考結果】書類選考結果のご連絡", Stage::Document),
            ("先日は一次面接にお越し頂き、誠にありがとうございました。", Stage::Interview),
            ("書類選考及び面接の結果、今回は不採用とさせていただきます。", Stage::Interview),
            ("先日の面 接\nにお時間をいただき、ありがとうございました。", Stage::Interview),
            ("先日は最終面接にご足労いただき、ありがとうございました。", Stage::Final),
            ("最終選考の結果、残念ながら採用を見合わせることとなりました。", Stage::Final),
            ("面接を重ね、最終面接までお進みいただきましたが、", Stage::Final),
            ("After reviewing your application, we have decided not to move forward.", Stage::Document),
            ("Following a careful review of your résumé, we will not be proceeding.", Stage::Document),
            ("Thank you for taking the time to interview with us. After reviewing your application", Stage::Interview),
            ("Thank you for your recent interview for the position.", Stage::Interview),
            ("Thank you for attending the interview last week.", Stage::Interview),
            ("It was a pleasure to have you in the final round.", Stage::Final),
            ("Thank you for your final interview on Monday.", Stage::Final),
        ] {
            check(text, Some(stage));
        }
    }

    #[test]
    fn a_stage_that_is_only_refused_or_spoken_of_is_not_told() {
        for text in [
            "慎重に選考いたしました結果、今回は採用を見送らせていただくこととなりました。",
            "面接にお進みいただくことができない結果となりました。",
            "次の面接へのご案内は見送らせていただきます。",
            "最終面接にはお進みいただけません。",
            "お預かりした応募書類は、当社にて責任をもって破棄いたします。",
            "履歴書は返却いたしません。",
            "We are unable to invite you to an interview.",
            "You were not selected for an interview.",
            "We will not be advancing you to the final round.",
            "This is our final decision.",
            "Thank you for your application.",
        ] {
            check(text, None);
        }
    }
}
