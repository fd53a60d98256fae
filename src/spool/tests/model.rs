//! Any order of stores, marks, settlements and restarts, held against a map that cannot fail.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// One step; the numbers pick among what is possible.
#[derive(Clone, Debug)]
enum Step {
    Store { entry: u8, recipients: u32, is_big: bool },
    Sending { entry: u8, recipient: u32 },
    Settle { entry: u8, recipient: u32, how: u8 },
    Restart,
    PowerCut,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..6, 1u32..4, any::<bool>())
            .prop_map(|(entry, recipients, is_big)| Step::Store { entry, recipients, is_big }),
        4 => (0u8..6, 0u32..4).prop_map(|(entry, recipient)| Step::Sending { entry, recipient }),
        6 => (0u8..6, 0u32..4, 0u8..5).prop_map(|(entry, recipient, how)| Step::Settle { entry, recipient, how }),
        1 => Just(Step::Restart),
        1 => Just(Step::PowerCut),
    ]
}

/// What a recipient is known by: state, attempts, whether it may be doubled.
type Known = (RecipientState, u32, bool);

#[derive(Default)]
struct Model {
    entries: BTreeMap<u8, BTreeMap<u32, Known>>,
    credits: Vec<(String, u32)>,
}

impl Model {
    /// Applies a write; whether it is one that can be.
    fn apply(&mut self, step: &Step) -> bool {
        use RecipientState::{Sending, Waiting};
        match *step {
            Step::Store { entry, recipients, .. } => {
                let is_new = !self.entries.contains_key(&entry);
                self.entries
                    .entry(entry)
                    .or_insert_with(|| (0..recipients).map(|n| (n, (Waiting, 0, false))).collect());
                is_new
            }
            Step::Sending { entry, recipient } => match self.recipient(entry, recipient) {
                Some(known) if known.0 == Waiting => {
                    *known = (Sending, known.1 + 1, known.2);
                    true
                }
                _ => false,
            },
            Step::Settle { entry, recipient, how } => {
                let Some(known) = self.recipient(entry, recipient) else { return false };
                let attempts = known.1 + u32::from(known.0 == Waiting);
                match how {
                    0 => *known = (Waiting, attempts, known.2),
                    1 => *known = (Waiting, attempts, true),
                    _ => self.remove(entry, recipient, how == 2),
                }
                true
            }
            Step::Restart | Step::PowerCut => {
                for known in self.entries.values_mut().flat_map(BTreeMap::values_mut).filter(|k| k.0 == Sending) {
                    *known = (Waiting, known.1, true);
                }
                true
            }
        }
    }

    fn recipient(&mut self, entry: u8, recipient: u32) -> Option<&mut Known> {
        self.entries.get_mut(&entry)?.get_mut(&recipient)
    }

    fn remove(&mut self, entry: u8, recipient: u32, is_credited: bool) {
        let recipients = self.entries.entry(entry).or_default();
        recipients.remove(&recipient);
        if recipients.is_empty() {
            self.entries.remove(&entry);
        }
        if is_credited && recipient == 0 {
            self.credits.push((format!("m{entry}"), 0));
        }
    }
}

fn write(step: &Step) -> Option<Write> {
    let reply = || "451 later".to_owned();
    Some(match *step {
        Step::Store { entry, recipients, is_big } => {
            Write::Store(mail(&format!("m{entry}"), recipients, if is_big { 3000 } else { 200 }))
        }
        Step::Sending { entry, recipient } => sending(&format!("m{entry}"), &[recipient]),
        Step::Settle { entry, recipient, how } => {
            let outcome = match how {
                0 => Outcome::Deferred { next_at: minute(1), reply: reply() },
                1 => Outcome::Doubtful { next_at: minute(1), reply: reply() },
                2 => accepted(),
                3 => Outcome::Accepted { credit: None },
                _ => Outcome::Refused,
            };
            settle(&format!("m{entry}"), &[(recipient, outcome)])
        }
        Step::Restart | Step::PowerCut => return None,
    })
}

/// Everything the spool says, in the model's words.
async fn read_all(spool: &Spool) -> (BTreeMap<u8, BTreeMap<u32, Known>>, Vec<(String, u32)>, u64) {
    let mut entries = BTreeMap::new();
    for entry in 0..6 {
        let Some(loaded) = spool.load(&id(&format!("m{entry}"))).await.unwrap() else { continue };
        assert!(loaded.original.starts_with(format!("Subject: kekka m{entry}\r\n").as_bytes()));
        let known = |r: &Recipient| (r.number, (r.state, r.attempts, r.maybe_doubled));
        for (recipient, address) in loaded.recipients.iter().zip(&loaded.envelope.recipients) {
            assert_eq!(*address, super::address(&format!("m{entry}"), recipient.number));
        }
        entries.insert(entry, loaded.recipients.iter().map(known).collect());
    }
    let rows = spool.outbox_after(0, 1000).await.unwrap();
    let credits = rows.into_iter().map(|r| (r.event.transaction, r.event.recipient)).collect();
    let due = due(spool, minute(1), 100).await;
    let recipients = due.iter().flat_map(|d| &d.entries).map(|e| e.recipients.len() as u64).sum();
    (entries, credits, recipients)
}

async fn run(steps: Vec<Step>) {
    let mut folder = folder();
    let mut spool = open(folder.path());
    let mut model = Model::default();
    for step in steps {
        let possible = model.apply(&step);
        match write(&step) {
            Some(write) => assert_eq!(spool.commit(vec![write]).await.is_ok(), possible, "{step:?}"),
            None if matches!(step, Step::Restart) => {
                spool.close().await;
                spool = open(folder.path());
            }
            None => {
                let image = crash_image(folder.path());
                spool = open(image.path());
                folder = image;
            }
        }
        let (entries, credits, due) = read_all(&spool).await;
        assert_eq!((&entries, &credits), (&model.entries, &model.credits), "after {step:?}");
        let waiting = |known: &&Known| known.0 == RecipientState::Waiting;
        let expected = model.entries.values().flat_map(BTreeMap::values).filter(waiting).count() as u64;
        assert_eq!(due, expected, "what waits is due, and nothing else, after {step:?}");
    }
    spool.close().await;
    for entry in (0..6u8).filter(|e| !model.entries.contains_key(e)) {
        assert_eq!(files_with(folder.path(), &format!("words of m{entry}")), [""; 0]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn the_spool_is_the_map(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.unwrap().block_on(run(steps));
    }
}
