//! The operator's CSV: cells with the line they stand in, from UTF-8 or CP932, with CRLF or LF, quoted or not.

use crate::mail::charset::Charset;

/// Octets of a byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// One record of a sheet.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Record {
    /// The line it begins in, from 1.
    pub line: usize,
    /// Its cells, without the blanks around them.
    pub cells: Vec<String>,
    /// The cell, from 0, that cannot be read, and why.
    pub broken: Option<(usize, String)>,
}

/// Reads a sheet. Empty lines and those that begin with `#` are passed over. What cannot be read is a broken record,
/// and the others are read all the same.
pub fn read(octets: &[u8]) -> Vec<Record> {
    let octets = octets.strip_prefix(MARK).unwrap_or(octets);
    // Spreadsheets of Japan write CP932 where nobody says otherwise; hardly any text of it is UTF-8 too.
    let charsets = ["utf-8", "windows-31j"].map(|label| Charset::from_label(Some(label), octets).ok());
    let broken = |charset: &Option<Charset>| {
        let unreadable = |line: &&[u8]| charset.is_none_or(|charset| charset.decode_line(line).is_none());
        octets.split(|b| *b == b'\n').filter(unreadable).count()
    };
    let charset = charsets.into_iter().min_by_key(broken).flatten();
    let mut records = Vec::new();
    let mut lines = octets.split(|b| *b == b'\n').enumerate();
    while let Some((at, line)) = lines.next() {
        let mut octets = line.to_vec();
        // A quoted cell may hold line ends; an odd number of quotes says that one is open.
        while memchr::memchr_iter(b'"', &octets).count() % 2 == 1 {
            let Some((_, more)) = lines.next() else { break };
            octets.push(b'\n');
            octets.extend_from_slice(more);
        }
        let octets = octets.strip_suffix(b"\r").unwrap_or(&octets);
        if octets.trim_ascii().is_empty() || octets.starts_with(b"#") {
            continue;
        }
        records.push(record(at + 1, octets, charset));
    }
    records
}

fn record(line: usize, octets: &[u8], charset: Option<Charset>) -> Record {
    let mut record = Record { line, ..Record::default() };
    for (at, cell) in split(octets).into_iter().enumerate() {
        let text = charset.and_then(|charset| charset.decode_line(&cell).map(|text| text.trim().to_owned()));
        if text.is_none() && record.broken.is_none() {
            record.broken = Some((at, "octets that are neither UTF-8 nor CP932 here".to_owned()));
        }
        record.cells.push(text.unwrap_or_default());
    }
    if memchr::memchr_iter(b'"', octets).count() % 2 == 1 && record.broken.is_none() {
        record.broken = Some((record.cells.len().saturating_sub(1), "a quoted cell that does not end".to_owned()));
    }
    record
}

/// The cells of a record, without their quotes. In CP932 no second octet of a character is a quote or a comma.
fn split(octets: &[u8]) -> Vec<Vec<u8>> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), Vec::new(), false);
    let mut octets = octets.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        match octet {
            b'"' if quoted && octets.peek() == Some(&b'"') => {
                octets.next();
                cell.push(b'"');
            }
            b'"' if quoted || cell.trim_ascii().is_empty() => quoted = !quoted,
            b',' if !quoted => cells.push(std::mem::take(&mut cell)),
            _ => cell.push(octet),
        }
    }
    cells.push(cell);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sheet; `line cell|cell` of each record, `!cell` where one is broken.
    fn check(octets: &[u8], expected: &[&str]) {
        let shown = |record: Record| match record.broken {
            Some((cell, _)) => format!("{} !{cell}", record.line),
            None => format!("{} {}", record.line, record.cells.join("|")),
        };
        assert_eq!(read(octets).into_iter().map(shown).collect::<Vec<_>>(), expected, "{octets:?}");
    }

    #[test]
    fn sheets_are_read_as_spreadsheets_write_them() {
        check(b"a,b\r\nc,d\r\n", &["1 a|b", "2 c|d"]);
        check(b"\xef\xbb\xbfa,b\nc,d", &["1 a|b", "2 c|d"]);
        check(b"a , \"b\"\n\n# note\n\"c,\"\"d\",e\n", &["1 a|b", "4 c,\"d|e"]);
        check(b"a,\"two\nlines\"\nb,c\n", &["1 a|two\nlines", "3 b|c"]);
        check("登録,支援\n".as_bytes(), &["1 登録|支援"]);
        check(b"\x93o\x98^,\x8ex\x89\x87\r\n\x83\\,x\r\n", &["1 登録|支援", "2 ソ|x"]);
    }

    #[test]
    fn what_cannot_be_read_is_named_and_the_rest_is_read() {
        check(b"a,b\nc,\xff\xffd\ne,f\n", &["1 a|b", "2 !1", "3 e|f"]);
        check(b"\x93o\x98^,a\n\x93,b\nc,d\n\x93o,e", &["1 登録|a", "2 !0", "3 c|d", "4 登|e"]);
        check(b"a,b\nc,\"d\ne,f\n", &["1 a|b", "2 !1"]);
    }
}
