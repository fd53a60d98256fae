//! The rules of the languages beside Japanese and English, each set by itself.
//!
//! A gateway compiles the sets of the languages that its companies serve, so the others cost it no memory; and the
//! words of one language are never looked for in the text of another.

use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use super::model::Model;
use super::rules::{Rules, RulesFault};
use super::verdict::Lang;
use super::words::Words;

/// Sets of rules, one for each language.
#[derive(Debug)]
pub(super) struct Others(Box<[Other]>);

#[derive(Debug)]
struct Other {
    language: Lang,
    rules: Rules,
}

macro_rules! files {
    ($($language:ident = $name:literal,)*) => {
        [$((Lang::$language, include_str!(concat!("../../config/rules/", $name, ".toml"))),)*]
    };
}

impl Others {
    /// None.
    pub fn none() -> Self {
        Self(Box::default())
    }

    /// Those of these languages that come with the program, compiled.
    ///
    /// # Errors
    /// The first thing that is wrong with them; a test compiles them all.
    pub fn built_in(languages: &[Lang], words: &Arc<Words>) -> Result<Self, RulesFault> {
        let files = files! {
            Ko = "ko",
            ZhHans = "zh",
            ZhHant = "zh",
            Vi = "vi",
            De = "de",
            Fr = "fr",
            Es = "es",
            Pt = "pt",
            It = "it",
            Ru = "ru",
            Nl = "nl",
            Sv = "sv",
            Pl = "pl",
            Id = "id",
            Tl = "tl",
            Th = "th",
        };
        let wanted = files.into_iter().filter(|(language, _)| languages.contains(language));
        wanted.map(|file| Other::compile(file, words)).collect::<Result<_, _>>().map(Self)
    }

    /// The same rules with a model.
    pub fn with(self, model: &Arc<Model>) -> Self {
        Self(self.0.into_iter().map(|other| Other { rules: other.rules.with(model), ..other }).collect())
    }

    /// The rules of that language; `None` where there are none.
    pub fn of(&self, language: Lang) -> Option<&Rules> {
        self.0.iter().find(|other| other.language == language).map(|other| &other.rules)
    }
}

impl Other {
    fn compile((language, text): (Lang, &str), words: &Arc<Words>) -> Result<Self, RulesFault> {
        let also = match language {
            Lang::ZhHant => traditional,
            Lang::De => without_umlauts,
            _ => without_accents,
        };
        let rules = Rules::parse_alone((language, text), also, Arc::clone(words))?;
        Ok(Self { language, rules })
    }
}

/// Characters of the rules, simplified and traditional by turns. Words that differ in more stand there in both ways.
const CHARACTERS: &str = "\
    竞競征徵于於硕碩调調赔賠员員专專业業东東个個为為义義习習书書仅僅们們价價优優伙夥会會体體储儲关關兴興决決况況准準创創别別务務动動劳勞单單历歷参參发發号號后後员員团團园園围圍备備复複够夠头頭奖獎学學实實审審对對将將尽盡属屬岗崗师師\
    带帶库庫应應废廢异異弃棄录錄愿願报報择擇携攜摇搖数數无無时時晋晉暂暫机機条條来來标標样樣欢歡没沒满滿点點猎獵确確笔筆筛篩签簽简簡约約级級练練终終绍紹经經结結给給绝絕统統继繼绩績续續综綜缓緩编編缘緣职職\
    联聯胜勝脱脫节節荐薦荣榮获獲营營虑慮补補见見览覽计計订訂讣訃训訓讲講论論讼訟设設证證评評诉訴试試诚誠话話询詢该該误誤请請课課谅諒谈談谢謝购購贴貼贵貴贷貸贺賀赁賃资資赔賠赛賽赞贊转轉轮輪辑輯达達迁遷过過\
    运運还還这這进進适適选選递遞遗遺采採销銷错錯镜鏡门門闭閉问問间間阅閱阶階险險难難项項顺順顾顧颂頌预預颖穎题題额額验驗";

/// The same in traditional characters.
fn traditional(spelling: &str) -> Option<String> {
    let table: Vec<char> = CHARACTERS.chars().collect();
    let old = |c: char| table.chunks_exact(2).find(|pair| pair[0] == c).map_or(c, |pair| pair[1]);
    Some(spelling.chars().map(old).collect()).filter(|other| other != spelling)
}

/// The same as older systems and hurried hands write it.
fn without_accents(spelling: &str) -> Option<String> {
    let plain = |c: char| match c {
        'đ' => 'd',
        'ł' => 'l',
        'ø' => 'o',
        'ё' => 'е',
        _ if c.is_alphabetic() && c < '\u{250}' || matches!(c, '\u{1e00}'..='\u{1eff}') => c.nfd().next().unwrap_or(c),
        _ => c,
    };
    Some(spelling.chars().map(plain).collect()).filter(|other| other != spelling)
}

/// The same with ae, oe, ue and ss.
fn without_umlauts(spelling: &str) -> Option<String> {
    let plain = spelling.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue").replace('ß', "ss");
    Some(plain).filter(|other| other != spelling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_of_every_language_are_sound() {
        let words = Arc::new(Words::new().unwrap_or_else(|fault| panic!("{fault}")));
        let others = Others::built_in(Lang::ALL, &words).unwrap_or_else(|fault| panic!("{fault}"));
        for Other { language, rules } in &others.0 {
            assert!(rules.list.len() >= 8, "{}: {} rules", language.code(), rules.list.len());
        }
        let served = others.0.len() + 2;
        assert_eq!(served, Lang::ALL.len(), "a language without a file of rules");
    }
}
