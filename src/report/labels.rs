//! The words of a statement, in Japanese and English.

use crate::ledger::Kind;

/// One language's words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Labels {
    /// The code of the language.
    pub language: &'static str,
    /// The title.
    pub title: &'static str,
    /// The period.
    pub period: &'static str,
    /// The contract series.
    pub series: &'static str,
    /// The balance before the period.
    pub opening: &'static str,
    /// The balance after it.
    pub closing: &'static str,
    /// Credits counted in the period.
    pub counted: &'static str,
    /// Credits that bounced in the period.
    pub taken_back: &'static str,
    /// Credits that wait for the next slot.
    pub toward: &'static str,
    /// Slots granted until then.
    pub slots: &'static str,
    /// One slot granted: number, date, price.
    pub slot: &'static str,
    /// Rejections without the line because they came signed.
    pub held_back: &'static str,
    /// What can be done about them.
    pub held_back_remedy: &'static str,
    /// Signals of fraud that nobody has cleared.
    pub open_signals: &'static str,
    /// Number and head of the chain.
    pub chain: &'static str,
    /// Said when there is no entry.
    pub nothing: &'static str,
    kinds: [&'static str; 15],
}

impl Labels {
    /// The label of a kind of entry.
    pub fn kind(&self, kind: Kind) -> &'static str {
        Kind::ALL.iter().position(|of| *of == kind).map_or("", |at| self.kinds[at])
    }

    /// The words of a language by its code; English for every code but `ja`.
    pub fn of(code: &str) -> Self {
        if code == "ja" { Self::ja() } else { Self::en() }
    }

    /// Japanese.
    pub const fn ja() -> Self {
        Self {
            language: "ja",
            title: "ご紹介明細書",
            period: "対象期間",
            series: "契約区分",
            opening: "期首",
            closing: "期末",
            counted: "カウントされた人数",
            taken_back: "不達により取り消された人数",
            toward: "次の採用枠まで",
            slots: "付与済みの採用枠",
            slot: "採用枠",
            held_back: "DKIM署名済みで案内を追加できず",
            held_back_remedy: "署名より前に通すか、ここで署名し直すと案内を追加できます（docs/ja/howto-dkim.md）",
            open_signals: "未確認の注意信号",
            chain: "記録の連鎖",
            nothing: "対象の記録はありません",
            kinds: [
                "ご案内",
                "送信先サーバー受理",
                "本人のサーバー到達",
                "重複（カウント対象外）",
                "採用枠の付与",
                "後日の不達",
                "採用枠の取り消し",
                "到達とみなしたもの（不達報告なし）",
                "採用枠の利用申込",
                "利用申込の受諾",
                "採用枠による紹介",
                "採用枠の利用",
                "採用枠の返却",
                "採用枠の期限切れ",
                "確認済みの注意信号",
            ],
        }
    }

    /// English.
    pub const fn en() -> Self {
        Self {
            language: "en",
            title: "Referral statement",
            period: "Period",
            series: "Contract series",
            opening: "Opening",
            closing: "Closing",
            counted: "People counted",
            taken_back: "Taken back after a bounce",
            toward: "Toward the next hire slot",
            slots: "Hire slots granted so far",
            slot: "Hire slot",
            held_back: "Without the line: came signed by DKIM",
            held_back_remedy: "Let them pass here before they are signed, or sign them anew: docs/howto-dkim.md",
            open_signals: "Open signals (see career-relay signals)",
            chain: "Chain",
            nothing: "No entries",
            kinds: [
                "Offered",
                "Accepted by the next hop",
                "Delivered to the candidate's server",
                "Duplicates (no credit)",
                "Hire slots granted",
                "Bounced afterwards",
                "Hire slots voided",
                "Presumed delivered (no bounce)",
                "Hire slots reserved",
                "Reservations confirmed",
                "Introductions for a slot",
                "Hire slots redeemed",
                "Hire slots released",
                "Hire slots expired",
                "Signals cleared",
            ],
        }
    }
}
