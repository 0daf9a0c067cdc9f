//! The private folder a credential lives in while a command runs.
//!
//! What is promised: nobody but this user (and root) can enter it; where the machine has
//! memory-backed storage it never reaches a disk (swap aside); a reader of a file in it sees one
//! whole version or the other; after [`Folder::wipe`] it is gone, its files overwritten before.
//! A folder whose `glass` died is wiped by the [keeper](super::keeper), and if that died too, by
//! the next `glass exec`: the living hold a lock (`flock`) on theirs.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Write as _},
    os::{
        fd::OwnedFd,
        unix::ffi::{OsStrExt as _, OsStringExt as _},
    },
    path::{Path, PathBuf},
};

use ring::rand::{SecureRandom as _, SystemRandom};
use rustix::fs::{
    AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, Stat, fchmod, flock, fstat, mkdirat,
    openat, renameat, statat, unlinkat,
};

/// How our folders are called, before the random part.
const PREFIX: &str = "glass-exec-";

/// Bytes of chance in a name: nobody guesses 128 bits to lie in wait.
const CHANCE: usize = 16;

/// How often a new name is tried when a sweeper took the folder before it was locked; each try
/// that fails needs another `glass` starting within the same microseconds.
const TRIES: usize = 8;

/// A place folders may be made in.
#[derive(Debug)]
pub(super) struct Base {
    path: PathBuf,
    dir: OwnedFd,
    in_memory: bool,
}

/// A locked folder with mode 0700, wiped when dropped.
#[derive(Debug)]
pub(super) struct Folder {
    base: Base,
    name: OsString,
    dir: OwnedFd,
    wiped: bool,
}

impl Base {
    /// The best place on this machine: `$XDG_RUNTIME_DIR` if it is in memory, else `/dev/shm`,
    /// else the folder for temporary files.
    ///
    /// # Errors
    /// Where not one of them can be used safely: what is wrong with the last.
    pub(super) fn best(runtime_dir: Option<PathBuf>) -> Result<Self, (PathBuf, io::Error)> {
        let in_memory = runtime_dir.into_iter().chain([PathBuf::from("/dev/shm")]);
        for path in in_memory {
            match Self::open(&path) {
                Ok(base) if base.in_memory => return Ok(base),
                Ok(_) | Err(_) => {}
            }
        }
        let path = std::env::temp_dir();
        Self::open(&path).map_err(|why| (path, why))
    }

    /// Opens a folder to make ours in, if others cannot swap ours for theirs: it is our own and
    /// nobody else may write, or it has the sticky bit (as `/tmp`) and is root's or ours.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if !path.is_absolute() {
            return Err(io::Error::other("it is not an absolute path"));
        }
        let dir = rustix::fs::open(path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let stat = fstat(&dir)?;
        let (mode, me) = (
            Mode::from_raw_mode(stat.st_mode),
            rustix::process::geteuid().as_raw(),
        );
        let closed = stat.st_uid == me && !mode.intersects(Mode::WGRP | Mode::WOTH);
        let sticky = mode.contains(Mode::SVTX) && (stat.st_uid == 0 || stat.st_uid == me);
        if !closed && !sticky {
            return Err(io::Error::other("others could replace what is in it"));
        }
        Ok(Self {
            in_memory: is_in_memory(&dir),
            path: path.to_owned(),
            dir,
        })
    }

    /// Wipes what a `glass` left here that was killed together with its keeper. Best effort: what
    /// cannot be opened or is locked by a living one stays.
    pub(super) fn sweep(&self) {
        for name in names(&self.dir).unwrap_or_default() {
            if name.as_bytes().starts_with(PREFIX.as_bytes()) {
                let _ = Folder::open_in(self, &name).map(|mut folder| folder.wipe());
            }
        }
    }

    fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            path: self.path.clone(),
            dir: self.dir.try_clone()?,
            in_memory: self.in_memory,
        })
    }
}

impl Folder {
    /// Makes one with a name nobody can guess.
    ///
    /// # Errors
    /// What the system says; and `AlreadyExists` if every try was taken.
    pub(super) fn create(base: &Base) -> io::Result<Self> {
        for _ in 0..TRIES {
            let name = OsString::from(format!("{PREFIX}{}", chance()?));
            mkdirat(&base.dir, &name, Mode::RWXU)?;
            if let Ok(folder) = Self::open_in(base, &name) {
                // A umask can only have taken bits away.
                fchmod(&folder.dir, Mode::RWXU)?;
                return Ok(folder);
            }
        }
        Err(io::Error::from(io::ErrorKind::AlreadyExists))
    }

    /// Opens and locks the folder of a `glass` that is gone.
    ///
    /// # Errors
    /// Where it is not one of ours, or its owner still lives (`WouldBlock`).
    pub(super) fn open_abandoned(path: &Path) -> io::Result<Self> {
        let name = path
            .file_name()
            .filter(|n| n.as_bytes().starts_with(PREFIX.as_bytes()));
        let (Some(parent), Some(name)) = (path.parent(), name) else {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        };
        Self::open_in(&Base::open(parent)?, name)
    }

    /// Where it is.
    pub(super) fn path(&self) -> PathBuf {
        self.base.path.join(&self.name)
    }

    /// Whether it is in memory only.
    pub(super) fn in_memory(&self) -> bool {
        self.base.in_memory
    }

    /// Writes a file, mode 0600, in one step: a reader sees the old content or the new one.
    ///
    /// # Errors
    /// What the system says; the old content then still stands.
    pub(super) fn put(&self, name: &str, content: &[u8]) -> io::Result<PathBuf> {
        let draft = format!(".{name}.{}", chance()?);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.dir, &draft, flags, Mode::RUSR | Mode::WUSR)?;
        let written = File::from(file)
            .write_all(content)
            .and_then(|()| Ok(renameat(&self.dir, &draft, &self.dir, name)?));
        if let Err(why) = written {
            let _ = unlinkat(&self.dir, &draft, AtFlags::empty());
            return Err(why);
        }
        Ok(self.path().join(name))
    }

    /// Overwrites and removes every file, then the folder.
    ///
    /// A file with a second name elsewhere (a hard link) is unlinked but not overwritten: its
    /// content is not ours alone.
    ///
    /// # Errors
    /// The first thing that could not be removed; the rest is removed all the same.
    pub(super) fn wipe(&mut self) -> io::Result<()> {
        self.wiped = true;
        for name in names(&self.dir)? {
            let _ = overwrite(&self.dir, &name);
            let _ = unlinkat(&self.dir, &name, AtFlags::empty());
        }
        // Whatever the command made itself: sub-folders.
        std::fs::remove_dir_all(self.path())
    }

    fn open_in(base: &Base, name: &OsStr) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = openat(&base.dir, name, flags, Mode::empty())?;
        let stat = fstat(&dir)?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(io::Error::from(io::ErrorKind::PermissionDenied));
        }
        flock(&dir, FlockOperation::NonBlockingLockExclusive)?;
        // Between its making and its locking a sweeper may have taken it away.
        let there = statat(&base.dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if !same_file(&stat, &there) {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        }
        Ok(Self {
            base: base.try_clone()?,
            name: name.to_owned(),
            dir,
            wiped: false,
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.wiped {
            let _ = self.wipe();
        }
    }
}

/// Writes zeros over a plain file with one name. On storage that rewrites in place, as memory does,
/// nothing of the old content is left.
fn overwrite(dir: &OwnedFd, name: &OsStr) -> io::Result<()> {
    let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || stat.st_nlink != 1 {
        return Ok(());
    }
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut file = File::from(openat(dir, name, flags, Mode::empty())?);
    let length = u64::try_from(stat.st_size).unwrap_or(0);
    io::copy(&mut io::Read::take(io::repeat(0), length), &mut file)?;
    file.sync_data()
}

fn names(dir: &OwnedFd) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name));
        }
    }
    Ok(names)
}

fn same_file(one: &Stat, other: &Stat) -> bool {
    one.st_dev == other.st_dev && one.st_ino == other.st_ino
}

fn chance() -> io::Result<String> {
    let mut bytes = [0; CHANCE];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether a file system keeps nothing on a disk: tmpfs or ramfs (`statfs(2)`).
#[cfg(target_os = "linux")]
fn is_in_memory(dir: &OwnedFd) -> bool {
    const TMPFS: i128 = 0x0102_1994;
    const RAMFS: i128 = 0x8584_58f6;
    rustix::fs::fstatfs(dir).is_ok_and(|stat| [TMPFS, RAMFS].contains(&i128::from(stat.f_type)))
}

/// Other systems have no memory file system by default.
#[cfg(not(target_os = "linux"))]
fn is_in_memory(_dir: &OwnedFd) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// A place of this test's own, as `$XDG_RUNTIME_DIR` is one's own.
    fn place() -> (tempfile::TempDir, Base) {
        let dir = tempfile::tempdir().unwrap();
        let base = Base::open(dir.path()).unwrap();
        (dir, base)
    }

    fn mode(path: &Path) -> u32 {
        std::fs::symlink_metadata(path)
            .unwrap()
            .permissions()
            .mode()
            & 0o7777
    }

    #[test]
    fn only_the_owner_can_enter_and_read() {
        let (_place, base) = place();
        let folder = Folder::create(&base).unwrap();
        let file = folder.put("token", b"secret").unwrap();
        assert_eq!(mode(&folder.path()), 0o700);
        assert_eq!(mode(&file), 0o600);
        assert_eq!(std::fs::read(file).unwrap(), b"secret");
    }

    #[test]
    fn on_linux_it_is_in_memory() {
        let base = Base::best(None).unwrap();
        if base.path == Path::new("/dev/shm") {
            assert!(Folder::create(&base).unwrap().in_memory());
        }
    }

    #[test]
    fn a_runtime_dir_on_a_disk_or_missing_is_not_used() {
        let missing = Base::best(Some("/nowhere/at/all".into())).unwrap();
        assert_ne!(missing.path, Path::new("/nowhere/at/all"));
        let relative = Base::best(Some("tmp".into())).unwrap();
        assert!(relative.path.is_absolute());
    }

    #[test]
    fn a_place_where_others_can_replace_it_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let allow = |mode| {
            std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        allow(0o777);
        assert!(Base::open(place.path()).is_err());
        allow(0o770);
        assert!(Base::open(place.path()).is_err());
        allow(0o1777);
        assert!(Base::open(place.path()).is_ok());
    }

    #[test]
    fn a_reader_never_sees_half_a_token() {
        let (_place, base) = place();
        let folder = Folder::create(&base).unwrap();
        let versions = [[b'a'; 4096], [b'b'; 4096]];
        let path = folder.put("token", &versions[0]).unwrap();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let reader = std::thread::spawn(move || {
            let mut reads = 0_u32;
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                let seen = std::fs::read(&path).unwrap();
                assert!(versions.iter().any(|version| version[..] == seen));
                reads += 1;
            }
            reads
        });
        for turn in 0..2_000 {
            folder.put("token", &versions[turn % 2]).unwrap();
        }
        drop(stop);
        assert!(reader.join().unwrap() > 0);
    }

    #[test]
    fn wiping_leaves_nothing_and_reaches_an_open_reader() {
        let (place, base) = place();
        let mut folder = Folder::create(&base).unwrap();
        let path = folder.put("token", b"secret").unwrap();
        let mut open = File::open(&path).unwrap();
        std::fs::create_dir_all(folder.path().join("made/by/the/command")).unwrap();
        symlink("/etc/passwd", folder.path().join("link")).unwrap();
        folder.wipe().unwrap();
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
        let mut left = Vec::new();
        io::Read::read_to_end(&mut open, &mut left).unwrap();
        assert_eq!(left, [0; 6]);
        assert!(
            std::fs::read("/etc/passwd")
                .unwrap()
                .iter()
                .any(|byte| *byte != 0)
        );
    }

    #[test]
    fn a_file_with_a_name_elsewhere_keeps_its_content() {
        let (place, base) = place();
        let mine = place.path().join("mine");
        std::fs::write(&mine, b"my work").unwrap();
        let mut folder = Folder::create(&base).unwrap();
        std::fs::hard_link(&mine, folder.path().join("mine")).unwrap();
        folder.wipe().unwrap();
        assert_eq!(std::fs::read(&mine).unwrap(), b"my work");
    }

    #[test]
    fn a_dropped_folder_is_wiped_too() {
        let (place, base) = place();
        drop(Folder::create(&base).unwrap());
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_the_dead_left_is_swept_and_the_living_keep_theirs() {
        let (place, base) = place();
        let living = Folder::create(&base).unwrap();
        let dead = place.path().join("glass-exec-00");
        std::fs::create_dir(&dead).unwrap();
        std::fs::write(dead.join("token"), b"left behind").unwrap();
        let foreign = place.path().join("somebody-elses");
        std::fs::create_dir(&foreign).unwrap();
        base.sweep();
        assert!(!dead.exists());
        assert!(living.path().exists() && foreign.exists());
        assert!(
            Folder::open_abandoned(&living.path()).is_err(),
            "its owner lives"
        );
        assert!(Folder::open_abandoned(&foreign).is_err(), "not ours");
    }
}
