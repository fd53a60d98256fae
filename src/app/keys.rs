//! The keys in force: read at the start, and anew with each reload of the files.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::keys::{KeyFault, Keyring, open_keys};

/// Where everybody finds the keys in force.
pub struct Keys {
    data: PathBuf,
    in_force: Mutex<Arc<Keyring>>,
}

impl Keys {
    /// Those of a data folder, whose lock the caller holds.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn open(data: &Path) -> Result<Self, KeyFault> {
        let in_force = Mutex::new(Arc::new(open_keys(data)?));
        Ok(Self { data: data.to_owned(), in_force })
    }

    /// Those in force.
    pub fn current(&self) -> Arc<Keyring> {
        Arc::clone(&self.in_force.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the disk holds now, which is not in force yet.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn read_anew(&self) -> Result<Arc<Keyring>, KeyFault> {
        open_keys(&self.data).map(Arc::new)
    }

    /// Puts these in force.
    pub fn put(&self, keys: Arc<Keyring>) {
        *self.in_force.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}
