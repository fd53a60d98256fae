//! The comparison as a page: one file that runs nothing and loads nothing, whatever stands in the mail.
//!
//! Text is escaped. HTML of the mail stands in a frame with every right taken from it, under a policy that lets nothing
//! be fetched; so pictures from elsewhere stay blank.

use super::Said;
use super::compare::{Comparison, ShownPart};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#c9ced6;--faint:#5c6570;--ins:#dff5e3;--insline:#1d7a38;--card:#fff;--page:#f5f6f8}
@media(prefers-color-scheme:dark){:root{--line:#3a414b;--faint:#a3acb8;--ins:#173d22;--insline:#6fd58b;--card:#1b1f25;\
--page:#12151a}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);font:16px/1.7 system-ui,\
\"Hiragino Sans\",\"Noto Sans CJK JP\",\"Yu Gothic\",sans-serif}
main{max-width:76rem;margin:0 auto;padding:1.25rem}
h1{font-size:1.35rem;margin:.25rem 0 .5rem}
h2{font-size:1rem;margin:2rem 0 .5rem;font-weight:600}
h2 small{font-weight:400;color:var(--faint);margin-left:.5rem}
h3{font-size:.875rem;margin:0 0 .4rem;color:var(--faint);font-weight:600}
.said{margin:.25rem 0;padding:.6rem .9rem;border-left:4px solid var(--insline);background:var(--card)}
.subject{color:var(--faint);margin:.25rem 0;overflow-wrap:anywhere}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(24rem,100%),1fr));gap:1rem}
.pair>section{min-width:0}
pre{margin:0;padding:.9rem;background:var(--card);border:1px solid var(--line);border-radius:6px;font:.875rem/1.7 \
ui-monospace,\"Noto Sans Mono CJK JP\",\"MS Gothic\",monospace;white-space:pre-wrap;overflow-wrap:anywhere}
ins{text-decoration:none;background:var(--ins);display:block;border-left:3px solid var(--insline);margin-left:-.9rem;\
padding-left:.7rem;min-height:1.7em}
iframe{width:100%;height:34rem;border:1px solid var(--line);border-radius:6px;background:#fff;color-scheme:light}
footer{margin-top:2rem;color:var(--faint);font-size:.875rem}
";

/// The words of the page.
struct Labels {
    lang: &'static str,
    title: &'static str,
    subject: &'static str,
    before: &'static str,
    after: &'static str,
    text: &'static str,
    part: &'static str,
    unchanged: &'static str,
    footer: &'static str,
}

const EN: Labels = Labels {
    lang: "en",
    title: "Preview of the line",
    subject: "Subject",
    before: "Before",
    after: "After",
    text: "As its reader sees it, with what was put in",
    part: "Part",
    unchanged: "This part stays as it came.",
    footer: "Nothing was sent. Pictures and styles from elsewhere are not loaded here.",
};

const JA: Labels = Labels {
    lang: "ja",
    title: "案内の行のプレビュー",
    subject: "件名",
    before: "挿入前",
    after: "挿入後",
    text: "表示されるテキスト（挿入した行に色を付けています）",
    part: "パート",
    unchanged: "このパートは元のままです。",
    footer: "メールは送信していません。外部の画像やスタイルは、この画面では読み込みません。",
};

/// The page, in Japanese or English.
pub(super) fn page(comparison: &Comparison, said: &Said, in_japanese: bool) -> String {
    let labels = if in_japanese { &JA } else { &EN };
    let text = if in_japanese { &said.text_ja } else { &said.text };
    let parts: String = comparison.parts.iter().map(|part| part_of(part, labels)).collect();
    format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         img-src data:; form-action 'none'; base-uri 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<h1>{title}</h1>\n<p class=\"subject\">{subject_label}: {subject}</p>\n\
         <p class=\"said\" data-code=\"{code}\">{text}</p>\n{parts}<footer>{footer}</footer>\n</main>\n\
         </body>\n</html>\n",
        lang = labels.lang,
        title = labels.title,
        subject_label = labels.subject,
        subject = escape(&comparison.subject),
        code = escape(said.code),
        text = escape(text),
        footer = labels.footer,
    )
}

fn part_of(part: &ShownPart, labels: &Labels) -> String {
    let (media, charset, transfer) = (part.media(), escape(part.charset), part.transfer);
    let path = if part.path == "0" { String::new() } else { format!("{} {} ", labels.part, escape(&part.path)) };
    let heading = format!("<h2>{path}{media} <small>{charset} {transfer}</small></h2>\n");
    let old = part.lines.iter().filter(|line| !line.inserted).map(|line| escape(&line.text) + "\n");
    let before = format!("<pre>{}</pre>", old.collect::<String>());
    if !part.is_changed() {
        return format!("{heading}<p>{}</p>\n{before}\n", labels.unchanged);
    }
    let new = part.lines.iter().map(|line| {
        let text = escape(&line.text);
        if line.inserted { format!("<ins>{text}</ins>") } else { text + "\n" }
    });
    let after = format!("<pre>{}</pre>", new.collect::<String>());
    let Some((old, new)) = &part.markup else { return heading + &pair(&before, &after, labels) };
    let frame = |markup: &str, title: &str| {
        format!(
            "<iframe sandbox=\"\" referrerpolicy=\"no-referrer\" title=\"{title}\" srcdoc=\"{}\"></iframe>",
            escape(markup)
        )
    };
    let frames = pair(&frame(old, labels.before), &frame(new, labels.after), labels);
    format!("{heading}{frames}<h3>{}</h3>\n{after}\n", labels.text)
}

fn pair(before: &str, after: &str, labels: &Labels) -> String {
    let section = |title: &str, inner: &str| format!("<section><h3>{title}</h3>{inner}</section>\n");
    format!("<div class=\"pair\">\n{}{}</div>\n", section(labels.before, before), section(labels.after, after))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(subject: &str, html: &str) -> String {
        let mail = |html: &str| {
            format!(
                "Subject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n"
            )
        };
        let after = html.replace("</p>", "</p><p>NEW</p>");
        let said = Said { code: "rejection", text: "x".to_owned(), text_ja: "不採用通知".to_owned() };
        page(&Comparison::of(mail(html).as_bytes(), mail(&after).as_bytes()), &said, true)
    }

    #[test]
    fn nothing_of_the_mail_becomes_markup_of_the_page() {
        let evil = "<p>a</p></iframe><script>alert(1)</script><img src=x onerror=alert(2)>\"'";
        let page = page_of("</p><script>alert(3)</script>", evil);
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("onerror=alert(2)>\""), "{page}");
        assert_eq!(page.matches("</iframe>").count(), 2);
        assert!(page.contains("<ins>NEW</ins>"), "{page}");
    }

    #[test]
    fn the_page_may_fetch_nothing_and_its_frames_may_do_nothing() {
        let page = page_of("x", "<p>a</p>");
        assert!(page.contains("default-src 'none'") && page.contains("lang=\"ja\"") && page.contains("不採用通知"));
        assert_eq!(page.matches("<iframe sandbox=\"\"").count(), 2);
        assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
    }
}
