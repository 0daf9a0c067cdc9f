//! Where the tools of a target look for its credential. One kind a variant.

use std::{ffi::OsString, io};

use breakglass_proto::v1::{Credential, CredentialKind};

use super::folder::Folder;

/// The name of the token's file within the folder.
const TOKEN: &str = "token";

/// How a credential reaches the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Placement {
    /// A JWT in a file that `GLASS_TOKEN_FILE` names. Tools that read such a file read it again
    /// for each use, as they do with the token files of Kubernetes and AWS.
    #[default]
    TokenFile,
}

impl Placement {
    /// What to ask the broker for.
    pub(super) fn kind(self) -> CredentialKind {
        match self {
            Self::TokenFile => CredentialKind::Jwt,
        }
    }

    /// Puts a credential there, in place of the one before. The variables are the same each time:
    /// a running command's environment cannot be changed.
    ///
    /// # Errors
    /// What the system says; the one before then still stands.
    pub(super) fn put(
        self,
        folder: &Folder,
        credential: &Credential,
    ) -> io::Result<Vec<(String, OsString)>> {
        match self {
            Self::TokenFile => {
                let path = folder.put(TOKEN, credential.value.as_bytes())?;
                Ok(vec![("GLASS_TOKEN_FILE".to_owned(), path.into())])
            }
        }
    }
}
