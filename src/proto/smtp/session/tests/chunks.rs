//! Messages in chunks (RFC 3030): what they are put together to, and what is read and dropped.

use super::*;

const EHLO: &str = "EHLO pc\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n";

/// What is heard behind the envelope, when all is said at once and when it is said octet by octet.
fn check_with(terms: &Terms, said: &str, expected: &[&str]) {
    for size in [usize::MAX, 1] {
        let mut talk = Talk::at(terms.clone(), Peer { may_relay: true, ..Peer::default() });
        talk.say(EHLO.as_bytes());
        talk.heard.clear();
        said.as_bytes().chunks(size.min(said.len())).for_each(|piece| talk.say(piece));
        let as_expected = talk.heard.iter().zip(expected).all(|(h, e)| h.starts_with(e));
        assert!(as_expected && talk.heard.len() == expected.len(), "{said:?}:\n{}", talk.heard.join("\n"));
    }
}

fn check(said: &str, expected: &[&str]) {
    check_with(&plain(limits()), said, expected);
}

#[test]
fn chunks_make_one_message_and_dots_are_only_dots() {
    let taken = "M: ESMTP <a@b.example> c@d.example ";
    check("BDAT 3 LAST\r\na\r\n", &[&format!("{taken}a\\r\\n"), "S: 250"]);
    check(
        "BDAT 9\r\na\r\n.\r\n..bBDAT 2\r\n\r\nBDAT 0 LAST\r\nNOOP\r\n",
        &[
            "S: 250 2.0.0 9 octets",
            "S: 250 2.0.0 2 octets",
            &format!("{taken}a\\r\\n.\\r\\n..b\\r\\n"),
            "S: 250",
            "S: 250",
        ],
    );
    check("BDAT 0 LAST\r\n", &[taken, "S: 250"]);
    check(
        "BDAT 0\r\nbdat 1\r\nxBDAT 4 last\r\nQUIT",
        &["S: 250 2.0.0 0", "S: 250 2.0.0 1", &format!("{taken}xQUIT"), "S: 250"],
    );
}

#[test]
fn a_line_end_may_be_cut_in_two_by_chunks() {
    let taken = "M: ESMTP <a@b.example> c@d.example a\\r\\nb";
    check("BDAT 2\r\na\rBDAT 2 LAST\r\n\nb", &["S: 250", taken, "S: 250"]);
    check("BDAT 2\r\na\rBDAT 0\r\nBDAT 2 LAST\r\n\nb", &["S: 250", "S: 250", taken, "S: 250"]);
    for said in ["BDAT 2\r\na\rBDAT 1 LAST\r\nb", "BDAT 2\r\na\rBDAT 0 LAST\r\n", "BDAT 2 LAST\r\na\r"] {
        let expected: &[&str] =
            if said.contains("BDAT 2\r") { &["S: 250", "S: 554 5.6.0", "closed"] } else { &["S: 554 5.6.0", "closed"] };
        check(said, expected);
    }
}

#[test]
fn what_ends_the_connection_in_data_ends_it_in_a_chunk() {
    for bad in ["a\nb", "a\rb", "a\0b", "\n.\n", "\r\r\n", "\r\n\n"] {
        check(&format!("BDAT {}\r\n{bad}", bad.len()), &["S: 554 5.6.0", "closed"]);
        check(&format!("BDAT {} LAST\r\n{bad}MAIL FROM:<evil@x.example>\r\n", bad.len()), &["S: 554 5.6.0", "closed"]);
    }
}

#[test]
fn a_chunk_that_nobody_asked_for_is_dropped_and_never_read_as_commands() {
    let quit = "QUIT\r\n";
    let mut talk = Talk::new(limits(), true);
    talk.say(format!("BDAT 6\r\n{quit}EHLO pc\r\nBDAT 6 LAST\r\n{quit}").as_bytes());
    talk.say(format!("MAIL FROM:<a@b.example>\r\nBDAT 6\r\n{quit}RSET\r\n").as_bytes());
    let codes: Vec<&str> = talk.heard.iter().map(|line| &line[3..12]).collect();
    assert_eq!(codes, ["503 5.5.1", "250 relay", "503 5.5.1", "250 2.1.0", "503 5.5.1", "250 2.0.0"]);
    check("RSET\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", &["S: 250", "S: 503 5.5.1", "S: 250"]);
}

#[test]
fn without_recipients_the_chunk_is_dropped_and_recipients_may_follow() {
    let mut talk = Talk::new(limits(), true);
    talk.say(b"EHLO pc\r\nMAIL FROM:<a@b.example>\r\nBDAT 6\r\nQUIT\r\nRCPT TO:<c@d.example>\r\nBDAT 1 LAST\r\nx");
    let last: Vec<&str> = talk.heard.iter().skip(2).map(|line| &line[..6]).collect();
    assert_eq!(last, ["S: 503", "S: 250", "M: ESM", "S: 250"]);
}

#[test]
fn data_and_bdat_are_not_mixed() {
    check("BDAT 1\r\nxDATA\r\n", &["S: 250", "S: 503 5.5.1"]);
    check(
        "BDAT 1\r\nxRCPT TO:<e@f.example>\r\nBDAT 0 LAST\r\n",
        &["S: 250", "S: 503 5.5.1", "M: ESMTP <a@b.example> c@d.example x", "S: 250"],
    );
    check("BDAT 1\r\nxMAIL FROM:<e@f.example>\r\n", &["S: 250", "S: 503 5.5.1"]);
    let mut talk = Talk::new(limits(), true);
    talk.say(format!("{EHLO}BDAT 1\r\nxDATA\r\nMAIL FROM:<evil@x.example>\r\n").as_bytes());
    assert_eq!(talk.heard.last().map(String::as_str), Some("closed"));
}

#[test]
fn a_reset_between_chunks_forgets_them() {
    let again = "MAIL FROM:<>\r\nRCPT TO:<e@f.example>\r\nBDAT 1 LAST\r\ny";
    for reset in ["RSET", "EHLO pc"] {
        let said = format!("BDAT 1\r\nx{reset}\r\nBDAT 1 LAST\r\nz{again}");
        check(&said, &["S: 250", "S: 250", "S: 503", "S: 250", "S: 250", "M: ESMTP <> e@f.example y", "S: 250"]);
    }
    check(
        "BDAT 1\r\nxNOOP\r\nBDAT 0 LAST\r\n",
        &["S: 250", "S: 250", "M: ESMTP <a@b.example> c@d.example x", "S: 250"],
    );
}

#[test]
fn chunks_over_the_limit_are_read_to_their_end_and_the_transaction_is_over() {
    let fits = "x\r\n".repeat(666);
    let (half, most) = (format!("BDAT 1998\r\n{fits}"), "BDAT 2 LAST\r\n\r\n");
    check(&format!("{half}{most}"), &["S: 250 2.0.0 1998", "M: ", "S: 250"]);
    check(
        &format!("{half}BDAT 3 LAST\r\nQUIBDAT 1 LAST\r\nxNOOP\r\n"),
        &["S: 250", "S: 552 5.3.4", "S: 503", "S: 250"],
    );
    check(&format!("BDAT 2001\r\n{fits}y\r\nNOOP\r\n"), &["S: 552 5.3.4", "S: 250"]);
    let terms = plain(Limits { line_octets_max: 5, ..limits() });
    check_with(&terms, "BDAT 6\r\n1234\r\nBDAT 0 LAST\r\n", &["S: 554 5.6.0", "S: 503"]);
    check_with(&terms, "BDAT 4\r\n1234BDAT 2 LAST\r\n\r\n", &["S: 250", "S: 554 5.6.0"]);
    check_with(&terms, "BDAT 5\r\n123\r\nBDAT 2 LAST\r\n12", &["S: 250", "M: ", "S: 250"]);
    let terms = plain(Limits { hops_max: 1, ..limits() });
    let hops = "Received: x\r\n".repeat(2);
    check_with(&terms, &format!("BDAT {} LAST\r\n{hops}", hops.len()), &["S: 554 5.4.6"]);
}

#[test]
fn a_chunk_of_any_announced_size_takes_no_memory_before_it_comes() {
    let mut talk = Talk::new(Limits::default(), true);
    talk.say(format!("{EHLO}BDAT 18446744073709551615 LAST\r\n").as_bytes());
    talk.say("x".repeat(100_000).as_bytes());
    assert_eq!((talk.session.room(), talk.session.message.capacity(), talk.heard.len()), (0, 0, 3));
    let mut talk = Talk::new(Limits::default(), true);
    talk.say(format!("{EHLO}BDAT 40000000\r\nx").as_bytes());
    assert_eq!(talk.session.room(), 1024 * 1024);
}

#[test]
fn without_memory_a_chunk_is_dropped_and_the_mail_deferred() {
    let mut talk = Talk::new(Limits::default(), true);
    talk.room_octets_max = 2000;
    talk.say(format!("{EHLO}BDAT 3000\r\n{}BDAT 1 LAST\r\nxNOOP\r\n", "x".repeat(3000)).as_bytes());
    let last: Vec<&str> = talk.heard.iter().skip(3).map(|line| &line[..12]).collect();
    assert_eq!(last, ["S: 452 4.3.1", "S: 503 5.5.1", "S: 250 2.0.0"]);
}

#[test]
fn a_bdat_that_does_not_say_its_size_ends_the_connection() {
    check("BDAT\r\nMAIL FROM:<evil@x.example>\r\n", &["S: 501 5.5.4", "closed"]);
    check("BDAT many LAST\r\n", &["S: 501 5.5.4", "closed"]);
}

#[test]
fn bare_line_feeds_in_chunks_become_line_ends_where_the_house_says_so() {
    let terms = Terms { bare_lf: BareLf::Normalize, ..plain(limits()) };
    let taken = "M: ESMTP <a@b.example> c@d.example a\\r\\n.\\r\\n.\\r\\n";
    check_with(&terms, "BDAT 7 LAST\r\na\n.\r\n.\n", &[taken, "S: 250"]);
    check_with(&terms, "BDAT 2\r\na\nBDAT 5 LAST\r\n.\r\n.\n", &["S: 250", taken, "S: 250"]);
    check_with(&terms, "BDAT 3 LAST\r\na\rb", &["S: 554", "closed"]);
    check_with(&terms, "BDAT 3 LAST\r\na\0b", &["S: 554", "closed"]);
    // A thousand line feeds fill the limit of two thousand octets; one octet more is too many.
    check_with(&terms, &format!("BDAT 1000 LAST\r\n{}", "\n".repeat(1000)), &["M: ", "S: 250"]);
    check_with(&terms, &format!("BDAT 1001 LAST\r\n{}x", "\n".repeat(1000)), &["S: 552"]);
}
