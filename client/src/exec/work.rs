//! What goes on while the access lasts: a command that runs, or the agent alone.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use rustix::process::Signal;

use super::child::{Over, Running};
use crate::error::Error;

/// What goes on.
#[derive(Debug)]
pub(super) enum Work {
    /// A command.
    Command(Box<Running>),
    /// The agent alone.
    Agent {
        /// The other name of its socket, for as long.
        _link: Option<Link>,
    },
}

impl Work {
    /// Until a command ends by itself. The agent never does. Can be dropped and called again.
    pub(super) async fn exited(&mut self) -> io::Result<ExitStatus> {
        match self {
            Self::Command(running) => running.exited().await,
            Self::Agent { .. } => std::future::pending().await,
        }
    }

    /// Passes a signal on; false where there is nobody whom it is for.
    pub(super) fn pass_on(&self, signal: Signal) -> bool {
        if let Self::Command(running) = self {
            running.pass_on(signal);
        }
        matches!(self, Self::Command(_))
    }

    /// `glass` goes on after it was stopped.
    pub(super) fn continued(&mut self) {
        if let Self::Command(running) = self {
            running.continued();
        }
    }

    /// Ends it; by force as soon as `force` is ready.
    ///
    /// # Errors
    /// What the system says.
    pub(super) async fn end(self, force: impl Future<Output = ()>) -> io::Result<Over> {
        match self {
            Self::Command(running) => running.end(force).await,
            Self::Agent { .. } => Ok(Over {
                code: 0,
                survivors: Vec::new(),
            }),
        }
    }
}

/// Another name for the agent's socket, for configurations that name a fixed one. Removed in the
/// end, if it is still ours.
#[derive(Debug)]
pub(super) struct Link {
    path: PathBuf,
    socket: PathBuf,
}

impl Link {
    /// Makes it. A link that leads nowhere, as a killed `glass` leaves one, is replaced.
    ///
    /// # Errors
    /// [`Error::Usage`] where something is there already, [`Error::File`].
    pub(super) fn make(path: &Path, socket: &Path) -> Result<Self, Error> {
        let is_link = fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink());
        if is_link && !path.exists() {
            fs::remove_file(path).map_err(|why| Error::file("replace", path, why))?;
        }
        match std::os::unix::fs::symlink(socket, path) {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                socket: socket.to_owned(),
            }),
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Err(Error::usage(
                format!("there is something at {} already", path.display()),
                "name another path, or end the `glass agent` that is there",
            )),
            Err(why) => Err(Error::file("create", path, why)),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if fs::read_link(&self.path).is_ok_and(|led| led == self.socket) {
            // One that cannot be removed leads nowhere.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_replaces_only_one_that_leads_nowhere_and_goes_with_its_agent() {
        let folder = tempfile::tempdir().unwrap();
        let (path, socket) = (
            folder.path().join("glass.sock"),
            folder.path().join("agent"),
        );
        fs::write(&socket, "").unwrap();
        std::os::unix::fs::symlink("/nowhere/at/all", &path).unwrap();
        let link = Link::make(&path, &socket).unwrap();
        assert_eq!(fs::read_link(&path).unwrap(), socket);
        let error = Link::make(&path, &socket).unwrap_err();
        assert!(error.to_string().contains("already"), "{error}");
        drop(link);
        assert!(fs::symlink_metadata(&path).is_err());
        fs::write(&path, "mine").unwrap();
        assert!(Link::make(&path, &socket).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }
}
