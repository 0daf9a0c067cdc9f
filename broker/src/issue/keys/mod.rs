//! The broker's own keys, in a folder only it can read.
//!
//! | file | what |
//! |---|---|
//! | `ledger.pem`, `ledger.vkey` | Ed25519, signs checkpoints; its public half under the origin |
//! | `ledger.successions` | how each key of the ledger followed the one before; public, if there were any |
//! | `authority.pem`, `authority.crt` | P-256, signs the certificates of laptops and of the broker |
//! | `targets.pem`, `targets.crt` | P-256, signs the certificates that targets accept |
//! | `issuing-KID.pem`, `issuing.json` | P-256, sign credentials; which signs from when |
//!
//! Private halves are PKCS#8 in PEM. Files are 0600 and the folder is 0700; a folder or file that
//! others can read is refused, because then nobody knows who has read it.

mod folder;
mod issuing;
mod ledger;

pub use folder::KeyFolder;
pub(crate) use folder::pem;
pub(crate) use issuing::coordinates;
pub use issuing::{IssuingKey, Keyring, Rotation, Status, thumbprint};
pub use ledger::{
    abandon_succession, begin_succession, begun_succession, finish_succession, load_ledger_key,
    load_ledger_keys, make_ledger_key,
};

use std::path::PathBuf;

/// Why a key cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Others can read it.
    #[error("{path} has mode {mode:04o}, so others on this host can read it; run: chmod {wanted} {path}",
        path = path.display())]
    Open {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What `chmod` takes.
        wanted: &'static str,
    },
    /// It is not there.
    #[error("{} is missing; restore it from a backup, or make a new broker with: glassd init",
        .0.display())]
    Missing(PathBuf),
    /// It is there already, and keys are never written over.
    #[error("{} is there already, and a key is never written over", .0.display())]
    Exists(PathBuf),
    /// It is not what its name says.
    #[error("{} cannot be used: {why}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The system said no.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
