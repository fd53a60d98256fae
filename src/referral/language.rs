//! The languages of the line, and the default words of each.

use serde::{Deserialize, Serialize};

macro_rules! languages {
    ($(#[doc = $name:literal] $variant:ident = $code:literal, $lead:literal;)*) => {
        /// The language of a rejection mail, and so of the line in it.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Language { $(#[doc = $name] $variant,)* }

        impl Language {
            /// All of them under their codes.
            pub const ALL: &'static [(&'static str, Self)] = &[$(($code, Self::$variant)),*];

            /// The stable code: `ja`, `en`, `zh_hant`.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The default words before a link: they say that the service is free, voluntary, and whose it is.
            pub(super) fn default_lead(self) -> &'static str {
                match self { $(Self::$variant => $lead,)* }
            }
        }
    };
}

languages! {
    /// Japanese.
    Ja = "ja", "■ 弊社が提携する無料のキャリア支援サービス「キャリアリレー」のご案内（登録は任意です）：";
    /// English.
    En = "en",
        "We would like to support your next step: free career support from our partner Career Relay (voluntary):";
    /// Korean.
    Ko = "ko", "■ 당사와 제휴한 무료 커리어 지원 서비스 Career Relay 안내 (등록은 자유입니다):";
    /// Chinese in simplified characters.
    ZhHans = "zh_hans", "■ 本公司合作方 Career Relay 提供的免费职业支持服务（自愿注册）：";
    /// Chinese in traditional characters.
    ZhHant = "zh_hant", "■ 本公司合作夥伴 Career Relay 提供的免費職涯支援服務（自由註冊）：";
    /// Vietnamese.
    Vi = "vi", "Dịch vụ hỗ trợ nghề nghiệp miễn phí của đối tác Career Relay (đăng ký tự nguyện):";
    /// German.
    De = "de",
        "Für Ihren nächsten Schritt: kostenlose Unterstützung durch unseren Partner Career Relay (freiwillig):";
    /// French.
    Fr = "fr",
        "Pour la suite de votre parcours : accompagnement gratuit de notre partenaire Career Relay (facultatif) :";
    /// Spanish.
    Es = "es", "Para su próximo paso: apoyo profesional gratuito de nuestro colaborador Career Relay (voluntario):";
    /// Portuguese.
    Pt = "pt", "Para o seu próximo passo: apoio gratuito à carreira do nosso parceiro Career Relay (voluntário):";
    /// Italian.
    It = "it", "Per il Suo prossimo passo: supporto gratuito del nostro partner Career Relay (facoltativo):";
    /// Russian.
    Ru = "ru", "Для следующего шага: бесплатная карьерная поддержка нашего партнёра Career Relay (по желанию):";
    /// Dutch.
    Nl = "nl", "Voor uw volgende stap: gratis loopbaanondersteuning van onze partner Career Relay (vrijwillig):";
    /// Swedish.
    Sv = "sv", "För ditt nästa steg: kostnadsfritt karriärstöd från vår partner Career Relay (frivilligt):";
    /// Polish.
    Pl = "pl", "Na kolejny krok: bezpłatne wsparcie zawodowe naszego partnera Career Relay (dobrowolne):";
    /// Indonesian.
    Id = "id", "Untuk langkah Anda berikutnya: dukungan karier gratis dari mitra kami Career Relay (sukarela):";
    /// Tagalog.
    Tl = "tl",
        "Para sa susunod ninyong hakbang: libreng suporta sa karera ng aming partner na Career Relay (kusang-loob):";
    /// Thai.
    Th = "th", "สำหรับก้าวต่อไปของคุณ: บริการสนับสนุนอาชีพฟรีจากพาร์ตเนอร์ของเรา Career Relay (สมัครใจ):";
}
