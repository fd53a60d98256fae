//! What became of a mail, in both languages of the page.

use data_encoding::HEXLOWER;

use crate::cli::leaves::Beside;
use crate::cli::mailfile::MailFile;
use crate::cli::reason::meaning;
use crate::control::ledger::DIGITS_SHOWN;
use crate::pipeline::{Outcome, Referred};

/// What became of it.
pub(super) struct Said {
    /// The stable code.
    pub(super) code: &'static str,
    /// A sentence in English.
    pub(super) text: String,
    /// The same in Japanese.
    pub(super) text_ja: String,
    /// The digest of the words that are put in, if they count.
    pub(super) words: Option<String>,
}

/// The octets that leave, as on the wire, and what is said of them.
pub(super) fn leaving(mail: &MailFile, outcome: Outcome, is_past: bool) -> (Vec<u8>, Said) {
    let as_it_came = mail.wire.to_vec();
    match outcome {
        Outcome::Referred(referred) => referred_mail(mail, referred, is_past),
        Outcome::Held(held) => {
            let meaning = meaning(held.reason).unwrap_or_default();
            let text = format!("held for HR's word, {}: {meaning} It is shown as it came", held.reason);
            let text_ja = format!("採用担当の方の判断を待って保留します（{}）。元の形で表示しています。", held.reason);
            (as_it_came, Said { code: held.reason, text, text_ja, words: None })
        }
        Outcome::Untouched(untouched) => {
            let code = untouched.reason;
            let text = format!("untouched, {code}: {}", meaning(code).unwrap_or_default());
            let text_ja = format!("そのままの形で送信します（{code}）。");
            (as_it_came, Said { code, text, text_ja, words: None })
        }
    }
}

fn referred_mail(mail: &MailFile, referred: Referred, is_past: bool) -> (Vec<u8>, Said) {
    let beside = Beside::of(&referred);
    let (beside, beside_ja) = (beside.left_out(), beside.left_out_ja());
    let copy = referred.copies.into_iter().next().unwrap_or_default();
    let words = copy.offers.first().and_then(|offer| offer.wording).map(|digest| HEXLOWER.encode(&digest));
    let digits = words.as_deref().and_then(|words| words.get(..DIGITS_SHOWN)).unwrap_or_default();
    let octets = copy.edits.octets_added();
    let (note, note_ja) = match (copy.offers.len(), is_past) {
        (0, _) => {
            ("words without a link, which count for nobody".to_owned(), "リンクのない案内です。数えません".to_owned())
        }
        (_, true) => {
            (format!("as it left then, with the words {digits}"), format!("当時送信された形です。文言 {digits}"))
        }
        (_, false) => {
            let note_ja = "プレビューのリンクは誰の分としても数えません";
            ("the link of a preview counts for nobody".to_owned(), note_ja.to_owned())
        }
    };
    let text = format!("rejection, {octets} octets inserted ({note}){beside}");
    let text_ja = format!("不採用通知です。{octets} オクテットを挿入します（{note_ja}）。{beside_ja}");
    (copy.edits.apply(&mail.wire), Said { code: "rejection", text, text_ja, words })
}
