//! `snippet`: the line for the template of an ATS that sends by itself, with a link that names the company alone.

use std::io::{self, Write};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use super::args::{ConfigArgs, company_id};
use super::output::{End, print_json};
use crate::config;
use crate::pipeline::Stage;
use crate::referral::CompanyId;
use crate::referral::token::company_code;
use crate::referral::wording::Language;
use crate::report::markup::escape;
use crate::sys::clock;

/// `snippet`.
#[derive(Args, Clone, Debug)]
pub struct SnippetArgs {
    /// The company.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: CompanyId,
    /// The language of the template.
    #[arg(long, value_name = "LANG", value_parser = ["ja", "en"], default_value = "ja")]
    pub lang: String,
    /// The selection stage the template is for, where the company has words for it.
    #[arg(long, value_name = "STAGE",
          value_parser = PossibleValuesParser::new(Stage::ALL.map(Stage::code)).try_map(stage))]
    pub stage: Option<Stage>,
    /// The main file.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print one JSON object: `text`, `html`, `link`.
    #[arg(long)]
    pub json: bool,
}

fn stage(code: String) -> Result<Stage, String> {
    Stage::ALL.into_iter().find(|stage| stage.code() == code).ok_or(code)
}

#[derive(Debug, Serialize)]
struct Snippet {
    text: String,
    html: String,
    link: String,
}

/// Prints the line as text and as HTML.
///
/// # Errors
/// When the reader of the output is gone.
pub fn snippet(args: &SnippetArgs, out: &mut dyn Write) -> io::Result<End> {
    match make(args) {
        Err(why) => writeln!(out, "{why}").map(|()| End::Wrong),
        Ok(snippet) if args.json => print_json(out, &snippet).map(|()| End::Well),
        Ok(Snippet { text, html, .. }) => {
            let (plain, rich) =
                if args.lang == "ja" { ("テキスト形式", "HTML形式") } else { ("For plain text", "For HTML") };
            writeln!(out, "--- {plain}\n{text}\n--- {rich}\n{html}").map(|()| End::Well)
        }
    }
}

fn make(args: &SnippetArgs) -> Result<Snippet, String> {
    let settings = config::load(&args.config.config).map_err(|faults| faults.to_string())?;
    let company = settings.companies.iter().find(|company| company.id == args.company);
    let company =
        company.ok_or_else(|| format!("no company {}: `career-relay check` names those there are", args.company))?;
    let language = if args.lang == "ja" { Language::Ja } else { Language::En };
    let [lead, ..] = company.wordings_at(clock::now()).of(args.stage).candidates(language);
    let link = company.link.url(&company_code(&company.id)).map_err(|why| why.to_string())?;
    let (lead, link) = (lead.to_owned(), link.as_str().to_owned());
    let html = format!("<p>{}<br>\n<a href=\"{link}\">{link}</a></p>", escape(&lead), link = escape(&link));
    Ok(Snippet { text: format!("{lead}\n{link}"), html, link })
}
