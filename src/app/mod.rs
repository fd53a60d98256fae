//! Wires the modules together: the only folder that knows every one of them, and holds no rule of its own.

mod courier;
pub mod gateway;
mod operator;
mod serve;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::cli::output::End;
use crate::cli::{Cli, Command, check, explain, ledger, preview, status};
use crate::demo;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut out = io::stdout();
    let end = match &cli.command {
        Command::Check(args) => check::check(args, &mut out),
        Command::Demo(args) => run_demo(args.data.as_deref()),
        Command::Explain(args) => explain::explain(args, &mut out),
        Command::Ledger(command) => ledger::ledger(command, &mut out),
        Command::Preview(args) => preview::preview(args, &mut out),
        Command::Serve(args) => return serve::serve(&args.config.config),
        Command::Status(args) => status::status(args, &mut out),
    };
    match end.and_then(|end| out.flush().map(|()| end)) {
        Ok(End::Well) => ExitCode::SUCCESS,
        Ok(End::Wrong) => ExitCode::FAILURE,
        // Whoever read our output has gone: there is nobody left to tell.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("career-relay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run_demo(folder: Option<&std::path::Path>) -> io::Result<End> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match runtime.block_on(demo::run(folder)) {
        Ok((report, true)) => print(&report).map(|()| End::Well),
        Ok((report, false)) => print(&report).map(|()| End::Wrong),
        Err(fault) => {
            eprintln!("career-relay demo: {fault}");
            Ok(End::Wrong)
        }
    }
}

fn print(report: &str) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{report}")
}
