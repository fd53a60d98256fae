//! Command lines as data: what is understood of each, or the code it is refused with.

use super::*;

/// Reads a line and shows it as one writes it in a note: what was understood, or the code of the refusal.
fn check(line: &str, expected: &str) {
    let shown = match Command::read(line.as_bytes()) {
        Ok(Command::Mail(m)) => {
            let sender = m.sender.as_ref().map_or("", Address::as_str);
            let size = m.size.map(|s| format!(" {s}")).unwrap_or_default();
            let eight = if m.body == Body::EightBitMime { " 8" } else { "" };
            let utf8 = if m.smtputf8 { " utf8" } else { "" };
            format!("mail <{sender}>{size}{eight}{utf8}")
        }
        Ok(Command::Rcpt(r)) => format!("rcpt {}", r.address),
        Ok(Command::Hello(h)) => format!("{} {}", if h.extended { "ehlo" } else { "helo" }, h.name),
        Ok(command) => format!("{command:?}").to_lowercase(),
        Err(fault) => fault.reply().code.to_string(),
    };
    assert_eq!(shown, expected, "{line:?}");
}

#[test]
fn commands_are_read_in_any_case_and_with_trailing_blanks() {
    check("EHLO client.example", "ehlo client.example");
    check("helo [192.0.2.1]", "helo [192.0.2.1]");
    check("mail from:<hr@sakura.example>", "mail <hr@sakura.example>");
    check("MAIL FROM: <hr@sakura.example>  ", "mail <hr@sakura.example>");
    check("MAIL FROM:<>", "mail <>");
    check("RCPT TO:<\"a > b\"@sakura.example>", "rcpt \"a > b\"@sakura.example");
    check("RCPT TO:<Postmaster>", "rcpt Postmaster");
    check("RCPT TO:<@a.example,@b.example:c@d.example>", "rcpt c@d.example");
    check("RCPT TO:<a%b.example@d.example>", "rcpt a%b.example@d.example");
    check("data", "data");
    check("NOOP anything at all", "noop");
    check("VRFY somebody", "vrfy");
    check("quit ", "quit");
}

#[test]
fn parameters_of_offered_extensions_are_read_and_others_get_555() {
    check("MAIL FROM:<a@b.example> SIZE=1000 BODY=8BITMIME SMTPUTF8", "mail <a@b.example> 1000 8 utf8");
    check("MAIL FROM:<a@b.example> body=7bit", "mail <a@b.example>");
    check("MAIL FROM:<求人@sakura.example> SMTPUTF8", "mail <求人@sakura.example> utf8");
    check("MAIL FROM:<a@b.example> SIZE=99999999999999999999", "mail <a@b.example> 18446744073709551615");
    check("MAIL FROM:<a@b.example> SIZE=1 SIZE=2", "501");
    check("MAIL FROM:<a@b.example> SIZE=-1", "501");
    check("MAIL FROM:<a@b.example> SIZE", "501");
    check("MAIL FROM:<a@b.example> SMTPUTF8=yes", "501");
    check("MAIL FROM:<a@b.example> BODY=BINARYMIME", "555");
    check("MAIL FROM:<a@b.example> MT-PRIORITY=3", "555");
    check("RCPT TO:<a@b.example> RRVS=2026", "555");
    check("MAIL FROM:<求人@sakura.example>", "553");
}

#[test]
fn what_is_not_offered_or_not_smtp_is_refused_by_its_code() {
    for line in ["EXPN staff", "ETRN x", "TURN", "GET / HTTP/1.1"] {
        check(line, "502");
    }
    for line in ["", " ", "MAILFROM:<a@b.example>", "XFORWARD ADDR=127.0.0.1", "DATA\t"] {
        check(line, if line.starts_with("DATA") { "data" } else { "500" });
    }
}

#[test]
fn malformed_arguments_are_refused() {
    for line in ["EHLO", "DATA now", "RSET x", "QUIT now", "MAIL", "MAIL <a@b.example>", "MAIL FROM:a@b.example"] {
        check(line, "501");
    }
    check("MAIL FROM:<a@b.example", "501");
    check("MAIL FROM:<a@b.example>SIZE=1", "501");
    check("RCPT TO:<a@b.example>\u{1b}", "501");
    check("RCPT TO:<>", "553");
    check("RCPT TO:<a b@c.example>", "553");
    check("RCPT TO:<@a.example>", "553");
    check("RCPT TO:<a@b.example\u{7f}>", "553");
    check("MAIL FROM:<nobody>", "553");
}

#[test]
fn a_name_that_could_break_a_header_field_is_made_harmless() {
    check("EHLO a@b.example", "ehlo a_b.example");
    check("EHLO x\u{1b}(y);z", "ehlo x__y__z");
    assert!(Command::read(b"EHLO \x83\x70\x83\x5c").is_ok());
}

proptest::proptest! {
    #[test]
    fn any_line_is_read_without_harm(line in proptest::collection::vec(0u8.., 0..100)) {
        let _ = Command::read(&line);
    }
}
