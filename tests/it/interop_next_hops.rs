//! Real mail servers as next hops: with and without TLS and AUTH, what they put into the mailbox is what was to leave.

use std::fmt::Write as _;

use crate::gateway::{Gateway, wait_for};
use crate::interop::{
    Auth, CANDIDATE, Doors, PARTNER, PASSWORD, Papers, Protection, USER, behind_traces, check_arrived,
};
use crate::mta::{Kind, Mta};
use crate::smtp::{Client, message, ordinary, rejection};

/// How the next hop and our route to it are set up.
#[derive(Clone, Copy, Debug)]
struct Case {
    /// What the next hop's port offers.
    tls: &'static str,
    /// `route.tls` with us.
    ours: &'static str,
    auth: bool,
    chunking: bool,
    /// By which protocol it says the mail came (RFC 3848).
    with: &'static str,
}

const CLEAR: Case = Case { tls: "none", ours: "opportunistic", auth: false, chunking: true, with: "ESMTP" };
const OPPORTUNISTIC: Case = Case { tls: "may", with: "ESMTPS", ..CLEAR };
const REQUIRED: Case = Case { tls: "encrypt", ours: "required", ..OPPORTUNISTIC };
const VERIFIED: Case = Case { ours: "verified", ..REQUIRED };
const IMPLICIT: Case = Case { tls: "implicit", ..VERIFIED };
const LOGGED_IN: Case = Case { auth: true, with: "ESMTPSA", ..VERIFIED };
const WITHOUT_CHUNKING: Case = Case { chunking: false, ..VERIFIED };

/// The lines of our route to it.
fn route(case: Case, papers: &Papers) -> String {
    let mut lines = format!("tls = \"{}\"\n", case.ours);
    if case.ours == "verified" {
        let _ = writeln!(lines, "tls_ca = \"{}\"", papers.authority.display());
        lines.push_str("tls_names = [\"mx.candidate.example\"]\n");
    }
    if case.tls == "implicit" {
        lines.push_str("tls_implicit = true\n");
    }
    if case.auth {
        let file = papers.password_file(PASSWORD);
        let _ = writeln!(lines, "user = \"{USER}\"\npassword_file = \"{}\"", file.display());
    }
    lines
}

fn options(case: Case, papers: &Papers) -> Vec<String> {
    let mut options = papers.shown();
    options.push(format!("tls={}", case.tls));
    options.push(format!("chunking={}", if case.chunking { "yes" } else { "no" }));
    if case.auth {
        options.extend([format!("user={USER}"), format!("password={PASSWORD}")]);
    }
    options
}

/// Two mails go out by this route; what lies in the mailbox is compared, and the referral counts.
fn check(kind: Kind, case: Case) -> Mta {
    let papers = Papers::issue();
    let next_hop = Mta::start(kind, &options(case, &papers));
    let gateway = Gateway::start_with(next_hop.address, &route(case, &papers));
    for (to, mail) in [(CANDIDATE, rejection(CANDIDATE)), (PARTNER, ordinary(PARTNER))] {
        let (code, text) = Client::connect(gateway.address).mail(&[to], &mail);
        assert_eq!(code, 250, "{case:?}: {text}");
    }
    let mails = wait_for("both mails in the mailbox", || Some(next_hop.delivered()).filter(|m| m.len() == 2));
    check_arrived(&mails, "", &format!("{kind:?} {case:?}"));
    for mail in mails {
        let mail = String::from_utf8_lossy(&mail).to_uppercase();
        assert!(mail.contains(&format!("WITH {} ID ", case.with)), "{case:?}: not by {}:\n{mail}", case.with);
    }
    assert_eq!(gateway.settled_credits(), 1);
    next_hop
}

#[test]
fn postfix_in_clear_takes_our_mail() {
    check(Kind::Postfix, CLEAR);
}

#[test]
fn postfix_that_offers_tls_takes_our_mail_under_it() {
    check(Kind::Postfix, OPPORTUNISTIC);
}

#[test]
fn postfix_that_requires_tls_takes_our_mail_verified_or_not() {
    check(Kind::Postfix, REQUIRED);
    check(Kind::Postfix, VERIFIED);
}

#[test]
fn postfix_with_implicit_tls_takes_our_mail() {
    check(Kind::Postfix, IMPLICIT);
}

#[test]
fn postfix_lets_us_log_in() {
    check(Kind::Postfix, LOGGED_IN);
}

#[test]
fn postfix_without_bdat_takes_our_mail() {
    check(Kind::Postfix, WITHOUT_CHUNKING);
}

#[test]
fn exim_in_clear_takes_our_mail() {
    check(Kind::Exim, CLEAR);
}

#[test]
fn exim_that_offers_tls_takes_our_mail_under_it() {
    check(Kind::Exim, OPPORTUNISTIC);
}

#[test]
fn exim_that_requires_tls_takes_our_mail_verified_or_not() {
    check(Kind::Exim, REQUIRED);
    check(Kind::Exim, VERIFIED);
}

#[test]
fn exim_with_implicit_tls_takes_our_mail() {
    check(Kind::Exim, IMPLICIT);
}

#[test]
fn exim_lets_us_log_in() {
    check(Kind::Exim, LOGGED_IN);
}

/// Exim marks what came by BDAT with a K (RFC 3030).
#[test]
fn exim_takes_our_mail_by_bdat_and_without() {
    for (case, bdat) in [(VERIFIED, true), (WITHOUT_CHUNKING, false)] {
        let log = check(Kind::Exim, case).log();
        let arrivals: Vec<&str> = log.lines().filter(|l| l.contains(" <= ")).collect();
        assert_eq!(arrivals.len(), 2, "{log}");
        assert!(arrivals.iter().all(|l| l.contains(" K ") == bdat), "{log}");
    }
}

/// Both hops by BDAT under TLS, in more chunks than one.
#[test]
fn a_large_mail_goes_by_bdat_from_exim_through_us_to_exim_octet_for_octet() {
    let next_hop_papers = Papers::issue();
    let next_hop = Mta::start(Kind::Exim, &options(VERIFIED, &next_hop_papers));
    let doors = Doors::open_with(next_hop.address, Auth::None, &route(VERIFIED, &next_hop_papers));
    let relay = format!("relay={}", doors.port(Protection::StartTls));
    let authority = format!("relay_ca={}", doors.papers.authority.display());
    let sender =
        Mta::start(Kind::Exim, &[relay, "relay_tls=encrypt".to_owned(), authority, "relay_name=localhost".to_owned()]);
    let mail = message(PARTNER, &".お世話になっております。\n.\n".repeat(50_000));
    assert_eq!(Client::connect(sender.address).mail(&[PARTNER], &mail).0, 250);
    let came = wait_for("the mail in the mailbox", || next_hop.delivered().pop());
    assert!(behind_traces(&came) == mail, "changed on the way");
    for log in [sender.log(), next_hop.log()] {
        assert!(log.lines().any(|l| (l.contains(" => ") || l.contains(" <= ")) && l.contains(" K ")), "{log}");
    }
}

#[test]
fn a_next_hop_whose_certificate_a_stranger_signed_gets_no_mail() {
    let papers = Papers::issue();
    let others = Papers::issue();
    for kind in [Kind::Postfix, Kind::Exim] {
        let next_hop = Mta::start(kind, &options(VERIFIED, &others));
        let gateway = Gateway::start_with(next_hop.address, &route(VERIFIED, &papers));
        let (code, text) = Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE));
        assert_eq!(code, 250, "{text}");
        assert_eq!(gateway.ask_json(&["status"])["spool"]["entries"], 1, "it waits in the spool");
        assert!(next_hop.delivered().is_empty());
    }
}
