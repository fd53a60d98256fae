//! Keys on disk: made once, never replaced, rotated, handed over, lost, and carried from one installation to another.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::files::{FOLDER, open as open_with};
use super::*;
use crate::mail::address::Address;
use crate::sys::disk;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"))
}

fn company(id: &str) -> CompanyId {
    CompanyId::parse(id).unwrap_or_else(|e| panic!("{e}"))
}

fn ring(folder: &TempDir) -> Keyring {
    open_with(folder.path(), None).unwrap_or_else(|e| panic!("{e}"))
}

/// In use: a key that is missing now is lost.
fn used() -> TempDir {
    let folder = folder();
    ring(&folder);
    fs::write(folder.path().join("ledger.db"), b"").unwrap_or_else(|e| panic!("{e}"));
    folder
}

fn root_path(folder: &TempDir) -> PathBuf {
    folder.path().join(FOLDER).join("root.key")
}

fn rotate_in(folder: &TempDir, known: &[u16], lost: &[u16]) -> u16 {
    rotate(folder.path(), &known.iter().copied().collect(), lost).unwrap_or_else(|e| panic!("{e}"))
}

/// The numbers of a company's keys, the one in use in front, and its fingerprints.
fn keys_of(ring: &Keyring, id: &str) -> (Vec<u16>, Vec<String>) {
    let keys = ring.of(&company(id));
    (keys.all().map(CompanyKeys::key_id).collect(), keys.all().map(CompanyKeys::fingerprint).collect())
}

#[test]
fn the_first_start_makes_a_key_and_later_ones_read_it() {
    let folder = folder();
    let first = ring(&folder);
    assert_eq!(first, ring(&folder));
    for (path, mode) in [(root_path(&folder), 0o600), (folder.path().join(FOLDER), 0o700)] {
        assert_eq!(fs::metadata(path).map(|m| m.permissions().mode() & 0o777).ok(), Some(mode));
    }
    assert_ne!(first, ring(&self::folder()));
    assert!(format!("{first:?}").contains("RootKey(..)"), "no key is ever shown");
}

#[test]
fn a_damaged_exposed_or_lost_key_is_never_replaced() -> io::Result<()> {
    let folder = used();
    let path = root_path(&folder);
    let fault = || open_with(folder.path(), None).err().map(|fault| fault.to_string()).unwrap_or_default();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    assert!(fault().contains("chmod 0600"), "{}", fault());
    disk::write_private(&path, b"short")?;
    assert!(fault().contains("is damaged: restore it from a backup"), "{}", fault());
    fs::remove_file(&path)?;
    for words in ["root.key is missing", "everybody would count as new", "no mail is edited", "keys rotate --lost 1"] {
        assert!(fault().contains(words), "{words}\n{}", fault());
    }
    assert!(!path.exists());
    Ok(())
}

#[test]
fn a_rotation_takes_a_new_key_and_keeps_the_old_one_for_those_it_knows() {
    let folder = used();
    let before = keys_of(&ring(&folder), "sakura");
    assert_eq!(rotate_in(&folder, &[1], &[]), 2);
    let (ids, prints) = keys_of(&ring(&folder), "sakura");
    assert_eq!((ids, &prints[1..]), (vec![2, 1], &before.1[..]));
    let hana = Address::parse("hana@a.example").unwrap_or_else(|e| panic!("{e}"));
    let earlier = ring(&folder).of(&company("sakura")).earlier_candidates(&hana);
    let by_first = ring(&folder).optout_key(Some(&company("sakura")), 1).map(|key| key.candidate(&hana));
    assert_eq!(earlier.first().copied(), by_first);
    assert_eq!(rotate_in(&folder, &[1, 2], &[]), 3);
    assert_eq!(ring(&folder).ids(None), [1, 2, 3]);
}

#[test]
fn an_old_key_that_is_missing_is_lost_like_the_one_in_use() -> io::Result<()> {
    let folder = used();
    rotate_in(&folder, &[1], &[]);
    fs::remove_file(root_path(&folder))?;
    assert!(matches!(open_with(folder.path(), None), Err(KeyFault::Lost { id: 1, .. })));
    Ok(())
}

#[test]
fn after_a_loss_that_was_told_it_goes_on_with_a_new_key_and_a_key_found_again_is_taken() -> io::Result<()> {
    let folder = used();
    let (path, old) = (root_path(&folder), ring(&folder));
    let octets = fs::read(&path)?;
    for there in [None, Some(&b"damaged"[..]), Some(&[9; 32])] {
        if let Some(octets) = there {
            disk::write_private(&path, octets)?;
        } else {
            fs::remove_file(&path)?;
        }
        let made = rotate_in(&folder, &[1], &[1]);
        let now = ring(&folder);
        assert_eq!((now.of(&company("sakura")).key_id(), now.lost().next()), (made, Some(1)));
        assert!(!path.exists() && now.optout_key(None, 1).is_none());
    }
    disk::write_private(&path, &octets)?;
    let (now, sakura) = (ring(&folder), company("sakura"));
    let last = now.of(&sakura).all().last().map(CompanyKeys::fingerprint);
    assert_eq!((last, now.lost().count()), (Some(old.of(&sakura).fingerprint()), 0));
    Ok(())
}

#[test]
fn a_key_may_be_handed_over_by_the_service_manager_and_two_that_differ_are_refused() -> io::Result<()> {
    let (folder, handed) = (used(), folder());
    let (path, old) = (root_path(&folder), ring(&folder));
    fs::rename(&path, handed.path().join("root.key"))?;
    let open = || open_with(folder.path(), Some(handed.path()));
    assert_eq!(open().ok().as_ref(), Some(&old));
    assert!(matches!(open_with(folder.path(), None), Err(KeyFault::Lost { .. })));
    disk::write_private(&path, &[7; 32])?;
    assert!(matches!(open(), Err(KeyFault::Two(name)) if name == "root.key"));
    let unused = self::folder();
    assert_eq!(open_with(unused.path(), Some(handed.path())).ok(), Some(old));
    assert!(!root_path(&unused).exists(), "no second key beside the one handed over");
    Ok(())
}

#[test]
fn a_company_that_moves_is_known_by_the_keys_it_brings_until_the_next_rotation() {
    let (from, to) = (used(), used());
    rotate_in(&from, &[1], &[]);
    let moved = ring(&from).moved(&company("sakura"));
    let read = MovedKeys::parse(moved.to_text().as_bytes());
    assert_eq!(read.as_ref(), Ok(&moved));
    assert!(format!("{moved:?}").contains("KeyOctets(..)"), "{moved:?}");
    add_moved(to.path(), &moved).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(keys_of(&ring(&to), "sakura"), keys_of(&ring(&from), "sakura"));
    assert_eq!(keys_of(&ring(&to), "ume").0, [1], "others have the keys they had");
    assert!(add_moved(to.path(), &moved).is_err(), "nothing is written over");
    assert_eq!(rotate_in(&to, &[1, 2], &[]), 3);
    assert_eq!(keys_of(&ring(&to), "sakura").0, [3, 2, 1]);
    assert_eq!(keys_of(&ring(&to), "ume").0, [3, 1]);
}

#[test]
fn what_is_no_key_of_a_company_is_told_by_its_line() {
    let folder = used();
    let text = ring(&folder).moved(&company("sakura")).to_text();
    for (text, expected) in [
        (String::new(), MovedKeysFault::Form),
        (text.replace("keys v1", "keys v2"), MovedKeysFault::Form),
        (text.replace("sakura", "Sakura!"), MovedKeysFault::Line(2)),
        (text.lines().take(2).collect::<Vec<_>>().join("\n"), MovedKeysFault::Form),
        (text.replace("key 1", "key 0"), MovedKeysFault::Line(3)),
        (text[..text.len() - 3].to_owned(), MovedKeysFault::Line(3)),
        (format!("{text}{}", text.lines().last().unwrap_or_default()), MovedKeysFault::Line(4)),
    ] {
        assert_eq!(MovedKeys::parse(text.as_bytes()), Err(expected), "{text}");
    }
}

#[test]
fn the_key_that_signs_is_made_once_and_refused_when_it_is_another_kind_of_key() -> io::Result<()> {
    let folder = folder();
    let open = || open_signing_key(folder.path());
    let (first, is_new) = open().unwrap_or_else(|e| panic!("{e}"));
    assert!(is_new && open().is_ok_and(|(again, is_new)| again == first && !is_new));
    let path = folder.path().join(FOLDER).join("signing.key");
    disk::write_private(&path, b"no key")?;
    let fault = open().err().map(|fault| fault.to_string()).unwrap_or_default();
    assert!(fault.contains("signing.key") && fault.contains("the other side has to be told"), "{fault}");
    Ok(())
}
