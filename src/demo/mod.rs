//! `career-relay demo`: the whole gateway on loopback, a day of HR mail through it, and a judge who checks every mail.
//!
//! Nothing here is played: the configuration is a file that stays behind, the gateway is the one `serve` runs, and what
//! the catcher got is compared octet for octet with what HR sent.

mod catcher;
mod compose;
mod day;
mod hr;
mod judge;
mod page;
mod show;
mod texts;

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use data_encoding::BASE32_NOPAD;

use crate::app::gateway::{Gateway, StartFault};
use crate::app::handed::Handed;
use crate::config;
use crate::mail::address::Address;
use crate::mail::envelope::{Body, Envelope};
use crate::pipeline::{Client, Received};
use crate::sys::random;
use crate::watch::Watch;
#[cfg(test)]
pub(crate) use catcher::Catcher;
#[cfg(not(test))]
use catcher::Catcher;
use catcher::Caught;
use judge::{Account, Sent};
pub use page::Page;

/// Why the demo did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoFault {
    /// The folder given holds something already.
    #[error("{0} is not empty; name a folder that does not exist yet")]
    NotEmpty(PathBuf),
    /// What is given as a folder is none.
    #[error("{0} is no folder; name a folder that does not exist yet")]
    NoFolder(PathBuf),
    /// The folder cannot be made or written to.
    #[error("{0} cannot be used: {1}; name a folder that you may write to")]
    Folder(PathBuf, io::Error),
    /// A file or socket failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The gateway did not start.
    #[error("the gateway did not start: {0}")]
    Start(#[from] StartFault),
    /// The demo's own configuration was refused.
    #[error("the demo's configuration was refused:\n{0}")]
    Config(String),
    /// Mails or referrals were still under way after a minute.
    #[error("the day did not settle: mail is still in custody, or referrals are not posted")]
    Unsettled,
    /// A text of the day does not fit its charset.
    #[error("the mail {0} does not fit its charset")]
    Compose(&'static str),
}

/// How long the day may take to settle.
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs the day in `folder`, or in a fresh temporary one. Returns the report for `page`, and whether every expectation
/// held.
///
/// # Errors
/// What kept the demo from coming to its end.
pub async fn run(folder: Option<&Path>, page: Page) -> Result<(String, bool), DemoFault> {
    let folder = prepare(folder)?;
    let catcher = Catcher::start().await?;
    write_configuration(&folder, catcher.address)?;
    let settings = config::load(&folder.join("career-relay.toml")).map_err(|f| DemoFault::Config(f.to_string()))?;
    let gateway = Gateway::start(settings, Handed::default(), Watch::new()).await?;
    let sent = send_the_day(&gateway, &folder).await?;
    if !gateway.settle(PATIENCE).await {
        return Err(DemoFault::Unsettled);
    }
    let caught = catcher.caught();
    keep(&folder, &sent, &caught)?;
    let judged = judge::judge(sent, &caught, account(&gateway).await?);
    gateway.stop().await;
    Ok((show::day(&judged, &folder, page), judged.faults.is_empty()))
}

/// What the ledger says of the day's company.
async fn account(gateway: &Gateway) -> Result<Account, DemoFault> {
    let company = gateway.policy().companies().next().map(|of| of.company.id.clone());
    let company = company.ok_or_else(|| io::Error::other("no company"))?;
    let balances = gateway.balance(&company).await.map_err(io::Error::other)?;
    let pool = balances.first().map(|b| b.pool).unwrap_or_default();
    let threshold = balances.first().map_or(0, |b| b.threshold.into());
    let toward_next = u64::try_from(pool.toward).unwrap_or_default();
    Ok(Account { credits: pool.counted, slots: pool.cycles.into(), toward_next, threshold })
}

fn prepare(folder: Option<&Path>) -> Result<PathBuf, DemoFault> {
    let folder = match folder {
        Some(folder) => empty_folder(folder).map(|()| folder.to_path_buf())?,
        None => fresh_folder()?,
    };
    for name in ["sent", "caught", "companies"] {
        fs::create_dir(folder.join(name)).map_err(|e| DemoFault::Folder(folder.clone(), e))?;
    }
    Ok(folder)
}

/// Makes the folder, or takes it when it is there and holds nothing.
fn empty_folder(folder: &Path) -> Result<(), DemoFault> {
    let fault = |e: io::Error| match e.kind() {
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => DemoFault::NoFolder(folder.to_path_buf()),
        _ => DemoFault::Folder(folder.to_path_buf(), e),
    };
    fs::create_dir_all(folder).map_err(fault)?;
    let mut entries = fs::read_dir(folder).map_err(fault)?;
    if entries.next().is_some() { Err(DemoFault::NotEmpty(folder.to_path_buf())) } else { Ok(()) }
}

/// A new folder of our own below the system's temporary one; nobody else's name is ever taken.
fn fresh_folder() -> Result<PathBuf, DemoFault> {
    let parent = std::env::temp_dir();
    loop {
        let name = BASE32_NOPAD.encode(&random::octets::<5>()).to_lowercase();
        let folder = parent.join(format!("career-relay-demo-{name}"));
        match fs::DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(DemoFault::Folder(parent, e)),
        }
    }
}

pub(crate) fn write_configuration(folder: &Path, next_hop: std::net::SocketAddr) -> io::Result<()> {
    let main = format!(
        "# The demo's installation. The catcher has gone; `career-relay ledger` still reads the ledger.\n\
         data_dir = \"data\"\ncompanies_dir = \"companies\"\nhostname = \"gateway.sakura.example\"\n\n\
         [smtp]\nlisten = [\"127.0.0.1:0\"]\n\n[log]\nlevel = \"error\"\n\n\
         [[route]]\nname = \"candidates-mx\"\ndomains = [\"*\"]\nnext_hop = \"{next_hop}\"\nproves = \"delivered\"\n"
    );
    fs::write(folder.join("career-relay.toml"), main)?;
    fs::write(folder.join("companies/sakura.toml"), COMPANY)
}

const COMPANY: &str = r#"id = "sakura"
name_ja = "株式会社サクラ商事"
name_en = "Sakura Trading"
purpose = "応募してくださった方の次の一歩を支えるため"
mode = "live"
sender_domains = ["sakura.example"]
own_domains = ["sakura.example"]
link = "https://careerrelay.jp/r/{token}"
notify_to = ["saiyo@sakura.example"]

[proved_by]
networks = ["127.0.0.0/8"]

[[contract]]
series = "standard"
version = 1
from = 2026-01-01
"#;

/// Composes each mail, decides on it as the gateway will, and sends it.
async fn send_the_day(gateway: &Gateway, folder: &Path) -> Result<Vec<Sent>, DemoFault> {
    let address = *gateway.addresses().first().ok_or_else(|| io::Error::other("no listener"))?;
    let mut sender = hr::Sender::connect(address).await?;
    let mails = day::mails();
    let progress = show::progress(mails.len());
    let mut sent = Vec::with_capacity(mails.len());
    for (number, mail) in mails.into_iter().enumerate() {
        let octets = compose::compose(&mail, day::HR, number).ok_or(DemoFault::Compose(mail.name))?;
        fs::write(folder.join(format!("sent/{}.eml", mail.name)), &octets)?;
        let to: Vec<&str> = match mail.envelope {
            [] => std::iter::once(mail.to).chain(mail.cc).collect(),
            list => list.to_vec(),
        };
        let received = received(&to, &octets);
        let outcome = crate::pipeline::process(&received, &gateway.policy(), crate::sys::clock::now());
        let reply = sender.send(day::HR, &to, &octets).await?;
        sent.push(Sent { mail, received, outcome, reply });
        progress.inc(1);
    }
    sender.quit().await?;
    progress.finish_and_clear();
    Ok(sent)
}

fn received(to: &[&str], octets: &[u8]) -> Received {
    let recipients = to.iter().filter_map(|t| Address::parse(t).ok()).collect();
    Received {
        client: Client::at(std::net::Ipv4Addr::LOCALHOST.into()),
        envelope: Envelope {
            sender: Address::parse(day::HR).ok(),
            recipients,
            body: Body::EightBitMime,
            ..Envelope::default()
        },
        message: Bytes::copy_from_slice(octets),
    }
}

/// Writes what the catcher got: `caught/NAME.N.eml` for mails of the day, `caught/to-hr.N.eml` for mails to HR.
fn keep(folder: &Path, sent: &[Sent], caught: &[Caught]) -> io::Result<()> {
    for (n, mail) in caught.iter().enumerate() {
        let name = judge::name_of(mail, sent).unwrap_or("to-hr");
        fs::write(folder.join(format!("caught/{name}.{n:02}.eml")), &mail.octets)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    async fn report(columns: usize) -> (String, bool) {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let page = Page { columns, colours: false };
        run(Some(&folder.path().join("day")), page).await.unwrap_or_else(|e| panic!("{e}"))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_report_keeps_to_the_page_and_tells_every_mail() {
        let (eighty, wide) = tokio::join!(report(80), report(120));
        for ((text, held), columns) in [(eighty, 80), (wide, 120)] {
            assert!(held, "{text}");
            let paths = text.find("Where it all lies").unwrap_or(text.len());
            for line in text[..paths].lines() {
                assert!(line.width() <= columns && line == line.trim_end(), "over {columns} columns: {line:?}");
            }
            for mail in day::mails() {
                assert!(text.contains(&format!("{} · {}", mail.name, mail.title)), "{} is not told", mail.name);
            }
            assert!(text.matches("  line + │ ").count() == 14 && !text.contains("CHANGED"), "{text}");
            assert!(text.ends_with("Every expectation held: 20 mails, 14 with the line, 6 untouched."), "{text}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_told_with_its_name() {
        let root = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let file = root.path().join("file");
        fs::write(&file, "x").unwrap_or_else(|e| panic!("{e}"));
        let says = |folder: &Path| prepare(Some(folder)).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(says(&file).contains("file is no folder; name"), "{}", says(&file));
        assert!(says(&file.join("below")).contains("below is no folder; name"), "{}", says(&file.join("below")));
        assert!(says(root.path()).contains("is not empty; name a folder"), "{}", says(root.path()));
        assert!(says(Path::new("/proc/self/day")).contains("/proc/self/day cannot be used: "));
        assert!(prepare(Some(&root.path().join("a/b/c"))).is_ok());
    }

    #[test]
    fn no_two_runs_get_one_folder() {
        let made: Vec<PathBuf> = (0..8).filter_map(|_| fresh_folder().ok()).collect();
        let names: std::collections::BTreeSet<&PathBuf> = made.iter().collect();
        assert_eq!((made.len(), names.len()), (8, 8));
        for folder in &made {
            fs::remove_dir(folder).unwrap_or_else(|e| panic!("{e}"));
        }
    }
}
