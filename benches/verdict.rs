//! What a verdict costs: processor time of reading and deciding, how that grows with the mail, and what rules and model
//! take to load and to keep. `cargo bench --bench verdict` prints the table and ends with 1 when a limit does not hold.
//!
//! Processor time of this thread, the least of many runs: what else the machine does only adds.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use career_relay::classify::{Audience, Mail, Rules, Verdict, decide};
use career_relay::mail::address::Domain;
use career_relay::mail::message::Message;
use career_relay::mail::view::View;
use career_relay::pipeline::envelope_of;
use rustix::time::{ClockId, clock_gettime};

/// Runs of each measure, of which the least counts.
const RUNS: usize = 21;
/// A run takes at least so long, so that the clock's steps do not matter.
const RUN_MIN: Duration = Duration::from_millis(4);
const KIB: usize = 1024;
/// The least of the doubled HTML mails, and how often it is doubled.
const FROM: usize = 6 * KIB + KIB / 4;
const DOUBLINGS: u32 = 4;
/// How many times as long a mail of twice the size may take.
const GROWTH_MAX: f64 = 2.6;

/// Limits of the design.
const W1_MAX: Duration = Duration::from_micros(60);
const HTML_MAX: Duration = Duration::from_millis(3);
const LOAD_MAX: Duration = Duration::from_millis(20);
const MEMORY_MAX: u64 = 8 * 1024 * 1024;

fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let part = |number: i64| u64::try_from(number).unwrap_or_default();
    Duration::from_secs(part(now.tv_sec)) + Duration::from_nanos(part(now.tv_nsec))
}

/// The least processor time that doing it once took.
fn measure<T>(mut it: impl FnMut() -> T) -> Duration {
    let run = |times: u32, it: &mut dyn FnMut() -> T| {
        let begin = processor_time();
        for _ in 0..times {
            black_box(it());
        }
        processor_time().saturating_sub(begin)
    };
    let mut times = 1;
    while run(times, &mut it) < RUN_MIN {
        times *= 2;
    }
    (0..RUNS).map(|_| run(times, &mut it) / times).min().unwrap_or_default()
}

fn verdict(octets: &[u8], rules: &Rules, audience: &Audience) -> Verdict {
    let message = Message::read(octets);
    let envelope = envelope_of(&message);
    let view = View::read(&message);
    decide(&Mail { envelope: &envelope, message: &message, view: &view, audience }, rules)
}

/// A rejection in HTML as its mailer writes it, of at least so many octets.
fn html(octets: usize) -> Vec<u8> {
    let paragraph = "<tr><td style=\"font-family:sans-serif;font-size:14px;line-height:1.8\"><p>書類は弊社にて責任をもって\
                     廃棄いたします。お問い合わせは<a href=\"https://sakura.example/contact\">こちら</a>まで。</p></td></tr>\r\n";
    let head = "From: saiyo@sakura.example\r\nTo: hanako@candidate.example\r\nSubject: Senko kekka\r\n\
                MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><table>\r\n";
    let said = "<tr><td><p>この度は弊社の求人にご応募いただき、誠にありがとうございました。</p>\r\n<p>慎重に選考いたしました結果、\
                誠に残念ながら今回は採用を見送らせていただくこととなりました。</p></td></tr>\r\n";
    let rows = paragraph.repeat(octets / paragraph.len());
    [head, said, &rows, "</table><p>今後のご活躍をお祈り申し上げます。</p></body></html>\r\n"].concat().into_bytes()
}

/// Octets that the process holds in memory, as the kernel counts them.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or_else(|| panic!("no VmRSS in /proc/self/status")) * 1024
}

/// A line of the table; says whether the limit holds.
fn row(name: &str, took: Duration, most: Option<Duration>) -> bool {
    let holds = most.is_none_or(|most| took <= most);
    let limit = most.map(|most| format!("at most {most:?}{}", if holds { "" } else { ": NOT HELD" }));
    println!("{name:<34} {:>12} {}", format!("{took:.1?}"), limit.unwrap_or_default());
    holds
}

fn main() -> ExitCode {
    let before = resident();
    let rules = Rules::built_in();
    let kept = resident().saturating_sub(before);
    let audience = Audience {
        own_domains: ["example.co.jp", "sakura.example"].iter().filter_map(|name| Domain::parse(name).ok()).collect(),
        ..Audience::default()
    };
    let mut holds = true;
    let w1 = include_bytes!("mails/W1.eml");
    assert!(matches!(verdict(w1, &rules, &audience), Verdict::Rejection(_)), "W1 is decided wrongly");
    holds &= row("W1, view and verdict", measure(|| verdict(black_box(w1), &rules, &audience)), Some(W1_MAX));
    let mut last: Option<Duration> = None;
    for doubling in 0..=DOUBLINGS {
        let octets = FROM << doubling;
        let mail = html(octets);
        assert!(matches!(verdict(&mail, &rules, &audience), Verdict::Rejection(_)), "HTML is decided wrongly");
        let took = measure(|| verdict(black_box(&mail), &rules, &audience));
        let most = (octets == 100 * KIB).then_some(HTML_MAX);
        holds &= row(&format!("HTML of {octets} octets"), took, most);
        let growth = last.map_or(2.0, |last| took.as_secs_f64() / last.as_secs_f64());
        if growth > GROWTH_MAX {
            println!("twice the mail takes {growth:.1} times as long: NOT LINEAR");
            holds = false;
        }
        last = Some(took);
    }
    holds &= row("loading rules and model", measure(Rules::built_in), Some(LOAD_MAX));
    let fits = kept <= MEMORY_MAX;
    println!(
        "{:<34} {:>8} KiB at most 8192 KiB{}",
        "memory of rules and model",
        kept / 1024,
        if fits { "" } else { ": NOT HELD" }
    );
    if holds && fits { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
