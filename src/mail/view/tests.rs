//! How text becomes lines, and which of them are the newest message.

mod origin;
mod passages;

use proptest::prelude::*;

use super::*;

/// The kinds of the lines of a UTF-8 plain text: `t`, `b`, `q`, `s`.
fn kinds(body: &str) -> String {
    let raw = format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{}", body.replace('\n', "\r\n"));
    kinds_of(raw.as_bytes())
}

fn kinds_of(raw: &[u8]) -> String {
    let view = View::read(&Message::read(raw));
    let letter = |l: &Line| match l.kind {
        LineKind::Text => 't',
        LineKind::Blank => 'b',
        LineKind::Quotation => 'q',
        LineKind::Signature => 's',
    };
    view.parts.iter().flat_map(|p| p.lines.iter().map(letter)).collect()
}

fn check(body: &str, expected: &str) {
    assert_eq!(kinds(body), expected, "{body}");
}

#[test]
fn lines_carry_their_octets_and_their_text() {
    let raw = b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B;DG0\x1b(B\r\n\r\nend";
    let view = View::read(&Message::read(raw));
    let part = &view.parts[0];
    assert_eq!((part.line(0), part.line(1), part.line(2), part.line(9)), ("残念", "", "end", ""));
    assert_eq!(part.lines.iter().map(|l| l.octets.clone()).collect::<Vec<_>>(), [0..12, 12..14, 14..17]);
    assert_eq!(part.decoded.raw_offset(14), raw.windows(3).position(|w| w == b"end"));
}

#[test]
fn history_begins_at_its_first_mark() {
    for mark in [
        "> 選考の件",
        "＞選考の件",
        "＞ 選考の件",
        "－－－－－ Original Message －－－－－",
        "＜＜元のメール＞＞",
        "===== 以下、引用 =====",
        "yamada> 選考の件\nyamada> 続き",
        "山田＞選考の件\n山田＞続き",
        "| 選考の件\n| 続き",
        "｜選考の件\n｜続き",
        "-----Original Message-----",
        "----- 元のメッセージ -----",
        "---------- Forwarded message ---------",
        "---------- 転送メッセージ ----------",
        "Begin forwarded message:",
        "On Mon, Apr 6, 2026 at 10:00 AM 山田 <a@kaede.example> wrote:",
        "---- On Mon, 06 Apr 2026 10:00:00 +0900 山田 <a@kaede.example> wrote ----",
        "On 2026/04/06 10:00, 山田 太郎 wrote:",
        "2026年4月6日(月) 10:00 山田 太郎 <a@kaede.example>:",
        "2026/04/06 10:00、山田 <a@kaede.example>のメール：",
        "山田さんは書きました:",
    ] {
        let history = "q".repeat(mark.lines().count() + 3);
        check(&format!("本文\n\n{mark}\nあと\n\n続き"), &format!("tb{history}"));
    }
}

#[test]
fn bars_and_arrows_of_the_author_are_no_quotation() {
    check("| 職種 | 営業 |\n| 結果 | 不採用 |\n本文", "ttt");
    check("| 選考結果のお知らせ\n本文", "tt");
    check("a -> b\na -> c\n本文", "ttt");
    check("結果>不採用\n本文", "tt");
    check("<a@kaede.example>\n<a@kaede.example>", "tt");
}

#[test]
fn attributions_may_run_over_lines() {
    check("本文\nOn Mon, Apr 6, 2026 at 10:00 AM\n山田 <a@kaede.example> wrote:\nあと", "tqqq");
    check("本文\n2026年4月6日(月) 10:00\n山田 太郎 <a@kaede.example>:\nあと", "tqqq");
}

#[test]
fn header_blocks_of_mail_programs_are_history() {
    check("本文\nFrom: 山田\nSent: Monday\nTo: 人事\nSubject: 応募\n\nあと", "tqqqqqq");
    check(
        "本文\n\n________________________________\n差出人: 山田\n送信日時: 2026年\n宛先: 人事\n件名: 応募",
        "tbqqqqq",
    );
    check("本文\n*From:* 山田\n*Date:* Monday\n*Subject:* x", "tqqq");
    check("日時：4月6日\n場所：本社\n件名：面接\nTo: be sure", "tttt");
    check("From: 1 April\nhello\nTo: be sure", "ttt");
}

#[test]
fn dates_and_words_of_the_author_are_not_history() {
    check("2026年4月6日に面接を行いました。\n以下の通り：\nOn the other hand, we wrote:\n結果", "tttt");
    check("【重要】\n-- 選考結果 --\n次の通りです:", "ttt");
}

#[test]
fn signatures_are_told_from_decorations() {
    check("本文\n-- \n山田\n選考は続きます。", "tsss");
    check("本文\n--\n株式会社サクラ\nTEL 03-0000-0000", "tsss");
    check("本文\n\n━━━━━━━━\n株式会社サクラ\n人事部 佐藤\n〒100-0000\n━━━━━━━━\n", "tbsssss");
    for device in
        ["iPhoneから送信", "Yahoo!メール アプリから送信", "私のスマートフォンから送信しました。", "Sent from my iPhone"]
    {
        check(&format!("本文\n{device}"), "ts");
    }
    check("本文\n=*=*=*=*=\nhr@sakura.example", "tss");
    check("──────\n選考結果のご連絡\n──────\n残念ながら見送ります。\n株式会社サクラ", "ttttt");
    check("──────\n不採用\n株式会社サクラ", "ttt");
    check("会場\n──────\n〒100-0000\n──────\nお待ちしております。", "ttttt");
    check("本文\n──────\n以上", "ttt");
    check("本文\n──────\n株式会社サクラ TEL 03-0000-0000\n\n> x", "tsssq");
}

const ALTERNATIVE: &str = "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\
    Content-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n5q6L5b+1DQo=\r\n--a\r\n\
    Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
    <p>=E6=AE=8B=E5=BF=B5</p><p>=E3=81=A7=E3=81=99</p><div class=3Dgmail_quote>x<br>y</div>\r\n--a--\r\n--m\r\n\
    Content-Type: text/plain; name=a.txt\r\n\r\nattached\r\n--m--\r\n";

#[test]
fn both_texts_of_an_alternative_are_seen_and_attachments_are_not() {
    let message = Message::read(ALTERNATIVE.as_bytes());
    assert_eq!(message.faults(), []);
    let view = View::read(&message);
    let seen: Vec<_> = view.parts.iter().map(|p| (p.part, p.kind, p.line(0))).collect();
    assert_eq!(seen, [(2, TextKind::Plain, "残念"), (3, TextKind::Html, "残念")]);
    assert_eq!(kinds_of(ALTERNATIVE.as_bytes()), "tttqq");
    assert!(view.parts[1].lines[0].place.as_ref().is_some_and(|p| p.after_block.is_some()));
}

#[test]
fn a_plain_stub_gives_way_to_the_html_text() {
    let primary = |plain: &str, html: &str| {
        let raw = format!(
            "Content-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n{plain}\r\n\
             --a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--a--\r\n"
        );
        View::read(&Message::read(raw.as_bytes())).primary().map(|p| p.kind)
    };
    let letter = "慎重に検討した結果、今回は採用を見送らせていただくこととなりました。".repeat(3);
    assert_eq!(primary("HTMLメールです。", &letter), Some(TextKind::Html));
    assert_eq!(primary("", &letter), Some(TextKind::Html));
    assert_eq!(primary(&letter, &letter), Some(TextKind::Plain));
    assert_eq!(primary("不採用", "不採用"), Some(TextKind::Plain));
    assert_eq!(primary("", ""), Some(TextKind::Plain));
}

#[test]
fn parts_that_cannot_be_read_for_certain_are_named() {
    let fault = |head: &str, body: &[u8]| {
        let raw = [format!("Content-Type: {head}\r\n\r\n").as_bytes(), body].concat();
        View::read(&Message::read(&raw)).unread.first().map(|u| u.fault.code())
    };
    assert_eq!(fault("text/plain; charset=utf-7", b"x"), Some("charset_unsupported"));
    assert_eq!(fault("text/plain", b"\x8ec"), Some("charset_missing"));
    assert_eq!(fault("text/plain; charset=utf-8", b"\x8ec"), Some("charset_illegal_octets"));
    assert_eq!(fault("text/html; charset=utf-8", b"<p>\x8ec"), Some("charset_illegal_octets"));
    assert_eq!(fault("text/plain\r\nContent-Transfer-Encoding: base64", b"YWJ"), Some("truncated_base64"));
    assert_eq!(fault("text/plain\r\nContent-Transfer-Encoding: x-own", b"x"), Some("transfer_unknown"));
    assert_eq!(fault("text/plain", &vec![b'x'; TEXT_OCTETS_MAX + 1]), Some("text_too_large"));
    assert_eq!(fault("text/html", "<div>".repeat(1000).as_bytes()), Some("html_too_deep"));
    assert_eq!(fault("text/plain", b"fine"), None);
}

#[test]
fn hostile_texts_take_linear_time() {
    for piece in ["====\n", "> \n", "From:\n\n\n\n", "On 1\n", "2026/1 <\n", "-- x\n", "\n"] {
        let lines = kinds(&piece.repeat(100_000 / piece.len()));
        assert!(lines.len() >= 1000, "{piece:?}");
    }
    for piece in ["<p>", "</p>", "<b></p>", "<br>", "&", "<", "</", "<a href=", "<!--", "<p>x<b>"] {
        let raw = format!("Content-Type: text/html\r\n\r\n{}", piece.repeat(100_000 / piece.len()));
        let view = View::read(&Message::read(raw.as_bytes()));
        assert_eq!(view.parts.len() + view.unread.len(), 1, "{piece:?}");
    }
}

proptest! {
    #[test]
    fn any_octets_give_lines_in_order(
        body in prop::collection::vec(any::<u8>(), 0..200),
        head in prop::sample::select(vec![
            "text/plain", "text/html", "text/plain; charset=shift_jis", "text/html; charset=euc-jp",
        ]),
        transfer in prop::sample::select(vec!["8bit", "base64", "quoted-printable"]),
    ) {
        let head = format!("Content-Type: {head}\r\nContent-Transfer-Encoding: {transfer}\r\n\r\n");
        let raw = [head.as_bytes(), &body].concat();
        let view = View::read(&Message::read(&raw));
        for part in &view.parts {
            let mut last = 0;
            for (i, line) in part.lines.iter().enumerate() {
                prop_assert!(last <= line.octets.start && line.octets.end <= part.decoded.octets.len());
                last = line.octets.end;
                let _ = part.line(i);
                let spot = part.decoded.spot(line.octets.start).map(|s| s.raw);
                prop_assert!(spot.is_some_and(|raw_at| raw_at >= head.len() && raw_at <= raw.len()));
            }
        }
    }

    #[test]
    fn plain_lines_cover_the_body(text in "[a-zあ-ん>\\- \n]{0,60}") {
        let raw = format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{text}");
        let view = View::read(&Message::read(raw.as_bytes()));
        let part = &view.parts[0];
        let joined: Vec<u8> = part.lines.iter().flat_map(|l| part.decoded.octets[l.octets.clone()].to_vec()).collect();
        prop_assert_eq!(joined, text.as_bytes());
        for (i, line) in part.lines.iter().enumerate() {
            let octets = &part.decoded.octets[line.octets.clone()];
            prop_assert_eq!(octets.strip_suffix(b"\n").unwrap_or(octets), part.line(i).as_bytes());
        }
    }
}
