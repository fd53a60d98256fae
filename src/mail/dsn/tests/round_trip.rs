//! What is written is read back with the same verdict, status and recipients, whatever stands in words and mails.

use proptest::prelude::*;

use crate::mail::dsn::read::{Verdict, read};
use crate::mail::dsn::*;

fn address() -> impl Strategy<Value = Address> {
    "[a-z0-9_+山太é'=-]{1,20}(\\.[a-z0-9]{1,8})?@[a-z0-9]{1,10}(\\.[a-z]{2,6}){1,2}"
        .prop_filter_map("no address", |text| Address::parse(&text).ok())
}

/// An action with the verdict and the classes of status that go with it.
fn action() -> impl Strategy<Value = (Action, Verdict, u8)> {
    prop_oneof![
        Just((Action::Failed, Verdict::Failed, 5)),
        Just((Action::Failed, Verdict::Failed, 4)),
        Just((Action::Delayed, Verdict::Delayed, 4)),
        Just((Action::Delivered, Verdict::Delivered, 2)),
        Just((Action::Relayed, Verdict::Delivered, 2)),
        Just((Action::Expanded, Verdict::Delivered, 2)),
    ]
}

/// A mail with a header of its own and any octets behind it.
fn original() -> impl Strategy<Value = Vec<u8>> {
    let body = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..2000),
        // What could be taken for a part of the report.
        "(\r\n|--=_x1_0(--)?|Action: delivered|Content-Type: message/delivery-status|[a-z ]{0,9}){0,40}"
            .prop_map(String::into_bytes),
    ];
    ("[ -~]{0,60}", body).prop_map(|(subject, body)| {
        let head = format!("From: hr@sakura.example\r\nSubject: x{subject}\r\n\r\n");
        [head.as_bytes(), &body].concat()
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        (to, lost) in (address(), proptest::collection::vec(address(), 1..8)),
        ((action, verdict, class), subject, detail) in (action(), 0u16..1000, 0u16..1000),
        diagnostic in any::<String>(),
        original in original(),
        (smtp, header_only, smtputf8) in any::<(bool, bool, bool)>(),
    ) {
        let status = format!("{class}.{subject}.{detail}");
        let at = Timestamp::from_second(1_700_000_000).expect("a time");
        let fates: Vec<Fate<'_>> = lost
            .iter()
            .map(|recipient| Fate {
                recipient,
                action,
                orcpt: None,
                status: &status,
                diagnostic: &diagnostic,
                smtp,
                remote_mta: smtp.then_some("mx.mail.example"),
                last_attempt: Some(at),
                retried_until: (action == Action::Delayed).then_some(at),
            })
            .collect();
        let written = write(&Report {
            to: &to,
            reporting_mta: "relay.sakura.example",
            unique: "x1",
            now: at,
            arrived: at,
            fates: &fates,
            original: &original,
            header_only,
            smtputf8,
            envid: None,
        });
        let reading = read(&written.octets);
        prop_assert_eq!((reading.verdict, reading.form), (verdict, "rfc3464"));
        prop_assert_eq!(reading.status, Some((class, subject, detail)));
        prop_assert_eq!(reading.recipients, lost);
    }
}
