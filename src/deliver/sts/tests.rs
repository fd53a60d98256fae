//! Policies announced, fetched, changed, remembered, and not to be had.

use std::collections::VecDeque;

use bytes::Bytes;

use super::*;
use crate::deliver::tests::names::Names;
use crate::sys::https::{FetchFault, Fetching};

/// A web that gives one answer after another, the last for ever.
#[derive(Debug, Default)]
struct Web {
    answers: Mutex<VecDeque<Option<String>>>,
    asked: Mutex<Vec<String>>,
    /// How long it takes.
    slow: Duration,
}

impl Fetch for Web {
    fn fetch<'a>(&'a self, host: &'a str, path: &'a str) -> Fetching<'a> {
        lock(&self.asked).push(format!("{host}{path}"));
        Box::pin(async move {
            tokio::time::sleep(self.slow).await;
            let mut answers = lock(&self.answers);
            let answer =
                if answers.len() > 1 { answers.pop_front().flatten() } else { answers.front().cloned().flatten() };
            answer.map(Bytes::from).ok_or_else(|| FetchFault::TooSlow(host.to_owned()))
        })
    }
}

struct World {
    names: Arc<Names>,
    web: Arc<Web>,
    policies: Policies,
}

fn text(mode: &str, mx: &str) -> String {
    format!("version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: 3600\n")
}

fn world(answers: &[Option<String>], slow: Duration, file: Option<PathBuf>) -> World {
    let names = Arc::new(Names::knowing(&["_mta-sts.x.example TXT v=STSv1; id=1;"]));
    let web = Arc::new(Web { answers: Mutex::new(answers.iter().cloned().collect()), slow, ..Web::default() });
    let policies = Policies::new(Arc::clone(&names) as _, Arc::clone(&web) as _, file);
    World { names, web, policies }
}

impl World {
    /// The mode in force and whether it covers `mx.x.example`.
    async fn mode(&self) -> Option<(Mode, bool)> {
        self.policies.of("x.example").await.map(|p| (p.mode, p.covers("mx.x.example")))
    }

    fn fetched(&self) -> usize {
        lock(&self.web.asked).len()
    }
}

const QUICK: Duration = Duration::ZERO;

#[tokio::test]
async fn an_announced_policy_is_fetched_once_from_its_place() {
    let world = world(&[Some(text("enforce", "mx.x.example"))], QUICK, None);
    for _ in 0..3 {
        assert_eq!(world.mode().await, Some((Mode::Enforce, true)));
    }
    assert_eq!(*lock(&world.web.asked), ["mta-sts.x.example/.well-known/mta-sts.txt"]);
    assert!(world.policies.of("y.example").await.is_none());
    assert_eq!(world.fetched(), 1);
}

#[tokio::test]
async fn a_new_id_brings_the_new_policy_and_a_failed_fetch_keeps_the_old() {
    let answers = [Some(text("testing", "a.example")), None, Some(text("enforce", "*.x.example"))];
    let world = world(&answers, QUICK, None);
    assert_eq!(world.mode().await, Some((Mode::Testing, false)));
    world.names.set(&["_mta-sts.x.example TXT v=STSv1; id=2;"]);
    assert_eq!(world.mode().await, Some((Mode::Testing, false)));
    assert_eq!(world.mode().await, Some((Mode::Testing, false)));
    assert_eq!(world.fetched(), 2, "what failed is not fetched again at once");
    world.names.set(&["_mta-sts.x.example TXT v=STSv1; id=3;"]);
    assert_eq!(world.mode().await, Some((Mode::Enforce, true)));
}

#[tokio::test]
async fn a_policy_holds_when_its_announcement_is_gone_or_cannot_be_told() {
    let world = world(&[Some(text("enforce", "mx.x.example"))], QUICK, None);
    assert_eq!(world.mode().await, Some((Mode::Enforce, true)));
    for lines in [&["_mta-sts.x.example FAILS"][..], &[]] {
        world.names.set(lines);
        assert_eq!(world.mode().await, Some((Mode::Enforce, true)));
    }
    assert_eq!(world.fetched(), 1);
}

#[tokio::test]
async fn a_policy_that_cannot_be_had_is_none_and_not_asked_for_at_once_again() {
    for answer in [None, Some("<html>not here</html>".to_owned())] {
        let world = world(&[answer], QUICK, None);
        assert_eq!((world.mode().await, world.mode().await), (None, None));
        assert_eq!(world.fetched(), 1);
    }
}

#[tokio::test]
async fn who_stops_waiting_leaves_the_fetch_to_go_on_and_nobody_fetches_twice() {
    let world = world(&[Some(text("enforce", "mx.x.example"))], Duration::from_millis(200), None);
    let waited = tokio::time::timeout(Duration::from_millis(20), world.mode()).await;
    assert!(waited.is_err());
    let (one, other) = tokio::join!(world.mode(), world.mode());
    assert_eq!((one, other), (Some((Mode::Enforce, true)), Some((Mode::Enforce, true))));
    assert_eq!(world.fetched(), 1);
}

#[tokio::test]
async fn policies_outlive_a_restart_and_a_damaged_file_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sts-policies.json");
    let first = world(&[Some(text("enforce", "mx.x.example"))], QUICK, Some(file.clone()));
    first.mode().await;
    first.policies.save();
    let second = world(&[None], QUICK, Some(file.clone()));
    assert_eq!((second.mode().await, second.fetched()), (Some((Mode::Enforce, true)), 0));
    std::fs::write(&file, "{").expect("a file");
    let third = world(&[None], QUICK, Some(file));
    assert_eq!(third.mode().await, None);
}

#[test]
fn policies_end_and_of_too_many_the_first_to_end_goes() {
    let mut shelf = Shelf::open(None, Timestamp::UNIX_EPOCH);
    let policy = Policy::parse(text("enforce", "mx.x.example").as_bytes()).map(Arc::new);
    let policy = policy.expect("a policy");
    let at = |second: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second);
    for n in 0..10_001 {
        let known = Known { id: "1".to_owned(), fetched_at: at(n), policy: Arc::clone(&policy) };
        shelf.put(&format!("d{n}.example"), known);
    }
    assert!(shelf.find("d0.example", at(1)).is_none());
    assert!(shelf.find("d1.example", at(3600)).is_some() && shelf.find("d1.example", at(3601)).is_none());
}
