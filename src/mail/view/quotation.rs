//! Where reply and forward history begins. Everything from its first mark on is history: text below it may be anyone's.

/// How many lines an attribution may run over.
const ATTRIBUTION_LINES: usize = 3;
/// How far a block of `From:`, `Date:`, `Subject:` lines may spread, counting lines that are not blank.
const FIELDS_SPREAD: usize = 10;
/// Longest name in front of a quoted line, in characters.
const NAME_CHARS_MAX: usize = 12;
/// The last octet of a wide `＞`.
const LAST_OF_WIDE: u8 = 0x9e;

/// The first line of history, if there is any.
pub(super) fn begins(lines: &[&str]) -> Option<usize> {
    let first = (0..lines.len()).find(|i| is_mark(lines, *i))?;
    // The rule that Outlook draws above its header block belongs to it.
    let above = lines[..first].iter().rposition(|l| !l.trim().is_empty());
    Some(above.filter(|i| is_underline(lines[*i])).unwrap_or(first))
}

fn is_mark(lines: &[&str], index: usize) -> bool {
    let line = lines[index].trim();
    match line.chars().next() {
        None => false,
        Some('>' | '＞') => true,
        Some(c) if is_bar(c) => is_barred(lines, index),
        Some(_) => {
            is_divider(line)
                || is_attribution(lines, index)
                || begins_fields(lines, index)
                || is_named_quote(lines, index)
        }
    }
}

/// What some programs draw at the left of what they quote.
fn is_bar(c: char) -> bool {
    matches!(c, '|' | '｜' | '│' | '┃')
}

/// Two lines or more with a bar at the left, and none further on: a table drawn from bars has more of them.
fn is_barred(lines: &[&str], index: usize) -> bool {
    let barred = |line: &&str| {
        let line = line.trim();
        line.starts_with(is_bar) && line.chars().filter(|c| is_bar(*c)).count() == 1
    };
    barred(&lines[index]) && lines.get(index + 1).is_some_and(barred)
}

/// `yamada> …` on two lines: quotations that name their writer.
fn is_named_quote(lines: &[&str], index: usize) -> bool {
    let name = |line: &str| {
        let (name, _) = line.trim().split_once(['>', '＞'])?;
        let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
        (fits && !name.contains(|c: char| "<＜=＝-－ \u{3000}".contains(c))).then(|| name.to_owned())
    };
    // Hardly a line has such a sign near its beginning, and this is asked of every line.
    let head = lines[index].as_bytes().get(..NAME_CHARS_MAX * 4).unwrap_or(lines[index].as_bytes());
    let is_sign = |at: usize| head[at] == b'>' || head[..=at].ends_with("＞".as_bytes());
    if !memchr::memchr2_iter(b'>', LAST_OF_WIDE, head).any(is_sign) {
        return false;
    }
    let Some(first) = name(lines[index]) else { return false };
    lines.get(index + 1).is_some_and(|next| name(next) == Some(first))
}

fn is_underline(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 10 && line.bytes().all(|b| matches!(b, b'_' | b'-'))
}

/// `-----Original Message-----` and its relatives.
fn is_divider(line: &str) -> bool {
    const RULED: [&str; 17] = [
        "original message",
        "original appointment",
        "forwarded message",
        "reply message",
        "元のメッセージ",
        "元のメール",
        "転送メッセージ",
        "転送されたメッセージ",
        "受信メール",
        "元メール",
        "元のメールの内容",
        "元のメッセージの内容",
        "返信元メール",
        "返信元のメール",
        "転送元メール",
        "以下引用",
        "以下、引用",
    ];
    const BARE: [&str; 3] = ["begin forwarded message", "転送されたメッセージ", "forwarded by "];
    let core = line.trim_matches(|c: char| "-－—–―─━ー=＝_＿*＊#＃<>＜＞《》~～〜 \u{3000}".contains(c));
    if core.len() > 60 || core.is_empty() {
        return false;
    }
    if core.len() == line.len() && !core.ends_with([':', '：']) {
        return false;
    }
    let core = core.to_lowercase();
    let bare = core.trim_end_matches([':', '：']);
    let is_ruled = line.len() > core.len() && RULED.contains(&bare);
    is_ruled
        || (core.len() > bare.len() && BARE.contains(&bare))
        || (line.len() > core.len() && core.starts_with(BARE[2]))
}

/// `On … wrote:`, `2026年4月6日(月) 10:00 … <…>:`, `…のメール:`, over up to three lines.
fn is_attribution(lines: &[&str], index: usize) -> bool {
    let first = lines[index].trim().trim_start_matches(['-', ' ']);
    let dated = starts_with_date(first);
    let on = first.starts_with("On ");
    if !(dated || on || names_writer(first)) {
        return false;
    }
    let mut address = false;
    let mut digits = false;
    for (i, line) in lines[index..].iter().take(ATTRIBUTION_LINES).map(|l| l.trim()).enumerate() {
        if line.is_empty() {
            return false;
        }
        address |= line.contains('@') || line.contains('<') || line.contains('＜');
        digits |= line.bytes().any(|b| b.is_ascii_digit());
        if names_writer(line) {
            // A sentence that begins with a date may end lines later in such words, but without an address.
            return address || (digits && (on || i == 0)) || line.contains("さん");
        }
        if dated && address && line.ends_with([':', '：']) {
            return true;
        }
    }
    false
}

/// A line that ends as attributions end.
fn names_writer(line: &str) -> bool {
    const ENDS: [&str; 9] = [
        "wrote:",
        "writes:",
        "のメール:",
        "のメール：",
        "書きました:",
        "書きました：",
        "が書き込みました:",
        "schrieb:",
        "a écrit :",
    ];
    // Zoho draws dashes around it.
    ENDS.iter().any(|end| line.ends_with(end)) || line.trim_end_matches('-').ends_with(" wrote ")
}

/// `2026年4月6日`, `2026/04/06`, `2026-04-06`, also in brackets.
fn starts_with_date(line: &str) -> bool {
    let line = line.trim_start_matches(['(', '（', '[', '【']);
    let mut rest = line.chars().skip_while(char::is_ascii_digit);
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    digits == 4
        && matches!(rest.next(), Some('年' | '/' | '-' | '.'))
        && rest.next().is_some_and(|c| c.is_ascii_digit())
}

/// The fields that mail programs put above what they quote.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Label {
    From,
    Date,
    To,
    Cc,
    Subject,
}

fn label(line: &str) -> Option<Label> {
    const NAMES: [(&str, Label); 26] = [
        ("from", Label::From),
        ("差出人", Label::From),
        ("送信者", Label::From),
        ("送信元", Label::From),
        ("von", Label::From),
        ("de", Label::From),
        ("sent", Label::Date),
        ("date", Label::Date),
        ("送信日時", Label::Date),
        ("送信日", Label::Date),
        ("受信日時", Label::Date),
        ("日時", Label::Date),
        ("日付", Label::Date),
        ("gesendet", Label::Date),
        ("envoyé", Label::Date),
        ("to", Label::To),
        ("宛先", Label::To),
        ("an", Label::To),
        ("à", Label::To),
        ("cc", Label::Cc),
        ("subject", Label::Subject),
        ("件名", Label::Subject),
        ("題名", Label::Subject),
        ("標題", Label::Subject),
        ("betreff", Label::Subject),
        ("objet", Label::Subject),
    ];
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || c == '*');
    let (end, _) = line.char_indices().take_while(|(at, _)| *at <= 24).find(|(_, c)| matches!(c, ':' | '：'))?;
    let name = line[..end].trim_matches(|c: char| c.is_whitespace() || c == '*').to_lowercase();
    NAMES.iter().find(|(n, _)| *n == name).map(|(_, label)| *label)
}

/// Whether a block of at least three different fields begins here, the originator among them.
fn begins_fields(lines: &[&str], index: usize) -> bool {
    let Some(first) = label(lines[index]) else { return false };
    let mut seen = vec![first];
    for line in lines[index + 1..].iter().filter(|l| !l.trim().is_empty()).take(FIELDS_SPREAD) {
        if let Some(label) = label(line).filter(|l| !seen.contains(l)) {
            seen.push(label);
        }
    }
    seen.len() >= 3 && seen.contains(&Label::From)
}
