//! What the classifier's reasons mean, in Japanese, for people of HR.

use crate::classify::Reason;

/// The meaning of a reason as a sentence.
pub fn meaning_ja(reason: Reason) -> &'static str {
    MEANINGS.iter().find(|(known, _)| *known == reason).map_or(reason.meaning(), |(_, meaning)| meaning)
}

const MEANINGS: &[(Reason, &str)] = &[
    (Reason::Automatic, "配信レポート、自動応答、または差出人のない自動メールです。"),
    (Reason::ListMail, "メーリングリストまたは一斉配信のメールです。"),
    (Reason::NoCandidate, "宛先が控えの送付先だけか、宛先がありません。"),
    (Reason::OwnDomain, "宛先が社内の人だけです。"),
    (Reason::Agency, "登録された人材紹介会社が宛先に含まれています。"),
    (Reason::SchoolOffice, "登録された学校の就職課が宛先に含まれています。"),
    (Reason::SeveralVisibleRecipients, "複数の社外の人が互いに見える宛先にいます。"),
    (Reason::RecipientsDiffer, "実際の送り先とヘッダーの宛先が、別の社外の人を指しています。"),
    (Reason::NoText, "読み取れる本文がありません。"),
    (Reason::TooLong, "読み取る上限を超える長さの本文です。"),
    (Reason::Unreadable, "読み取れない本文があり、何が書かれているか分かりません。"),
    (Reason::UnsupportedLanguage, "判定の規則がない言語か、どの会社も対応していない言語です。"),
    (Reason::Forwarded, "ほかのメールを転送したものです。"),
    (Reason::Bereavement, "訃報またはお悔やみです。"),
    (Reason::Rescinded, "内定の取り消しです。"),
    (Reason::Correction, "先の連絡の訂正です。"),
    (Reason::Apology, "会社の不手際へのお詫びです。"),
    (Reason::Complaint, "苦情または法的な案件です。"),
    (Reason::WithdrawnByCandidate, "応募者が辞退しています。"),
    (Reason::Template, "ひな形、下書き、または未記入の箇所があるメールです。"),
    (Reason::Employee, "従業員の配属、昇格、契約、試用期間などの連絡です。"),
    (Reason::Offer, "内定または雇用契約の連絡です。"),
    (Reason::Passed, "選考を通過した連絡です。"),
    (Reason::Interview, "面接の日程などを調整しています。"),
    (Reason::AnswerToWhy, "先の結果についての質問への回答です。"),
    (Reason::SecondNotice, "結果はすでに伝えられています。"),
    (Reason::Ambiguous, "補欠、別の職種の案内、またはまだ結果ではない連絡です。"),
    (Reason::BusinessMail, "取引、助成、コンテスト、賃貸、融資、試験、チケットなどの連絡です。"),
    (Reason::ThirdPerson, "読み手以外の人についてのメールです。"),
    (Reason::NotRecruiting, "採用選考の連絡ではありません。"),
    (Reason::ConditionalResult, "結果が条件や可能性として書かれています。"),
    (Reason::QuotedOnly, "結果が引用の中にしかありません。"),
    (Reason::NoResult, "不採用という結果が書かれていません。"),
    (Reason::NoApplicant, "読み手が応募者本人であると分かる語がありません。"),
    (Reason::PartsDisagree, "テキスト本文と HTML 本文の内容が異なります。"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_one_sentence_in_japanese() {
        for reason in Reason::ALL {
            let meanings = MEANINGS.iter().filter(|(known, _)| known == reason).count();
            assert!(meanings == 1 && meaning_ja(*reason).ends_with('。'), "{}", reason.code());
        }
    }
}
