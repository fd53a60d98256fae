//! The plot of cost against size, and the place of the table in the document.

use std::fmt::Write;

use super::Fault;

/// What one referral costs when the ledger has come so far.
pub struct Point {
    /// Referrals in it.
    pub referrals: f64,
    /// Microseconds for each of the last ones.
    pub micros: f64,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 40.0;
const TOP: f64 = 28.0;
const RIGHT: f64 = 20.0;

/// Draws them: size on a logarithmic scale, cost from 0.
pub fn draw(points: &[Point]) -> String {
    let decades = (3.0, points.iter().map(|p| p.referrals.log10()).fold(4.0, f64::max).ceil());
    let most = nice(points.iter().map(|p| p.micros).fold(1.0, f64::max));
    let x = |referrals: f64| LEFT + (referrals.log10() - decades.0) / (decades.1 - decades.0) * (WIDTH - LEFT - RIGHT);
    let y = |micros: f64| HEIGHT - BOTTOM - micros / most * (HEIGHT - BOTTOM - TOP);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"16\" fill=\"#333\">microseconds per referral, by referrals in the ledger</text>\n"
    );
    for step in 0..=4 {
        let micros = most / 4.0 * f64::from(step);
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {0:.1}H{1}\" stroke=\"#ddd\"/><text x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\" \
             fill=\"#333\">{micros}</text>",
            y(micros),
            WIDTH - RIGHT,
            LEFT - 8.0,
            y(micros) + 4.0
        );
    }
    for (size, name) in [(1e3, "1,000"), (1e4, "10,000"), (1e5, "100,000"), (1e6, "1 million"), (1e7, "10 million")] {
        if f64::log10(size) <= decades.1 {
            let text = HEIGHT - BOTTOM + 20.0;
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{text}\" text-anchor=\"middle\" fill=\"#333\">{name}</text>",
                x(size)
            );
        }
    }
    let line: Vec<String> = points.iter().map(|p| format!("{:.1},{:.1}", x(p.referrals), y(p.micros))).collect();
    let _ =
        writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"#1f5f9f\" stroke-width=\"2\"/>", line.join(" "));
    for p in points {
        let (x, y) = (x(p.referrals), y(p.micros));
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"#1f5f9f\"/>");
    }
    svg + "</svg>\n"
}

/// The next number above that divides well by four.
fn nice(micros: f64) -> f64 {
    let steps = [20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 160.0, 200.0, 400.0, 800.0];
    steps.into_iter().find(|step| *step >= micros * 1.1).unwrap_or((micros * 1.2).ceil())
}

const FROM: &str = "<!-- measured by `cargo bench --bench ledger` -->\n";
const TO: &str = "<!-- until here -->\n";
const PLOT: &str = "![Microseconds per referral, by referrals in the ledger](ledger-cost.svg)\n";

/// The document with another table between its marks.
pub fn replace_table(document: &str, table: &str) -> Result<String, Fault> {
    let (before, rest) = document.split_once(FROM).ok_or("docs/ledger.md has lost the mark in front of the table")?;
    let (_, behind) = rest.split_once(TO).ok_or("docs/ledger.md has lost the mark behind the table")?;
    Ok(format!("{before}{FROM}\n{table}\n{PLOT}\n{TO}{behind}"))
}
