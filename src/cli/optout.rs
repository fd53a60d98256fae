//! `optout add | remove | list | import`. Addresses come from standard input or a file, never from the command line,
//! where every list of processes shows them.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use super::args::{DataArgs, company_id};
use super::output::{Done, End, conclude, print_json, print_table, table};
use super::reach::ask_typed;
use crate::control::Request;
use crate::control::optout::{OptOutLine, OptOutRequest, OptedOut, PERSONS_MAX};
use crate::control::spool::Unlogged;
use crate::mail::address::Address;
use crate::referral::{CompanyId, OptOutSource};

/// Octets of addresses that are read.
const INPUT_OCTETS_MAX: u64 = 64 << 20;
/// Header cells that may stand above a column of addresses.
const HEADERS: &[&str] = &["address", "email", "e-mail", "mail", "メール", "メールアドレス", "アドレス"];

/// `optout`. A running server is told and takes the change at once; without one the data folder is changed here.
#[derive(Clone, Debug, Subcommand)]
pub enum OptOutCommand {
    /// Put a person on the list of those who get no line. The address is read from standard input.
    Add(AddArgs),
    /// Take a person off it. The address is read from standard input.
    Remove(RemoveArgs),
    /// List who gets no line, as keyed hashes: nobody can read an address out of them.
    List(ListArgs),
    /// Put many persons on the list: the first column of a CSV file. Every line that is no address is told; then
    /// nothing is entered, unless --skip-faulty is given.
    Import(ImportArgs),
}

/// `optout add`.
#[derive(Args, Clone, Debug)]
pub struct AddArgs {
    /// Whose mails are meant; those of all companies when left out.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// Who asked for it: the candidate, or the company beforehand.
    #[arg(long, value_name = "WHO", default_value = "candidate",
          value_parser = PossibleValuesParser::new(OptOutSource::ALL.map(OptOutSource::code)).try_map(source))]
    pub source: OptOutSource,
    /// Where the list is kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `optout remove`.
#[derive(Args, Clone, Debug)]
pub struct RemoveArgs {
    /// The list of this company; the one for all companies when left out.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// Where the list is kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `optout list`.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// The list of this company alone; every list when left out.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    pub company: Option<CompanyId>,
    /// Where the list is kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `optout import`.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// The file; standard input when left out or -.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Enter the other lines where some are faulty.
    #[arg(long)]
    pub skip_faulty: bool,
    /// How they are entered.
    #[command(flatten)]
    pub add: AddArgs,
}

fn source(code: String) -> Result<OptOutSource, String> {
    OptOutSource::ALL.into_iter().find(|source| source.code() == code).ok_or(code)
}

/// Does what is asked and prints what came of it.
///
/// # Errors
/// When the reader of the output is gone.
pub fn optout(command: &OptOutCommand, out: &mut dyn Write) -> io::Result<End> {
    let done = match command {
        OptOutCommand::Add(args) => add(args, out),
        OptOutCommand::Remove(args) => remove(args, out),
        OptOutCommand::List(args) => list(args, out),
        OptOutCommand::Import(args) => import(args, out),
    };
    conclude(done, out)
}

fn add(args: &AddArgs, out: &mut dyn Write) -> Done {
    let addresses = vec![one_address(io::stdin())?];
    let opted = send(&args.data, request_of(args, addresses))?;
    let whose = whose(args.company.as_ref());
    let text = match opted.changed {
        0 => format!("on the list already: no line in mails of {whose}"),
        _ => format!("from now on no line in mails of {whose} to this person"),
    };
    Ok(tell(args.data.json, &text, &opted, out))
}

fn remove(args: &RemoveArgs, out: &mut dyn Write) -> Done {
    let addresses = vec![one_address(io::stdin())?];
    let (company, source) = (args.company.clone(), OptOutSource::Candidate);
    let opted = send(&args.data, OptOutRequest { company, addresses, add: false, source })?;
    let list = args.company.as_ref().map_or("that for all companies".to_owned(), |id| format!("that of {id}"));
    let mut text = match opted.changed {
        0 => format!("not on the list: {list}"),
        _ => format!("taken off the list: {list}"),
    };
    if opted.still_out > 0 {
        text += "\nstill on another list, which keeps the line away too: see `optout list`";
    }
    Ok(tell(args.data.json, &text, &opted, out))
}

fn list(args: &ListArgs, out: &mut dyn Write) -> Done {
    let request = Request::OptOuts { company: args.company.clone() };
    let (value, lines): (Value, Vec<OptOutLine>) = ask_typed(&args.data, &request)?;
    let printed = if args.data.json {
        print_json(out, &value)
    } else if lines.is_empty() {
        writeln!(out, "nobody is on the list")
    } else {
        let all = || "(all)".to_owned();
        let row = |l: OptOutLine| vec![l.company.unwrap_or_else(all), l.candidate, l.since, l.source, l.actor];
        let header = ["company", "candidate", "since", "asked for by", "entered by"];
        print_table(out, &table(&header, lines.into_iter().map(row)))
    };
    Ok(printed.map(|()| End::Well))
}

/// What an import came to: the object of `--json`.
#[derive(Default, Serialize)]
struct Imported {
    changed: usize,
    unchanged: usize,
    /// Lines that hold no address, from 1, and why; the lines themselves are not repeated.
    faulty: Vec<FaultyLine>,
}

#[derive(Debug, Eq, PartialEq, Serialize)]
struct FaultyLine {
    line: usize,
    why: String,
}

fn import(args: &ImportArgs, out: &mut dyn Write) -> Done {
    let octets = match args.file.as_ref().filter(|file| file.as_os_str() != "-") {
        Some(file) => {
            let named = |e: io::Error| format!("{}: cannot be read: {e}", file.display());
            read_all(File::open(file).map_err(named)?)?
        }
        None => read_all(io::stdin())?,
    };
    let (addresses, faulty) = read_csv(&octets)?;
    let mut imported = Imported { faulty, ..Imported::default() };
    let enters = imported.faulty.is_empty() || args.skip_faulty;
    if enters {
        for part in addresses.chunks(PERSONS_MAX) {
            let opted = send(&args.add.data, request_of(&args.add, part.to_vec()))?;
            imported.changed += opted.changed;
            imported.unchanged += opted.unchanged;
        }
    }
    let end = if imported.faulty.is_empty() { End::Well } else { End::Wrong };
    if args.add.data.json {
        return Ok(print_json(out, &imported).map(|()| end));
    }
    for FaultyLine { line, why } in &imported.faulty {
        if let Err(error) = writeln!(out, "line {line}: {why}") {
            return Ok(Err(error));
        }
    }
    let whose = whose(args.add.company.as_ref());
    let said = if enters {
        let Imported { changed, unchanged, .. } = imported;
        writeln!(out, "no line in mails of {whose} to {changed} more persons; {unchanged} were on the list already")
    } else {
        writeln!(out, "nothing is entered: mend these lines, or enter the others with --skip-faulty")
    };
    Ok(said.map(|()| end))
}

fn whose(company: Option<&CompanyId>) -> String {
    company.map_or("any company".to_owned(), ToString::to_string)
}

fn request_of(args: &AddArgs, addresses: Vec<Unlogged>) -> OptOutRequest {
    OptOutRequest { company: args.company.clone(), addresses, add: true, source: args.source }
}

fn send(data: &DataArgs, what: OptOutRequest) -> Result<OptedOut, String> {
    ask_typed(data, &Request::SetOptOuts { what }).map(|(_, opted)| opted)
}

fn tell(json: bool, text: &str, opted: &OptedOut, out: &mut dyn Write) -> io::Result<End> {
    if json { print_json(out, opted) } else { writeln!(out, "{text}") }.map(|()| End::Well)
}

/// One address from a pipe, or typed.
pub(super) fn one_address(input: impl Read + IsTerminal) -> Result<Unlogged, String> {
    if input.is_terminal() {
        // To standard error, so that the answer stays alone on the output.
        let _ = write!(io::stderr(), "Address, then Enter: ");
        let mut line = String::new();
        io::stdin().read_line(&mut line).map_err(|e| format!("the terminal cannot be read: {e}"))?;
        return the_address(&line);
    }
    let octets = read_all(input)?;
    the_address(&String::from_utf8(octets).map_err(|_| "the address is not UTF-8".to_owned())?)
}

fn the_address(text: &str) -> Result<Unlogged, String> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let address = lines.next().ok_or("no address is there: pipe one in, such as `… optout add <address.txt`")?;
    if lines.next().is_some() {
        return Err("more than one line is there: `optout import` takes many".to_owned());
    }
    check_address(address).map(|()| Unlogged(address.to_owned()))
}

/// An address with a domain; the words of a fault repeat nothing of it.
fn check_address(text: &str) -> Result<(), String> {
    match Address::parse(text) {
        Ok(address) if address.domain().is_some() => Ok(()),
        _ => Err("this is not an address such as name@domain.example".to_owned()),
    }
}

fn read_all(input: impl Read) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    input.take(INPUT_OCTETS_MAX + 1).read_to_end(&mut octets).map_err(|e| format!("the input cannot be read: {e}"))?;
    if octets.len() as u64 > INPUT_OCTETS_MAX {
        return Err(format!("over {} MiB: import it in parts", INPUT_OCTETS_MAX >> 20));
    }
    Ok(octets)
}

/// The first column of each line. A header is passed over; so are empty lines and those that begin with `#`.
fn read_csv(octets: &[u8]) -> Result<(Vec<Unlogged>, Vec<FaultyLine>), String> {
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    let text = std::str::from_utf8(octets).map_err(|e| {
        let line = 1 + memchr::memchr_iter(b'\n', &octets[..e.valid_up_to()]).count();
        format!("line {line}: not UTF-8; save the file as \"CSV UTF-8\"")
    })?;
    let (mut addresses, mut faulty) = (Vec::new(), Vec::new());
    let mut is_first = true;
    for (number, line) in text.lines().enumerate() {
        let cell = first_cell(line);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let may_be_header = std::mem::replace(&mut is_first, false);
        if may_be_header && HEADERS.contains(&cell.to_lowercase().as_str()) {
            continue;
        }
        match check_address(cell) {
            Ok(()) => addresses.push(Unlogged(cell.to_owned())),
            Err(why) => faulty.push(FaultyLine { line: number + 1, why }),
        }
    }
    Ok((addresses, faulty))
}

/// The first cell, without the quotes that spreadsheet programs put around it.
fn first_cell(line: &str) -> &str {
    let line = line.trim();
    if let Some(quoted) = line.strip_prefix('"') {
        // An address with quotes of its own is written without others around it.
        if let Some((cell, rest)) = quoted.split_once('"')
            && (rest.is_empty() || rest.starts_with([',', ';', '\t']))
        {
            return cell.trim();
        }
    }
    line.split([',', ';', '\t']).next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<usize>) {
        let (addresses, faulty) = read_csv(text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
        (addresses.into_iter().map(|a| a.0).collect(), faulty.into_iter().map(|f| f.line).collect())
    }

    #[test]
    fn the_first_column_is_read_as_spreadsheets_write_it() {
        let text = "\u{feff}Email,Name\r\na@x.example,花子\r\n\"b@x.example\",\"R, n\"\r\n\r\n# c\r\nd@x.example;x\n";
        assert_eq!(read(text), (["a", "b", "d"].map(|n| format!("{n}@x.example")).to_vec(), vec![]));
        assert_eq!(read("メールアドレス\na@x.example"), (vec!["a@x.example".to_owned()], vec![]));
        assert_eq!(read("foo..bar@docomo.ne.jp\n").0, ["foo..bar@docomo.ne.jp"]);
    }

    #[test]
    fn each_faulty_line_is_told_by_its_number_and_not_repeated() {
        assert_eq!(read("a@x.example\nhanako\n@x\nemail\nb@x.example").1, [2, 3, 4]);
        let (_, faulty) = read_csv(b"hanako at home").unwrap_or_else(|e| panic!("{e}"));
        assert!(!faulty[0].why.contains("hanako"));
        assert!(read_csv(b"a@x.example\n\x83\x81").is_err_and(|e| e.starts_with("line 2: not UTF-8")));
    }

    #[test]
    fn a_piped_address_is_one_line() {
        assert_eq!(the_address(" a@x.example\r\n").map(|a| a.0), Ok("a@x.example".to_owned()));
        for (text, why) in [("", "no address"), ("a@x.example\nb@x.example", "optout import"), ("hanako", "not an")] {
            assert!(the_address(text).is_err_and(|e| e.contains(why)), "{text:?}");
        }
    }
}
