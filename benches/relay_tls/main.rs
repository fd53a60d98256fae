//! The relay under TLS on both sides, beside Postfix and beside the ceiling: `cargo bench --bench relay_tls -- --help`.
//!
//! A load generator and a sink of our own, both rustls, in this process. For each round, workload and peer, in an order
//! that turns with the rounds: the ceiling (generator straight to sink), start, warm-up, load, stop. Every mail has an
//! id of its own, so what is lost or doubled is counted. CPU and memory are those of all the peer's processes.

mod load;
mod mail;
mod options;
mod peer;
mod processes;
mod sink;
mod table;
mod talk;
mod tally;
mod tls;

use std::time::Duration;

use load::{Load, Target};
use options::{Options, Workload};
use peer::{Kind, Peer};
use sink::Sink;
use table::Row;
use tls::Tls;

fn main() {
    let Some(options) = Options::from_arguments() else { return };
    let tls = Tls::make();
    let sink = Sink::start(&tls);
    let mut rows = Vec::new();
    for round in 0..options.rounds {
        for workload in &options.workloads {
            let turn = round % options.peers.len();
            let (later, sooner) = options.peers.split_at(turn);
            for kind in sooner.iter().chain(later) {
                let row = measure(&options, *workload, *kind, (&tls, &sink));
                println!("round {round} {}: {row}", workload.name());
                rows.push(row);
            }
        }
    }
    for kind in &options.peers {
        println!("- {}: {}", kind.name(), kind.version());
    }
    println!("{}", table::of(&rows));
}

/// One round of one peer on one workload.
fn measure(options: &Options, workload: Workload, kind: Kind, (tls, sink): (&Tls, &Sink)) -> Row {
    let to_sink = Load::new(workload, tls, Target { port: sink.port, implicit: false });
    let ceiling = to_sink.run(sink, options.sessions, 100);
    let ceiling = to_sink.run(sink, options.sessions, mails(ceiling.rate(), options.seconds / 2));
    let peer = Peer::start(kind, tls, sink.port, options.implicit);
    let through = Load::new(workload, tls, Target { port: peer.port, implicit: options.implicit });
    let warm = through.run(sink, options.sessions, 100);
    let warm = through.run(sink, options.sessions, mails(warm.rate(), Duration::from_millis(500)));
    let watched = peer.watch();
    let load = through.run(sink, options.sessions, mails(warm.rate(), options.seconds));
    let used = watched.stop();
    let unmatched = peer.uncounted(100 + warm.mails + load.mails);
    Row { workload, kind, ceiling: ceiling.rate(), load, used, unmatched }
}

/// How many mails last for so long at that rate; at least some.
fn mails(rate: f64, lasting: Duration) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is neither huge nor negative")]
    let mails = (rate * lasting.as_secs_f64()) as usize;
    mails.clamp(100, 100_000)
}
