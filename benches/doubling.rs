//! Whether anything grows faster than the mail: each kind of mail in doubled sizes, and how many times the time of the
//! size before it takes. 2 is linear, 4 is quadratic. `cargo bench --bench doubling` prints the table of
//! docs/performance.md.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use career_relay::classify::Rules;
use career_relay::config::example_company;
use career_relay::inject::{SignedMail, Target, line_edits};
use career_relay::mail::address::Domain;
use career_relay::mail::message::Message;
use career_relay::mail::view::View;
use career_relay::pipeline::{Client, InForce, Policy, Received, Relaying, envelope_of, process};
use career_relay::referral::CompanyKeys;
use career_relay::referral::link::LinkTemplate;
use career_relay::referral::wording::{Language, LineText, Wording};
use jiff::Timestamp;

/// Sizes of each kind: the first one, doubled so often.
const DOUBLINGS: u32 = 4;
/// The least of so many runs counts: what else the machine does only adds.
const RUNS: usize = 9;

const HEAD: &str = "From: hr@sakura.example\r\nTo: yamada@candidate.example\r\nSubject: Senko\r\nMIME-Version: 1.0\r\n";
const THANKS: &str = "この度は弊社の求人にご応募いただき、誠にありがとうございました。";
const RESULT: &str = "慎重に選考いたしました結果、誠に残念ながら今回は採用を見送らせていただくこととなりました。";
const CLOSING: &str = "今後のご活躍をお祈り申し上げます。";
const FILLER: &str = "書類は弊社にて責任をもって廃棄いたします。";

/// A kind of mail, its smallest size, and how it is made.
struct Kind {
    name: &'static str,
    from: usize,
    mail: fn(usize) -> String,
}

const KINDS: [Kind; 12] = [
    Kind { name: "lines of text", from: 256, mail: |n| plain(&format!("{FILLER}\r\n").repeat(n), "") },
    Kind { name: "characters on a line", from: 8192, mail: |n| plain("", &"あ".repeat(n)) },
    Kind { name: "lines of quotation", from: 256, mail: |n| plain("", &format!("> {FILLER}\r\n").repeat(n)) },
    Kind { name: "levels of quotation", from: 64, mail: |n| plain("", &format!("{} a\r\n", ">".repeat(n)).repeat(n)) },
    Kind { name: "paragraphs of HTML", from: 256, mail: |n| html(&format!("<p>{FILLER}</p>\r\n").repeat(n), "", "") },
    Kind { name: "depth of HTML", from: 30, mail: |n| html("", &"<div>".repeat(n), &"</div>".repeat(n)) },
    Kind { name: "depth of tables", from: 8, mail: |n| html("", &TABLE.0.repeat(n), &TABLE.1.repeat(n)) },
    Kind {
        name: "links in HTML",
        from: 256,
        mail: |n| html(&"<a href=\"https://x.example/\">a</a> ".repeat(n), "", ""),
    },
    Kind { name: "base64 lines of four", from: 512, mail: |n| encoded(&format!("{FILLER}\r\n").repeat(n / 16)) },
    Kind { name: "parts", from: 60, mail: parts },
    Kind { name: "depth of parts", from: 4, mail: nested },
    Kind { name: "header fields", from: 500, mail: |n| format!("{}{}", "X-A: a\r\n".repeat(n), plain("", "")) },
];

const TABLE: (&str, &str) = ("<table><tr><td>", "</td></tr></table>");

fn plain(before: &str, behind: &str) -> String {
    let text = format!("{THANKS}\r\n\r\n{before}\r\n{RESULT}\r\n\r\n{CLOSING}\r\n\r\n{behind}\r\n");
    format!("{HEAD}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}")
}

fn html(before: &str, open: &str, close: &str) -> String {
    let text = format!("<p>{THANKS}</p>{before}{open}<p>{RESULT}</p>\r\n<p>{CLOSING}</p>{close}");
    format!("{HEAD}Content-Type: text/html; charset=utf-8\r\n\r\n{text}\r\n")
}

fn encoded(before: &str) -> String {
    let text = format!("{THANKS}\r\n{before}\r\n{RESULT}\r\n\r\n{CLOSING}\r\n");
    let chars = data_encoding::BASE64.encode(text.as_bytes());
    let lines: Vec<&str> = chars.as_bytes().chunks(4).filter_map(|four| str::from_utf8(four).ok()).collect();
    let fields = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n";
    format!("{HEAD}{fields}\r\n{}\r\n", lines.join("\r\n"))
}

fn parts(n: usize) -> String {
    let (_, text) = plain("", "").split_once(HEAD).map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap_or_default();
    let attached = "--b\r\nContent-Type: image/png; name=a.png\r\n\r\nxx\r\n".repeat(n);
    format!("{HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{text}\r\n{attached}--b--\r\n")
}

fn nested(n: usize) -> String {
    let text = plain("", "").replace(HEAD, "");
    let wrap = |inner: String, level: usize| {
        let boundary = format!("b{level:03}");
        format!(
            "Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n--{boundary}\r\n{inner}\r\n--{boundary}--\r\n"
        )
    };
    [HEAD, &(0..n).fold(text, wrap)].concat()
}

struct Bench {
    policy: Policy,
    wording: Wording,
    template: LinkTemplate,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        let mut company = example_company().unwrap_or_else(|faults| panic!("{faults}"));
        company.sender_domains = Domain::parse("sakura.example").into_iter().collect();
        let keys = CompanyKeys::derive(&[0; 32], &company.id, 1);
        Self {
            policy: Policy::new(vec![InForce { company, keys }], Relaying::default(), Arc::new(Rules::built_in())),
            wording: Wording::default(),
            template: LinkTemplate::parse("https://careerrelay.jp/r/{token}").unwrap_or_else(|e| panic!("{e}")),
            now: Timestamp::from_second(1_790_000_000).unwrap_or_else(|e| panic!("{e}")),
        }
    }

    /// The least time that deciding, and reading and editing behind the result, took together; and whether there is a
    /// line in the end.
    fn measure(&self, mail: &str) -> (Duration, bool) {
        let envelope = envelope_of(&Message::read(mail.as_bytes()));
        let client = Client::at(Ipv4Addr::LOCALHOST.into());
        let received = Received { client, envelope, message: mail.to_owned().into_bytes().into() };
        let mut is_edited = false;
        let times = (0..RUNS).map(|_| {
            let began = Instant::now();
            black_box(process(black_box(&received), &self.policy, self.now));
            is_edited = self.edit(black_box(mail.as_bytes()));
            began.elapsed()
        });
        (times.min().unwrap_or_default(), is_edited)
    }

    fn edit(&self, octets: &[u8]) -> bool {
        let message = Message::read(octets);
        let view = View::read(&message);
        let targets = view.parts.iter().enumerate().filter_map(|(text_part, part)| {
            let result_line = (0..part.lines.len()).find(|i| part.line(*i).contains(RESULT))?;
            Target::at_lines(&view, text_part, result_line, None)
        });
        let targets: Vec<Target> = targets.collect();
        let Ok(url) = self.template.url("sakura-abcdefghijklmnopqrstuvwx23") else { return false };
        let line = LineText { wording: &self.wording, language: Language::Ja, url, template: &self.template };
        line_edits(&message, &view, &targets, &line, SignedMail::Refuse).is_ok()
    }
}

fn main() {
    let bench = Bench::new();
    let sizes = |from: usize| (0..=DOUBLINGS).map(move |n| from << n);
    println!("| what is doubled | sizes | ms | times the size before | line |\n|---|---|---|---|---|");
    for kind in &KINDS {
        let seen: Vec<(Duration, bool)> = sizes(kind.from).map(|n| bench.measure(&(kind.mail)(n))).collect();
        let list = |texts: Vec<String>| texts.join(", ");
        let all_sizes = list(sizes(kind.from).map(|n| n.to_string()).collect());
        let ms = list(seen.iter().map(|(time, _)| format!("{:.2}", time.as_secs_f64() * 1e3)).collect());
        let ratios = seen.windows(2).map(|w| format!("{:.1}", w[1].0.as_secs_f64() / w[0].0.as_secs_f64()));
        let lines = if seen.iter().all(|(_, is_edited)| *is_edited) { "yes" } else { "not in all" };
        println!("| {} | {all_sizes} | {ms} | {} | {lines} |", kind.name, list(ratios.collect()));
    }
}
