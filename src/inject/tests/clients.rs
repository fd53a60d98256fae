//! Mails as each mail program writes them: replies above their history, signatures, templates. `^` says where the line
//! stands.

use super::mail::{Carriage, entity, message};
use super::*;

const CARRIAGE: Carriage = Carriage { charset: "utf-8", transfer: "8bit", eol: "\r\n" };

/// A mail of one part whose text has `^` where the line is put.
fn check(media: &str, name: &str, marked: &str) {
    let (_, behind) = marked.split_once('^').unwrap_or_else(|| panic!("{name}: no mark"));
    let raw = message(&entity(CARRIAGE, media, &marked.replace('^', "")));
    let injected = inject(&raw, Language::Ja).unwrap_or_else(|r| panic!("{name}: {}", r.code()));
    let expected = raw.len() - behind.replace('\n', "\r\n").len();
    let at = injected.inserted[0].offset;
    let around = |at: usize| String::from_utf8_lossy(&raw[at.saturating_sub(60)..at]).into_owned();
    assert_eq!(at, expected, "{name}: behind {:?} and not behind {:?}", around(at), around(expected));
}

fn check_refused(name: &str, media: &str, text: &str) {
    let raw = message(&entity(CARRIAGE, media, text));
    assert_eq!(inject(&raw, Language::Ja).map_err(Refusal::code), Err("no_place"), "{name}");
}

const LETTER: &str =
    "山田 花子 様\n\nご応募いただきありがとうございました。\n\n結果、残念ながら\n添いかねることとなりました。\n^";

#[test]
fn in_plain_text_the_line_stands_above_the_history_of_every_program() {
    let fields =
        "差出人: 山田 <yamada@mail.example>\n送信日時: 2026年11月2日 9:00\n宛先: saiyo@sakura.example\n件名: 応募\n";
    let english = "From: Yamada <yamada@mail.example>\nSent: Monday, November 2, 2026 9:00 AM\nTo: HR\nSubject: 応募\n";
    for (name, head, mark) in [
        ("Outlook, Japanese", format!("-----元のメッセージ-----\n{fields}\n"), ""),
        ("Outlook, English", format!("-----Original Message-----\n{english}\n"), ""),
        ("Outlook without a rule", fields.replace("送信日時", "日付"), ""),
        ("new Outlook", format!("________________________________\n{english}\n"), ""),
        ("Outlook on a telephone", format!("Outlook for iOS を入手\n________________________________\n{fields}\n"), ""),
        ("Gmail, Japanese", "2026年11月2日(月) 9:00 山田 花子 <yamada@mail.example>:\n\n".to_owned(), "> "),
        ("Gmail, Japanese, folded", "2026年11月2日(月) 9:00 山田 花子\n<yamada@mail.example>:\n\n".to_owned(), "> "),
        ("Gmail, English", "On Mon, Nov 2, 2026 at 9:00 AM Yamada <yamada@mail.example>\nwrote:\n\n".to_owned(), "> "),
        ("Apple Mail", "2026/11/02 9:00、山田 花子 <yamada@mail.example>のメール:\n\n".to_owned(), "> "),
        ("iPhone", "iPhoneから送信\n\n> 2026/11/02 9:00、山田 花子のメール：\n> \n".to_owned(), "> "),
        ("Thunderbird", "On 2026/11/02 9:00, 山田 花子 wrote:\n".to_owned(), "> "),
        ("Thunderbird, Japanese", "2026/11/02 9:00、山田 花子 さんは書きました:\n".to_owned(), "> "),
        ("Becky!", "On Mon, 2 Nov 2026 09:00:00 +0900\n山田 <yamada@mail.example> wrote:\n\n".to_owned(), "> "),
        ("Zoho", "---- On Mon, 02 Nov 2026 09:00:00 +0900 山田 <yamada@mail.example> wrote ----\n\n".to_owned(), "> "),
        ("wide rule", "－－－－－ Original Message －－－－－\n".to_owned(), ""),
        ("forwarded", "---------- Forwarded message ---------\nFrom: 山田\n".to_owned(), ""),
        ("arrows alone", String::new(), "> "),
        ("wide arrows", String::new(), "＞"),
        ("bars", String::new(), "| "),
        ("names", String::new(), "yamada> "),
    ] {
        let history: String =
            ["応募書類をお送りします。", "末筆ながら、添いかねる。"].map(|l| format!("{mark}{l}\n")).concat();
        for blank in ["", "\n"] {
            check("text/plain", name, &format!("{LETTER}{blank}{head}{history}"));
            check("text/plain", name, &format!("{LETTER}{blank}末筆ながら、お祈りします。\n\n{head}{history}"));
        }
    }
}

#[test]
fn in_plain_text_the_line_stands_above_every_kind_of_signature() {
    for sign in [
        "-- \n佐藤\n",
        "--\n株式会社さくら\nTEL 03-0000-0000\n",
        "――――――――――\n株式会社さくら 人事部\n",
        "★☆★☆★☆★☆\n株式会社さくら\n★☆★☆★☆★☆\n",
        "株式会社さくら\n採用担当 佐藤\nsaiyo@sakura.example\n",
        "iPhoneから送信\n",
        "敬具\n",
        "　　　　　以上\n\n株式会社さくら\n",
    ] {
        for blank in ["", "\n"] {
            check("text/plain", sign, &format!("{LETTER}{blank}{sign}"));
        }
    }
}

#[test]
fn a_list_that_follows_the_result_is_not_parted_from_it() {
    let letter = LETTER.replace('^', "");
    check("text/plain", "list", &format!("{letter}\n　　　記\n\n職種：営業\n\n　　　以上\n^\n末筆ながら\n"));
    check("text/plain", "no list", &format!("{LETTER}\n記録は破棄します。\n\n以上\n"));
}

#[test]
fn blanks_at_line_ends_are_not_seen() {
    let letter = LETTER.replace("ました。", "ました。 ").replace('^', "");
    check("text/plain", "blanks", &format!("{letter}^末筆ながら、お祈りします。  \n"));
}

/// HTML of which the result is `<R>`, with `^` behind it.
fn check_html(name: &str, markup: &str) {
    check("text/html", name, &markup.replace("<R>", "結果、添いかねることとなりました。"));
}

#[test]
fn in_html_the_line_stands_above_the_history_of_every_program() {
    let old = "応募します。<br>末筆ながら、添いかねる。";
    let fields = "<b>差出人:</b> 山田<br><b>送信日時:</b> 9:00<br><b>宛先:</b> HR<br><b>件名:</b> 応募";
    let letter = "<div>山田様</div><div><br></div><div><R></div>^";
    for (name, history) in [
        (
            "Gmail",
            "<br><div class='gmail_quote gmail_quote_container'><div dir=ltr class='gmail_attr'>2026年11月2日(月) 9:00 \
             山田 &lt;a@b.example&gt;:<br></div><blockquote class='gmail_quote'>OLD</blockquote></div>",
        ),
        (
            "Outlook on the web",
            "<div id='appendonsend'></div><hr tabindex='-1'><div id='divRplyFwdMsg'>FIELDS</div><div>OLD</div>",
        ),
        ("new Outlook", "<div id='mail-editor-reference-message-container'><div>FIELDS</div>OLD</div>"),
        (
            "Outlook with Word",
            "<div style='border:none;border-top:solid #E1E1E1 1.0pt'><p class=MsoNormal>FIELDS</p></div>\
             <p class=MsoNormal>OLD</p>",
        ),
        (
            "Apple Mail",
            "<div><blockquote type='cite'><div>2026/11/02 9:00、山田のメール:</div>\
             <br class='Apple-interchange-newline'><div>OLD</div></blockquote></div>",
        ),
        (
            "iPhone",
            "<div dir=ltr>iPhoneから送信</div><div dir=ltr><br><blockquote type='cite'>2026/11/02 9:00、山田のメール:\
             <br></blockquote></div><blockquote type='cite'>OLD</blockquote>",
        ),
        (
            "Thunderbird",
            "<div class='moz-cite-prefix'>2026/11/02 9:00、山田 さんは書きました:<br></div>\
             <blockquote type='cite' cite='mid:a@b'>OLD</blockquote>",
        ),
        ("Yahoo", "<div id='yahoo_quoted_1' class='yahoo_quoted'><div>OLD</div></div>"),
        ("Yahoo Japan", "<div>----- Original Message -----<blockquote>From: 山田<br>OLD</blockquote></div>"),
        ("Proton", "<div class='protonmail_quote'>-------- 元のメッセージ --------<br>OLD</div>"),
        ("fields alone", "<div>FIELDS</div><div>OLD</div>"),
        ("arrows", "<div>&gt; 応募します。</div><div>&gt; 添いかねる。</div>"),
        ("wide arrows", "<div>＞応募します。<br>＞末筆ながら</div>"),
    ] {
        let history = history.replace("OLD", old).replace("FIELDS", fields);
        check_html(name, &format!("{letter}{history}"));
        check_html(name, &format!("{letter}<div><br></div><div>末筆ながら、お祈りします。</div>{history}"));
        check_html(name, &format!("<html><body>{letter}{history}</body></html>"));
    }
}

#[test]
fn in_html_the_line_stands_above_the_signatures_of_mail_programs() {
    for sign in [
        "<div id=\"Signature\"><p>佐藤</p></div>",
        "<span class=\"gmail_signature_prefix\">-- </span><br><div class=\"gmail_signature\">佐藤</div>",
        "<div class=\"moz-signature\">-- <br>佐藤</div>",
        "<div>--------------------</div><div>株式会社さくら TEL 03-0000-0000</div>",
        "<div id=\"ms-outlook-mobile-signature\">Outlook for iOS を入手</div>",
    ] {
        check_html(sign, &format!("<div>山田様</div><div><R></div>^{sign}"));
        check_html(sign, &format!("<p>山田様</p><p><R></p>^{sign}"));
    }
}

/// Text in a table of MJML, as most services for templates write it.
fn of_mjml(rows: &str) -> String {
    format!(
        "<div style='background:#f4f4f4'><!--[if mso | IE]><table><tr><td><![endif]--><div style='max-width:600px'>\
         <table role=\"presentation\"><tbody><tr><td style=\"direction:ltr;font-size:0px;padding:20px 0\">\
         <!--[if mso | IE]><table><tr><td><![endif]--><div class='mj-column' style='font-size:0px'><table><tbody>\
         {rows}</tbody></table></div><!--[if mso | IE]></td></tr></table><![endif]--></td></tr></tbody></table></div>\
         <!--[if mso | IE]></td></tr></table><![endif]--></div>"
    )
}

#[test]
fn in_templates_the_line_stands_in_the_cell_of_the_text() {
    let row = |text: &str| {
        format!("<tr><td style=\"font-size:0px;padding:10px\"><div style=\"font-size:13px\">{text}</div>MARK</td></tr>")
    };
    let plain = |text: &str| row(text).replace("MARK", "");
    let rows = [plain("山田様"), row("<R>").replace("MARK", "^"), plain("末筆ながら")].concat();
    check_html("rows", &of_mjml(&rows));
    check_html("one cell", &of_mjml(&plain("<p>山田様</p><p><R></p>^<p>末筆ながら</p>")));
    check_html("breaks", &of_mjml(&plain("山田様<br /><br /><R><br />^<br />末筆ながら")));
    let ghost = |text: &str| {
        format!("<!--[if mso]><table><tr><td><![endif]-->{text}<!--[if mso]></td></tr></table><![endif]-->")
    };
    let ghosts = [ghost("<p>山田様</p>"), ghost("<p><R></p>^"), ghost("<p>末筆</p>")].concat();
    check_html("a table for Outlook around each", &format!("<div>{ghosts}</div>"));
    let shown = "<p><R></p>^<!--[if !mso]><!--><p>末筆ながら</p><!--<![endif]-->";
    check_html("text for all but Outlook", &format!("<p>山田様</p>{shown}"));
    let spacer = "<td width=\"20\">&nbsp;</td>";
    check_html(
        "columns of room",
        &format!("<table><tr>{spacer}<td>山田様<br><br><R><br>^<br>末筆</td>{spacer}</tr></table>"),
    );
    let preheader = "<table class=\"preheader\" style=\"display:none\"><tr><td><R></td></tr></table>";
    check_html("a preheader", &format!("{preheader}<div>山田様</div><div><R></div>^<div><br></div><div>末筆</div>"));
}

#[test]
fn what_a_style_sheet_hides_is_no_place() {
    let sheet = "<style>.pre, div.x{display:none} .tiny{font-size:0} .tiny p{font-size:14px}</style>";
    check_html("a hidden class", &format!("{sheet}<span class=pre><R></span><p>山田様</p><p><R></p>^<p>末筆</p>"));
    check_html("a hidden block", &format!("{sheet}<div class=x><p><R></p></div><p>山田様</p><p><R></p>^<p>末筆</p>"));
    check_html("a cell without a font size", &format!("{sheet}<div class=tiny><R><p>山田様</p><p><R></p>^</div>"));
    check_html("a sheet for Outlook", "<!--[if mso]><style>p{display:none}</style><![endif]--><p><R></p>^<p>末筆</p>");
    check_html("print", "<style>@media print{p{display:none}}</style><p>山田様</p><p><R></p>^<p>末筆</p>");
    let wide = "<style>.n{display:none} @media (max-width:600px){.n{display:block!important} .w{display:none}}</style>";
    check_refused(
        "two widths",
        "text/html",
        &format!("{wide}<div class=w><p>添いかねる結果です。</p></div><div class=n>添いかねる</div>"),
    );
    check_refused("only some", "text/html", &format!("{wide}<div class=w><p>添いかねる結果です。</p></div>"));
}
