//! The comparison as a page: one file that runs nothing and loads nothing, whatever stands in the mail.
//!
//! Text is escaped. HTML of the mail stands in a frame with every right taken from it, under a policy that lets nothing
//! be fetched; so pictures from elsewhere stay blank.

use super::compare::{Comparison, ShownPart};
use super::{Said, Shown};
use crate::report::markup::escape;

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
.said:not([data-code=rejection]){border-color:var(--faint)}
.subject{color:var(--faint);margin:.25rem 0;overflow-wrap:anywhere}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(24rem,100%),1fr));gap:1rem}
.pair>section{min-width:0}
pre{margin:0;padding:.9rem;background:var(--card);border:1px solid var(--line);border-radius:6px;font:.875rem/1.7 \
ui-monospace,\"Noto Sans Mono CJK JP\",\"MS Gothic\",monospace;white-space:pre-wrap;overflow-wrap:anywhere}
ins{text-decoration:none;background:var(--ins);display:block;border-left:3px solid var(--insline);margin-left:-.9rem;\
padding-left:.7rem;min-height:1.7em}
iframe{width:100%;height:34rem;border:1px solid var(--line);border-radius:6px;background:#fff;color-scheme:light}
.mails{margin:0 0 1rem;padding-left:1.75rem}
.mails a,h2.file{overflow-wrap:anywhere}
.mails small{color:var(--faint)}
article{border-top:1px solid var(--line);margin-top:2.5rem}
h2.file{font-size:1.15rem;margin:1rem 0 .25rem}
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
    inserted: &'static str,
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
    inserted: "with the line",
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
    inserted: "案内の行を挿入",
    footer: "メールは送信していません。外部の画像やスタイルは、この画面では読み込みません。",
};

/// A page in Japanese or English: one mail, or several below a list of them.
pub(super) struct Pages {
    labels: &'static Labels,
    mails: Vec<Shot>,
}

/// One mail of the page.
struct Shot {
    file: String,
    code: &'static str,
    html: String,
}

impl Pages {
    /// A page without a mail yet.
    pub(super) fn new(in_japanese: bool) -> Self {
        Self { labels: if in_japanese { &JA } else { &EN }, mails: Vec::new() }
    }

    /// Adds a mail.
    pub(super) fn add(&mut self, shown: &Shown<'_>) {
        self.add_compared(shown.file.display().to_string(), &shown.comparison(), &shown.said);
    }

    fn add_compared(&mut self, file: String, comparison: &Comparison, said: &Said) {
        let labels = self.labels;
        let text = if labels.lang == "ja" { &said.text_ja } else { &said.text };
        let parts: String = comparison.parts.iter().map(|part| part_of(part, labels)).collect();
        let html = format!(
            "<p class=\"subject\">{}: {}</p>\n<p class=\"said\" data-code=\"{}\">{}</p>\n{parts}",
            labels.subject,
            escape(&comparison.subject),
            escape(said.code),
            escape(text),
        );
        self.mails.push(Shot { file, code: said.code, html });
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        let Self { labels, mails } = self;
        let body = match &mails[..] {
            [only] => only.html.clone(),
            many => {
                let entry = |(n, mail): (usize, &Shot)| {
                    let code = if mail.code == "rejection" { labels.inserted } else { mail.code };
                    let (file, code) = (escape(&mail.file), escape(code));
                    format!("<li><a href=\"#m{n}\">{file}</a> <small>{code}</small></li>\n")
                };
                let list: String = (1..).zip(many).map(entry).collect();
                let mail = |(n, mail): (usize, &Shot)| {
                    format!(
                        "<article id=\"m{n}\">\n<h2 class=\"file\">{}</h2>\n{}</article>\n",
                        escape(&mail.file),
                        mail.html
                    )
                };
                let articles: String = (1..).zip(many).map(mail).collect();
                format!("<ol class=\"mails\">\n{list}</ol>\n{articles}")
            }
        };
        format!(
            "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
             img-src data:; form-action 'none'; base-uri 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n\
             </head>\n<body>\n<main>\n<h1>{title}</h1>\n{body}<footer>{footer}</footer>\n</main>\n</body>\n</html>\n",
            lang = labels.lang,
            title = labels.title,
            footer = labels.footer,
        )
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(count: usize, subject: &str, html: &str) -> String {
        let mail = |html: &str| {
            format!(
                "Subject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n"
            )
        };
        let after = html.replace("</p>", "</p><p>NEW</p>");
        let said = Said { code: "rejection", text: "x".to_owned(), text_ja: "不採用通知".to_owned(), words: None };
        let mut pages = Pages::new(true);
        for _ in 0..count {
            let comparison = Comparison::of(mail(html).as_bytes(), mail(&after).as_bytes());
            pages.add_compared("<mail>.eml".to_owned(), &comparison, &said);
        }
        pages.finish()
    }

    #[test]
    fn nothing_of_the_mail_becomes_markup_of_the_page() {
        let evil = "<p>a</p></iframe><script>alert(1)</script><img src=x onerror=alert(2)>\"'";
        let page = page_of(1, "</p><script>alert(3)</script>", evil);
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("onerror=alert(2)>\""), "{page}");
        assert_eq!(page.matches("</iframe>").count(), 2);
        assert!(page.contains("<ins>NEW</ins>"), "{page}");
    }

    #[test]
    fn the_page_may_fetch_nothing_and_its_frames_may_do_nothing() {
        let page = page_of(1, "x", "<p>a</p>");
        assert!(page.contains("default-src 'none'") && page.contains("lang=\"ja\"") && page.contains("不採用通知"));
        assert_eq!(page.matches("<iframe sandbox=\"\"").count(), 2);
        assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
    }

    #[test]
    fn several_mails_share_a_page_with_a_list_of_them() {
        let page = page_of(3, "x", "<p>a</p>");
        assert_eq!((page.matches("<article id=").count(), page.matches("<iframe").count()), (3, 6));
        assert!(page.contains("<a href=\"#m3\">&lt;mail&gt;.eml</a>") && !page.contains("<mail>"), "{page}");
        assert!(!page_of(1, "x", "<p>a</p>").contains("<article"));
    }
}
