//! Reports in words alone, as older and single-minded mail systems write them: who writes, and how the notice opens.

use super::fields::status;
use super::{RECIPIENTS_MAX, Reading, Verdict};
use crate::mail::address::Address;
use crate::mail::message::Message;

/// Lines of a notice that are looked at.
const LINES_MAX: usize = 150;
/// Characters of a line that are looked at.
const LINE_CHARS_MAX: usize = 1000;

/// Words in From that mail systems use for themselves.
const DAEMONS: [&str; 14] = [
    "mailer-daemon",
    "mailer_daemon",
    "mailerdaemon",
    "mail-daemon",
    "mail_daemon",
    "maildaemon",
    "postmaster@",
    "postoffice@",
    "microsoftexchange",
    "mail delivery sub",
    "mail delivery sys",
    "mail administrator",
    "no-reply@app.auone-net.jp",
    "no-reply@dion.ne.jp",
];

/// Whether a mail system wrote it, by its own word.
pub(super) fn is_from_daemon(message: &Message<'_>) -> bool {
    let from = message.header("From").unwrap_or_default().to_lowercase();
    let named = DAEMONS.iter().any(|name| from.contains(name));
    named || from.trim().trim_matches(['<', '>']) == "postmaster" || message.header("X-Failed-Recipients").is_some()
}

/// What is said of a mail that is still being tried. Any of these words outweighs all below.
const DELAYS: [&str; 17] = [
    "this is a warning message only",
    "you do not need to resend your message",
    "delivery attempts will continue",
    "has not yet been delivered",
    "still undelivered after",
    "will keep trying until message is",
    "delivery to the following recipient has been delayed",
    "delivery to the following recipients has been delayed",
    "this is only a notice of a delay",
    "will be retried",
    "will retry for",
    "there was a temporary problem delivering your message",
    "delivery incomplete",
    "message delayed",
    "this is a delay notification",
    "配送が遅れています",
    "配送が遅延しています",
];

/// How notices of failure put it, by the program that writes so. Blanks and line ends count as one blank, and case as
/// nothing.
const FAILURES: [(&str, &[&str]); 24] = [
    ("postfix", &["i'm sorry to have to inform you that your message could not be delivered"]),
    (
        "exim",
        &[
            "could not be delivered to one or more of its recipients",
            "a message that you sent contained one or more recipient addresses that were incorrectly constructed",
            "a message that you sent was rejected by the local scanning code",
        ],
    ),
    (
        "qmail",
        &[
            "i'm afraid i wasn't able to deliver your message to the following addresses",
            "i wasn't able to deliver your message to the following addresses",
            "this is a permanent error; i've given up",
        ],
    ),
    (
        "sendmail",
        &[
            "the following addresses had permanent fatal errors",
            "the following addresses had permanent delivery errors",
            "the following addresses had delivery problems",
            "your message was not delivered to the following recipients",
        ],
    ),
    (
        "yahoo",
        &[
            "unable to deliver message to the following address(es)",
            "sorry, we were unable to deliver your message to the following address",
        ],
    ),
    (
        "openwave",
        &[
            "message was undeliverable due to the following reason",
            "each of the following recipients was rejected by a remote mail server",
            "the following recipients did not receive this message",
            "the user(s) account is disabled",
            "the user(s) account is temporarily limited",
            "the user(s) account is temporarily over quota",
        ],
    ),
    ("kddi", &["could not be delivered to:"]),
    (
        "japanese",
        &[
            "次のあて先へのメッセージはエラーのため送信できませんでした",
            "以下の宛先へのメールは送信できませんでした",
            "以下のメールアドレスへの送信に失敗しました",
            "メールを配信できませんでした",
            "メールを配送できませんでした",
            "配信不能",
            "宛先不明のため、メールをお届けできませんでした",
        ],
    ),
    (
        "exchange",
        &[
            "did not reach the following recipient(s)",
            "delivery has failed to these recipients or",
            "このメールは、受信者全員または一部に届きませんでした",
        ],
    ),
    (
        "gmail",
        &[
            "delivery to the following recipient failed permanently",
            "your message wasn't delivered to",
            "the following message to",
        ],
    ),
    ("googlegroups", &["the group you tried to contact"]),
    ("notes", &["user not listed in public name & address book", "failure reasons --------"]),
    ("domino", &["was not delivered to:", "次の宛先に配信されませんでした"]),
    ("courier", &["your message to the following recipients cannot be delivered"]),
    ("messagingserver", &["your message cannot be delivered to the following recipients"]),
    ("opensmtpd", &["an error has occurred while attempting to deliver a message for"]),
    ("james", &["hi. this is the james mail server"]),
    ("imail", &["undeliverable to ", "unknown user:", "delivery failed"]),
    ("barracuda", &["has not been delivered", "was blocked by our spam firewall"]),
    ("mimecast", &["the following address failed", "your message could not be delivered"]),
    ("mailmarshal", &["your message: from:", "could not be delivered because of"]),
    ("icloud", &["your email could not be delivered to one or more recipients"]),
    ("interscan", &["sent message cannot be delivered", "unable to deliver message to <"]),
    ("x400", &["your message was not delivered", "this message could not be delivered"]),
];

/// Where the mail that comes back begins; nothing behind is the notice.
const RETURNED: [&str; 18] = [
    "below this line is a copy of the message",
    "this is a copy of the message",
    "this is a copy of your message",
    "this is a copy of the headers",
    "original message follows",
    "original message",
    "original headers",
    "original message headers",
    "unsent message follows",
    "unsent message below",
    "message header follows",
    "message headers follow",
    "returned message",
    "undelivered message",
    "the body of the message is",
    "元のメール",
    "元のメッセージ",
    "オリジナルメッセージ",
];

/// What a notice of a mail system says in words; `None` when it opens like none we know.
pub(super) fn read(message: &Message<'_>, texts: &[Vec<String>]) -> Option<Reading> {
    let named = failed_in_header(message);
    texts.iter().find_map(|lines| {
        let notice = notice(lines);
        let flat = flat(&notice);
        let (verdict, form) = known(&flat)?;
        let recipients = if named.is_empty() { addresses(&notice) } else { named.clone() };
        Some(Reading { verdict, form, status: status(&flat), recipients })
    })
}

fn known(flat: &str) -> Option<(Verdict, &'static str)> {
    let has = |words: &&str| flat.contains(*words);
    if DELAYS.iter().any(has) {
        return Some((Verdict::Delayed, "notice_of_delay"));
    }
    let (form, _) = FAILURES.iter().find(|(_, openings)| openings.iter().any(has))?;
    Some((Verdict::Failed, form))
}

/// The lines in front of the mail that comes back.
fn notice(lines: &[String]) -> Vec<&str> {
    let short =
        |line: &'_ String| -> usize { line.char_indices().nth(LINE_CHARS_MAX).map_or(line.len(), |(at, _)| at) };
    let lines = lines.iter().map(|line| &line[..short(line)]).take(LINES_MAX);
    lines.take_while(|line| !begins_returned(line)).collect()
}

/// A line of dashes with one of the known words in it, or the first field of a header.
fn begins_returned(line: &str) -> bool {
    let trimmed = line.trim().to_lowercase();
    let ruled = trimmed.starts_with("--") || trimmed.starts_with("==") || trimmed.starts_with("##");
    let words = trimmed.trim_matches(['-', '=', '#', ' ', '.', ':']);
    let field = ["return-path:", "received: from", "received: by"].iter().any(|name| trimmed.starts_with(name));
    field || RETURNED.iter().any(|mark| if ruled { words.contains(mark) } else { words == *mark })
}

/// One line, in lower case, with single blanks, so that words are found however they are wrapped.
fn flat(lines: &[&str]) -> String {
    let mut flat = String::new();
    for word in lines.iter().flat_map(|line| line.split_whitespace()) {
        if !flat.is_empty() {
            flat.push(' ');
        }
        flat.extend(word.chars().flat_map(char::to_lowercase).map(|c| if c == '’' { '\'' } else { c }));
    }
    flat
}

fn failed_in_header(message: &Message<'_>) -> Vec<Address> {
    let values = message.headers("X-Failed-Recipients").flat_map(|value| value.split(','));
    values.filter_map(|text| Address::parse(text.trim()).ok()).take(RECIPIENTS_MAX).collect()
}

/// The addresses a notice names, each once.
fn addresses(notice: &[&str]) -> Vec<Address> {
    let mut found: Vec<Address> = Vec::new();
    for word in notice.iter().flat_map(|line| line.split(|c: char| c.is_whitespace() || "<>()[],;\"".contains(c))) {
        if !word.contains('@') || found.len() >= RECIPIENTS_MAX {
            continue;
        }
        let word = word.trim_matches([':', '.', '\'']);
        let word = word.rsplit_once(':').map_or(word, |(_, address)| address);
        if let Ok(address) = Address::parse(word)
            && !found.iter().any(|known| known.is_same_mailbox(&address))
        {
            found.push(address);
        }
    }
    found
}
