//! Mail to the servers of each recipient's domain: which of them is asked, who waits for whom, what is refused.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::names::Names;
use super::next_hop::Kind;
use super::*;

/// Delivery by MX lookup, and a few servers on one port of loopback.
struct Net {
    names: Arc<Names>,
    spool: Spool,
    deliver: Deliver,
    servers: Vec<NextHop>,
    _folder: tempfile::TempDir,
}

/// Listeners at 127.0.0.2, 127.0.0.3 and so on, all on one port.
async fn listeners(count: u8) -> Vec<TcpListener> {
    loop {
        let first = TcpListener::bind("127.0.0.2:0").await.expect("a port");
        let port = first.local_addr().expect("its address").port();
        let mut all = vec![first];
        for last in 3..2 + count {
            all.extend(TcpListener::bind(SocketAddr::from(([127, 0, 0, last], port))).await);
        }
        if all.len() == usize::from(count) {
            return all;
        }
    }
}

impl Net {
    /// As many servers as there are scripts, at 127.0.0.2 and on; the last address is nobody's.
    async fn with(scripts: &[&[(Stage, Act)]], change: impl FnOnce(&mut Settings)) -> Self {
        let listeners = listeners(u8::try_from(scripts.len()).expect("a few")).await;
        let port = listeners[0].local_addr().expect("its address").port();
        let start =
            |(listener, script): (TcpListener, &&[(Stage, Act)])| NextHop::on(listener, Kind::default(), script);
        let servers: Vec<NextHop> = listeners.into_iter().zip(scripts).map(start).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::open(folder.path(), SpoolOptions::default()).expect("a spool");
        let mut settings = settings(&servers[0]);
        settings.routes[0].next_hop = Target::Mx { port };
        change(&mut settings);
        let names = Arc::new(Names::default());
        let around = Surroundings { names: Arc::clone(&names) as _, ..Surroundings::new(Watch::new()) };
        let deliver = Deliver::start_among(spool.clone(), settings, around);
        Self { names, spool, deliver, servers, _folder: folder }
    }

    async fn hand_through(&self, recipients: &[&str]) -> String {
        told(&self.deliver.hand_through(&job(recipients)).await)
    }

    /// Takes mails into custody, the first of its recipients naming the entry.
    async fn store(&self, mails: &[&[&str]]) {
        let writes = mails.iter().enumerate().filter_map(|(n, recipients)| {
            let mut job = job(recipients);
            job.id = EntryId::parse(&format!("mail-{n}")).expect("an id");
            self.deliver.write_to_store(&[job], clock::now())
        });
        self.spool.commit(writes.collect()).await.expect("a commit");
        self.deliver.wake();
    }

    async fn wait_until_left(&self, entries: u64) {
        while self.spool.summary().await.expect("a summary").entries > entries {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

const TWO: &[&str] =
    &["x.example MX 10 a.example", "x.example MX 20 b.example", "a.example A 127.0.0.2", "b.example A 127.0.0.3"];
const TAKEN: &str = "accepted 250 taken";

#[tokio::test]
async fn the_best_server_takes_it_and_reports_name_it() {
    let net = Net::with(&[&[], &[]], |_| ()).await;
    net.names.set(TWO);
    let handed = net.deliver.hand_through(&job(&["a@x.example", "b@x.example"])).await;
    assert_eq!(told(&handed), format!("{TAKEN}, {TAKEN}"));
    let HandThrough::Settled(settled) = handed else { panic!("not settled") };
    assert_eq!((settled.next_hop.as_str(), settled.route.as_str()), ("a.example", "main"));
    assert_eq!(net.servers[1].connections(), 0);
}

#[tokio::test]
async fn a_server_that_does_not_serve_is_passed_over_and_not_asked_first_again() {
    for act in [Act::Reply("421 busy"), Act::Reply("554 go away"), Act::Drop] {
        let net =
            Net::with(&[&[(Stage::Greet, act.clone())], &[]], |s| s.deliver.messages_per_connection_max = 1).await;
        net.names.set(TWO);
        for _ in 0..2 {
            assert_eq!(net.hand_through(&["a@x.example"]).await, TAKEN, "{act:?}");
        }
        let taken: Vec<_> = net.servers.iter().map(|s| s.messages().len()).collect();
        assert_eq!((taken, net.servers[0].connections()), (vec![0, 2], 1), "{act:?}");
    }
}

#[tokio::test]
async fn a_silent_server_costs_half_of_what_the_client_waits() {
    let net = Net::with(&[&[(Stage::Greet, Act::Stall)], &[]], |s| s.custody.hand_through_for = 4 * STALL_FOR).await;
    net.names.set(TWO);
    assert_eq!(net.hand_through(&["a@x.example"]).await, TAKEN);
    assert_eq!(net.servers[1].messages().len(), 1);
}

#[tokio::test]
async fn a_refusal_of_the_recipient_is_final_whoever_else_there_is() {
    let net = Net::with(&[&[(Stage::Rcpt, Act::Reply("550 5.1.1 nobody"))], &[]], |_| ()).await;
    net.names.set(TWO);
    assert_eq!(net.hand_through(&["a@x.example"]).await, "refused 550 5.1.1 nobody");
    assert_eq!(net.servers[1].connections(), 0);
}

#[tokio::test]
async fn what_has_no_server_ever_is_refused_at_once_and_in_custody_reported() {
    let net = Net::with(&[&[]], |_| ()).await;
    let sender = ["sakura.example MX 1 a.example", "a.example A 127.0.0.2"];
    net.names.set(&[&sender[..], &["null.example MX 0 ."]].concat());
    assert_eq!(net.hand_through(&["a@null.example"]).await, "refused 556 5.1.10 This domain takes no mail");
    assert_eq!(net.hand_through(&["a@nowhere.example"]).await, "refused 550 5.1.2 This domain does not exist");
    assert!(net.hand_through(&["a@[127.0.0.2]"]).await.starts_with("refused 550 5.1.3 "));
    net.store(&[&["a@null.example"]]).await;
    net.wait_until_left(0).await;
    let report = String::from_utf8_lossy(&net.servers[0].messages()[0]).into_owned();
    assert!(report.contains("Status: 5.1.10\r\n") && report.contains("a@null.example"), "{report}");
    assert!(!report.contains("Remote-MTA"), "{report}");
}

#[tokio::test]
async fn an_address_literal_is_a_server_where_the_route_takes_it() {
    let net = Net::with(&[&[]], |s| s.routes[0].literals = true).await;
    assert_eq!(net.hand_through(&["a@[127.0.0.2]"]).await, TAKEN);
}

#[tokio::test]
async fn names_that_cannot_be_told_put_the_mail_off_until_they_can() {
    let net = Net::with(&[&[]], |_| ()).await;
    net.names.set(&["x.example FAILS"]);
    assert_eq!(net.hand_through(&["a@x.example"]).await, "spool next_hop_down");
    net.store(&[&["a@x.example"]]).await;
    let id = EntryId::parse("mail-0").expect("an id");
    let reply = loop {
        let entry = net.spool.load(&id).await.expect("a spool").expect("an entry");
        if let Some(reply) = &entry.recipients[0].last_reply {
            break reply.clone();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert!(reply.starts_with("451 4.4.3 "), "{reply}");
    net.names.set(&["x.example MX 1 a.example", "a.example A 127.0.0.2"]);
    net.wait_until_left(0).await;
    assert_eq!(net.servers[0].messages().len(), 1);
}

#[tokio::test]
async fn a_mail_to_two_domains_goes_to_each_once() {
    let net = Net::with(&[&[], &[]], |_| ()).await;
    net.names.set(&["x.example A 127.0.0.2", "y.example A 127.0.0.3"]);
    let to = ["a@x.example", "b@y.example", "c@x.example"];
    assert_eq!(net.hand_through(&to).await, "spool several_next_hops");
    net.store(&[&to]).await;
    net.wait_until_left(0).await;
    let rcpts = |n: usize| net.servers[n].commands().matches("RCPT").count();
    assert_eq!((rcpts(0), rcpts(1)), (2, 1));
    assert_eq!((net.servers[0].messages().len(), net.servers[1].messages().len()), (1, 1));
}

#[tokio::test]
async fn a_destination_that_does_not_answer_is_probed_now_and_then_and_holds_up_no_other() {
    let net = Net::with(&[&[]], |_| ()).await;
    net.names.set(&["dead.example A 127.0.0.3", "live.example A 127.0.0.2"]);
    let dead = ["a@dead.example"];
    let live = ["a@live.example"];
    let mails: Vec<&[&str]> = (0..1000).map(|n| if n % 100 == 99 { &live[..] } else { &dead[..] }).collect();
    net.store(&mails).await;
    net.servers[0].wait_for_messages(10).await;
    let deferred = net.deliver.counted().deferred;
    assert!((1..100).contains(&deferred), "{deferred} attempts at a dead destination");
    net.wait_until_left(990).await;
}

#[tokio::test]
async fn mail_for_a_destination_that_comes_back_goes_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.9:0").expect("a port");
    let at = listener.local_addr().expect("its address");
    drop(listener);
    let net = Net::with(&[&[]], |s| s.routes[0].next_hop = Target::Mx { port: at.port() }).await;
    net.names.set(&["x.example A 127.0.0.9"]);
    let to = ["a@x.example"];
    net.store(&[&to[..]; 50]).await;
    while net.deliver.counted().deferred == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let back = NextHop::on(TcpListener::bind(at).await.expect("the port"), Kind::default(), &[]);
    net.wait_until_left(0).await;
    assert_eq!(back.messages().len(), 50);
}

#[tokio::test]
async fn mail_whose_time_is_over_is_reported_though_its_destination_is_left_alone() {
    let net = Net::with(&[&[]], |s| s.retry.give_up_after = Duration::from_millis(300)).await;
    net.names.set(&["dead.example A 127.0.0.3", "sakura.example A 127.0.0.2"]);
    let to = ["a@dead.example"];
    net.store(&[&to[..]; 20]).await;
    net.wait_until_left(0).await;
    assert_eq!(net.servers[0].messages().len(), 20);
}

#[tokio::test]
async fn a_route_sends_no_more_mails_a_minute_than_it_may() {
    let net = Net::with(&[&[]], |s| s.routes[0].rate_per_minute = Some(60)).await;
    net.names.set(&["x.example A 127.0.0.2", "y.example A 127.0.0.2"]);
    let mut handed = Vec::new();
    for _ in 0..7 {
        handed.push(net.hand_through(&["a@x.example"]).await);
    }
    let taken = handed.iter().filter(|h| *h == TAKEN).count();
    assert_eq!((taken, handed[6].as_str()), (6, "spool slowed"));
    assert_eq!(net.hand_through(&["a@y.example"]).await, TAKEN);
    net.store(&[&["a@x.example"]]).await;
    net.wait_until_left(0).await;
    assert_eq!(net.servers[0].messages().len(), 8);
}
