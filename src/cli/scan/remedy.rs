//! What keeps the line out of rejections, and what a company can do about it, in Japanese and English.

use serde::Serialize;

use crate::cli::reason::meaning;

/// A reason in words, and its remedy.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(super) struct Remedy {
    pub(super) why_ja: &'static str,
    pub(super) what_ja: &'static str,
    pub(super) why: &'static str,
    pub(super) what: &'static str,
}

/// Code; why and what to do in Japanese; why and what to do in English.
const REMEDIES: &[(&str, [&str; 4])] = &[
    (
        "doubtful",
        [
            "不採用通知とは言い切れないメール",
            "保留（doubtful = \"hold\"）にして採用担当が確認するか、文面を career-relay teach で登録する",
            "It may be a rejection, and is not surely one",
            "Hold such mails for HR (doubtful = \"hold\"), or teach the template: career-relay teach",
        ],
    ),
    (
        "dkim_signed",
        [
            "DKIM 署名済みのメール（追記すると署名が壊れる）",
            "署名より前に本ゲートウェイを通すか、本ゲートウェイで署名し直す（[[dkim]]）",
            "Signed by DKIM already; a line would break the signature",
            "Let mail pass here before it is signed, or let this gateway sign it anew ([[dkim]])",
        ],
    ),
    (
        "signed",
        [
            "電子署名（S/MIME・PGP）付きのメール",
            "不採用通知には電子署名を付けない設定にする",
            "Signed by S/MIME or PGP; a line would break the signature",
            "Send rejections without S/MIME or PGP",
        ],
    ),
    (
        "inline_pgp",
        [
            "本文が PGP で署名・暗号化されたメール",
            "不採用通知には PGP を使わない設定にする",
            "The text is signed or encrypted by PGP",
            "Send rejections without PGP",
        ],
    ),
    (
        "encrypted",
        [
            "暗号化されたメール",
            "暗号化より前に本ゲートウェイを通す",
            "Encrypted",
            "Let mail pass here before it is encrypted",
        ],
    ),
    (
        "pkcs7",
        [
            "S/MIME で包まれたメール",
            "不採用通知には S/MIME を使わない設定にする",
            "An opaque S/MIME object",
            "Send rejections without S/MIME",
        ],
    ),
    (
        "several_visible_recipients",
        [
            "社外の宛先が複数あり、互いに見えるメール",
            "1人ずつ送るか、宛先を BCC にする",
            "Several outside people who can see each other",
            "Write to each person alone, or put the recipients into BCC",
        ],
    ),
    (
        "recipients_differ",
        [
            "宛先欄と実際の配送先が異なるメール",
            "転送ではなく、応募者本人あてに直接送る",
            "The visible recipients are not those it goes to",
            "Send to the candidate directly instead of forwarding",
        ],
    ),
    (
        "agency",
        [
            "人材紹介会社あてのメール（応募者本人あてではない）",
            "対象外のままが正しい扱いです",
            "To an agency, and not to the candidate",
            "Nothing: such mail is left alone on purpose",
        ],
    ),
    (
        "school_office",
        [
            "学校の就職課あてのメール",
            "対象外のままが正しい扱いです",
            "To a careers office, and not to the candidate",
            "Nothing: such mail is left alone on purpose",
        ],
    ),
    (
        "list_mail",
        [
            "メーリングリスト・一斉配信として送られたメール",
            "不採用通知は配信システムではなく個別に送る",
            "Sent as a mass mailing",
            "Send rejections one by one, and not as a mailing",
        ],
    ),
    (
        "language_not_served",
        [
            "案内を用意していない言語のメール",
            "会社の設定 languages にその言語を加える",
            "In a language the company does not serve",
            "Add the language to the company's languages",
        ],
    ),
    (
        "carrier_filters_links",
        [
            "携帯キャリアのアドレスあて（リンク付きメールが届かないおそれ）",
            "会社の設定 carrier_mail で扱いを選ぶ",
            "To a mobile carrier that may drop mail with a link",
            "Choose what such candidates get: carrier_mail",
        ],
    ),
    (
        "role_address",
        [
            "役割アドレス（info@ など）あて（案内はするが、数えない）",
            "個人が使うアドレスであれば、会社の設定 count_role_addresses を true にする",
            "To the mailbox of a duty (info@): given the line, not counted",
            "If persons use such mailboxes: count_role_addresses = true",
        ],
    ),
    (
        "disposable_domain",
        [
            "使い捨てアドレスあて（案内はするが、数えない）",
            "数える場合は、会社の設定 count_disposable を true にする",
            "To a mailbox that is thrown away: given the line, not counted",
            "To count them all the same: count_disposable = true",
        ],
    ),
    (
        "never_counted",
        [
            "会社が数えないと指定したアドレスあて",
            "会社の設定 never_counted を見直す",
            "To an address that the company does not count",
            "Look at the company's never_counted",
        ],
    ),
    (
        "words_alone",
        [
            "携帯キャリアのアドレスあて（リンクなしの案内になり、数えない）",
            "会社の設定 carrier_mail で扱いを選ぶ",
            "To a mobile carrier: words without a link, not counted",
            "Choose what such candidates get: carrier_mail",
        ],
    ),
    (
        "no_contract",
        [
            "有効な契約がない",
            "会社のファイルに [[contract]] を書く",
            "No contract is in force",
            "Write a [[contract]] into the company's file",
        ],
    ),
    (
        "link_of_another",
        [
            "他社の案内リンクが入っているメール",
            "文面のリンクを自社のものに直す",
            "Another company's link is in the mail",
            "Mend the link in the template",
        ],
    ),
    (
        "winmail_dat",
        [
            "本文が winmail.dat にしかないメール",
            "Outlook の送信形式をリッチテキスト以外にする",
            "The text lies in winmail.dat alone",
            "Switch Outlook's rich text format off",
        ],
    ),
    (
        "no_place",
        [
            "案内を入れられる場所がないメール",
            "文面の結果の段落のあとに空行を入れる",
            "There is no place for the line",
            "Put an empty line behind the paragraph of the result",
        ],
    ),
    (
        "calendar",
        [
            "予定表の添付があるメール",
            "不採用通知には予定表を付けない",
            "It carries a calendar object",
            "Send rejections without a calendar object",
        ],
    ),
];

impl Remedy {
    /// What is said of a code.
    pub(super) fn of(code: &str) -> Self {
        let known = REMEDIES.iter().find(|(known, _)| *known == code).map(|(_, texts)| *texts);
        let [why_ja, what_ja, why, what] = known.unwrap_or_else(|| {
            [
                "形式に問題があり、書き換えずにそのまま送るメール",
                "送信元のシステムの設定を確認する（career-relay explain で詳細を表示）",
                meaning(code).unwrap_or("Its form forbids to write into it."),
                "See what sends such mails: career-relay explain tells more",
            ]
        });
        Self { why_ja, what_ja, why, what }
    }

    /// Why, in a language.
    pub(super) fn why_in(&self, in_japanese: bool) -> &'static str {
        if in_japanese { self.why_ja } else { self.why }
    }

    /// What to do, in a language.
    pub(super) fn what_in(&self, in_japanese: bool) -> &'static str {
        if in_japanese { self.what_ja } else { self.what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_remedy_is_of_a_code_there_is_and_says_something_in_both_languages() {
        for (code, texts) in REMEDIES {
            assert!(*code == "doubtful" || meaning(code).is_some(), "{code}");
            assert!(texts.iter().all(|text| !text.is_empty()), "{code}");
        }
        assert!(Remedy::of("malformed_nul").why.contains("NUL"));
    }
}
