//! The words of a report, in Japanese and English.

use super::{Audience, Key, Period, Proof, Source, Unit};

/// One language's words.
pub(super) struct Words {
    pub(super) language: &'static str,
    pub(super) title: &'static str,
    pub(super) period: &'static str,
    pub(super) own_indicator: &'static str,
    pub(super) incomplete: &'static str,
    pub(super) purpose: &'static str,
    pub(super) headline: &'static str,
    pub(super) funnel: &'static str,
    pub(super) funnel_caption: &'static str,
    pub(super) beside: &'static str,
    pub(super) beside_caption: &'static str,
    pub(super) times: &'static str,
    pub(super) times_caption: &'static str,
    pub(super) slots: &'static str,
    pub(super) slots_caption: &'static str,
    pub(super) cost: &'static str,
    pub(super) reference: &'static str,
    pub(super) formula: &'static str,
    pub(super) method: &'static str,
    pub(super) head: &'static str,
    pub(super) entries: &'static str,
    pub(super) entry: &'static str,
    pub(super) told: &'static str,
    pub(super) totals: &'static str,
    pub(super) checksum: &'static str,
    pub(super) record: &'static str,
    pub(super) item: &'static str,
    pub(super) value: &'static str,
    pub(super) of_offered: &'static str,
    pub(super) source: &'static str,
    pub(super) withheld: &'static str,
    pub(super) not_reported: &'static str,
    keys: [&'static str; 23],
    facts: [&'static str; 21],
}

const JA: Words = Words {
    language: "ja",
    title: "雇用市場貢献レポート",
    period: "対象期間",
    own_indicator: "自社指標（第三者保証なし）",
    incomplete: "期間の途中の値です",
    purpose: "目的（自社の記載）",
    headline: "主な数値",
    funnel: "ご案内から再就職まで",
    funnel_caption: "不採用通知でキャリア支援をご案内した方の、その後の人数",
    beside: "人数に含まないメール",
    beside_caption: "同じ方への再度のご案内と、後日届いた不達通知の件数",
    times: "再就職までの期間",
    times_caption: "ご案内から就業開始までの期間別の人数。区分は雇用動向調査の離職期間によります",
    slots: "採用枠",
    slots_caption: "ご案内した方の人数に応じて付与された、無料の採用支援の枠数",
    cost: "採用費の軽減額（試算）",
    reference: "参考単価",
    formula: "使用済みの採用枠 × 参考単価（付与されただけの枠は含みません）",
    method: "算定方法と限界",
    head: "記録の証明",
    entries: "記録の連鎖（最後の記録の番号とハッシュ）",
    entry: "番号",
    told: "運営会社の報告を取り込んだ範囲（最後の記録の番号とハッシュ、月次合計の件数）",
    totals: "月次合計の件数:",
    checksum: "チェックサム（HTML・CSV・JSON 共通、SHA-256）",
    record: "チェックサムの対象となる記録",
    item: "項目",
    value: "値",
    of_offered: "ご案内比",
    source: "出典",
    withheld: "非公開（少人数）",
    not_reported: "未報告",
    keys: [
        "ご案内した方",
        "送信先サーバーが受理",
        "本人のサーバーに到達（確認済み）",
        "到達と推定（不達通知なし）",
        "当ゲートウェイを通らないご案内",
        "同じ方への再度のご案内",
        "後日の不達",
        "登録した方",
        "支援者数",
        "再就職者数",
        "うち6か月以内に離職した方",
        "再就職まで15日未満",
        "再就職まで15日以上1か月未満",
        "再就職まで1か月以上3か月未満",
        "再就職まで3か月以上6か月未満",
        "再就職まで6か月以上1年未満",
        "再就職までの日数の中央値",
        "付与された採用枠",
        "取り消された採用枠",
        "採用枠の利用申込",
        "使用済みの採用枠",
        "うち運営者の署名があるもの（ほかは未合意）",
        "採用費の軽減額",
    ],
    facts: [
        "作成プログラムの版",
        "会社ID",
        "会社名（日本語）",
        "会社名（英語）",
        "目的",
        "開始日",
        "終了日",
        "時間帯",
        "年度",
        "期間の終了",
        "公開範囲",
        "表示する最少人数",
        "最後の記録の番号",
        "最後の記録のハッシュ",
        "運営会社の報告を見た最後の記録の番号",
        "その記録のハッシュ",
        "運営会社の月次合計の件数",
        "参考単価（円）",
        "参考単価の年",
        "参考単価の出典（日本語）",
        "参考単価の出典（英語）",
    ],
};

const EN: Words = Words {
    language: "en",
    title: "Labour-market contribution report",
    period: "Period",
    own_indicator: "Own indicator, no assurance",
    incomplete: "The period is not over",
    purpose: "Purpose, in the company's words",
    headline: "Headline figures",
    funnel: "From the offer to a new job",
    funnel_caption: "People who were offered career support in their rejection mail, and what became of them",
    beside: "Mails that count for nobody",
    beside_caption: "Further mails to the same people, and mails that came back afterwards",
    times: "Time to re-employment",
    times_caption: "People by the time from the offer to the first day at work, in the buckets of Japan's Survey on \
                    Employment Trends",
    slots: "Hire slots",
    slots_caption: "Free hire support that the referrals have earned",
    cost: "Hiring cost relieved (estimate)",
    reference: "Reference",
    formula: "Slots used × reference; slots that are only granted are not in it",
    method: "Method and limits",
    head: "Proof",
    entries: "Chain of the ledger (number and hash of the last entry)",
    entry: "Entry",
    told: "What the operator had reported (last entry looked at and its hash, number of monthly totals)",
    totals: "totals:",
    checksum: "Checksum of this report as HTML, CSV and JSON (SHA-256)",
    record: "The record that the checksum is of",
    item: "Item",
    value: "Value",
    of_offered: "Share",
    source: "Source",
    withheld: "withheld (few people)",
    not_reported: "not reported",
    keys: [
        "People offered support",
        "Accepted by the next hop",
        "Delivered to their own server (proven)",
        "Presumed delivered (nothing came back)",
        "Offered in mail that did not pass here",
        "Further mails to the same people",
        "Came back afterwards",
        "People registered",
        "People supported",
        "People re-employed",
        "Of them, left within 6 months",
        "Re-employed within 15 days",
        "After 15 days to 1 month",
        "After 1 to 3 months",
        "After 3 to 6 months",
        "After 6 to 12 months",
        "Median time to re-employment",
        "Hire slots granted",
        "Hire slots voided",
        "Hire slots reserved",
        "Hire slots redeemed",
        "Of them, signed by the operator (the others are not)",
        "Hiring cost relieved",
    ],
    facts: [
        "Version of the program",
        "Company",
        "Name (Japanese)",
        "Name (English)",
        "Purpose",
        "First day",
        "Last day",
        "Time zone",
        "Fiscal year",
        "Period over",
        "Audience",
        "Fewest people shown",
        "Number of the last entry",
        "Hash of the last entry",
        "Operator's reports looked at to entry",
        "Hash of that entry",
        "Operator's monthly totals looked at",
        "Reference (yen)",
        "Year of the reference",
        "Source of the reference (Japanese)",
        "Source of the reference (English)",
    ],
};

impl Words {
    /// The words of a language by its code; English for every code but `ja`.
    pub(super) fn of(language: &str) -> &'static Self {
        if language == "ja" { &JA } else { &EN }
    }

    pub(super) fn is_japanese(&self) -> bool {
        self.language == "ja"
    }

    /// What a figure is called.
    pub(super) fn key(&self, key: Key) -> &'static str {
        let at = Key::ALL.iter().position(|k| *k == key);
        at.and_then(|at| self.keys.get(at)).copied().unwrap_or_default()
    }

    /// What a fact is called.
    pub(super) fn fact(&self, item: &str) -> &'static str {
        let at = super::rows::FACTS.iter().position(|fact| *fact == item);
        at.and_then(|at| self.facts.get(at)).copied().unwrap_or_default()
    }

    /// A number with its unit.
    pub(super) fn counted(&self, number: &str, unit: Unit) -> String {
        match (unit, self.is_japanese()) {
            (Unit::People, true) => format!("{number} 人"),
            (Unit::Mails, true) => format!("{number} 通"),
            (Unit::Days, true) => format!("{number} 日"),
            (Unit::Slots, true) => format!("{number} 枠"),
            (Unit::Yen, true) => format!("{number} 円"),
            (Unit::Days, false) => format!("{number} days"),
            (Unit::Yen, false) => format!("{number} yen"),
            (_, false) => number.to_owned(),
        }
    }

    /// Who says so, and how it is proven.
    pub(super) fn said_by(&self, source: Source) -> &'static str {
        match (source, self.is_japanese()) {
            (Source::Measured(Proof::Accepted), true) => "測定（受理）",
            (Source::Measured(Proof::Delivered), true) => "測定（到達）",
            (Source::Measured(Proof::Presumed), true) => "測定（到達と推定）",
            (Source::Measured(Proof::Observed), true) => "測定（外部の記録）",
            (Source::Measured(Proof::Returned), true) => "測定（不達通知）",
            (Source::Measured(Proof::Entry), true) => "測定（契約による記録）",
            (Source::Reported, true) => "運営会社の報告",
            (Source::Stated, true) => "自社の記載による試算",
            (Source::Measured(Proof::Accepted), false) => "measured (accepted)",
            (Source::Measured(Proof::Delivered), false) => "measured (delivered)",
            (Source::Measured(Proof::Presumed), false) => "measured (presumed)",
            (Source::Measured(Proof::Observed), false) => "measured (observed)",
            (Source::Measured(Proof::Returned), false) => "measured (returned mail)",
            (Source::Measured(Proof::Entry), false) => "measured (ledger entry)",
            (Source::Reported, false) => "reported by the operator",
            (Source::Stated, false) => "by a reference the company states",
        }
    }

    /// Who the report is for.
    pub(super) fn audience(&self, audience: Audience) -> &'static str {
        match (audience, self.is_japanese()) {
            (Audience::Inside, true) => "社内用",
            (Audience::Shared, true) => "関係先との共有用",
            (Audience::Public, true) => "公開用",
            (Audience::Inside, false) => "For inside use",
            (Audience::Shared, false) => "For sharing with partners",
            (Audience::Public, false) => "For publication",
        }
    }

    /// The period, in this language's dates.
    pub(super) fn days(&self, period: Period) -> String {
        let Period { from, to, fiscal_year } = period;
        if self.is_japanese() {
            let day = |day: jiff::civil::Date| format!("{}年{}月{}日", day.year(), day.month(), day.day());
            let year = fiscal_year.map(|year| format!("{year}年度、")).unwrap_or_default();
            format!("{}〜{}（{year}日本時間）", day(from), day(to))
        } else {
            let day = |day: jiff::civil::Date| day.strftime("%-d %B %Y").to_string();
            let year = fiscal_year.map(|year| format!("fiscal year {year}, ")).unwrap_or_default();
            format!("{} – {} ({year}Japan time)", day(from), day(to))
        }
    }
}
