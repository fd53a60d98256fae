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
    /// People who got the line and are not counted.
    pub excluded: &'static str,
    /// What can be done about them.
    pub held_back_remedy: &'static str,
    /// Signals of fraud that nobody has cleared.
    pub open_signals: &'static str,
    /// Number and head of the chain.
    pub chain: &'static str,
    /// A contract version.
    pub contract: &'static str,
    /// Said of one that the operator has signed.
    pub signed: &'static str,
    /// The use of a slot.
    pub redeemed: &'static str,
    /// The heading over contracts and uses of slots, with whether they are signed.
    pub agreed: &'static str,
    /// Said of one that nobody has signed.
    pub unsigned: &'static str,
    /// Said when there is no entry.
    pub nothing: &'static str,
    /// Credits of the period that stand on a presumed delivery.
    pub counted_presumed: &'static str,
    /// Referrals that are accepted and no credit yet.
    pub waiting: &'static str,
    /// Credits that the slots of the period took.
    pub spent: &'static str,
    /// Credits that voided slots gave back.
    pub given_back: &'static str,
    /// What one slot took.
    pub slot_credits: &'static str,
    /// When a slot was granted.
    pub granted_at: &'static str,
    /// What the table of credits is of.
    pub credits_caption: &'static str,
    /// What the table of slots is of.
    pub slots_caption: &'static str,
    /// What the table of entries is of.
    pub entries_caption: &'static str,
    /// The head of a column of names.
    pub item: &'static str,
    /// The head of a column of numbers.
    pub value: &'static str,
    /// What is told beside the count.
    pub beside: &'static str,
    /// The heading over head and checksum.
    pub proof: &'static str,
    /// The checksum that all forms share.
    pub checksum: &'static str,
    kinds: [&'static str; Kind::ALL.len()],
    /// Credits given back, and adjusted by disputes: their sum.
    pub corrected: &'static str,
    /// Credits that have lapsed because counting began anew.
    pub lapsed: &'static str,
}

/// What kinds of entries are called in Japanese, in the order of [`Kind::ALL`].
const KINDS_JA: [&str; Kind::ALL.len()] = [
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
    "カウントの取り消し（貴社より）",
    "異議による調整",
    "登録された方（運営者の報告）",
    "支援を受けた方（運営者の報告）",
    "再就職された方（運営者の報告）",
    "離職された方（運営者の報告）",
    "異議に関する記録",
    "個人データの消去",
    "他システムの送信（取り込み）",
    "確認済みの注意信号",
    "本人のサーバー到達（拒否を隠すサーバー）",
    "到達（配信通知による）",
    "結果不明のまま期限切れ",
    "採用枠の利用への運営者の署名",
    "カウントの新たな開始（契約の版の変更）",
];

/// What kinds of entries are called in English, in the order of [`Kind::ALL`].
const KINDS_EN: [&str; Kind::ALL.len()] = [
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
    "Credits given back by the company",
    "Adjustments by disputes",
    "Registered (told by the operator)",
    "Supported (told by the operator)",
    "Re-employed (told by the operator)",
    "Left again (told by the operator)",
    "Steps of disputes",
    "Erasures of persons",
    "Sent elsewhere (export or copy)",
    "Signals cleared",
    "Taken by a server known to hide refusals",
    "Delivered by a delivery report",
    "Lapsed: nothing was heard",
    "Redemptions signed by the operator",
    "Counting begun anew (another threshold)",
];

impl Labels {
    /// The label of a kind of entry.
    pub fn kind(&self, kind: Kind) -> &'static str {
        let at = Kind::ALL.iter().position(|one| *one == kind);
        at.map_or("", |at| self.kinds[at])
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
            excluded: "案内済み（カウント対象外）",
            held_back_remedy: "署名より前に通すか、ここで署名し直すと案内を追加できます（docs/ja/howto-dkim.md）",
            open_signals: "未確認の注意信号",
            chain: "記録の連鎖",
            contract: "契約条件",
            signed: "運営者の署名あり",
            unsigned: "運営者の署名なし（未合意）",
            redeemed: "採用枠の利用",
            agreed: "双方の合意",
            nothing: "対象の記録はありません",
            counted_presumed: "うち到達とみなした人数",
            waiting: "カウント待ち（受理済み・未到達）",
            spent: "採用枠に充当",
            given_back: "採用枠の取り消しによる戻り",
            slot_credits: "充当した人数",
            granted_at: "付与日時",
            credits_caption: "カウントの増減（人）",
            slots_caption: "採用枠（枠）",
            entries_caption: "期間中の記録（件）",
            item: "項目",
            value: "値",
            beside: "カウント外の参考情報",
            proof: "記録の証明",
            checksum: "チェックサム（SHA-256）",
            kinds: KINDS_JA,
            corrected: "訂正されたカウント",
            lapsed: "契約の版の変更により失効したカウント",
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
            excluded: "Given the line, not counted",
            held_back_remedy: "Let them pass here before they are signed, or sign them anew: docs/howto-dkim.md",
            open_signals: "Open signals (see career-relay signals)",
            chain: "Chain",
            contract: "Contract terms",
            signed: "signed by the operator",
            unsigned: "NOT SIGNED by the operator",
            redeemed: "Hire slot redeemed",
            agreed: "What both sides have agreed",
            nothing: "No entries",
            counted_presumed: "Of them, presumed delivered",
            waiting: "Waiting: accepted, not counted yet",
            spent: "Taken by hire slots",
            given_back: "Given back by voided slots",
            slot_credits: "Credits taken",
            granted_at: "Granted",
            credits_caption: "Credits, from opening to closing (people)",
            slots_caption: "Hire slots",
            entries_caption: "Entries of the period",
            item: "Item",
            value: "Value",
            beside: "Beside the count",
            proof: "Proof",
            checksum: "Checksum (SHA-256)",
            kinds: KINDS_EN,
            corrected: "Credits corrected",
            lapsed: "Credits lapsed: counting began anew",
        }
    }
}
