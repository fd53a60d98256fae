//! Companies of one group that earn their slots together: one file, one key, one pool.

use crate::gateway::Gateway;
use crate::sink::Sink;
use crate::smtp::{Client, has_link, rejection};

/// A rejection by another company of the group: its own sender, its own mail.
fn of_foods(to: &str) -> Vec<u8> {
    let text = String::from_utf8(rejection(to)).expect("a text");
    let text =
        text.replace("sakura.example", "sakura-foods.example").replace("株式会社サクラ商事", "サクラ食品株式会社");
    text.replace("Message-ID: <", "Message-ID: <foods.").into_bytes()
}

#[test]
fn a_person_of_whom_two_companies_of_a_file_write_counts_once_and_the_slot_is_the_groups() {
    let sink = Sink::start();
    let mut gateway = Gateway::prepare(sink.address, "", "127.0.0.0/8");
    let path = gateway.folder.path().join("companies/sakura.toml");
    let text = std::fs::read_to_string(&path).expect("a company file");
    let both = "sender_domains = [\"sakura.example\", \"sakura-foods.example\"]\n";
    let text = text.replace("sender_domains = [\"sakura.example\"]\n", both);
    std::fs::write(&path, text.replace("version = 1\n", "version = 1\nthreshold = 3\n")).expect("a company file");
    gateway.run();
    let mut client = Client::connect(gateway.address);
    let mut sends = |from: &str, to: &str, mail: &[u8]| {
        let before = sink.taken().len();
        assert_eq!(client.mail_from(from, &[to], mail).0, 250);
        assert!(has_link(&sink.taken()[before].octets), "{from} to {to} has no line");
    };
    let (trading, foods) = ("saiyo@sakura.example", "saiyo@sakura-foods.example");
    sends(trading, "mori1@candidate.example", &rejection("mori1@candidate.example"));
    sends(foods, "mori1@candidate.example", &of_foods("mori1@candidate.example"));
    sends(foods, "mori2@candidate.example", &of_foods("mori2@candidate.example"));
    assert_eq!(gateway.settled_credits(), 2, "both companies wrote to one person, and he counts once");
    sends(trading, "mori3@candidate.example", &rejection("mori3@candidate.example"));
    assert_eq!(gateway.settled_credits(), 3);
    let statement = gateway.ask_json(&["ledger", "statement", "--company", "sakura"]);
    let series = &statement["series"]["standard"];
    assert_eq!((&series["entries"]["duplicate"], &series["closing"]["slots"]), (&1.into(), &1.into()), "{statement}");
    assert!(gateway.ask(&["ledger", "verify"]).status.success());
}
