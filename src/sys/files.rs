//! How many files and sockets this process may have open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the number of open files to what the system lets this process have, and tells it.
///
/// The soft limit is 1024 on most machines for the sake of programs that cannot count further; the hard limit is meant.
pub fn raise_open_files() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    let soft = limit.current;
    limit.current = limit.maximum;
    // A sandbox may forbid it: then the soft limit stands.
    let raised = setrlimit(Resource::Nofile, limit).is_ok();
    if raised { limit.maximum } else { soft }.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hard_limit_is_taken_and_asking_again_changes_nothing() {
        let most = raise_open_files();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!((limit.current, limit.current.unwrap_or(u64::MAX)), (limit.maximum, most));
        assert_eq!(raise_open_files(), most);
    }
}
