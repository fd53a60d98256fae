//! MTAs that speak otherwise than they should: no mail is taken for another, and nothing is kept that nobody wants.

use proptest::prelude::*;

use super::*;

fn told_of(wire: &[&[u8]]) -> Result<(Vec<Gathered>, String), Fault> {
    let mut session = Session::new(limits());
    let wire = [&[&postfix_offer()[..]], wire].concat().concat();
    hear(&mut session, &wire).map(|(mails, answers)| (mails, kinds(&answers)))
}

#[test]
fn several_mails_of_one_connection_have_nothing_of_each_other() {
    let connect = packet(b'C', b"mail.example\x004\x04\xd2192.0.2.7\0");
    let macros = packet(b'D', b"Mi\0A1\0{auth_authen}\0hr\0");
    let first = mail(&[("Subject", " one")], b"first\r\n");
    let second = mail(&[("Subject", " two")], b"second\r\n");
    let abort = packet(b'A', b"");
    let (mails, answers) =
        told_of(&[&connect, &macros, &first, &abort, &abort, &second, &second]).expect("a conversation");
    let seen: Vec<_> =
        mails.iter().map(|m| (&m.octets[..], m.macros.queue_id(), m.macros.user(), m.rcpts.len())).collect();
    let two = (&b"Subject: two\r\n\r\nsecond\r\n"[..], None, None, 1);
    assert_eq!(seen, [(&b"Subject: one\r\n\r\nfirst\r\n"[..], Some("A1"), Some("hr"), 1), two, two]);
    assert!(mails.iter().all(|m| m.peer == Peer::At([192, 0, 2, 7].into())));
    assert_eq!(answers, "Occcccc", "terms, and a header and an end of each mail");
}

#[test]
fn an_abort_at_any_point_ends_a_mail_and_nothing_else() {
    let whole = mail(&[("Subject", " one"), ("X", " y")], b"first\r\n");
    let mut packets = Packets::default();
    packets.push(&whole);
    let mut parts = Vec::new();
    while let Some(Packet { kind, data }) = packets.take().expect("packets") {
        parts.push(packet(kind, &data));
    }
    for end in [packet(b'A', b""), packet(b'K', b"")] {
        for n in 0..parts.len() {
            let cut = parts[..n].concat();
            let (mails, _) = told_of(&[&cut, &end, &whole]).expect("a conversation");
            let flaws: Vec<_> = mails.iter().map(|m| (m.flaw, m.octets.len())).collect();
            assert_eq!(flaws, [(None, "Subject: one\r\nX: y\r\n\r\nfirst\r\n".len())], "after {n} packets");
        }
    }
}

#[test]
fn a_mail_begun_anew_is_not_the_one_that_was_never_ended() {
    let lost = [packet(b'M', b"<a@b.example>\0"), packet(b'R', b"<c@d.example>\0")].concat();
    let (mails, _) = told_of(&[&lost, &mail(&[("A", " b")], b"")]).expect("a conversation");
    assert_eq!((mails[0].mail[0].as_ref(), mails[0].rcpts.len()), (&b"<hr@sakura.example>"[..], 1));
}

#[test]
fn what_is_told_out_of_order_makes_a_mail_that_is_left_alone() {
    let part = |kind, data: &[u8]| packet(kind, data);
    let (from, to) = (part(b'M', b"<a@b.example>\0"), part(b'R', b"<c@d.example>\0"));
    let (field, end, body, eom) = (part(b'L', b"A\0 b\0"), part(b'N', b""), part(b'B', b"x"), part(b'E', b""));
    let flaw = |wire: &[&[u8]]| {
        let (mails, answers) = told_of(wire).expect("a conversation");
        assert!(answers.ends_with('c'), "the mail goes on: {answers}");
        mails[0].flaw
    };
    assert_eq!(flaw(&[&from, &to, &field, &end, &body, &eom]), None);
    assert_eq!(flaw(&[&eom]), Some(Flaw::OutOfOrder));
    assert_eq!(flaw(&[&field, &end, &body, &eom]), Some(Flaw::OutOfOrder));
    assert_eq!(flaw(&[&from, &to, &body, &field, &end, &eom]), Some(Flaw::OutOfOrder));
    assert_eq!(flaw(&[&from, &field, &to, &end, &eom]), Some(Flaw::OutOfOrder));
    assert_eq!(flaw(&[&from, &to, &field, &end, &end, &eom]), Some(Flaw::OutOfOrder));
    assert_eq!(flaw(&[&from, &to, &field, &end, &field, &eom]), Some(Flaw::OutOfOrder));
    assert_eq!(flaw(&[&from, &to, &field, &eom]), Some(Flaw::OutOfOrder));
}

#[test]
fn a_connection_that_cannot_be_read_is_over() {
    let fault = |wire: &[u8]| hear(&mut Session::new(limits()), wire).err();
    assert_eq!(fault(&packet(b'M', b"<a@b.example>\0")), Some(Fault::NoTerms));
    assert_eq!(fault(&packet(b'Q', b"")), None);
    assert_eq!(fault(&offer(1, 0x3f, 0x7f)), Some(Fault::Terms(TermsFault::Version(1))));
    assert_eq!(fault(&packet(b'O', b"\0\0\0\x06")), Some(Fault::Terms(TermsFault::Short)));
    assert_eq!(fault(&[postfix_offer(), packet(b'z', b"")].concat()), Some(Fault::Command(CommandFault::Kind(b'z'))));
    assert_eq!(fault(&[postfix_offer(), packet(b'R', b"x")].concat()), Some(Fault::Command(CommandFault::Data(b'R'))));
    let huge = [postfix_offer(), (2u32 << 30).to_be_bytes().to_vec()].concat();
    assert_eq!(fault(&huge), Some(Fault::Packet(PacketFault::Length(2 << 30))));
}

#[test]
fn a_mail_over_a_limit_is_left_alone_and_not_kept() {
    let large = mail(&[("A", " b")], &vec![b'x'; 150_000]);
    let mut session = Session::new(limits());
    session.push(&[postfix_offer(), large].concat());
    let mut most = 0;
    while let Some(event) = session.event().expect("a conversation") {
        match event {
            Event::Header => session.go_on(),
            Event::Mail(mail) => {
                assert_eq!((mail.flaw, mail.octets.len()), (Some(Flaw::TooLarge), 0));
                assert_eq!(mail.octets_told, 150_000 + 6);
            }
            Event::Aborted | Event::Quit => {}
        }
        most = most.max(session.mail().map_or(0, |m| m.octets.len()));
    }
    assert!(most <= 100_000);
    let many = [packet(b'M', b"<a@b.example>\0"), packet(b'R', b"<c@d.example>\0").repeat(11)].concat();
    let (mails, _) =
        told_of(&[&many, &packet(b'L', b"A\0 b\0"), &packet(b'N', b""), &packet(b'E', b"")]).expect("told");
    assert_eq!(mails[0].flaw, Some(Flaw::TooLarge));
}

#[test]
fn an_older_mta_hears_an_answer_to_each_command_and_of_a_body_that_is_long_enough() {
    let mut session = Session::new(limits());
    let commands = [packet(b'C', b"x\0U"), packet(b'H', b"x\0"), packet(b'T', b""), packet(b'U', b"x\0")].concat();
    let wire = [offer(2, 0x3f, 0x7f), commands, mail(&[("A", "b"), ("C", "d")], b"body")].concat();
    let (mails, answers) = hear(&mut session, &wire).expect("a conversation");
    assert_eq!((kinds(&answers).as_str(), mails.len()), ("Occccccccccc", 1));
    let mut session = Session::new(limits());
    let wire = [offer(6, 0x1ff, 0x400), mail(&[("A", " b")], &vec![b'x'; 200_000])].concat();
    let (_, answers) = hear(&mut session, &wire).expect("a conversation");
    assert_eq!(kinds(&answers), "Occcccsccc", "one word that it is enough");
}

proptest! {
    #[test]
    fn whatever_comes_in_nothing_is_taken_for_a_mail_that_was_not_told(
        octets in proptest::collection::vec(0u8.., 0..400),
    ) {
        let mut session = Session::new(limits());
        let wire = [postfix_offer(), octets].concat();
        if let Ok((mails, _)) = hear(&mut session, &wire) {
            for mail in mails {
                prop_assert!(mail.flaw.is_some() || mail.body_at.is_some());
            }
        }
    }

    #[test]
    fn packets_in_any_order_break_nothing(order in proptest::collection::vec(0usize..12, 0..40)) {
        let part: [Vec<u8>; 12] = [
            packet(b'M', b"<a@b.example>\0"), packet(b'R', b"<c@d.example>\0"), packet(b'L', b"A\0 b\0"),
            packet(b'N', b""), packet(b'B', b"body\r\n"), packet(b'E', b""), packet(b'A', b""), packet(b'K', b""),
            packet(b'D', b"Mi\0A1\0"), packet(b'H', b"x\0"), packet(b'T', b""), packet(b'C', b"x\0U"),
        ];
        let wire: Vec<u8> = order.iter().flat_map(|n| part[*n].clone()).collect();
        let (mails, _) = told_of(&[&wire]).expect("sound packets");
        for mail in mails.into_iter().filter(|m| m.flaw.is_none()) {
            prop_assert!(!mail.mail.is_empty() && mail.body_at.is_some());
            prop_assert_eq!(mail.octets.len(), mail.octets_told + 2);
        }
    }
}
