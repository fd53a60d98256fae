//! Logs that are moved away, cut, written anew and half written, while they are read and while nobody reads.

use std::fs::OpenOptions;
use std::io::Write as _;

use tempfile::TempDir;

use super::*;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn open(&self, place: Option<Place>) -> Tail {
        Tail::new(&self.path("mail.log"), false, place, true).0
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }
}

/// All that is new, as one text, and what was lost.
fn read_on(tail: &mut Tail) -> (String, bool) {
    let (mut lines, mut lost) = (Vec::new(), false);
    for _ in 0..20 {
        let got = tail.read().unwrap();
        lost |= got.lost.is_some();
        lines.extend(got.pieces.iter().map(|piece| String::from_utf8_lossy(&piece.octets).into_owned()));
    }
    (lines.join(" "), lost)
}

#[test]
fn a_line_is_read_when_it_is_whole_and_once() {
    let folder = Folder::new();
    let mut tail = folder.open(None);
    assert_eq!(read_on(&mut tail).0, "", "there is no file yet");
    folder.write("mail.log", "one\ntw");
    assert_eq!(read_on(&mut tail).0, "one");
    folder.write("mail.log", "o\nthree\n");
    assert_eq!(read_on(&mut tail).0, "two three");
    assert_eq!(read_on(&mut tail).0, "");
}

#[test]
fn reading_goes_on_where_it_ended_over_a_restart() {
    let folder = Folder::new();
    folder.write("mail.log", "one\ntwo\nthr");
    let mut tail = folder.open(None);
    assert_eq!(read_on(&mut tail).0, "one two");
    let place = tail.place();
    folder.write("mail.log", "ee\nfour\n");
    assert_eq!(read_on(&mut folder.open(place)), ("three four".to_owned(), false));
}

#[test]
fn a_log_is_followed_over_a_rotation_also_when_its_writer_comes_late() {
    let folder = Folder::new();
    folder.write("mail.log", "one\n");
    let mut tail = folder.open(None);
    assert_eq!(read_on(&mut tail).0, "one");
    folder.rename("mail.log", "mail.log.1");
    // The writer still has the old file open; the new one is there, and empty.
    folder.write("mail.log", "");
    folder.write("mail.log.1", "two\n");
    assert_eq!(read_on(&mut tail).0, "two");
    folder.write("mail.log", "three\n");
    assert_eq!(read_on(&mut tail), ("three".to_owned(), false));
    folder.rename("mail.log", "mail.log.2");
    assert_eq!(read_on(&mut tail).0, "", "no file has its name for a while");
    folder.write("mail.log", "four\n");
    assert_eq!(read_on(&mut tail), ("four".to_owned(), false));
}

#[test]
fn what_was_moved_away_while_nobody_read_is_found_and_read_first() {
    let folder = Folder::new();
    folder.write("mail.log", "one\n");
    let mut tail = folder.open(None);
    read_on(&mut tail);
    let place = tail.place();
    folder.write("mail.log", "two\n");
    folder.rename("mail.log", "mail.log-20261122");
    folder.write("mail.log", "three\n");
    folder.rename("mail.log", "mail.log-20261123");
    folder.write("mail.log", "four\n");
    folder.write("mail.log.0.gz", "packed");
    let times = [("mail.log-20261122", 1_000), ("mail.log-20261123", 2_000)];
    for (name, second) in times {
        let file = File::options().write(true).open(folder.path(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second)).unwrap();
    }
    assert_eq!(read_on(&mut folder.open(place)), ("two three four".to_owned(), false));
}

#[test]
fn a_cut_log_is_read_from_its_beginning_and_said_to_have_lost_something() {
    let folder = Folder::new();
    folder.write("mail.log", "one\ntwo\n");
    let mut tail = folder.open(None);
    read_on(&mut tail);
    let place = tail.place();
    fs::write(folder.path("mail.log"), "three\n").unwrap();
    assert_eq!(read_on(&mut tail), ("three".to_owned(), true));
    // The same over a restart, and when it has grown beyond the place again.
    fs::write(folder.path("mail.log"), "four\nfive\nsix\n").unwrap();
    let (mut tail, lost) = Tail::new(&folder.path("mail.log"), false, place, true);
    assert!(lost.is_some());
    assert_eq!(read_on(&mut tail).0, "four five six");
}

#[test]
fn a_first_start_begins_behind_what_is_there_unless_mail_is_pending() {
    let folder = Folder::new();
    folder.write("mail.log", "old\nhal");
    let (mut tail, lost) = Tail::new(&folder.path("mail.log"), false, None, false);
    folder.write("mail.log", "f\nnew\n");
    assert_eq!((read_on(&mut tail).0.as_str(), lost), ("half new", None));
    assert_eq!(read_on(&mut folder.open(None)).0, "old half new");
}

#[test]
fn a_line_without_an_end_is_passed_over() {
    let folder = Folder::new();
    let mut tail = folder.open(None);
    folder.write("mail.log", "one\n");
    folder.write("mail.log", &"x".repeat(3 * CHUNK_OCTETS + 5));
    folder.write("mail.log", "\ntwo\n");
    let (text, _) = read_on(&mut tail);
    assert!(text.starts_with("one ") && text.ends_with(" two") && text.len() < CHUNK_OCTETS, "{}", text.len());
}

proptest::proptest! {
    #[test]
    fn however_a_log_is_written_stopped_and_moved_each_line_is_read_once(
        steps in proptest::collection::vec(0u8..5, 1..40)
    ) {
        let folder = Folder::new();
        let (mut tail, mut written, mut seen, mut moved, mut open_line) = (folder.open(None), 0, Vec::new(), 0, false);
        for step in steps {
            match step {
                0 if !open_line => { folder.write("mail.log", &format!("{written}")); open_line = true; }
                0 | 1 => {
                    let text = if open_line { "\n".to_owned() } else { format!("{written}\n") };
                    folder.write("mail.log", &text);
                    (written, open_line) = (written + 1, false);
                }
                2 => seen.extend(read_on(&mut tail).0.split_whitespace().map(str::to_owned)),
                3 => tail = folder.open(tail.place()),
                // Only what is whole is moved away: a writer ends its line first.
                _ if !open_line && folder.path("mail.log").exists() => {
                    seen.extend(read_on(&mut tail).0.split_whitespace().map(str::to_owned));
                    moved += 1;
                    folder.rename("mail.log", &format!("mail.log.{moved}"));
                }
                _ => {}
            }
        }
        if open_line {
            folder.write("mail.log", "\n");
            written += 1;
        }
        seen.extend(read_on(&mut tail).0.split_whitespace().map(str::to_owned));
        let expected: Vec<String> = (0..written).map(|n: i32| n.to_string()).collect();
        proptest::prop_assert_eq!(seen, expected);
    }
}
