//! One spelling for many: width, case, kana, spelling families and blanks are folded, sentences and lines kept in mind.
//!
//! Blanks stay between Latin words alone, so Japanese wrapped in mid-word, or spread out to fill a line, reads as one.
//! Rules are folded by the same function, so a family may map to any spelling as long as there is one.

use unicode_normalization::UnicodeNormalization;

mod phrase;

pub(super) use phrase::{PhraseFolder, fold_phrase};

/// Stands between sentences; no phrase contains it, so none matches across.
const BREAK: char = '\n';
/// Longest gloss in brackets that is taken for furigana, in characters.
const FURIGANA_CHARS_MAX: usize = 14;
/// Longest line that is taken for an addressee line, in folded octets.
const GREETING_OCTETS_MAX: usize = 96;

/// Text in its one spelling.
#[derive(Clone, Debug, Default)]
pub(super) struct Folded {
    /// The folded text.
    pub text: String,
    /// The sentences, in order; they cover the text.
    pub sentences: Vec<Sentence>,
    /// How much of each script it holds.
    pub scripts: Scripts,
    lines: Vec<(usize, usize)>,
}

/// A run of text up to a full stop, a blank line or another sure end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Sentence {
    /// Where it begins in the folded text.
    pub start: usize,
    /// Whether it begins a line.
    pub begins_line: bool,
}

/// Counts of letters by script.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Scripts {
    pub kana: usize,
    pub han: usize,
    pub hangul: usize,
    pub latin: usize,
    pub other: usize,
}

impl Folded {
    /// Whether text and sentences are the same. Lines may still stand elsewhere.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        let start = |sentence: &Sentence| sentence.start;
        self.text == other.text && self.sentences.iter().map(start).eq(other.sentences.iter().map(start))
    }

    /// The line the octet at `offset` of the folded text came from.
    pub fn line_at(&self, offset: usize) -> Option<usize> {
        let after = self.lines.partition_point(|(start, _)| *start <= offset);
        after.checked_sub(1).and_then(|index| self.lines.get(index)).map(|(_, line)| *line)
    }

    /// Where the sentence ends in the folded text.
    pub fn sentence_end(&self, index: usize) -> usize {
        self.sentences.get(index + 1).map_or(self.text.len(), |next| next.start)
    }

    /// The text of the sentence.
    pub fn sentence(&self, index: usize) -> &str {
        let start = self.sentences.get(index).map_or(self.text.len(), |sentence| sentence.start);
        self.text.get(start..self.sentence_end(index)).unwrap_or_default()
    }

    /// Last line that holds text of the sentence.
    pub fn last_line_of(&self, index: usize) -> Option<usize> {
        let end = self.sentence_end(index);
        self.line_at(self.text.get(..end)?.trim_end_matches(BREAK).len().checked_sub(1)?)
    }

    /// First line that holds text of the sentence.
    pub fn first_line_of(&self, index: usize) -> Option<usize> {
        self.line_at(self.sentences.get(index)?.start)
    }
}

/// Folds lines with their numbers; an empty line ends a sentence.
pub(super) fn fold<'a>(lines: impl Iterator<Item = (usize, &'a str)> + Clone) -> Folded {
    // A buffer that grows step by step asks the allocator for each, and threads wait for one another there.
    let (count, octets) = lines.clone().fold((0, 0), |(count, octets), (_, line)| (count + 1, octets + line.len()));
    let room = Folded {
        text: String::with_capacity(octets + count),
        sentences: Vec::with_capacity(count),
        lines: Vec::with_capacity(count),
        ..Folded::default()
    };
    let mut folder = Folder { folded: room, splits: true, ..Folder::default() };
    for (number, line) in lines {
        folder.push_line(number, line);
    }
    folder.folded
}

#[derive(Default)]
struct Folder {
    folded: Folded,
    splits: bool,
    /// A blank was seen since the last character.
    blank: bool,
    /// The next character begins a sentence.
    ended: bool,
    /// Where the text of the current line begins.
    line_start: usize,
    gloss: String,
}

impl Folder {
    fn push_line(&mut self, number: usize, line: &str) {
        let line = line.trim_matches(is_blank);
        if line.is_empty() {
            self.ended = true;
            return;
        }
        self.end_at_line_break(line);
        self.blank = true;
        self.line_start = self.folded.text.len();
        let mut begun = false;
        if line.chars().all(is_plain) {
            self.push_plain(line, number, &mut begun);
        } else {
            line.nfkc().for_each(|c| self.push_first(c, number, &mut begun));
        }
        self.drop_gloss();
    }

    /// Pushes a line that is its own NFKC.
    fn push_plain(&mut self, line: &str, number: usize, begun: &mut bool) {
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            self.push_first(c, number, begun);
            rest = &rest[c.len_utf8()..];
            if c.is_ascii_alphanumeric() {
                let end = rest.bytes().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len());
                let (word, behind) = rest.split_at(end);
                self.go_on(word);
                rest = behind;
            } else if self.gloss.is_empty() && is_calm(c) {
                rest = self.go_on_japanese(rest);
            }
        }
    }

    /// Pushes what follows a letter or digit within its word: it neither ends nor begins anything.
    fn go_on(&mut self, word: &str) {
        let from = self.folded.text.len();
        self.folded.text.push_str(word);
        self.folded.text[from..].make_ascii_lowercase();
        self.folded.scripts.latin += word.bytes().filter(u8::is_ascii_alphabetic).count();
    }

    /// Pushes what neither ends nor begins anything behind a character that did not either. Gives what is behind.
    fn go_on_japanese<'t>(&mut self, text: &'t str) -> &'t str {
        let Folded { text: folded, scripts, .. } = &mut self.folded;
        let mut pushed = 0;
        for (at, c) in text.char_indices() {
            if is_kana(c) {
                scripts.kana += 1;
                continue;
            }
            if !is_calm(c) {
                folded.push_str(&text[pushed..at]);
                return &text[at..];
            }
            scripts.count(c);
            if is_respelt(c) {
                folded.push_str(&text[pushed..at]);
                push_folded(folded, c);
                pushed = at + c.len_utf8();
            }
        }
        folded.push_str(&text[pushed..]);
        ""
    }

    fn push_first(&mut self, c: char, number: usize, begun: &mut bool) {
        if !*begun && !is_blank(c) {
            *begun = true;
            self.ended |= self.folded.text.ends_with('.');
            self.folded.lines.push((self.folded.text.len(), number));
            self.open_sentence(true);
            let start = self.folded.text.len();
            // The blank between two lines belongs to the first of them.
            self.push(c);
            self.line_start = start;
            if let Some(last) = self.folded.lines.last_mut() {
                last.0 = self.folded.text.len() - self.folded.text[start..].trim_start().len();
            }
            return;
        }
        self.push(c);
    }

    fn open_sentence(&mut self, begins_line: bool) {
        if !self.splits || !(self.ended || self.folded.sentences.is_empty()) {
            return;
        }
        self.ended = false;
        self.blank = false;
        if !self.folded.text.is_empty() {
            self.folded.text.push(BREAK);
        }
        let start = self.folded.text.len();
        self.folded.sentences.push(Sentence { start, begins_line });
    }

    fn push(&mut self, c: char) {
        if is_blank(c) {
            self.blank = true;
            return;
        }
        if is_ignorable(c) {
            return;
        }
        let c = narrow(c);
        let last = self.folded.text.chars().next_back();
        if self.blank && last == Some('.') || last.is_some_and(|l| l == '.' && !is_narrow(c)) {
            self.ended = true;
        }
        self.open_sentence(false);
        if self.blank && is_narrow(c) && last.is_some_and(is_narrow) && !self.folded.text.ends_with(BREAK) {
            self.folded.text.push(' ');
        }
        self.blank = false;
        if self.collects_gloss(c, last) {
            return;
        }
        self.folded.scripts.count(c);
        push_folded(&mut self.folded.text, c);
        self.ended = matches!(c, '。' | '!' | '?');
    }

    /// Hiragana in brackets behind a Chinese character is its reading, and is left out.
    fn collects_gloss(&mut self, c: char, last: Option<char>) -> bool {
        if self.gloss.is_empty() {
            // The character before may have been folded to kana, so kana before the bracket will do as well.
            let opens = c == '(' && last.is_some_and(|l| is_han(l) || is_kana(l));
            if opens {
                self.gloss.push(c);
            }
            return opens;
        }
        if c == ')' {
            self.gloss.clear();
            return true;
        }
        if matches!(c, '\u{3041}'..='\u{3096}') && self.gloss.chars().count() < FURIGANA_CHARS_MAX {
            self.gloss.push(c);
            return true;
        }
        self.drop_gloss();
        false
    }

    /// What looked like a gloss is text after all.
    fn drop_gloss(&mut self) {
        for c in std::mem::take(&mut self.gloss).chars() {
            self.folded.scripts.count(c);
            push_folded(&mut self.folded.text, c);
        }
    }

    /// Lines that end a sentence without a full stop: addressees, polite verb forms, and whatever a list item follows.
    fn end_at_line_break(&mut self, next: &str) {
        let Some(line) = self.folded.text.get(self.line_start..) else { return };
        let goes_on = |c: char| {
            matches!(
                c,
                'が' | 'と'
                    | 'か'
                    | 'し'
                    | 'よ'
                    | 'の'
                    | 'け'
                    | 'に'
                    | 'は'
                    | 'を'
                    | 'も'
                    | 'で'
                    | '、'
                    | '。'
                    | ','
            )
        };
        let first = next.chars().next().unwrap_or(' ');
        let addressee = line.len() <= GREETING_OCTETS_MAX && ADDRESSEES.iter().any(|end| line.ends_with(end));
        let sentence = ENDINGS.iter().any(|end| line.ends_with(end));
        let dear = line.ends_with(',') && ["dear ", "hi ", "hello ", "hey "].iter().any(|word| line.starts_with(word));
        if (addressee || sentence) && !goes_on(first) || dear || BULLETS.contains(&first) {
            self.ended = true;
        }
    }
}

const ADDRESSEES: &[&str] = &["さま", "さん", "各位", "ご中", "殿"];
const ENDINGS: &[&str] =
    &["ます", "ました", "ません", "ませんでした", "です", "でした", "ください", "不採用", "不合格", "不通過"];
const BULLETS: &[char] = &['・', '■', '□', '◆', '◇', '●', '▼', '▽', '★', '☆', '※', '【', '*', '•', '記'];

/// Characters that are their own NFKC form, or are folded here without it, and join with none of these to another.
fn is_plain(c: char) -> bool {
    c.is_ascii() || is_calm(c) || is_plain_sign(c)
}

/// Of these the blank and the full stop, dashes, quotes, ※, arrows, the lines and shapes that signatures and lists are
/// drawn from, and what is twice as wide as in ASCII.
#[inline(never)]
fn is_plain_sign(c: char) -> bool {
    matches!(c, '\u{3000}' | '\u{3002}' | '\u{ff01}'..='\u{ff5e}' | '\u{203b}' | '\u{2500}'..='\u{2606}')
        || matches!(c, '\u{2012}'..='\u{2016}' | '\u{2018}'..='\u{2022}' | '\u{2190}'..='\u{2193}')
}

/// Plain characters of Japanese that end no sentence, take no blank before them, and are no bracket of a gloss.
fn is_calm(c: char) -> bool {
    let kana = matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fe}');
    kana || matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3001}' | '\u{3003}'..='\u{3035}')
}

/// Of those, what [`push_folded`] spells otherwise.
fn is_respelt(c: char) -> bool {
    matches!(
        c,
        '沿' | '副'
            | '頂'
            | '戴'
            | '致'
            | '至'
            | '事'
            | '御'
            | '兼'
            | '此'
            | '度'
            | '下'
            | '来'
            | '無'
            | '様'
            | '座'
            | '為'
            | '叶'
            | '又'
            | '祷'
            | '禱'
    )
}

fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{2010}'..='\u{2015}' => '-',
        _ => c,
    }
}

fn push_folded(text: &mut String, c: char) {
    match c {
        'A'..='Z' => text.push(c.to_ascii_lowercase()),
        '沿' | '副' => text.push('添'),
        '頂' | '戴' => text.push_str("いただ"),
        '致' | '至' => text.push_str("いた"),
        // 人事 and 仕事 are nouns of their own.
        '事' if !text.ends_with(is_han) => text.push_str("こと"),
        '御' => text.push('ご'),
        '兼' => text.push('か'),
        '此' => text.push('こ'),
        '度' => text.push_str("たび"),
        '下' => text.push_str("くだ"),
        '来' if text.ends_with('出') => {
            text.pop();
            text.push_str("でき");
        }
        '来' => text.push('き'),
        '無' => text.push('な'),
        '様' => text.push_str("さま"),
        '座' => text.push('ざ'),
        '為' => text.push_str("ため"),
        '叶' => text.push_str("かな"),
        '又' => text.push_str("また"),
        '祷' | '禱' => text.push('祈'),
        // Neither ASCII here nor what is between kana and Hangul has another case.
        _ if c.is_ascii() || matches!(c, '\u{2e80}'..='\u{a63f}') => text.push(c),
        _ => text.extend(c.to_lowercase()),
    }
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}' | '\u{2060}')
}

fn is_ignorable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_narrow(c: char) -> bool {
    c < '\u{2e80}'
}

pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{f900}'..='\u{faff}' | '々')
}

fn is_kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30fa}')
}

impl Scripts {
    fn count(&mut self, c: char) {
        let counter = match c {
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => &mut self.latin,
            '\u{4e00}'..='\u{9fff}' => &mut self.han,
            c if is_kana(c) => &mut self.kana,
            c if is_han(c) => &mut self.han,
            '\u{ac00}'..='\u{d7a3}' | '\u{1100}'..='\u{11ff}' => &mut self.hangul,
            // Full stops and brackets, which are in every Japanese text: no need to look them up.
            '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{301f}' | '\u{30fb}' => return,
            c if c.is_alphabetic() => &mut self.other,
            _ => return,
        };
        *counter += 1;
    }
}

#[cfg(test)]
mod tests;
