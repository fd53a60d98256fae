//! The pump: everything in the outbox reaches the ledger once, through failures on either side.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::spool::{Spool, SpoolOptions, Write};
use crate::store::{Outbox, Pump, PumpOptions};

/// An outbox in memory that can be told to fail.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Page>>);

#[derive(Default)]
struct Page {
    rows: Vec<OutboxRow>,
    marked: u64,
    broken: bool,
}

impl Paper {
    fn add(&self, events: Vec<ReferralEvent>) {
        let mut page = self.0.lock().expect("the page");
        for event in events {
            let seq = page.rows.len() as u64 + 1;
            page.rows.push(OutboxRow { seq, event });
        }
    }

    fn page<T>(&self, look: impl FnOnce(&mut Page) -> T) -> T {
        look(&mut self.0.lock().expect("the page"))
    }
}

impl Outbox for Paper {
    async fn rows_after(&self, seq: u64, limit: usize) -> Result<Vec<OutboxRow>, String> {
        let behind = |page: &mut Page| page.rows.iter().filter(|r| r.seq > seq).take(limit).cloned().collect();
        Ok(self.page(behind))
    }

    async fn mark_posted(&self, up_to_seq: u64, _: Timestamp, _: Option<Timestamp>) -> Result<(), String> {
        let mark = |page: &mut Page| (!page.broken).then(|| page.marked = up_to_seq).ok_or("broken".to_owned());
        self.page(mark)
    }
}

fn options() -> PumpOptions {
    PumpOptions { batch_rows: 3, period: Duration::from_hours(1), ..PumpOptions::default() }
}

fn contacts<P: Place>(ledger: &Ledger<P>, numbers: std::ops::Range<u32>) -> Vec<ReferralEvent> {
    let of = |n| ledger.contact("kaede", &format!("c{n}@mail.example"), 0, Proves::Delivered);
    numbers.map(of).collect()
}

async fn counted(store: &impl super::super::Ledger) -> u64 {
    let balances = store.balance(&company("kaede")).await.expect("a balance");
    balances.first().map_or(0, |b| b.pool.counted)
}

pub fn what_is_in_the_outbox_is_in_the_ledger_after_a_flush<P: Place>() {
    let ledger = Ledger::<P>::begin(&["kaede"], contract(1, 10, CountOn::Delivered));
    let paper = Paper::default();
    paper.add(contacts(&ledger, 0..11));
    wait(async {
        let pump = Pump::start(paper.clone(), ledger.store.clone(), options());
        pump.flush().await.expect("a flush");
        assert_eq!(counted(&ledger.store).await, 11);
        // The ring of the grant is kept for whoever listens later.
        pump.granted().notified().await;
        paper.add(contacts(&ledger, 11..12));
        let mut health = pump.health();
        pump.wake();
        health.wait_for(|h| h.posted_up_to == 12).await.expect("the pump");
        assert_eq!(counted(&ledger.store).await, 12);
    });
    assert_eq!(paper.page(|p| p.marked), 12);
}

pub fn a_mark_that_fails_counts_nothing_twice<P: Place>() {
    let ledger = Ledger::<P>::begin(&["kaede"], contract(1, 10, CountOn::Delivered));
    let paper = Paper::default();
    paper.add(contacts(&ledger, 0..5));
    paper.page(|p| p.broken = true);
    wait(async {
        let pump = Pump::start(paper.clone(), ledger.store.clone(), options());
        assert_eq!(pump.flush().await, Err("broken".to_owned()));
        assert!(pump.health().borrow().last_error.is_some());
        paper.page(|p| p.broken = false);
        pump.flush().await.expect("a flush");
        assert_eq!(counted(&ledger.store).await, 5);
        assert_eq!(pump.health().borrow().last_error, None);
    });
}

pub fn an_outbox_that_began_anew_is_read_from_its_beginning<P: Place>() {
    let ledger = Ledger::<P>::begin(&["kaede"], contract(1, 10, CountOn::Delivered));
    for numbers in [0..5, 20..26] {
        let paper = Paper::default();
        paper.add(contacts(&ledger, numbers));
        let flush = async { Pump::start(paper.clone(), ledger.store.clone(), options()).flush().await };
        wait(flush).expect("a flush");
    }
    assert_eq!(wait(counted(&ledger.store)), 11);
}

pub fn a_ledger_from_an_older_copy_gets_the_rows_again<P: Place>() {
    let mut ledger = Ledger::<P>::begin(&["kaede"], contract(1, 10, CountOn::Delivered));
    let paper = Paper::default();
    paper.add(contacts(&ledger, 0..5));
    let flush = async { Pump::start(paper.clone(), ledger.store.clone(), options()).flush().await };
    wait(flush).expect("a flush");
    let other = Ledger::<P>::begin(&["kaede"], contract(1, 10, CountOn::Delivered));
    ledger.store = other.store.clone();
    let flush = async { Pump::start(paper.clone(), ledger.store.clone(), options()).flush().await };
    wait(flush).expect("a flush");
    assert_eq!(wait(counted(&other.store)), 5);
}

#[test]
fn the_spool_is_such_an_outbox() {
    let ledger = Ledger::open(&["kaede"], contract(1, 10, CountOn::Delivered));
    wait(async {
        let spool = Spool::open(ledger.dir.path(), SpoolOptions::default()).expect("a spool");
        let writes = contacts(&ledger, 0..11).into_iter().map(Write::Outbox).collect();
        spool.commit(writes).await.expect("a commit");
        let pump = Pump::start(spool.clone(), ledger.store.clone(), options());
        pump.flush().await.expect("a flush");
        assert_eq!(counted(&ledger.store).await, 11);
        assert_eq!(spool.summary().await.map(|s| s.unposted), Ok(0));
    });
}
