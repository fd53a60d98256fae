//! Taken while the next hop fails, then released: ours beside Postfix.

use std::time::{Duration, Instant};

use crate::load::{self, Target};
use crate::next_hop::NextHop;
use crate::options::{Fault, Kind, Options};
use crate::peer::Peer;
use crate::{rate, spread};

/// One round of one peer.
struct Row {
    kind: Kind,
    fault: Fault,
    mails: usize,
    /// Until the last 250.
    taking: Duration,
    /// From the release until the last mail came out.
    leaving: Duration,
    cpu: Duration,
    pss_kib: u64,
    lost: usize,
    doubled: usize,
}

impl Row {
    fn rate(&self) -> f64 {
        rate(self.mails, self.taking + self.leaving)
    }

    /// Seconds for 1000 mails.
    fn cpu(&self) -> f64 {
        1000.0 / rate(self.mails, self.cpu)
    }
}

/// All rounds, the peers in an order that turns with them, and the table.
pub fn run(options: &Options) {
    let mut rows = Vec::new();
    for round in 0..options.rounds {
        for fault in &options.faults {
            let (later, sooner) = options.peers.split_at(round % options.peers.len());
            for kind in sooner.iter().chain(later) {
                let row = measure(options, *kind, *fault);
                println!(
                    "{round} {} {}: {:.0}/s taken, {:.0}/s released, {:.0}/s, CPU s/1000 {:.2}, {} lost, {} twice",
                    fault.name(),
                    kind.name(),
                    rate(row.mails, row.taking),
                    rate(row.mails, row.leaving),
                    row.rate(),
                    row.cpu(),
                    row.lost,
                    row.doubled
                );
                rows.push(row);
            }
        }
    }
    print_table(options, &rows);
}

fn measure(options: &Options, kind: Kind, fault: Fault) -> Row {
    let mut next_hop = NextHop::start();
    let peer = Peer::start(kind, next_hop.port);
    let target = Target { port: peer.port, domain: "candidate.example" };
    let warm = load::tally(200);
    next_hop.count_for(&warm);
    load::send(target, &warm, options.sessions);
    warm.settle();
    next_hop.fail(fault);
    let watch = peer.watch();
    let tally = load::tally(options.mails);
    next_hop.count_for(&tally);
    let taking = load::send(target, &tally, options.sessions);
    peer.wait_until_tried();
    let before = tally.figures().delivered;
    assert_eq!(before, 0, "a next hop that fails takes nothing");
    next_hop.mend();
    let released = Instant::now();
    peer.release();
    let leaving = tally.last_of_all().map_or(Duration::from_hours(1), |last| last - released);
    let used = watch.stop();
    let figures = tally.figures();
    Row {
        kind,
        fault,
        mails: options.mails,
        taking,
        leaving,
        cpu: used.user + used.system,
        pss_kib: used.pss_kib,
        lost: figures.lost,
        doubled: figures.doubled,
    }
}

fn print_table(options: &Options, rows: &[Row]) {
    println!(
        "| next hop | peer | taken/s | released/s | both | x Postfix | CPU s/1000 | x Postfix | MB | lost, twice |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for fault in &options.faults {
        for kind in &options.peers {
            let of = |kind: Kind| rows.iter().filter(move |r| r.kind == kind && r.fault == *fault);
            let pairs = || of(*kind).zip(of(Kind::Postfix));
            let (median, least, most) = spread(of(*kind).map(Row::rate));
            println!(
                "| {} | {} | {:.0} | {:.0} | {median:.0} ({least:.0}-{most:.0}) | {:.1} | {:.2} | {:.2} | {} | {}/{} |",
                fault.name(),
                kind.name(),
                spread(of(*kind).map(|r| rate(r.mails, r.taking))).0,
                spread(of(*kind).map(|r| rate(r.mails, r.leaving))).0,
                spread(pairs().map(|(r, postfix)| r.rate() / postfix.rate())).0,
                spread(of(*kind).map(Row::cpu)).0,
                spread(pairs().map(|(r, postfix)| r.cpu() / postfix.cpu())).0,
                of(*kind).map(|r| r.pss_kib / 1024).max().unwrap_or(0),
                of(*kind).map(|r| r.lost).sum::<usize>(),
                of(*kind).map(|r| r.doubled).sum::<usize>(),
            );
        }
    }
}
