//! Following the mail: the running server is asked again and again until it tells the end of the way.

use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::steps::{Outcome, Steps};
use crate::cli::output::counted;
use crate::cli::reach::ask_server_of;
use crate::cli::reason;
use crate::control::Request;
use crate::control::test_mail::{Followed, Waiting};
use crate::sys::clock;
use crate::watch::Step;

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(100);

/// What whoever was handed the mail said to it.
pub(super) struct Answered {
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
    /// Whether it has taken it.
    pub taken: bool,
}

impl Answered {
    pub(super) fn tell(&self, steps: &mut Steps<'_>) -> io::Result<()> {
        steps.tell_of(self.at, if self.taken { "taken" } else { "not taken" }, &self.text)
    }
}

/// Asks until the end is known or the time is over.
pub(super) fn follow(
    (data, token): (&Path, &str),
    answered: &Answered,
    until: Instant,
    steps: &mut Steps<'_>,
) -> io::Result<(Outcome, String)> {
    let (mut told, mut untold) = (0, Some(answered));
    loop {
        let followed = match ask(data, token) {
            Ok(followed) => followed,
            Err(why) => {
                return Ok((Outcome::Unfollowed, format!("the server took it, and then could not be asked: {why}")));
            }
        };
        for made in followed.steps.iter().skip(told) {
            let at = made.at.parse().unwrap_or_else(|_| clock::now());
            // The server made its first steps before we heard of it.
            if let Some(answered) = untold.take_if(|answered| answered.at <= at) {
                answered.tell(steps)?;
            }
            steps.tell_of(at, code(&made.step), &describe(&made.step))?;
        }
        if let Some(answered) = untold.take() {
            answered.tell(steps)?;
        }
        told = followed.steps.len();
        steps.id.clone_from(&followed.id);
        if let Some(end) = end(&followed) {
            return Ok(end);
        }
        // A mail that was not taken, and is not here by now, never was.
        let over = Instant::now() >= until || (!answered.taken && followed.id.is_none());
        if over {
            return Ok(so_far(&followed));
        }
        sleep(PAUSE);
    }
}

fn ask(data: &Path, token: &str) -> Result<Followed, String> {
    let value = ask_server_of(data, &Request::Follow { token: token.to_owned() })?;
    let value = value.ok_or("it runs no more")?;
    serde_json::from_value(value).map_err(|e| format!("it answers in another form: {e}"))
}

fn code(step: &Step) -> &'static str {
    match step {
        Step::Arrived { .. } => "arrived",
        Step::Decided { .. } => "decided",
        Step::Kept { .. } => "kept",
        Step::Tried { .. } => "tried",
        Step::Answered { .. } => "answered",
    }
}

fn describe(step: &Step) -> String {
    match step {
        Step::Arrived { id } => format!("here as {id}"),
        Step::Decided { company, would, rejection } => {
            let whose = company.as_ref().map_or_else(|| "of no company".to_owned(), |id| format!("of {id}"));
            let seen = if *rejection { ", recognised as a rejection mail" } else { "" };
            let meaning = reason::meaning(would).map_or_else(String::new, |m| format!(" ({m})"));
            match would.as_str() {
                "referred" => format!("{whose}{seen}: such a mail would get the line"),
                code => format!("{whose}{seen}: such a mail would be left as it is: {code}{meaning}"),
            }
        }
        Step::Kept { why } => format!("in the spool: {why}"),
        Step::Tried { next_hop, route, end, reply } => {
            let reply = reply.as_ref().map_or_else(String::new, |reply| format!(": {reply}"));
            format!("{end} by {next_hop} (route {route}){reply}")
        }
        Step::Answered { custody } => format!("the client has its answer: {custody}"),
    }
}

/// The last time a next hop was asked, when that settles anything.
fn last_try(followed: &Followed) -> Option<(&str, String)> {
    followed.steps.iter().rev().find_map(|made| match &made.step {
        Step::Tried { next_hop, end, reply, .. } => {
            let said = reply.as_ref().map_or_else(String::new, |reply| format!(": {reply}"));
            Some((end.as_str(), format!("{next_hop}{said}")))
        }
        _ => None,
    })
}

/// The end of the way, once it is known.
fn end(followed: &Followed) -> Option<(Outcome, String)> {
    let custody = followed.steps.iter().find_map(|made| match &made.step {
        Step::Answered { custody } => Some(custody.as_str()),
        _ => None,
    })?;
    let tried = last_try(followed);
    let by = tried.as_ref().map_or_else(|| "the next hop".to_owned(), |(_, by)| by.clone());
    match (custody, tried.as_ref().map(|(end, _)| *end)) {
        ("deferred", _) => Some((Outcome::Deferred, "it could not be kept here just now, and was put off".to_owned())),
        ("refused", _) | (_, Some("bounced")) => Some((Outcome::Refused, format!("refused for good by {by}"))),
        (_, Some("accepted")) => Some((Outcome::Accepted, format!("it is with {by}"))),
        (_, Some(_)) => followed.waiting.first().map(|waiting| waits(waiting, Some(&by))),
        _ => None,
    }
}

/// What is known when nobody waits any longer.
fn so_far(followed: &Followed) -> (Outcome, String) {
    match (&followed.id, followed.waiting.first()) {
        (None, _) => {
            let text = "whoever took it has not handed it to the server of this data folder in time: \
                        look whether the route leads here, or give it more --timeout";
            (Outcome::Unseen, text.to_owned())
        }
        (Some(_), Some(waiting)) => waits(waiting, None),
        (Some(_), None) => (Outcome::Unfollowed, "it is here, and nothing more is known of it yet".to_owned()),
    }
}

fn waits(waiting: &Waiting, by: Option<&str>) -> (Outcome, String) {
    let reply = match (by, &waiting.reply) {
        (Some(by), _) => format!("; asked last: {by}"),
        (None, Some(reply)) => format!("; the last word was {reply}"),
        (None, None) => String::new(),
    };
    if waiting.state == "in_doubt" {
        return (Outcome::InDoubt, format!("the next hop has the mail and has not answered yet{reply}"));
    }
    let tries = counted(usize::try_from(waiting.attempts).unwrap_or(usize::MAX), "attempt", "attempts");
    let next = waiting.next_at.parse::<Timestamp>().map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let next = next.unwrap_or_else(|_| waiting.next_at.clone());
    (Outcome::Waiting, format!("it waits in the spool after {tries}, the next one is at {next}{reply}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Made;

    fn followed(steps: Vec<Step>, waiting: Option<&str>) -> Followed {
        let made = |step| Made { at: "2026-11-22T09:00:00Z".to_owned(), step };
        let next_at = "2026-11-22T09:01:00Z".to_owned();
        let waiting = waiting.map(|state| Waiting { state: state.to_owned(), attempts: 1, next_at, reply: None });
        let waiting = waiting.into_iter().collect();
        Followed { id: Some("m1".to_owned()), steps: steps.into_iter().map(made).collect(), waiting }
    }

    fn tried(end: &str) -> Step {
        let (next_hop, route) = ("mx.example".to_owned(), "default".to_owned());
        Step::Tried { next_hop, route, end: end.to_owned(), reply: Some("250 2.0.0 Fine".to_owned()) }
    }

    fn answered(custody: &str) -> Step {
        Step::Answered { custody: custody.to_owned() }
    }

    fn check(steps: Vec<Step>, waiting: Option<&str>, expected: Option<Outcome>) {
        let followed = followed(steps, waiting);
        assert_eq!(end(&followed).map(|(outcome, _)| outcome), expected, "{followed:?}");
    }

    #[test]
    fn the_end_is_told_when_it_is_known_and_not_before() {
        check(vec![], None, None);
        check(vec![tried("accepted")], None, None);
        check(vec![tried("accepted"), answered("handed_through")], None, Some(Outcome::Accepted));
        check(vec![tried("bounced"), answered("refused")], None, Some(Outcome::Refused));
        check(vec![answered("deferred")], None, Some(Outcome::Deferred));
        check(vec![tried("deferred"), answered("spooled")], Some("waiting"), Some(Outcome::Waiting));
        check(vec![answered("spooled")], Some("waiting"), None);
        check(vec![answered("spooled"), tried("accepted")], None, Some(Outcome::Accepted));
        check(vec![answered("spooled"), tried("bounced")], None, Some(Outcome::Refused));
        check(vec![answered("in_doubt")], Some("in_doubt"), None);
    }

    #[test]
    fn a_mail_that_goes_on_waiting_is_told_with_its_next_attempt() {
        let (outcome, text) = so_far(&followed(vec![answered("spooled")], Some("waiting")));
        assert!(
            outcome == Outcome::Waiting && text.contains("after 1 attempt, the next one is at 2026-11-22T09:01:00Z"),
            "{text}"
        );
        assert_eq!(so_far(&followed(vec![answered("in_doubt")], Some("in_doubt"))).0, Outcome::InDoubt);
        assert_eq!(so_far(&Followed::default()).0, Outcome::Unseen);
    }
}
