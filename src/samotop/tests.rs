//! Mails through sessions of samotop: its own commands, its own session, our relay behind it.

use std::time::Duration;

use samotop_core::io::ConnectionInfo;
use samotop_core::io::tls::MayBeTls;
use samotop_core::mail::Builder;
use samotop_core::smtp::command::{MailBody, SmtpData, SmtpHelo, SmtpMail, SmtpRcpt};
use samotop_core::smtp::{Action, Drive, DriverControl, DriverError, Esmtp, Interpret, SmtpContext, SmtpHost};

use super::*;
use crate::app::gateway::Gateway;
use crate::app::handed::Handed;
use crate::config;
use crate::demo::{Catcher, write_configuration};
use crate::smtp::custody::Relay;
use crate::watch::Watch;

const REJECTION: &str = "From: saiyo@sakura.example\r\nTo: yamada@mail.example\r\nSubject: kekka\r\n\
    MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
    この度は弊社の求人にご応募いただき、誠にありがとうございました。\r\n\r\n\
    慎重に検討を重ねました結果、誠に残念ではございますが、\r\n今回は採用を見送らせていただくこととなりました。\r\n\r\n\
    末筆ながら、今後のますますのご活躍を心よりお祈り申し上げます。\r\n\r\n株式会社サクラ商事 人事部\r\n";

/// The test says the commands; there is no connection to drive.
#[derive(Debug)]
struct ByHand;

impl Drive for ByHand {
    fn drive<'a, 'i, 'x, 's, 'f>(
        &'a self,
        _: &'i mut Box<dyn MayBeTls>,
        _: &'x (dyn Interpret + Send + Sync),
        _: &'s mut SmtpContext,
    ) -> S1Fut<'f, Result<(), DriverError>>
    where
        'a: 'f,
        'i: 'f,
        'x: 'f,
        's: 'f,
    {
        Box::pin(ready(Ok(())))
    }
}

fn mailbox(address: &str) -> SmtpPath {
    let (name, host) = address.split_once('@').unwrap_or_else(|| panic!("{address}"));
    SmtpPath::Mailbox { name: name.to_owned(), host: SmtpHost::Domain(host.to_owned()), relays: Vec::new() }
}

/// The codes a session says to a mail from this peer: to EHLO, MAIL, RCPT, DATA and the dot.
async fn say(dispatch: Dispatch<Relay>, peer: &str, mail: &[u8]) -> String {
    let service = (Builder::empty() + dispatch).build_with_driver(ByHand);
    let mut session = SmtpContext::new(service, ConnectionInfo::new(String::new(), peer.to_owned()));
    let host = SmtpHost::Domain("office.sakura.example".to_owned());
    Esmtp.apply(SmtpHelo { verb: "EHLO".to_owned(), host }, &mut session).await;
    Esmtp.apply(SmtpMail::Mail(mailbox("saiyo@sakura.example"), Vec::new()), &mut session).await;
    Esmtp.apply(SmtpRcpt(mailbox("yamada@mail.example"), Vec::new()), &mut session).await;
    Esmtp.apply(SmtpData, &mut session).await;
    if session.session.transaction.sink.is_some() {
        for line in mail.split_inclusive(|b| *b == b'\n') {
            let chunk = MailBody::Chunk { data: line.to_vec(), ends_with_new_line: true };
            Esmtp.apply(chunk, &mut session).await;
        }
        Esmtp.apply(MailBody::<Vec<u8>>::End, &mut session).await;
    }
    let mut codes = Vec::new();
    while let Some(control) = session.session.pop_control() {
        if let DriverControl::Response(reply) = control {
            codes.push(String::from_utf8_lossy(&reply[..3]).into_owned());
        }
    }
    codes.join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_through_a_samotop_session_leaves_with_the_line_and_counts_once() {
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    std::fs::create_dir(folder.path().join("companies")).unwrap_or_else(|e| panic!("{e}"));
    let catcher = Catcher::start().await.unwrap_or_else(|e| panic!("{e}"));
    write_configuration(folder.path(), catcher.address).unwrap_or_else(|e| panic!("{e}"));
    let settings = config::load(&folder.path().join("career-relay.toml")).unwrap_or_else(|e| panic!("{e}"));
    let gateway = Gateway::start(settings, Handed::default(), Watch::new()).await.unwrap_or_else(|e| panic!("{e}"));
    let dispatch = |octets_max| Dispatch::new(gateway.relay(), Handle::current(), octets_max);
    let peer = "127.0.0.1:40000";
    assert_eq!(say(dispatch(1 << 20), peer, REJECTION.as_bytes()).await, "250 250 250 354 250");
    assert_eq!(say(dispatch(1 << 20), peer, REJECTION.as_bytes()).await, "250 250 250 354 250", "once more");
    assert_eq!(say(dispatch(100), peer, REJECTION.as_bytes()).await, "250 250 250 354 450", "too large");
    assert_eq!(
        say(dispatch(1 << 20), peer, b"From: a@b.example\r\n\r\na\nb\r\n").await,
        "250 250 250 354 450",
        "bare LF"
    );
    for stranger in ["192.0.2.7:40000", "a socket"] {
        assert_eq!(say(dispatch(1 << 20), stranger, REJECTION.as_bytes()).await, "250 250 250 550", "{stranger}");
    }
    assert!(gateway.settle(Duration::from_mins(1)).await);
    let caught = catcher.caught();
    let lines = |octets: &[u8]| String::from_utf8_lossy(octets).matches("https://careerrelay.jp/r/").count();
    assert_eq!(caught.iter().map(|mail| lines(&mail.octets)).collect::<Vec<_>>(), [1, 1]);
    let company = gateway.policy().companies().next().map(|of| of.company.id.clone());
    let balances = gateway.balance(&company.unwrap_or_else(|| panic!("no company"))).await;
    assert_eq!(balances.unwrap_or_else(|e| panic!("{e}"))[0].pool.counted, 1);
    gateway.stop().await;
}
