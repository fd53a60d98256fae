//! Command lines as data: what is understood of each, or the code it is refused with.

use super::*;

/// Reads a line and shows it as one writes it in a note: what was understood, or the code of the refusal.
fn check(line: &str, expected: &str) {
    let shown = match Command::read(line.as_bytes()) {
        Ok(Command::Mail(m)) => show_mail(&m),
        Ok(Command::Rcpt(r)) => {
            let notify = r.dsn.notify.map(|n| format!(" notify={n}")).unwrap_or_default();
            let orcpt = r.dsn.orcpt.map(|o| format!(" orcpt={o}")).unwrap_or_default();
            format!("rcpt {}{notify}{orcpt}", r.address)
        }
        Ok(Command::Hello(h)) => format!("{} {}", if h.extended { "ehlo" } else { "helo" }, h.name),
        Ok(Command::Bdat { octets, last }) => format!("bdat {octets}{}", if last { " last" } else { "" }),
        Ok(Command::Auth(a)) => format!("auth {:?} {}", a.mechanism, a.initial.is_some()),
        Ok(command) => format!("{command:?}").to_lowercase(),
        Err(fault) => fault.reply().code.to_string(),
    };
    assert_eq!(shown, expected, "{line:?}");
}

fn show_mail(m: &MailFrom) -> String {
    let sender = m.sender.as_ref().map_or("", Address::as_str);
    let mut words = vec![format!("mail <{sender}>")];
    words.extend(m.size.map(|s| s.to_string()));
    words.extend((m.body == Body::EightBitMime).then(|| "8".to_owned()));
    words.extend(m.smtputf8.then(|| "utf8".to_owned()));
    words.extend(m.require_tls.then(|| "tls".to_owned()));
    words.extend(m.ret.map(|r| format!("{r:?}").to_lowercase()));
    words.extend(m.envid.as_ref().map(|e| format!("envid={e}")));
    words.join(" ")
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
    check("starttls", "starttls");
}

#[test]
fn parameters_of_offered_extensions_are_read_and_others_get_555() {
    check("MAIL FROM:<a@b.example> SIZE=1000 BODY=8BITMIME SMTPUTF8", "mail <a@b.example> 1000 8 utf8");
    check("MAIL FROM:<a@b.example> body=7bit", "mail <a@b.example>");
    check("MAIL FROM:<求人@sakura.example> SMTPUTF8", "mail <求人@sakura.example> utf8");
    check("MAIL FROM:<a@b.example> SIZE=99999999999999999999", "mail <a@b.example> 18446744073709551615");
    check("MAIL FROM:<a@b.example> REQUIRETLS", "mail <a@b.example> tls");
    for line in ["SIZE=1 SIZE=2", "SIZE=-1", "SIZE", "SMTPUTF8=yes", "REQUIRETLS=1", "REQUIRETLS REQUIRETLS"] {
        check(&format!("MAIL FROM:<a@b.example> {line}"), "501");
    }
    for line in ["BODY=BINARYMIME", "MT-PRIORITY=3", "BY=120;R", "HOLDFOR=1", "=", "NOTIFY=NEVER", "ORCPT=rfc822;a"] {
        check(&format!("MAIL FROM:<a@b.example> {line}"), "555");
    }
    for line in ["RRVS=2026", "SIZE=1", "RET=FULL", "SMTPUTF8"] {
        check(&format!("RCPT TO:<a@b.example> {line}"), "555");
    }
    check("MAIL FROM:<求人@sakura.example>", "553");
}

#[test]
fn what_is_asked_of_reports_is_kept_octet_for_octet() {
    let mail = |parameters: &str, shown: &str| check(&format!("MAIL FROM:<> {parameters}"), shown);
    mail("ret=full ENVID=QQ314159+2B", "mail <> full envid=QQ314159+2B");
    mail("RET=HDRS", "mail <> headers");
    mail(&format!("ENVID={}", "x".repeat(100)), &format!("mail <> envid={}", "x".repeat(100)));
    for wrong in ["RET=BODY", "RET", "RET=FULL RET=HDRS", "ENVID=", "ENVID=a=b", "ENVID=a+2b", "ENVID=a+0Ab"] {
        mail(wrong, "501");
    }
    mail(&format!("ENVID={}", "x".repeat(101)), "501");
    let rcpt = |parameters: &str, shown: &str| check(&format!("RCPT TO:<a@b.example> {parameters}"), shown);
    rcpt("NOTIFY=never", "rcpt a@b.example notify=never");
    rcpt("NOTIFY=SUCCESS,Failure,DELAY", "rcpt a@b.example notify=SUCCESS,Failure,DELAY");
    rcpt("ORCPT=rfc822;c+2Bd@e.example", "rcpt a@b.example orcpt=rfc822;c+2Bd@e.example");
    rcpt("ORCPT=utf-8;太郎@e.example", "rcpt a@b.example orcpt=utf-8;太郎@e.example");
    rcpt(
        "ORCPT=UTF-8;\\x{592A}@e.example NOTIFY=DELAY",
        "rcpt a@b.example notify=DELAY orcpt=UTF-8;\\x{592A}@e.example",
    );
    for wrong in
        ["NOTIFY=", "NOTIFY=NEVER,DELAY", "NOTIFY=SUCCESS,", "NOTIFY=ALWAYS", "NOTIFY", "NOTIFY=DELAY NOTIFY=DELAY"]
    {
        rcpt(wrong, "501");
    }
    rcpt("NOTIFY=SUCCESS,SUCCESS,SUCCESS,SUCCESS", "501");
    for wrong in [
        "a@e.example",
        ";a@e.example",
        "rfc822;太郎@e.example",
        "rfc822;a+0D+0A",
        "a b;c",
        "rfc822;a=b",
        "utf-8;太\u{85}",
    ] {
        rcpt(&format!("ORCPT={wrong}"), "501");
    }
    let longest = "x".repeat(500 - "rfc822;".len());
    rcpt(&format!("ORCPT=rfc822;{longest}"), &format!("rcpt a@b.example orcpt=rfc822;{longest}"));
    rcpt(&format!("ORCPT=rfc822;{longest}x"), "501");
}

#[test]
fn what_mail_says_of_who_wrote_it_is_checked_and_not_believed() {
    check("MAIL FROM:<a@b.example> AUTH=<>", "mail <a@b.example>");
    check("MAIL FROM:<a@b.example> AUTH=e+3Dmc2@example.com", "mail <a@b.example>");
    for wrong in ["AUTH", "AUTH=", "AUTH=<a@b.example>x=", "AUTH=a+3dc", "AUTH=<> AUTH=<>"] {
        check(&format!("MAIL FROM:<a@b.example> {wrong}"), "501");
    }
    check(&format!("MAIL FROM:<a@b.example> AUTH={}", "x".repeat(501)), "501");
}

#[test]
fn chunks_are_read_with_their_size() {
    check("BDAT 100", "bdat 100");
    check("bdat 0 last", "bdat 0 last");
    check("BDAT 18446744073709551615 LAST", "bdat 18446744073709551615 last");
    for line in
        ["BDAT", "BDAT LAST", "BDAT -1", "BDAT +1", "BDAT 1 FIRST", "BDAT 1 LAST LAST", "BDAT 0x10", "BDAT 1LAST"]
    {
        check(line, "501");
    }
    check("BDAT 18446744073709551616", "501");
    check("BDAT 000000000000000000001", "501");
    assert!(CommandFault::Chunk.ends_connection());
}

#[test]
fn logins_are_read_with_and_without_an_initial_response() {
    check("AUTH PLAIN", "auth Some(Plain) false");
    check("auth plain AGEAYg==", "auth Some(Plain) true");
    check("AUTH LOGIN =", "auth Some(Login) true");
    check("AUTH CRAM-MD5", "auth None false");
    check("AUTH", "501");
    check("AUTH PLAIN AGEAYg== x", "501");
    check("STARTTLS now", "501");
}

#[test]
fn what_is_not_offered_or_not_smtp_is_refused_by_its_code() {
    for line in ["EXPN staff", "ETRN x", "TURN", "GET / HTTP/1.1"] {
        check(line, "502");
    }
    for line in ["", " ", "MAILFROM:<a@b.example>", "XFORWARD ADDR=127.0.0.1", "DATA\t", "LHLO pc"] {
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
fn addresses_that_are_read_differently_by_others_are_none() {
    for path in [
        "taro＠mail.example",
        "taro@ｍail.example",
        "taro@mail。example",
        "taro@ma\u{ad}il.example",
        "taro@mail\u{200b}.example",
        "ta\u{202e}ro@mail.example",
        "taro@mail.example\u{2028}",
        "taro@mail..example",
        "taro@mail.example.",
        "\"taro\" @mail.example",
        "\"ta\"ro@mail.example",
        "taro(x)@mail.example",
        "taro@[192.0.2.256]",
        "@a.example:@b.example:taro@mail.example",
        "a@b@mail.example",
    ] {
        check(&format!("RCPT TO:<{path}>"), "553");
        check(&format!("MAIL FROM:<{path}> SMTPUTF8"), "553");
    }
    // A Cyrillic letter makes another domain, which is as good as any.
    check("RCPT TO:<taro@m\u{430}il.example>", "rcpt taro@m\u{430}il.example");
    check("RCPT TO:<\"a@b\\\"c\"@mail.example>", "rcpt \"a@b\\\"c\"@mail.example");
}

#[test]
fn a_name_that_could_break_a_header_field_is_made_harmless() {
    check("EHLO a@b.example", "ehlo a_b.example");
    check("EHLO x\u{1b}(y);z", "ehlo x__y__z");
    assert!(Command::read(b"EHLO \x83\x70\x83\x5c").is_ok());
}

fn introduction(line: &str) -> Option<Introduction> {
    match Command::read(line.as_bytes()) {
        Ok(Command::Xclient(introduction)) => Some(*introduction),
        _ => None,
    }
}

#[test]
fn a_proxy_tells_for_whom_it_speaks() {
    let told = introduction(
        "XCLIENT NAME=spike.example ADDR=168.100.189.2 PORT=2525 PROTO=ESMTP HELO=spike LOGIN=h+2Br \
         DESTADDR=IPV6:2001:db8::1 DESTPORT=25",
    );
    let ip = |text: &str| Some(Told::Value(text.parse::<std::net::IpAddr>().expect("an address")));
    let expected = Introduction {
        name: Some(Told::Value("spike.example".into())),
        address: ip("168.100.189.2"),
        port: Some(Told::Value(2525)),
        extended: Some(true),
        hello: Some(Told::Value("spike".into())),
        login: Some(Told::Value("h+r".into())),
        destination: ip("2001:db8::1"),
        destination_port: Some(Told::Value(25)),
    };
    assert_eq!(told, Some(expected));
    let told =
        introduction("xclient name=[unavailable] addr=[TempUnavail] helo=[UNAVAILABLE]").expect("three attributes");
    assert_eq!((told.name, told.address), (Some(Told::Unavailable), Some(Told::TempUnavailable)));
    let told = introduction("XCLIENT ADDR=ipv6:::ffff:192.0.2.1 HELO=a+0D+0Ab").expect("two attributes");
    assert_eq!(told.address, ip("192.0.2.1"));
    let hello = told.greeting().expect("a name");
    assert_eq!((&*hello.name, hello.extended), ("a__b", false));
}

#[test]
fn an_introduction_outside_its_grammar_is_refused() {
    for attributes in [
        "",
        "ADDR",
        "ADDR=",
        "ADDR=2001:db8::1",
        "ADDR=[192.0.2.1]",
        "ADDR=192.0.2.1 ADDR=192.0.2.1",
        "PORT=65536",
        "PORT=+1",
        "PROTO=LMTP",
        "PROTO=[UNAVAILABLE]",
        "NAME=",
        "NAME=a=b",
        "NAME=a+2b",
        "LOGIN=a+0Ab",
        "LOGIN=+FF",
        "SPEED=1",
        "HELO=+",
    ] {
        check(&format!("XCLIENT {attributes}"), "501");
    }
    check(&format!("XCLIENT NAME={}", "x".repeat(256)), "501");
}

proptest::proptest! {
    #[test]
    fn any_line_is_read_without_harm(line in proptest::collection::vec(0u8.., 0..100)) {
        let _ = Command::read(&line);
    }

    #[test]
    fn any_arguments_are_read_without_harm(
        verb in "(MAIL FROM:<> |RCPT TO:<a@b> |XCLIENT |AUTH |BDAT )",
        rest in "[A-Z0-9+=;,<> あ\\[\\]:.-]{0,60}",
    ) {
        let _ = Command::read(format!("{verb}{rest}").as_bytes());
    }
}
