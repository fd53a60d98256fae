//! Odd ways of carrying a text that are allowed, and some that are not: the line is right there, or it is not there.

use data_encoding::BASE64;

use super::mail::message;
use super::*;

const TEXT: &str = "選考の結果、ご希望に添いかねることとなりました。\r\n\r\n末筆ながら、お祈り申し上げます。\r\n";

fn part(fields: &str, body: &[u8]) -> Vec<u8> {
    message(&[fields.as_bytes(), b"\r\n", body].concat())
}

fn base64(body: &[u8]) -> Vec<u8> {
    part("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n", body)
}

fn quoted(body: &str) -> Vec<u8> {
    part("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n", body.as_bytes())
}

/// The line goes in front of the closing, and without it the text is the old one.
fn check(raw: &[u8]) {
    let injected = inject(raw, Language::Ja).unwrap_or_else(|r| panic!("{}: {}", r.code(), raw.escape_ascii()));
    let output = injected.edits.apply(raw);
    check_lines(raw, &injected.edits);
    let text = texts(&output).pop().unwrap_or_default();
    let (result, rest) = text.split_once("となりました。").unwrap_or_else(|| panic!("no result in {text}"));
    let (line, closing) = rest.split_once("末筆").unwrap_or_else(|| panic!("no closing in {text}"));
    assert!(line.contains(URL) && !result.contains(URL) && !closing.contains(URL), "{text}");
}

fn check_refused(raw: &[u8], code: &str) {
    assert_eq!(inject(raw, Language::Ja).map_err(Refusal::code), Err(code), "{}", raw.escape_ascii());
}

/// Every length of the text in front and behind, so that each phase of a group is met.
fn phases() -> impl Iterator<Item = String> {
    (0..9).map(|n| format!("{}{TEXT}{}", "a".repeat(n % 3), "b".repeat(n / 3)))
}

#[test]
fn base64_lines_may_have_any_length_and_blanks_behind_them() {
    for text in phases() {
        let chars = BASE64.encode(text.as_bytes()).into_bytes();
        for width in [4, 5, 7, 19, 57, 60, 64, 75, 76, 77, 200, 996] {
            for end in ["\r\n", " \r\n", " \t \r\n"] {
                let body = chars.chunks(width).collect::<Vec<_>>().join(end.as_bytes());
                check(&base64(&body));
                check(&base64(&[&body, end.as_bytes()].concat()));
                check(&base64(&[&body, end.as_bytes(), b"\r\n \r\n"].concat()));
            }
        }
        check(&base64(&chars));
    }
}

#[test]
fn base64_that_ends_too_early_or_goes_on_is_left_alone() {
    let chars = BASE64.encode(format!("{TEXT}x").as_bytes());
    let bare = chars.trim_end_matches('=');
    assert!(bare.len() < chars.len());
    // Without its padding it cannot be told from one that was cut.
    check_refused(&base64(bare.as_bytes()), "truncated_base64");
    check_refused(&base64(&bare.as_bytes()[..bare.len() - 1]), "truncated_base64");
    check_refused(&base64(format!("{chars}\r\nSent by a filter.\r\n").as_bytes()), "malformed_base64");
    check_refused(&base64(format!("{chars}{chars}").as_bytes()), "malformed_base64");
    check_refused(&base64(format!(" {chars}").as_bytes()), "malformed_base64");
}

#[test]
fn quoted_printable_may_break_anywhere_and_write_its_digits_small() {
    for width in [3, 9, 20, 75] {
        for small in [false, true] {
            let octet = |b: &u8| if small { format!("={b:02x}") } else { format!("={b:02X}") };
            let line = |l: &str| {
                let units: Vec<String> = l.as_bytes().iter().map(octet).collect();
                units.chunks(width / 3).map(<[String]>::concat).collect::<Vec<_>>().join("=\r\n")
            };
            let body: Vec<String> = TEXT.split("\r\n").map(line).collect();
            check(&quoted(&body.join("\r\n")));
            // A soft break right where the line goes, and blanks alone on lines.
            check(&quoted(&body.join("=\r\n\r\n")));
            check(&quoted(&body.join(" \r\n")));
            check(&quoted(&format!("{}=0D=0A{}", body[0], body.join("\r\n"))));
        }
    }
}

#[test]
fn quoted_printable_that_readers_differ_on_is_left_alone() {
    for odd in ["=", "=4", "=GG", "= \r\n", "é"] {
        check_refused(&quoted(&format!("{odd}\r\n")), "malformed_quoted_printable");
    }
}

#[test]
fn a_nul_behind_an_encoding_is_no_text() {
    check_refused(&base64(BASE64.encode(format!("{TEXT}\0").as_bytes()).as_bytes()), "charset_illegal_octets");
    check_refused(&quoted("a=00b\r\n"), "charset_illegal_octets");
}

/// Text in JIS as old programs write it, which go back from two-octet characters to the Roman set of JIS X 0201.
fn in_roman(text: &str) -> Vec<u8> {
    let charset = Charset::from_label(Some("iso-2022-jp"), b"").unwrap_or_else(|e| panic!("{e}"));
    let octets = charset.encode(text).unwrap_or_default();
    let mut runs = octets.split(|b| *b == 0x1b);
    let mut out = runs.next().unwrap_or_default().to_vec();
    for run in runs {
        out.push(0x1b);
        out.extend(run.strip_prefix(b"(B").map_or(run.to_vec(), |rest| [b"(J", rest].concat()));
    }
    out
}

#[test]
fn lines_that_end_in_the_roman_set_of_jis_get_the_line_and_stay_in_that_set() {
    for (transfer, encode) in [("7bit", None), ("base64", Some(&BASE64)), ("base64", Some(&BASE64))] {
        let body = in_roman(TEXT);
        let body = encode.map_or(body.clone(), |e| e.encode(&body).into_bytes());
        for label in ["; charset=iso-2022-jp", "; charset=ISO-2022-JP-3", "", "; charset=us-ascii"] {
            let raw =
                part(&format!("Content-Type: text/plain{label}\r\nContent-Transfer-Encoding: {transfer}\r\n"), &body);
            check(&raw);
            let edits = inject(&raw, Language::Ja).map(|i| i.edits).unwrap_or_default();
            let insert = edits.iter().next().map(|e| e.insert.clone()).unwrap_or_default();
            if transfer == "7bit" {
                assert!(insert.starts_with(b"\x1b(B") && insert.ends_with(b"\x1b(J"), "{}", insert.escape_ascii());
            }
        }
    }
}

#[test]
fn html_in_the_roman_set_gets_the_line_in_ascii_and_stays_in_that_set() {
    let html =
        "<html><body><p>選考の結果、添いかねることとなりました。</p>\r\n<p>末筆ながら、お祈り申し上げます。</p></body>";
    let roman = in_roman(html);
    let raw = part("Content-Type: text/html; charset=iso-2022-jp\r\n", &roman);
    let injected = inject(&raw, Language::Ja).unwrap_or_else(|r| panic!("{}", r.code()));
    let insert = injected.edits.iter().next().map(|e| e.insert.to_vec()).unwrap_or_default();
    assert!(insert.starts_with(b"\x1b(B\r\n<p>") && insert.ends_with(b"</p>\x1b(J"), "{}", insert.escape_ascii());
    check(&raw);
}

#[test]
fn sets_that_only_later_editions_of_jis_have_are_left_alone() {
    for escape in ["\x1b$(Q", "\x1b$(O", "\x1b$A"] {
        let octets = [&in_roman(TEXT)[..], b"\x1b(B", escape.as_bytes(), b"!!\x1b(B\r\n"].concat();
        let fields = "Content-Type: text/plain; charset=iso-2022-jp-2004\r\n";
        check_refused(&part(fields, &octets), "charset_illegal_octets");
    }
}

#[test]
fn a_charset_without_japanese_gets_the_line_in_ascii() {
    let text = "We regret to inform you that we will not be moving forward with your application.\r\n\r\n\
        We wish you well.\r\n";
    for label in ["koi8-r", "tis-620", "big5", "iso-8859-15", "windows-1251", "iso-8859-7", "iso-8859-9"] {
        let raw = part(&format!("Content-Type: text/plain; charset={label}\r\n"), text.as_bytes());
        let injected = inject(&raw, Language::Ja).unwrap_or_else(|r| panic!("{label}: {}", r.code()));
        let new = texts(&injected.edits.apply(&raw)).pop().unwrap_or_default();
        assert!(new.contains("Career Relay (free, voluntary):") && new.is_ascii(), "{label}: {new}");
    }
}

#[test]
fn charsets_that_cannot_be_spliced_are_refused() {
    for label in ["utf-7", "utf-16", "utf-16le", "utf-32", "iso-2022-kr", "hz-gb-2312", "x-user-defined", "bogus"] {
        let raw = part(&format!("Content-Type: text/plain; charset={label}\r\n"), TEXT.as_bytes());
        check_refused(&raw, "charset_unsupported");
    }
}

#[test]
fn wrong_labels_are_refused_where_their_octets_are_none_of_the_charset() {
    for label in ["shift_jis", "euc-jp", "iso-2022-jp", "gb2312", "big5", "euc-kr"] {
        let raw = part(&format!("Content-Type: text/plain; charset={label}\r\n"), "残念、残".as_bytes());
        assert!(inject(&raw, Language::Ja).is_err(), "{label}");
    }
    let unlabelled = Charset::from_label(Some("shift_jis"), b"").ok().and_then(|c| c.encode(TEXT)).unwrap_or_default();
    check_refused(&part("Content-Type: text/plain\r\n", &unlabelled), "charset_missing");
    check_refused(&part("Content-Type: text/plain; charset=utf-8\r\n", &unlabelled), "charset_illegal_octets");
}

#[test]
fn no_character_of_a_chinese_charset_is_cut_by_a_soft_break() {
    for label in ["gb18030", "gbk", "euc-kr"] {
        let charset = Charset::from_label(Some(label), b"").unwrap_or_else(|e| panic!("{e}"));
        let kept = |c: &char| charset.encode(c.encode_utf8(&mut [0; 4])).is_some();
        let octets = charset.encode(&TEXT.chars().filter(kept).collect::<String>()).unwrap_or_default();
        let units: Vec<String> = octets
            .split(|b| *b == b'\n')
            .map(|l| {
                let line: Vec<String> =
                    l.strip_suffix(b"\r").unwrap_or(l).iter().map(|b| format!("={b:02X}")).collect();
                line.chunks(24).map(<[String]>::concat).collect::<Vec<_>>().join("=\r\n")
            })
            .collect();
        let fields =
            format!("Content-Type: text/plain; charset={label}\r\nContent-Transfer-Encoding: quoted-printable\r\n");
        let raw = part(&fields, units.join("\r\n").as_bytes());
        let Ok(injected) = inject(&raw, Language::Ja) else { panic!("{label}") };
        for edit in injected.edits.iter() {
            for line in String::from_utf8_lossy(&edit.insert).split("\r\n") {
                let line = line.strip_suffix('=').unwrap_or(line);
                let hex: Vec<u8> =
                    line.split('=').skip(1).filter_map(|h| u8::from_str_radix(h.get(..2)?, 16).ok()).collect();
                let whole = hex.iter().filter(|b| **b >= 0x80).count();
                assert!(label == "gb18030" || whole % 2 == 0 || charset.decode_line(&hex).is_some(), "{label}: {line}");
            }
        }
    }
}
