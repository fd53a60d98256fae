//! Text decoded step by step, so that the octets of each character are known. Slow, and for a few lines only.

use std::ops::Range;

use encoding_rs::DecoderResult;

use super::Charset;

/// More than one octet gives in any charset.
const STEP_OCTETS_MAX: usize = 32;

impl Charset {
    /// The characters of a run that [`Charset::decode_line`] reads, each with its octets, in order and without a gap.
    /// An escape belongs to the character behind it; the last one to the character in front.
    pub(crate) fn decode_steps(&self, octets: &[u8]) -> Option<Vec<(char, Range<usize>)>> {
        let mut decoder = self.encoding.new_decoder_without_bom_handling();
        let mut steps: Vec<(char, Range<usize>)> = Vec::with_capacity(octets.len());
        let mut text = String::with_capacity(STEP_OCTETS_MAX);
        let mut from = 0;
        for end in 1..=octets.len() {
            text.clear();
            let step = &octets[end - 1..end];
            let (result, _) = decoder.decode_to_string_without_replacement(step, &mut text, end == octets.len());
            if result != DecoderResult::InputEmpty {
                return None;
            }
            for c in text.chars() {
                steps.push((c, from..end));
                from = end;
            }
        }
        if let Some((_, last)) = steps.last_mut() {
            last.end = octets.len();
        }
        Some(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(label: &str, octets: &[u8], expected: &[(char, Range<usize>)]) {
        let charset = Charset::from_label(Some(label), b"").unwrap_or_else(|e| panic!("{label}: {e}"));
        assert_eq!(charset.decode_steps(octets).as_deref(), Some(expected), "{label}");
    }

    #[test]
    fn each_character_has_its_octets() {
        check("utf-8", "a残".as_bytes(), &[('a', 0..1), ('残', 1..4)]);
        check("shift_jis", b"\x8ec\x94Oa", &[('残', 0..2), ('念', 2..4), ('a', 4..5)]);
        check("iso-2022-jp", b"\x1b$B;DG0\x1b(Ba", &[('残', 0..5), ('念', 5..7), ('a', 7..11)]);
        check("iso-2022-jp", b"a\x1b$B;D\x1b(B", &[('a', 0..1), ('残', 1..9)]);
        check("gb18030", b"\x81\x30\x81\x30a", &[('\u{80}', 0..4), ('a', 4..5)]);
        check("big5", b"\x88\x62a", &[('\u{ca}', 0..2), ('\u{304}', 2..2), ('a', 2..3)]);
        check("utf-8", b"", &[]);
    }

    proptest::proptest! {
        #[test]
        fn steps_are_what_the_line_decodes_to(text in "[a-z残念ｱ①é]{0,12}", label in 0usize..7) {
            let labels = ["utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "windows-1252", "gb18030", "big5"];
            let charset = Charset::from_label(Some(labels[label]), b"").unwrap_or_else(|e| panic!("{e}"));
            if let Some(octets) = charset.encode(&text) {
                let steps = charset.decode_steps(&octets).unwrap_or_default();
                assert_eq!(steps.iter().map(|(c, _)| *c).collect::<String>(), text);
                assert_eq!(steps.last().map_or(0, |(_, o)| o.end), octets.len());
                assert!(steps.windows(2).all(|w| w[0].1.end == w[1].1.start));
            }
        }
    }
}
