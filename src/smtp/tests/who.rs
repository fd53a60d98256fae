//! Who a client is: by a balancer's word, a proxy's, or its own with a password.

use data_encoding::BASE64;

use super::*;

/// A header of the PROXY protocol, version 2, for a client of this address.
fn proxy_header(ip: [u8; 4]) -> Vec<u8> {
    [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &ip, &[10, 0, 0, 1, 1, 1, 0, 25]].concat()
}

/// A door for balancers on loopback, where 192.0.2.7 alone may relay.
fn behind_balancer(network: &str) -> House {
    let mut plan = Plan::new(Limits::default());
    plan.listener().proxy_from = vec![network.parse().expect("a network")];
    plan.may_relay = |client| client.ip == IpAddr::from([192, 0, 2, 7]);
    plan.open()
}

#[tokio::test]
async fn behind_a_balancer_the_client_counts_that_it_speaks_for() {
    let house = behind_balancer("127.0.0.0/8");
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0".to_vec();
    for (header, answer) in
        [(proxy_header([192, 0, 2, 7]), "250 2.1.5"), (proxy_header([192, 0, 2, 8]), "550 5.7.1"), (local, "550 5.7.1")]
    {
        let mut caller = Caller::connect(&house).await;
        caller.say([&header[..], OPEN.as_bytes()].concat()).await;
        caller.expect(&["220", "250 SMTPUTF8", "250 2.1.0", answer]).await;
    }
}

#[tokio::test]
async fn nobody_but_a_listed_balancer_comes_in_where_one_is_listed() {
    let house = behind_balancer("192.0.2.0/24");
    let mut stranger = Caller::connect(&house).await;
    stranger.expect(&["421 4.7.0"]).await;
    stranger.expect_end().await;
    let house = behind_balancer("127.0.0.0/8");
    let mut without_header = Caller::connect(&house).await;
    without_header.say(OPEN).await;
    without_header.expect_end().await;
    assert_eq!(house.counted("connections_refused"), 1);
}

#[tokio::test]
async fn where_no_balancer_is_listed_its_header_is_garbage() {
    let house = Plan { may_relay: |c| c.ip == IpAddr::from([192, 0, 2, 7]), ..Plan::new(Limits::default()) }.open();
    let mut caller = Caller::connect(&house).await;
    caller.say([&proxy_header([192, 0, 2, 7])[..], OPEN.as_bytes()].concat()).await;
    caller.expect(&["220", "500"]).await;
}

#[tokio::test]
async fn a_listed_proxy_speaks_for_others_and_they_for_nobody() {
    let mut plan = Plan::new(Limits::default());
    plan.settings.xclient_from = vec!["127.0.0.0/8".parse().expect("a network")];
    plan.may_relay = |client| client.user.is_some() || client.ip == IpAddr::from([203, 0, 113, 1]);
    let house = plan.open();
    let mut caller = Caller::connect(&house).await;
    caller.say("EHLO proxy\r\nXCLIENT ADDR=192.0.2.8 LOGIN=hr\r\nEHLO pc\r\nXCLIENT ADDR=203.0.113.1\r\n").await;
    caller.expect(&["220", "250 SMTPUTF8", "220", "250 SMTPUTF8", "550 5.7.0"]).await;
    caller.say(format!("{OPEN}DATA\r\n")).await;
    caller.expect(&["250 SMTPUTF8", "250 2.1.0", "250 2.1.5", "354"]).await;
    caller.say("text\r\n.\r\n").await;
    caller.expect(&["250 2.0.0 Taken"]).await;
    let client = house.notes.client();
    assert_eq!((client.ip, client.user.as_deref(), client.shared), ([192, 0, 2, 8].into(), Some("hr"), false));
    // An address that the proxy does not know gives no right, and a shared one is told as such.
    for (said, answer) in [("ADDR=[UNAVAILABLE]", "550 5.7.1"), ("ADDR=203.0.113.1", "250 2.1.5")] {
        let mut caller = Caller::connect(&house).await;
        caller.say(format!("EHLO proxy\r\nXCLIENT {said}\r\n{OPEN}")).await;
        caller.expect(&["220", "250 SMTPUTF8", "220", "250 SMTPUTF8", "250 2.1.0", answer]).await;
    }
}

#[tokio::test]
async fn a_stranger_speaks_for_nobody() {
    let house = Plan { may_relay: |client| client.user.is_some(), ..Plan::new(Limits::default()) }.open();
    let mut caller = Caller::connect(&house).await;
    caller.say(format!("EHLO pc\r\nXCLIENT ADDR=127.0.0.1 LOGIN=hr\r\n{OPEN}")).await;
    caller.expect(&["220", "250 SMTPUTF8", "550 5.7.0", "250 SMTPUTF8", "250 2.1.0", "550 5.7.1"]).await;
}

fn plain(user: &str, password: &str) -> String {
    format!("AUTH PLAIN {}\r\n", BASE64.encode(format!("\0{user}\0{password}").as_bytes()))
}

#[tokio::test]
async fn a_user_may_relay_and_the_message_knows_him() {
    let papers = super::tls::Papers::new();
    let mut plan = papers.plan(crate::config::DoorTls::Implicit);
    (plan.users, plan.may_relay) = (true, |client: &Client| client.user.is_some());
    plan.listener().auth_required = true;
    let house = plan.open();
    let mut caller = papers.caller(&house).await;
    caller.say(format!("{OPEN}{}{}", plain("busy", "x"), plain("hr", "wrong"))).await;
    caller.expect(&["220", "250 SMTPUTF8", "530 5.7.0", "503", "454 4.7.0", "535 5.7.8"]).await;
    caller.say(format!("{}{OPEN}DATA\r\n", plain("hr", "plum blossom"))).await;
    caller.expect(&["235 2.7.0", "250 SMTPUTF8", "250 2.1.0", "250 2.1.5", "354"]).await;
    caller.say("text\r\n.\r\n").await;
    caller.expect(&["250 2.0.0 Taken"]).await;
    assert_eq!(house.notes.client().user.as_deref(), Some("hr"));
    assert_eq!((house.counted("logins"), house.counted("logins_failed")), (1, 1));
}

#[tokio::test]
async fn after_ten_failed_logins_from_a_network_no_more_are_looked_at() {
    let papers = super::tls::Papers::new();
    let mut plan = papers.plan(crate::config::DoorTls::Implicit);
    plan.users = true;
    let house = plan.open();
    let mut failed = 0;
    while failed < 10 {
        let mut caller = papers.caller(&house).await;
        caller.say("EHLO pc\r\n").await;
        caller.expect(&["220", "250 SMTPUTF8"]).await;
        for answer in ["535 5.7.8", "535 5.7.8", "421 4.7.0"] {
            if failed < 10 {
                caller.say(plain("hr", "wrong")).await;
                caller.expect(&[answer]).await;
                failed += 1;
            }
        }
    }
    let mut caller = papers.caller(&house).await;
    caller.say(format!("EHLO pc\r\n{}", plain("hr", "plum blossom"))).await;
    caller.expect(&["220", "250 SMTPUTF8", "454 4.7.0"]).await;
    assert_eq!((house.counted("logins_failed"), house.counted("logins_blocked")), (10, 1));
}
