//! Labels, what they promise, and text that survives the way there and back.

use super::*;

fn charset(label: &str) -> Charset {
    Charset::from_label(Some(label), b"").unwrap_or_else(|e| panic!("{label}: {e}"))
}

#[test]
fn labels_of_japanese_mail_are_known() {
    for (label, name) in [
        ("cp932", "Shift_JIS"),
        ("MS932", "Shift_JIS"),
        ("x-sjis", "Shift_JIS"),
        ("Windows-31J", "Shift_JIS"),
        ("eucJP-ms", "EUC-JP"),
        ("cp51932", "EUC-JP"),
        ("ISO-2022-JP-MS", "ISO-2022-JP"),
        ("cp50221", "ISO-2022-JP"),
        (" utf-8 ", "UTF-8"),
        ("iso-2022-jp-2004", "ISO-2022-JP"),
        ("cp936", "GBK"),
        ("us-ascii", "us-ascii"),
    ] {
        assert_eq!(charset(label).name(), name, "{label}");
    }
}

#[test]
fn charsets_that_cannot_be_spliced_are_unsupported() {
    for label in ["utf-7", "utf-16", "UTF-16LE", "iso-2022-kr", "hz-gb-2312", "unknown-8bit", "x-user-defined", "bogus"]
    {
        assert_eq!(Charset::from_label(Some(label), b""), Err(CharsetFault::Unsupported), "{label}");
    }
}

#[test]
fn a_missing_label_is_told_from_the_octets() {
    let name = |body: &[u8]| Charset::from_label(None, body).map(|c| c.name());
    assert_eq!(name(b"plain"), Ok("us-ascii"));
    assert_eq!(name("残念".as_bytes()), Ok("UTF-8"));
    assert_eq!(name(b"\x1b$B;DG0\x1b(B"), Ok("ISO-2022-JP"));
    assert_eq!(name(b"\x8ec\x94O"), Err(CharsetFault::Unlabelled));
    let labelled = Charset::from_label(Some("us-ascii"), b"\x1b$B;DG0\x1b(B").map(|c| c.name());
    assert_eq!(labelled, Ok("ISO-2022-JP"));
}

#[test]
fn illegal_octets_are_not_replaced() {
    assert_eq!(charset("utf-8").decode_line(b"\xe6\xae"), None);
    assert_eq!(charset("shift_jis").decode_line(b"\x81"), None);
    assert_eq!(charset("iso-2022-jp").decode_line(b"\x1b$B;DG0"), None, "the line ends in two-octet state");
    assert_eq!(charset("iso-2022-jp").decode_line(b"\x1b$B;DG0\x1b(B").as_deref(), Some("残念"));
    assert_eq!(charset("cp932").decode_line(b"\x87\x40\xfb\xfc").as_deref(), Some("①髙"));
}

#[test]
fn decoding_into_a_text_agrees_with_decoding_a_line() {
    for (label, octets) in [
        ("iso-2022-jp", &b"\x1b$B;DG0\x1b(B ok"[..]),
        ("iso-2022-jp", b"\x1b$B;DG0"),
        ("iso-2022-jp", b"shift \x0e out"),
        ("euc-jp", b"\xbb\xc4\xc7\xb0"),
        ("shift_jis", b"\x81"),
        ("utf-8", b"\xff"),
        ("iso-8859-1", b"caf\xe9"),
    ] {
        let mut text = String::new();
        let fine = charset(label).decode_line_into(octets, &mut text);
        assert_eq!(fine.then_some(text.as_str()), charset(label).decode_line(octets).as_deref(), "{label}");
    }
}

#[test]
fn what_cannot_be_written_and_read_back_is_not_encoded() {
    let lines = [
        ("■ キャリアリレー：", true),
        ("▶", false),
        ("〜", false),
        ("①", false),
        ("ｱ", false),
        ("¥", false),
        ("髙", false),
    ];
    for (text, fits) in lines {
        assert_eq!(charset("iso-2022-jp").encode(text).is_some(), fits, "{text}");
    }
    assert!(charset("utf-8").encode("▶").is_some());
    assert!(charset("cp932").encode("①").is_some());
    assert!(charset("shift_jis").encode("▶").is_none());
    assert!(charset("us-ascii").encode("é").is_none());
    assert!(charset("iso-8859-1").encode("é").is_some());
    assert!(charset("iso-8859-1").encode("—").is_none());
    assert!(charset("windows-1252").encode("—").is_some());
}

#[test]
fn jis_text_returns_to_ascii_at_every_line_end() {
    let octets = charset("iso-2022-jp").encode("残念\r\nですが").unwrap_or_default();
    assert_eq!(octets, b"\x1b$B;DG0\x1b(B\r\n\x1b$B$G$9$,\x1b(B");
}

#[test]
fn a_narrow_label_takes_nothing_that_only_its_code_page_has() {
    for (narrow, wide, only_wide) in [
        ("shift_jis", "windows-31j", "①"),
        ("shift_jis", "cp932", "髙"),
        ("euc-jp", "eucjp-ms", "①"),
        ("gb2312", "gbk", "無"),
        ("euc-kr", "cp949", "똠"),
        ("iso-8859-1", "windows-1252", "—"),
        ("iso-8859-9", "windows-1254", "—"),
        ("tis-620", "windows-874", "…"),
    ] {
        assert!(charset(narrow).encode(only_wide).is_none(), "{only_wide} in {narrow}");
        assert!(charset(wide).encode(only_wide).is_some(), "{only_wide} in {wide}");
    }
    for (label, text) in [
        ("shift_jis", "■ キャリア ｱ"),
        ("euc-jp", "■ キャリア ｱ"),
        ("gb2312", "■ キャリアのご案内"),
        ("euc-kr", "■ キャリアのご"),
        ("big5", "■ 任意"),
        ("iso-8859-1", "é"),
        ("koi8-r", "привет"),
        ("tis-620", "ก"),
    ] {
        assert!(charset(label).encode(text).is_some(), "{text} in {label}");
    }
    assert!(charset("big5").encode("キャリア").is_none(), "kana are an extension of ETEN");
}

#[test]
fn lines_may_end_in_roman_letters_and_not_in_kana() {
    let jis = charset("iso-2022-jp");
    assert_eq!(jis.decode_line(b"\x1b$B;DG0\x1b(J ok").as_deref(), Some("残念 ok"));
    assert_eq!(jis.decode_line(b"\x1b(I1C"), None);
    assert!(ends_in_roman(b"\x1b$B;DG0\x1b(J") && !ends_in_roman(b"\x1b(Ja\x1b(B") && !ends_in_roman(b"a"));
}

#[test]
fn sets_of_later_editions_are_not_read() {
    for octets in [&b"\x1b$(Q!!\x1b(B"[..], b"\x1b$(O!!\x1b(B", b"\x1b$A!!\x1b(B", b"\x1b.A\x1bNi", b"\x1b$(D0!\x1b(B"]
    {
        for label in ["iso-2022-jp-1", "iso-2022-jp-2", "iso-2022-jp-3", "iso-2022-jp-2004"] {
            let read = charset(label).decode_line(octets);
            assert!(read.is_none() || octets.starts_with(b"\x1b$(D"), "{label}: {read:?}");
        }
    }
}

#[test]
fn characters_are_measured_in_every_charset() {
    for label in ["utf-8", "shift_jis", "euc-jp", "gbk", "gb18030", "big5", "euc-kr", "windows-1252"] {
        let charset = charset(label);
        for c in "aé残念ｱ🌸똠高가".chars() {
            let Some(octets) = encode_exactly(charset.encoding, c.encode_utf8(&mut [0; 4])) else { continue };
            assert_eq!(charset.char_octets(&octets), octets.len(), "{c} in {label}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn whatever_is_encoded_is_read_back(text in "\\PC{0,40}", label in 0usize..6) {
        let label = ["utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "windows-1252", "gb18030"][label];
        if let Some(octets) = charset(label).encode(&text) {
            let back = charset(label).decode_line(&octets);
            assert_eq!(back.as_deref(), Some(text.as_str()));
        }
    }

    #[test]
    fn no_octets_panic(octets in proptest::collection::vec(0u8.., 0..80), label in "[a-z0-9-]{0,12}") {
        if let Ok(charset) = Charset::from_label(Some(&label), &octets) {
            let _ = charset.decode_line(&octets);
        }
        let _ = Charset::from_label(None, &octets).map(|c| c.decode_line(&octets).map(Cow::into_owned));
    }
}
