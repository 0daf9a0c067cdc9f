//! The folder of a witness: its key, what it knows, and the lock that keeps a second one out.
//!
//! ```text
//! key.pem      Ed25519, PKCS#8, mode 0600; made here, never sent anywhere
//! vkey         the public half with the witness's name: what brokers and auditors are given
//! logs/HASH    one file for each ledger, named by the SHA-256 of its origin
//! successions/HASH   how the ledger's keys followed each other, where they did
//! lock         held while a `glass witness` works with the folder
//! ```

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use breakglass_tlog::{
    CosignatureSigner, KeyName, Succession, VerifierKey,
    succession::{from_text, to_text},
};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::Ed25519KeyPair,
};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use zeroize::Zeroizing;

use super::book::{self, Book, Clock};
use super::disk::{Disk, System};
use super::limits::LOGS;
use super::log::Log;
use crate::{
    error::Error,
    files,
    key::{no_randomness, pkcs8_pem},
    text::plain,
};

/// The folder, and nobody else's for as long as this lives.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    opened: Opened,
}

/// The lock; the system lets go of it when the process ends, however that happens (`flock`).
#[derive(Debug)]
pub(super) struct Opened {
    _lock: File,
}

/// A ledger and its file.
#[derive(Debug)]
pub struct Known {
    pub(super) log: Log,
    pub(super) file: PathBuf,
}

impl Known {
    /// Its name.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.log.origin()
    }

    /// Entries in the newest checkpoint that was cosigned; 0 for none.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.log.size()
    }

    /// Its key.
    #[must_use]
    pub fn vkey(&self) -> String {
        self.log.key().to_string()
    }
}

impl Folder {
    /// Makes a witness of this name, with a new key.
    ///
    /// # Errors
    /// [`Error::Usage`] where the folder has one already: two witnesses of one name would be one that
    /// signs two histories. [`Error::File`].
    pub fn init(path: &Path, name: &KeyName) -> Result<Self, Error> {
        files::create_folder(path)?;
        let folder = Self::lock(path)?;
        if folder.key_file().exists() || folder.vkey_file().exists() {
            return Err(Error::usage(
                format!("there is a witness in {} already", path.display()),
                "see it: glass witness show --dir DIR; or name another folder",
            ));
        }
        files::create_folder(&folder.logs_dir())?;
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let pkcs8 = Zeroizing::new(pkcs8.map_err(|_| no_randomness())?.as_ref().to_vec());
        let signer = CosignatureSigner::from_pkcs8(name.clone(), &pkcs8);
        let signer = signer.map_err(|why| Error::setup(why.to_string(), "try again"))?;
        files::write(&folder.key_file(), pkcs8_pem(&pkcs8).as_bytes())?;
        let vkey = format!("{}\n", signer.verifier());
        files::write(&folder.vkey_file(), vkey.as_bytes())?;
        Ok(folder)
    }

    /// Opens one.
    ///
    /// # Errors
    /// [`Error::Setup`] where there is no witness, or another process works with it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if !path.join("vkey").is_file() {
            return Err(Error::setup(
                format!("there is no witness in {}", path.display()),
                "make one: glass witness init NAME --dir DIR",
            ));
        }
        Self::lock(path)
    }

    fn lock(path: &Path) -> Result<Self, Error> {
        let file = path.join("lock");
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false);
        let lock = options.mode(files::FILE_MODE).open(&file);
        let lock = lock.map_err(|why| Error::file("open", &file, why))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                opened: Opened { _lock: lock },
            }),
            Err(TryLockError::WouldBlock) => Err(Error::setup(
                format!("another glass witness works with {}", path.display()),
                "stop it first: systemctl stop glass-witness",
            )),
            Err(TryLockError::Error(why)) => Err(Error::file("lock", &file, why)),
        }
    }

    /// Takes a ledger in, of which nothing was signed yet; adding it again changes nothing. One that is
    /// known by an older key is known by the new one from then on, and what was signed of it stays: for
    /// that it takes the word of both keys, and of every one between.
    ///
    /// # Errors
    /// [`Error::Usage`] for a key of another kind, or another key for a name that is known, where nothing
    /// given leads from the one to the other.
    pub fn add(&self, key: VerifierKey, successions: Vec<Succession>) -> Result<(), Error> {
        let known = self.logs()?;
        let count = known.len();
        let next = "compare it with: glass whoami -o json, by somebody enrolled with that broker";
        let log = Log::new(key).map_err(|why| Error::usage(why, next))?;
        if let Some(before) = known.into_iter().find(|it| it.origin() == log.origin()) {
            return self.follow(before, log.key(), successions);
        }
        if count >= LOGS {
            let what = format!("this witness knows {LOGS} ledgers already");
            return Err(Error::usage(what, "make another witness for it"));
        }
        let file = self.file_of(log.origin());
        book::write(&System, &file, &log).map_err(|why| Error::file("write", &file, why))
    }

    /// Follows a ledger that is known to its next key.
    fn follow(
        &self,
        known: Known,
        key: &VerifierKey,
        successions: Vec<Succession>,
    ) -> Result<(), Error> {
        if known.log.has(key) && successions.is_empty() {
            return Ok(());
        }
        let origin = plain(known.origin());
        let next = "give what hands the ledger over, from a laptop, a mirror, an export or the broker: \
                    --successions FILE. Without it, it is another ledger, which has another name";
        let log = known.log.joined(successions);
        let log = log.map_err(|why| Error::usage(format!("{origin}: {}", plain(&why)), next))?;
        if log.key() != key {
            let what = format!(
                "this witness knows {origin} by the key {}, and nothing given leads from that to {key}",
                log.key()
            );
            return Err(Error::usage(what, next));
        }
        files::create_folder(&self.successions_dir())?;
        let file = self.successions_of(log.origin());
        files::write(&file, to_text(log.successions()).as_bytes())
    }

    /// Every ledger it knows, in order of their files.
    ///
    /// # Errors
    /// [`Error::Setup`] where one is damaged.
    pub fn logs(&self) -> Result<Vec<Known>, Error> {
        let dir = self.logs_dir();
        let entries = fs::read_dir(&dir).map_err(|why| Error::file("read", &dir, why))?;
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(|why| Error::file("read", &dir, why))?.path();
            // What was not finished was not signed.
            if path.extension().is_none_or(|it| it != "new") {
                files.push(path);
            }
        }
        files.sort();
        files.into_iter().map(|file| self.read(file)).collect()
    }

    fn read(&self, file: PathBuf) -> Result<Known, Error> {
        let text = System.read(&file);
        let log = text.map_err(|why| why.to_string()).and_then(|text| {
            let origin = text
                .lines()
                .nth(1)
                .and_then(|vkey| VerifierKey::parse(vkey).ok());
            let followed = origin.map(|key| self.followed(key.name().as_str()));
            let log = Log::parse(&text, followed.unwrap_or(Ok(Vec::new()))?)?;
            match self.file_of(log.origin()) == file {
                true => Ok(log),
                false => Err("it is of another ledger than its name says".to_owned()),
            }
        });
        match log {
            Ok(log) => Ok(Known { log, file }),
            Err(why) => Err(Error::setup(
                format!(
                    "what this witness remembers of a ledger is damaged, and without it it could \
                     sign a second history: {}: {}",
                    file.display(),
                    plain(&why)
                ),
                "do not put an older copy back, and do not delete it: make a new witness in another \
                 folder (glass witness init NAME --dir DIR), and name its vkey in the policy in \
                 place of this one's",
            )),
        }
    }

    /// The public half of its key.
    ///
    /// # Errors
    /// [`Error::Setup`] where it is missing or damaged.
    pub fn vkey(&self) -> Result<VerifierKey, Error> {
        let file = self.vkey_file();
        let text = files::read_text(&file)?.unwrap_or_default();
        let key = VerifierKey::parse(text.trim_end()).map_err(|why| damaged(&file, &why))?;
        breakglass_tlog::cosigned::check_cosigner(&key).map_err(|why| damaged(&file, &why))?;
        Ok(key)
    }

    /// Everything, to serve with.
    ///
    /// # Errors
    /// [`Error::Setup`] where anything is missing or damaged.
    pub fn into_book(self, clock: Clock) -> Result<Book, Error> {
        self.into_book_on(Arc::new(System), clock)
    }

    pub(super) fn into_book_on(self, disk: Arc<dyn Disk>, clock: Clock) -> Result<Book, Error> {
        let (vkey, file) = (self.vkey()?, self.key_file());
        let pem = files::read(&file)?.map(Zeroizing::new).unwrap_or_default();
        let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|why| damaged(&file, &why))?;
        let signer = CosignatureSigner::from_pkcs8(vkey.name().clone(), der.secret_pkcs8_der());
        let signer = signer.map_err(|why| damaged(&file, &why))?;
        if *signer.verifier() != vkey {
            return Err(damaged(&file, &"it is not the key whose vkey is beside it"));
        }
        let known = self.logs()?;
        if known.is_empty() {
            return Err(Error::setup(
                "this witness knows no ledger, so there is nothing to sign",
                "glass witness add-log VKEY --dir DIR",
            ));
        }
        Ok(Book::new(signer, known, disk, clock, self.opened))
    }

    fn key_file(&self) -> PathBuf {
        self.path.join("key.pem")
    }

    fn vkey_file(&self) -> PathBuf {
        self.path.join("vkey")
    }

    fn logs_dir(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// What was given of how its keys follow each other.
    fn followed(&self, origin: &str) -> Result<Vec<Succession>, String> {
        let text = files::read_text(&self.successions_of(origin));
        let text = text.map_err(|why| why.to_string())?.unwrap_or_default();
        from_text(&text).map_err(|why| why.to_string())
    }

    fn successions_dir(&self) -> PathBuf {
        self.path.join("successions")
    }

    fn successions_of(&self, origin: &str) -> PathBuf {
        self.successions_dir().join(hash_of(origin))
    }

    fn file_of(&self, origin: &str) -> PathBuf {
        self.logs_dir().join(hash_of(origin))
    }
}

fn hash_of(origin: &str) -> String {
    let hash = digest(&SHA256, origin.as_bytes());
    hash.as_ref().iter().map(|it| format!("{it:02x}")).collect()
}

fn damaged(file: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::setup(
        format!("{} cannot be used: {why}", file.display()),
        "put the file back from where it is kept; a key that is lost takes a new witness: glass \
         witness init NAME --dir DIR",
    )
}
