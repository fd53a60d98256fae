//! Two thousand mails for a dead destination: a server that is killed beside them is there again for the others,
//! and has lost none.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::gateway::{Gateway, free_port, wait_for};
use crate::sink::Sink;
use crate::smtp::{Client, ordinary};

const WAITING: usize = 2_000;
const OTHER: &str = "yamada@candidate.example";

#[test]
fn others_are_served_beside_many_that_wait_before_and_after_a_kill() {
    let sink = Sink::start();
    let dead =
        format!("[[route]]\nname = \"dead\"\ndomains = [\"dead.example\"]\nnext_hop = \"127.0.0.1:{}\"\n", free_port());
    let dead = dead + "[retry]\nwaits = [\"1h\"]\n";
    let mut gateway = Gateway::start_with(sink.address, &dead);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = Client::connect(gateway.address);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= WAITING {
                        return;
                    }
                    let to = format!("c{number}@dead.example");
                    assert_eq!(client.mail(&[&to], &ordinary(&to)).0, 250);
                }
            });
        }
    });
    let kept = |gateway: &Gateway| gateway.ask_json(&["status"])["spool"]["entries"].as_u64();
    assert_eq!(kept(&gateway), Some(WAITING as u64));
    for sent in 1..4 {
        assert_eq!(Client::connect(gateway.address).mail(&[OTHER], &ordinary(OTHER)).0, 250);
        wait_for("the mail of another", || (sink.taken().len() == sent).then_some(()));
        gateway.kill();
        gateway.run();
    }
    assert_eq!(kept(&gateway), Some(WAITING as u64), "none is lost, and none was made two");
    assert!(sink.taken().iter().all(|taken| taken.recipients == [OTHER]));
    let first = gateway.ask_json(&["spool", "list", "--limit", "1"]);
    assert!(first.to_string().contains("dead"), "{first}");
}
