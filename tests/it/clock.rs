//! A clock that is set by a year, back or ahead, while the gateway runs and between two runs.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use crate::gateway::{Gateway, wait_for};
use crate::sink::{Act, Sink, Stage};
use crate::smtp::{Client, rejection};

const CANDIDATE: &str = "yamada@candidate.example";
const AHEAD: &str = "+365d";
const BEHIND: &str = "-365d";
const RIGHT: &str = "+0d";

/// A gateway with a clock of its own, and a next hop that takes no mail until it is told to.
struct World {
    gateway: Gateway,
    sink: Sink,
    /// How often the next hop was asked.
    asked: Arc<AtomicUsize>,
    takes: Arc<AtomicBool>,
    began: Instant,
    clock: PathBuf,
}

impl World {
    fn start(set: &str) -> Self {
        let (asked, takes) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (count, may) = (Arc::clone(&asked), Arc::clone(&takes));
        let sink = Sink::scripted(move |at, _| match at {
            Stage::Rcpt if !may.load(Ordering::SeqCst) => {
                count.fetch_add(1, Ordering::SeqCst);
                Act::Say("450 4.2.0 not now")
            }
            _ => Act::GoOn,
        });
        let mut gateway = Gateway::prepare(sink.address, "[retry]\nwaits = [\"1s\"]\n", "127.0.0.0/8");
        let clock = gateway.folder.path().join("clock");
        gateway.variables = vec![
            ("LD_PRELOAD", library()),
            ("FAKETIME_TIMESTAMP_FILE", clock.clone().into()),
            ("FAKETIME_NO_CACHE", "1".into()),
            ("DONT_FAKE_MONOTONIC", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ];
        let mut world = Self { gateway, sink, asked, takes, began: Instant::now(), clock };
        world.set(set);
        world.gateway.run();
        let (code, text) = Client::connect(world.gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE));
        assert_eq!(code, 250, "{text}");
        world
    }

    fn set(&self, set: &str) {
        let fresh = self.clock.with_extension("new");
        fs::write(&fresh, set).expect("a file");
        fs::rename(fresh, &self.clock).expect("the clock");
    }

    fn restart(&mut self, set: &str) {
        self.gateway.kill();
        self.set(set);
        self.gateway.run();
    }

    /// Waits until the next hop was asked twice more, and looks that nobody asked faster than the schedule says.
    fn is_tried_on(&self) {
        let before = self.asked.load(Ordering::SeqCst);
        wait_for("two more attempts", || (self.asked.load(Ordering::SeqCst) >= before + 2).then_some(()));
        let (most, asked) = (self.began.elapsed().as_secs() + 5, self.asked.load(Ordering::SeqCst));
        assert!((asked as u64) < most, "{asked} attempts in {most} seconds");
        assert_eq!(self.gateway.ask_json(&["status"])["spool"]["entries"], 1, "a report, or no mail");
    }

    /// The next hop takes mail again: it gets the one mail and no report, and the referral counts.
    fn arrives(&self) {
        self.takes.store(true, Ordering::SeqCst);
        wait_for("the mail to arrive", || (!self.sink.taken().is_empty()).then_some(()));
        assert_eq!(self.gateway.settled_credits(), 1);
        let to: Vec<_> = self.sink.taken().into_iter().map(|taken| taken.recipients).collect();
        assert_eq!(to, [[CANDIDATE]]);
    }
}

pub fn library() -> OsString {
    let folders = fs::read_dir("/usr/lib").expect("a folder").flatten();
    let files = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    files.into_iter().find(|file| file.exists()).expect("libfaketime; tests/setup installs it").into()
}

#[test]
fn a_clock_set_a_year_ahead_and_back_while_it_runs_returns_no_mail_and_keeps_none() {
    let world = World::start(RIGHT);
    for set in [AHEAD, RIGHT, BEHIND, RIGHT] {
        world.set(set);
        world.is_tried_on();
    }
    world.arrives();
}

#[test]
fn mail_taken_a_year_ahead_goes_out_though_the_clock_is_set_right_at_the_next_start() {
    let mut world = World::start(AHEAD);
    world.restart(RIGHT);
    world.is_tried_on();
    world.arrives();
    assert!(world.gateway.log().contains("the clock was set"), "{}", world.gateway.log());
}

#[test]
fn mail_is_not_given_up_at_a_start_with_a_clock_a_year_ahead() {
    let mut world = World::start(RIGHT);
    world.restart(AHEAD);
    world.is_tried_on();
    world.restart(BEHIND);
    world.is_tried_on();
    world.restart(RIGHT);
    world.is_tried_on();
    world.arrives();
}
