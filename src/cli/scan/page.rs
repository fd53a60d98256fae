//! The scan as one page for the head of HR: prints on A4, fits a phone, runs nothing and loads nothing.

use std::fmt::Write as _;

use super::report::{Report, TemplateRow};
use super::text::{shortened, terms};
use super::words::Words;
use crate::report::markup::{escape, grouped};

/// Templates and reasons on the page; the rest is summed up.
const ROWS_MAX: usize = 6;
/// Months shown as bars: two years.
const MONTHS_MAX: usize = 24;
/// Characters of a sentence that are shown.
const SENTENCE_CHARS_MAX: usize = 90;

const STYLE: &str = "\
:root{color-scheme:light;--ink:#1c2430;--faint:#5b6675;--line:#d9dee6;--page:#eef1f5;--card:#fff;--green:#1d7a4c;\
--soft:#cfe8da;--amber:#8a5a00}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.6 system-ui,\"Hiragino Sans\",\"Noto Sans CJK JP\",\
\"Noto Sans JP\",\"Yu Gothic\",sans-serif;-webkit-print-color-adjust:exact;print-color-adjust:exact}
main{max-width:52rem;margin:1.5rem auto;padding:1.75rem 2rem;background:var(--card);border-radius:10px}
h1{font-size:1.55rem;line-height:1.3;margin:0 0 .3rem;text-wrap:balance}
h2{font-size:1rem;margin:1.5rem 0 .5rem;border-bottom:1px solid var(--line);padding-bottom:.25rem}
p{margin:.3rem 0}
.faint{color:var(--faint);font-size:.875rem}
.figures{display:grid;grid-template-columns:repeat(3,1fr);gap:.75rem;margin:1.1rem 0 .25rem}
.figure{border:1px solid var(--line);border-radius:8px;padding:.6rem .9rem;min-width:0}
.figure b{display:block;font-size:2rem;line-height:1.25;font-variant-numeric:tabular-nums}
.figure span{color:var(--faint);font-size:.875rem}
.figure.main{background:var(--green);border-color:var(--green);color:#fff}
.figure.main span{color:#fff}
.bars{display:flex;align-items:flex-end;gap:3px;height:5.5rem;margin:.5rem 0 0;padding:0;list-style:none}
.bars li{flex:1;min-width:0;display:flex;flex-direction:column;justify-content:flex-end;align-items:center;height:100%}
.bars i{display:block;width:100%;background:var(--green);border-radius:2px 2px 0 0;min-height:1px}
.bars b{font-size:.6875rem;font-weight:400;color:var(--faint);line-height:1.5;white-space:nowrap}
table{border-collapse:collapse;width:100%;font-size:.9375rem}
td,th{padding:.35rem .5rem .35rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th{font-size:.8125rem;color:var(--faint);font-weight:600}
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;width:1%;padding-right:.9rem}
.share{height:.4rem;background:var(--soft);border-radius:3px;margin-top:.3rem}
.share i{display:block;height:100%;background:var(--green);border-radius:3px}
.what{color:var(--green)}
ul.notes{margin:.3rem 0;padding-left:1.2rem;color:var(--faint);font-size:.8125rem}
footer{margin-top:1rem;color:var(--faint);font-size:.8125rem}
@media(max-width:34rem){main{margin:0;border-radius:0;padding:1.1rem}.figures{grid-template-columns:1fr 1fr}\
.figure.main{grid-column:1/-1}h1{font-size:1.3rem}.bars b{font-size:.5625rem}\
.bars li:nth-child(even) b.m{visibility:hidden}}
@page{size:A4;margin:11mm}
@media print{html{font-size:11.5px}body{background:#fff;font-size:1rem;line-height:1.45}\
main{margin:0;padding:0;max-width:none}\
h2{margin:.9rem 0 .3rem}tr,.figure,.bars,li{break-inside:avoid}h2{break-after:avoid}.bars{height:4rem}}
";

/// The page.
pub(super) fn page(report: &Report, words: &Words) -> String {
    let body = if report.rejections == 0 {
        format!("<p>{}</p>\n", words.no_rejection)
    } else {
        let sections = [figures(report, words), months(report, words), templates(report, words)];
        sections.concat() + &held_back(report, words) + &agencies(report, words)
    };
    let period = match (&report.from, &report.until) {
        (Some(from), Some(until)) => {
            format!("{}: {from} – {until} ({} {})", words.period, report.months, words.months)
        }
        _ => String::new(),
    };
    let notes = words.notes.join("</li><li>");
    format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         form-action 'none'; base-uri 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p>{lead}</p>\n\
         <p class=\"faint\">{period}</p>\n{body}<h2>{notes_title}</h2>\n<ul class=\"notes\"><li>{notes}</li></ul>\n\
         <footer>career-relay scan {version} · {made}</footer>\n</main>\n</body>\n</html>\n",
        lang = words.lang,
        title = words.title,
        lead = words.lead,
        notes_title = words.notes_title,
        version = env!("CARGO_PKG_VERSION"),
        made = report.made,
    )
}

fn figures(report: &Report, words: &Words) -> String {
    let figure = |class: &str, number: &str, label: &str| {
        format!("<div class=\"figure{class}\"><b>{number}</b><span>{label}</span></div>\n")
    };
    let slots = if report.remedied.slots > report.now.slots {
        format!("{} → {}", grouped(report.now.slots), grouped(report.remedied.slots))
    } else {
        grouped(report.now.slots)
    };
    let explained = if report.remedied.slots > report.now.slots {
        let gap = if words.in_japanese { "" } else { " " };
        format!("{}{gap}({} → {})", words.slots, words.slots_now, words.slots_remedied)
    } else {
        words.slots.to_owned()
    };
    format!(
        "<div class=\"figures\">\n{}{}{}</div>\n<p class=\"faint\">{}: {} · {}: {} · {} · {}: {}</p>\n",
        figure("", &grouped(report.rejections), words.rejections),
        figure("", &grouped(report.people as u64), words.people),
        figure(" main", &slots, &explained),
        words.mails,
        grouped(report.mails),
        words.given,
        grouped(report.given),
        terms(report, words, &report.now),
        words.unreadable,
        report.unreadable,
    )
}

fn months(report: &Report, words: &Words) -> String {
    let from = report.by_month.len().saturating_sub(MONTHS_MAX);
    let shown = report.by_month.get(from..).unwrap_or_default();
    let most = shown.iter().map(|month| month.rejections).max().unwrap_or(0).max(1);
    if shown.len() < 2 {
        return String::new();
    }
    let bar = |month: &super::report::MonthRow| {
        let height = month.rejections * 62 / most;
        let short = month.month.get(2..).unwrap_or_default().replace('-', "/");
        format!("<li><b>{}</b><i style=\"height:{height}%\"></i><b class=\"m\">{short}</b></li>", month.rejections)
    };
    let bars: String = shown.iter().map(bar).collect();
    format!("<h2>{}: {}</h2>\n<ul class=\"bars\">{bars}</ul>\n", words.by_month, words.rejections)
}

fn templates(report: &Report, words: &Words) -> String {
    let [share, mails, _, states, _] = words.template_head;
    let mut rows = String::new();
    let row = |percent: u64, mails: u64, states: &str| {
        format!(
            "<tr><td class=\"n\">{percent}%</td><td class=\"n\">{}</td><td>{states}<div class=\"share\">\
             <i style=\"width:{percent}%\"></i></div></td></tr>\n",
            grouped(mails)
        )
    };
    for TemplateRow { percent, mails, states, .. } in report.templates.iter().take(ROWS_MAX) {
        let states = escape(&shortened(states, SENTENCE_CHARS_MAX));
        rows += &if words.in_japanese {
            row(*percent, *mails, &format!("「{states}」"))
        } else {
            row(*percent, *mails, &states)
        };
    }
    let left: u64 = report.templates.iter().skip(ROWS_MAX).map(|row| row.mails).sum();
    let others = left + report.of_other_templates;
    if others > 0 {
        rows += &row(others * 100 / report.rejections.max(1), others, words.other_templates);
    }
    format!(
        "<h2>{}</h2>\n<table><tr><th class=\"n\">{share}</th><th class=\"n\">{mails}</th><th>{states}</th></tr>\n\
         {rows}</table>\n",
        words.templates
    )
}

fn held_back(report: &Report, words: &Words) -> String {
    if report.held_back.is_empty() {
        return format!("<h2>{}</h2>\n<p>{}</p>\n", words.held_back, words.nothing_held_back);
    }
    let [mails, why, what] = words.held_back_head;
    let mut rows = String::new();
    for row in report.held_back.iter().take(ROWS_MAX) {
        let (because, remedy) = (row.remedy.why_in(words.in_japanese), row.remedy.what_in(words.in_japanese));
        // Writing to a text cannot fail.
        let _ = writeln!(
            rows,
            "<tr><td class=\"n\">{}</td><td>{}</td><td class=\"what\">{}</td></tr>",
            grouped(row.mails),
            escape(because),
            escape(remedy)
        );
    }
    let left: u64 = report.held_back.iter().skip(ROWS_MAX).map(|row| row.mails).sum();
    if left > 0 {
        let _ = writeln!(rows, "<tr><td class=\"n\">{left}</td><td>{}</td><td></td></tr>", words.more);
    }
    format!(
        "<h2>{}</h2>\n<table><tr><th class=\"n\">{mails}</th><th>{why}</th><th>{what}</th></tr>\n{rows}</table>\n",
        words.held_back
    )
}

fn agencies(report: &Report, words: &Words) -> String {
    if report.agencies.is_empty() {
        return String::new();
    }
    let domains: Vec<String> = report.agencies.iter().take(ROWS_MAX).map(|domain| escape(domain)).collect();
    format!(
        "<h2>{}</h2>\n<p>{}</p>\n<p class=\"faint\">{}</p>\n",
        words.agencies,
        domains.join(", "),
        words.agencies_remedy
    )
}
