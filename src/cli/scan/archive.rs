//! A mail archive read one mail at a time: files, mbox files, maildirs, and folders of any of them.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Larger mails are named and passed over.
const MAIL_OCTETS_MAX: usize = 64 << 20;
/// Folders below folders that are looked into.
const DEPTH_MAX: usize = 64;
/// Octets of a line of an mbox that are looked at.
const HEAD_OCTETS: usize = 8;

/// What was met on the way.
pub(super) enum Met<'a> {
    /// A mail: the file it is in, its number there (from 1) where that holds several, and its octets.
    Mail(&'a Path, Option<usize>, Vec<u8>),
    /// Something that could not be read, and why.
    Unreadable(&'a Path, Option<usize>, String),
    /// So many octets of the archive are done.
    Done(u64),
}

/// Octets of all files of an archive, for the progress bar; what cannot be looked at counts nothing.
pub(super) fn octets_of(path: &Path) -> u64 {
    size_of(path, 0)
}

fn size_of(path: &Path, depth: usize) -> u64 {
    let Ok(metadata) = fs::metadata(path) else { return 0 };
    if !metadata.is_dir() {
        return metadata.len();
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten().filter(|_| depth < DEPTH_MAX);
    entries.filter(|entry| !is_linked_folder(&entry.path())).map(|entry| size_of(&entry.path(), depth + 1)).sum()
}

/// Reads everything below a path, folders in order of their names. Nothing that is met ends the walk.
pub(super) fn walk(path: &Path, take: &mut dyn FnMut(Met<'_>)) {
    walk_below(path, 0, take);
}

fn walk_below(path: &Path, depth: usize, take: &mut dyn FnMut(Met<'_>)) {
    let read = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => walk_folder(path, depth, take),
        Ok(metadata) if metadata.is_file() => {
            let read = read_file(path, take);
            take(Met::Done(metadata.len()));
            read
        }
        // A pipe or a socket would be waited for.
        Ok(_) => Err(io::Error::other("is neither a file nor a folder")),
        Err(error) => Err(error),
    };
    if let Err(error) = read {
        take(Met::Unreadable(path, None, format!("cannot be read: {error}")));
    }
}

fn walk_folder(path: &Path, depth: usize, take: &mut dyn FnMut(Met<'_>)) -> io::Result<()> {
    if depth >= DEPTH_MAX {
        return Err(io::Error::other(format!("over {DEPTH_MAX} folders deep")));
    }
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(path)? {
        paths.push(entry?.path());
    }
    // A folder gives its files in any order, and the same archive is to give the same answer.
    paths.sort();
    for path in paths.iter().filter(|path| !is_bookkeeping(path) && !is_linked_folder(path)) {
        walk_below(path, depth + 1, take);
    }
    Ok(())
}

/// Links to folders may lead round in a circle.
fn is_linked_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_symlink()) && path.is_dir()
}

/// Files that mail programs keep beside mails, and mails that were not delivered whole.
fn is_bookkeeping(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let by_name = ["tmp", "subscriptions", "maildirsize", "maildirfolder", ".DS_Store", "Thumbs.db"].contains(&name);
    let by_start = ["dovecot", "courierimap", ".mbsync"].iter().any(|start| name.starts_with(start));
    let by_end = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("msf"));
    by_name || by_start || by_end
}

fn read_file(path: &Path, take: &mut dyn FnMut(Met<'_>)) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(256 << 10, File::open(path)?);
    let head = reader.fill_buf()?;
    if head.starts_with(b"From ") {
        return read_mbox(path, reader, take);
    }
    if let Some(why) = other_format(head) {
        take(Met::Unreadable(path, None, why.to_owned()));
        return Ok(());
    }
    let mut octets = Vec::new();
    reader.take(MAIL_OCTETS_MAX as u64 + 1).read_to_end(&mut octets)?;
    take(whole(path, None, octets));
    Ok(())
}

fn other_format(head: &[u8]) -> Option<&'static str> {
    let formats: [(&[u8], &str); 5] = [
        (b"\x1f\x8b", "is compressed: unpack it first"),
        (b"PK\x03\x04", "is a zip archive: unpack it first"),
        (b"\xd0\xcf\x11\xe0", "is an Outlook mail (.msg): save it as .eml, or export an mbox"),
        (b"!BDN", "is an Outlook archive (.pst): export it as .eml or mbox"),
        (b"\xfd7zXZ", "is compressed: unpack it first"),
    ];
    formats.into_iter().find(|(mark, _)| head.starts_with(mark)).map(|(_, why)| why)
}

fn whole(path: &Path, number: Option<usize>, octets: Vec<u8>) -> Met<'_> {
    if octets.len() > MAIL_OCTETS_MAX {
        return Met::Unreadable(
            path,
            number,
            format!("has over {} MiB: no rejection is that large", MAIL_OCTETS_MAX >> 20),
        );
    }
    Met::Mail(path, number, octets)
}

/// Reads an mbox: a mail begins with a line `From …` at the beginning or behind an empty line, and `>From ` in a mail
/// stands for `From `.
fn read_mbox(path: &Path, mut reader: impl BufRead, take: &mut dyn FnMut(Met<'_>)) -> io::Result<()> {
    let (mut number, mut mail, mut behind_blank, mut begun) = (1, Vec::new(), true, false);
    let mut line = Vec::new();
    loop {
        line.clear();
        if read_line(&mut reader, &mut line)? == 0 {
            break;
        }
        if behind_blank && line.starts_with(b"From ") {
            if std::mem::replace(&mut begun, true) {
                take(whole(path, Some(number), std::mem::take(&mut mail)));
                number += 1;
            }
            behind_blank = false;
            continue;
        }
        behind_blank = matches!(&line[..], b"\n" | b"\r\n");
        let quoted = line.iter().position(|octet| *octet != b'>').filter(|at| *at > 0);
        let quoted = quoted.is_some_and(|at| line[at..].starts_with(b"From "));
        // What is over is enough to tell that it is over.
        if mail.len() <= MAIL_OCTETS_MAX {
            mail.extend_from_slice(&line[usize::from(quoted)..]);
        }
    }
    take(whole(path, Some(number), mail));
    Ok(())
}

/// Reads one line, of a line without end only as much as a mail may have.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    let most = (MAIL_OCTETS_MAX + HEAD_OCTETS) as u64;
    reader.take(most).read_until(b'\n', line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(path: &Path) -> Vec<String> {
        let mut met = Vec::new();
        walk(path, &mut |one| {
            let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match one {
                Met::Mail(path, number, octets) => {
                    met.push(format!("{} {number:?} {}", name(path), String::from_utf8_lossy(&octets)));
                }
                Met::Unreadable(path, _, why) => met.push(format!("{}: {why}", name(path))),
                Met::Done(_) => {}
            }
        });
        met
    }

    #[test]
    fn an_mbox_gives_its_mails_one_by_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("Sent");
        fs::write(&path, "From a Mon\nA: 1\n\n>From b\nFrom c\n>>From d\n\nFrom b Tue\nB: 2\n\nx\n").expect("a file");
        assert_eq!(met(&path), ["Sent Some(1) A: 1\n\nFrom b\nFrom c\n>From d\n\n", "Sent Some(2) B: 2\n\nx\n"]);
    }

    #[test]
    fn a_folder_is_read_in_order_and_what_is_no_mail_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        for below in ["cur", "new", "tmp", ".Sent/cur"] {
            fs::create_dir_all(root.join(below)).expect("a folder");
            fs::write(root.join(below).join("1"), below).expect("a file");
        }
        fs::write(root.join("x.pst"), b"!BDN...").expect("a file");
        fs::write(root.join("dovecot.index"), b"x").expect("a file");
        std::os::unix::fs::symlink(root, root.join("round")).expect("a link");
        let expected = ["1 None .Sent/cur", "1 None cur", "1 None new"];
        let mut found = met(root);
        assert!(found.pop().is_some_and(|last| last.starts_with("x.pst: is an Outlook archive")));
        assert_eq!(found, expected);
        assert!(octets_of(root) > 0);
        assert!(met(&root.join("none"))[0].contains("cannot be read"));
    }
}
