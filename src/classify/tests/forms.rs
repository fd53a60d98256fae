//! A mail is judged by what it says, and not by how it is sent: the same verdict and reason in every form.
//!
//! CI takes a sample; `make long-forms` takes every mail and writes its result into docs/long-runs.md.

use std::env;
use std::path::Path;

use super::*;
#[allow(dead_code, reason = "this run is over in a minute: it is not resumed")]
#[path = "../../../tests/streams/record.rs"]
mod record;

const FORMS: [&str; 6] = ["jis", "sjis", "quoted-printable", "base64", "html", "alternative"];
/// CI takes one of so many pairs of mail and form.
const SAMPLE: usize = 4;

/// One pair in so many may be answered otherwise than the plain form.
const DIFFERENT_OF: usize = 1800;

/// How many pairs were compared, which differ, and how many cannot be written in the form's charset.
#[derive(Default)]
struct Compared {
    pairs: usize,
    unwritable: usize,
    different: Vec<String>,
}

fn compare(folder: &str, one_of: usize, compared: &mut Compared) {
    let notes = Note::read_all(folder);
    for (number, note) in notes.iter().filter(|note| note.is_of_plain_text()).enumerate() {
        let forms = FORMS.iter().enumerate().filter(|(form, _)| (number + form) % one_of == 0);
        let mut plain = None;
        for (_, form) in forms {
            if !note.fits(form) {
                compared.unwritable += 1;
                continue;
            }
            let plain = *plain.get_or_insert_with(|| answer(&verdict(&note.in_form("plain"), &RULES)).0);
            let other = answer(&verdict(&note.in_form(form), &RULES)).0;
            compared.pairs += 1;
            if other != plain {
                // A name and two codes tell nothing of what a mail of the test half says.
                compared.different.push(format!("{folder}: {} [{form}]: {other}, plain {plain}", note.name));
            }
        }
    }
}

#[test]
fn a_mail_is_judged_alike_in_every_form() {
    let whole = env::var_os("LONG_FORMS").is_some();
    let mut compared = Compared::default();
    for folder in ["tune", "held"] {
        compare(folder, if whole { 1 } else { SAMPLE }, &mut compared);
    }
    let Compared { pairs, unwritable, different } = compared;
    println!("{pairs} pairs of mail and form, {unwritable} not writable in their charset");
    // Where lines end otherwise the model hears other sentences, which may tip what is hardly more than likely.
    assert!(different.len() * DIFFERENT_OF <= pairs, "{different:#?}");
    if whole {
        let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/long-runs.md");
        let result = format!(
            "mails in {} forms beside plain: pairs {pairs}, other verdicts or reasons {}",
            FORMS.len(),
            different.len()
        );
        record::report(
            &table,
            "make long-forms",
            &format!("{result}; not writable in the form's charset {unwritable}"),
        );
    }
}

#[test]
fn every_form_says_what_the_plain_one_says() {
    let note = Note::of_body("佐藤 花子 様\n\n 選考 の結果、  =不採用= とさせていただきます。 \n-- \n人事部");
    let text = |form: &str| {
        let raw = note.in_form(form).raw();
        let view = View::read(&Message::read(&raw));
        let part = view.primary().unwrap_or_else(|| panic!("{form}: no text"));
        let lines = (0..part.lines.len()).map(|line| part.line(line).split_whitespace().collect::<String>());
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>()
    };
    for form in FORMS {
        assert_eq!(text(form), text("plain"), "{form}");
    }
}
