//! The sessions on this host, and the file they are kept in.
//!
//! The file outlives the guard: after a restart the sessions are still there, and what was not yet
//! reported to the broker still is to be. It is one JSON object of mode 0600, written whole
//! (`files::write`: a neighbour, synced, renamed), before a login is let in and whenever something
//! about a session changes that a restart would have to know.
//!
//! A process is known by its id and the tick it began at, and the machine's boot by its own id: a
//! session of an earlier boot is gone, whoever has the id of its process now.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    broker::{Ending, How, Once, Opening},
    limits::MAX_SESSIONS,
    presented::Presented,
};
use crate::{
    error::Error,
    files,
    processes::{self, ProcessId},
};

/// The version of the file's form; a guard refuses what a newer one wrote.
const FORM: u32 = 1;

/// Its name in the state folder.
const FILE: &str = "sessions.json";

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// What the broker calls it, `S-7`; `None` until it was told.
    pub id: Option<String>,
    /// Whose it is, and under which grant.
    pub credential: Presented,
    /// The login on this host.
    pub login: String,
    /// The address it came from.
    pub origin: String,
    /// When it was let in.
    pub opened_at: Timestamp,
    /// sshd's process of the login.
    pub process: ProcessId,
    /// `SSH_CONNECTION`, which its processes carry.
    pub marker: String,
    /// Its control group, where it has one.
    pub group: Option<PathBuf>,
    /// Those of its processes that no longer hang below sshd's.
    pub strays: Vec<ProcessId>,
    /// It was let in while the broker was out of reach.
    #[serde(default)]
    pub late: bool,
    /// What the broker is told of it again by; one that an older guard wrote has none.
    #[serde(default)]
    pub once: Option<Once>,
    /// It was not let in: the broker did not answer. Only that is still to be told.
    #[serde(default)]
    pub refused: bool,
    /// It is over, and the broker is not told yet.
    pub over: Option<Over>,
}

/// The end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Over {
    /// How it came.
    pub how: How,
    /// When.
    pub at: Timestamp,
    /// How long it took to end it, in milliseconds.
    pub took_ms: Option<u64>,
}

impl Session {
    /// As the broker is told of its beginning.
    #[must_use]
    pub fn opening(&self) -> Opening {
        Opening {
            grant: self.credential.grant.clone(),
            credential: self.credential.credential.clone(),
            login: self.login.clone(),
            origin: self.origin.clone(),
            at: self.opened_at,
            late: self.late,
            once: self.once,
        }
    }

    /// As the broker is told of its end; `None` before that, or while it has no name there.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        let over = self.over?;
        Some(Ending {
            session: self.id.clone()?,
            how: over.how,
            at: over.at,
            took: over.took_ms.map(Duration::from_millis),
        })
    }

    /// Its name for people: the broker's, or whose it is.
    #[must_use]
    pub fn name(&self) -> String {
        let Presented { person, grant, .. } = &self.credential;
        let id = self.id.as_deref().unwrap_or("a session");
        format!("{id} of {person} as {} ({grant})", self.login)
    }
}

/// All sessions, those that are over and not reported among them, by a number of our own.
#[derive(Debug)]
pub struct Sessions {
    file: PathBuf,
    boot: String,
    state: State,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    form: u32,
    boot: String,
    /// When the broker was last heard of.
    contact: Option<Timestamp>,
    /// What it said the grace is, in seconds.
    grace_secs: Option<u64>,
    next: u64,
    sessions: BTreeMap<u64, Session>,
}

impl Sessions {
    /// Reads them back from the state folder. Whatever ended while no guard was there is over now.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Setup`] where the file is damaged or a newer guard's. It is never
    /// overwritten then: it is the only record of who is on this host.
    pub fn load(folder: &Path, boot: &str, now: Timestamp) -> Result<Self, Error> {
        files::create_folder(folder)?;
        let file = folder.join(FILE);
        let state = match files::read(&file)? {
            None => State::default(),
            Some(bytes) => read(&file, &bytes)?,
        };
        let mut sessions = Self {
            file,
            boot: boot.to_owned(),
            state,
        };
        sessions.reconcile(now, processes::lives);
        sessions.state.boot = boot.to_owned();
        sessions.save()?;
        Ok(sessions)
    }

    /// Marks as gone whose sshd process and strays are all dead.
    fn reconcile(&mut self, now: Timestamp, lives: impl Fn(ProcessId) -> bool) {
        let rebooted = self.state.boot != self.boot;
        for session in self.state.sessions.values_mut() {
            let members = || session.strays.iter().chain([&session.process]);
            let alive = !rebooted && members().any(|id| lives(*id));
            // Others of it may live in its group: the first look finds out.
            let grouped = !rebooted && session.group.is_some();
            if session.over.is_none() && !alive && !grouped {
                session.over = Some(Over {
                    how: How::Gone,
                    at: now,
                    took_ms: None,
                });
            }
        }
    }

    /// Writes them down.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&mut self) -> Result<(), Error> {
        self.state.form = FORM;
        // Strings, numbers and maps by number: this cannot fail.
        let bytes = serde_json::to_vec(&self.state).expect("a state is always valid JSON");
        files::write(&self.file, &bytes)
    }

    /// Takes in a new one and writes it down; its number is returned.
    ///
    /// # Errors
    /// [`Error::Setup`] where there are too many, [`Error::File`] where it cannot be written down;
    /// it is not taken in then.
    pub fn add(&mut self, session: Session) -> Result<u64, Error> {
        if self.state.sessions.len() >= MAX_SESSIONS {
            return Err(Error::setup(
                format!("{MAX_SESSIONS} sessions are open or not yet reported to the broker"),
                "look at the guard's tracing: journalctl -u glass-guard",
            ));
        }
        let key = self.state.next;
        self.state.next += 1;
        self.state.sessions.insert(key, session);
        if let Err(error) = self.save() {
            self.state.sessions.remove(&key);
            return Err(error);
        }
        Ok(key)
    }

    /// Forgets one.
    pub fn remove(&mut self, key: u64) -> Option<Session> {
        self.state.sessions.remove(&key)
    }

    /// One of them.
    #[must_use]
    pub fn session(&self, key: u64) -> Option<&Session> {
        self.state.sessions.get(&key)
    }

    /// One of them, to change it.
    pub fn session_mut(&mut self, key: u64) -> Option<&mut Session> {
        self.state.sessions.get_mut(&key)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Session)> {
        self.state.sessions.iter().map(|(key, s)| (*key, s))
    }

    /// Those that are not over.
    pub fn open(&self) -> impl Iterator<Item = (u64, &Session)> {
        self.iter().filter(|(_, session)| session.over.is_none())
    }

    /// The session of this process of sshd.
    #[must_use]
    pub fn of_process(&self, process: ProcessId) -> Option<u64> {
        self.open()
            .find(|(_, session)| session.process == process)
            .map(|(key, _)| key)
    }

    /// When the broker was last heard of, as far as it was written down.
    #[must_use]
    pub fn contact(&self) -> Option<Timestamp> {
        self.state.contact
    }

    /// What the broker last said the grace is.
    #[must_use]
    pub fn grace(&self) -> Option<Duration> {
        self.state.grace_secs.map(Duration::from_secs)
    }

    /// Takes note of the contact and the grace; written down with the next [`Sessions::save`].
    pub fn note_contact(&mut self, contact: Timestamp, grace: Option<Duration>) {
        self.state.contact = Some(contact);
        self.state.grace_secs = grace.map(|grace| grace.as_secs()).or(self.state.grace_secs);
    }
}

fn read(file: &Path, bytes: &[u8]) -> Result<State, Error> {
    #[derive(Deserialize)]
    struct Form {
        form: u32,
    }
    let damaged = |why: serde_json::Error| {
        Error::setup(
            format!("the sessions in {} cannot be read: {why}", file.display()),
            "end the sessions on this host by hand, move the file away, and start the guard again",
        )
    };
    let form: Form = serde_json::from_slice(bytes).map_err(damaged)?;
    if form.form > FORM {
        return Err(Error::setup(
            format!("{} was written by a newer guard", file.display()),
            "install that version again",
        ));
    }
    serde_json::from_slice(bytes).map_err(damaged)
}

/// The id of this boot, random(4); empty where the system does not tell.
pub(super) fn boot_id() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    pub(in super::super) fn session(grant: &str, process: ProcessId) -> Session {
        Session {
            id: Some("S-7".into()),
            credential: Presented {
                person: "mia".into(),
                grant: grant.into(),
                incident: "INC-12".into(),
                credential: format!("{grant}.1"),
                serial: 1,
            },
            login: "deploy".into(),
            origin: "10.0.0.7".into(),
            opened_at: at("2026-11-23T03:05:00Z"),
            process,
            marker: "10.0.0.7 5 10.0.0.1 22".into(),
            group: None,
            strays: Vec::new(),
            late: false,
            once: None,
            refused: false,
            over: None,
        }
    }

    fn me() -> ProcessId {
        processes::of(rustix::process::getpid()).unwrap().id()
    }

    fn nobody() -> ProcessId {
        ProcessId::new(i32::MAX, 1).unwrap()
    }

    #[test]
    fn a_restart_finds_the_living_and_marks_the_gone() {
        let folder = tempfile::tempdir().unwrap();
        let now = at("2026-11-23T03:05:00Z");
        let mut sessions = Sessions::load(folder.path(), "boot-1", now).unwrap();
        let living = sessions.add(session("G-45", me())).unwrap();
        let gone = sessions.add(session("G-46", nobody())).unwrap();
        let mut left = session("G-47", nobody());
        left.strays.push(me());
        let left = sessions.add(left).unwrap();
        sessions.note_contact(now, Some(Duration::from_secs(90)));
        sessions.save().unwrap();
        assert_eq!(files::mode(&folder.path().join(FILE)), Some(0o600));

        let later = at("2026-11-23T03:06:00Z");
        let again = Sessions::load(folder.path(), "boot-1", later).unwrap();
        let open: Vec<_> = again.open().map(|(key, _)| key).collect();
        assert_eq!(open, [living, left]);
        let ending = again.session(gone).unwrap().ending().unwrap();
        assert_eq!((ending.how, ending.at), (How::Gone, later));
        assert_eq!(again.contact(), Some(now));
        assert_eq!(again.grace(), Some(Duration::from_secs(90)));
        assert_eq!(again.of_process(me()), Some(living));
    }

    #[test]
    fn after_a_reboot_nobody_is_who_has_the_same_id() {
        let folder = tempfile::tempdir().unwrap();
        let now = at("2026-11-23T03:05:00Z");
        let mut sessions = Sessions::load(folder.path(), "boot-1", now).unwrap();
        sessions.add(session("G-45", me())).unwrap();
        let again = Sessions::load(folder.path(), "boot-2", now).unwrap();
        assert_eq!(again.open().count(), 0);
        assert_eq!(again.iter().count(), 1, "and it is still to be reported");
    }

    #[test]
    fn a_damaged_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        for (text, said) in [
            ("{\"form\":1,\"sess", "cannot be read"),
            ("{\"form\":2}", "newer guard"),
        ] {
            std::fs::write(&file, text).unwrap();
            let now = at("2026-11-23T03:05:00Z");
            let error = Sessions::load(folder.path(), "boot-1", now).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        }
    }

    #[test]
    fn an_end_without_a_name_waits_for_the_name() {
        let mut session = session("G-45", me());
        session.id = None;
        session.over = Some(Over {
            how: How::Killed,
            at: session.opened_at,
            took_ms: Some(43),
        });
        assert_eq!(session.ending(), None);
        session.id = Some("S-8".into());
        assert_eq!(
            session.ending().unwrap().took,
            Some(Duration::from_millis(43))
        );
    }
}
