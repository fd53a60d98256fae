//! The sockets that MTAs come through: named by the settings, or handed over by a socket unit.

use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use crate::config::{MilterListener, MilterSettings, SocketOwner};
use crate::sys::{account, net};

/// A socket to accept MTAs from.
#[derive(Debug)]
pub enum Door {
    /// At an address.
    Inet(TcpListener),
    /// In the file system; the file is removed when it is closed, if we made it.
    Unix(UnixListener, Option<Made>),
}

/// A file that goes when this does.
#[derive(Debug)]
pub struct Made(PathBuf);

impl Drop for Made {
    fn drop(&mut self) {
        // One left behind does no harm: the next start puts its own in that place.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Why a socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum EntranceFault {
    /// The system refuses.
    #[error("the milter cannot listen on {0}: {1}; end what listens there, or change milter.listen")]
    Listen(MilterListener, io::Error),
    /// There is nobody of that name.
    #[error("the milter's socket_owner {0:?} is no user or group of this machine")]
    Owner(String),
}

impl Door {
    /// Listens where the settings say.
    ///
    /// # Errors
    /// The first socket that cannot be had.
    pub fn open_all(settings: &MilterSettings) -> Result<Vec<Self>, EntranceFault> {
        let open = |listener: &MilterListener| {
            let refused = |error| EntranceFault::Listen(listener.clone(), error);
            match listener {
                MilterListener::Inet(address) => net::listen(*address).map(Self::Inet).map_err(refused),
                MilterListener::Unix(path) => {
                    let owner = owner_ids(settings.socket_owner.as_ref())?;
                    let socket = net::listen_at(path, settings.socket_mode, owner).map_err(refused)?;
                    Ok(Self::Unix(socket, Some(Made(path.clone()))))
                }
            }
        };
        settings.listen.iter().map(open).collect()
    }
}

fn owner_ids(owner: Option<&SocketOwner>) -> Result<(Option<u32>, Option<u32>), EntranceFault> {
    let Some(SocketOwner { user, group }) = owner else { return Ok((None, None)) };
    let id = |name: &Option<String>, of: fn(&str) -> Option<u32>| match name {
        Some(name) => of(name).map(Some).ok_or_else(|| EntranceFault::Owner(name.clone())),
        None => Ok(None),
    };
    Ok((id(user, account::user_id)?, id(group, account::group_id)?))
}
