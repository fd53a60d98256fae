//! Messages that come slowly, on a clock that moves when the test says so.

use std::sync::mpsc;

use tokio::task::yield_now;
use tokio::time::{advance, pause};

use super::*;

/// Ten octets; a tenth of a second's worth.
const LINE: &str = "12345678\r\n";

/// A door that measures, and what keeps its clock still: a paused clock runs ahead whenever nothing else is to do, but
/// not while a thread beside the runtime works.
fn open_on_a_still_clock() -> (House, mpsc::Sender<()>) {
    pause();
    let (still, moving) = mpsc::channel::<()>();
    drop(tokio::task::spawn_blocking(move || moving.recv()));
    (open(Limits { data_octets_per_second_min: 100, ..Limits::default() }, false, false), still)
}

/// Says so many lines of a message in one piece, and waits until the door has them.
async fn say_lines(house: &House, caller: &mut Caller, lines: usize) {
    caller.open_data().await;
    caller.say(LINE.repeat(lines)).await;
    while house.watch.snapshot().gauges["message_octets_held"] == 0 {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_message_that_drips_below_the_least_rate_is_ended_and_one_above_it_is_taken() {
    let (house, _still) = open_on_a_still_clock();
    let mut slow = Caller::connect(&house).await;
    // 330 octets give 3.3 seconds behind the first 30; an idle client has minutes.
    say_lines(&house, &mut slow, 33).await;
    advance(Duration::from_secs(33)).await;
    assert_eq!(house.counted("session_timeouts"), 0);
    advance(Duration::from_secs(1)).await;
    slow.expect(&["421 4.4.2"]).await;
    slow.expect_end().await;
    assert_eq!(house.counted("session_timeouts"), 1);
    let mut steady = Caller::connect(&house).await;
    say_lines(&house, &mut steady, 1200).await;
    advance(Duration::from_secs(149)).await;
    steady.say(".\r\n").await;
    steady.expect(&["250 2.0.0 Taken"]).await;
    assert_eq!(house.notes.messages(), [LINE.repeat(1200)]);
}

#[tokio::test]
async fn chunks_that_come_too_slowly_are_ended_by_the_same_measure() {
    let (house, _still) = open_on_a_still_clock();
    let mut slow = Caller::connect(&house).await;
    slow.say(OPEN).await;
    slow.expect(&["220 relay.example", "250 SMTPUTF8", "250 2.1.0", "250 2.1.5"]).await;
    // From the first chunk on, five seconds apart; each gives no more than a fraction of a second.
    for _ in 0..6 {
        slow.say(format!("BDAT {}\r\n{LINE}", LINE.len())).await;
        slow.expect(&["250 2.0.0"]).await;
        advance(Duration::from_secs(5)).await;
    }
    slow.say(format!("BDAT 1000\r\n{LINE}")).await;
    advance(Duration::from_secs(2)).await;
    slow.expect(&["421 4.4.2"]).await;
    slow.expect_end().await;
    assert!(house.notes.messages().is_empty());
}
