//! The sled trees and their keys.
//!
//! | tree | key | value |
//! |---|---|---|
//! | `grants` | grant number, big-endian | [`record`](super::record) of the grant |
//! | `incidents` | incident number, big-endian | record of the incident, without its grants |
//! | `entries` | tag, name, 0, block big-endian | [which of its places](super::postings) |
//! | `grant_of` | tag, name, 0, block big-endian | which of its grant numbers |
//! | `lasts` | tag, name | [the newest entry of it](super::lasts) |
//! | `times` | block big-endian | [when each of its entries was written](super::times) |
//! | `meta` | see [`snapshot`](super::snapshot) | |

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use breakglass_domain::{Actor, Change, Event, GrantRef, Subject, TargetId};

use crate::ports::IndexError;

/// Changes when the trees change; an older folder is then thrown away and built again.
const FORMAT: &[u8] = b"breakglass-index/5";

/// sled's default is 1 GiB; the working set is the newest pages and the upper levels of the trees.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// sled collects its garbage on this beat and on no other.
const FLUSH_EVERY_MS: u64 = 2_000;

/// What sled 0.34 says where somebody has its file.
const LOCKED: &str = "could not acquire lock";

/// The open trees.
pub(super) struct Store {
    pub(super) db: sled::Db,
    pub(super) grants: sled::Tree,
    pub(super) incidents: sled::Tree,
    pub(super) entries: sled::Tree,
    pub(super) grant_of: sled::Tree,
    pub(super) times: sled::Tree,
    pub(super) lasts: sled::Tree,
    pub(super) meta: sled::Tree,
    file: PathBuf,
}

impl Store {
    /// Opens or makes the folder; refuses one of another format or another ledger.
    pub(super) fn open(folder: &Path, origin: &str) -> Result<Self, IndexError> {
        // A file that was cut short makes sled panic while it recovers.
        let opened = catch_unwind(AssertUnwindSafe(|| Self::open_trees(folder)));
        let store = opened.map_err(|_| IndexError("sled could not recover its file".into()))??;
        for (key, wanted) in [(&b"format"[..], FORMAT), (b"origin", origin.as_bytes())] {
            match store.meta.get(key).map_err(broken)? {
                None => drop(store.meta.insert(key, wanted).map_err(broken)?),
                Some(found) if *found == *wanted => {}
                Some(_) => return Err(IndexError("it is of another format or ledger".into())),
            }
        }
        Ok(store)
    }

    fn open_trees(folder: &Path) -> Result<Self, IndexError> {
        let config = sled::Config::new()
            .path(folder)
            .mode(sled::Mode::LowSpace)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(Some(FLUSH_EVERY_MS));
        let db = open_unlocked(&config)?;
        let tree = |name: &str| db.open_tree(name).map_err(broken);
        Ok(Self {
            grants: tree("grants")?,
            incidents: tree("incidents")?,
            entries: tree("entries")?,
            grant_of: tree("grant_of")?,
            times: tree("times")?,
            lasts: tree("lasts")?,
            meta: tree("meta")?,
            file: folder.join("db"),
            db,
        })
    }

    /// Removes the folder.
    pub(super) fn remove(folder: &Path) -> Result<(), IndexError> {
        match fs::remove_dir_all(folder) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(IndexError(format!("{}: {e}", folder.display())))
            }
            _ => Ok(()),
        }
    }

    /// Makes everything written so far survive a power cut.
    pub(super) fn sync(&self) -> Result<(), IndexError> {
        self.db.flush().map_err(broken)?;
        // sled's flush commits neither the file's size nor the drive's cache; this does.
        let file = File::open(&self.file).and_then(|file| file.sync_data());
        file.map_err(|e| IndexError(format!("{}: {e}", self.file.display())))
    }
}

/// Opens it; waits a second for one that was closed just now: sled keeps its file locked until the
/// last of its threads is done.
fn open_unlocked(config: &sled::Config) -> Result<sled::Db, IndexError> {
    let mut pauses = 100;
    loop {
        match config.open() {
            Err(sled::Error::Io(error)) if pauses > 0 && error.to_string().contains(LOCKED) => {
                pauses -= 1;
                std::thread::park_timeout(Duration::from_millis(10));
            }
            opened => return opened.map_err(broken),
        }
    }
}

pub(super) fn broken(error: sled::Error) -> IndexError {
    IndexError(error.to_string())
}

/// What a posting is by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Person,
    Right,
    Incident,
    Grant,
    Kind,
    /// The part of the kind before its dot.
    Family,
    Target,
    Outcome,
    /// Whatever somebody typed; its one list has no name.
    Typed,
}

impl By {
    /// What the keys of its lists begin with.
    pub(super) fn tag(self) -> u8 {
        match self {
            Self::Person => b'p',
            Self::Right => b'r',
            Self::Incident => b'i',
            Self::Grant => b'g',
            Self::Kind => b'k',
            Self::Family => b'f',
            Self::Target => b't',
            Self::Outcome => b'o',
            Self::Typed => b'x',
        }
    }
}

/// Every name an entry can be found by.
pub(super) fn names(event: &Event, kind: &str) -> Vec<(By, String)> {
    let mut names = vec![(By::Kind, kind.to_owned())];
    if let Some((family, _)) = kind.split_once('.') {
        names.push((By::Family, family.to_owned()));
    }
    let mut people: Vec<&str> = Vec::new();
    people.extend(event.by.person().map(|person| person.as_str()));
    match &event.change {
        Change::PersonInvited { person, .. }
        | Change::PersonEnrolled { person, .. }
        | Change::CertificateRenewed { person, .. }
        | Change::PersonRemoved { person, .. }
        | Change::PersonFrozen { person, .. }
        | Change::PersonUnfrozen { person, .. } => people.push(person.as_str()),
        change => {
            if let Some(of) = grant_of(change) {
                people.push(of.person.as_str());
                names.push((By::Right, of.right.to_string()));
                names.push((By::Grant, of.grant.to_string()));
            }
        }
    }
    if let Some(incident) = event.change.incident() {
        names.push((By::Incident, incident.to_string()));
    }
    names.extend(target(event).map(|target| (By::Target, target.to_string())));
    let outcome = event.change.outcome();
    names.extend(outcome.map(|word| (By::Outcome, word.to_owned())));
    let typed = event.change.typed();
    names.extend(typed.map(|_| (By::Typed, String::new())));
    people.sort_unstable();
    people.dedup();
    names.extend(
        people
            .into_iter()
            .map(|person| (By::Person, person.to_owned())),
    );
    names
}

/// The target an event is about, where a role is to be made, or whose guard speaks; one of them at most:
/// a guard speaks of its own.
fn target(event: &Event) -> Option<&TargetId> {
    let about = match &event.change {
        Change::CredentialIssued {
            subject: Subject::Role { target, .. },
            ..
        } => Some(target),
        change => change.target(),
    };
    about.or(match &event.by {
        Actor::Target(target) => Some(target),
        _ => None,
    })
}

/// The grant an event is about.
pub(super) fn grant_of(change: &Change) -> Option<&GrantRef> {
    change.grant()
}

/// The `kind` of an entry's exact bytes: it stands in the first few fields, as written by us.
pub(super) fn kind_of(line: &[u8]) -> Option<&str> {
    const FIELD: &[u8] = b"\"kind\":\"";
    let head = &line[..line.len().min(160)];
    let at = head
        .windows(FIELD.len())
        .position(|window| window == FIELD)?
        + FIELD.len();
    let rest = &line[at..];
    let end = rest.iter().position(|&b| b == b'"')?;
    std::str::from_utf8(&rest[..end]).ok()
}
