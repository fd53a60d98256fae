//! A hundred thousand mails for one dead destination: what they cost the others, and a start after SIGKILL.

use std::time::{Duration, Instant};

use crate::load::{self, Target};
use crate::next_hop::NextHop;
use crate::options::{Kind, Options};
use crate::peer::Peer;
use crate::{rate, spread};

/// Mails for those who live, in one round of one server.
const LIVELY: usize = 5_000;

/// Fills the spool of one server, leaves that of another empty, and compares them.
pub fn run(options: &Options) {
    let next_hop = NextHop::start();
    let mut full = Peer::start(Kind::CareerRelay, next_hop.port);
    let mut empty = Peer::start(Kind::CareerRelay, next_hop.port);
    let tally = load::tally(options.waiting);
    let taking = load::send(Target { port: full.port, domain: "dead.example" }, &tally, options.sessions);
    println!("{} mails for a dead destination taken at {:.0}/s", full.kept(), rate(options.waiting, taking));
    let mut rates = Vec::new();
    for round in 0..options.rounds {
        let (mut of_full, mut of_empty) = (0.0, 0.0);
        for turn in [round % 2, 1 - round % 2] {
            let (peer, rate) = if turn == 0 { (&full, &mut of_full) } else { (&empty, &mut of_empty) };
            *rate = lively(options, peer, &next_hop);
        }
        println!("round {round}: {of_full:.0}/s beside the waiting ones, {of_empty:.0}/s without");
        rates.push((of_full, of_empty));
    }
    let (ratio, least, most) = spread(rates.iter().map(|(full, empty)| full / empty));
    println!(
        "mail of others beside {} that wait: {ratio:.2} times ({least:.2}-{most:.2}) of that without",
        options.waiting
    );
    for (name, peer) in [("without", &mut empty), ("beside", &mut full)] {
        let starts: Vec<f64> =
            (0..options.rounds).map(|_| start_anew(peer, &next_hop).as_secs_f64() * 1000.0).collect();
        let (median, least, most) = spread(starts.into_iter());
        println!("start after SIGKILL {name} them, until others get a mail: {median:.0} ms ({least:.0}-{most:.0})");
    }
    println!("{} still wait", full.kept());
}

fn lively(options: &Options, peer: &Peer, next_hop: &NextHop) -> f64 {
    let tally = load::tally(LIVELY);
    next_hop.count_for(&tally);
    load::send(Target { port: peer.port, domain: "candidate.example" }, &tally, options.sessions);
    tally.settle();
    let figures = tally.figures();
    assert_eq!((figures.lost, figures.doubled), (0, 0), "nothing is lost or doubled");
    figures.rate()
}

/// From the start of the process until a mail has come out; killed before with mails under way.
fn start_anew(peer: &mut Peer, next_hop: &NextHop) -> Duration {
    let target = Target { port: peer.port, domain: "candidate.example" };
    let before = load::tally(200);
    load::send(target, &before, 20);
    peer.kill();
    let tally = load::tally(1);
    next_hop.count_for(&tally);
    let began = Instant::now();
    peer.start_again();
    while std::net::TcpStream::connect(("127.0.0.1", peer.port)).is_err() {
        std::thread::sleep(Duration::from_millis(1));
    }
    load::send(target, &tally, 1);
    tally.last_of_all().map_or(Duration::from_hours(1), |last| last - began)
}
