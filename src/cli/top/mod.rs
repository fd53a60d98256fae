//! `top`: the running server, once a second, until q.

mod custody;
mod labels;
mod page;
mod screen;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

pub(super) use custody::destinations;
pub(super) use labels::Labels;
pub(super) use page::{held_back, next_hops};

use super::args::TopArgs;
use super::output::{End, print_json};
use super::reach::data_dir;
use crate::control::{Client, Request, Status};
use crate::sys::clock;

/// A server that does not answer by then is told as such; the view asks again.
const PATIENCE: Duration = Duration::from_secs(3);

/// Shows the server live on a terminal, and once everywhere else.
///
/// # Errors
/// When the reader of the output is gone.
pub fn top(args: &TopArgs, out: &mut dyn Write) -> io::Result<End> {
    let labels = Labels::of(&args.lang);
    let first = data_dir(&args.data).and_then(|dir| ask(&dir).map(|(value, status)| (dir, value, status)));
    let (dir, value, status) = match first {
        Ok(first) => first,
        Err(why) => {
            writeln!(out, "{why}")?;
            return Ok(End::Wrong);
        }
    };
    if args.data.json {
        return print_json(out, &value).map(|()| End::Well);
    }
    if args.once || !io::stdout().is_terminal() {
        let lines = page::lines(&status, labels, clock::now());
        lines.iter().try_for_each(|line| writeln!(out, "{}", page::cut(line, usize::MAX)))?;
        return Ok(End::Well);
    }
    screen::show(out, labels, status, || ask(&dir).map(|(_, status)| status))?;
    Ok(End::Well)
}

fn ask(dir: &Path) -> Result<(Value, Status), String> {
    let client = Client::connect(dir).map_err(|e| e.to_string())?;
    let client = client.ok_or("no server runs on this data folder")?;
    let value = client.ask(&Request::Status, PATIENCE).map_err(|e| e.to_string())?;
    let status = serde_json::from_value(value.clone());
    status.map(|status| (value, status)).map_err(|e| format!("the server answers in another form: {e}"))
}
