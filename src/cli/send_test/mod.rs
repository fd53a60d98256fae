//! `send-test`: one marked mail through the running server, followed to the far end.
//!
//! The mail can never count, at this server or at another: a short note is no recruiting mail, and the rejection shows
//! in To a recipient of a domain nobody has, so that no server takes the envelope's for the candidate. This server,
//! which knows the mark, says what it would do and does nothing.

mod dialogue;
mod follow;
mod mail;
mod steps;

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use self::dialogue::{Door, Login, Tls};
use self::follow::Answered;
use self::mail::TestMail;
use self::steps::{Outcome, Steps};
use super::args::SendTestArgs;
use super::output::End;
use super::reach::{ask_server_of, data_dir};
use crate::control::Request;
use crate::control::test_mail::{Announced, TestDoor};
use crate::mail::address::Address;

/// Where mail is handed in when a server is named without a port.
const PORT: u16 = 25;
/// Where TLS begins with the first octet (RFC 8314 7.3).
const PORT_OF_TLS: u16 = 465;

/// Sends the mail, follows it, and prints each step as it is made.
///
/// # Errors
/// When the reader of the output is gone.
pub fn send_test(args: &SendTestArgs, out: &mut dyn Write) -> io::Result<End> {
    let until = Instant::now() + args.timeout;
    let mut steps = Steps::new(out, args.data.json);
    let plan = match Plan::make(args) {
        Ok(plan) => plan,
        Err(why) => return steps.finish(Outcome::NotSent, &why, None),
    };
    if let Err(why) = &plan.server {
        steps.tell("unknown", &format!("the mail cannot be followed: {why}"))?;
    }
    let patience = until.saturating_duration_since(Instant::now());
    let handed = dialogue::hand_in(&plan.door, plan.login.as_ref(), &plan.mail, patience, &mut steps);
    let answered = match &handed {
        Ok(taken) => Some(Answered { at: taken.at, text: taken.reply.clone(), taken: true }),
        Err(broken) => broken.dot_sent.map(|at| Answered { at, text: broken.why.clone(), taken: false }),
    };
    let followed = match (&plan.server, answered) {
        (Ok(server), Some(answered)) => {
            Some(follow::follow((&server.data, &server.token), &answered, until, &mut steps)?)
        }
        (_, Some(answered)) => answered.tell(&mut steps).map(|()| None)?,
        (_, None) => None,
    };
    let (outcome, sentence) = match (handed, followed) {
        // What is known of its way says more than the refusal.
        (_, Some(found @ (Outcome::Refused | Outcome::Deferred, _))) | (Ok(_), Some(found)) => found,
        (Err(broken), _) => (broken.outcome, broken.why),
        (Ok(taken), None) => (Outcome::Unfollowed, format!("the server has taken it: {}", taken.reply)),
    };
    steps.finish(outcome, &sentence, Some(&plan.mail))
}

/// The server whose admin socket we have.
struct Server {
    data: PathBuf,
    token: String,
}

/// All that is settled before the first octet goes out.
struct Plan {
    /// Or why there is none to be asked.
    server: Result<Server, String>,
    door: Door,
    login: Option<Login>,
    mail: TestMail,
}

impl Plan {
    fn make(args: &SendTestArgs) -> Result<Self, String> {
        let login = login(args)?;
        let announced = announce(args);
        let (server, known) = match announced {
            Ok((data, known)) => (Ok(Server { data, token: known.token.clone() }), Some(known)),
            // Without it everything has to be named; with it only what differs.
            Err(why) if args.server.is_some() && args.from.is_some() && args.to.is_some() => (Err(why), None),
            Err(why) if args.server.is_some() => {
                return Err(format!("{why}; for the server named, say also --from and --to"));
            }
            Err(why) => return Err(why),
        };
        let address = |named: &Option<Address>, known: Option<&String>| match (named, known) {
            (Some(address), _) => Ok(address.clone()),
            (None, Some(text)) => Address::parse(text).map_err(|e| format!("{text}: {e}; name another")),
            (None, None) => Err("say --from and --to".to_owned()),
        };
        let from = address(&args.from, known.as_ref().map(|k| &k.from))?;
        let to = address(&args.to, known.as_ref().map(|k| &k.to))?;
        let door = door(args, known.as_ref())?;
        let token = known.as_ref().map(|k| k.token.as_str());
        let mail = mail::compose(args.kind, (from, to), token)?;
        Ok(Self { server, door, login, mail })
    }
}

/// Tells the running server that a test mail is coming.
fn announce(args: &SendTestArgs) -> Result<(PathBuf, Announced), String> {
    let data = data_dir(&args.data)?;
    let request = Request::ExpectTest { company: args.company.clone(), kind: args.kind };
    let value: Value = ask_server_of(&data, &request)?
        .ok_or_else(|| format!("no server runs on the data folder {}", data.display()))?;
    let known = serde_json::from_value(value).map_err(|e| format!("the server answers in another form: {e}"))?;
    Ok((data, known))
}

fn login(args: &SendTestArgs) -> Result<Option<Login>, String> {
    let (Some(user), Some(path)) = (&args.user, &args.password_file) else { return Ok(None) };
    let password = super::user::read_password_file(path)?;
    Ok(Some(Login { user: user.clone(), password }))
}

fn door(args: &SendTestArgs, known: Option<&Announced>) -> Result<Door, String> {
    let (host, port, tls_of_door) = match (&args.server, known) {
        (Some(server), _) => {
            let (host, port) = host_and_port(server)?;
            (host, port, if port == PORT_OF_TLS { "implicit" } else { "start_tls" })
        }
        (None, Some(known)) => own_door(&known.doors)?,
        (None, None) => return Err("say --server".to_owned()),
    };
    let tls = match (args.tls.as_str(), tls_of_door) {
        ("none", _) => Tls::Never,
        ("implicit", _) | ("auto", "implicit") => Tls::AtOnce,
        ("starttls", _) => Tls::ByCommand,
        _ => Tls::WhereOffered,
    };
    // Our own certificate bears our name, whatever address we are reached at.
    let own_name = known.filter(|_| args.server.is_none()).map(|k| k.hostname.clone());
    let name = args.tls_name.clone().or(own_name).unwrap_or_else(|| host.clone());
    Ok(Door { host, port, tls, name, ca: args.ca.clone() })
}

/// The best of our own doors: one for everybody, and in clear at first.
fn own_door(doors: &[TestDoor]) -> Result<(String, u16, &str), String> {
    let usable = |implicit: bool| doors.iter().find(|d| !d.balancers_alone && (d.tls == "implicit") == implicit);
    let door = usable(false).or_else(|| usable(true));
    let door = door.ok_or("all our doors are for balancers alone: name one with --server")?;
    let address: SocketAddr = door.address.parse().map_err(|e| format!("{}: {e}", door.address))?;
    Ok((reachable(address.ip()).to_string(), address.port(), &door.tls))
}

/// A socket for all addresses is reached at loopback.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// `host`, `host:port`, `[::1]:port` or a bare IPv6 address.
fn host_and_port(text: &str) -> Result<(String, u16), String> {
    let wrong = || format!("{text:?} is no server: write HOST:PORT, such as relay.example:25 or [::1]:2525");
    if text.parse::<IpAddr>().is_ok() {
        return Ok((text.to_owned(), PORT));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
        _ => (text, PORT),
    };
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    let fine = |c: char| c.is_ascii_alphanumeric() || ".-:_%".contains(c);
    let named = !host.is_empty() && host.chars().all(fine) && port > 0;
    let is_name = !host.contains(':') || host.parse::<IpAddr>().is_ok();
    if named && is_name { Ok((host.to_owned(), port)) } else { Err(wrong()) }
}

/// Where a password or a certificate is read from, for a sentence.
fn named(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_in_every_usual_form() {
        for (text, host, port) in [
            ("relay.example:2525", "relay.example", 2525),
            ("relay.example", "relay.example", 25),
            ("192.0.2.1:465", "192.0.2.1", 465),
            ("[::1]:2525", "::1", 2525),
            ("[2001:db8::1]", "2001:db8::1", 25),
            ("2001:db8::1", "2001:db8::1", 25),
        ] {
            assert_eq!(host_and_port(text), Ok((host.to_owned(), port)));
        }
        for text in ["", ":25", "a:b", "relay.example:0", "relay.example:99999", "a b:25", "x:1:2"] {
            assert!(host_and_port(text).is_err_and(|e| e.contains("HOST:PORT")), "{text:?}");
        }
    }

    fn door(address: &str, tls: &str, balancers_alone: bool) -> TestDoor {
        TestDoor { address: address.to_owned(), tls: tls.to_owned(), balancers_alone }
    }

    #[test]
    fn of_our_doors_one_that_takes_us_is_chosen() {
        let doors = [
            door("0.0.0.0:26", "start_tls", true),
            door("0.0.0.0:465", "implicit", false),
            door("[::]:25", "start_tls", false),
        ];
        assert_eq!(own_door(&doors), Ok(("::1".to_owned(), 25, "start_tls")));
        assert_eq!(own_door(&doors[..2]), Ok(("127.0.0.1".to_owned(), 465, "implicit")));
        assert!(own_door(&doors[..1]).is_err());
    }
}
