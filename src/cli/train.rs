//! `train`: learns the weights of the classifier's model from a folder of mails whose answers are known.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::args::TrainArgs;
use super::output::End;
use crate::classify::{Rules, train as learn};

/// Reads the folder, learns, and writes the file of weights.
///
/// # Errors
/// When the reader of the output is gone.
pub fn train(args: &TrainArgs, out: &mut dyn Write) -> io::Result<End> {
    match learn_from(&args.folder, &args.out) {
        Ok(families) => {
            writeln!(out, "{}: learnt from {families} families of mails", args.out.display())?;
            Ok(End::Well)
        }
        Err(why) => {
            eprintln!("{why}");
            Ok(End::Wrong)
        }
    }
}

fn learn_from(folder: &Path, out: &Path) -> Result<usize, String> {
    let (families, lists) = (read_texts(&folder.join("tune"))?, read_texts(&folder.join("sentences"))?);
    let texts = (families.iter().map(String::as_str), lists.iter().map(String::as_str));
    let weights = learn(texts.0, texts.1, &Rules::of_all_languages());
    std::fs::write(out, weights).map_err(|error| fault(out, &error))?;
    Ok(families.len())
}

fn fault(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// The texts of a folder, in the order of their names: it decides on the last bits of the weights.
fn read_texts(folder: &Path) -> Result<Vec<String>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| fault(folder, &error))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "txt"));
    paths.sort();
    if paths.is_empty() {
        return Err(format!("{}: no texts (*.txt) are in it", folder.display()));
    }
    paths.iter().map(|path| std::fs::read_to_string(path).map_err(|error| fault(path, &error))).collect()
}
