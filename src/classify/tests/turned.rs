//! A rejection whose result sentence alone is replaced by an acceptance: no rejection any more.
//!
//! The sentence is the one that the evidence names; the rest of the mail stays, with its regret, papers and wishes.

use super::*;
use crate::classify::fold::{Folded, fold};

/// Pairs of a mail and an acceptance that are tried.
const PAIRS: usize = 500;
/// What the first pair is drawn with.
const SEED: u64 = 6;

const JA: &[&str] = &[
    "厳正なる選考の結果、貴殿を採用させていただくことに決定いたしました。",
    "慎重に検討いたしました結果、ぜひ採用させていただきたく、ご連絡申し上げます。",
    "選考の結果、採用内定とさせていただきます。",
    "社内で協議の結果、採用と決まりましたのでお知らせいたします。",
    "選考の結果、合格となりました。",
    "誠におめでとうございます、内定のご連絡をさせていただきます。",
    "書類選考を通過されましたので、一次面接のご案内を申し上げます。",
    "ぜひ次の面接にお進みいただきたく存じます。",
    "二次選考に進んでいただくこととなりました。",
    "ぜひ一緒に働いていただきたく、採用を決めました。",
    "ご希望に沿える結果となりましたことをお知らせいたします。",
    "来月より勤務をお願いしたく存じます。",
    "今回はぜひお願いしたいという結論になりました。",
    "採用です。来週から来てください。",
    "当社の一員としてお迎えしたく、内定通知書をお送りいたします。",
    "最終面接へお進みいただきたく、日程のご都合をお聞かせください。",
    "最終選考を通過されましたので、条件面談のお時間をいただけますでしょうか。",
    "面接官一同、ぜひ入社していただきたいとの意見で一致いたしました。",
    "試験に合格されましたので、次回の面接日をお知らせします。",
    "入社をご承諾いただけるかどうか、今週中にお返事をお願いいたします。",
];
const EN: &[&str] = &[
    "We are delighted to offer you the position.",
    "I am pleased to let you know that we would like to offer you the job.",
    "We have decided to move forward with your application.",
    "Congratulations, you have been selected for the role.",
    "We would like to invite you to an interview next week.",
    "You have passed the first stage, and we would love to meet you.",
    "We are happy to tell you that you have been successful.",
    "The team was impressed and wants you to join us in May.",
    "We would be thrilled if you joined us; the offer letter is attached.",
    "You are through to the final round.",
    "Please let us know when you could start.",
    "Your application has been shortlisted, and we will call you to arrange a time.",
    "After careful thought the job is yours.",
    "We want to hire you.",
];
const DE: &[&str] = &[
    "Wir freuen uns, Ihnen die Stelle anbieten zu können.",
    "Gerne möchten wir Sie zu einem Vorstellungsgespräch einladen.",
    "Wir haben uns für Sie entschieden.",
    "Sie haben uns überzeugt, und wir senden Ihnen den Arbeitsvertrag zu.",
];
const FR: &[&str] = &[
    "Nous avons le plaisir de vous annoncer que votre candidature a été retenue.",
    "Nous souhaitons vous rencontrer pour un entretien.",
    "Nous avons décidé de vous proposer le poste.",
    "Votre profil nous a convaincus et vous êtes des nôtres.",
];
const ES: &[&str] = &[
    "Nos complace comunicarle que ha sido seleccionado para el puesto.",
    "Nos gustaría invitarle a una entrevista la próxima semana.",
    "Hemos decidido ofrecerle el puesto.",
    "Su candidatura pasa a la siguiente fase.",
];
const PT: &[&str] = &[
    "Temos o prazer de informar que você foi selecionado para a vaga.",
    "Gostaríamos de convidá-lo para uma entrevista na próxima semana.",
    "Decidimos oferecer-lhe a vaga.",
    "A sua candidatura passou à fase seguinte.",
];
const KO: &[&str] = &[
    "귀하의 최종 합격을 진심으로 축하드립니다.",
    "서류 전형에 합격하셨기에 면접 일정을 안내드립니다.",
    "귀하를 채용하기로 결정하였습니다.",
    "다음 전형에 참여해 주시기 바랍니다.",
];
const ZH: &[&str] = &[
    "很高兴通知您，您已被我公司录用。",
    "恭喜您通过了面试，请于下周一到公司报到。",
    "我們決定錄用您，隨信附上錄取通知書。",
    "誠摯邀請您參加下一輪面試。",
];
const VI: &[&str] = &[
    "Chúng tôi vui mừng thông báo bạn đã trúng tuyển vào vị trí này.",
    "Chúng tôi muốn mời bạn tham gia phỏng vấn vào tuần tới.",
    "Công ty quyết định nhận bạn vào làm việc.",
    "Bạn đã vượt qua vòng hồ sơ.",
];

fn acceptances(language: &str) -> Option<&'static [&'static str]> {
    Some(match language {
        "ja" => JA,
        "en" => EN,
        "de" => DE,
        "fr" => FR,
        "es" => ES,
        "pt" => PT,
        "ko" => KO,
        "zh" | "zhs" | "zht" => ZH,
        "vi" => VI,
        _ => return None,
    })
}

/// The octets of the text that its result sentence takes, by the first evidence of a negative result.
fn result_sentence(text: &str, found: &Rejection) -> Option<(usize, usize)> {
    let evidence = found.evidence.iter().find(|e| e.question == Question::Negative)?;
    let lines: Vec<&str> = text.split('\n').collect();
    let folded = fold(lines.iter().copied().enumerate());
    let (first, last) = lines_of(&folded, evidence)?;
    let start: usize = lines.get(..first)?.iter().map(|line| line.len() + 1).sum();
    let end: usize = lines.get(..=last)?.iter().map(|line| line.len() + 1).sum::<usize>() - 1;
    let mut from = start;
    // More sentences than one may share these lines.
    for piece in text.get(start..end)?.split_inclusive(['。', '！', '？', '!', '?', '.', '；']) {
        let says = fold(piece.split('\n').enumerate()).text;
        if says.contains(&*evidence.text) {
            let blank = piece.len() - piece.trim_start().len();
            return Some((from + blank, from + piece.len()));
        }
        from += piece.len();
    }
    Some((start, end))
}

/// First and last line of the sentence that holds the evidence.
fn lines_of(folded: &Folded, evidence: &Evidence) -> Option<(usize, usize)> {
    let line = evidence.line?;
    (0..folded.sentences.len()).find_map(|sentence| {
        let lines = (folded.first_line_of(sentence)?, folded.last_line_of(sentence)?);
        let said = folded.text.get(folded.sentences.get(sentence)?.start..folded.sentence_end(sentence))?;
        ((lines.0..=lines.1).contains(&line) && said.contains(&*evidence.text)).then_some(lines)
    })
}

/// The mail with its result sentence replaced; nothing when it has none that could be.
fn accepted(note: &Note, acceptance: &str) -> Option<Note> {
    let Verdict::Rejection(found) = verdict(note, &RULES) else { return None };
    let (start, end) = result_sentence(note.text(), &found)?;
    let (before, behind) = (note.text().get(..start)?, note.text().get(end..)?);
    let stop = if acceptance.is_ascii() && !behind.starts_with(['\n', ' ']) && !behind.is_empty() { " " } else { "" };
    Some(note.with_text(&[before, acceptance, stop, behind].concat()))
}

/// Marsaglia's xorshift.
fn draw(state: &mut u64, choices: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 33).unwrap_or_default() % choices
}

#[test]
fn a_rejection_with_an_acceptance_for_its_result_is_none() {
    let notes = [Note::read_all("tune"), Note::read_all("held")].concat();
    let may_turn =
        |note: &&Note| note.is_rejection() && note.is_of_plain_text() && acceptances(note.language()).is_some();
    let notes: Vec<Note> = notes.iter().filter(may_turn).map(|note| note.in_form("plain")).collect();
    let (mut state, mut pairs, mut kept) = (SEED.wrapping_mul(0x9e37_79b9_7f4a_7c15), 0, Vec::new());
    for _ in 0..PAIRS * 4 {
        let Some(note) = notes.get(draw(&mut state, notes.len())) else { continue };
        let Some(choices) = acceptances(note.language()) else { continue };
        let Some(acceptance) = choices.get(draw(&mut state, choices.len())) else { continue };
        let Some(turned) = accepted(note, acceptance) else { continue };
        pairs += 1;
        let (code, evidence) = answer(&verdict(&turned, &RULES));
        if code == "rejection" {
            kept.push(format!("{}, {acceptance:?}: {evidence}", note.name));
        }
        if pairs == PAIRS {
            break;
        }
    }
    assert_eq!(pairs, PAIRS, "of {} rejections", notes.len());
    kept.sort();
    kept.dedup();
    println!("{} of {pairs} stay rejections: {kept:#?}", kept.len());
    assert!(kept.is_empty(), "{} of {pairs} still taken for rejections: {kept:#?}", kept.len());
}
