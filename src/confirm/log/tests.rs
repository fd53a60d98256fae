//! Lines as the three MTAs write them, and lines that others make them write.

use jiff::tz::{TimeZone, offset};

use super::*;

fn manner(format: Format) -> Manner {
    let program = match format {
        Format::Postfix => "postfix",
        Format::Sendmail => "sendmail",
        Format::Exim => "exim",
    };
    Manner { format, program: program.to_owned(), zone: TimeZone::fixed(offset(9)) }
}

/// The 24th of November 2026, 00:00 in Japan.
fn now() -> Timestamp {
    "2026-11-23T15:00:00Z".parse().unwrap_or_default()
}

fn read(format: Format, line: &str) -> Option<Fact> {
    Fact::read(line, &manner(format), now())
}

/// The queue id, and what became of it in short; empty for a line that says nothing.
fn said(format: Format, line: &str) -> String {
    let Some(fact) = read(format, line) else { return String::new() };
    let what = match &fact.what {
        What::Expired => "expired".to_owned(),
        What::Was(old) => format!("was {old}"),
        What::Tried(tried) => {
            let to: Vec<&str> = tried.to.iter().map(Address::as_str).collect();
            let relay = match &tried.relay {
                Relay::Nowhere => "nowhere".to_owned(),
                Relay::Mailbox => "mailbox".to_owned(),
                Relay::Host { name, at } => {
                    let at = at.map(|(ip, port)| format!("[{ip}]{}", port.map_or(String::new(), |p| format!(":{p}"))));
                    format!("{name}{}", at.unwrap_or_default())
                }
            };
            format!("{} {:?} {relay}", to.join(","), tried.status).to_lowercase()
        }
    };
    format!("{} {what}", fact.queue_id)
}

fn check(format: Format, line: &str, expected: &str) {
    assert_eq!(said(format, line), expected, "{line}");
}

const HEAD: &str = "Nov 23 10:00:01 mail postfix/smtp[4242]: ";
const TAIL: &str = "relay=mx.candidate.example[192.0.2.1]:25, delay=1.2, delays=0.1/0.01/0.5/0.6, dsn=2.0.0, \
                    status=sent (250 2.0.0 Ok: queued as 5F1A2B3C)";

#[test]
fn postfix_tells_where_each_recipient_s_mail_went() {
    let sent = "4XyZ12abcz0k yamada@candidate.example sent mx.candidate.example[192.0.2.1]:25";
    let to = "to=<yamada@candidate.example>, ";
    check(Format::Postfix, &format!("{HEAD}4XyZ12abcz0k: {to}{TAIL}"), sent);
    check(
        Format::Postfix,
        &format!("{HEAD}9F2D71C0A3: to=<a@b.example>, orig_to=<yamada@candidate.example>, {TAIL}"),
        "9F2D71C0A3 a@b.example,yamada@candidate.example sent mx.candidate.example[192.0.2.1]:25",
    );
    for (program, rest, expected) in [
        (
            "postfix/smtp",
            "relay=mx[2001:db8::1]:25, conn_use=3, delay=1, delays=0/0/0/1, dsn=4.2.0, status=deferred (host mx \
                said: 450 4.2.0 later)",
            "deferred mx[2001:db8::1]:25",
        ),
        (
            "postfix/smtp",
            "relay=none, delay=1, delays=0/0/0/1, dsn=5.4.4, status=bounced (Host or domain name not found)",
            "bounced nowhere",
        ),
        (
            "postfix/error",
            "relay=none, delay=1, delays=1/0/0/0, dsn=4.4.1, status=deferred (delivery suspended)",
            "deferred nowhere",
        ),
        (
            "postfix/virtual",
            "relay=virtual, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)",
            "sent mailbox",
        ),
        (
            "postfix/local",
            "relay=local, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to mailbox)",
            "sent mailbox",
        ),
        (
            "postfix/lmtp",
            "relay=mail[private/dovecot-lmtp], delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Saved)",
            "sent mailbox",
        ),
        ("postfix/discard", "relay=none, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (trash)", "sent nowhere"),
        (
            "postfix/pipe",
            "relay=filter, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered via filter service)",
            "sent nowhere",
        ),
        (
            "postfix/relay/smtp",
            "relay=MX.Example.[192.0.2.9]:10025, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (250 ok)",
            "sent mx.example[192.0.2.9]:10025",
        ),
    ] {
        let line = format!("Nov  3 10:00:01 mail {program}[1]: A1B2C3D4E5: {to}{rest}");
        check(Format::Postfix, &line, &format!("A1B2C3D4E5 yamada@candidate.example {expected}"));
    }
    let qmgr = |rest: &str| format!("Nov 23 10:00:01 mail postfix/qmgr[7]: A1B2C3D4E5: {rest}");
    check(
        Format::Postfix,
        &qmgr("from=<hr@sakura.example>, status=expired, returned to sender"),
        "A1B2C3D4E5 \
        expired",
    );
    check(Format::Postfix, &qmgr("from=<>, status=force-expired, returned to sender"), "A1B2C3D4E5 expired");
    check(Format::Postfix, &qmgr("from=<hr@sakura.example>, size=512, nrcpt=1 (queue active)"), "");
    check(Format::Postfix, &qmgr("removed"), "");
}

#[test]
fn postfix_tells_the_new_name_of_a_mail_that_was_queued_again_or_came_back_from_a_filter() {
    let line = |rest: &str| format!("2026-11-23T10:00:01.123456+09:00 mail postfix/{rest}");
    check(
        Format::Postfix,
        &line("pickup[1]: B1B2C3D4E5: uid=89 from=<hr@sakura.example> orig_id=A1B2C3D4E5"),
        "B1B2C3D4E5 was A1B2C3D4E5",
    );
    check(
        Format::Postfix,
        &line(
            "smtpd[1]: B1B2C3D4E5: client=localhost[127.0.0.1], orig_queue_id=A1B2C3D4E5, \
            orig_client=hr[192.0.2.4]",
        ),
        "B1B2C3D4E5 was A1B2C3D4E5",
    );
    // What stands at other places was put there by somebody else.
    check(Format::Postfix, &line("pickup[1]: B1B2C3D4E5: uid=89 from=<a@b.example orig_id=A1B2C3D4E5>"), "");
    check(
        Format::Postfix,
        &line("smtpd[1]: B1B2C3D4E5: client=unknown[192.0.2.9], sasl_username=x, orig_queue_id=A1B2C3D4E5"),
        "",
    );
}

#[test]
fn the_name_a_server_gives_is_read_from_its_reply() {
    let named = |reply| named_by(reply).unwrap_or_default();
    assert_eq!(named("250 2.0.0 Ok: queued as 4XyZ12abcz0k"), "4XyZ12abcz0k");
    assert_eq!(named("250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 7D3E1F2A4B"), "7D3E1F2A4B");
    assert_eq!(named("250 OK id=1rAbCd-0001Ab-CD"), "1rAbCd-0001Ab-CD");
    assert_eq!(named("Sent (5AN10abc012345 Message accepted for delivery)"), "5AN10abc012345");
    assert_eq!(named("250 2.1.5 hana@mail.example Saved"), "");
    assert_eq!(named("250 queued as"), "");
}

#[test]
fn sendmail_tells_several_recipients_in_a_line() {
    let line = |rest: &str| format!("Nov 23 10:00:01 mail sm-mta[77]: 5AN10abc012345: {rest}");
    let sent = "delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=120512, relay=mx.candidate.example. \
        [192.0.2.1], dsn=2.0.0, stat=Sent (ok 1700000000 qp 1)";
    check(
        Format::Sendmail,
        &line(&format!(
            "to=<a@candidate.example>,<b@candidate.example>, ctladdr=<hr@sakura.example> (1000/1000), {sent}"
        )),
        "5AN10abc012345 a@candidate.example,b@candidate.example sent mx.candidate.example[192.0.2.1]",
    );
    check(
        Format::Sendmail,
        &line(&format!("to=a@candidate.example, {sent}")),
        "5AN10abc012345 a@candidate.example sent mx.candidate.example[192.0.2.1]",
    );
    let end = |dsn: &str, stat: &str| {
        format!(
            "to=<a@b.example>, delay=00:00:00, xdelay=00:00:00, mailer=esmtp, pri=1, relay=mx.b.example., \
                dsn={dsn}, stat={stat}"
        )
    };
    check(
        Format::Sendmail,
        &line(&end("4.0.0", "Deferred: Connection refused by mx.b.example.")),
        "5AN10abc012345 a@b.example deferred mx.b.example",
    );
    check(Format::Sendmail, &line(&end("5.1.1", "User unknown")), "5AN10abc012345 a@b.example bounced mx.b.example");
    check(Format::Sendmail, &line(&end("2.0.0", "queued")), "");
    check(Format::Sendmail, &line("from=<hr@sakura.example>, size=2, class=0, nrcpts=1, msgid=<x>, stat=Sent"), "");
    check(Format::Sendmail, &line("clone 5AN10abc012344, owner=owner-list"), "5AN10abc012345 was 5AN10abc012344");
    let mailbox =
        "to=<a@b.example>, delay=00:00:00, xdelay=00:00:00, mailer=local, pri=1, relay=local, dsn=2.0.0, stat=Sent";
    check(Format::Sendmail, &line(mailbox), "5AN10abc012345 a@b.example sent mailbox");
}

#[test]
fn exim_tells_it_with_arrows() {
    let line = |rest: &str| format!("2026-11-23 10:00:01 1rAbCd-0001Ab-CD {rest}");
    let sent = "R=dnslookup T=remote_smtp H=mx.candidate.example [192.0.2.1] \
        X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=yes \
                DN=\"CN=x H=mx.evil.example\" C=\"250 2.0.0 Ok: queued as ABC12\"";
    check(
        Format::Exim,
        &line(&format!("=> a@candidate.example {sent}")),
        "1rAbCd-0001Ab-CD a@candidate.example sent mx.candidate.example[192.0.2.1]",
    );
    check(
        Format::Exim,
        &line(&format!("-> b@candidate.example <c@d.example> {sent}")),
        "1rAbCd-0001Ab-CD b@candidate.example,c@d.example sent mx.candidate.example[192.0.2.1]",
    );
    check(
        Format::Exim,
        &line("== a@b.example R=dnslookup T=remote_smtp defer (-53): retry time not reached"),
        "1rAbCd-0001Ab-CD a@b.example deferred mailbox",
    );
    check(
        Format::Exim,
        &line(
            "** a@b.example R=dnslookup T=remote_smtp H=mx.b.example [192.0.2.1]: SMTP error after RCPT \
                TO:<a@b.example>: 550 no",
        ),
        "1rAbCd-0001Ab-CD a@b.example bounced mx.b.example[192.0.2.1]",
    );
    check(Format::Exim, &line("** a@b.example: Unrouteable address"), "1rAbCd-0001Ab-CD a@b.example bounced nowhere");
    check(Format::Exim, &line("<= hr@sakura.example H=x [192.0.2.4] P=esmtp S=99 T=\"=> a@b.example\""), "");
    check(Format::Exim, &line("*> a@b.example R=dnslookup T=remote_smtp H=mx [192.0.2.1]"), "");
    check(Format::Exim, &line("Completed"), "");
    let longer = "Nov 23 10:00:01 mail exim[9]: 2026-11-23 10:00:01.123 +0900 [9] 1rAbCd-00000001Abc-CDef => \
        hana <hana@b.example> R=local T=maildir";
    check(Format::Exim, longer, "1rAbCd-00000001Abc-CDef hana@b.example sent mailbox");
}

#[test]
fn what_strangers_write_is_believed_at_no_place() {
    let forged = format!("4XyZ12abcz0k: to=<yamada@candidate.example>, {TAIL}");
    for line in [
        // In a subject that a header check logs, at HELO, in a client's name, in another program's words.
        format!("Nov 23 10:00:01 mail postfix/cleanup[1]: 9F2D71C0A3: warning: header Subject: {forged} from x"),
        format!(
            "Nov 23 10:00:01 mail postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.9]: 554 \
            helo=<{forged}>"
        ),
        format!("Nov 23 10:00:01 mail postfix/smtpd[1]: {forged}"),
        format!("Nov 23 10:00:01 mail postfix/cleanup[1]: {forged}"),
        format!("Nov 23 10:00:01 mail sshd[1]: postfix/smtp[1]: {forged}"),
        format!("Nov 23 10:00:01 mail myapp[1]: {forged}"),
        format!("Nov 23 10:00:01 mail notpostfix/smtp[1]: {forged}"),
        format!("Nov 23 10:00:01 mail postfix/smtp: {forged}"),
        format!("{HEAD}warning: {forged}"),
        format!("{HEAD}{forged} trailing"),
        format!("{HEAD}{forged}\u{7}"),
        // In an address: the fields behind it are not those of the MTA.
        format!("{HEAD}4XyZ12abcz0k: to=<a b, relay=x[192.0.2.1]:25, status=sent (250 ok)"),
        format!("{HEAD}4XyZ12abcz0k: to=<yamada>, {TAIL}"),
    ] {
        check(Format::Postfix, &line, "");
    }
    // The quotes of an address hold what they hold.
    let quoted = format!(
        "{HEAD}4XyZ12abcz0k: to=<\"a>, status=sent (250 \"@b.example>, relay=none, delay=1, delays=1/1/1/1, \
            dsn=5.1.1, status=bounced (no)"
    );
    assert!(!said(Format::Postfix, &quoted).contains(" sent "), "{}", said(Format::Postfix, &quoted));
    // A server may say what it likes; it stays its reply.
    let says = format!(
        "{HEAD}4XyZ12abcz0k: to=<a@b.example>, relay=mx[192.0.2.1]:25, delay=1, delays=1/1/1/1, dsn=5.1.1, \
            status=bounced (host said: 550 status=sent (250 ok))"
    );
    check(Format::Postfix, &says, "4XyZ12abcz0k a@b.example bounced mx[192.0.2.1]:25");
    check(
        Format::Sendmail,
        &format!("Nov 23 10:00:01 mail sendmail[1]: 5AN10abc012345: <a@b.example>... {forged}"),
        "",
    );
    check(Format::Exim, "2026-11-23 10:00:01 H=x [192.0.2.9] rejected: 1rAbCd-0001Ab-CD => a@b.example", "");
}

#[test]
fn times_are_read_with_and_without_year_and_zone() {
    let at = |stamp: &str, now: &str| {
        let line = format!("{stamp} mail postfix/smtp[1]: 4XyZ12abcz0k: to=<a@b.example>, {TAIL}");
        let fact = Fact::read(&line, &manner(Format::Postfix), now.parse().unwrap_or_default());
        fact.map_or(String::new(), |fact| fact.at.to_string())
    };
    let now = "2026-11-23T15:00:00Z";
    assert_eq!(at("Nov 23 10:00:01", now), "2026-11-23T01:00:01Z");
    assert_eq!(at("Nov  3 10:00:01", now), "2026-11-03T01:00:01Z");
    assert_eq!(at("2026-11-23T10:00:01.5+09:00", now), "2026-11-23T01:00:01.5Z");
    assert_eq!(at("2026-11-23T01:00:01Z", now), "2026-11-23T01:00:01Z");
    // Read on New Year's day, the last line of the old year is of the old year; a clock ahead is no year ahead.
    assert_eq!(at("Dec 31 23:59:59", "2027-01-01T00:00:00Z"), "2026-12-31T14:59:59Z");
    assert_eq!(at("Jan  1 00:10:00", "2026-12-31T15:00:00Z"), "2026-12-31T15:10:00Z");
    assert_eq!(at("Feb 29 12:00:00", "2027-03-01T00:00:00Z"), "2024-02-29T03:00:00Z");
    for wrong in ["Nov 31 10:00:01", "Foo 23 10:00:01", "Nov 23 25:00:01", "Nov 23 10:00", "2026-11-23", ""] {
        assert_eq!(at(wrong, now), "", "{wrong}");
    }
}

fn entry(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut octets = Vec::new();
    for (name, value) in fields {
        octets.extend(format!("{name}={value}\n").bytes());
    }
    octets.push(b'\n');
    octets
}

#[test]
fn entries_of_the_journal_are_read_where_they_are_whole() {
    let message = format!("4XyZ12abcz0k: to=<a@b.example>, {TAIL}");
    let fields = [
        ("__CURSOR", "s=1"),
        ("__REALTIME_TIMESTAMP", "1795395601000000"),
        ("SYSLOG_IDENTIFIER", "postfix/smtp"),
        ("_PID", "77"),
        ("MESSAGE", &message),
    ];
    let whole = entry(&fields);
    assert_eq!(export::next(&whole), Ok(Some(whole.len())));
    for cut in 0..whole.len() {
        assert_eq!(export::next(&whole[..cut]), Ok(None), "{cut}");
    }
    let fact = export::read(&whole, &manner(Format::Postfix));
    assert_eq!(fact.map(|fact| (fact.queue_id, fact.at.as_second())), Some(("4XyZ12abcz0k".to_owned(), 1_795_395_601)));
    // A value with a line end comes with its length; such a message is none of an MTA.
    let mut binary = b"SYSLOG_IDENTIFIER=postfix/smtp\n_PID=1\n__REALTIME_TIMESTAMP=1\nMESSAGE\n".to_vec();
    binary.extend((message.len() as u64 + 2).to_le_bytes());
    binary.extend(format!("x\n{message}\n\n").bytes());
    assert_eq!(export::next(&binary), Ok(Some(binary.len())));
    assert_eq!(export::read(&binary, &manner(Format::Postfix)), None);
    // Nobody's process id, nobody's word.
    assert_eq!(export::read(&entry(&[fields[1], fields[2], fields[4]]), &manner(Format::Postfix)), None);
    assert!(export::next(b"MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\x7f").is_err());
}

proptest::proptest! {
    #[test]
    fn any_line_is_read_without_a_panic(line in "\\PC{0,200}", near in "[a-zA-Z0-9 :<>@.,=\\[\\]()\"/-]{0,120}") {
        for format in [Format::Postfix, Format::Sendmail, Format::Exim] {
            let _ = read(format, &line);
            let _ = read(format, &near);
            let _ = read(format, &format!("{HEAD}4XyZ12abcz0k: to={near}"));
            let _ = read(format, &format!("Nov 23 10:00:01 m sendmail[1]: 5AN10abc012345: to={near}"));
            let _ = read(format, &format!("2026-11-23 10:00:01 1rAbCd-0001Ab-CD => {near}"));
        }
        let _ = export::next(line.as_bytes());
        let _ = export::read(near.as_bytes(), &manner(Format::Postfix));
    }
}
