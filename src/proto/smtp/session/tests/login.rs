//! TLS, logins and proxies: what each offers, in which order, and what is forgotten.

use super::*;

fn terms(starttls: Availability, auth: Availability) -> Terms {
    Terms { starttls, auth, ..plain(Limits { errors_max: 20, ..limits() }) }
}

fn open_door() -> Terms {
    terms(Availability::Offered, Availability::Offered)
}

const TLS: Peer =
    Peer { may_relay: false, tls: true, authenticated: false, returns: Returns::None, role: Role::Client };
const CLEAR: Peer = Peer { tls: false, ..TLS };
const HI: &str = "C: EHLO pc\nS: 250\n";
const STARTTLS: &str = "C: STARTTLS\nS: 220 2.0.0\nT:\n";
/// `NUL hr NUL plum`.
const HR: &str = "AGhyAHBsdW0=";
const MAIL: &str = "C: MAIL FROM:<hr@sakura.example>\nS: 250\nC: RCPT TO:<a@b.example>\nS: 250\n";

#[test]
fn what_ehlo_offers_depends_on_tls_and_on_who_asks() {
    let base = "C: EHLO pc\nS: 250 relay.example PIPELINING SIZE 2000 8BITMIME ENHANCEDSTATUSCODES CHUNKING DSN ";
    check_at(&open_door(), CLEAR, &format!("{base}STARTTLS SMTPUTF8"));
    check_at(&open_door(), TLS, &format!("{base}AUTH PLAIN LOGIN REQUIRETLS SMTPUTF8"));
    check_at(&plain(limits()), TLS, &format!("{base}REQUIRETLS SMTPUTF8"));
    let proxy = Peer { role: Role::Proxy, ..CLEAR };
    check_at(
        &plain(limits()),
        proxy,
        &format!("{base}XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT SMTPUTF8"),
    );
    check_at(&open_door(), CLEAR, "C: HELO pc\nS: 250 relay.example");
}

#[test]
fn a_handshake_forgets_everything_that_was_said_before_it() {
    let peer = Peer { may_relay: true, ..CLEAR };
    check_at(
        &open_door(),
        peer,
        &format!("{HI}{MAIL}{STARTTLS}C: DATA\nS: 503\nC: MAIL FROM:<>\nS: 503 5.5.1 Say EHLO\n"),
    );
    check_at(
        &open_door(),
        peer,
        &format!("{STARTTLS}C: STARTTLS\nS: 503 5.5.1\nC: EHLO pc\nS: 250\nC: STARTTLS\nS: 503"),
    );
    check_at(&open_door(), peer, &format!("C: STARTTLS now\nS: 501 5.5.4\n{STARTTLS}"));
    check_at(&plain(limits()), peer, "C: STARTTLS\nS: 502 5.5.1");
    let mut talk = Talk::at(open_door(), peer);
    talk.say(b"EHLO pc\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nBDAT 1\r\nxSTARTTLS\r\n");
    talk.say(b"BDAT 1 LAST\r\ny");
    assert_eq!(talk.heard.last().map(String::as_str), Some("S: 503 5.5.1 Say MAIL first"));
    assert_eq!((talk.session.room(), talk.session.is_in_transaction()), (0, false));
}

#[test]
fn octets_said_before_the_handshake_are_thrown_away() {
    let mut talk = Talk::at(open_door(), Peer { may_relay: true, ..CLEAR });
    talk.say(b"EHLO pc\r\nSTARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<a@b.exam");
    talk.say(b"ple>\r\n");
    let codes: Vec<&str> = talk.heard.iter().map(|line| line.get(..6).unwrap_or(line)).collect();
    assert_eq!(codes, ["S: 250", "S: 220", "T:", "S: 500"]);
    assert!(talk.session.hello.is_none() && talk.session.open.is_none());
    let mut session = Session::new(Arc::new(open_door()), CLEAR);
    let step = session.step(b"STARTTLS\r\nRSET\r\nNOOP");
    assert_eq!(step.consumed, b"STARTTLS\r\nRSET\r\nNOOP".len());
    assert_eq!(session.step(b"NOOP\r\n").consumed, 0);
}

#[test]
fn a_user_logs_in_and_may_relay() {
    let mail =
        format!("{MAIL}C: DATA\nS: 354\nC: x\nC: .\nM: ESMTPSA <hr@sakura.example> a@b.example x\\r\\n\nS: 250\n");
    let known = "A: hr\nS: 235 2.7.0\n";
    check_at(&open_door(), CLEAR, &format!("{HI}{STARTTLS}{HI}C: AUTH PLAIN {HR}\n{known}{mail}"));
    check_at(&open_door(), TLS, &format!("{HI}C: AUTH PLAIN\nS: 334\nC: {HR}\n{known}{mail}"));
    check_at(
        &open_door(),
        TLS,
        &format!("{HI}C: auth login\nS: 334 VXNlcm5hbWU6\nC: aHI=\nS: 334 UGFzc3dvcmQ6\nC: cGx1bQ==\n{known}{mail}"),
    );
    check_at(&open_door(), TLS, &format!("{HI}C: AUTH LOGIN aHI=\nS: 334 UGFzc3dvcmQ6\nC: cGx1bQ==\n{known}{mail}"));
    check_at(&open_door(), TLS, &format!("{HI}C: MAIL FROM:<>\nS: 250\nC: RCPT TO:<a@b.example>\nS: 550 5.7.1"));
}

#[test]
fn a_login_that_fails_says_why() {
    let play = |dialogue: &str| check_at(&open_door(), TLS, &format!("{HI}{dialogue}\nC: NOOP\nS: 250"));
    play("C: AUTH PLAIN AGhyAHBsdW4=\nA: hr\nS: 535 5.7.8");
    play("C: AUTH PLAIN AHNsb3cAeA==\nA: slow\nS: 454 4.7.0");
    play("C: AUTH PLAIN Y2VvAGhyAHBsdW0=\nS: 535 5.7.8");
    play(&format!("C: AUTH PLAIN aHIAaHIAcGx1bQ==\nA: hr\nS: 235\nC: AUTH PLAIN {HR}\nS: 503 5.5.1"));
    play("C: AUTH PLAIN =\nS: 501 5.5.2");
    play("C: AUTH PLAIN not!base64\nS: 501 5.5.2");
    play("C: AUTH PLAIN\nS: 334\nC: *\nS: 501 5.7.0");
    play("C: AUTH LOGIN\nS: 334\nC: QUIT\nS: 334\nC: RSET\nA: AB\nS: 535");
    play("C: AUTH CRAM-MD5\nS: 504 5.5.4");
    play("C: AUTH\nS: 501 5.5.4");
}

#[test]
fn logins_have_their_place() {
    check_at(&open_door(), TLS, &format!("C: AUTH PLAIN {HR}\nS: 503 5.5.1"));
    check_at(
        &open_door(),
        Peer { may_relay: true, ..TLS },
        &format!("{HI}{MAIL}C: AUTH PLAIN {HR}\nS: 503 5.5.1\nC: DATA\nS: 354"),
    );
    check_at(&open_door(), CLEAR, &format!("{HI}C: AUTH PLAIN {HR}\nS: 538 5.7.11"));
    check_at(&plain(limits()), TLS, &format!("{HI}C: AUTH PLAIN {HR}\nS: 502 5.5.1"));
    let required = terms(Availability::Required, Availability::Offered);
    check_at(&required, CLEAR, &format!("{HI}C: AUTH PLAIN {HR}\nS: 530 5.7.0"));
    let absent = terms(Availability::Absent, Availability::Offered);
    check_at(&absent, CLEAR, &format!("{HI}C: AUTH PLAIN {HR}\nS: 538 5.7.11"));
}

#[test]
fn what_is_required_comes_before_mail() {
    let friend = Peer { may_relay: true, ..CLEAR };
    let tls = terms(Availability::Required, Availability::Absent);
    check_at(
        &tls,
        friend,
        &format!(
            "{HI}C: MAIL FROM:<>\nS: 530 5.7.0\nC: RCPT TO:<a@b.example>\nS: 503\nC: NOOP\nS: 250\n{STARTTLS}{HI}{MAIL}"
        ),
    );
    let both = terms(Availability::Required, Availability::Required);
    check_at(
        &both,
        friend,
        &format!(
            "{HI}C: MAIL FROM:<>\nS: 530 5.7.0 Say STARTTLS\n{STARTTLS}{HI}\
             C: MAIL FROM:<>\nS: 530 5.7.0 Auth\nC: AUTH PLAIN {HR}\nA: hr\nS: 235\n{MAIL}"
        ),
    );
}

#[test]
fn a_login_has_a_line_limit_of_its_own() {
    let long = |octets: usize| "A".repeat(octets);
    // `AUTH PLAIN ` and CRLF have 13 octets. Base64 of NULs is no credential, but it is read to the end.
    check_at(&open_door(), TLS, &format!("{HI}C: AUTH PLAIN {}\nS: 501 5.5.2", long(12288 - 13)));
    check_at(&open_door(), TLS, &format!("{HI}C: AUTH PLAIN {}\nS: 500 5.5.6\nclosed", long(12288 - 12)));
    check_at(&open_door(), TLS, &format!("{HI}C: AUTH PLAIN\nS: 334\nC: {}\nS: 501 5.5.2", long(12288 - 2)));
    check_at(&open_door(), TLS, &format!("{HI}C: AUTH PLAIN\nS: 334\nC: {}\nS: 500 5.5.6\nclosed", long(12288 - 1)));
    check_at(&open_door(), TLS, &format!("{HI}C: AUTHOR {}\nS: 500 5.5.2\nclosed", long(3000)));
    check_at(&open_door(), TLS, &format!("{HI}C: AUTH LOGIN\nS: 334\nC: a\\nb\nS: 500 5.5.2\nclosed"));
}

#[test]
fn too_many_failed_logins_end_the_connection() {
    let wrong = "C: AUTH PLAIN AGhyAHg=\nA: hr\n";
    let foreign = "C: AUTH PLAIN Y2VvAGhyAHBsdW0=\n";
    check_at(&open_door(), TLS, &format!("{HI}{wrong}S: 535\n{foreign}S: 535\n{wrong}S: 421 4.7.0\nclosed"));
    let mut talk = Talk::at(open_door(), TLS);
    talk.say(b"EHLO pc\r\nAUTH PLAIN AGhyAHg=\r\n");
    assert_eq!((talk.session.denied_logins(), talk.session.faults()), (1, 1));
}

#[test]
fn requiretls_is_for_connections_under_tls() {
    let friend = |tls| Peer { may_relay: true, tls, ..CLEAR };
    check_at(&open_door(), friend(false), &format!("{HI}C: MAIL FROM:<> REQUIRETLS\nS: 555 5.5.4"));
    for (parameter, asked) in [(" REQUIRETLS", true), ("", false)] {
        let mut session = Session::new(Arc::new(open_door()), friend(true));
        let said = format!("EHLO pc\r\nMAIL FROM:<>{parameter}\r\nRCPT TO:<a@b.example>\r\nBDAT 0 LAST\r\n");
        let transaction = message_of(&mut session, said.as_bytes()).expect("a message");
        assert_eq!((transaction.envelope.require_tls, transaction.protocol()), (asked, "ESMTPS"));
    }
}

/// The message that these octets make.
pub(super) fn message_of(session: &mut Session, mut said: &[u8]) -> Option<Transaction> {
    loop {
        let step = session.step(said);
        said = &said[step.consumed..];
        match step.action {
            Action::Message(transaction) => return Some(*transaction),
            Action::Room(octets) => session.grant(octets),
            Action::Reply(_) => {}
            _ => return None,
        }
    }
}

#[test]
fn the_protocol_is_named_by_what_was_true_of_this_hop() {
    for (hello, parameters, peer, name) in [
        ("HELO", "", CLEAR, "SMTP"),
        ("HELO", "", TLS, "SMTP"),
        ("EHLO", "", CLEAR, "ESMTP"),
        ("EHLO", "", TLS, "ESMTPS"),
        ("EHLO", "", Peer { authenticated: true, ..TLS }, "ESMTPSA"),
        ("EHLO", "", Peer { authenticated: true, ..CLEAR }, "ESMTP"),
        ("EHLO", " SMTPUTF8", CLEAR, "UTF8SMTP"),
        ("EHLO", " SMTPUTF8", TLS, "UTF8SMTPS"),
        ("EHLO", " SMTPUTF8", Peer { authenticated: true, ..TLS }, "UTF8SMTPSA"),
        ("EHLO", " SMTPUTF8", Peer { authenticated: true, ..CLEAR }, "UTF8SMTP"),
    ] {
        let mut session = Session::new(Arc::new(open_door()), Peer { may_relay: true, ..peer });
        let said = format!("{hello} pc\r\nMAIL FROM:<>{parameters}\r\nRCPT TO:<a@b.example>\r\nBDAT 0 LAST\r\n");
        assert_eq!(message_of(&mut session, said.as_bytes()).expect("a message").protocol(), name);
    }
}

#[test]
fn a_proxy_speaks_for_its_clients_one_after_another() {
    let proxy = Peer { role: Role::Proxy, ..CLEAR };
    let play = |script: &str| check_at(&plain(limits()), proxy, script);
    let (friend, stranger) = (
        "C: XCLIENT ADDR=192.0.2.7 NAME=pc\nX: 192.0.2.7\nS: 220 relay.example",
        "C: XCLIENT ADDR=203.0.113.7\nX: 203.0.113.7\nS: 220",
    );
    play(&format!(
        "{HI}{friend}\nC: MAIL FROM:<>\nS: 503 5.5.1 Say EHLO\n{HI}{MAIL}C: RSET\nS: 250\n\
         {stranger}\n{HI}C: MAIL FROM:<>\nS: 250\nC: RCPT TO:<a@b.example>\nS: 550"
    ));
    play(&format!("{HI}C: MAIL FROM:<>\nS: 250\nC: XCLIENT ADDR=192.0.2.7\nS: 503 5.5.1"));
    play("C: XCLIENT ADDR=here\nS: 501 5.5.4\nC: XCLIENT\nS: 501");
    let named = "C: XCLIENT PROTO=ESMTP HELO=pc.example ADDR=192.0.2.7\nX: 192.0.2.7\nS: 220\n";
    play(&format!("{named}{MAIL}C: DATA\nS: 354\nC: .\nM: ESMTP <hr@sakura.example> a@b.example \nS: 250"));
    play("C: XCLIENT HELO=[UNAVAILABLE] ADDR=[UNAVAILABLE]\nX: nobody\nS: 220\nC: MAIL FROM:<>\nS: 503");
    check_at(&plain(limits()), CLEAR, "C: XCLIENT ADDR=192.0.2.7\nS: 550 5.7.0");
}

#[test]
fn an_idle_session_is_small() {
    assert!(size_of::<Session>() <= 160, "{}", size_of::<Session>());
}
