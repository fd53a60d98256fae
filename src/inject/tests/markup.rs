//! Where the line goes in the HTML that mail programs and people write, and how it looks there.

use super::mail::{Carriage, entity, message};
use super::*;

/// The HTML with `^` where something is expected, and what: `LEAD` and `LINK` stand for the lead text and the link,
/// `DARK` for a link in the colour of its text.
fn check(marked: &str, inserted: &str) {
    let [lead, ..] = Wording::default().candidates(Language::Ja).map(str::to_owned);
    let inserted = inserted.replace("LEAD", &lead).replace("LINK", &format!("<a href=\"{URL}\">{}</a>", &URL[8..]));
    let style = "color:inherit;text-decoration:underline";
    let inserted = inserted.replace("DARK", &format!("<a href=\"{URL}\" style=\"{style}\">{}</a>", &URL[8..]));
    let raw = html(&marked.replace('^', ""));
    let injected = inject(&raw, Language::Ja).unwrap_or_else(|r| panic!("{marked}: {}", r.code()));
    let found = texts(&injected.edits.apply(&raw)).concat();
    assert_eq!(found, marked.replace('^', &inserted).replace('\n', "\r\n"));
}

fn check_refused(markup: &str) {
    assert_eq!(inject(&html(markup), Language::Ja).map_err(Refusal::code), Err("no_place"), "{markup}");
}

fn html(markup: &str) -> Vec<u8> {
    message(&entity(Carriage { charset: "utf-8", transfer: "8bit", eol: "\r\n" }, "text/html", markup))
}

const BLOCK: &str = "<p>LEAD<br>LINK</p>";

#[test]
fn behind_a_paragraph_comes_a_paragraph() {
    check("<p>ご希望に添いかねる結果です。</p>^<p>末筆ながら</p>", BLOCK);
    check("<body><p>添いかねる<br>結果です。</p>^</body>", BLOCK);
    check("<p>添いかねる。<br></p>^<p>末筆</p>", BLOCK);
    check("<p>添いかねる結果です。</p>^\n<p>末筆ながら</p>\n", "\n<p>LEAD<br>LINK</p>");
    check("<div><p class=\"x\">添いかねる。</p>^</div><p>末筆</p>", "<p class=\"x\">LEAD<br>LINK</p>");
}

#[test]
fn a_paragraph_without_an_end_tag_is_left_as_it_is() {
    check("<p>添いかねる結果です。\n^<p>末筆ながら", BLOCK);
}

#[test]
fn what_gives_the_text_its_look_is_repeated_and_names_are_not() {
    check(
        "<p style=\"margin:1em\"><span style='color:#111'>添いかねる。</span></p>^<p>末筆</p>",
        "<p style=\"margin:1em\"><span style='color:#111'>LEAD<br>LINK</span></p>",
    );
    check("<p id=\"result\">添いかねる。</p>^<p>末筆</p>", BLOCK);
    check(
        "<p><font face=\"Meiryo\"><b>添いかねる</b>。</font></p>^<p>末筆</p>",
        "<p><font face=\"Meiryo\">LEAD<br>LINK</font></p>",
    );
}

#[test]
fn a_line_per_div_gets_blank_divs_around_it() {
    let block = "<div>LEAD<br>LINK</div>";
    check(
        "<div>結果、</div><div>添いかねる。</div>^<div><br></div><div>末筆</div>",
        &format!("<div><br></div>{block}"),
    );
    check("<div>添いかねる。</div>^<div>末筆</div>", &format!("<div><br></div>{block}<div><br></div>"));
    check("<div>添いかねる。</div>^", &format!("<div><br></div>{block}"));
}

#[test]
fn blank_lines_are_as_flat_as_the_paragraphs_and_stand_where_none_is_seen() {
    let flat = "<p style=\"margin:0\">";
    let row = |text: &str| format!("<tr><td>{text}</td></tr>");
    check(
        &format!("<table>{}{}</table>", row(&format!("{flat}添いかねる結果。</p>^")), row("末筆")),
        &format!("{flat}<br></p>{flat}LEAD<br>LINK</p>"),
    );
    check(
        &format!("{flat}添いかねる。</p>^{flat}末筆</p>"),
        &format!("{flat}<br></p>{flat}LEAD<br>LINK</p>{flat}<br></p>"),
    );
    check(
        "<div><div>添いかねる。</div>^</div><div><br></div><div>末筆</div>",
        "<div><br></div><div>LEAD<br>LINK</div>",
    );
    check("<div>添いかねる。</div>^<hr><div>末筆</div>", "<div><br></div><div>LEAD<br>LINK</div>");
    check("<p id=\"a\" style=\"margin:0\">添いかねる。</p>^<p>末筆</p>", BLOCK);
}

#[test]
fn margins_are_read_as_readers_see_them() {
    for style in ["margin:0 0 16px", "margin: 1em 0", "margin:0;margin-bottom:1.2em", "margin-bottom:0"] {
        let tag = format!("<p style=\"{style}\">");
        check(&format!("{tag}添いかねる。</p>^{tag}末筆</p>"), &format!("{tag}LEAD<br>LINK</p>"));
    }
    let blank = "<p><br></p>";
    for sheet in
        ["p{margin:0}", "P {margin-top:0;margin-bottom:0;}", "*{margin:0}", "p{margin:0mm;margin-bottom:.0001pt}"]
    {
        let block = format!("{blank}<p>LEAD<br>DARK</p>{blank}");
        check(&format!("<style>{sheet}</style><p>添いかねる。</p>^<p>末筆</p>"), &block);
    }
    check(
        "<style>.a{margin:0 0 9px}</style><div class=a>添いかねる。</div>^<div class=a>末筆</div>",
        "<div class=a>LEAD<br>DARK</div>",
    );
}

#[test]
fn on_a_dark_ground_the_link_has_the_colour_of_the_text() {
    check("<body bgcolor=\"#111\"><p>添いかねる。</p>^<p>末筆</p>", "<p>LEAD<br>DARK</p>");
    let tag = "<p style=\"color:#eee\">";
    check(&format!("{tag}添いかねる。</p>^{tag}末筆</p>"), &format!("{tag}LEAD<br>DARK</p>"));
    let sheet = "<style>@media (prefers-color-scheme:dark){p{color:#fff}}</style>";
    check(&format!("{sheet}<p>添いかねる。</p>^<p>末筆</p>"), "<p>LEAD<br>DARK</p>");
    let letter = "<p>山田様</p><p>添いかねる。</p>^<p>末筆</p>";
    check(&format!("<body bgcolor=\"#111\"><table bgcolor=white><tr><td>{letter}</td></tr></table>"), BLOCK);
    let font = "<p><font color=\"#ffffff\">";
    check(&format!("{font}添いかねる。</font></p>^<p>末筆</p>"), &format!("{font}LEAD<br>DARK</font></p>"));
    let buttons = "<style>a{color:#fff;text-decoration:none}</style>";
    check(&format!("{buttons}<p>添いかねる。</p>^<p>末筆</p>"), "<p>LEAD<br>DARK</p>");
}

#[test]
fn flat_paragraphs_are_told_from_spaced_ones() {
    check(
        "<p style=\"margin:0\">添いかねる</p><p style=\"margin:0\">結果です。</p>^<p style=\"margin:0\">&nbsp;</p><p>末筆</p>",
        "<p style=\"margin:0\">&nbsp;</p><p style=\"margin:0\">LEAD<br>LINK</p>",
    );
}

#[test]
fn between_breaks_come_lines_between_breaks() {
    check("添いかねる結果です。<br>^<br>末筆ながら", "<br>LEAD<br>LINK<br>");
    check("添いかねる<BR>\n結果です。<BR>^\n<BR>\n末筆ながら", "\n<BR>\nLEAD<BR>\nLINK<BR>");
    check("<div>添いかねる。<br />^末筆ながら</div>", "<br />LEAD<br />LINK<br /><br />");
    check("<div>添いかねる。<br clear=all>^<b>末筆</b></div>", "<br>LEAD<br>LINK<br><br>");
}

#[test]
fn at_the_end_of_a_text_without_breaks_it_makes_its_own() {
    check("<body>添いかねる結果です。^</body>", "<br><br>LEAD<br>LINK");
    check("添いかねる<b>結果です。</b>^", "<br><br>LEAD<br>LINK");
}

#[test]
fn a_table_that_lays_out_the_mail_is_entered_and_a_table_of_data_is_not() {
    check("<table><tr><td>山田様<br><br>添いかねる。<br>^<br>末筆</td></tr></table>", "<br>LEAD<br>LINK<br>");
    check("<table><tr><td><p>山田様</p><p>添いかねる。</p>^<p>末筆</p></td></tr></table>", BLOCK);
    check_refused("<table><tr><td>結果</td><td>添いかねる</td></tr></table><p>末筆</p>");
    check_refused("<table><tr><td><p>結果</p></td><td><p>添いかねる</p></td></tr></table><p>末筆</p>");
}

#[test]
fn a_row_of_its_own_for_each_paragraph_lays_out_the_mail() {
    let row = "<tr><td style=\"padding:8px\">";
    let mail =
        |text: &str| format!("<table>{row}山田様</td></tr>{row}{text}</td></tr>{row}末筆ながら</td></tr></table>");
    check(&mail("結果、添いかねる結果となりました。^"), "<br><br>LEAD<br>LINK");
    check(&mail("<p>添いかねる結果となりました。</p>^"), BLOCK);
    check(&mail("慎重に選考を進めました結果、添いかねることをお知らせいたします^"), "<br><br>LEAD<br>LINK");
    check(
        &mail("<table><tr><td>&nbsp;</td><td>添いかねる結果となりました。^</td></tr></table>"),
        "<br><br>LEAD<br>LINK",
    );
    check_refused(&mail("添いかねる"));
    check_refused(&mail("<table><tr><th>結果</th></tr><tr><td>添いかねる結果。</td></tr></table>"));
    check_refused(&mail(
        "<table><tr><td>結果</td><td><table><tr><td>添いかねる結果。</td></tr></table></td></tr></table>",
    ));
    check_refused("<table><tr><td>添いかねる結果。<tr><td>末筆</table>");
}

#[test]
fn in_a_box_the_line_stands_inside() {
    check("<div style=\"border: 1px solid #ccc\">添いかねる。^</div><p>末筆</p>", "<br><br>LEAD<br>LINK");
    check("<p style=\"background:#eee;padding:9px\">添いかねる。^</p><p>末筆</p>", "<br><br>LEAD<br>LINK");
    let div = "<div style=\"border:0;padding:0;background:#fff\">";
    check(&format!("{div}添いかねる。</div>^"), &format!("{div}<br></div>{div}LEAD<br>LINK</div>"));
}

#[test]
fn what_wraps_the_text_of_a_cell_wraps_the_line() {
    check(
        "<table><tr><td><span style=\"font-size:9pt\">添いかねる結果。</span>^</td></tr></table><p>末筆</p>",
        "<br><br><span style=\"font-size:9pt\">LEAD<br>LINK</span>",
    );
}

#[test]
fn text_that_a_block_ends_gets_lines_in_front_of_it() {
    check("山田様<br>添いかねる。^<div>末筆</div>", "<br><br>LEAD<br>LINK<br><br>");
    check("<body><p>山田様</p><b>添いかねる。</b>\n^<p>末筆</p>", "<br><br>LEAD<br>LINK");
}

#[test]
fn a_result_that_is_said_for_two_widths_gets_no_line() {
    let mail = "<p>ご希望に添いかねる結果となりました。</p><p>末筆</p>";
    check_refused(&format!("<div class=\"wide\">{mail}</div><div class=\"narrow\">{mail}</div>"));
}

#[test]
fn preformatted_text_gets_lines_of_its_own_width() {
    let wide = "あ".repeat(46);
    check(&format!("<pre>{wide}\n添いかねる結果です。\n^\n末筆ながら</pre>"), "\nLEAD\nLINK\n");
    check(
        &format!("<div style=\"white-space:pre-wrap\">{wide}\n添いかねる\n結果です。\n^末筆ながら</div>"),
        "\nLEAD\nLINK\n\n",
    );
    let narrow =
        "\n■ 弊社が提携する無料のキャリア支援\nサービス「キャリアリレー」のご案内（登\n録は任意です）：\nLINK\n";
    check("<pre>添いかねる結果です。\n^\n末筆ながら</pre>", narrow);
}

#[test]
fn lists_headings_quotations_links_and_preformatted_text_are_no_place() {
    check_refused("<ul><li>添いかねる</li></ul><p>末筆</p>");
    check_refused("<h2>添いかねる</h2><p>末筆</p>");
    check_refused("<a href=\"https://sakura.example/\">添いかねる。<br></a><br>末筆");
    check_refused("<pre>添いかねる</pre>");
}

#[test]
fn hidden_text_and_scripts_around_the_result_stay_outside() {
    check("<div style=\"display:none\">添いかねる</div><p>添いかねる。</p>^<p>末筆</p>", BLOCK);
    check("<style>p{}</style><p>添いかねる。</p>^<!-- <p>x</p> --><p>末筆</p>", "<p>LEAD<br>DARK</p>");
}

#[test]
fn a_long_line_of_markup_is_broken_around_the_line_and_never_over_998_octets() {
    let long = format!("<p>{}</p><p>添いかねる。</p><p>末筆</p>", "あ".repeat(300));
    let raw = html(&long);
    let injected = inject(&raw, Language::Ja).unwrap_or_else(|r| panic!("{}", r.code()));
    check_lines(&raw, &injected.edits);
}
