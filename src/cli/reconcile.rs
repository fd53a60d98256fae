//! `reconcile`: a month of the ledger beside the operator's file, and the difference.

use std::io::{self, Write};

use clap::Args;

use super::args::DataArgs;
use super::operator::{FileArgs, read_file};
use super::output::{Done, End, align_right, conclude, print_json, print_table, table};
use super::reach::ask_typed;
use crate::control::reconcile::{ReconcileRequest, Reconciled};
use crate::control::{Month, Request};
use crate::referral::CompanyId;
use crate::report::csv_row;

/// `reconcile`. Exit code 1 when something differs.
#[derive(Args, Clone, Debug)]
pub struct ReconcileArgs {
    /// The month in Japan.
    #[arg(long, value_name = "YYYY-MM")]
    pub month: Month,
    /// The company.
    #[arg(long, value_name = "ID", value_parser = super::args::company_id)]
    pub company: CompanyId,
    /// The operator's list or totals: UTF-8 or CP932.
    #[arg(long, value_name = "FILE")]
    pub operator: std::path::PathBuf,
    /// How the file is written; by the ending of its name when left out.
    #[arg(long, value_name = "FORM", value_parser = ["csv", "json"])]
    pub format: Option<String>,
    /// Print a sheet for spreadsheet programs in place of a table.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Where the ledger lies.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Compares, and prints what differs.
///
/// # Errors
/// When the reader of the output is gone.
pub fn reconcile(args: &ReconcileArgs, out: &mut dyn Write) -> io::Result<End> {
    conclude(compare(args, out), out)
}

fn compare(args: &ReconcileArgs, out: &mut dyn Write) -> Done {
    let (company, format) = (args.company.clone(), args.format.clone());
    let file = FileArgs { file: args.operator.clone(), company: company.clone(), format };
    let (told, _) = read_file(&file)?;
    let what = ReconcileRequest {
        company,
        month: args.month,
        rows: told.rows.into_iter().map(|(_, row)| row).collect(),
        totals: told.totals.into_iter().map(|(_, total)| total).collect(),
    };
    let (mut value, done) = ask_typed::<Reconciled>(&args.data, &Request::Reconcile { what })?;
    let end = if done.agrees() && told.bad.is_empty() { End::Well } else { End::Wrong };
    let printed = if args.data.json {
        value["bad_rows"] = serde_json::json!(told.bad);
        print_json(out, &value)
    } else if args.csv {
        out.write_all(sheet(&done).as_bytes())
    } else {
        print(&done, &told.bad, &args.operator.display().to_string(), out)
    };
    Ok(printed.map(|()| end))
}

fn sheet(done: &Reconciled) -> String {
    let mut out = String::from("\u{feff}");
    csv_row(&mut out, &["month", "stage", "ours", "theirs", "difference", "token", "only"]);
    for line in &done.lines {
        let (ours, theirs) = (line.ours.to_string(), line.theirs.map(|n| n.to_string()).unwrap_or_default());
        let difference = line.difference.map(|n| n.to_string()).unwrap_or_default();
        csv_row(&mut out, &[&done.month, &line.stage, &ours, &theirs, &difference, "", ""]);
        for (tokens, side) in [(&line.only_ours, "ours"), (&line.only_theirs, "theirs")] {
            for token in tokens {
                csv_row(&mut out, &[&done.month, &line.stage, "", "", "", token, side]);
            }
        }
    }
    for token in &done.unknown {
        csv_row(&mut out, &[&done.month, "", "", "", "", token, "unknown"]);
    }
    out
}

fn print(done: &Reconciled, bad: &[(String, String)], file: &str, out: &mut dyn Write) -> io::Result<()> {
    for (place, why) in bad {
        writeln!(out, "{file}: {place}: {why}")?;
    }
    let figure = |n: Option<String>| n.unwrap_or_else(|| "not reported".to_owned());
    let rows = done.lines.iter().map(|line| {
        let difference = line.difference.map(|n| format!("{n:+}")).unwrap_or_default();
        vec![line.stage.clone(), line.ours.to_string(), figure(line.theirs.map(|n| n.to_string())), difference]
    });
    let mut shown = table(&["stage", "ours", "theirs", "difference"], rows);
    align_right(&mut shown, &[1, 2, 3]);
    writeln!(out, "{} {}", done.company, done.month)?;
    print_table(out, &shown)?;
    for line in &done.lines {
        for (tokens, side) in [(&line.only_ours, "here"), (&line.only_theirs, "in the file")] {
            for token in tokens {
                writeln!(out, "{} only {side}: {token}", line.stage)?;
            }
        }
    }
    for token in &done.unknown {
        writeln!(out, "no referral of {} has the token {token}", done.company)?;
    }
    Ok(())
}
