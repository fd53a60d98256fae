//! Which language a text is in, as far as the rules need to know.

use super::fold::{Folded, Scripts, is_han};
use super::reading::Reading;
use super::rules::Rules;
use super::verdict::Lang;
use super::words::Words;

/// Octets of Latin text that are looked at.
const SAMPLE_OCTETS: usize = 1024;
/// Kana that make a text Japanese.
const KANA_MIN: usize = 5;
/// Recruiting weight that shows a text without kana to be Japanese: Chinese shares 不合格, but not 選考 or 応募.
const HAN_RECRUITING_MIN: u32 = 3;
/// Words of English that stand in every paragraph of it.
const ENGLISH: &[&str] = &["the", "to", "you", "your", "and", "for", "of", "we", "that", "with", "have", "are", "is"];

/// The script that first comes to so many letters is that of the first language; one of Asia counts as [`WIDE`].
const HEAD_LETTERS: usize = 72;
/// Latin letters that show a mail in another script to be in two languages.
const SECOND_LETTERS: usize = 210;
/// Characters that are looked at to tell Chinese.
const CHINESE_CHARS: usize = 420;
/// How many letters a Chinese, Korean or Thai character stands for.
const WIDE: usize = 3;
/// Letters that show a script to be that of the text, and not of a name in it.
const SCRIPT_LETTERS_MIN: usize = 24;
/// Kana that folding does not make of Chinese characters.
const NATIVE_KANA: &str = "のをしてすはりがっれるもんおにせようえあちへら";
/// Characters of running Chinese that Japanese does not write so: simplified ones, others, and those of both.
const SIMPLIFIED: &str = "们这请谢贵为经简历职应选进发让说时间对录岗邮络过认遗许虑试结关门业东书";
const TRADITIONAL: &str = "們這經歷應發將讓說對錄與關會擇實專團學變當歡單條盡";
const CHINESE: &str = "我您你很吗嗎给給没";
/// How many of all these show a text to be Chinese: a name in old characters has one or two.
const CHINESE_MIN: usize = 3;
/// One word in so many is one of the small words of its language: of one that is read only when certain, and of others.
const SMALL_WORDS: (usize, usize) = (6, 9);
/// Fewest small words that tell a language.
const SMALL_WORDS_MIN: usize = 3;
/// Words that are looked at.
const WORDS_MAX: usize = 120;
/// Small words of the languages in Latin letters. Those without a language only keep it from being taken for another.
pub(super) const SMALL: [(Option<Lang>, &str); 21] = [
    (Some(Lang::En), "the to you your and for of we that with have are is our not on at be will this"),
    (
        Some(Lang::De),
        "und die der das ihre ihr sie wir nicht für fuer mit ist den dass uns leider eine einen zu haben ihnen im",
    ),
    (Some(Lang::Fr), "le la les des vous votre nous et pour que une pas avons de est du dans vos notre au sur ne"),
    (Some(Lang::Es), "el la los que de para su por con una en y le no usted nos del las tu te se hemos"),
    (Some(Lang::Pt), "o a os que de para sua seu com uma em e não nao você voce por do da no nos na ao as"),
    (Some(Lang::It), "il la di che per con una non gli del della le ci sua e è i alla suo nostra abbiamo al lei"),
    (Some(Lang::Nl), "de het een en van je u uw niet voor met wij we dat is op hebben in te ons aan"),
    (Some(Lang::Sv), "och att för det inte vi du har som till din på av är en med vår den ditt dig"),
    (Some(Lang::Pl), "i w na że nie do z się pana pani za jest oraz o po pan dla ze"),
    (Some(Lang::Id), "dan yang untuk kami anda dengan tidak di ini dari telah atas pada kepada akan"),
    (Some(Lang::Tl), "ang ng sa na po ay mga hindi namin inyong kayo iyong at ka"),
    (
        Some(Lang::Vi),
        "và của bạn cho không chúng tôi đã với anh chị được trong va cua ban khong chung toi da voi chi duoc em cam",
    ),
    (None, "og ikke til af av jeg det er vi har at din på som den med vi deg dig"),
    (None, "že se jsme není na k je v bychom vás vám děkujeme aby sa nie ste"),
    (None, "și că pentru nu am de la cu dumneavoastră vă este pe"),
    (None, "ve bir için bu ile size olarak değil çok olan"),
    (None, "és hogy nem az egy önnek köszönjük meg sajnos"),
    (None, "ja on että ei olemme sinun kiitos valitettavasti tähän"),
    (None, "amb els per i la que de una no les hem vostra al del"),
    (None, "i u na se da je ne za su smo vam vas hvala"),
    (None, "o a e que de para unha non do da no en súa vostede grazas"),
];

/// The language a text begins in, when it has rules of its own; `None` for Japanese, English, and what is not known.
///
/// By its script, then by its small words. A mail in two languages is of that which stands first.
pub(super) fn tell(folded: &Folded, words: &Words) -> Option<Lang> {
    let Scripts { kana, han, hangul, latin, other } = folded.scripts;
    // Nearly all mail: no Chinese stands beside so many kana, and no other language in so few letters.
    if kana >= KANA_MIN && kana * 3 >= han && kana + han >= latin && kana >= hangul + other {
        return None;
    }
    match first_script(folded)? {
        Script::Japanese => None,
        Script::Hangul => Some(Lang::Ko),
        Script::Thai => Some(Lang::Th),
        Script::Han => chinese(folded),
        Script::Cyrillic => is_russian(&folded.text).then_some(Lang::Ru),
        Script::Latin => by_small_words(folded, words),
    }
}

/// The rules that a text is read with: those of the language it begins in, else the common ones.
pub(super) fn rules_for<'r>(folded: &Folded, rules: &'r Rules) -> &'r Rules {
    tell(folded, &rules.words).and_then(|language| rules.of(language)).unwrap_or(rules)
}

/// Whether a text that begins in a language of its own goes on in Japanese, or in Latin letters behind others.
pub(super) fn is_of_two(folded: &Folded, first: Lang) -> bool {
    let scripts = folded.scripts;
    let latin_first = SMALL.iter().any(|(language, _)| *language == Some(first));
    scripts.kana >= KANA_MIN || !latin_first && scripts.latin >= SECOND_LETTERS
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Script {
    Latin,
    Japanese,
    Han,
    Hangul,
    Thai,
    Cyrillic,
}

const SCRIPTS: [Script; 6] =
    [Script::Japanese, Script::Han, Script::Hangul, Script::Thai, Script::Cyrillic, Script::Latin];

/// The script that most of the begin of the text is in.
fn first_script(folded: &Folded) -> Option<Script> {
    let has_kana = folded.scripts.kana >= KANA_MIN;
    let mut counts = [0usize; SCRIPTS.len()];
    for c in folded.text.chars() {
        let (script, letters) = match c {
            'a'..='z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => (Script::Latin, 1),
            '\u{ac00}'..='\u{d7a3}' => (Script::Hangul, WIDE),
            '\u{e01}'..='\u{e4f}' => (Script::Thai, 1),
            '\u{400}'..='\u{4ff}' => (Script::Cyrillic, 1),
            '\u{3041}'..='\u{30fa}' if has_kana && NATIVE_KANA.contains(c) => (Script::Japanese, WIDE * 2),
            c if is_han(c) => (Script::Han, WIDE),
            _ => continue,
        };
        let Some(count) = SCRIPTS.iter().position(|s| *s == script).and_then(|at| counts.get_mut(at)) else { continue };
        *count += letters;
        if *count >= HEAD_LETTERS {
            break;
        }
    }
    // Chinese characters among kana are Japanese.
    if let [japanese, han, ..] = &mut counts
        && *japanese * 4 >= *han
    {
        *japanese += std::mem::take(han);
    }
    let most = counts.iter().zip(SCRIPTS).max_by_key(|(count, _)| **count)?;
    (*most.0 >= SCRIPT_LETTERS_MIN).then_some(most.1)
}

/// Which Chinese it is; `None` for Japanese without kana.
fn chinese(folded: &Folded) -> Option<Lang> {
    let (mut simplified, mut traditional, mut either) = (0, 0, 0);
    for c in folded.text.chars().filter(|c| is_han(*c)).take(CHINESE_CHARS) {
        let (new, old) = (SIMPLIFIED.contains(c), TRADITIONAL.contains(c));
        simplified += usize::from(new && !old);
        traditional += usize::from(old && !new);
        either += usize::from(CHINESE.contains(c));
    }
    if simplified + traditional + either < CHINESE_MIN {
        return None;
    }
    Some(if simplified >= traditional { Lang::ZhHans } else { Lang::ZhHant })
}

/// Russian has ы or э in every paragraph, and none of the letters that Ukrainian, Belarusian and Serbian have beside.
fn is_russian(text: &str) -> bool {
    text.contains(['ы', 'э']) && !text.contains(['і', 'ї', 'є', 'ґ', 'ў', 'ј', 'љ', 'њ', 'ѝ'])
}

fn by_small_words(folded: &Folded, words: &Words) -> Option<Lang> {
    let (mut counts, mut all) = ([0usize; SMALL.len()], 0);
    for word in folded.text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).take(WORDS_MAX) {
        all += 1;
        let mask = words.small.get(word).copied().unwrap_or_default();
        for (bit, count) in counts.iter_mut().enumerate() {
            *count += usize::from(mask >> bit & 1 == 1);
        }
    }
    let most = counts.iter().copied().max()?;
    let (at, _) = counts.iter().enumerate().find(|(_, count)| **count == most)?;
    let next = counts.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, count)| *count).max()?;
    let language = SMALL.get(at)?.0.filter(|language| *language != Lang::En)?;
    let parts = if language.is_read_when_certain() { SMALL_WORDS.0 } else { SMALL_WORDS.1 };
    let told = most >= SMALL_WORDS_MIN || most + 1 >= SMALL_WORDS_MIN && next == 0;
    (told && most * parts >= all && most > next).then_some(language)
}

/// Whether the rules can read the text.
pub(super) fn is_supported(reading: &Reading, rules: &Rules) -> bool {
    if rules.alone.is_some() {
        return true;
    }
    let scripts = reading.folded.scripts;
    if scripts.kana >= KANA_MIN {
        return scripts.hangul <= scripts.kana;
    }
    if scripts.hangul > 0 || scripts.other > scripts.latin {
        return false;
    }
    if scripts.han > scripts.latin {
        return reading.recruiting >= HAN_RECRUITING_MIN && reading.strength(rules) > 0;
    }
    is_english(&reading.folded)
}

fn is_english(folded: &Folded) -> bool {
    let end = (0..=SAMPLE_OCTETS.min(folded.text.len())).rev().find(|end| folded.text.is_char_boundary(*end));
    let sample = folded.text.get(..end.unwrap_or(0)).unwrap_or("");
    let (mut words, mut english) = (0, 0);
    for word in sample.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        words += 1;
        english += usize::from(ENGLISH.contains(&word));
    }
    // Detecting by trigrams costs more than all else; running text of English is plain from its small words.
    words > 0 && english * 7 >= words || whatlang::detect_lang(sample) == Some(whatlang::Lang::Eng)
}
