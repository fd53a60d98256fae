//! Referrals given to an MTA, its log, and what the ledger is told.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::config::{MtaFormat, NamedHost};
use crate::ledger::ContractRef;
use crate::referral::LinkToken;
use crate::spool::{Intent, Offer, SpoolOptions};
use crate::sys::resolver::{Answer, Lookup, LookupFault, Mx};
use crate::sys::tls::Tlsa;

/// Domains of which `mx.` and the domain is the mail server; nothing is known of others, or now.
#[derive(Debug)]
struct Names;

impl Resolve for Names {
    fn mx<'a>(&'a self, domain: &'a str) -> Lookup<'a, Mx> {
        Box::pin(async move {
            if domain == "silent.example" {
                return Err(LookupFault::Temporary("silent".to_owned()));
            }
            let records = vec![Mx { preference: 10, host: format!("mx.{domain}") }];
            Ok(Answer { records, secure: false, name: domain.to_owned() })
        })
    }

    fn addresses<'a>(&'a self, _host: &'a str) -> Lookup<'a, IpAddr> {
        Box::pin(async { Err(LookupFault::NoRecords) })
    }

    fn txt<'a>(&'a self, _name: &'a str) -> Lookup<'a, Vec<u8>> {
        Box::pin(async { Err(LookupFault::NoRecords) })
    }

    fn tlsa<'a>(&'a self, _name: &'a str) -> Lookup<'a, Tlsa> {
        Box::pin(async { Err(LookupFault::NoRecords) })
    }
}

/// A candidate's key, in these tests, is the sum of the octets of the address.
fn key(address: &str) -> CandidateKey {
    CandidateKey { key_id: 1, octets: [address.bytes().fold(0, u8::wrapping_add); 32] }
}

struct House {
    folder: TempDir,
    spool: Spool,
    settings: ConfirmSettings,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), options()).unwrap();
        let log = MtaLog {
            mta: "mta".to_owned(),
            file: folder.path().join("mail.log"),
            format: MtaFormat::Postfix,
            journal: false,
            program: None,
            time_zone: Some("UTC".to_owned()),
            reached_at: Vec::new(),
        };
        let mx = NamedHost::parse("declared.example").into_iter().collect();
        let settings = ConfirmSettings { mx, logs: vec![log], ..ConfirmSettings::default() };
        Self { folder, spool, settings }
    }

    fn log(&self, lines: &[String]) {
        let path: PathBuf = self.folder.path().join("mail.log");
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        lines.iter().try_for_each(|line| writeln!(file, "{line}")).unwrap();
    }

    async fn intend(&self, queue_id: &str, to: &[&str], at: Timestamp) {
        let intent = Intent {
            mta: "mta".to_owned(),
            queue_id: queue_id.to_owned(),
            transaction: format!("t-{queue_id}-{}", at.as_second()),
            route: "mta".to_owned(),
            at,
            tagged: false,
            offers: (0..).zip(to).map(|(recipient, to)| offer(recipient, to)).collect(),
        };
        self.spool.intend(intent).await.unwrap();
    }

    async fn reader(&self) -> Reader {
        let is_him: IsHim = Arc::new(|_, candidate, address| key(address.as_str()) == *candidate);
        let (spool, names, told) = (self.spool.clone(), Arc::new(Names), Arc::new(Notify::new()));
        Reader::new(&self.settings, Around { spool, names, is_him, told }).await.unwrap()
    }

    /// What the ledger is told, as recipient and proof.
    async fn told(&self) -> String {
        let rows = self.spool.outbox_after(0, 99).await.unwrap();
        let row = |row: &crate::spool::OutboxRow| format!("{} {}", row.event.recipient, row.event.proves.code());
        rows.iter().map(row).collect::<Vec<_>>().join(", ")
    }
}

fn options() -> SpoolOptions {
    SpoolOptions { reserve_octets: 64 * 1024, free_octets_min: 0, ..SpoolOptions::default() }
}

fn offer(recipient: u32, to: &str) -> Offer {
    Offer {
        recipient,
        company: CompanyId::parse("kaede").unwrap(),
        candidate: key(to),
        earlier: Vec::new(),
        token: LinkToken::parse(&format!("kaede-{}", "a".repeat(26))).unwrap(),
        contract: ContractRef { series: "main".to_owned(), version: 1, digest: [7; 32] },
        inserted: true,
        wording: None,
        traits: None,
    }
}

async fn read_all(reader: &mut Reader) {
    while reader.round().await.unwrap() {}
}

fn line(program: &str, rest: &str) -> String {
    format!("{} mail postfix/{program}[1]: {rest}", clock::now())
}

fn tried(queue_id: &str, to: &str, relay: &str, outcome: &str) -> String {
    line("smtp", &format!("{queue_id}: to=<{to}>, relay={relay}, delay=1, delays=0/0/0/1, dsn=2.0.0, {outcome}"))
}

const SENT: &str = "status=sent (250 2.0.0 Ok: queued as 7D3E1F2A4B)";

/// A mail of queue id `AAAAAA` to one candidate; what the ledger is told after these lines, read at once, and read in
/// two runs at each place.
async fn check(to: &str, lines: &[String], told: &str) {
    for cut in 0..=lines.len() {
        let house = House::new();
        house.log(&[line("smtpd", "AAAAAA: client=hr[192.0.2.4]")]);
        house.intend("AAAAAA", &[to], clock::now()).await;
        let mut reader = house.reader().await;
        house.log(&lines[..cut]);
        read_all(&mut reader).await;
        drop(reader);
        house.log(&lines[cut..]);
        let mut reader = house.reader().await;
        read_all(&mut reader).await;
        assert_eq!(house.told().await, told, "{lines:#?} cut at {cut}");
    }
}

#[tokio::test]
async fn who_took_the_mail_says_what_that_proves() {
    let to = "hana@mail.example";
    let sent = |relay: &str| vec![tried("AAAAAA", to, relay, SENT)];
    check(to, &sent("mx.mail.example[192.0.2.1]:25"), "0 delivered").await;
    check(to, &sent("declared.example[192.0.2.1]:25"), "0 delivered").await;
    check(to, &sent("smarthost.example[192.0.2.1]:587"), "0 accepted").await;
    check(
        "hana@docomo.ne.jp",
        &[tried("AAAAAA", "hana@docomo.ne.jp", "mx.docomo.ne.jp[192.0.2.1]:25", SENT)],
        "0 delivered_hiding",
    )
    .await;
    check(to, &[tried("AAAAAA", "kei@mail.example", "mx.mail.example[192.0.2.1]:25", SENT)], "").await;
    check(to, &[tried("BBBBBB", to, "mx.mail.example[192.0.2.1]:25", SENT)], "").await;
    check(to, &[line("pipe", &format!("AAAAAA: to=<{to}>, relay=filter, delay=1, dsn=2.0.0, {SENT}"))], "").await;
}

#[tokio::test]
async fn what_was_put_off_counts_when_it_arrives_and_what_was_given_up_never() {
    let to = "hana@mail.example";
    let try_once = |outcome: &str| tried("AAAAAA", to, "mx.mail.example[192.0.2.1]:25", outcome);
    let deferred = try_once("status=deferred (host mx.mail.example said: 450 4.2.1 <hana@mail.example> busy)");
    check(to, &[deferred.clone(), deferred.clone(), try_once(SENT), try_once(SENT)], "0 delivered").await;
    check(to, &[deferred.clone(), try_once("status=bounced (550 5.1.1 no)")], "").await;
    let expired = line("qmgr", "AAAAAA: from=<hr@sakura.example>, status=expired, returned to sender");
    check(to, &[deferred.clone(), expired], "").await;
    let house = House::new();
    house.intend("AAAAAA", &[to], clock::now()).await;
    house.log(&[deferred]);
    let mut reader = house.reader().await;
    read_all(&mut reader).await;
    let pending = house.spool.intents_in(IntentState::Pending, 9).await.unwrap();
    let expected = "host mx.mail.example said: 450 4.2.1 <rcpt> busy";
    assert_eq!((pending[0].deferrals, pending[0].last_reply.as_deref()), (1, Some(expected)));
}

#[tokio::test]
async fn a_mail_is_followed_through_a_filter_and_a_second_queueing_in_whatever_order_the_lines_stand() {
    let to = "hana@mail.example";
    let to_filter = "status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as BBBBBB)";
    let filtered = tried("AAAAAA", to, "127.0.0.1[127.0.0.1]:10024", to_filter);
    let delivered = tried("BBBBBB", to, "mx.mail.example[192.0.2.1]:25", SENT);
    check(to, &[filtered.clone(), delivered.clone()], "0 delivered").await;
    check(to, &[delivered.clone(), filtered.clone()], "0 delivered").await;
    check(to, std::slice::from_ref(&filtered), "").await;
    let requeued = line("pickup", "BBBBBB: uid=89 from=<hr@sakura.example> orig_id=AAAAAA");
    check(to, &[requeued, delivered.clone()], "0 delivered").await;
    // A server of somebody else's may say that it has any name: that leads to no mail here.
    let hostile = tried("AAAAAA", "kei@mail.example", "mx.evil.example[192.0.2.9]:25", to_filter);
    check(to, &[hostile, delivered], "").await;
}

#[tokio::test]
async fn each_of_several_recipients_has_a_fate_of_his_own() {
    let house = House::new();
    house.intend("AAAAAA", &["a@mail.example", "b@mail.example", "c@mail.example"], clock::now()).await;
    let mx = "mx.mail.example[192.0.2.1]:25";
    house.log(&[
        tried("AAAAAA", "b@mail.example", mx, SENT),
        tried("AAAAAA", "a@mail.example", "none", "status=bounced (no)"),
        tried("AAAAAA", "c@mail.example", mx, SENT),
    ]);
    let mut reader = house.reader().await;
    read_all(&mut reader).await;
    assert_eq!(house.told().await, "1 delivered, 2 delivered");
}

#[tokio::test]
async fn a_name_used_again_means_the_mail_of_its_time() {
    let days = |n: i64| clock::now() - SignedDuration::from_hours(24 * n);
    let (to, mx) = ("hana@mail.example", "mx.mail.example[192.0.2.1]:25");
    let house = House::new();
    house.intend("AAAAAA", &[to], days(366)).await;
    house.log(&[tried("AAAAAA", to, mx, SENT)]);
    read_all(&mut house.reader().await).await;
    assert_eq!(house.told().await, "0 lapsed", "a year later it is another mail");
    house.intend("CCCCCC", &[to], days(3)).await;
    house.intend("CCCCCC", &[to], days(0)).await;
    house.log(&[tried("CCCCCC", to, mx, SENT)]);
    read_all(&mut house.reader().await).await;
    let rows = house.spool.outbox_after(0, 9).await.unwrap();
    let delivered = rows.iter().filter(|row| row.event.proves == Proves::Delivered);
    let of: Vec<&str> = delivered.map(|row| &*row.event.transaction).collect();
    assert_eq!(of.len(), 1);
    assert!(days(1).as_second() < of[0].rsplit('-').next().and_then(|s| s.parse().ok()).unwrap_or(0), "{of:?}");
}

#[tokio::test]
async fn evidence_that_is_there_before_its_mail_is_known_waits_for_it() {
    let (house, to) = (House::new(), "hana@mail.example");
    house.log(&[line("smtpd", "AAAAAA: client=hr[192.0.2.4]")]);
    let mut reader = house.reader().await;
    house.log(&[tried("AAAAAA", to, "mx.mail.example[192.0.2.1]:25", SENT)]);
    read_all(&mut reader).await;
    assert_eq!(house.told().await, "");
    house.intend("AAAAAA", &[to], clock::now()).await;
    // As it is after the time between two looks.
    let waiting = std::mem::take(&mut reader.kept);
    reader.take(waiting).await.unwrap();
    assert_eq!(house.told().await, "0 delivered");
}

#[tokio::test]
async fn where_the_dns_gives_no_answer_the_proof_waits_for_it_and_is_not_guessed() {
    let (house, to) = (House::new(), "hana@silent.example");
    house.intend("AAAAAA", &[to], clock::now()).await;
    house.log(&[tried("AAAAAA", to, "mx.silent.example[192.0.2.1]:25", SENT)]);
    let mut reader = house.reader().await;
    read_all(&mut reader).await;
    assert_eq!((house.told().await.as_str(), reader.kept.len()), ("", 1));
}

#[tokio::test]
async fn what_is_pending_too_long_lapses_once_and_late_evidence_still_counts() {
    let (mut house, to) = (House::new(), "hana@mail.example");
    house.settings.pending_for = Duration::from_hours(24 * 6);
    house.log(&[line("smtpd", "AAAAAA: client=hr[192.0.2.4]")]);
    house.intend("AAAAAA", &[to], clock::now() - SignedDuration::from_hours(24 * 7)).await;
    for _ in 0..2 {
        read_all(&mut house.reader().await).await;
    }
    assert_eq!(house.told().await, "0 lapsed");
    house.log(&[tried("AAAAAA", to, "mx.mail.example[192.0.2.1]:25", SENT)]);
    read_all(&mut house.reader().await).await;
    assert_eq!(house.told().await, "0 lapsed, 0 delivered");
}

#[tokio::test]
async fn a_report_handed_in_counts_for_the_mail_and_the_candidate_it_names() {
    use crate::confirm::{HandedIn, take};
    use crate::mail::dsn::read::{Names as MailNames, Verdict};
    let house = House::new();
    house.intend("AAAAAA", &["a@mail.example", "b@mail.example"], clock::now()).await;
    let is_him: IsHim = Arc::new(|_, candidate, address| key(address.as_str()) == *candidate);
    let hand_in = async |verdict, names: MailNames, to: &str| {
        let recipients = Address::parse(to).into_iter().collect();
        let handed_in = HandedIn { verdict, names, recipients, status: "5.1.1".to_owned() };
        take(&house.spool, &handed_in, &is_him, clock::now()).await.unwrap().is_some()
    };
    let queued = |id: &str| MailNames { envelope: None, queue_ids: vec![id.to_owned()] };
    let transaction = house.spool.intents_in(IntentState::Pending, 1).await.unwrap()[0].transaction.clone();
    assert!(!hand_in(Verdict::Failed, queued("AAAAAA"), "c@mail.example").await, "nobody of the mail");
    assert!(!hand_in(Verdict::Failed, queued("BBBBBB"), "a@mail.example").await, "no mail of ours");
    assert!(!hand_in(Verdict::AutoReply, queued("AAAAAA"), "a@mail.example").await);
    for _ in 0..2 {
        let named = MailNames { envelope: Some(transaction.clone()), queue_ids: Vec::new() };
        assert!(hand_in(Verdict::Delivered, named, "a@mail.example").await);
    }
    assert_eq!(house.told().await, "0 reported");
    assert!(hand_in(Verdict::Failed, queued("AAAAAA"), "a@mail.example").await);
    assert_eq!(house.told().await, "0 reported, 0 bounced", "bounced late");
}
