//! Clients that are slow, greedy or deaf, and what it costs to have many of them.

use super::*;
use crate::smtp::connection::Connection;

#[tokio::test]
async fn a_client_that_reads_nothing_is_ended() {
    let house = open(Limits { idle_seconds_max: 1, errors_max: 1_000_000, ..Limits::default() }, false, false);
    let mut deaf = Caller::connect(&house).await;
    let noops = "NOOP\r\n".repeat(10_000);
    let ended = loop {
        if let Err(error) = deaf.0.get_mut().write_all(noops.as_bytes()).await {
            break error;
        }
    };
    assert!(matches!(ended.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe), "{ended}");
    assert_eq!(house.counted("session_timeouts"), 1);
}

const MAIL: &str = "MAIL FROM:<hr@sakura.example>\r\n";

#[tokio::test]
async fn a_client_over_its_rate_is_told_to_come_again_and_others_are_not_concerned() {
    let mut plan = Plan::new(Limits { messages_per_client_per_minute: 2, ..Limits::default() });
    plan.settings.xclient_from = vec!["127.0.0.0/8".parse().expect("a network")];
    let house = plan.open();
    let of = |who: &str| format!("EHLO proxy\r\nXCLIENT {who}\r\nEHLO pc\r\n{MAIL}RSET\r\n{MAIL}RSET\r\n{MAIL}");
    let greeted = ["220", "250 SMTPUTF8", "220", "250 SMTPUTF8"];
    for who in ["ADDR=192.0.2.1", "ADDR=192.0.2.2", "ADDR=192.0.2.2 LOGIN=hr", "ADDR=192.0.2.2 LOGIN=ats"] {
        let mut caller = Caller::connect(&house).await;
        caller.say(of(who)).await;
        caller.expect(&greeted).await;
        caller.expect(&["250 2.1.0", "250 2.0.0", "250 2.1.0", "250 2.0.0", "450 4.7.1"]).await;
    }
    assert_eq!(house.counted("rate_limited"), 4);
}

#[tokio::test]
async fn a_company_over_its_rate_is_told_so_by_the_domain_of_its_sender() {
    let house = open(Limits { messages_per_company_per_minute: 1, ..Limits::default() }, false, false);
    let mut caller = Caller::connect(&house).await;
    caller.say(format!("EHLO pc\r\n{MAIL}RSET\r\n{MAIL}MAIL FROM:<a@tsubaki.example>\r\nRSET\r\n")).await;
    caller.expect(&["220", "250 SMTPUTF8", "250 2.1.0", "250 2.0.0", "450 4.7.1", "250 2.1.0", "250 2.0.0"]).await;
    let free = "MAIL FROM:<>\r\nRSET\r\nMAIL FROM:<a@other.test>\r\nRSET\r\n".repeat(3);
    caller.say(free).await;
    caller.expect(&["250 2.1.0", "250 2.0.0"].repeat(6)).await;
}

#[tokio::test]
async fn one_that_waits_takes_little_memory() {
    async fn future(connection: Connection<Notes>) {
        connection.converse().await;
    }
    fn size_of_future<T, F: Future>(_: fn(T) -> F) -> usize {
        size_of::<F>()
    }
    let (connection, future) = (size_of::<Connection<Notes>>(), size_of_future(future));
    println!("connection {connection} octets, its future {future}");
    assert!(connection <= 1024 && future <= 3 * 1024, "{connection} {future}");
}
