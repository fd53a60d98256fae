//! What is to be said against a company's own words: what the law bars, what no charset writes, what a reader misses.

use super::finding::Wrong;
use super::reader::Section;
use crate::mail::charset::Charset;
use crate::referral::link::URL_OCTETS_MAX;
use crate::referral::wording::Language;

/// Charsets that mails of a language come in; UTF-8 writes everything.
const JA_CHARSETS: &[&str] = &["iso-2022-jp", "shift_jis", "euc-jp"];
const EN_CHARSETS: &[&str] = &["us-ascii", "iso-8859-1", "windows-1252"];

/// Money and gifts: barred for those who bring job seekers and firms together, and so for the line.
const GIFTS_JA: &[&str] = &[
    "現金",
    "ギフト",
    "プレゼント",
    "進呈",
    "商品券",
    "クーポン",
    "ポイント",
    "謝礼",
    "祝い金",
    "お祝金",
    "キャッシュバック",
    "特典",
    "賞品",
    "万円",
    "円分",
];
const GIFTS_EN: &[&str] =
    &["gift", "cash", "reward", "bonus", "prize", "voucher", "coupon", "points", "money", "yen", "$", "¥"];
const GIFTS_ELSEWHERE: &[&str] = &[
    "상품권",
    "선물",
    "현금",
    "礼品",
    "禮品",
    "现金",
    "現金",
    "奖金",
    "獎金",
    "quà tặng",
    "tiền mặt",
    "geschenk",
    "gutschein",
    "cadeau",
    "prime de",
    "regalo",
    "brinde",
    "dinheiro",
    "dinero",
    "подарок",
    "prezent",
    "hadiah",
    "ของขวัญ",
    "€",
];
/// Praise: it reads as mockery in a rejection, and as a judgement nobody has made.
const PRAISE_JA: &[&str] = &["優秀", "素晴らし", "すばらし", "惜しく", "高く評価", "魅力的な", "光るもの"];
const PRAISE_EN: &[&str] =
    &["excellent", "outstanding", "impressive", "impressed", "talented", "great candidate", "remarkable"];
/// A promise to place people is that of a licensed agency.
const PLACING_JA: &[&str] = &["企業をご紹介", "求人をご紹介", "就職先をご紹介", "内定を", "採用を保証", "転職先"];
const PLACING_EN: &[&str] = &["introduce you to", "find you a job", "guarantee", "job offer"];
const OPERATOR: &[&str] = &["キャリアリレー", "career relay"];
const FREE: &[&str] = &[
    "無料",
    "無償",
    "費用はかかりません",
    "free",
    "no cost",
    "no charge",
    "무료",
    "免费",
    "免費",
    "miễn phí",
    "kostenlos",
    "kostenlose",
    "gratuit",
    "gratuito",
    "gratuita",
    "gratis",
    "бесплатн",
    "kostnadsfri",
    "kostnadsfritt",
    "bezpłatn",
    "libre",
    "libreng",
    "ฟรี",
];
const VOLUNTARY: &[&str] = &[
    "任意",
    "ご希望",
    "希望される",
    "よろしければ",
    "voluntary",
    "optional",
    "if you wish",
    "if you like",
    "자유",
    "자율",
    "自愿",
    "自由註冊",
    "自願",
    "tự nguyện",
    "freiwillig",
    "facultatif",
    "volontaire",
    "voluntario",
    "voluntário",
    "facoltativo",
    "желани",
    "vrijwillig",
    "frivillig",
    "frivilligt",
    "dobrowoln",
    "sukarela",
    "kusang-loob",
    "สมัครใจ",
];
const REFUSAL: &[&str] = &[
    "不要",
    "希望されない",
    "希望しない",
    "停止",
    "お断り",
    "拒否",
    "opt out",
    "opt-out",
    "unsubscribe",
    "no longer",
    "stop",
];

/// The words of a company in one language, under their key.
pub(super) struct Words<'a> {
    /// Where they stand.
    pub(super) section: &'a Section<'a>,
    /// Under which key.
    pub(super) key: &'static str,
    /// Their language.
    pub(super) language: Language,
    /// With the slots filled.
    pub(super) text: &'a str,
    /// As they stand in the file.
    pub(super) raw: &'a str,
    /// Who runs the service, if that is said.
    pub(super) operator: Option<&'a str>,
}

impl Words<'_> {
    fn has(&self, words: &[&'static str]) -> Option<&'static str> {
        let lower = self.text.to_lowercase();
        words.iter().copied().find(|word| holds(&lower, word))
    }

    fn warn(&self, what: impl Into<String>, remedy: &str) {
        self.section.warn(self.key, Wrong::new(what, remedy));
    }

    /// Notes everything that is to be said against them.
    pub(super) fn lint(&self) {
        if let Some(word) = [GIFTS_JA, GIFTS_EN, GIFTS_ELSEWHERE].into_iter().find_map(|words| self.has(words)) {
            let what = format!("{word:?} reads as a promise of money or gifts, which job seekers must not be given");
            self.section.fault(self.key, Wrong::new(what, "say what the service does, and leave the gift out"));
        }
        if let Some(word) = self.has(PRAISE_JA).or_else(|| self.has(PRAISE_EN)) {
            let what = format!("{word:?} is praise, which reads as mockery in a rejection");
            self.warn(what, "say what is offered, not what the reader is like");
        }
        if let Some(word) = self.has(PLACING_JA).or_else(|| self.has(PLACING_EN)) {
            let what = format!("{word:?} promises what a licensed agency alone may do");
            self.warn(what, "speak of a support service, and introduce nobody to anybody");
        }
        let names_operator = self.operator.is_some_and(|name| self.text.contains(name));
        if !names_operator && self.has(OPERATOR).is_none() {
            self.warn(
                "the words do not say whose service it is",
                "name it: キャリアリレー, Career Relay, or {operator}",
            );
        }
        if self.has(FREE).is_none() {
            self.warn("the words do not say that it is free", "say so: 無料, or free");
        }
        if self.has(VOLUNTARY).is_none() {
            self.warn("the words do not say that it is voluntary", "say so: 登録は任意です, or voluntary");
        }
        self.lint_charsets();
    }

    /// A text some charset cannot write gives way to the default one there, and nobody would know.
    fn lint_charsets(&self) {
        let charsets = charsets_of(self.language);
        let missing = |label: &&&str| unwritable(label, self.text).is_some();
        let names: Vec<&str> = charsets.iter().filter(missing).copied().collect();
        let Some(first) = names.first() else { return };
        let shown = unwritable(first, self.text).unwrap_or_default();
        let what = format!("{shown:?} cannot be written in {}: such mails get the default words", names.join(", "));
        let remedy = match self.language {
            Language::Ja => "use characters of JIS X 0208, such as ■ for ▶ and ～ for 〜",
            Language::En => "use ASCII: straight quotes, and - for dashes",
            _ => "use plain letters: straight quotes, and - for dashes",
        };
        self.warn(what, remedy);
    }

    /// What the law on advertising mail asks for where the company says that it applies.
    pub(super) fn lint_refusal(&self) {
        if !self.raw.contains("{optout}") || self.has(REFUSAL).is_none() {
            let what = "the words do not tell how to refuse further mail, which sender_block.required asks for";
            let remedy = "put {optout} into them, and say beside it that one can refuse: 不要の方は {optout}";
            self.section.fault(self.key, Wrong::new(what, remedy));
        }
    }
}

/// The charsets beside UTF-8 that mails of the language come in.
fn charsets_of(language: Language) -> &'static [&'static str] {
    match language {
        Language::Ja => JA_CHARSETS,
        Language::En | Language::Id | Language::Tl => EN_CHARSETS,
        Language::Ko => &["euc-kr"],
        Language::ZhHans => &["gb2312", "gb18030"],
        Language::ZhHant => &["big5"],
        Language::De | Language::Fr | Language::Es | Language::Pt | Language::It | Language::Nl | Language::Sv => {
            &["iso-8859-1", "windows-1252"]
        }
        Language::Ru => &["koi8-r", "windows-1251"],
        Language::Pl => &["iso-8859-2", "windows-1250"],
        Language::Th => &["windows-874"],
        // Its letters are in no charset that mailers write without taking them apart.
        Language::Vi => &[],
    }
}

/// Whether a folded text holds the word: letters as a word of their own, anything else anywhere.
fn holds(text: &str, word: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let whole = word.bytes().all(|b| b.is_ascii_alphabetic());
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + word.len()..].chars().next());
        !whole || !is_letter(before) && (!is_letter(after) || after == Some('s'))
    })
}

/// The first character that a charset cannot write.
fn unwritable(label: &str, text: &str) -> Option<char> {
    // A body in the charset's own way tells it apart from a label that is only claimed.
    let charset = Charset::from_label(Some(label), b"").ok()?;
    text.chars().find(|c| charset.encode(c.encode_utf8(&mut [0; 4])).is_none())
}

/// What is wrong with what stands for `{optout}`: a link, or an address.
pub(super) fn optout(text: &str) -> Result<(), Wrong> {
    let wrong = |what: &str, remedy: &str| Err(Wrong::new(format!("{text:?} {what}"), remedy));
    if text.len() > URL_OCTETS_MAX {
        return wrong("has over 72 octets", "take a shorter link, or an address");
    }
    let is_link = text.strip_prefix("https://").is_some_and(|rest| rest.contains('.'));
    let is_plain = text.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b));
    if is_plain && (is_link || crate::mail::address::Address::parse(text).is_ok_and(|a| a.domain().is_some())) {
        return Ok(());
    }
    wrong("is neither a link nor an address", "write https://… or name@domain, in ASCII")
}

/// Whether something follows `{optout}` that mail programs take into a link.
pub(super) fn runs_on(raw: &str) -> bool {
    raw.split("{optout}").skip(1).any(|rest| rest.chars().next().is_some_and(|c| c != ' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole_and_not_within_others() {
        assert!(holds("a gift for you", "gift") && holds("free gifts", "gift") && holds("謝礼あり", "謝礼"));
        assert!(!holds("a gifted person", "gift") && !holds("stopover", "stop") && !holds("bonuspoint", "point"));
    }

    #[test]
    fn a_character_no_japanese_mail_charset_has_is_named() {
        for label in JA_CHARSETS {
            assert_eq!(unwritable(label, "■ 無料のご案内"), None, "{label}");
            assert_eq!(unwritable(label, "無料 ▶ ご案内"), Some('▶'), "{label}");
        }
        assert_eq!(unwritable("us-ascii", "it’s free"), Some('’'));
        assert_eq!(unwritable("iso-8859-1", "it’s free"), Some('’'));
    }

    #[test]
    fn the_default_words_can_be_written_in_every_charset_of_their_language() {
        let wording = crate::referral::wording::Wording::default();
        for (code, language) in Language::ALL {
            let [own, ..] = wording.candidates(*language);
            for label in charsets_of(*language) {
                assert_eq!(unwritable(label, own), None, "{code} in {label}");
            }
        }
    }

    #[test]
    fn what_tells_how_to_refuse_is_a_link_or_an_address() {
        for fine in ["https://careerrelay.jp/stop", "stop@careerrelay.jp"] {
            assert!(optout(fine).is_ok(), "{fine}");
        }
        for wrong in ["http://careerrelay.jp/stop", "stop", "https://x", "https://a.example/ b", &"x".repeat(90)] {
            assert!(optout(wrong).is_err(), "{wrong}");
        }
        assert!(
            runs_on("不要の方は{optout}）：") && !runs_on("不要の方は {optout} ）：") && !runs_on("stop: {optout}")
        );
    }
}
