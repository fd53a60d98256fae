//! The data phase against a strict reference, in every form and at every segmentation.

use proptest::prelude::*;

use super::*;

mod reference;

use reference::End;

const LIMITS: DataLimits = DataLimits { octets_max: 1000, line_octets_max: 100 };

fn kind(fault: DataFault) -> &'static str {
    match fault {
        DataFault::BareCr => "CR",
        DataFault::BareLf => "LF",
        DataFault::Nul => "NUL",
        _ => "a limit",
    }
}

fn decode(input: &[u8], cuts: &[usize], bare_lf: BareLf) -> End {
    let mut decoder = Decoder::new(DataLimits { octets_max: usize::MAX, line_octets_max: usize::MAX }, bare_lf);
    let mut message = Vec::new();
    let mut from = 0;
    let mut cuts: Vec<usize> = cuts.iter().map(|c| (*c).min(input.len())).collect();
    cuts.sort_unstable();
    cuts.push(input.len());
    for to in cuts {
        let growth_max = decoder.growth_max(to - from);
        let before = message.len();
        let progress = decoder.feed(&input[from..to], &mut message);
        assert!(message.len() <= before + growth_max);
        match progress {
            Progress::More => from = to,
            Progress::Done { consumed, .. } => return End::Message { message, taken: from + consumed },
            Progress::Refused(fault) => return End::Refused(kind(fault)),
        }
    }
    End::Open
}

/// The forms at every single cut, octet by octet, and in one piece.
fn check_with(input: &[u8], bare_lf: BareLf) -> End {
    let expected = reference::data(input, bare_lf == BareLf::Normalize);
    for cut in 0..=input.len() {
        assert_eq!(decode(input, &[cut], bare_lf), expected, "{:?} cut at {cut}", input.escape_ascii().to_string());
    }
    assert_eq!(decode(input, &(0..input.len()).collect::<Vec<_>>(), bare_lf), expected);
    expected
}

fn check(input: &[u8]) -> End {
    check_with(input, BareLf::Refuse)
}

fn is_message(end: &End, text: &[u8]) -> bool {
    matches!(end, End::Message { message, .. } if message == text)
}

#[test]
fn only_crlf_dot_crlf_ends_a_message() {
    assert!(is_message(&check(b"a\r\n.\r\n"), b"a\r\n"));
    assert!(is_message(&check(b".\r\n"), b""));
    assert!(is_message(&check(b"..\r\n...\r\n.a\r\n.\r\n"), b".\r\n..\r\na\r\n"));
    assert!(is_message(&check(b"\r\n\r\n.\r\nQUIT\r\n"), b"\r\n\r\n"));
    assert_eq!(check(b"a.\r\n"), End::Open);
    assert_eq!(check(b"a\r\n. \r\n"), End::Open);
}

#[test]
fn false_ends_of_data_refuse_the_message() {
    let forms: [&[u8]; 11] = [
        b"a\n.\n",
        b"a\n.\r\n",
        b"a\r\n.\n",
        b"a\r\n.\r",
        b"a\r.\r",
        b"a\r\n.\r\r\n",
        b"a\r\r\n.\r\r\n",
        b"a\r\0\n.\r\n",
        b"a\r\n.\0\r\n",
        b"\n.\n",
        b"a\r\n\n.\r\n",
    ];
    for form in forms {
        let input = [form, b"MAIL FROM:<smuggled@evil.example>\r\n"].concat();
        assert!(matches!(check(&input), End::Refused(_)), "{:?}", form.escape_ascii().to_string());
    }
}

/// What is sent on for these octets, dots stuffed and end added, when they were mended and not the end of a message.
fn sent_on(input: &[u8]) -> Vec<u8> {
    let end = check_with(&[input, b"\r\n.\r\n"].concat(), BareLf::Normalize);
    let End::Message { message, taken } = end else { panic!("{:?}: {end:?}", input.escape_ascii().to_string()) };
    assert_eq!(taken, input.len() + 5, "ended early");
    let wire = stuffed(&message, &[]);
    // A next hop ends the message where we ended it, and nowhere before.
    let taken = wire.len();
    assert_eq!(reference::data(&wire, false), End::Message { message, taken });
    wire
}

#[test]
fn a_mended_line_feed_never_ends_a_message_here_or_at_the_next_hop() {
    let smuggled = b"MAIL FROM:<smuggled@evil.example>";
    for (form, on_the_wire) in [
        (&b"a\n.\n"[..], &b"a\r\n..\r\n"[..]),
        (b"a\n.\r\n", b"a\r\n..\r\n"),
        (b"a\r\n.\n", b"a\r\n\r\n"),
        (b"a\n\n.\n\n", b"a\r\n\r\n..\r\n\r\n"),
        (b"\n.\r\n", b"\r\n..\r\n"),
        (b".\n.\r\n", b"\r\n..\r\n"),
        (b"a\r\n\n.\r\n", b"a\r\n\r\n..\r\n"),
        (b"a\n..\n", b"a\r\n...\r\n"),
        (b"a\r\n..\n.\r\n", b"a\r\n..\r\n..\r\n"),
    ] {
        let wire = [on_the_wire, smuggled, b"\r\n.\r\n"].concat();
        let sent = sent_on(&[form, smuggled].concat());
        assert_eq!(sent.escape_ascii().to_string(), wire.escape_ascii().to_string());
    }
}

#[test]
fn a_bare_cr_and_a_nul_are_refused_where_line_feeds_are_mended() {
    for form in [&b"a\rb"[..], b"a\r\r\n", b"a\0", b".\r.\r\n", b"a\n\r.", b"\n\0"] {
        assert!(matches!(check_with(form, BareLf::Normalize), End::Refused("CR" | "NUL")), "{form:?}");
    }
}

#[test]
fn limits_are_those_of_the_mended_message() {
    let check = |text: &str, fault| {
        for size in [1, 3, text.len()] {
            let (mut decoder, mut out) = (Decoder::new(LIMITS, BareLf::Normalize), Vec::new());
            for piece in text.as_bytes().chunks(size) {
                assert_eq!(decoder.feed(piece, &mut out), Progress::More);
            }
            assert_eq!(decoder.feed(b".\r\n", &mut out), Progress::Done { consumed: 3, fault }, "{text:?}");
        }
    };
    check(&("\n".repeat(499) + "\r\n"), None);
    check(&("\n".repeat(500) + "\r\n"), Some(DataFault::TooLarge));
    check(&format!("{}\n{}\r\n", "x".repeat(98), "x".repeat(98)), None);
    check(&format!("{}\nx\r\n", "x".repeat(99)), Some(DataFault::LineTooLong));
}

#[test]
fn octets_over_the_limit_are_waited_out_and_not_kept() {
    let input = [&b"a\r\n".repeat(400)[..], b".\r\nNOOP"].concat();
    let mut out = Vec::new();
    let progress = Decoder::new(LIMITS, BareLf::Refuse).feed(&input, &mut out);
    assert_eq!(progress, Progress::Done { consumed: 1203, fault: Some(DataFault::TooLarge) });
    assert!(out.is_empty());
}

#[test]
fn a_message_of_exactly_the_limits_passes_and_one_octet_more_does_not() {
    let check = |text: &str, fault| {
        let mut out = Vec::new();
        for cut in 0..=text.len() {
            let mut decoder = Decoder::new(LIMITS, BareLf::Refuse);
            out.clear();
            assert_eq!(decoder.feed(&text.as_bytes()[..cut], &mut out), Progress::More);
            let rest = [&text.as_bytes()[cut..], b".\r\n"].concat();
            assert_eq!(decoder.feed(&rest, &mut out), Progress::Done { consumed: rest.len(), fault }, "cut at {cut}");
        }
    };
    check(&"12345678\r\n".repeat(100), None);
    check(&format!("{}+\r\n", "12345678\r\n".repeat(100)), Some(DataFault::TooLarge));
    check(&format!("{}\r\n", "x".repeat(98)), None);
    check(&format!("{}\r\n", "x".repeat(99)), Some(DataFault::LineTooLong));
}

#[test]
fn the_limit_that_is_crossed_first_is_the_fault_at_any_segmentation() {
    let check = |text: String, fault| {
        for size in [1, 7, 100, text.len()] {
            let (mut decoder, mut out) = (Decoder::new(LIMITS, BareLf::Refuse), Vec::new());
            text.as_bytes().chunks(size).for_each(|piece| assert_eq!(decoder.feed(piece, &mut out), Progress::More));
            assert_eq!(decoder.fault(), Some(fault), "in pieces of {size}");
        }
    };
    let line = "12345678\r\n";
    check(line.repeat(98) + &"x".repeat(101) + "\r\n", DataFault::TooLarge);
    check(line.repeat(80) + &"x".repeat(101) + "\r\n" + &line.repeat(20), DataFault::LineTooLong);
    check(line.repeat(101) + &"x".repeat(101) + "\r\n", DataFault::TooLarge);
}

fn stuffed(message: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut cuts: Vec<usize> = cuts.iter().map(|c| (*c).min(message.len())).collect();
    cuts.extend([0, message.len()]);
    cuts.sort_unstable();
    let segments: Vec<&[u8]> = cuts.windows(2).map(|w| &message[w[0]..w[1]]).collect();
    stuff(segments).collect::<Vec<_>>().concat()
}

#[test]
fn dots_are_stuffed_across_any_border_and_the_end_is_added_once() {
    for (message, wire) in [
        (&b""[..], &b".\r\n"[..]),
        (b"a", b"a\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b"a\r\n.\r\n..b\r\nc.\r\n", b"a\r\n..\r\n...b\r\nc.\r\n.\r\n"),
    ] {
        for first in 0..=message.len() {
            for second in 0..=message.len() {
                assert_eq!(stuffed(message, &[first, second]), wire, "cuts at {first} and {second}");
            }
        }
    }
}

#[test]
fn octets_that_must_not_be_sent_are_found_across_borders() {
    let check = |segments: &[&[u8]], fault| assert_eq!(find_fault(segments.iter().copied()), fault, "{segments:?}");
    check(&[b"a\r", b"", b"\nb\r\n"], None);
    check(&[b"a\r", b"b"], Some(DataFault::BareCr));
    check(&[b"a\r"], Some(DataFault::BareCr));
    check(&[b"a", b"\nb"], Some(DataFault::BareLf));
    check(&[b"a\r\n\n"], Some(DataFault::BareLf));
    check(&[b"a\0"], Some(DataFault::Nul));
}

/// Octets that matter, much more often than chance would bring them.
fn wire() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => Just(&b"\r\n"[..]), 4 => Just(&b"."[..]), 6 => Just(&b"word"[..]), 2 => Just(&b"\r\n.\r\n"[..]),
        1 => Just(&b"\r"[..]), 1 => Just(&b"\n"[..]), 1 => Just(&b"\0"[..]), 1 => Just(&b"\xe3\x81\x82"[..]),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|p| p.concat())
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0usize..80, 0..8)
}

proptest! {
    #[test]
    fn any_octets_in_any_pieces_decode_as_the_reference_says(input in wire(), cuts in cuts()) {
        for (bare_lf, mend) in [(BareLf::Refuse, false), (BareLf::Normalize, true)] {
            prop_assert_eq!(decode(&input, &cuts, bare_lf), reference::data(&input, mend));
        }
    }

    #[test]
    fn any_octets_in_any_chunks_are_put_together_as_the_reference_says(input in wire(), cuts in cuts()) {
        let limits = DataLimits { octets_max: usize::MAX, line_octets_max: usize::MAX };
        for (bare_lf, mend) in [(BareLf::Refuse, false), (BareLf::Normalize, true)] {
            let (mut decoder, mut message) = (Decoder::chunked(limits, bare_lf), Vec::new());
            let mut cuts: Vec<usize> = cuts.iter().map(|c| (*c).min(input.len())).collect();
            cuts.extend([0, input.len()]);
            cuts.sort_unstable();
            let mut fed = cuts.windows(2).map(|w| decoder.feed(&input[w[0]..w[1]], &mut message));
            let fed = fed.find(|progress| *progress != Progress::More);
            let end = match fed {
                Some(Progress::Refused(fault)) => End::Refused(kind(fault)),
                Some(other) => panic!("{other:?} in a chunk"),
                None => decoder.end().map_or(End::Message { message, taken: input.len() }, |f| End::Refused(kind(f))),
            };
            prop_assert_eq!(end, reference::chunks(&input, true, mend));
        }
    }

    #[test]
    fn what_is_stuffed_decodes_to_the_same_message(input in wire(), cuts in cuts()) {
        let clean = find_fault([&input[..]]).is_none();
        let wire = stuffed(&input, &cuts);
        if clean {
            let whole = input.is_empty() || input.ends_with(b"\r\n");
            let message = if whole { input } else { [&input[..], b"\r\n"].concat() };
            prop_assert_eq!(decode(&wire, &cuts, BareLf::Refuse), End::Message { message, taken: wire.len() });
        }
    }
}
