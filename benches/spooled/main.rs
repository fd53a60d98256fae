//! Mail that has to wait: `cargo bench --bench spooled -- --help`.
//!
//! Beside Postfix: the next hop puts off or refuses everything while so many mails are taken, then it is well again and
//! the queue is released. And by itself: a hundred thousand mails for a dead destination lie in the spool; what does
//! that cost the others, and how soon is a server that was killed there again?

mod crowd;
mod load;
#[path = "../relay_tls/mail.rs"]
mod mail;
mod next_hop;
mod options;
mod peer;
#[path = "../relay_tls/processes.rs"]
mod processes;
mod release;
#[allow(dead_code, reason = "this bench is in clear and makes no other use of it")]
#[path = "../relay_tls/talk.rs"]
mod talk;
#[allow(dead_code, reason = "this bench is in clear and looks at other times")]
#[path = "../relay_tls/tally.rs"]
mod tally;

use options::Options;

fn main() {
    let Some(options) = Options::from_arguments() else { return };
    if options.mails > 0 {
        release::run(&options);
    }
    if options.waiting > 0 {
        crowd::run(&options);
    }
}

/// Median, least and most.
fn spread(of: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut of: Vec<f64> = of.collect();
    of.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (of.first(), of.last()) else { return (0.0, 0.0, 0.0) };
    (f64::midpoint(of[(of.len() - 1) / 2], of[of.len() / 2]), *least, *most)
}

/// So many in that time, a second.
#[expect(clippy::cast_precision_loss, reason = "a number of mails")]
fn rate(mails: usize, lasting: std::time::Duration) -> f64 {
    mails as f64 / lasting.as_secs_f64().max(1e-6)
}
