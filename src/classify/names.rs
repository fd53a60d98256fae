//! Whose matter it is: the name in the addressee line against the names the text goes on to speak of.

use super::fold::is_han;
use super::words::Words;

/// What stands behind a person's name.
pub(super) const HONORIFICS: [&str; 4] = ["様", "さま", "さん", "氏"];

/// Characters before an honorific that are looked at.
const NAME_CHARS_MAX: usize = 24;
/// Longest name of a line of its own, in characters.
const WHOLE_NAME_CHARS_MAX: usize = 10;
/// Lines looked at for the addressee.
const ADDRESSEE_LINES_MAX: usize = 8;

/// What stands before 様 or さん and names nobody, when it stands alone.
const NOBODY: &[&str] = &[
    "皆", "各", "客", "貴", "王", "神", "同", "仕", "模", "多", "両", "一", "方", "彼", "奥", "母", "父", "有", "子",
    "外", "異", "貴方", "貴殿", "貴女", "貴君", "苦労", "世話", "得意", "馴染",
];

/// Endings of words before 様 or さん that name nobody.
const NOBODY_ENDS: &[&str] = &[
    "者",
    "社",
    "学生",
    "社員",
    "会員",
    "企業",
    "皆",
    "各位",
    "志望",
    "同",
    "店",
    "サロン",
    "ショップ",
    "メーカー",
    "病院",
    "クリニック",
    "スタッフ",
    "メンバー",
    "チーム",
    "オーナー",
];

/// Marks of a company, school or office in an addressee line: the reader then is one of its people.
const ORGANISATIONS: &[&str] = &[
    "株式会社",
    "有限会社",
    "合同会社",
    "(株)",
    "（株）",
    "㈱",
    "大学",
    "学校",
    "エージェント",
    "人材",
    "紹介",
    "御中",
    "部長",
    "課長",
    "教授",
    "先生",
    "センター",
    "ハローワーク",
    "人事部",
    "営業部",
    "総務部",
    "支店",
    "事務所",
    "ご担当",
    "アルバイト",
    "パート",
    "契約社員",
    "派遣",
    "インターン",
    "任用職員",
    "就職課",
    "キャリア",
    "進路",
    "支援員",
    "窓口",
    "担当者",
];

/// Words that stand right before a name and are none.
const NO_NAMES: &[&str] =
    &["今回", "今般", "先日", "本日", "当日", "結果", "現在", "以上", "残念", "応募者", "受験者", "受験", "応募"];

/// What a candidate is wished, behind his name.
const WISHED: &[&str] = &[
    "今後の",
    "一層の",
    "いっそうの",
    "益々の",
    "ますますの",
    "更なる",
    "さらなる",
    "これからの",
    "これからを",
    "ご活躍",
    "ご健闘",
    "ご健勝",
    "ご多幸",
    "就職活動",
    "転職活動",
    "お仕事探し",
];

/// Whether the text is addressed to, or speaks of, somebody other than the applicant.
///
/// With `scholar` a teacher or a doctor may be the applicant; else 先生 is who the matter is told to.
pub(super) fn is_about_another<'a>(lines: impl Iterator<Item = &'a str>, scholar: bool, words: &Words) -> bool {
    let mut known: Option<String> = None;
    let mut before: Option<&str> = None;
    for (read, line) in lines.filter(|line| !line.trim().is_empty()).enumerate() {
        let mut addressee = false;
        for (name, goes_on) in names_in(line, words) {
            match &known {
                // With no addressee before it, a name that is spoken of is not the reader's.
                None if goes_on => return true,
                None => {
                    addressee = true;
                    known = Some(name);
                }
                Some(one) if !is_same(one, &name) => return true,
                Some(_) => {}
            }
        }
        let titled = line.ends_with("先生") || line.ends_with("教授");
        if (addressee || titled)
            && read < ADDRESSEE_LINES_MAX
            && line.chars().count() <= 40
            && ends_with_honorific(line)
        {
            let organised =
                |line: &str| ORGANISATIONS.iter().any(|mark| line.contains(mark) && !(scholar && *mark == "先生"));
            if organised(line) || before.is_some_and(|above| above.chars().count() <= 30 && organised(above)) {
                return true;
            }
        }
        before = Some(line);
    }
    false
}

/// Whether the wishes are for the addressee by name: who hands a result on is not wished well.
pub(super) fn is_wished_well(lines: &[&str], words: &Words) -> bool {
    let Some(known) = addressee(lines, words) else { return false };
    let text: String = lines.concat();
    ["様の", "さまの", "さんの"].iter().flat_map(|mark| text.match_indices(mark)).any(|(at, mark)| {
        let (before, behind) = (text.get(..at).unwrap_or_default(), text.get(at + mark.len()..).unwrap_or_default());
        let wished = WISHED.iter().any(|wish| behind.trim_start().starts_with(wish));
        wished && name_before(before, true).is_some_and(|name| is_same(&known, &name))
    })
}

/// What a result is said of, or whom it is told: these stand behind the name.
const SAID_OF: &[&str] =
    &["は", "を", "への", "には", "につ", "にお", "が", "との", "の選考", "の採用", "のご採用", "の場合"];

/// The first name a text holds, which is the addressee's.
pub(super) fn addressee(lines: &[&str], words: &Words) -> Option<String> {
    lines.iter().find_map(|line| names_in(line, words).map(|(name, _)| name).next())
}

/// Whether a sentence goes on with the addressee by his name.
pub(super) fn is_named_in(known: &str, sentence: &str, words: &Words) -> bool {
    words.honorifics.find_iter(sentence).any(|mark| {
        let before = sentence.get(..mark.start()).unwrap_or_default();
        let behind = sentence.get(mark.end()..).unwrap_or_default();
        SAID_OF.iter().any(|said| behind.starts_with(said))
            && name_before(before, true).is_some_and(|name| is_same(known, &name))
    })
}

fn ends_with_honorific(line: &str) -> bool {
    let line = line.trim_end_matches(|c: char| c.is_whitespace() || c == '、' || c == ',');
    ["様", "さま", "さん", "殿", "先生", "教授"].iter().any(|end| line.ends_with(end))
}

/// The names a line holds before 様, さま or さん, blanks taken out, and whether the sentence goes on with them.
fn names_in(line: &str, words: &Words) -> impl Iterator<Item = (String, bool)> {
    words.honorifics.find_iter(line).filter_map(|mark| {
        let (before, after) = (line.get(..mark.start())?, line.get(mark.end()..)?);
        let mark = line.get(mark.range())?;
        if is_generic(before) {
            return None;
        }
        let addressed = after.trim_matches(|c: char| c.is_whitespace() || matches!(c, '、' | ',')).is_empty();
        let whole = if addressed { whole_name(before) } else { None };
        let name = whole.or_else(|| name_before(before, matches!(mark, "様" | "氏")))?;
        // 氏名 is a heading, and no name.
        if after.starts_with('名') {
            return None;
        }
        Some((name, after.starts_with(['の', 'に', 'は', 'で', 'が', 'を', 'と', 'も'])))
    })
}

/// Whether the word in front is of anybody, as in 他のサロンさん.
fn is_generic(before: &str) -> bool {
    let word = before.trim_end_matches(|c: char| is_han(c) || matches!(c, '\u{30a1}'..='\u{30fe}'));
    word.len() < before.len() && ["他の", "ほかの", "別の", "どの"].iter().any(|other| word.ends_with(&other[..]))
}

/// The name a line of nothing else holds before 様: it may be written in hiragana, which ends a name elsewhere.
fn whole_name(before: &str) -> Option<String> {
    let name: String = before.chars().filter(|c| !c.is_whitespace()).collect();
    let letter = |c: char| is_han(c) || matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fe}');
    let polite = name.starts_with(['お', 'ご']) && name.chars().nth(1).is_some_and(is_han);
    let nobody = polite || ["皆", "みな"].iter().chain(NOBODY_ENDS).any(|end| name.ends_with(end));
    let hiragana = name.chars().any(|c| matches!(c, '\u{3041}'..='\u{3096}'));
    (hiragana && !nobody && (2..=WHOLE_NAME_CHARS_MAX).contains(&name.chars().count()) && name.chars().all(letter))
        .then_some(name)
}

fn name_before(text: &str, formal: bool) -> Option<String> {
    let letter = |c: char| {
        is_han(c) || c.is_ascii_alphabetic() || matches!(c, '.' | '\u{30a1}'..='\u{30fe}' | '\u{ff21}'..='\u{ff5a}')
    };
    let run: Vec<char> = text
        .chars()
        .rev()
        .take(NAME_CHARS_MAX + 4)
        .take_while(|c| letter(*c) || c.is_whitespace())
        .filter(|c| letter(*c))
        .take(NAME_CHARS_MAX)
        .collect();
    let name: String = run.into_iter().rev().collect();
    let fits = name.chars().count() >= if formal { 1 } else { 2 };
    let nobody = NOBODY.contains(&name.as_str()) || NOBODY_ENDS.iter().any(|end| name.ends_with(end));
    (fits && !nobody).then_some(name)
}

/// A name and a part of it, as a family name, are the same person; so is the family name behind a word of time.
fn is_same(one: &str, other: &str) -> bool {
    let family = || one.char_indices().nth(2).map_or(one, |(end, _)| &one[..end]);
    let bare = NO_NAMES.iter().find_map(|word| other.strip_prefix(word)).filter(|bare| !bare.is_empty());
    one.contains(other)
        || other.contains(one)
        || other.ends_with(family())
        || bare.is_some_and(|bare| one.starts_with(bare))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, another: bool) {
        let words = Words::new().expect("the words compile");
        assert_eq!(is_about_another(text.lines(), false, &words), another, "{text}");
    }

    #[test]
    fn the_addressee_may_be_named_again() {
        check("佐藤 花子 様\n\n佐藤様につきましては", false);
        check("中村　さやか　様\n今回中村様につきましては", false);
        check("森様\n結果、今回森様には", false);
        check("Nguyen Van A 様\nNguyen様につきましては\n氏名 佐藤", false);
        check("グエンさん\n皆様のご応募、多様な職種、お客様", false);
        check("有賀 みのり様\n有賀様のご活躍をお祈りします", false);
        check("高階さん\n他のサロンさんでも活躍できる", false);
        check("みどりクリニックです。\n川村さん、先日はありがとう", false);
    }

    #[test]
    fn a_result_is_said_of_the_addressee_by_his_name() {
        let words = Words::new().expect("the words compile");
        let name = addressee(&["久保 雄介様", "先日は"], &words).unwrap_or_default();
        let named = |sentence| is_named_in(&name, sentence, &words);
        assert!(named("久保さまは今回、含まれませんでした。"));
        assert!(named("検討の結果、今回久保さまをお迎えすることが"));
        assert!(!named("久保さまのご紹介の方は不採用です。"));
        assert!(!named("須藤さまは不採用です。"));
    }

    #[test]
    fn another_name_is_another_person() {
        check("田中様\n先日面接した伊藤様ですが", true);
        check("面接の件です。\n林様は不採用です", true);
        check("有賀 みのり様\n先日面接した山下様の件", true);
        check("中島さん\n面接した山下さんですが", true);
        check("青木様 合格、藤井様 不採用", true);
        check("鈴木様\nA・K様 不採用\nM・T様 不採用", true);
        check("鈴木様\nK.S氏の面接の結果", true);
    }

    #[test]
    fn the_reader_in_an_organisation_is_no_applicant() {
        check("ひかりエージェント 田中様\n本文", true);
        check("さくら株式会社\n人事部 田中様\n本文", true);
        check("田中様\nさくら株式会社の森です", false);
    }
}
