//! Letters in their passages.

use super::super::*;

/// The passages of a text whose result and wishes begin with those words: a letter for each line.
fn passages(head: &str, body: &str) -> String {
    let raw = format!("Content-Type: {head}; charset=utf-8\r\n\r\n{}", body.replace('\n', "\r\n"));
    let view = View::read(&Message::read(raw.as_bytes()));
    let part = &view.parts[0];
    let find = |mark: &str| (0..part.lines.len()).find(|i| part.line(*i).contains(mark));
    let result = find("添いかねる").or_else(|| find("not be moving")).unwrap_or_else(|| panic!("no result in {body}"));
    let Some(passages) = part.passages(result, find("末筆").or_else(|| find("We wish"))) else {
        return "none".into();
    };
    let covered: Vec<usize> = passages.iter().flat_map(|p| p.lines.clone()).collect();
    assert_eq!(covered, (0..part.lines.len()).collect::<Vec<_>>(), "{body}");
    let letter = |kind| match kind {
        PassageKind::Greeting => 'g',
        PassageKind::Body => 'b',
        PassageKind::Result => 'r',
        PassageKind::Wishes => 'w',
        PassageKind::Signature => 's',
        PassageKind::Quotation => 'q',
    };
    passages.iter().flat_map(|p| p.lines.clone().map(move |_| letter(p.kind))).collect()
}

fn check(body: &str, expected: &str) {
    assert_eq!(passages("text/plain", body), expected, "{body}");
}

fn check_html(body: &str, expected: &str) {
    assert_eq!(passages("text/html", body), expected, "{body}");
}

#[test]
fn a_letter_is_told_in_its_passages() {
    check(
        "株式会社くるみ\n山田 様\n\n応募の件です。\n\n結果、\n添いかねるものです。\n\n末筆ながら\nお祈りします。\n\n株式会社さくら\n採用担当\n",
        "ggbbbrrbwwwss",
    );
    check(
        "Dear Hanako,\n\nThank you.\nWe will not be moving forward.\n\nWe wish you well.\n\nBest,\nJane\n",
        "gbrrbwwbs",
    );
    check("山田様\n添いかねる結果です。\n末筆ながら。\n-- \n佐藤\n> 応募\n続き", "grwssqq");
    check("添いかねる結果です。", "r");
}

#[test]
fn a_paragraph_ends_where_a_reader_sees_its_end() {
    check("　添いかねる結果です。\n　書類は破棄します。\n", "rb");
    check("添いかねる結果です。\n書類は破棄します。\n", "rr");
    check("　記\n\n記\n結果：添いかねる\n\n以上\n\n末筆ながら\n", "bbrrrrbw");
    check("添いかねる結果です。\n\n以上\n", "rbs");
    check(&format!("添いかねる\n{}", "あ\n".repeat(300)), "none");
    check_html("<p>山田様</p><p>結果、<br>添いかねるものです。</p><p>末筆ながら</p><p>さくら</p>", "grrws");
    check_html("<p style='margin:0'>結果、</p><p style='margin:0'>添いかねる。</p><p>末筆</p>", "rrw");
    check_html("<style>p{margin:0}</style><p>結果、</p><p>添いかねる。</p><p><br></p><p>末筆</p>", "rrbw");
    check_html(
        "<style>.MsoNormal{margin-bottom:8pt}</style><p class=MsoNormal>応募</p><p class=MsoNormal>添いかねる。</p>",
        "br",
    );
}
