//! Wires the modules together: the only folder that knows every one of them, and holds no rule of its own.

mod agreement;
mod courier;
mod evidence;
pub mod gateway;
mod gathered;
mod glance;
pub mod handed;
mod held_back;
mod keys;
mod milter;
mod operator;
pub(crate) mod optouts;
pub(crate) mod parts;
mod prober;
mod reload;
mod retention;
mod serve;
pub mod slots;
mod templates;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};

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

/// The runtime mail is served on: a thread for each processor and one more, so that a processor on which a thread is
/// kept from running (by the spool's writer, the ledger's, the next hop beside us) has another one's work to do.
fn runtime() -> io::Result<Runtime> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Builder::new_multi_thread().worker_threads(processors + 1).enable_all().build()
}

fn run_demo(folder: Option<&Path>, out: &mut dyn Write) -> io::Result<End> {
    match runtime()?.block_on(demo::run(folder, demo::Page::of_stdout())) {
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
