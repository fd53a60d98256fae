//! Wires the modules together: the only folder that knows every one of them, and holds no rule of its own.

mod agreement;
mod courier;
pub mod gateway;
mod glance;
mod operator;
pub(crate) mod optouts;
pub(crate) mod parts;
mod reload;
mod serve;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::output::End;
use crate::cli::{Cli, Command, exit_code, run};
use crate::demo;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    match &Cli::parse().command {
        Command::Demo(args) => exit_code(run_demo(args.data.as_deref(), &mut io::stdout())),
        Command::Serve(args) => serve::serve(&args.config.config),
        Command::Tool(tool) => exit_code(run(tool, &mut io::stdout().lock())),
    }
}

fn run_demo(folder: Option<&Path>, out: &mut dyn Write) -> io::Result<End> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match runtime.block_on(demo::run(folder, demo::Page::of_stdout())) {
        Ok((report, held)) => {
            writeln!(out, "{report}")?;
            Ok(if held { End::Well } else { End::Wrong })
        }
        Err(fault) => {
            eprintln!("career-relay demo: {fault}");
            Ok(End::Wrong)
        }
    }
}
