//! A table as an ATS exports it: CSV in UTF-8 or CP932 (RFC 4180, with comma, semicolon or tab), rows with their lines.

use crate::mail::charset::Charset;

/// One row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// The line it begins on, from 1.
    pub line: usize,
    /// Its cells without quotes and outer blanks.
    pub cells: Vec<String>,
}

/// A line that is part of no row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Broken {
    /// The line, from 1.
    pub line: usize,
    /// Why; nothing of it is repeated.
    pub why: &'static str,
}

/// Reads the rows; empty ones are passed over, and a broken one costs none of the others.
pub fn read(octets: &[u8]) -> (Vec<Row>, Vec<Broken>) {
    let (text, mut broken) = decode(octets);
    let comma = separator(&text);
    let (mut rows, mut line) = (Vec::new(), 1);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let begun = line;
        if let Some((cells, octets)) = take_row(rest, comma) {
            line += rest[..octets].matches('\n').count();
            rest = &rest[octets..];
            if cells.iter().any(|cell| !cell.is_empty()) {
                rows.push(Row { line: begun, cells });
            }
        } else {
            broken.push(Broken { line: begun, why: "a quotation mark that is never closed" });
            let end = rest.find('\n').map_or(rest.len(), |end| end + 1);
            rest = &rest[end..];
            line += 1;
        }
    }
    let faulty: Vec<usize> = broken.iter().map(|b| b.line).collect();
    rows.retain(|row| !faulty.contains(&row.line));
    broken.sort_by_key(|b| b.line);
    (rows, broken)
}

/// The text, where a line that cannot be read is empty.
fn decode(octets: &[u8]) -> (String, Vec<Broken>) {
    const BOM: &[u8] = b"\xef\xbb\xbf";
    let body = octets.strip_prefix(BOM).unwrap_or(octets);
    if let Ok(text) = std::str::from_utf8(body) {
        return (text.to_owned(), Vec::new());
    }
    let label = if body.len() < octets.len() { "utf-8" } else { "windows-31j" };
    let (mut text, mut broken) = (String::with_capacity(body.len() * 2), Vec::new());
    let Ok(charset) = Charset::from_label(Some(label), body) else { return (text, broken) };
    for (number, line) in body.split_inclusive(|b| *b == b'\n').enumerate() {
        if let Some(line) = charset.decode_line(line) {
            text.push_str(&line);
        } else {
            broken.push(Broken { line: number + 1, why: "neither UTF-8 nor CP932" });
            text.push('\n');
        }
    }
    (text, broken)
}

/// What parts the cells: what stands in the first line most often.
fn separator(text: &str) -> char {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |c: char| first.matches(c).count();
    [',', '\t', ';'].into_iter().rev().max_by_key(|c| count(*c)).unwrap_or(',')
}

/// The cells of the first row, and the octets it takes with its line end; nothing when a quotation never ends.
fn take_row(text: &str, comma: char) -> Option<(Vec<String>, usize)> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if quoted && chars.peek().is_some_and(|(_, next)| *next == '"') => {
                cell.push('"');
                chars.next();
            }
            '"' if quoted => quoted = false,
            '"' if cell.trim().is_empty() => {
                cell.clear();
                quoted = true;
            }
            '\n' if !quoted => {
                cells.push(cell.trim().to_owned());
                return Some((cells, at + 1));
            }
            _ if c == comma && !quoted => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            _ => cell.push(c),
        }
    }
    cells.push(cell.trim().to_owned());
    (!quoted).then_some((cells, text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(octets: &[u8], rows: &str, broken: &[usize]) {
        let (found, faulty) = read(octets);
        let shown: Vec<String> = found.iter().map(|r| format!("{} {}", r.line, r.cells.join("|"))).collect();
        assert_eq!(shown.join("\n"), rows);
        assert_eq!(faulty.iter().map(|b| b.line).collect::<Vec<_>>(), broken, "{faulty:?}");
    }

    #[test]
    fn rows_are_read_as_spreadsheets_write_them() {
        check(
            b"\xef\xbb\xbfa,b\r\n1,\"x, \"\"y\"\"\"\r\n\r\n2,\"two\nlines\"\r\n3,z",
            "1 a|b\n2 1|x, \"y\"\n4 2|two\nlines\n6 3|z",
            &[],
        );
        check(b"a;b\n1;2\n", "1 a|b\n2 1|2", &[]);
        check(b"a\tb\n1, 2\t3\n", "1 a|b\n2 1, 2|3", &[]);
        check(b"", "", &[]);
    }

    #[test]
    fn cp932_is_read_and_a_broken_line_costs_no_other() {
        // メール,日
        check(b"\x83\x81\x81[\x83\x8b,\x93\xfa\r\na@x.example,1\r\n", "1 メール|日\n2 a@x.example|1", &[]);
        check(
            b"\x83\x81\x81[\x83\x8b,\x93\xfa\n\xff\xff\xa0\xfd,1\nb@x.example,2\n",
            "1 メール|日\n3 b@x.example|2",
            &[2],
        );
        check(b"a,b\n\"never closed,1\nc,2\n", "1 a|b\n3 c|2", &[2]);
    }
}
