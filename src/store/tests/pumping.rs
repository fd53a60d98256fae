//! The pump: everything in the outbox reaches the ledger once, through failures on either side.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
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
    fn add(&self, event: ReferralEvent) {
        let mut page = self.0.lock().expect("the page");
        let seq = page.rows.len() as u64 + 1;
        page.rows.push(OutboxRow { seq, event });
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
    PumpOptions { batch_rows: 3, period: Duration::from_secs(3600), ..PumpOptions::default() }
}

fn contacts(ledger: &Ledger, numbers: std::ops::Range<u32>) -> Vec<ReferralEvent> {
    let of = |n| ledger.contact("kaede", &format!("c{n}@mail.example"), 0, Proves::Delivered);
    numbers.map(of).collect()
}

async fn counted(store: &Store) -> u64 {
    let balances = store.balance(&company("kaede")).await.expect("a balance");
    balances.first().map_or(0, |b| b.pool.counted)
}

#[test]
fn what_is_in_the_outbox_is_in_the_ledger_after_a_flush() {
    let ledger = Ledger::open(&["kaede"], contract(1, 10, CountOn::Delivered));
    let paper = Paper::default();
    contacts(&ledger, 0..11).into_iter().for_each(|e| paper.add(e));
    wait(async {
        let pump = Pump::start(paper.clone(), ledger.store.clone(), options());
        pump.flush().await.expect("a flush");
        assert_eq!(counted(&ledger.store).await, 11);
        // The ring of the grant is kept for whoever listens later.
        pump.granted().notified().await;
        paper.add(contacts(&ledger, 11..12).remove(0));
        let mut health = pump.health();
        pump.wake();
        health.wait_for(|h| h.posted_up_to == 12).await.expect("the pump");
        assert_eq!(counted(&ledger.store).await, 12);
    });
    assert_eq!(paper.page(|p| p.marked), 12);
}

#[test]
fn a_mark_that_fails_counts_nothing_twice() {
    let ledger = Ledger::open(&["kaede"], contract(1, 10, CountOn::Delivered));
    let paper = Paper::default();
    contacts(&ledger, 0..5).into_iter().for_each(|e| paper.add(e));
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

#[test]
fn an_outbox_that_began_anew_is_read_from_its_beginning() {
    let ledger = Ledger::open(&["kaede"], contract(1, 10, CountOn::Delivered));
    for numbers in [0..5, 20..26] {
        let paper = Paper::default();
        contacts(&ledger, numbers).into_iter().for_each(|e| paper.add(e));
        let flush = async { Pump::start(paper.clone(), ledger.store.clone(), options()).flush().await };
        wait(flush).expect("a flush");
    }
    assert_eq!(wait(counted(&ledger.store)), 11);
}

#[test]
fn a_ledger_from_an_older_copy_gets_the_rows_again() {
    let mut ledger = Ledger::open(&["kaede"], contract(1, 10, CountOn::Delivered));
    let paper = Paper::default();
    contacts(&ledger, 0..5).into_iter().for_each(|e| paper.add(e));
    let flush = async { Pump::start(paper.clone(), ledger.store.clone(), options()).flush().await };
    wait(flush).expect("a flush");
    let other = Ledger::open(&["kaede"], contract(1, 10, CountOn::Delivered));
    ledger.store = other.store.clone();
    let flush = async { Pump::start(paper.clone(), ledger.store.clone(), options()).flush().await };
    wait(flush).expect("a flush");
    assert_eq!(wait(counted(&other.store)), 5);
}
