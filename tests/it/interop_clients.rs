//! Real programs as clients: over each kind of door, with and without AUTH, their mail leaves as it should.

use std::fs;
use std::path::Path;
use std::process::Command;

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{SmtpTransport, Transport};

use crate::gateway::wait_for;
use crate::interop::{Auth, CANDIDATE, Doors, PARTNER, PASSWORD, Protection, USER, check_arrived, run};
use crate::mta::{Kind, Mta, script};
use crate::sink::Sink;
use crate::smtp::{Client, ordinary, rejection};

const FROM: &str = "saiyo@sakura.example";

/// Who sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Program {
    Swaks,
    Smtplib,
    Lettre,
    Curl,
    Postfix,
    Exim,
}

/// One way in.
#[derive(Clone, Copy, Debug)]
struct Way {
    protection: Protection,
    auth: Auth,
}

/// A rejection and an ordinary mail go in by every way of this protection; what comes out is compared.
fn check(program: Program, protection: Protection) {
    for auth in protection.logins() {
        let way = Way { protection, auth: *auth };
        let sink = Sink::start();
        let doors = Doors::open(sink.address, way.auth);
        let sent = send_both(program, &doors, way);
        assert_eq!(sent, Ok(()), "{program:?} {way:?}");
        let came = wait_for("both mails", || Some(sink.taken()).filter(|t| t.len() == 2));
        let came: Vec<Vec<u8>> = came.into_iter().map(|t| t.octets).collect();
        // lettre and swaks end every mail with a line end of their own.
        let tail = if matches!(program, Program::Lettre | Program::Swaks) { "\r\n" } else { "" };
        check_arrived(&came, tail, &format!("{program:?} {way:?}"));
        assert_eq!(doors.gateway.settled_credits(), 1, "{program:?} {way:?}");
        if way.auth == Auth::None {
            continue;
        }
        let strangers = Way { auth: Auth::None, ..way };
        if !matches!(program, Program::Postfix | Program::Exim) {
            assert!(send(program, &doors, strangers, (PARTNER, &ordinary(PARTNER))).is_err(), "relayed for a stranger");
        }
    }
}

fn send_both(program: Program, doors: &Doors, way: Way) -> Result<(), String> {
    let mails = [(CANDIDATE, rejection(CANDIDATE)), (PARTNER, ordinary(PARTNER))];
    if let Program::Postfix | Program::Exim = program {
        let kind = if program == Program::Postfix { Kind::Postfix } else { Kind::Exim };
        let mta = Mta::start(kind, &relay_options(kind, doors, way));
        for (to, mail) in mails {
            assert_eq!(Client::connect(mta.address).mail(&[to], &mail).0, 250);
        }
        wait_for("the server to hand both on", || (handed_on(kind, &mta.log()) == 2).then_some(()));
        assert!(kind == Kind::Postfix || mta.log().lines().filter(|l| l.contains(" => ")).all(|l| l.contains(" K ")));
        return Ok(());
    }
    mails.into_iter().try_for_each(|(to, mail)| send(program, doors, way, (to, &mail)))
}

/// How many mails the server's log says the gateway has taken.
fn handed_on(kind: Kind, log: &str) -> usize {
    let mark = if kind == Kind::Postfix { "status=sent (250 " } else { " => " };
    log.lines().filter(|l| l.contains(mark)).count()
}

/// How a mail server is to relay through us: our certificate must be good, under the name it calls us by.
fn relay_options(kind: Kind, doors: &Doors, way: Way) -> Vec<String> {
    let mut options = vec![format!("relay={}", doors.port(way.protection))];
    options.push(match way.protection {
        Protection::Clear => "relay_tls=none".to_owned(),
        Protection::StartTls => "relay_tls=encrypt".to_owned(),
        Protection::Implicit => "relay_tls=implicit".to_owned(),
    });
    if way.protection != Protection::Clear {
        options.push(format!("relay_ca={}", doors.papers.authority.display()));
        options.push(format!("relay_name={}", if kind == Kind::Exim { "localhost" } else { "gw.sakura.example" }));
    }
    if way.auth != Auth::None {
        options.extend([format!("relay_user={USER}"), format!("relay_password={PASSWORD}")]);
        options.push(format!("relay_auth={}", mechanism(way.auth).to_lowercase()));
    }
    options
}

fn mechanism(auth: Auth) -> &'static str {
    match auth {
        Auth::None => "",
        Auth::Plain => "PLAIN",
        Auth::Login => "LOGIN",
    }
}

/// One mail by one program; what it said when it failed.
fn send(program: Program, doors: &Doors, way: Way, (to, mail): (&str, &[u8])) -> Result<(), String> {
    let file = doors.gateway.folder.path().join("to-send.eml");
    fs::write(&file, mail).expect("a file");
    let (sent, said) = match program {
        Program::Swaks => run(&mut swaks(doors, way, (to, &file))),
        Program::Smtplib => run(&mut smtplib(doors, way, (to, &file))),
        Program::Curl => run(&mut curl(doors, way, (to, &file))),
        Program::Lettre => return lettre(doors, way, (to, mail)),
        Program::Postfix | Program::Exim => unreachable!("servers relay, they do not send"),
    };
    if sent { Ok(()) } else { Err(said) }
}

fn swaks(doors: &Doors, way: Way, (to, file): (&str, &Path)) -> Command {
    let mut command = Command::new("swaks");
    command.args(["--server", "127.0.0.1", "--port", &doors.port(way.protection).to_string(), "--pipeline"]);
    command.args(["--from", FROM, "--to", to, "--data"]).arg(format!("@{}", file.display()));
    match way.protection {
        Protection::Clear => {}
        Protection::StartTls => drop(command.arg("--tls")),
        Protection::Implicit => drop(command.arg("--tls-on-connect")),
    }
    if way.protection != Protection::Clear {
        command.args(["--tls-verify", "--tls-ca-path"]).arg(&doors.papers.authority);
    }
    if way.auth != Auth::None {
        command.args(["--auth", mechanism(way.auth), "--auth-user", USER, "--auth-password", PASSWORD]);
    }
    command
}

fn smtplib(doors: &Doors, way: Way, (to, file): (&str, &Path)) -> Command {
    let mut command = Command::new(script("python").join("smtplib_send.py"));
    command.arg(doors.port(way.protection).to_string());
    command.arg(match way.protection {
        Protection::Clear => "clear",
        Protection::StartTls => "starttls",
        Protection::Implicit => "implicit",
    });
    command.arg(&doors.papers.authority).args([FROM, to]).arg(file);
    if way.auth != Auth::None {
        command.args([mechanism(way.auth), USER, PASSWORD]);
    }
    command
}

fn curl(doors: &Doors, way: Way, (to, file): (&str, &Path)) -> Command {
    let (name, port) = ("gw.sakura.example", doors.port(way.protection));
    let scheme = if way.protection == Protection::Implicit { "smtps" } else { "smtp" };
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--noproxy", "*", "--resolve", &format!("{name}:{port}:127.0.0.1")]);
    command.arg(format!("{scheme}://{name}:{port}/office.sakura.example"));
    command.args(["--mail-from", FROM, "--mail-rcpt", to, "--upload-file"]).arg(file);
    if way.protection != Protection::Clear {
        command.args(["--ssl-reqd", "--cacert"]).arg(&doors.papers.authority);
    }
    if way.auth != Auth::None {
        command.args(["--user", &format!("{USER}:{PASSWORD}")]);
        command.args(["--login-options", &format!("AUTH={}", mechanism(way.auth))]);
    }
    command
}

fn lettre(doors: &Doors, way: Way, (to, mail): (&str, &[u8])) -> Result<(), String> {
    let authority = fs::read(&doors.papers.authority).expect("the authority");
    let authority = Certificate::from_pem(&authority).expect("PEM");
    let trusted = TlsParameters::builder("gw.sakura.example".to_owned()).add_root_certificate(authority);
    let trusted = trusted.build_rustls().expect("parameters");
    let mut builder = SmtpTransport::builder_dangerous("127.0.0.1").port(doors.port(way.protection));
    builder = builder.tls(match way.protection {
        Protection::Clear => Tls::None,
        Protection::StartTls => Tls::Required(trusted),
        Protection::Implicit => Tls::Wrapper(trusted),
    });
    if way.auth != Auth::None {
        let mechanism = if way.auth == Auth::Plain { Mechanism::Plain } else { Mechanism::Login };
        builder = builder.credentials(Credentials::new(USER.to_owned(), PASSWORD.to_owned()));
        builder = builder.authentication(vec![mechanism]);
    }
    let address = |text: &str| text.parse().expect("an address");
    let envelope = Envelope::new(Some(address(FROM)), vec![address(to)]).expect("an envelope");
    builder.build().send_raw(&envelope, mail).map(drop).map_err(|e| e.to_string())
}

/// One test for each program and kind of door.
macro_rules! sends {
    ($($name:ident: $program:ident, $protection:ident;)*) => {
        $(
            #[test]
            fn $name() {
                check(Program::$program, Protection::$protection);
            }
        )*
    };
}

sends! {
    swaks_sends_in_clear: Swaks, Clear;
    swaks_sends_over_starttls_and_logs_in: Swaks, StartTls;
    swaks_sends_over_implicit_tls_and_logs_in: Swaks, Implicit;
    smtplib_sends_in_clear: Smtplib, Clear;
    smtplib_sends_over_starttls_and_logs_in: Smtplib, StartTls;
    smtplib_sends_over_implicit_tls_and_logs_in: Smtplib, Implicit;
    lettre_sends_in_clear: Lettre, Clear;
    lettre_sends_over_starttls_and_logs_in: Lettre, StartTls;
    lettre_sends_over_implicit_tls_and_logs_in: Lettre, Implicit;
    curl_sends_in_clear: Curl, Clear;
    curl_sends_over_starttls_and_logs_in: Curl, StartTls;
    curl_sends_over_implicit_tls_and_logs_in: Curl, Implicit;
    postfix_relays_through_us_in_clear: Postfix, Clear;
    postfix_relays_through_us_over_starttls_and_logs_in: Postfix, StartTls;
    postfix_relays_through_us_over_implicit_tls_and_logs_in: Postfix, Implicit;
    exim_relays_through_us_in_clear_by_bdat: Exim, Clear;
    exim_relays_through_us_over_starttls_by_bdat_and_logs_in: Exim, StartTls;
    exim_relays_through_us_over_implicit_tls_by_bdat_and_logs_in: Exim, Implicit;
}

/// No program gets to log in where anybody could listen, and none with a wrong password.
#[test]
fn nobody_logs_in_without_tls_or_with_a_wrong_password() {
    let sink = Sink::start();
    let doors = Doors::open(sink.address, Auth::Plain);
    let in_clear = Way { protection: Protection::Clear, auth: Auth::Plain };
    for program in [Program::Swaks, Program::Smtplib, Program::Curl, Program::Lettre] {
        let mail = ordinary(PARTNER);
        assert!(send(program, &doors, in_clear, (PARTNER, &mail)).is_err(), "{program:?} logged in in clear");
    }
    let file = doors.gateway.folder.path().join("to-send.eml");
    for auth in [Auth::Plain, Auth::Login] {
        let mut command = swaks(&doors, Way { protection: Protection::StartTls, auth }, (PARTNER, &file));
        let (sent, said) = run(command.args(["--auth-password", "peach"]));
        assert!(!sent && said.contains("535"), "{said}");
    }
    assert!(sink.taken().is_empty());
}
