//! The line on the wire: what arrives, what is counted, and a next hop that refuses edited mail.

use super::*;

fn with_line() -> Vec<u8> {
    [TRACE, MESSAGE, b"..line\r\n.\r\n"].concat()
}

#[tokio::test]
async fn the_line_arrives_in_its_place_and_the_referral_is_in_the_outbox() {
    let world = World::new(&[]).await;
    let handed = world.serve(&referral("mail-1")).await;
    assert_eq!(told(&handed), "accepted 250 taken");
    assert_eq!(world.hop.messages(), [with_line()]);
    assert_eq!(world.outbox().await, ["mail-1 0 Delivered"]);
}

#[tokio::test]
async fn a_refused_edited_mail_goes_out_as_it_came_and_is_not_counted() {
    for (stage, no) in
        [(Stage::Dot, "554 5.6.0 spam"), (Stage::Mail, "552 5.3.4 too big"), (Stage::Rcpt, "552 5.3.4 no")]
    {
        let closed = (Stage::Data, Act::Reply("354 go"));
        let no_data = (Stage::Data, Act::Reply("503 none"));
        let data = if stage == Stage::Dot { closed } else { no_data };
        let world = World::new(&[(stage, Act::Reply(no)), data]).await;
        let handed = world.serve(&referral("mail-1")).await;
        assert_eq!(told(&handed), "accepted 250 taken", "{no}");
        assert!(matches!(&handed, HandThrough::Settled(s) if s.edit_refused()));
        assert_eq!(world.hop.messages(), [wire(MESSAGE)]);
        assert_eq!(world.hop.connections(), 1);
        assert!(world.outbox().await.is_empty());
        assert_eq!(world.deliver.counted().edits_refused, 1);
    }
}

#[tokio::test]
async fn a_mail_that_only_the_line_makes_too_big_goes_out_as_it_came() {
    let world = World::new(&[(Stage::Ehlo, Act::Reply("250-next.example\r\n250 SIZE 60"))]).await;
    let mut job = referral("mail-1");
    assert_eq!(TRACE.len() + MESSAGE.len(), 59);
    assert_eq!(told(&world.serve(&job).await), "accepted 250 taken");
    assert_eq!(world.hop.messages(), [wire(MESSAGE)]);
    job.original = Bytes::from_static(b"Subject: this is a longer mail\r\n\r\n");
    assert!(told(&world.serve(&job).await).starts_with("refused 552 5.3.4 The next hop takes no message over 60"));
}

#[tokio::test]
async fn what_is_refused_with_and_without_the_line_is_refused() {
    let world = World::new(&[(Stage::Dot, Act::Reply("554 spam")), (Stage::Dot, Act::Reply("550 still spam"))]).await;
    let handed = world.serve(&referral("mail-1")).await;
    assert_eq!(told(&handed), "refused 550 still spam");
    assert_eq!(world.deliver.counted().edits_refused, 0);
    assert_eq!(world.spool.summary().await.expect("a summary").entries, 0);
}

#[tokio::test]
async fn the_original_is_for_those_alone_whose_edited_mail_was_refused() {
    let no = Act::Reply("550 5.1.1 nobody");
    let world = World::new(&[(Stage::Rcpt, no), (Stage::Dot, Act::Reply("554 spam"))]).await;
    let mut job = referral("mail-1");
    job.envelope = super::job(&["a@x.example", "b@y.example"]).envelope;
    job.copy.recipients = vec![0, 1];
    let handed = world.deliver.hand_through(&job).await;
    assert_eq!(told(&handed), "refused 550 5.1.1 nobody, accepted 250 taken");
    assert!(world.hop.commands().ends_with("| RCPT TO:<b@y.example> | DATA | <62 octets>"), "{}", world.hop.commands());
}

/// A referral to a candidate with a copy to the second recipient.
fn with_a_copy() -> Job {
    let mut job = referral("mail-1");
    job.envelope = super::job(&["a@x.example", "b@y.example"]).envelope;
    job.copy.recipients = vec![0, 1];
    job
}

#[tokio::test]
async fn a_copy_sent_without_the_line_takes_nothing_from_the_candidate_who_got_it() {
    let script = [(Stage::Rcpt, Act::Reply("250 ok")), (Stage::Rcpt, Act::Reply("552 5.3.4 too big for him"))];
    let world = World::new(&script).await;
    let handed = world.serve(&with_a_copy()).await;
    assert_eq!(told(&handed), "accepted 250 taken, accepted 250 taken");
    assert_eq!(world.hop.messages(), [with_line(), wire(MESSAGE)]);
    assert_eq!(world.outbox().await, ["mail-1 0 Delivered"]);
    let world = World::new(&script).await;
    super::custody::store(&world, &with_a_copy()).await;
    world.wait_until_empty().await;
    assert_eq!(world.hop.messages(), [with_line(), wire(MESSAGE)]);
    assert_eq!(world.outbox().await, ["mail-1 0 Delivered"]);
}

#[tokio::test]
async fn a_slow_second_offer_neither_doubles_nor_uncounts_what_was_accepted_before() {
    for stalls in [Stage::Mail, Stage::Dot] {
        let mut script = vec![(Stage::Rcpt, Act::Reply("250 ok")), (Stage::Rcpt, Act::Reply("552 5.3.4 too big"))];
        let good = if stalls == Stage::Mail { "250 ok" } else { "250 taken" };
        script.extend([(stalls, Act::Reply(good)), (stalls, Act::Stall)]);
        let world = World::with(&script, |s| {
            s.custody.hand_through_for = STALL_FOR;
            s.custody.in_doubt_for = 2 * STALL_FOR;
        });
        let world = world.await;
        let job = with_a_copy();
        if let HandThrough::InDoubt(doubt) = world.serve(&job).await {
            world.deliver.settle_later(doubt, job.id.clone());
        }
        world.wait_until_empty().await;
        let commands = world.hop.commands();
        assert_eq!(commands.matches("RCPT TO:<a@x.example>").count(), 1, "{commands}");
        assert_eq!(world.outbox().await, ["mail-1 0 Delivered"], "{stalls:?}");
    }
}

#[tokio::test]
async fn three_refused_edits_stop_editing_until_it_is_resumed() {
    let spam = (Stage::Dot, Act::Reply("554 spam"));
    let taken = (Stage::Dot, Act::Reply("250 taken"));
    let world = World::new(&[spam.clone(), taken.clone(), spam.clone(), taken.clone(), spam, taken]).await;
    let company = CompanyId::parse("sakura").expect("a company");
    for n in 1..=3 {
        assert!(!world.deliver.editing_stopped(&company));
        world.serve(&referral(&format!("mail-{n}"))).await;
    }
    assert!(world.deliver.editing_stopped(&company));
    let handed = world.serve(&referral("mail-4")).await;
    assert!(matches!(&handed, HandThrough::Settled(s) if s.edit_refused()));
    assert_eq!(world.hop.messages(), vec![wire(MESSAGE); 4]);
    assert!(world.outbox().await.is_empty());
    world.deliver.resume_editing(&world.deliver.edit_stops());
    world.serve(&referral("mail-5")).await;
    assert_eq!(world.hop.messages()[4], with_line());
    assert_eq!(world.outbox().await, ["mail-5 0 Delivered"]);
}

#[tokio::test]
async fn edits_that_would_break_the_wire_are_left_out() {
    let world = World::new(&[]).await;
    let mut job = referral("mail-1");
    job.copy.edits = Edits::new(vec![Edit { at: 14, insert: b"bare\nline".as_slice().into() }]);
    let handed = world.serve(&job).await;
    assert!(matches!(&handed, HandThrough::Settled(s) if s.edit_refused()));
    assert_eq!(world.hop.messages(), [wire(MESSAGE)]);
    assert!(world.outbox().await.is_empty());
}
