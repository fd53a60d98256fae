//! An MTA that does what it is told, field by field and chunk by chunk, has the mail that was meant.

use proptest::prelude::*;

use super::*;

/// A mail as an MTA keeps it: its own Received line in front, values with what stands behind the colon.
struct Mta {
    fields: Vec<(Vec<u8>, Vec<u8>, bool)>,
    body: Vec<u8>,
    leading: bool,
}

impl Mta {
    fn new(fields: &[(&str, &str)], body: &[u8], leading: bool) -> Self {
        let own = (b"Received".to_vec(), b" by mx.example".to_vec(), false);
        let told = |(n, v): &(&str, &str)| {
            let blank = if leading { "" } else { " " };
            (n.as_bytes().to_vec(), format!("{blank}{v}").into_bytes(), true)
        };
        let fields = std::iter::once(own).chain(fields.iter().map(told)).collect();
        Self { fields, body: body.to_vec(), leading }
    }

    fn value(&self, value: &[u8]) -> Vec<u8> {
        if self.leading { value.to_vec() } else { [b" ", value].concat() }
    }

    /// Obeys one reply; whether the body came last, in one run, and the final word at its end.
    fn obey(&mut self, reply: &[u8]) {
        let mut packets = Packets::default();
        packets.push(reply);
        let (mut body, mut ended) = (None::<Vec<u8>>, false);
        while let Some(Packet { kind, data }) = packets.take().expect("packets") {
            assert!(!ended, "something behind the final word");
            let number = || u32::from_be_bytes(*data.first_chunk().expect("a number")) as usize;
            let words = || {
                let mut words = data[4..].split(|b| *b == 0);
                (words.next().expect("a name").to_vec(), words.next().expect("a value").to_vec())
            };
            match kind {
                b'i' => {
                    assert!(body.is_none());
                    let (name, value) = words();
                    self.fields.insert(number(), (name, self.value(&value), true));
                }
                b'm' => {
                    assert!(body.is_none());
                    let (name, value) = words();
                    let is_it = |f: &&mut (Vec<u8>, Vec<u8>, bool)| f.2 && f.0.eq_ignore_ascii_case(&name);
                    let new = self.value(&value);
                    let field = self.fields.iter_mut().filter(is_it).nth(number() - 1).expect("a field");
                    if value.is_empty() { field.2 = false } else { field.1 = new }
                }
                b'b' => {
                    assert!(data.len() <= 65_535);
                    body.get_or_insert_default().extend_from_slice(&data);
                }
                b'c' => ended = data.is_empty(),
                other => panic!("a reply of kind {other}"),
            }
        }
        assert!(ended);
        self.body = body.unwrap_or(std::mem::take(&mut self.body));
    }

    fn message(&self) -> Vec<u8> {
        let mut whole = Vec::new();
        for (name, value, _) in self.fields.iter().skip(1).filter(|f| f.2) {
            let lines = String::from_utf8_lossy(value).replace('\n', "\r\n");
            whole.extend_from_slice(&[name, &b":"[..], lines.as_bytes(), b"\r\n"].concat());
        }
        [whole, b"\r\n".to_vec(), self.body.clone()].concat()
    }
}

fn told(fields: &[(&str, &str)], body: &[u8], offer: &[u8]) -> (Session, Snapshot) {
    let mut session = Session::new(limits());
    let wire = [offer, &mail(fields, body)].concat();
    let (mails, _) = hear(&mut session, &wire).expect("a conversation");
    let snapshot = mails.into_iter().next().and_then(Gathered::into_snapshot).expect("a whole mail");
    (session, snapshot)
}

/// Edits a mail in the picture and by the MTA, and compares.
fn check(fields: &[(&str, &str)], body: &[u8], list: &[(usize, &[u8])], offer: &[u8]) {
    let (session, snapshot) = told(fields, body, offer);
    let leading = session.terms().is_some_and(|t| t.steps.has(Steps::LEADING_SPACE));
    let mut mta = Mta::new(fields, body, leading);
    assert_eq!(mta.message(), snapshot.message, "the picture is the mail");
    let edits = edits(list);
    let changes = Changes::of(&snapshot, &edits).expect("changes");
    mta.obey(&session.answer(&changes).expect("a reply"));
    assert_eq!(String::from_utf8_lossy(&mta.message()), String::from_utf8_lossy(&edits.apply(&snapshot.message)));
}

const FIELDS: &[(&str, &str)] = &[("From", " hr@sakura.example"), ("Subject", " a\n\tb"), ("X", " 1"), ("x", " 2")];

#[test]
fn each_kind_of_insertion_comes_out_as_it_was_meant() {
    let signature: &[u8] = b"DKIM-Signature: a=b;\r\n\tc=d\r\nDKIM-Signature: e=f\r\n";
    let head = "From: hr@sakura.example\r\nSubject: a\r\n\tb\r\n".len();
    let end = head + "X: 1\r\nx: 2\r\n".len();
    check(FIELDS, b"body\r\n", &[], &postfix_offer());
    check(FIELDS, b"body\r\n", &[(0, signature)], &postfix_offer());
    check(FIELDS, b"body\r\n", &[(0, signature), (head, b"A: b\r\n"), (end, b"Z: y\r\n")], &postfix_offer());
    check(FIELDS, b"body\r\n", &[(end + 2, b"line\r\n"), (end + 8, b"end\r\n")], &postfix_offer());
    check(FIELDS, b"body\r\n", &[(head + 2, b" new"), (head + 10, b"3"), (end + 4, b"x")], &postfix_offer());
    let older: &[(&str, &str)] = &[("From", "hr@sakura.example"), ("Subject", "a\n\tb")];
    check(older, b"body\r\n", &[(0, signature), (head + 2, b"line\r\n")], &offer(2, 0x3f, 0x7f));
    check(&[], b"body", &[(2, b"line\r\n")], &postfix_offer());
}

#[test]
fn a_long_body_is_replaced_in_one_run_of_chunks_every_mta_takes() {
    let body = b"0123456789abcdef\r\n".repeat(5000);
    let at = "From: hr@sakura.example\r\n\r\n".len();
    check(&FIELDS[..1], &body, &[(at + 65_540, b"in the middle")], &postfix_offer());
}

#[test]
fn what_was_cut_is_taken_out_and_moves_no_other_change() {
    let fields: &[(&str, &str)] = &[("A", " 1"), ("X-Route", " s"), ("B", " 2"), ("X-ROUTE", " t"), ("C", " 3")];
    let (session, snapshot) = told(fields, b"body\r\n", &postfix_offer());
    let places = [snapshot.fields[1].whole.clone(), snapshot.fields[3].whole.clone()];
    let cut = snapshot.without(&places);
    let edits = edits(&[(0, b"Z: 0\r\n"), (12, b"Y: 9\r\n"), (20, b"line\r\n")]);
    let changes = Changes::of(&cut, &edits).expect("changes");
    let mut mta = Mta::new(fields, b"body\r\n", true);
    mta.obey(&session.answer(&changes).expect("a reply"));
    assert_eq!(String::from_utf8_lossy(&mta.message()), "Z: 0\r\nA: 1\r\nB: 2\r\nY: 9\r\nC: 3\r\n\r\nline\r\nbody\r\n");
}

#[test]
fn what_no_mta_could_do_or_does_not_allow_is_said() {
    let (session, snapshot) = told(FIELDS, b"body\r\n", &postfix_offer());
    let unfit = |list: &[(usize, &[u8])]| Changes::of(&snapshot, &edits(list)).err();
    assert_eq!(unfit(&[(2, b"x")]), Some(Unfit::Place(2)), "in a name");
    assert_eq!(unfit(&[(snapshot.body_at - 1, b"x")]), Some(Unfit::Place(snapshot.body_at - 1)));
    assert_eq!(unfit(&[(0, b"no field\r\n")]), Some(Unfit::NoField));
    assert_eq!(unfit(&[(0, b"A: no line end")]), Some(Unfit::NoField));
    assert_eq!(unfit(&[(8, b"a\r\nB: c")]), Some(Unfit::NoField), "a field would end in its middle");
    assert_eq!(unfit(&[(0, b"X: 0\r\n"), (snapshot.fields[2].whole.start + 2, b"9")]), Some(Unfit::Unproven));
    let changes = Changes::of(&snapshot, &edits(&[(snapshot.body_at, b"x")])).expect("changes");
    assert!(session.answer(&changes).is_ok());
    let (meek, _) = told(FIELDS, b"body\r\n", &offer(6, 0x11, 0x1f_ffff));
    assert_eq!(meek.answer(&changes), Err(Unfit::Forbidden));
    assert_eq!(meek.answer(&Changes::default()).map(|r| r[4]), Ok(b'c'));
}

proptest! {
    #[test]
    fn any_edits_that_an_mta_can_be_told_come_out_as_they_were_meant(
        (names, values) in (
            proptest::collection::vec("[A-Ca-c]{1,2}", 0..6),
            proptest::collection::vec(" [a-z]{0,5}(\n\t[a-z]{1,4}){0,2}", 6),
        ),
        body in proptest::collection::vec(proptest::sample::select(&b"ab\r\n.\0\xe3"[..]), 0..200),
        list in proptest::collection::vec((0usize..300, proptest::collection::vec(0u8.., 0..8)), 0..4),
        field in proptest::option::of(0usize..7),
        offers in proptest::sample::select(vec![
            (6, 0x1ff, 0x1f_ffff), (6, 0x1ff, 0), (4, 0x3f, 0x3ff), (2, 0x3f, 0x7f),
        ]),
    ) {
        let (version, actions, steps) = offers;
        let fields: Vec<(&str, &str)> = names.iter().zip(&values).map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let (session, snapshot) = told(&fields, &body, &offer(version, actions, steps));
        let mut list: Vec<(usize, Vec<u8>)> =
            list.into_iter().map(|(at, octets)| (at.min(snapshot.message.len()), octets)).collect();
        if let Some(n) = field {
            let at = snapshot.fields.get(n).map_or(snapshot.body_at - 2, |f| f.whole.start);
            list.push((at, b"New: field\r\n".to_vec()));
        }
        let edits = Edits::new(list.into_iter().map(|(at, o)| Edit { at, insert: o.into() }).collect());
        if let Ok(changes) = Changes::of(&snapshot, &edits) {
            let leading = session.terms().is_some_and(|t| t.steps.has(Steps::LEADING_SPACE));
            let mut mta = Mta::new(&fields, &body, leading);
            mta.obey(&session.answer(&changes).expect("a reply"));
            // What an MTA keeps of a value is text here; octets that are none are left to other tests.
            if edits.iter().all(|e| e.at >= snapshot.body_at || e.insert.is_ascii()) {
                prop_assert_eq!(mta.message(), edits.apply(&snapshot.message));
            }
        }
    }
}
