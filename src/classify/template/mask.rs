//! Masking: what differs from one mail of a template to the next is replaced by marks: names, numbers, addresses.

use super::super::fold::is_han;

/// Stands for a person's name.
const NAME: char = '\u{e000}';
/// Stands for a number, a date or a time.
const NUMBER: char = '\u{e001}';
/// Stands for an address or a link.
const ADDRESS: char = '\u{e002}';
/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 24;
/// Longest line that is nothing but an addressee, in characters.
const ADDRESSEE_CHARS_MAX: usize = 32;
/// What stands behind a name, as folding spells it.
const HONORIFICS: [&str; 4] = ["さま", "さん", "殿", "氏"];
/// What begins a line that greets by name.
const GREETINGS: [&str; 5] = ["dear ", "hi ", "hello ", "hey ", "good morning "];
/// What stands before a name.
const TITLES: [&str; 5] = ["mr", "ms", "mrs", "dr", "mx"];
/// What stands before an honorific and names nobody.
const NOBODY: [&str; 8] = ["皆", "客", "各", "貴", "同", "担当者", "応募者", "御社"];
/// Words of a greeting that are no name.
const NO_NAMES: [&str; 8] = ["all", "applicant", "candidate", "sir", "madam", "there", "and", "or"];
const MONTHS: [&str; 23] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Masks sentences one after the other: a name that was greeted is known again further down.
#[derive(Debug, Default)]
pub(super) struct Mask {
    names: Vec<String>,
}

impl Mask {
    /// Whom the mail greets first, as a number that tells two people apart and names nobody.
    pub fn about(&self) -> Option<u64> {
        let name = self.names.first()?;
        Some(super::spread(name.chars().filter(|c| !c.is_whitespace()).fold(super::SEED, super::mix)))
    }

    /// A folded sentence with marks in it.
    pub fn mask(&mut self, sentence: &str) -> String {
        let sentence = sentence.trim();
        if let Some(name) = addressee(sentence) {
            self.learn(name);
            return NAME.to_string();
        }
        if let Some((greeting, rest)) = greeting(sentence) {
            let (name, behind) = rest.split_at(rest.find([',', '!', ':']).unwrap_or(rest.len()));
            if name.chars().count() <= NAME_CHARS_MAX * 2 {
                name.split(' ').filter(|w| w.len() > 1 && !is_no_name(w)).for_each(|word| self.learn(word));
                return format!("{greeting}{NAME}{}", self.mask_words(behind));
            }
        }
        self.mask_words(sentence)
    }

    fn learn(&mut self, name: &str) {
        let name = name.trim();
        if !name.is_empty() && self.names.len() < 8 && !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
    }

    fn mask_words(&mut self, sentence: &str) -> String {
        let mut out = String::with_capacity(sentence.len());
        let mut rest = sentence;
        while let Some(c) = rest.chars().next() {
            let taken = if c.is_ascii_alphanumeric() {
                self.mask_latin(rest, &mut out)
            } else {
                HONORIFICS.iter().find(|mark| rest.starts_with(**mark)).map_or(0, |mark| {
                    self.mask_name_before(mark, &rest[mark.len()..], &mut out);
                    out.push_str(mark);
                    mark.len()
                })
            };
            if taken > 0 {
                rest = &rest[taken..];
                continue;
            }
            // (月) behind a date, and the day in 月曜日.
            let weekday = rest
                .strip_prefix('(')
                .and_then(|r| r.char_indices().nth(1).map(|(at, _)| at + 1))
                .filter(|end| out.ends_with(NUMBER) && rest[*end..].starts_with(')'));
            if let Some(end) = weekday {
                rest = &rest[end + 1..];
                continue;
            }
            rest = &rest[c.len_utf8()..];
            out.push(if rest.starts_with('曜') { NUMBER } else { c });
        }
        out
    }

    /// Masks what begins with an ASCII letter or digit; how many octets that was.
    fn mask_latin(&self, rest: &str, out: &mut String) -> usize {
        let link = ["http://", "https://", "www."].iter().any(|mark| rest.starts_with(mark));
        if link {
            out.push(ADDRESS);
            return rest.find(|c: char| !c.is_ascii_graphic() || matches!(c, '<' | '>' | '"')).unwrap_or(rest.len());
        }
        let word = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"._+-'".contains(c)).unwrap_or(rest.len());
        if rest[word..].starts_with('@') {
            let behind = &rest[word + 1..];
            out.push(ADDRESS);
            let is_domain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
            return word + 1 + behind.find(|c: char| !is_domain(c)).unwrap_or(behind.len());
        }
        if rest.starts_with(|c: char| c.is_ascii_digit()) {
            push_number(out);
            return number_octets(rest);
        }
        let word = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '\'').unwrap_or(rest.len());
        let (text, behind) = rest.split_at(word);
        let dated = || {
            let next = behind.trim_start_matches([' ', '.', ',']);
            next.starts_with(|c: char| c.is_ascii_digit()) || out.trim_end().ends_with(NUMBER)
        };
        let titled = || {
            let before = out.trim_end_matches([' ', '.']);
            TITLES.iter().any(|title| before.strip_suffix(title).is_some_and(|b| !b.ends_with(char::is_alphanumeric)))
        };
        let bare = text.strip_suffix("'s").unwrap_or(text);
        if WEEKDAYS.contains(&text) || MONTHS.contains(&text) && dated() {
            push_number(out);
        } else if self.names.iter().any(|name| name == bare) || titled() {
            if !out.trim_end().ends_with(NAME) {
                out.push(NAME);
            }
        } else {
            out.push_str(text);
        }
        word
    }

    /// Replaces the name that stands right before an honorific at the end of what is masked so far.
    fn mask_name_before(&mut self, mark: &str, behind: &str, out: &mut String) {
        // さまざま is no さま.
        if mark == "さま" && behind.starts_with('ざ') {
            return;
        }
        if let Some(known) = self.names.iter().find(|name| out.ends_with(name.as_str())) {
            let keep = out.len() - known.len();
            out.truncate(keep);
            out.push(NAME);
            return;
        }
        let letter = |c: char| is_name_letter(c) || c == ' ';
        let from =
            out.rfind(|c: char| !letter(c)).map_or(0, |at| at + out[at..].chars().next().map_or(0, char::len_utf8));
        let name = out[from..].trim_start().to_owned();
        let count = name.chars().count();
        let nobody = NOBODY.iter().any(|word| name.ends_with(word));
        if nobody || !(1..=NAME_CHARS_MAX).contains(&count) {
            return;
        }
        out.truncate(out.len() - name.len());
        out.push(NAME);
        self.learn(&name);
    }
}

/// A date is one mark, however many words and numbers it has.
fn push_number(out: &mut String) {
    let until = out.trim_end_matches([' ', ',', '.']).len();
    if out[..until].ends_with(NUMBER) { out.truncate(until) } else { out.push(NUMBER) }
}

/// The name in a line that is nothing but an addressee.
fn addressee(sentence: &str) -> Option<&str> {
    let line = sentence.trim_end_matches(['、', ',']);
    let name = HONORIFICS.iter().find_map(|mark| line.strip_suffix(mark))?;
    let fits = (1..=ADDRESSEE_CHARS_MAX).contains(&name.chars().count());
    let letters = name.chars().all(|c| is_name_letter(c) || matches!(c, '\u{3041}'..='\u{3096}' | ' '));
    (fits && letters && !NOBODY.iter().any(|word| name.ends_with(word))).then_some(name)
}

fn greeting(sentence: &str) -> Option<(&str, &str)> {
    let greeting = GREETINGS.iter().find(|greeting| sentence.starts_with(**greeting))?;
    Some(sentence.split_at(greeting.len()))
}

fn is_no_name(word: &str) -> bool {
    NO_NAMES.contains(&word) || TITLES.contains(&word.trim_end_matches('.'))
}

fn is_name_letter(c: char) -> bool {
    is_han(c) || c.is_ascii_alphabetic() || matches!(c, '.' | '\u{30a1}'..='\u{30fe}')
}

/// Octets of a number with what belongs to it: separators between digits, and the units of dates and times.
fn number_octets(text: &str) -> usize {
    let mut end = 0;
    let mut last_is_digit = false;
    for (at, c) in text.char_indices() {
        let digit = c.is_ascii_digit();
        let unit = last_is_digit && matches!(c, '年' | '月' | '日' | '時' | '分' | '秒');
        let next_is_digit = || text[at + c.len_utf8()..].starts_with(|n: char| n.is_ascii_digit());
        let joint = matches!(c, ',' | '.' | ':' | '/' | '-' | '~') && next_is_digit();
        if !(digit || unit || joint) {
            break;
        }
        last_is_digit = digit;
        end = at + c.len_utf8();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Masks the sentences one after the other; marks are shown as N, 0 and @.
    fn check(sentences: &[&str], expected: &[&str]) {
        let mut mask = Mask::default();
        let shown = |text: String| text.replace(NAME, "N").replace(NUMBER, "0").replace(ADDRESS, "@");
        let masked: Vec<String> = sentences.iter().map(|sentence| shown(mask.mask(sentence))).collect();
        assert_eq!(masked, expected, "{sentences:?}");
    }

    #[test]
    fn names_are_masked_where_they_are_greeted_and_where_they_come_again() {
        check(&["佐藤花子さま", "佐藤さまのご活躍をお祈りします。"], &["N", "Nさまのご活躍をお祈りします。"]);
        check(&["みどりさま", "今後のみどりさまのご活躍を"], &["N", "今後のNさまのご活躍を"]);
        check(&["皆さま、お客さま、さまざまな方"], &["皆さま、お客さま、さまざまな方"]);
        check(&["dear hana tanaka,", "we wish you, hana, well"], &["dear N,", "we wish you, N, well"]);
        check(&["dear ms. tanaka,", "thank you, ms. tanaka."], &["dear N,", "thank you, ms. N."]);
        check(&["dear applicant,", "thank you"], &["dear N,", "thank you"]);
    }

    #[test]
    fn numbers_dates_addresses_and_links_are_masked() {
        check(&["2026年11月23日(月)10:30に"], &["0に"]);
        check(&["11月23日 月曜日", "on 3 december 2026"], &["0 0曜日", "on 0"]);
        check(&["on november 23, 2026 at 10:30"], &["on 0 at 0"]);
        check(&["you may march on"], &["you may march on"]);
        check(&["受付番号a-1024、saiyo+1@sakura.example、https://x.example/a?b=1。"], &["受付番号a-0、@、@。"]);
    }
}
