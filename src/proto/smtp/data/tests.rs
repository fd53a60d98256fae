//! The data phase against a strict reference, in every form and at every segmentation.

use proptest::prelude::*;

use super::*;

const LIMITS: DataLimits = DataLimits { octets_max: 1000, line_octets_max: 100 };

#[derive(Debug, Eq, PartialEq)]
enum End {
    Open,
    Message { message: Vec<u8>, behind: Vec<u8> },
    Refused(DataFault),
}

/// The rules written down octet by octet, without speed and without segments.
fn reference(input: &[u8]) -> End {
    let mut message = Vec::new();
    let mut line = Vec::new();
    for (i, &octet) in input.iter().enumerate() {
        let after_cr = line.last() == Some(&b'\r');
        match octet {
            b'\n' if after_cr => {}
            _ if after_cr => return End::Refused(DataFault::BareCr),
            b'\n' => return End::Refused(DataFault::BareLf),
            0 => return End::Refused(DataFault::Nul),
            _ => {}
        }
        line.push(octet);
        if octet != b'\n' {
            continue;
        }
        if line == b".\r\n" {
            return End::Message { message, behind: input[i + 1..].to_vec() };
        }
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        line.clear();
    }
    End::Open
}

fn decode(input: &[u8], cuts: &[usize]) -> End {
    let mut decoder = Decoder::new(DataLimits { octets_max: usize::MAX, line_octets_max: usize::MAX }, BareLf::Refuse);
    let mut message = Vec::new();
    let mut from = 0;
    let mut cuts: Vec<usize> = cuts.iter().map(|c| (*c).min(input.len())).collect();
    cuts.sort_unstable();
    cuts.push(input.len());
    for to in cuts {
        match decoder.feed(&input[from..to], &mut message) {
            Progress::More => from = to,
            Progress::Done { consumed, .. } => {
                return End::Message { message, behind: input[from + consumed..].to_vec() };
            }
            Progress::Refused(fault) => return End::Refused(fault),
        }
    }
    End::Open
}

/// The forms at every single cut, octet by octet, and in one piece.
fn check(input: &[u8]) -> End {
    let expected = reference(input);
    for cut in 0..=input.len() {
        assert_eq!(decode(input, &[cut]), expected, "{:?} cut at {cut}", input.escape_ascii().to_string());
    }
    assert_eq!(decode(input, &(0..input.len()).collect::<Vec<_>>()), expected);
    expected
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
        prop_assert_eq!(decode(&input, &cuts), reference(&input));
    }

    #[test]
    fn what_is_stuffed_decodes_to_the_same_message(input in wire(), cuts in cuts()) {
        let clean = find_fault([&input[..]]).is_none();
        let wire = stuffed(&input, &cuts);
        if clean {
            let whole = input.is_empty() || input.ends_with(b"\r\n");
            let message = if whole { input } else { [&input[..], b"\r\n"].concat() };
            prop_assert_eq!(decode(&wire, &cuts), End::Message { message, behind: Vec::new() });
        }
    }
}
