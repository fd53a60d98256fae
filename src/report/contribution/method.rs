//! How the figures are made and what they do not tell, as a report says it.

use super::Contribution;
use super::words::Words;

/// The notes, in the report's language.
pub(super) fn notes(report: &Contribution, words: &Words) -> Vec<String> {
    let least = report.audience.least();
    if words.is_japanese() {
        vec![
            "「ご案内した方」は、案内の行を付けた不採用通知を送信先サーバーが受理した方の人数です。契約で定めた期間内の同じ方への\
             メールは、何通でも1人とします。当ゲートウェイを通らないメールは、その記録を取り込んだ場合だけ含み、うち数を示します。"
                .to_owned(),
            "「到達（確認済み）」は応募者ご本人のメールサーバーが受理した方です。「到達と推定」は、受理の後に定めた日数のあいだ\
             不達通知がなかった方で、不達通知が届くことを試験メールで確かめている期間に限ります。二つは合算していません。"
                .to_owned(),
            "登録・支援・再就職・離職と期間は、キャリアリレー運営会社の報告によります。報告のない項目は「未報告」とし、0とは\
             区別します。支援者数は相談員が対応した方の人数で、登録だけでは数えません。離職は就業開始から6か月以内のものです。\
             リンクの閲覧は数えません。"
                .to_owned(),
            "測定した人数・件数は対象期間に記録されたもの、運営会社の報告は対象期間に起きたとされるもので、期間の後に届いた報告も\
             含みます。お一人ごとの報告がある月はその実人数、ない月は月次合計によります。月次合計は、その月の全体が対象期間に\
             入る場合だけ含みます。"
                .to_owned(),
            "再就職までの期間は、お一人ごとの報告がある方について、直近のご案内から就業開始までの日数です（1か月は30日）。\
             ご案内と登録・再就職の期間がまたがることがあるため、ご案内比は目安です。"
                .to_owned(),
            format!(
                "{least}人に満たない人数と、差し引きでそれが分かる人数は非公開とします。0人は表示します。n は値のもとになる数で、\
                 人数・件数・枠数では値そのものです。"
            ),
            "ご案内と再就職の因果関係を示すものではありません。".to_owned(),
        ]
    } else {
        vec![
            "People offered support are those for whom the next hop took a rejection mail with the line. Within the \
             contract's window all mails to one person count as one. Mail that does not pass the gateway is in it only \
             where records of it were entered, and is then told apart."
                .to_owned(),
            "Delivered means that the candidate's own mail server took the mail. Presumed means that it was accepted \
             and has not come back for the days agreed, while test mails prove that it would have. The two are never \
             added up."
                .to_owned(),
            "Registrations, support, new jobs, leaving and times are reported by the operator of Career Relay. What \
             was not reported is said to be so, and is never 0. People supported have talked with an advisor: a \
             registration alone is not support. Leaving is within six months of the first day at work. Visits to the \
             link count for nothing."
                .to_owned(),
            "Measured figures count what was entered in the period; reported ones what is said to have happened in \
             it, also where the report came later. A month of which the operator named people counts them, each once; \
             another one his total, if the whole month lies in the period."
                .to_owned(),
            "Times are those of people the operator named, from the last offer to the first day at work; a month has \
             30 days. An offer and what follows it may fall into two periods, so shares of those offered are a guide."
                .to_owned(),
            format!(
                "Numbers below {least} people are withheld, and those that would give one away. 0 is shown. n is what \
                 a figure stands on; for people, mails and slots it is the value itself."
            ),
            "The report does not claim that the offer was the cause of a new job.".to_owned(),
        ]
    }
}
