//! Who wants no line gets none: at once, over a restart, with the ledger down, in every spelling of the address, and
//! without the address standing anywhere.

use std::fs;
use std::process::Output;

use crate::gateway::{Gateway, binary, wait_for, with_input};
use crate::sink::{Act, Sink, Stage, Taken};
use crate::smtp::{Client, has_link, rejection, without_trace};

/// Runs `optout …` with this on its standard input; whether it went well, and what it printed.
fn optout(gateway: &Gateway, words: &[&str], input: &str) -> (bool, String) {
    let mut command = binary();
    command.arg("optout").args(words).arg("--config").arg(gateway.config());
    let Output { status, stdout, stderr } = with_input(command, input.as_bytes());
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

/// Sends a rejection; what the next hop got.
fn sent(client: &mut Client, sink: &Sink, to: &[&str], message: &[u8]) -> Vec<Taken> {
    let before = sink.taken().len();
    let (code, text) = client.mail(to, message);
    assert_eq!(code, 250, "{text}");
    let recipients = |mails: &[Taken]| mails.iter().map(|mail| mail.recipients.len()).sum::<usize>();
    wait_for("the mail", || {
        let mails = sink.taken().split_off(before);
        (recipients(&mails) == to.len()).then_some(mails)
    })
}

/// Whether a rejection to this address leaves with the line; without, it leaves octet for octet.
fn gets_the_line(client: &mut Client, sink: &Sink, to: &str) -> bool {
    let message = rejection(to);
    let mail = &sent(client, sink, &[to], &message)[0];
    let has_line = has_link(&mail.octets);
    assert!(has_line || without_trace(&mail.octets) == message, "a mail without the line is as it came");
    has_line
}

fn outcomes(gateway: &Gateway, code: &str) -> u64 {
    gateway.ask_json(&["status"])["watch"]["outcomes"][code].as_u64().unwrap_or(0)
}

#[test]
fn an_opted_out_candidates_mails_pass_untouched_at_once_over_a_restart_and_until_he_is_taken_off() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    let mut open = Client::connect(gateway.address);
    assert!(gets_the_line(&mut open, &sink, "hana@candidate.example"));
    let (fine, text) = optout(&gateway, &["add", "--company", "sakura"], "Hana@Candidate.example\n");
    assert!(fine && text == "from now on no line in mails of sakura to this person\n", "{text}");
    for _ in 0..2 {
        assert!(!gets_the_line(&mut open, &sink, "hana@candidate.example"), "also a second mail");
    }
    assert!(gets_the_line(&mut open, &sink, "ren@candidate.example"));
    assert_eq!(outcomes(&gateway, "opted_out"), 2);
    assert!(optout(&gateway, &["add", "--company", "sakura"], "hana@candidate.example").1.starts_with("on the list"));
    let list = gateway.ask_json(&["optout", "list"]);
    let rows = list.as_array().expect("a list");
    assert_eq!((rows.len(), &rows[0]["company"], &rows[0]["source"]), (1, &"sakura".into(), &"candidate".into()));
    assert!(rows[0]["actor"].as_str().is_some_and(|actor| actor.contains("uid")), "{list}");
    gateway.kill();
    gateway.run();
    let mut open = Client::connect(gateway.address);
    assert!(!gets_the_line(&mut open, &sink, "hana@candidate.example"));
    assert!(gateway.reload(), "the files are taken");
    assert!(!gets_the_line(&mut open, &sink, "hana@candidate.example"), "a reload forgets nobody");
    assert!(optout(&gateway, &["remove", "--company", "sakura"], "hana@candidate.example").0);
    assert!(gets_the_line(&mut open, &sink, "hana@candidate.example"));
    assert_eq!(gateway.settled_credits(), 2);
    for file in ["ledger.db", "ledger.db-wal", "optouts.json"] {
        let octets = fs::read(gateway.folder.path().join("data").join(file)).unwrap_or_default();
        let held = String::from_utf8_lossy(&octets).to_lowercase();
        assert!(!held.contains("candidate.example"), "{file} holds an address");
    }
    assert!(!gateway.log().to_lowercase().contains("hana@"));
}

#[test]
fn only_those_of_a_bulk_who_want_no_line_get_the_original() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    assert!(optout(&gateway, &["add"], "ren@candidate.example").0);
    let hidden = ["hana@candidate.example", "ren@candidate.example", "sora@candidate.example"];
    let message = String::from_utf8(rejection("hana@candidate.example")).expect("a text");
    let message = message.replace("To: hana@candidate.example", "To: saiyo@sakura.example");
    let mails = sent(&mut Client::connect(gateway.address), &sink, &hidden, message.as_bytes());
    for mail in mails {
        let to_ren = mail.recipients.iter().any(|to| to.contains("ren@"));
        assert_eq!((has_link(&mail.octets), mail.recipients.len()), (!to_ren, 1), "{:?}", mail.recipients);
        assert!(!to_ren || without_trace(&mail.octets) == message.as_bytes());
    }
    assert_eq!(gateway.settled_credits(), 2);
}

#[test]
fn the_copy_serves_while_the_ledger_cannot_tell_and_without_it_nobody_gets_the_line() {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    assert!(gateway.stop());
    let (fine, text) = optout(&gateway, &["add"], "hana@candidate.example\n");
    assert!(fine && text == "from now on no line in mails of any company to this person\n", "{text}");
    let data = gateway.folder.path().join("data");
    let ledger = rusqlite::Connection::open(data.join("ledger.db")).expect("the ledger");
    ledger.execute_batch("UPDATE optouts SET source = 'a disk gone bad'").expect("a row changed");
    gateway.run();
    let mut client = Client::connect(gateway.address);
    assert!(!gets_the_line(&mut client, &sink, "hana@candidate.example"));
    assert!(gets_the_line(&mut client, &sink, "ren@candidate.example"));
    assert!(gateway.stop());
    fs::remove_file(data.join("optouts.json")).expect("the copy is there");
    gateway.run();
    let mut client = Client::connect(gateway.address);
    assert!(!gets_the_line(&mut client, &sink, "sora@candidate.example"));
    assert_eq!(outcomes(&gateway, "optouts_unreadable"), 1);
    ledger.execute_batch("UPDATE optouts SET source = 'candidate'").expect("a row mended");
    assert!(gateway.stop());
    gateway.run();
    let mut client = Client::connect(gateway.address);
    assert!(gets_the_line(&mut client, &sink, "sora@candidate.example"));
    assert!(!gets_the_line(&mut client, &sink, "hana@candidate.example"));
    assert_eq!(gateway.settled_credits(), 2);
}

#[test]
fn mail_in_custody_goes_out_as_it_came_to_who_opted_out_meanwhile_and_is_not_counted() {
    let sink = Sink::scripted(|stage, _| if stage == Stage::Mail { Act::Say("451 4.3.0 later") } else { Act::GoOn });
    let gateway = Gateway::start_with(sink.address, "[retry]\nwaits = [\"1s\"]\n");
    let message = rejection("hana@candidate.example");
    assert_eq!(Client::connect(gateway.address).mail(&["hana@candidate.example"], &message).0, 250);
    assert!(optout(&gateway, &["add"], "hana@candidate.example").0);
    sink.rewrite(|_, _| Act::GoOn);
    let mail = wait_for("the mail", || sink.taken().first().cloned());
    assert_eq!(without_trace(&mail.octets), message);
    assert_eq!(gateway.settled_credits(), 0);
}

#[test]
fn many_are_imported_and_every_faulty_line_is_told_by_its_number() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let sheet = gateway.folder.path().join("list.csv");
    let people =
        "\u{feff}メールアドレス,氏名\r\nhana@candidate.example,花\r\nnobody,蓮\r\n\"ren@candidate.example\",蓮\r\n";
    fs::write(&sheet, people).expect("a file");
    let words = ["import", sheet.to_str().expect("a path"), "--company", "sakura", "--source", "company"];
    let (fine, text) = optout(&gateway, &words, "");
    assert!(!fine && text.starts_with("line 3: this is not an address") && text.contains("--skip-faulty"), "{text}");
    let mut client = Client::connect(gateway.address);
    assert!(gets_the_line(&mut client, &sink, "hana@candidate.example"), "nothing was entered");
    let (fine, text) = optout(&gateway, &[&words[..], &["--skip-faulty"]].concat(), "");
    assert!(!fine && text.contains("no line in mails of sakura to 2 more persons; 0 were on the list"), "{text}");
    assert!(!gets_the_line(&mut client, &sink, "hana@candidate.example"));
    assert!(!gets_the_line(&mut client, &sink, "ren@candidate.example"));
    let (fine, text) = optout(&gateway, &["import"], "ren@candidate.example\n");
    assert!(fine && text.contains("any company to 1 more persons"), "{text}");
    let (fine, text) = optout(&gateway, &["remove", "--company", "sakura"], "ren@candidate.example");
    assert!(fine && text.contains("still on another list"), "{text}");
    assert!(!gets_the_line(&mut client, &sink, "ren@candidate.example"));
}

#[test]
fn what_is_no_address_and_a_company_that_is_not_there_are_refused() {
    let gateway = Gateway::start(Sink::start().address);
    for (words, input, why) in [
        (&["add"][..], "hanako at home", "not an address"),
        (&["add"], "", "no address is there"),
        (&["add"], "a@x.example\nb@x.example\n", "optout import"),
        (&["add", "--company", "nobody"], "a@x.example", "no company nobody"),
    ] {
        let (fine, text) = optout(&gateway, words, input);
        assert!(!fine && text.contains(why) && !text.contains("hanako"), "{words:?}: {text}");
    }
    let (_, text) = optout(&gateway, &["list"], "");
    assert_eq!(text, "nobody is on the list\n");
}

#[test]
fn a_list_that_another_process_changes_is_noticed_within_seconds() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let mut client = Client::connect(gateway.address);
    assert!(optout(&gateway, &["add"], "hana@candidate.example").0);
    assert!(!gets_the_line(&mut client, &sink, "hana@candidate.example"));
    let ledger = rusqlite::Connection::open(gateway.folder.path().join("data/ledger.db")).expect("the ledger");
    let mut enter = |act: &str, gets: bool| {
        let sql = "INSERT INTO optouts (at, actor, act, source, company, key_id, key) \
                   SELECT at, 'another node', ?1, source, company, key_id, key FROM optouts LIMIT 1";
        ledger.execute(sql, [act]).expect("a row");
        wait_for("the other's row to hold", || {
            (gets_the_line(&mut client, &sink, "hana@candidate.example") == gets).then_some(())
        });
    };
    enter("remove", true);
    enter("add", false);
    wait_for("the copy to say the same", || {
        let copy = fs::read_to_string(gateway.folder.path().join("data/optouts.json")).expect("the copy");
        copy.contains("\"count\":1").then_some(())
    });
    assert!(gateway.log().contains("changed by another"));
}
