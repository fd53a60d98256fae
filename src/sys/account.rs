//! Accounts of this machine: who a user id is, and working as the owner of a folder.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, set_capabilities, set_keep_capabilities, set_thread_groups, set_thread_res_gid,
    set_thread_res_uid,
};

/// An account as an audit row shows it: `taro (uid 1000)`, or `uid 1000` when no local account has that id.
pub fn describe(uid: u32) -> String {
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&accounts, uid).map_or_else(|| format!("uid {uid}"), |name| format!("{name} (uid {uid})"))
}

/// The id of the user who runs this process.
pub fn own_uid() -> u32 {
    rustix::process::getuid().as_raw()
}

fn name_in(accounts: &str, uid: u32) -> Option<&str> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        (id.parse() == Ok(uid) && !name.is_empty()).then_some(name)
    })
}

/// The id of a user or a group, by its name in `accounts` or as a number: a text like that of `/etc/passwd`, or of
/// `/etc/group`.
fn id_in(accounts: &str, name: &str) -> Option<u32> {
    let named = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten()
    });
    named.or_else(|| name.parse().ok())
}

/// The id of a local user, by name or number.
pub fn user_id(name: &str) -> Option<u32> {
    id_in(&fs::read_to_string("/etc/passwd").unwrap_or_default(), name)
}

/// The id of a local group, by name or number.
pub fn group_id(name: &str) -> Option<u32> {
    id_in(&fs::read_to_string("/etc/group").unwrap_or_default(), name)
}

/// Makes root the owner of `folder` from here on, so that no file in it becomes root's, and no link that stands there
/// leads root to a file elsewhere. The right to read what is not its own stays, for systemd keeps such folders below
/// one that only root may enter. Everybody else stays who he is.
///
/// This is of the calling thread and of those it starts: call it before there are others.
///
/// # Errors
/// When the folder cannot be looked at, or this process may not change who it is.
pub fn become_owner_of(folder: &Path) -> io::Result<()> {
    let owner = fs::metadata(folder)?;
    if !geteuid().is_root() || owner.uid() == 0 {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(owner.uid()), Gid::from_raw(owner.gid()));
    set_keep_capabilities(true)?;
    set_thread_groups(&[gid])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    let kept = CapabilitySet::DAC_READ_SEARCH;
    let kept = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    // A root without that right (in a container) goes on as the owner and nothing more.
    set_capabilities(None, kept).or_else(|_| set_capabilities(None, nothing()))?;
    Ok(())
}

fn nothing() -> CapabilitySets {
    let none = CapabilitySet::empty();
    CapabilitySets { effective: none, permitted: none, inheritable: none }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNTS: &str =
        "root:x:0:0:root:/root:/bin/sh\n# a remark\ntaro:x:1000:1000:Taro,,,:/home/taro:/bin/sh\n:x:7";

    #[test]
    fn an_account_is_shown_by_its_name_where_it_has_one() {
        assert_eq!(name_in(ACCOUNTS, 1000), Some("taro"));
        assert_eq!(name_in(ACCOUNTS, 0), Some("root"));
        assert_eq!((name_in(ACCOUNTS, 7), name_in(ACCOUNTS, 5)), (None, None));
        assert_eq!(describe(4_000_000_000), "uid 4000000000");
    }

    #[test]
    fn an_id_is_found_by_name_or_number() {
        assert_eq!(
            (id_in(ACCOUNTS, "taro"), id_in(ACCOUNTS, "12"), id_in(ACCOUNTS, "jiro")),
            (Some(1000), Some(12), None)
        );
        assert_eq!((user_id("root"), group_id("root")), (Some(0), Some(0)));
    }

    #[test]
    fn root_works_as_the_owner_of_the_folder() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        if !geteuid().is_root() {
            return become_owner_of(folder.path());
        }
        std::os::unix::fs::chown(folder.path(), Some(12345), Some(12346))?;
        let dir = folder.path().to_owned();
        let written = std::thread::spawn(move || {
            become_owner_of(&dir)?;
            fs::write(dir.join("file"), "x")?;
            let of = fs::metadata(dir.join("file"))?;
            // What is root's can be read, and not written to.
            let elsewhere = fs::OpenOptions::new().append(true).open("/etc/passwd").map(drop).map_err(|e| e.kind());
            io::Result::Ok((of.uid(), of.gid(), fs::read("/etc/passwd").is_ok(), elsewhere))
        });
        let written = written.join().unwrap_or_else(|_| panic!("a thread"))?;
        assert_eq!(written, (12345, 12346, true, Err(io::ErrorKind::PermissionDenied)));
        assert!(geteuid().is_root());
        Ok(())
    }
}
