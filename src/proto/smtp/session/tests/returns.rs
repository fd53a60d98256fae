//! Mail that comes back on a return path of ours: the one recipient strangers may name.

use super::*;

fn say(peer: Peer, dialogue: &str) {
    let mut talk = Talk::at(plain(limits()), Peer { returns: Returns::Taken, ..peer });
    let said: Vec<&str> = dialogue.lines().filter_map(|line| line.strip_prefix("C: ")).collect();
    let expected: Vec<&str> = dialogue.lines().filter(|line| !line.starts_with("C: ")).collect();
    for line in said {
        talk.say(format!("{line}\r\n").as_bytes());
    }
    for (heard, expected) in talk.heard.iter().zip(&expected) {
        assert!(heard.starts_with(expected), "heard {heard:?} for {expected:?}");
    }
    assert_eq!(talk.heard.len(), expected.len(), "{:?}", talk.heard);
}

const HI: &str = "C: HELO mx\nS: 250\nC: MAIL FROM:<>\nS: 250 2.1.0\n";

#[test]
fn a_stranger_may_hand_in_what_came_back_and_nothing_else() {
    let stranger = Peer::default();
    say(
        stranger,
        &format!("{HI}C: RCPT TO:<cr-1@bounce.sakura.example>\nS: 250 2.1.5\nC: BDAT 0 LAST\nM: SMTP <> cr-1@\nS: 250"),
    );
    say(stranger, &format!("{HI}C: RCPT TO:<cr-9@bounce.sakura.example>\nS: 550 5.1.1\nC: DATA\nS: 554 5.5.1"));
    say(stranger, &format!("{HI}C: RCPT TO:<cr-2@bounce.sakura.example>\nS: 450 4.2.1"));
    say(stranger, &format!("{HI}C: RCPT TO:<taro@mail.example>\nS: 550 5.7.1"));
    say(stranger, &format!("{HI}C: RCPT TO:<postmaster@bounce.sakura.example>\nS: 550 5.1.1"));
}

#[test]
fn what_came_back_has_one_recipient() {
    let path = "C: RCPT TO:<cr-1@bounce.sakura.example>\n";
    let relay = Peer { may_relay: true, ..Peer::default() };
    for peer in [relay, Peer::default()] {
        say(peer, &format!("{HI}{path}S: 250\n{path}S: 452 4.5.3"));
        say(peer, &format!("{HI}{path}S: 250\nC: RCPT TO:<taro@mail.example>\nS: 452 4.5.3"));
    }
    say(relay, &format!("{HI}C: RCPT TO:<taro@mail.example>\nS: 250\n{path}S: 452 4.5.3"));
    // A transaction that is given up leaves nothing behind.
    let again = "C: RSET\nS: 250\nC: MAIL FROM:<>\nS: 250\nC: RCPT TO:<taro@mail.example>\nS: 250";
    say(relay, &format!("{HI}{path}S: 250\n{again}"));
}

#[test]
fn nobody_is_asked_about_where_no_return_path_is() {
    let mut talk = Talk::at(plain(limits()), Peer::default());
    talk.say(b"HELO mx\r\nMAIL FROM:<>\r\nRCPT TO:<cr-1@bounce.sakura.example>\r\n");
    assert!(talk.heard.last().is_some_and(|heard| heard.starts_with("S: 550 5.7.1")), "{:?}", talk.heard);
}
