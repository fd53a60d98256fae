//! Charset by transfer encoding by shape: each output decodes to exactly the text one would write by hand.

use super::mail::{Carriage, attachment, entity, japanese, message, multipart};
use super::*;

const UTF8: Carriage = Carriage { charset: "utf-8", transfer: "8bit", eol: "\r\n" };

const PLAIN: &str = "山田 花子 様\n\n株式会社さくら 採用担当です。\n慎重に選考いたしました結果、誠に残念ながら\n\
    今回はご希望に添いかねる結果となりました。\n\n末筆ながら、今後のご活躍をお祈り申し上げます。\n\n株式会社さくら\n";

const LINE: &str = "■ 弊社が提携する無料のキャリア支援サービス\n「キャリアリレー」のご案内（登録は任意です）：";

const HTML: &str = "<html><body>\n<p style=\"color:#333\">慎重に選考いたしました結果、<br>\n\
    <b>ご希望に添いかねる</b>結果となりました。</p>\n<p style=\"color:#333\">末筆ながら、お祈り申し上げます。</p>\n\
    </body></html>\n";

/// The plain text with the line in its place.
fn plain_expected() -> String {
    let result = "今回はご希望に添いかねる結果となりました。\n";
    PLAIN.replace(result, &format!("{result}\n{LINE}\n{URL}\n"))
}

fn html_expected() -> String {
    let [lead, ..] = Wording::default().candidates(Language::Ja).map(str::to_owned);
    let block = format!("\n<p style=\"color:#333\">{lead}<br><a href=\"{URL}\">{}</a></p>", &URL[8..]);
    HTML.replace("ました。</p>", &format!("ました。</p>{block}"))
}

/// Blanks before a line end or a `<br>` are what base64 is filled up with; nobody sees them.
fn normal(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace("： \n", "：\n")
        .replace("：  \n", "：\n")
        .replace("：  <", "：<")
        .replace("： <", "：<")
}

fn check(raw: &[u8], expected: &[String], what: &str) {
    let injected = inject(raw, Language::Ja).unwrap_or_else(|r| panic!("{what}: {}", r.code()));
    check_lines(raw, &injected.edits);
    let output = injected.edits.apply(raw);
    let found: Vec<String> = texts(&output).iter().map(|t| normal(t)).collect();
    assert_eq!(found, expected, "{what}");
    assert!(output.ends_with(&raw[raw.len() - 2..]), "{what}");
    let again = inject(&output, Language::Ja);
    assert_eq!(again, Err(Refusal::LinkPresent), "{what}: never twice");
}

#[test]
fn plain_text_gets_a_paragraph_in_every_charset_and_encoding() {
    for carriage in japanese() {
        let raw = message(&entity(carriage, "text/plain", PLAIN));
        check(&raw, &[plain_expected()], &format!("{carriage:?}"));
    }
}

#[test]
fn html_gets_a_block_in_every_charset_and_encoding() {
    for carriage in japanese() {
        let raw = message(&entity(carriage, "text/html", HTML));
        check(&raw, &[html_expected()], &format!("{carriage:?}"));
    }
}

#[test]
fn both_parts_of_an_alternative_get_the_line() {
    for plain in japanese() {
        for html in [plain, UTF8] {
            let parts = [entity(plain, "text/plain", PLAIN), entity(html, "text/html", HTML)];
            let raw = message(&multipart("alternative", "b1", &parts));
            check(&raw, &[plain_expected(), html_expected()], &format!("{plain:?} {html:?}"));
        }
    }
}

#[test]
fn attachments_and_pictures_stay_as_they_are() {
    for carriage in japanese() {
        let alternative = [entity(carriage, "text/plain", PLAIN), entity(carriage, "text/html", HTML)];
        let picture = b"Content-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\n\r\nR0lGODlhAQABAAAAACw=\r\n";
        let related = multipart("related", "b2", &[entity(carriage, "text/html", HTML), picture.to_vec()]);
        let mixed = [multipart("alternative", "b1", &alternative), attachment()];
        let raw = message(&multipart("mixed", "b0", &mixed));
        check(&raw, &[plain_expected(), html_expected()], &format!("mixed {carriage:?}"));
        check(&message(&related), &[html_expected()], &format!("related {carriage:?}"));
    }
}

#[test]
fn a_text_that_ends_with_the_result_gets_the_line_at_its_end() {
    for end in ["", "\n", "\n\n"] {
        let text = format!("選考の結果、ご希望に添いかねることとなりました。{end}");
        let raw = message(&entity(UTF8, "text/plain", &text));
        let injected = inject(&raw, Language::Ja).unwrap_or_else(|r| panic!("{end:?}: {}", r.code()));
        let found = texts(&injected.edits.apply(&raw)).concat();
        let expected = format!("\n\n{LINE}\n{URL}{end}");
        assert!(normal(&found).ends_with(&expected), "{end:?}: {found}");
    }
}

#[test]
fn a_signature_or_history_without_a_blank_line_is_kept_apart() {
    for behind in ["――――――――――\n株式会社さくら\n", "> 応募いたします。\n"] {
        let text = format!("選考の結果、ご希望に添いかねることとなりました。\n{behind}");
        let raw = message(&entity(UTF8, "text/plain", &text));
        let injected = inject(&raw, Language::Ja).unwrap_or_else(|r| panic!("{behind:?}: {}", r.code()));
        let found = normal(&texts(&injected.edits.apply(&raw)).concat());
        assert!(found.ends_with(&format!("なりました。\n\n{LINE}\n{URL}\n\n{behind}")), "{found}");
    }
}

#[test]
fn a_closing_in_the_paragraph_of_the_result_is_parted_only_at_a_sentence() {
    let check = |text: &str, before: &str, behind: &str| {
        let raw = message(&entity(UTF8, "text/plain", text));
        let injected = inject(&raw, Language::Ja).unwrap_or_else(|r| panic!("{text}: {}", r.code()));
        let found = normal(&texts(&injected.edits.apply(&raw)).concat());
        assert_eq!(found, format!("{before}\n\n{LINE}\n{URL}\n{behind}"));
    };
    let result = "選考の結果、ご希望に添いかねることとなりました。";
    check(&format!("{result}\n末筆ながら、お祈りします。\n"), result, "\n末筆ながら、お祈りします。\n");
    check(
        &format!("{result}今後の\n末筆ながら、お祈りします。\n"),
        &format!("{result}今後の\n末筆ながら、お祈りします。"),
        "",
    );
    check(&format!("　{result}\n　書類は破棄します。\n"), &format!("　{result}"), "\n　書類は破棄します。\n");
}

#[test]
fn a_part_with_two_results_gets_one_line() {
    let raw = message(&entity(UTF8, "text/plain", PLAIN));
    let message = Message::read(&raw);
    let view = View::read(&message);
    let twice = [targets(&view), targets(&view)].concat();
    let wording = Wording::default();
    let template = LinkTemplate::parse("https://careerrelay.jp/r/{token}").unwrap_or_else(|e| panic!("{e}"));
    let url = template.url("a-b").unwrap_or_else(|e| panic!("{e}"));
    let line = LineText { wording: &wording, language: Language::Ja, url, template: &template };
    let injected = line_edits(&message, &view, &twice, &line, SignedMail::Refuse);
    assert_eq!(injected.map(|i| i.inserted.len()), Ok(1));
}

#[test]
fn english_mail_gets_the_english_line_wrapped_as_the_mail_is() {
    let ascii = Carriage { charset: "us-ascii", transfer: "7bit", eol: "\r\n" };
    let text = "Dear Hanako,\n\nThank you for the time you took to speak with our team.\n\
        We will not be moving forward\nwith your application.\n\nWe wish you all the best.\n";
    let raw = message(&entity(ascii, "text/plain", text));
    let injected = inject(&raw, Language::En).unwrap_or_else(|r| panic!("{}", r.code()));
    let found = normal(&texts(&injected.edits.apply(&raw)).concat());
    let line = "We would like to support your next step: free career\n\
        support from our partner Career Relay (voluntary):";
    let expected = text.replace("application.\n", &format!("application.\n\n{line}\n{URL}\n"));
    assert_eq!(found, expected);
}

#[test]
fn a_part_of_seven_bits_stays_so() {
    let seven = Carriage { charset: "utf-8", transfer: "7bit", eol: "\r\n" };
    let plain = "Thank you. We will not be moving forward.\n\nBye.\n";
    let html = "<p>We will not be moving forward.</p><p>Bye.</p>";
    let parts = [entity(seven, "text/plain", plain), entity(seven, "text/html", html)];
    let raw = message(&multipart("alternative", "b1", &parts));
    let injected = inject(&raw, Language::Ja).unwrap_or_else(|r| panic!("{}", r.code()));
    let output = injected.edits.apply(&raw);
    assert!(output.is_ascii());
    let found = texts(&output);
    assert!(found[0].contains("\r\n\r\nCareer Relay (free, voluntary):\r\nhttps://"), "{}", found[0]);
    assert!(found[1].contains("<p>&#9632; &#24330;&#31038;"), "{}", found[1]);
}

#[test]
fn flowed_text_gets_fixed_lines_and_no_blank_at_their_ends() {
    for transfer in ["8bit", "base64", "quoted-printable"] {
        let carriage = Carriage { charset: "utf-8", transfer, eol: "\r\n" };
        for padding in ["", "a", "ab"] {
            let text = format!(
                "{padding}様\n\n選考の結果、ご希望に \n添いかねることとなりました。\n\n末筆ながら \nお祈りします。\n"
            );
            let raw = message(&entity(carriage, "text/plain; format=flowed; delsp=yes", &text));
            let injected = inject(&raw, Language::Ja).unwrap_or_else(|r| panic!("{}", r.code()));
            let found = texts(&injected.edits.apply(&raw)).concat();
            let at = found.find('■').unwrap_or_default();
            let lines: Vec<&str> = found[at..].split("\r\n").take(4).collect();
            assert!(lines.iter().all(|l| !l.ends_with(' ')), "{lines:?}");
            assert_eq!(lines.iter().map(|l| l.trim_start()).find(|l| l.starts_with("https:")), Some(URL));
        }
    }
}

#[test]
fn a_companys_own_words_fall_back_where_the_charset_cannot_write_them() {
    let wording = Wording::parse(Some("▶ 次の一歩を支える無料のご案内です："), None);
    let wording = wording.unwrap_or_else(|e| panic!("{e}"));
    for (charset, opening) in [("utf-8", "▶ 次の"), ("shift_jis", "■ 弊社"), ("euc-jp", "■ 弊社")] {
        let raw = message(&entity(Carriage { charset, ..UTF8 }, "text/plain", PLAIN));
        let injected = inject_with(&raw, Language::Ja, &wording, SignedMail::Refuse);
        let injected = injected.unwrap_or_else(|r| panic!("{charset}: {}", r.code()));
        let found = texts(&injected.edits.apply(&raw)).concat();
        assert!(found.contains(&format!("\r\n\r\n{opening}")), "{charset}: {found}");
    }
}

#[test]
fn what_was_inserted_where_is_told() {
    let parts = [entity(UTF8, "text/plain", PLAIN), entity(UTF8, "text/html", HTML)];
    let raw = message(&multipart("alternative", "b1", &parts));
    let injected = inject(&raw, Language::Ja).unwrap_or_else(|r| panic!("{}", r.code()));
    let paths: Vec<(&str, &str)> = injected.inserted.iter().map(|i| (i.path.as_str(), i.charset)).collect();
    assert_eq!(paths, [("1", "UTF-8"), ("2", "UTF-8")]);
    let octets: usize = injected.inserted.iter().map(|i| i.octets).sum();
    assert_eq!(octets, injected.edits.octets_added());
}

#[test]
fn base64_takes_a_line_behind_text_in_every_phase() {
    for (pad, charset) in (0..6).flat_map(|pad| ["utf-8", "iso-2022-jp", "shift_jis"].map(|c| (pad, c))) {
        for end in ["</td></tr></table>", "<p>末筆ながら"] {
            let start = if end.starts_with("<p>") { "<p>" } else { "<table><tr><td>" };
            let markup = format!("{}{start}添いかねる結果です。{end}", " ".repeat(pad));
            let raw = message(&entity(Carriage { charset, transfer: "base64", eol: "\n" }, "text/html", &markup));
            let Ok(injected) = inject(&raw, Language::Ja) else { panic!("{pad} {charset} {end}") };
            let [found] = &texts(&injected.edits.apply(&raw))[..] else { panic!("one text") };
            assert!(found.contains(&format!("{}</a>", &URL[8..])) && found.ends_with(end), "{found}");
        }
    }
}

/// A plain text with `^` where the line goes.
fn check_placed(marked: &str) {
    let raw = message(&entity(UTF8, "text/plain", &marked.replace("^\n", "")));
    let injected = inject(&raw, Language::Ja).unwrap_or_else(|r| panic!("{marked}: {}", r.code()));
    let found = texts(&injected.edits.apply(&raw)).concat().replace("\r\n", "\n");
    let start = found.find("■ 弊社").unwrap_or_default();
    assert_eq!(found[..start].trim_end(), marked.split_once('^').unwrap_or_default().0.trim_end(), "{marked}");
}

#[test]
fn the_line_stands_above_the_senders_name_where_no_closing_parts_them() {
    check_placed("慎重に選考し、\n添いかねる結果となりました。\n^\n株式会社さくら 人事部\nsaiyo@sakura.example\n");
    check_placed("添いかねる結果となりました。\n何卒ご了承ください。\n^\n株式会社さくら\n採用担当\n");
    check_placed("添いかねる\n結果となりました\n^\n");
    check_placed("添いかねる結果です。\n書類は破棄し、\n返送いたしません。\n^\n\n株式会社さくら\n");
}

#[test]
fn a_list_that_ends_in_ijou_is_not_parted_from_it() {
    check_placed("　　記\n\n選考結果：添いかねる結果となりました。\n\n　　　以上\n^\n\n末筆ながら\n");
}
