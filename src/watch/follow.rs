//! Test mails: announced beforehand over the admin socket, known again by a token nobody else has, and followed to the
//! far end. A token is good for one mail and a quarter of an hour.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::pipeline::Secret;
use crate::sys::{clock, random};

/// The header field that carries a test mail's token.
pub const TEST_FIELD: &str = "X-Career-Relay-Test";

/// Test mails remembered at one time; the oldest goes.
const STORIES_MAX: usize = 64;
/// Steps remembered of one.
const STEPS_MAX: usize = 64;
/// How long a token waits for its mail.
const EXPECTED_FOR: SignedDuration = SignedDuration::from_mins(15);
/// How long a test mail is followed.
const FOLLOWED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// One step on a test mail's way: codes, counts, names of next hops and their replies without addresses.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// It is here.
    Arrived {
        /// Our id of it.
        id: String,
    },
    /// It was decided on. It is left as it came, whatever would be.
    Decided {
        /// Whose mail it is.
        company: Option<String>,
        /// What would become of such a mail: `referred`, or the code of what leaves it untouched.
        would: String,
        /// Whether it was recognised as a rejection mail.
        rejection: bool,
    },
    /// It was not handed through, for this reason: it is in the spool.
    Kept {
        /// The code of why.
        why: String,
    },
    /// It was offered to a next hop.
    Tried {
        /// The next hop.
        next_hop: String,
        /// The route that led there.
        route: String,
        /// How it ended: `accepted`, `deferred`, `bounced` or `possibly_doubled`.
        end: String,
        /// What the next hop said, or our words for why it said nothing.
        reply: Option<String>,
    },
    /// The client has its answer.
    Answered {
        /// Who has the mail now.
        custody: String,
    },
}

/// A step and when it was made.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Made {
    /// When, RFC 3339.
    pub at: String,
    /// What.
    #[serde(flatten)]
    pub step: Step,
}

struct Story {
    token: Secret,
    /// Until when the token is good, or the mail followed.
    until: Timestamp,
    id: Option<String>,
    made: Vec<Made>,
}

/// Every test mail that is announced or followed. Costs other mails one look at a number.
#[derive(Default)]
pub(super) struct TestMails {
    stories: Mutex<VecDeque<Story>>,
    /// Until when a mail may bear a token that is good, in seconds since 1970; 0 for never.
    expected_until: AtomicI64,
    /// Until when any mail is followed.
    followed_until: AtomicI64,
}

impl TestMails {
    /// A token for a mail to come.
    pub(super) fn announce(&self) -> String {
        let now = clock::now();
        let token = format!("{:032x}", u128::from_be_bytes(random::octets()));
        let mut stories = self.lock();
        stories.retain(|story| story.until > now);
        if stories.len() == STORIES_MAX {
            stories.pop_front();
        }
        let until = after(now, EXPECTED_FOR);
        stories.push_back(Story { token: Secret::new(&token), until, id: None, made: Vec::new() });
        self.note_times(&stories);
        token
    }

    /// Whether a mail may be one that was announced.
    pub(super) fn is_expecting(&self) -> bool {
        is_ahead(&self.expected_until)
    }

    /// Takes a token for the mail `id`; it is good for no other from then on.
    pub(super) fn begin(&self, token: &str, id: &str) -> bool {
        let now = clock::now();
        let mut stories = self.lock();
        let announced = |story: &&mut Story| story.id.is_none() && story.until > now;
        let Some(story) = stories.iter_mut().filter(announced).find(|s| s.token.is(token.as_bytes())) else {
            return false;
        };
        (story.id, story.until) = (Some(id.to_owned()), after(now, FOLLOWED_FOR));
        story.note(Step::Arrived { id: id.to_owned() }, now);
        self.note_times(&stories);
        true
    }

    /// Whether this mail is followed.
    pub(super) fn is_followed(&self, id: &str) -> bool {
        is_ahead(&self.followed_until) && self.lock().iter().any(|story| story.id.as_deref() == Some(id))
    }

    /// Notes a step of a mail that is followed.
    pub(super) fn note(&self, id: &str, step: Step) {
        if let Some(story) = self.lock().iter_mut().find(|story| story.id.as_deref() == Some(id)) {
            story.note(step, clock::now());
        }
    }

    /// What is known of the mail of this token; `None` for a token nobody gave.
    pub(super) fn story(&self, token: &str) -> Option<(Option<String>, Vec<Made>)> {
        let stories = self.lock();
        let story = stories.iter().find(|story| story.token.is(token.as_bytes()))?;
        Some((story.id.clone(), story.made.clone()))
    }

    fn note_times(&self, stories: &VecDeque<Story>) {
        let latest = |begun: bool| {
            let of = stories.iter().filter(|story| story.id.is_some() == begun);
            of.map(|story| story.until.as_second()).max().unwrap_or(0)
        };
        self.expected_until.store(latest(false), Ordering::Release);
        self.followed_until.store(latest(true), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Story>> {
        self.stories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Story {
    fn note(&mut self, step: Step, at: Timestamp) {
        if self.made.len() < STEPS_MAX {
            self.made.push(Made { at: at.to_string(), step });
        }
    }
}

fn after(now: Timestamp, duration: SignedDuration) -> Timestamp {
    now.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// The clock is asked only when there is something to wait for.
fn is_ahead(until: &AtomicI64) -> bool {
    let until = until.load(Ordering::Acquire);
    until != 0 && clock::now().as_second() <= until
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_one_mail() {
        let tests = TestMails::default();
        assert!(!tests.is_expecting() && !tests.begin("", "m0"));
        let token = tests.announce();
        assert!(tests.is_expecting() && !tests.begin("0123", "m0") && tests.begin(&token, "m1"));
        assert!(!tests.is_expecting() && !tests.begin(&token, "m2"));
        assert!(tests.is_followed("m1") && !tests.is_followed("m2"));
        tests.note("m1", Step::Kept { why: "backlog".to_owned() });
        tests.note("m2", Step::Kept { why: "backlog".to_owned() });
        let (id, made) = tests.story(&token).unwrap_or_else(|| panic!("a story"));
        assert_eq!((id.as_deref(), made.len()), (Some("m1"), 2));
        assert_eq!(made[0].step, Step::Arrived { id: "m1".to_owned() });
        assert!(tests.story("0123").is_none());
    }

    #[test]
    fn old_tokens_make_room_for_new_ones() {
        let tests = TestMails::default();
        let first = tests.announce();
        let others: Vec<String> = (0..STORIES_MAX).map(|_| tests.announce()).collect();
        assert!(!tests.begin(&first, "m1") && tests.begin(&others[0], "m2"));
        (0..2 * STEPS_MAX).for_each(|_| tests.note("m2", Step::Kept { why: "x".to_owned() }));
        assert_eq!(tests.story(&others[0]).map(|(_, made)| made.len()), Some(STEPS_MAX));
    }

    #[test]
    fn a_token_whose_time_is_over_is_good_for_nothing() {
        let tests = TestMails::default();
        let token = tests.announce();
        tests.lock().iter_mut().for_each(|story| story.until = Timestamp::UNIX_EPOCH);
        assert!(!tests.begin(&token, "m1"));
        tests.announce();
        assert_eq!(tests.lock().len(), 1);
    }
}
