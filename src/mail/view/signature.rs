//! Where the signature begins. Too little is better than too much: what is taken for a signature is not read.

/// A signature below a drawn rule is at most this many lines, blank ones not counted.
const LINES_MAX: usize = 20;
/// Longest line of a signature, in characters.
const LINE_CHARS_MAX: usize = 60;

/// The first line of the signature at the end of `lines`, if there is one.
pub(super) fn begins(lines: &[&str]) -> Option<usize> {
    let standard = lines.iter().position(|l| *l == "-- ");
    standard.or_else(|| (last_lines(lines)..lines.len()).find(|i| opens(lines, *i)))
}

/// Where the last lines begin among which a rule may open a signature: looking further up would be of no use.
fn last_lines(lines: &[&str]) -> usize {
    let written = lines.iter().enumerate().rev().filter(|(_, l)| !l.trim().is_empty());
    written.take(LINES_MAX + 1).last().map_or(0, |(i, _)| i)
}

fn opens(lines: &[&str], index: usize) -> bool {
    let line = lines[index].trim();
    if !(line == "--" || is_rule(line) || is_device_line(line)) {
        return false;
    }
    let block = || lines[index + 1..].iter().map(|l| l.trim()).filter(|l| !l.is_empty());
    let quiet = block().all(|l| is_rule(l) || !is_prose(l));
    quiet && (is_device_line(line) || block().any(is_contact))
}

/// A line drawn from ornaments.
fn is_rule(line: &str) -> bool {
    const ORNAMENTS: &str = "─━―ー-=＝*＊_＿~～・…◆◇■□●○☆★+＋.:：|｜┈┉╌═▬—–‐−┏┓┗┛┠┨├┤┃│/／\\＼#＃♪﹏ﾟ｡･※ \u{3000}";
    line.chars().all(|c| ORNAMENTS.contains(c)) && line.chars().filter(|c| !c.is_whitespace()).count() >= 4
}

/// `iPhoneから送信` and its relatives.
fn is_device_line(line: &str) -> bool {
    const DEVICES: [&str; 13] = [
        "iPhone",
        "iPad",
        "Android",
        "Galaxy",
        "Xperia",
        "AQUOS",
        "Pixel",
        "スマートフォン",
        "スマホ",
        "携帯",
        "Outlook",
        "Yahoo!メール",
        "Gmail",
    ];
    const SENT: [&str; 4] = ["から送信", "から送信されました", "から送信しました", "を入手"];
    let said = line.trim_end_matches('。');
    let sent = SENT.iter().any(|end| said.ends_with(end));
    let english = line.starts_with("Sent from ") || line.starts_with("Get Outlook for ");
    (english || (sent && DEVICES.iter().any(|d| line.contains(d)))) && line.chars().count() <= LINE_CHARS_MAX
}

/// A sentence, or words of a result: nothing that a signature holds.
fn is_prose(line: &str) -> bool {
    const WORDS: [&str; 15] = [
        "。",
        "ます",
        "です",
        "ません",
        "ください",
        "下さい",
        "結果",
        "合格",
        "不採用",
        "見送",
        "内定",
        "辞退",
        "残念",
        "応募",
        "選考",
    ];
    if line.chars().count() > LINE_CHARS_MAX || WORDS.iter().any(|w| line.contains(w)) {
        return true;
    }
    line.is_ascii() && line.ends_with(['.', ',', '!', '?']) && line.split_ascii_whitespace().count() >= 5
}

/// An address, a number, a site or a company's name.
fn is_contact(line: &str) -> bool {
    const WORDS: [&str; 17] = [
        "TEL",
        "Tel",
        "tel:",
        "電話",
        "℡",
        "☎",
        "FAX",
        "Fax",
        "〒",
        "@",
        "＠",
        "http",
        "www.",
        "株式会社",
        "有限会社",
        "合同会社",
        "(株)",
    ];
    WORDS.iter().any(|w| line.contains(w)) || line.contains("（株）") || has_number(line)
}

/// Nine digits or more, with nothing but hyphens and brackets between them.
fn has_number(line: &str) -> bool {
    let mut digits = 0;
    for c in line.chars() {
        match c {
            '0'..='9' => digits += 1,
            '-' | '(' | ')' | ' ' | '+' | '‐' | '－' => {}
            _ => digits = 0,
        }
        if digits >= 9 {
            return true;
        }
    }
    false
}
