//! A folder for secrets: 0700, its files 0600, written whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use zeroize::Zeroizing;

use super::KeyError;

/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Bytes of the largest file here, with much room: what is longer is not a key.
const FILE_MAX: u64 = 64 * 1024;

/// Held while the list of keys changes.
const LOCK: &str = ".lock";

/// Characters in a line of PEM (RFC 7468 section 2).
const PEM_LINE: usize = 64;

/// The folder, seen to be closed to others.
#[derive(Debug, Clone)]
pub struct KeyFolder {
    path: PathBuf,
}

impl KeyFolder {
    /// Makes the folder, or takes an empty one.
    ///
    /// # Errors
    /// [`KeyError::Exists`] where something is in it, [`KeyError::Io`].
    pub fn create(path: &Path) -> Result<Self, KeyError> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(io(path, e)),
            _ => {}
        }
        let folder = Self::open(path)?;
        let mut inside = fs::read_dir(path).map_err(|e| io(path, e))?;
        match inside.next() {
            Some(_) => Err(KeyError::Exists(path.to_owned())),
            None => Ok(folder),
        }
    }

    /// Opens the folder.
    ///
    /// # Errors
    /// [`KeyError::Missing`], [`KeyError::Open`] where others can read it, [`KeyError::Io`].
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let metadata = fs::metadata(path).map_err(|e| io(path, e))?;
        demand_closed(path, metadata.mode(), "700")?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Keeps other processes from changing the list of keys, until the file is dropped.
    ///
    /// # Errors
    /// [`KeyError::Io`].
    pub(super) fn lock(&self) -> Result<File, KeyError> {
        let path = self.path.join(LOCK);
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(|e| io(&path, e))?;
        file.lock().map_err(|e| io(&path, e))?;
        Ok(file)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole of a small file that others cannot read.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn read(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let path = self.path.join(name);
        let file = File::open(&path).map_err(|e| io(&path, e))?;
        let metadata = file.metadata().map_err(|e| io(&path, e))?;
        demand_closed(&path, metadata.mode(), "600")?;
        if metadata.len() > FILE_MAX {
            return Err(unusable(&path, "it is too long for a key"));
        }
        // Sized first: a vector that grows leaves copies of its content behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_MAX as usize));
        file.take(FILE_MAX)
            .read_to_end(&mut bytes)
            .map_err(|e| io(&path, e))?;
        Ok(bytes)
    }

    /// A private key, PKCS#8 DER.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn read_key(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let pem = self.read(name)?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(&pem)
            .map_err(|_| unusable(&self.path.join(name), "it is not a PKCS#8 key in PEM"))?;
        Ok(Zeroizing::new(key.secret_pkcs8_der().to_vec()))
    }

    /// Writes a new file, durable on return.
    ///
    /// # Errors
    /// [`KeyError::Exists`] where there is one already, [`KeyError::Io`].
    pub fn write_new(&self, name: &str, bytes: &[u8]) -> Result<(), KeyError> {
        let path = self.path.join(name);
        if path.exists() {
            return Err(KeyError::Exists(path));
        }
        self.replace(name, bytes)
    }

    /// Writes a private key, PKCS#8 DER, as a new file.
    ///
    /// # Errors
    /// As [`KeyFolder::write_new`].
    pub fn write_new_key(&self, name: &str, pkcs8: &[u8]) -> Result<(), KeyError> {
        self.write_new(name, pem("PRIVATE KEY", pkcs8).as_bytes())
    }

    /// Writes a file beside its name and renames it, so that it is always whole.
    ///
    /// # Errors
    /// [`KeyError::Io`].
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), KeyError> {
        let (path, beside) = (self.path.join(name), self.path.join(format!(".{name}.new")));
        let write = || {
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&beside)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(|e| {
            // Perhaps a key, and of no use to anybody.
            let _ = fs::remove_file(&beside);
            io(&path, e)
        })
    }

    /// Puts a file in the place of another one, in one step.
    ///
    /// # Errors
    /// [`KeyError::Missing`], [`KeyError::Io`].
    pub fn put_in_place(&self, name: &str, of: &str) -> Result<(), KeyError> {
        let (from, to) = (self.path.join(name), self.path.join(of));
        let put = || {
            fs::rename(&from, &to)?;
            File::open(&self.path)?.sync_all()
        };
        put().map_err(|e| io(&from, e))
    }

    /// Removes a file; one that is gone already is fine.
    ///
    /// # Errors
    /// [`KeyError::Io`].
    pub fn remove(&self, name: &str) -> Result<(), KeyError> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(io(&path, e)),
            _ => Ok(()),
        }
    }

    /// Says that a file is there but wrong.
    pub(crate) fn unusable(&self, name: &str, why: impl Into<String>) -> KeyError {
        unusable(&self.path.join(name), why)
    }
}

fn demand_closed(path: &Path, mode: u32, wanted: &'static str) -> Result<(), KeyError> {
    if mode & OTHERS == 0 {
        return Ok(());
    }
    Err(KeyError::Open {
        path: path.to_owned(),
        mode: mode & 0o7777,
        wanted,
    })
}

fn unusable(path: &Path, why: impl Into<String>) -> KeyError {
    KeyError::Unusable {
        path: path.to_owned(),
        why: why.into(),
    }
}

fn io(path: &Path, source: std::io::Error) -> KeyError {
    match source.kind() {
        ErrorKind::NotFound => KeyError::Missing(path.to_owned()),
        _ => KeyError::Io {
            path: path.to_owned(),
            source,
        },
    }
}

/// DER as text (RFC 7468).
pub(crate) fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    // Sized first: a string that grows leaves copies of its content behind.
    let mut text = Zeroizing::new(String::with_capacity(
        base64.len() * 2 + 2 * label.len() + 64,
    ));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for at in (0..base64.len()).step_by(PEM_LINE) {
        // base64 is ASCII, so every place is a border between characters.
        text.push_str(&base64[at..base64.len().min(at + PEM_LINE)]);
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn keys_come_back_and_nobody_else_can_read_them() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFolder::create(&folder.path().join("keys")).unwrap();
        let der = [7; 138];
        keys.write_new_key("some.pem", &der).unwrap();
        assert_eq!(**keys.read_key("some.pem").unwrap(), der);
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(keys.path()), 0o700);
        assert_eq!(mode(&keys.path().join("some.pem")), 0o600);
        assert!(matches!(
            keys.write_new_key("some.pem", &der),
            Err(KeyError::Exists(_))
        ));
    }

    #[test]
    fn what_others_can_read_is_refused_with_the_chmod_to_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let keys = KeyFolder::create(&path).unwrap();
        keys.write_new_key("some.pem", &[1; 40]).unwrap();
        chmod(&path.join("some.pem"), 0o640);
        let error = keys.read("some.pem").unwrap_err().to_string();
        assert!(error.contains("has mode 0640"), "{error}");
        assert!(error.ends_with(&format!("chmod 600 {}", path.join("some.pem").display())));
        chmod(&path, 0o711);
        let error = KeyFolder::open(&path).unwrap_err().to_string();
        assert!(
            error.ends_with(&format!("chmod 700 {}", path.display())),
            "{error}"
        );
    }

    #[test]
    fn what_is_no_key_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFolder::create(&folder.path().join("keys")).unwrap();
        assert!(matches!(
            keys.read_key("none.pem"),
            Err(KeyError::Missing(_))
        ));
        keys.write_new("text.pem", b"hello").unwrap();
        assert!(matches!(
            keys.read_key("text.pem"),
            Err(KeyError::Unusable { .. })
        ));
        keys.write_new("long.pem", &vec![b'x'; FILE_MAX as usize + 1])
            .unwrap();
        assert!(matches!(
            keys.read("long.pem"),
            Err(KeyError::Unusable { .. })
        ));
    }

    #[test]
    fn a_folder_with_something_in_it_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        KeyFolder::create(&path)
            .unwrap()
            .write_new("a", b"b")
            .unwrap();
        assert!(matches!(KeyFolder::create(&path), Err(KeyError::Exists(_))));
    }
}
