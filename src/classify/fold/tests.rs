//! Spellings fold to one, whatever way the text is taken in.

use super::*;
use proptest::prelude::*;

fn folded(text: &str) -> Folded {
    fold(text.lines().enumerate())
}

#[test]
fn spellings_of_one_phrase_fold_to_one() {
    for (one, other) in [
        ("ご希望に沿えない", "御希望に 副えない"),
        ("いただく事", "頂くこと"),
        ("ｴﾝｼﾞﾆｱ", "エンジニア"),
        ("採　用", "採用"),
        ("RESUME　Screening", "resume screening"),
        ("面接（めんせつ）の", "面接の"),
        ("don’t", "don't"),
        ("出来兼ねます", "できかねます"),
    ] {
        assert_eq!(fold_phrase(one), fold_phrase(other));
    }
}

#[test]
fn words_split_by_wrapping_are_whole_and_know_their_lines() {
    let folded = folded("ご応\n募ありがとう。\n\nNext\nstep.");
    assert_eq!(folded.text, "ご応募ありがとう。\nnext step.");
    let at = |word: &str| folded.text.find(word).and_then(|offset| folded.line_at(offset));
    assert_eq!((at("ご"), at("募"), at("next"), at("step")), (Some(0), Some(1), Some(3), Some(4)));
}

#[test]
fn sentences_end_at_stops_blank_lines_and_addressees() {
    let count = |text: &str| folded(text).sentences.len();
    assert_eq!(count("一つ。二つ。"), 2);
    assert_eq!(count("One. Two"), 2);
    assert_eq!(count("一つ\n続き"), 1);
    assert_eq!(count("一つ\n\n二つ"), 2);
    assert_eq!(count("佐藤様\nこの度は"), 2);
    assert_eq!(count("連絡します\nが、続く"), 1);
    assert_eq!(count("連絡します\n次に"), 2);
}

#[test]
fn a_sentence_behind_a_full_stop_at_a_line_end_begins_its_line() {
    let begins = |text: &str| folded(text).sentences.iter().map(|s| s.begins_line).collect::<Vec<_>>();
    assert_eq!(begins("One.\nTwo. Three.\nFour"), [true, true, false, true]);
    assert_eq!(begins("一つ。\n二つ。三つ。"), [true, true, false]);
}

#[test]
fn plain_characters_fold_as_their_nfkc_does() {
    let by_nfkc = |c: char| {
        let mut folder = Folder { splits: true, ..Folder::default() };
        let mut begun = false;
        ['字', c, '字'].into_iter().nfkc().for_each(|c| folder.push_first(c, 0, &mut begun));
        folder.drop_gloss();
        (folder.folded.text, folder.folded.scripts, folder.folded.sentences)
    };
    for c in ('\0'..='\u{ffff}').filter(|c| is_plain(*c)) {
        let plain = fold(std::iter::once((0, format!("字{c}字").as_str())));
        assert_eq!((plain.text, plain.scripts, plain.sentences), by_nfkc(c), "{c:?}");
    }
}

#[test]
fn what_is_spelt_otherwise_is_known_beforehand() {
    for c in ('\0'..='\u{ffff}').filter(|c| is_calm(*c)) {
        let mut text = "出".to_owned();
        push_folded(&mut text, c);
        let mut behind_kana = "か".to_owned();
        push_folded(&mut behind_kana, c);
        let is_kept = text == format!("出{c}") && behind_kana == format!("か{c}");
        assert_eq!(is_respelt(c), !is_kept, "{c}");
    }
}

#[test]
fn signs_are_counted_as_no_script() {
    for c in ('\u{3000}'..='\u{30ff}').filter(|c| !is_kana(*c) && !is_han(*c)) {
        let mut scripts = Scripts::default();
        scripts.count(c);
        assert_eq!(scripts.other, usize::from(c.is_alphabetic()), "{c:?}");
    }
}

#[test]
fn brackets_that_gloss_nothing_stay() {
    assert_eq!(fold_phrase("面接（二次）"), "面接(二次)");
    assert_eq!(fold_phrase("結果（けっか"), "結果(けっか");
}

proptest! {
    #[test]
    fn words_pushed_at_once_fold_as_by_the_letter(text in "([A-Za-z0-9あ亜事出来々ーア、「。.()（） \n])*") {
        let mut by_letter = Folder { splits: true, ..Folder::default() };
        let mut at_once = Folder { splits: true, ..Folder::default() };
        for (number, line) in text.lines().enumerate() {
            let (mut begun, mut begun_too) = (false, false);
            line.chars().for_each(|c| by_letter.push_first(c, number, &mut begun));
            at_once.push_plain(line, number, &mut begun_too);
        }
        let (one, other) = (by_letter.folded, at_once.folded);
        prop_assert_eq!((one.text, one.sentences, one.lines), (other.text, other.sentences, other.lines));
        prop_assert_eq!(one.scripts, other.scripts);
    }

    #[test]
    fn any_text_folds_and_keeps_its_lines_in_order(text in "(\\PC|[\n（）。. ])*") {
        let folded = folded(&text);
        prop_assert!(folded.lines.is_sorted());
        for (index, sentence) in folded.sentences.iter().enumerate() {
            prop_assert!(folded.text.is_char_boundary(sentence.start));
            let before = folded.sentences.partition_point(|other| other.start <= sentence.start);
            prop_assert_eq!(before, index + 1);
            prop_assert!(folded.first_line_of(index) <= folded.last_line_of(index));
        }
    }
}
