//! What a Japanese sentence is about: what was applied for, and what it is that is passed over.
//!
//! Prizes, committees, flats and schools have applications, interviews and results in the very words of jobs. What
//! tells them apart is the noun the application goes to and the noun the verb of the result takes. Neither list of
//! other matters would ever be complete, so the nouns of jobs are what is listed (rules of kind `target` and `object`).

use aho_corasick::Match;

use super::fold::{Folded, is_han};
use super::rules::{Kind, Rules};
use super::scan::Hit;

/// What an English rejection does not go on with, or goes on with instead.
const WITHS: &[&str] = &[
    "you",
    "your",
    "other",
    "others",
    "another",
    "someone",
    "somebody",
    "a",
    "an",
    "the",
    "this",
    "candidates",
    "applicants",
    "our",
    "different",
    "those",
    "individuals",
    "it",
    "any",
    "more",
];
/// What an applicant does not go on with.
const OFFERED: &[&str] = &[
    "company",
    "firm",
    "employer",
    "school",
    "actor",
    "colleague",
    "freelancer",
    "contractor",
    "vendor",
    "provider",
    "supplier",
    "agency",
    "tool",
    "platform",
    "guest",
    "speaker",
    "piece",
    "article",
    "tenant",
    "product",
    "position",
    "role",
    "job",
    "opportunity",
    "offer",
    "process",
    "interview",
    "interviews",
];
/// Longest noun that is looked at, in characters.
const NOUN_CHARS_MAX: usize = 24;
/// What is applied for or judged stands before these, joined by one of the particles; the longer first.
pub(super) const APPLICATIONS: [(&str, &[&str]); 4] = [
    ("応募", &["へのご", "へご", "にご", "をご", "のご", "への", "へ", "に", "を"]),
    ("エントリー", &["へのご", "へご", "にご", "への", "へ", "に"]),
    ("選考", &["の", ""]),
    ("面接", &[""]),
];
/// Which of them is 応募.
const APPLYING: usize = 0;
/// In a noun, marks of an employer's name, which says nothing of what is applied for.
const EMPLOYERS: &[&str] = &["株式会社", "有限会社", "合同会社", "法人", "事務所", "商店", "銀行", "病院"];
/// What was applied for stands behind 応募 and one of these.
const APPLIED: &[&str] = &["いただきました", "いただいた", "くださいました", "くださった", "された", "の"];
/// Says how or where it is judged or applied for, and not what for.
const MANNERS: &[&str] = &[
    "慎重",
    "厳正",
    "公正",
    "真剣",
    "丁寧",
    "実際",
    "今後",
    "以降",
    "先般",
    "先日",
    "貴殿",
    "通常",
    "厳格",
    "総合的",
    "積極的",
    "書類",
    "面接",
    "一次",
    "二次",
    "三次",
    "1次",
    "2次",
    "3次",
    "最終",
    "今回",
    "次回",
    "社内",
    "課題",
    "適性",
    "結果",
    "内容",
    "企業",
    "試験",
    "弊社",
    "当社",
    "弊店",
    "当店",
    "弊院",
    "当院",
    "弊所",
    "当所",
    "弊園",
    "当園",
    "弊行",
    "当行",
    "弊校",
    "当校",
    "小社",
    "当館",
    "当法人",
    "弊法人",
    "当施設",
    "当事務所",
    "弊事務所",
    "当組合",
    "当学園",
    "本人",
    "多数",
    "以上",
    "オンライン",
    "web",
    "技術",
    "役員",
    "個別",
    "集団",
    "個人",
    "代表",
    "社長",
    "人事",
    "グループ",
    "対面",
    "当日",
    "本日",
    "昨日",
    "電話",
    "リモート",
    "カジュアル",
    "追加",
    "選考",
    "貴社",
    "短時間",
    "早速",
    "今般",
    "この先",
];
/// Single characters that are a person's, or the end of an adverb.
const NO_NOUNS: &[&str] = &[
    "方", "者", "際", "誠", "実", "次", "他", "回", "後", "件", "中", "上", "旨", "特", "新", "再", "皆", "本", "当",
    "先",
];
/// Last characters of the names of jobs.
const JOB_ENDINGS: &[char] = &['職', '士', '師', '係', '工', '医'];
/// Members and judges of something: 員 ends these, and the names of jobs beside.
const MEMBERS: &[&str] = &[
    "会員",
    "委員",
    "部員",
    "団員",
    "議員",
    "隊員",
    "党員",
    "組合員",
    "審査員",
    "調査員",
    "役員",
    "全員",
    "定員",
    "満員",
];
/// Nouns that say nothing of their own: what stands before them counts.
const EMPTY_NOUNS: &[&str] = &["募集", "公募", "件"];
/// Verbs of passing over, which take what is passed over as their object.
const PASSED_OVER: &[&str] = &["見送", "見合わせ", "お見送"];

/// Whether what is applied for is a job (true) or something else (false); `None` when no noun says so.
pub(super) fn find_target(folded: &Folded, hits: &[Hit], rules: &Rules) -> Option<bool> {
    let mut other = false;
    let mut job = false;
    let applications: Vec<Match> = rules.words.applications.find_iter(&folded.text).collect();
    for application in &applications {
        let Some((_, particles)) = APPLICATIONS.get(application.pattern().as_usize()) else { continue };
        let before = folded.text.get(..application.start()).unwrap_or_default();
        let rest = particles.iter().find_map(|particle| before.strip_suffix(particle));
        match rest.and_then(|rest| target(rest, hits, rules)) {
            Some(true) => job = true,
            Some(false) => other = true,
            None => {}
        }
    }
    let ends = applications.iter().filter(|a| a.pattern().as_usize() == APPLYING).map(Match::end);
    let behind: Vec<bool> = ends.filter_map(|end| applied_with(folded, end, hits, rules)).collect();
    // 応募いただいた作品 is not of a job whatever else is said.
    if behind.contains(&false) {
        return Some(false).filter(|_| !job);
    }
    if job || behind.contains(&true) {
        return Some(true).filter(|_| !other);
    }
    Some(false).filter(|_| other)
}

/// Of the noun behind 応募, as in 応募いただいた作品, whether it is one of jobs.
fn applied_with(folded: &Folded, applied: usize, hits: &[Hit], rules: &Rules) -> Option<bool> {
    let behind = folded.text.get(applied..)?;
    let rest = APPLIED.iter().find_map(|applied| behind.strip_prefix(applied))?;
    let start = folded.text.len() - rest.len();
    let end = start + noun_at_start(rest).len();
    target(folded.text.get(..end)?, hits, rules).filter(|_| end > start)
}

/// Whether the noun in front is one of jobs; `None` when there is none.
fn target(mut rest: &str, hits: &[Hit], rules: &Rules) -> Option<bool> {
    for _ in 0..2 {
        rest = without_brackets(rest);
        let noun = noun_at_end(rest);
        let start = rest.len() - noun.len();
        if EMPLOYERS.iter().any(|mark| noun.contains(mark)) {
            return None;
        }
        let worker = noun.ends_with('員') && !MEMBERS.iter().any(|member| noun.ends_with(member));
        let named = noun.chars().count() > 1 && noun.ends_with(JOB_ENDINGS);
        if worker || named || ends_listed(hits, start, rest.len(), rules) {
            return Some(true);
        }
        if noun.is_empty() || NO_NOUNS.contains(&noun) || MANNERS.iter().any(|manner| noun.ends_with(manner)) {
            return None;
        }
        let Some(empty) = EMPTY_NOUNS.iter().find(|empty| noun.ends_with(*empty)) else {
            return Some(false);
        };
        rest = rest.strip_suffix(*empty)?;
        rest = rest.strip_suffix('の').unwrap_or(rest);
    }
    None
}

/// Whether the verb of a result takes an object that is no part of hiring: a contract, an order, an event.
pub(super) fn is_of_other(folded: &Folded, hits: &[Hit], result: &Hit, rules: &Rules) -> bool {
    let text = &folded.text;
    let words = text.get(result.start..result.end).unwrap_or_default();
    if is_told_of(words, text.get(result.end..).unwrap_or_default())
        || is_with_other(text, result)
        || is_named_only(text, result)
    {
        return true;
    }
    let Some(verb) = PASSED_OVER.iter().filter_map(|verb| words.rfind(verb)).min() else { return false };
    let before = text.get(..result.start + verb).unwrap_or_default();
    let object = ["を", "をお", "のお", "の"].iter().find_map(|particle| before.strip_suffix(particle));
    let theme = || ["は", "はお", "も", "もお"].iter().find_map(|particle| before.strip_suffix(particle));
    let Some(rest) = object.or_else(|| theme().filter(|rest| is_theme(noun_at_end(rest)))) else { return false };
    let noun = noun_at_end(rest);
    let taken_on = rest.strip_suffix("採用").and_then(|rest| rest.strip_suffix('の'));
    if taken_on.and_then(|rest| target(rest, hits, rules)) == Some(false) {
        return true;
    }
    !noun.is_empty() && !is_listed(hits, rest.len() - noun.len(), rest.len(), Kind::Object, rules)
}

/// Whether a noun of jobs ends there: the head of a Japanese noun is its end. What stands in brackets is no head.
fn ends_listed(hits: &[Hit], start: usize, end: usize, rules: &Rules) -> bool {
    let from = hits.partition_point(|hit| hit.end < end);
    let near = hits.iter().skip(from).take_while(|hit| hit.end == end);
    near.into_iter().any(|hit| hit.start >= start && rules.list.get(hit.rule).is_some_and(|r| r.kind == Kind::Target))
}

/// 見送られた, 見送った and 見送っている tell of it; who decides says 見送らせていただく, 見送りました, 見送ることに.
fn is_told_of(words: &str, behind: &str) -> bool {
    PASSED_OVER.iter().any(|verb| words.ends_with(verb))
        && ["られ", "った", "って"].iter().any(|told| behind.starts_with(told))
}

/// Whether 不採用 is spoken of as a thing, and not said: 不採用の記録, 不採用を, 不採用だった.
fn is_named_only(text: &str, result: &Hit) -> bool {
    let said = |rest: &str| {
        let outcome =
            ["の結果と", "の結果に", "の運びと", "の判断と", "の判断に", "の結論"].iter().any(|o| rest.starts_with(o));
        outcome
            || rest
                .chars()
                .next()
                .is_none_or(|c| !matches!(c, 'の' | 'を' | 'が' | 'も' | 'は' | 'だ' | 'に') && !is_han(c))
    };
    let inside = text.get(result.start..result.end).unwrap_or_default();
    let outcome = ["不採用", "不合格", "不通過"].iter().any(|outcome| inside.ends_with(outcome));
    outcome && !text.get(result.end..).is_none_or(said)
}

/// What stands in brackets at the end of a noun is no head of it, and a quoted noun is one.
fn without_brackets(text: &str) -> &str {
    // A noun's length bounds how far back the opening bracket is looked for.
    let opened = text.strip_suffix(')').and_then(|inside| noun_at_end(inside).rfind('(').map(|at| (inside, at)));
    let bare = opened.and_then(|(inside, at)| inside.get(..inside.len() - noun_at_end(inside).len() + at));
    bare.unwrap_or(text).trim_end_matches('」')
}

/// Whether an English verb of going on takes somebody else: "moving forward with Ann".
fn is_with_other(text: &str, result: &Hit) -> bool {
    let behind = text.get(result.end..).unwrap_or_default();
    let inside = text.get(result.start..result.end).unwrap_or_default();
    let rest = if inside.ends_with(" with") { Some(behind) } else { behind.strip_prefix(" with") };
    let another = inside.ends_with("another").then(|| behind.strip_prefix(' ')).flatten();
    if another
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next())
        .is_some_and(|n| OFFERED.contains(&n))
    {
        return true;
    }
    let Some(rest) = rest.and_then(|rest| rest.strip_prefix(' ')) else { return false };
    let mut words = rest.split(|c: char| !c.is_ascii_alphanumeric());
    let word = words.next().unwrap_or_default();
    // An applicant does not go on with the position, the role, the offer.
    !WITHS.contains(&word) || matches!(word, "the" | "this") && words.next().is_some_and(|noun| OFFERED.contains(&noun))
}

fn is_listed(hits: &[Hit], start: usize, end: usize, wanted: Kind, rules: &Rules) -> bool {
    let from = hits.partition_point(|hit| hit.end <= start);
    let near = hits.iter().skip(from).take_while(|hit| hit.end <= end);
    near.into_iter().any(|hit| hit.start >= start && rules.list.get(hit.rule).is_some_and(|r| r.kind == wanted))
}

/// Whether the noun before は may be what is passed over, and is no time, person or place.
fn is_theme(noun: &str) -> bool {
    !noun.ends_with([
        '年', '月', '日', '度', '期', '回', '春', '夏', '秋', '冬', '社', '店', '院', '園', '所', '者', '方', '名',
    ]) && !NO_NOUNS.contains(&noun)
        && !MANNERS.iter().any(|manner| noun.ends_with(manner))
}

/// The run of Chinese characters, katakana, letters and brackets a text ends with.
fn noun_at_end(text: &str) -> &str {
    let length = noun_octets(text.chars().rev());
    text.get(text.len() - length..).unwrap_or_default()
}

fn noun_at_start(text: &str) -> &str {
    text.get(..noun_octets(text.chars())).unwrap_or_default()
}

fn noun_octets(chars: impl Iterator<Item = char>) -> usize {
    let is_part = |c: &char| {
        is_han(*c) || c.is_ascii_alphanumeric() || matches!(c, '\u{30a1}'..='\u{30fe}' | '「' | '」' | '(' | ')' | '/')
    };
    chars.take(NOUN_CHARS_MAX).take_while(is_part).map(char::len_utf8).sum()
}
