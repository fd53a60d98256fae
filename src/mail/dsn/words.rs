//! What people read in a report: its subject and its text, in Japanese and in English.

use std::fmt::Write as _;

use super::{Action, Fate, Report, date, harmless};

/// The subject in both languages.
pub(super) fn subject(report: &Report<'_>) -> (&'static str, &'static str) {
    match kind(report) {
        Action::Failed => ("メールを配信できませんでした", "Undelivered mail returned to sender"),
        Action::Delayed => ("メールの配信が遅れています", "Your mail is delayed and still being tried"),
        Action::Delivered | Action::Relayed | Action::Expanded => {
            ("メールの配信状況のお知らせ", "Successful mail delivery report")
        }
    }
}

/// The text in both languages, and behind it each recipient with what was said about it.
pub(super) fn notice(report: &Report<'_>) -> String {
    let mta = report.reporting_mta;
    let (japanese, english) = story(report);
    let mut text = format!(
        "{mta} のメール中継システムからのお知らせです。\r\n\r\n{japanese}\r\n\r\n\
         This is the mail relay at {mta}.\r\n\r\n{english}\r\n"
    );
    for fate in report.fates {
        let _ = write!(text, "\r\n<{}>\r\n", fate.recipient);
        let done = match fate.action {
            Action::Failed | Action::Delayed => None,
            Action::Delivered => Some("受信者のメールボックスに届きました。 / delivered to the mailbox"),
            Action::Relayed => {
                Some("次のサーバーに渡しました。以後の通知はありません。 / relayed; no further notice will follow")
            }
            Action::Expanded => Some("複数の宛先に展開しました。 / expanded to several addresses"),
        };
        if let Some(done) = done {
            let _ = write!(text, "  {done}\r\n");
        }
        let reason = harmless(fate.diagnostic);
        if !reason.is_empty() {
            let _ = write!(text, "  {}:\r\n  {reason}\r\n", who_said(fate));
        }
    }
    text
}

/// The worst that it tells of names the report.
fn kind(report: &Report<'_>) -> Action {
    let has = |action| report.fates.iter().any(|fate| fate.action == action);
    [Action::Failed, Action::Delayed].into_iter().find(|action| has(*action)).unwrap_or(Action::Delivered)
}

fn story(report: &Report<'_>) -> (String, String) {
    match kind(report) {
        Action::Failed => (
            "お送りになったメールを、次の宛先に配信できませんでした。再送は行いません。\r\n\
             宛先をご確認のうえ、必要な場合は改めてお送りください。元のメールを添付します。"
                .to_owned(),
            "Your message could not be delivered to the recipients below, and it will not be tried again.\r\n\
             Please check the address and send it again if need be. The original is attached."
                .to_owned(),
        ),
        Action::Delayed => {
            let until = report.fates.iter().find_map(|fate| fate.retried_until).map_or_else(String::new, date);
            (
                format!(
                    "お送りになったメールは、次の宛先にまだ配信できていません。配信は自動で再試行しますので、\r\n\
                     改めてお送りいただく必要はありません。再試行の期限: {until}"
                ),
                format!(
                    "Your message has not reached the recipients below yet. It is tried again by itself: there is\r\n\
                     no need to send it again. It will be tried until {until}."
                ),
            )
        }
        Action::Delivered | Action::Relayed | Action::Expanded => (
            "ご依頼により、お送りになったメールの配信状況をお知らせします。".to_owned(),
            "As you asked, this is how your message fared.".to_owned(),
        ),
    }
}

fn who_said(fate: &Fate<'_>) -> String {
    match (fate.smtp, fate.remote_mta) {
        (true, Some(host)) => format!("{} の応答 / reply of {}", harmless(host), harmless(host)),
        _ => "理由 / reason".to_owned(),
    }
}
