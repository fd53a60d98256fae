//! How markup becomes lines, and which places it offers.

use proptest::prelude::*;

use super::*;

fn charset(label: &str) -> Charset {
    Charset::from_label(Some(label), b"").unwrap_or_else(|e| panic!("{label}: {e}"))
}

fn page(body: &str) -> Page {
    read(body.as_bytes(), charset("utf-8")).unwrap_or_else(|e| panic!("{body}: {e}"))
}

fn texts(page: &Page) -> Vec<&str> {
    page.lines.iter().map(|l| &page.text[l.text.clone()]).collect()
}

fn check(body: &str, expected: &[&str]) {
    assert_eq!(texts(&page(body)), expected, "{body}");
}

#[test]
fn blocks_and_breaks_end_lines_and_spans_do_not() {
    check("<p>a<span>b</span> <b>c</b></p><div>d</div>", &["ab c", "d"]);
    check("a<br>b<BR/>c", &["a", "b", "c"]);
    check("a<br><br>b", &["a", "", "b"]);
    check("<ul><li>a<li>b</ul>c", &["a", "b", "c"]);
    check("<table><tr><td>a</td><td>b</table>", &["a", "b"]);
    check("a<hr>b</p>c", &["a", "b", "c"]);
    check("  a \r\n\t b  ", &["a b"]);
    check("<pre>a\n b</pre>", &["a", "b"]);
    check("<p>&nbsp;</p>", &["\u{a0}"]);
}

#[test]
fn entities_and_invisible_characters_are_resolved() {
    check("&#36020;&#x610F;&amp;&lt;x&gt;&hellip;", &["貴意&<x>…"]);
    check("貴意<wbr>に&#8203;添&shy;い<!-- x -->かねる", &["貴意に添いかねる"]);
    check("a & b &unknown; &", &["a & b &unknown; &"]);
}

#[test]
fn what_a_reader_does_not_see_is_left_out() {
    for hidden in [
        "<head><title>x</title></head>",
        "<style>x</style>",
        "<script>if (a < b) { x }</script>",
        "<!-- x --><!--[if mso]><p>x</p><![endif]-->",
        "<div style='display: NONE !important'>x<p>x</p></div>",
        "<span style=\"visibility:hidden\">x</span>",
        "<div style=\"font-size:0px\">x</div>",
        "<div style=\"max-height:0;overflow:hidden\">x</div>",
        "<div style=\"opacity:0.0\">x</div>",
        "<span style=\"mso-hide:all\">x</span>",
        "<p hidden>x</p>",
        "<plaintext>x</p>x",
        "<div style=\"color:#ffffff;font-size:1px;line-height:1px\">x</div>",
        "<div style=\"position:absolute;left:-9999px\">x</div>",
        "<p style=\"text-indent: -9999px\">x</p>",
        "<div style=\"height:0;overflow:hidden\">x</div>",
        "<div style=\"width:1px; height:1px; overflow:hidden\">x</div>",
        "<div class=\"PreHeader\">x</div>",
        "<div style=\"display:none\">x<br>x",
    ] {
        let page = page(&format!("a{hidden}"));
        assert_eq!(texts(&page).concat(), "a", "{hidden}");
    }
    for shown in [
        "font-size:3px",
        "font-size:1em",
        "font-size:1.2rem",
        "height:0",
        "left:-9999px",
        "text-indent:-1em",
        "overflow:hidden",
        "width:100%;overflow:hidden",
        "position:relative;left:-5px",
        "font-size:x-small",
        "height:-px",
    ] {
        check(&format!("<div style=\"{shown}\">a</div>"), &["a"]);
    }
    check("<![if !mso]>a<![endif]>", &["a"]);
    check("<td style=\"font-size:0\">x<div style=\"font-size:14px\">a</div></td>", &["a"]);
}

#[test]
fn word_and_newsletter_markup_is_read_as_it_looks() {
    check(
        "<html xmlns:o=\"urn:x\"><head><!--[if gte mso 9]><xml></xml><![endif]--><style><!-- p {} --></style></head>\
         <body lang=JA><div class=WordSection1><p class=MsoNormal><span lang=JA>貴意に<span>添い</span>かねる\r\n\
         結果<o:p></o:p></span></p><p class=MsoNormal><o:p>&nbsp;</o:p></p>\
         <p class=MsoNormal>敬具<o:p></o:p></p></div></body>",
        &["貴意に添いかねる 結果", "\u{a0}", "敬具"],
    );
    check(
        "<!doctype html><body><div style=\"display:none;max-height:0px\">preview&nbsp;&zwnj;</div><center><table><tr>\
         <td style=\"font-size:0px\"><div style=\"font-size:13px\">本文<br/>続き</div></td></tr></table>\
         <!--[if !mso]><!--><p>shown</p><!--<![endif]--></center>",
        &["本文", "続き", "shown"],
    );
}

#[test]
fn octets_reach_from_the_first_to_the_last_visible_octet() {
    let body = "<p> <b>残念</b> ながら </p>";
    let page = page(body);
    assert_eq!(&body[page.lines[0].octets.clone()], "残念</b> ながら");
}

/// Puts text at a place of the first line that holds `x`.
fn place(body: &str, pick: fn(&Place) -> Option<usize>) -> Option<String> {
    let page = page(body);
    let line = page.lines.iter().find(|l| page.text[l.text.clone()].contains('x'))?;
    pick(&line.place).map(|at| format!("{}|{}", &body[..at], &body[at..]))
}

#[test]
fn places_stand_directly_beside_the_line() {
    let before = |body| place(body, |p| p.before_block);
    let after = |body| place(body, |p| p.after_block);
    assert_eq!(before("<div><p>x</p></div>").as_deref(), Some("<div>|<p>x</p></div>"));
    assert_eq!(after("<div><p>x</p></div>").as_deref(), Some("<div><p>x</p>|</div>"));
    assert_eq!(before("<div>a<br>x</div>"), None);
    assert_eq!(after("<div>x<br>a</div>"), None);
    assert_eq!(after("<p>x"), None, "the end tag is missing");
    assert_eq!(after("<td>x</td>"), None, "no block may stand beside a cell");
    assert_eq!(after("<a href=#><div>x</div></a>"), None, "a block there would be a link");
    assert_eq!(after("<p>x<div>a</div></p>"), None, "the div ends the paragraph");
}

#[test]
fn places_inside_a_block_are_at_its_edges_and_breaks() {
    let pick = |body: &str, pick: fn(&Place) -> Option<usize>| place(body, pick).unwrap_or_default();
    assert_eq!(pick("<td><b>x</b></td>", |p| p.at_block_end), "<td><b>x</b>|</td>");
    assert_eq!(pick("<li>x</li>", |p| p.at_block_start), "<li>|x</li>");
    assert_eq!(pick("<div>x<br>a</div>", |p| p.behind_break_after), "<div>x<br>|a</div>");
    assert_eq!(pick("<div>a<br>x</div>", |p| p.behind_break_before), "<div>a<br>|x</div>");
    assert_eq!(pick("<a>x<br>a</a>", |p| p.behind_break_after), "");
    assert_eq!(pick("<table>x<br></table>", |p| p.behind_break_after.or(p.at_block_start).or(p.at_block_end)), "");
}

#[test]
fn a_place_knows_what_it_is_in() {
    let flags = |body| {
        let place = page(body).lines.remove(0).place;
        (place.in_table_cell, place.in_list, place.in_quote)
    };
    assert_eq!(flags("<table><tr><td><p>x</p></td></tr></table>"), (true, false, false));
    assert_eq!(flags("<ol><li>x</li></ol>"), (false, true, false));
    assert_eq!(flags("<blockquote><p>x</p></blockquote>"), (false, false, true));
}

#[test]
fn blocks_keep_their_tags_and_styles() {
    let body = "<div style=\"color:red\"><p class=a>x</p></div>";
    let page = page(body);
    let [outer, inner] = &page.blocks[..] else { panic!("two blocks: {:?}", page.blocks) };
    assert_eq!((outer.name, outer.style.as_deref(), outer.parent), ("div", Some("color:red"), None));
    assert_eq!((inner.name, inner.style.as_deref(), inner.parent), ("p", None, Some(0)));
    assert_eq!(&body[inner.start_tag.clone()], "<p class=a>");
    assert_eq!(inner.end_tag.clone().map(|t| &body[t]), Some("</p>"));
}

#[test]
fn history_and_signatures_are_known_by_their_markup() {
    for quote in [
        "<blockquote>",
        "<div class=\"x gmail_quote_container\">",
        "<div id=divRplyFwdMsg>",
        "<div class=moz-cite-prefix>",
    ] {
        assert_eq!(page(&format!("<p>a</p>{quote}b")).history_from, Some(1), "{quote}");
    }
    let page = page("<p>a</p><div id=\"Signature\"><p>b</p></div><p>c</p>");
    let signed: Vec<bool> = page.lines.iter().map(|l| l.in_signature).collect();
    assert_eq!(signed, [false, true, false]);
}

#[test]
fn links_are_known_with_their_lines() {
    let page = page("<p>a</p><p><a href=\"https://x.example/?a=1&amp;b=2\">b</a></p><p hidden><a href=c>d</a></p>");
    assert_eq!(page.links, [(1, "https://x.example/?a=1&b=2".to_owned())]);
}

#[test]
fn a_page_of_frames_is_not_read() {
    for page in ["<html><FRAMESET><frame src=x></frameset><body>a</body></html>", "<p>a</p><frameset cols=\"1\">"] {
        assert_eq!(read(page.as_bytes(), charset("utf-8")).err(), Some(HtmlFault::Ambiguous), "{page}");
    }
}

#[test]
fn iso_2022_jp_is_never_taken_for_markup() {
    // 0x3c and 0x3e stand inside the two-octet runs.
    let body = b"<p>\x1b$B<>>N\x1b(B</p><p>\x1b$B;DG0\x1b(B a</p>";
    let page = read(body, charset("iso-2022-jp")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(texts(&page)[1], "残念 a");
    assert_eq!(texts(&page)[0].chars().count(), 2);
    assert_eq!(page.blocks.len(), 2);
    let kana = read(b"<p>\x1b(I1<br>1\x1b(B</p>", charset("iso-2022-jp"));
    assert_eq!(kana.err(), Some(HtmlFault::Ambiguous));
    let roman = read(b"<p>\x1b$B;DG0\x1b(Ja<br>b</p>", charset("iso-2022-jp")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(texts(&roman), ["残念a", "b"]);
    assert_eq!(read(b"<p>\xff</p>", charset("utf-8")).err(), Some(HtmlFault::Undecodable));
}

#[test]
fn depth_is_bounded() {
    assert_eq!(read("<div>".repeat(10_000).as_bytes(), charset("utf-8")).err(), Some(HtmlFault::TooDeep));
    assert_eq!(page(&"<p>a".repeat(10_000)).lines.len(), 10_000);
}

/// Asserts what holds for any markup: octets in order, and every place at a tag's edge.
fn assert_places(body: &[u8]) {
    for label in ["utf-8", "shift_jis", "iso-2022-jp"] {
        let Ok(page) = read(body, charset(label)) else { continue };
        let mut last = 0;
        for line in &page.lines {
            assert!(last <= line.octets.start && line.octets.start <= line.octets.end && line.octets.end <= body.len());
            last = line.octets.end;
            let p = &line.place;
            let behind = [p.behind_break_before, p.behind_break_after, p.at_block_start, p.after_block];
            assert!(behind.iter().flatten().all(|at| matches!(body[*at - 1], b'>' | b'\n')));
            let front = [p.before_block, p.at_block_end];
            assert!(front.iter().flatten().all(|at| body[*at..].starts_with(b"<")));
            let (before, after) = (
                [p.behind_break_before, p.at_block_start, p.before_block],
                [p.behind_break_after, p.at_block_end, p.after_block],
            );
            assert!(before.iter().flatten().all(|at| *at <= line.octets.start));
            assert!(after.iter().flatten().all(|at| *at >= line.octets.end));
        }
    }
}

proptest! {
    #[test]
    fn any_octets_give_lines_in_order(body in prop::collection::vec(any::<u8>(), 0..200)) {
        assert_places(&body);
    }

    #[test]
    fn any_markup_gives_lines_in_order(pieces in prop::collection::vec(prop::sample::select(vec![
        "<p>", "</p>", "<div style='font-size:0'>", "</div>", "<br>", "<td>", "</td>", "<table>",
 "</table>", "<tr>", "<b>", "</b>", "<a href=x>",
        "</a>", "<li>", "<ul>", "</ul>", "text", " ", "\r\n", "残念", "&nbsp;", "&#x", "<!--",
 "-->", "<script>", "</script>", "<", ">", "\x1b$B", "\x1b(B",
        "<blockquote>", "<pre>", "</pre>", "<hr>", "<svg>", "<title>", "<select>", "<template>",
    ]), 0..40)) {
        assert_places(pieces.concat().as_bytes());
    }
}
