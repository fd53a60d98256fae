//! A day of HR mail at an invented company: what is sent, in which form, and what must become of each mail.

/// HR's mailbox at the invented company.
pub const HR: &str = "saiyo@sakura.example";
/// The colleague in Cc of one mail.
pub const COLLEAGUE: &str = "sato@sakura.example";

/// One mail of the day.
pub struct Mail {
    /// A short name, the stem of the caught files.
    pub name: &'static str,
    /// What a person would say it is.
    pub title: &'static str,
    /// The To field.
    pub to: &'static str,
    /// Whose name stands where the text has `{who}`.
    pub who: &'static str,
    /// The Cc field.
    pub cc: Option<&'static str>,
    /// The envelope's recipients; empty means To and Cc.
    pub envelope: &'static [&'static str],
    /// The subject.
    pub subject: &'static str,
    /// The text, paragraphs divided by empty lines.
    pub text: &'static str,
    /// Charset, transfer encoding and MIME shape.
    pub form: Form,
    /// What must become of it.
    pub expect: Expect,
}

/// How a mail is written.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// The charset label.
    pub charset: &'static str,
    /// The Content-Transfer-Encoding.
    pub transfer: &'static str,
    /// The MIME shape.
    pub shape: Shape,
}

/// The MIME shapes of the day.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shape {
    /// text/plain alone.
    Plain,
    /// text/html alone.
    Html,
    /// multipart/alternative of both.
    Alternative,
    /// multipart/mixed with a PDF.
    WithAttachment,
    /// multipart/signed.
    Signed,
}

impl Shape {
    /// How a person would call it.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Plain => "plain text",
            Self::Html => "HTML",
            Self::Alternative => "text and HTML",
            Self::WithAttachment => "text with a PDF",
            Self::Signed => "signed text (S/MIME)",
        }
    }
}

/// What must become of a mail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expect {
    /// A line for each of so many candidates.
    Line(usize),
    /// It passes octet for octet, for the reason of this code.
    Untouched(&'static str),
}

const fn form(charset: &'static str, transfer: &'static str, shape: Shape) -> Form {
    Form { charset, transfer, shape }
}

const fn mail(name: &'static str, title: &'static str, to: &'static str) -> Mail {
    Mail {
        name,
        title,
        to,
        who: "",
        cc: None,
        envelope: &[],
        subject: "選考結果のご連絡",
        text: "",
        form: form("utf-8", "base64", Shape::Plain),
        expect: Expect::Line(1),
    }
}

/// The whole day in the order of sending.
pub fn mails() -> Vec<Mail> {
    let mut day = rejections_in_japanese();
    day.extend(rejections_in_english());
    day.extend(special_rejections());
    day.extend(other_mail());
    day
}

fn rejections_in_japanese() -> Vec<Mail> {
    use super::texts as t;
    vec![
        Mail {
            text: t::JA_LARGE_FIRM,
            form: form("iso-2022-jp", "7bit", Shape::Plain),
            ..mail("01-large-firm", "rejection, large firm", "yamada@candidate.example")
        },
        Mail {
            text: t::JA_DOCUMENTS,
            subject: "書類選考の結果について",
            form: form("shift_jis", "8bit", Shape::Plain),
            who: "鈴木",
            ..mail("02-documents", "rejection after screening", "suzuki@candidate.example")
        },
        Mail {
            text: t::JA_FINAL,
            subject: "最終面接の結果について",
            form: form("euc-jp", "base64", Shape::Plain),
            who: "田中",
            ..mail("03-final", "rejection after last interview", "tanaka@mail.example")
        },
        Mail {
            text: t::JA_SHOP,
            subject: "アルバイト応募の件",
            form: form("utf-8", "8bit", Shape::Plain),
            ..mail("04-shop", "rejection, small shop", "ito@mail.example")
        },
        Mail {
            text: t::JA_ATS,
            form: form("utf-8", "quoted-printable", Shape::Html),
            ..mail("05-ats", "rejection, HTML of an ATS", "watanabe@candidate.example")
        },
        Mail {
            text: t::JA_CLINIC,
            subject: "採用試験の結果のお知らせ",
            form: form("utf-8", "base64", Shape::Alternative),
            ..mail("06-clinic", "rejection, clinic", "nakamura@candidate.example")
        },
        Mail {
            text: t::JA_STARTUP,
            subject: "先日の面談のお礼",
            form: form("shift_jis", "base64", Shape::Html),
            ..mail("07-startup", "rejection, start-up", "kobayashi@mail.example")
        },
        Mail {
            text: t::JA_TOWN_HALL,
            subject: "職員採用選考試験の結果について",
            form: form("iso-2022-jp", "7bit", Shape::Alternative),
            ..mail("08-town-hall", "rejection, public office", "kato@candidate.example")
        },
    ]
}

fn rejections_in_english() -> Vec<Mail> {
    use super::texts as t;
    vec![
        Mail {
            text: t::EN_STANDARD,
            subject: "Your application to Sakura Trading",
            form: form("utf-8", "quoted-printable", Shape::Plain),
            ..mail("09-english", "rejection in English", "smith@candidate.example")
        },
        Mail {
            text: t::EN_INTERVIEW,
            subject: "Update on your interview",
            form: form("utf-8", "quoted-printable", Shape::Alternative),
            ..mail("10-english-html", "rejection, English with HTML", "garcia@mail.example")
        },
    ]
}

fn special_rejections() -> Vec<Mail> {
    use super::texts as t;
    vec![
        Mail {
            text: t::JA_LARGE_FIRM,
            cc: Some(COLLEAGUE),
            form: form("utf-8", "base64", Shape::WithAttachment),
            ..mail("11-hr-in-cc", "rejection, colleague in Cc", "yoshida@candidate.example")
        },
        Mail {
            text: t::JA_DOCUMENTS,
            form: form("euc-jp", "8bit", Shape::Plain),
            who: "佐々木",
            ..mail("12-euc", "rejection in EUC-JP", "sasaki@mail.example")
        },
        Mail {
            text: t::JA_FINAL,
            form: form("utf-8", "base64", Shape::Plain),
            who: "山田",
            ..mail("13-second-time", "rejection, second to a person", "yamada@candidate.example")
        },
        Mail {
            text: t::JA_BULK,
            envelope: &["mori@candidate.example", "abe@mail.example", "ikeda@candidate.example"],
            form: form("utf-8", "base64", Shape::Plain),
            expect: Expect::Line(3),
            ..mail("14-bcc", "rejection to three in BCC", HR)
        },
    ]
}

fn other_mail() -> Vec<Mail> {
    use super::texts as t;
    let other = |name, title, to, reason| Mail { expect: Expect::Untouched(reason), ..mail(name, title, to) };
    vec![
        Mail {
            text: t::JA_OFFER,
            subject: "内定のご連絡",
            form: form("iso-2022-jp", "7bit", Shape::Plain),
            ..other("15-offer", "job offer", "hayashi@candidate.example", "offer")
        },
        Mail {
            text: t::JA_INVITATION,
            form: form("utf-8", "base64", Shape::Alternative),
            ..other("16-interview", "invitation to an interview", "shimizu@candidate.example", "passed")
        },
        Mail {
            text: t::JA_VENDOR,
            subject: "お見積りの件",
            form: form("shift_jis", "8bit", Shape::Plain),
            ..other("17-vendor", "refusal to a vendor", "eigyo@vendor.example", "business_mail")
        },
        Mail {
            text: t::JA_ORDINARY,
            subject: "資料送付の件",
            form: form("utf-8", "base64", Shape::WithAttachment),
            ..other("18-attachment", "ordinary mail with papers", "partner@vendor.example", "not_recruiting")
        },
        Mail {
            text: t::JA_DOCUMENTS,
            form: form("utf-8", "base64", Shape::Signed),
            who: "山口",
            ..other("19-signed", "rejection, digitally signed", "yamaguchi@candidate.example", "signed")
        },
        Mail {
            text: t::JA_EMPLOYEE,
            subject: "社内公募の結果について",
            form: form("utf-8", "8bit", Shape::Plain),
            ..other("20-employee", "refusal to an employee", "ogawa@sakura.example", "own_domain")
        },
    ]
}
