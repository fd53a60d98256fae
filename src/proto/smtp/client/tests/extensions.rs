//! What is offered, and what of it goes into MAIL and RCPT or keeps a mail back.

use super::*;
use crate::mail::envelope::Dsn;

#[test]
fn ehlo_keywords_are_read_in_any_case_and_from_the_second_line_on() {
    let ehlo = reply("250-PIPELINING\r\n250-pipelining\r\n250-Size 1000\r\n250-8BITMIME\r\n250 SMTPUTF8");
    assert_eq!(Capabilities::read(&ehlo), ALL.with_size(Some(1000)));
    assert_eq!(Capabilities::read(&reply("250-a\r\n250 SIZE")), NONE.with_size(Some(0)));
    assert_eq!(Capabilities::read(&reply("250 PIPELINING")), NONE);
    let offered = Capabilities::read(&reply("250-a\r\n250-STARTTLS\r\n250-CHUNKING\r\n250-DSN\r\n250 RequireTLS"));
    let wanted = [Extension::StartTls, Extension::Chunking, Extension::Dsn, Extension::RequireTls];
    assert_eq!(offered, Capabilities::of(&wanted));
}

#[test]
fn mechanisms_of_auth_are_read_in_both_spellings() {
    let both = Capabilities::of(&[Extension::AuthPlain, Extension::AuthLogin]);
    assert_eq!(Capabilities::read(&reply("250-a\r\n250 AUTH login CRAM-MD5 PLAIN")), both);
    assert_eq!(Capabilities::read(&reply("250-a\r\n250 AUTH=LOGIN PLAIN")), both);
    assert_eq!(Capabilities::read(&reply("250-a\r\n250 AUTH XOAUTH2")), NONE);
    assert_eq!(Capabilities::read(&reply("250-a\r\n250 AUTH")), NONE);
}

#[test]
fn a_limit_of_recipients_is_taken_where_it_is_a_number_above_none() {
    let max = |limits: &str| Capabilities::read(&reply(&format!("250-a\r\n250 {limits}"))).recipients_max;
    assert_eq!(max("LIMITS MAILMAX=5 rcptmax=20 RCPTDOMAINMAX=1"), Some(20));
    for none in ["LIMITS", "LIMITS RCPTMAX", "LIMITS RCPTMAX=", "LIMITS RCPTMAX=0", "LIMITS RCPTMAX=-1", "RCPTMAX=20"] {
        assert_eq!(max(none), None, "{none}");
    }
    assert_eq!(max("LIMITS RCPTMAX=99999999999999999999"), None);
}

/// An envelope with everything a client can ask.
fn asking() -> Envelope {
    let asked =
        |notify: &str, orcpt: Option<&str>| RecipientDsn { notify: Some(notify.into()), orcpt: orcpt.map(Into::into) };
    let dsn = Dsn {
        ret: Some(Ret::Headers),
        envid: Some("QQ+2B314159".into()),
        recipients: vec![asked("SUCCESS,failure", Some("rfc822;Bob+2Bx@big.example")), asked("NEVER", None)],
    };
    Envelope {
        sender: Some(address("hr@sakura.example")),
        recipients: vec![address("a@x.example"), address("b@x.example")],
        dsn: Some(Box::new(dsn)),
        ..Envelope::default()
    }
}

/// The commands for an envelope.
fn commands(envelope: &Envelope, offered: &Capabilities, change: impl FnOnce(&mut Plan<'_>)) -> String {
    let recipients = (0..envelope.recipients.len()).filter_map(|i| Recipient::of(envelope, i)).collect();
    let mut plan = Plan::of(envelope, recipients);
    change(&mut plan);
    let (story, dialogue) = run(&plan, offered, &[]);
    if dialogue.is_over() { answers(&dialogue).join(", ") } else { story }
}

#[test]
fn what_was_asked_of_reports_goes_on_octet_for_octet_or_not_at_all() {
    let offered = Capabilities::of(&[Extension::Pipelining, Extension::Dsn]);
    assert_eq!(
        commands(&asking(), &offered, |_| ()),
        "MAIL FROM:<hr@sakura.example> RET=HDRS ENVID=QQ+2B314159\\\
         RCPT TO:<a@x.example> NOTIFY=SUCCESS,failure ORCPT=rfc822;Bob+2Bx@big.example\\\
         RCPT TO:<b@x.example> NOTIFY=NEVER\\DATA\\|"
    );
    let without = commands(&asking(), &Capabilities::of(&[Extension::Pipelining]), |_| ());
    assert_eq!(without, "MAIL FROM:<hr@sakura.example>\\RCPT TO:<a@x.example>\\RCPT TO:<b@x.example>\\DATA\\|");
    let unasked = Envelope { dsn: None, ..asking() };
    assert_eq!(commands(&unasked, &offered, |_| ()), without);
}

#[test]
fn requiretls_goes_on_over_verified_tls_to_who_offers_it_and_nowhere_else() {
    let envelope = Envelope { require_tls: true, dsn: None, ..asking() };
    let offered = Capabilities::of(&[Extension::Pipelining, Extension::RequireTls]);
    let verified = |plan: &mut Plan<'_>| plan.terms.verified = true;
    assert!(commands(&envelope, &offered, verified).starts_with("MAIL FROM:<hr@sakura.example> REQUIRETLS\\"));
    let refused =
        "Refused Mail 550 5.7.30 REQUIRETLS was asked for, and the next hop does not offer it over verified TLS";
    let both = format!("{refused}, {refused}");
    assert_eq!(commands(&envelope, &offered, |_| ()), both);
    assert_eq!(commands(&envelope, &NONE, verified), both);
    let report = Envelope { sender: None, ..envelope };
    assert!(commands(&report, &Capabilities::of(&[Extension::Pipelining]), |_| ()).starts_with("MAIL FROM:<>\\"));
    let unasked = Envelope { dsn: None, ..asking() };
    assert!(!commands(&unasked, &offered, verified).contains("REQUIRETLS"));
}

#[test]
fn an_eight_bit_mail_is_refused_where_the_route_says_so_and_a_seven_bit_one_is_none() {
    let envelope = Envelope { body: Body::EightBitMime, dsn: None, ..asking() };
    let barred = |octets: Octets| {
        move |plan: &mut Plan<'_>| {
            plan.terms.eight_bit_barred = true;
            plan.what_octets = octets;
        }
    };
    let refused = "Refused Mail 554 5.6.3 The next hop does not offer 8BITMIME for an 8-bit message";
    assert_eq!(commands(&envelope, &NONE, barred(Octets::Eight)), format!("{refused}, {refused}"));
    assert_eq!(commands(&envelope, &NONE, barred(Octets::Seven)), MAIL);
    assert_eq!(commands(&envelope, &NONE, |plan| plan.what_octets = Octets::Eight), MAIL);
    let offered = Capabilities::of(&[Extension::EightBitMime]);
    let said = commands(&envelope, &offered, barred(Octets::Eight));
    assert_eq!(said, "MAIL FROM:<hr@sakura.example> BODY=8BITMIME\\|");
}

#[test]
fn octets_are_looked_at_only_where_it_matters() {
    let asks = |eight_bit_barred, offered: &Capabilities| {
        let terms = Terms { eight_bit_barred, ..Terms::default() };
        Plan { terms, ..Plan::default() }.asks_what_octets(offered)
    };
    assert!(asks(true, &NONE) && !asks(false, &NONE) && !asks(true, &ALL));
}

/// Japanese carriers have handed out local parts that no RFC allows; they go as they came.
#[test]
fn dots_in_odd_places_go_on_unchanged_to_docomo_and_ezweb() {
    let odd = ["foo..bar@docomo.ne.jp", "foo.@ezweb.ne.jp", ".foo@docomo.ne.jp"];
    let recipients: Vec<Address> = odd.iter().map(|a| address(a)).collect();
    let envelope = Envelope { sender: Some(recipients[0].clone()), recipients, ..Envelope::default() };
    assert_eq!(
        commands(&envelope, &Capabilities::of(&[Extension::Pipelining]), |_| ()),
        "MAIL FROM:<foo..bar@docomo.ne.jp>\\RCPT TO:<foo..bar@docomo.ne.jp>\\RCPT TO:<foo.@ezweb.ne.jp>\\\
         RCPT TO:<.foo@docomo.ne.jp>\\DATA\\|"
    );
}
