//! What all printed pages of ours share: one file that runs nothing and loads nothing, on A4 as on a phone.

use std::fmt::Write;

use super::markup::escape;

const STYLE: &str = "\
:root{color-scheme:light;--ink:#1b2430;--faint:#566070;--line:#d3d9e2;--rule:#1f4e79;--bar:#3c78ad;--soft:#eef3f8}
*{box-sizing:border-box}
body{margin:0;background:#eceff3;color:var(--ink);font:1rem/1.65 \"Hiragino Sans\",\"Hiragino Kaku Gothic ProN\",\
\"Noto Sans JP\",\"Noto Sans CJK JP\",\"Yu Gothic\",\"Meiryo\",IPAPGothic,system-ui,sans-serif;line-break:strict;\
-webkit-print-color-adjust:exact;print-color-adjust:exact}
:lang(en) body{font-family:system-ui,\"Segoe UI\",\"Helvetica Neue\",Arial,\"Liberation Sans\",\"DejaVu Sans\",\
\"Hiragino Sans\",\"Noto Sans JP\",IPAPGothic,sans-serif}
main{max-width:56rem;margin:1.5rem auto;padding:2rem 2.25rem;background:#fff;border-radius:6px}
header{border-bottom:3px solid var(--rule);padding-bottom:.75rem;margin-bottom:1rem}
h1{font-size:1.6rem;line-height:1.3;margin:0 0 .25rem;text-wrap:balance}
h2{font-size:1.05rem;line-height:1.4;margin:1.6rem 0 .4rem;color:var(--rule)}
h3{font-size:.9375rem;margin:.8rem 0 .2rem}
p{margin:.35rem 0}
.who{font-size:1.15rem;font-weight:600}
.who small{font-weight:400;font-size:.875rem;color:var(--faint);margin-left:.6rem}
.faint{color:var(--faint);font-size:.875rem}
.tags{display:flex;flex-wrap:wrap;gap:.35rem;margin:.5rem 0 0;padding:0;list-style:none}
.tags li{border:1px solid var(--line);border-radius:1rem;padding:.05rem .7rem;font-size:.8125rem;color:var(--faint)}
blockquote{margin:.5rem 0;padding:.3rem 0 .3rem .9rem;border-left:3px solid var(--line)}
.figures{display:grid;grid-template-columns:repeat(4,1fr);gap:.7rem;margin:.5rem 0}
.figure{border:1px solid var(--line);border-top:3px solid var(--rule);border-radius:4px;padding:.55rem .8rem;\
min-width:0}
.figure dt{font-size:.875rem}
.figure{display:flex;flex-direction:column}
.figure dd{margin:0}
.figure dd:nth-of-type(1){font-size:1.75rem;line-height:1.3;font-weight:600;font-variant-numeric:tabular-nums;\
overflow-wrap:anywhere}
.figure dd.none{font-size:1.15rem;line-height:2;font-weight:400;color:var(--faint)}
.figure dd:nth-of-type(2){font-size:.75rem;color:var(--faint);line-height:1.45}
table{border-collapse:collapse;width:100%;margin:.3rem 0 .6rem;font-size:.9375rem}
caption{text-align:left;color:var(--faint);font-size:.8125rem;padding-bottom:.25rem}
th,td{padding:.34rem .7rem .34rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
thead th{font-size:.8125rem;color:var(--faint);font-weight:600}
thead th,thead td{border-bottom:2px solid var(--line)}
tbody th{font-weight:400}
tbody th.sub{padding-left:1.1rem}
tr.sum th,tr.sum .n{font-weight:600}
tr.sum th,tr.sum td{background:var(--soft)}
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;width:15%}
.n+.n{width:7%}
.n+.n+.n{width:9%}
.none{color:var(--faint)}
td:last-child,th:last-child{padding-right:0}
td.source{font-size:.8125rem;color:var(--faint)}
.source{width:22%;padding-left:.9rem}
.share{width:13%}
.share i{display:block;height:.6rem;margin-top:.5rem;background:var(--bar)}
ol.method,ul.method{margin:.3rem 0;padding-left:1.3rem;font-size:.875rem}
.method li{margin:.15rem 0}
code,pre{font:.8125rem/1.6 ui-monospace,\"Cascadia Mono\",Consolas,\"Liberation Mono\",monospace;overflow-wrap:anywhere}
pre{white-space:pre-wrap;background:var(--soft);padding:.7rem;margin:.4rem 0}
dl.head{margin:.3rem 0;font-size:.875rem}
dl.head dt{color:var(--faint)}
dl.head dd{margin:0 0 .35rem}
summary{cursor:pointer;font-size:.875rem;color:var(--faint)}
footer{margin-top:1.2rem;border-top:1px solid var(--line);padding-top:.4rem;color:var(--faint);font-size:.8125rem}
@media(max-width:40rem){body{background:#fff}main{margin:0;padding:1.1rem;border-radius:0}h1{font-size:1.3rem}\
.figures{grid-template-columns:1fr 1fr}.figure dd:nth-of-type(1){font-size:1.4rem}.share{display:none}\
th,td{padding-right:.45rem}.n,.n+.n,.n+.n+.n,.source{width:auto}.source{padding-left:.3rem}\
table{font-size:.875rem}thead .n,.n.none{white-space:normal}tbody th.sub{padding-left:.6rem}}
@page{size:A4;margin:12mm 14mm}
@media print{html{font-size:11px}body{background:#fff;line-height:1.35}\
main{margin:0;padding:0;max-width:none;border-radius:0}h2{margin-top:1.2rem;break-after:avoid}\
h3{break-after:avoid}table,.figure,.keep,blockquote,dl.head,li{break-inside:avoid}\
details{display:none}thead{display:table-header-group}\
a{color:inherit;text-decoration:none}}
";

/// A page of a title and what stands below it.
pub fn paper(language: &str, title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         form-action 'none'; base-uri 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escape(title)
    )
}

/// A table: what it is about, the heads of its columns, and its rows. Columns after the first may be of numbers.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    out: String,
}

/// A cell of a [`Grid`].
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    /// Words.
    Text(&'a str),
    /// A number.
    Number(&'a str),
    /// Why there is no number.
    None(&'a str),
    /// Where something comes from.
    Source(&'a str),
    /// A bar of so many percent; nothing is drawn without.
    Share(Option<u64>),
}

impl Grid {
    /// Begins a table. The heads of columns of numbers stand to the right, as the numbers do.
    pub fn new(caption: &str, heads: &[Cell<'_>]) -> Self {
        let mut out = format!("<table>\n<caption>{}</caption>\n<thead>\n<tr>", escape(caption));
        for head in heads {
            let (class, text) = match head {
                Cell::Number(text) => (" class=\"n\"", *text),
                Cell::Share(_) => (" class=\"share\"", ""),
                Cell::Source(text) => (" class=\"source\"", *text),
                Cell::Text(text) | Cell::None(text) => ("", *text),
            };
            let name = if class.contains("share") { "td" } else { "th scope=\"col\"" };
            let end = &name[..2];
            // Writing to a text cannot fail.
            let _ = write!(out, "<{name}{class}>{}</{end}>", escape(text));
        }
        out.push_str("</tr>\n</thead>\n<tbody>\n");
        Self { out }
    }

    /// Adds a row. Its class is `sum`, `sub` (its head is set in) or nothing.
    pub fn row(&mut self, class: &str, head: &str, cells: &[Cell<'_>]) {
        let (row, inner) = match class {
            "sub" => ("", " class=\"sub\""),
            "" => ("", ""),
            _ => (" class=\"sum\"", ""),
        };
        let _ = write!(self.out, "<tr{row}><th scope=\"row\"{inner}>{}</th>", escape(head));
        for cell in cells {
            let _ = match cell {
                Cell::Text(text) => write!(self.out, "<td>{}</td>", escape(text)),
                Cell::Number(text) => write!(self.out, "<td class=\"n\">{}</td>", escape(text)),
                Cell::None(text) => write!(self.out, "<td class=\"n none\">{}</td>", escape(text)),
                Cell::Source(text) => write!(self.out, "<td class=\"source\">{}</td>", escape(text)),
                Cell::Share(Some(percent)) => {
                    write!(self.out, "<td class=\"share\"><i style=\"width:{}%\"></i></td>", percent.min(&100))
                }
                Cell::Share(None) => write!(self.out, "<td class=\"share\"></td>"),
            };
        }
        self.out.push_str("</tr>\n");
    }

    /// Ends it.
    pub fn finish(mut self) -> String {
        self.out.push_str("</tbody>\n</table>\n");
        self.out
    }
}
