//! A disk in memory that fails, tears and loses what was not synced, on command.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::disk::{Disk, Handle};

/// How one call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// An error, and nothing was done. A sync that fails so forgets that pages were dirty, as
    /// Linux does: the next sync succeeds without writing them.
    Clean,
    /// An error, although it was done.
    Landed,
    /// An error after half of the bytes.
    Torn,
    /// This call and all later ones fail: the machine stops.
    Stop,
}

/// What a power cut leaves of bytes that were written and not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Nothing.
    Lost,
    /// Everything.
    Kept,
    /// The first half.
    FirstHalf,
    /// The second half, and zeros before it.
    SecondHalf,
}

impl Cut {
    pub(super) const ALL: [Self; 4] = [Self::Lost, Self::Kept, Self::FirstHalf, Self::SecondHalf];
}

/// The disk; clones are the same disk.
#[derive(Clone, Default)]
pub(super) struct Sim(Arc<Mutex<World>>);

#[derive(Clone)]
struct World {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, Node>,
    durable_names: BTreeMap<PathBuf, Node>,
    /// Calls that change something, in words.
    calls: Vec<String>,
    fault: Option<(usize, How)>,
    free: u64,
    read_only: bool,
}

impl Default for World {
    fn default() -> Self {
        // The folder that the ledger's is made in was there before.
        let names = BTreeMap::from([(PathBuf::from("/data"), Node::Dir)]);
        Self {
            inodes: Vec::new(),
            durable_names: names.clone(),
            names,
            calls: Vec::new(),
            fault: None,
            free: 1 << 40,
            read_only: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Dir,
    File(usize),
}

#[derive(Clone, Default)]
struct Inode {
    seen: Vec<u8>,
    durable: Vec<u8>,
    dirty: Vec<Range<usize>>,
    /// Bytes set aside.
    allocated: u64,
}

impl Inode {
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        self.seen.resize(self.seen.len().max(end), 0);
        self.seen[offset..end].copy_from_slice(bytes);
        self.dirty.push(offset..end);
    }

    fn sync(&mut self) {
        for range in std::mem::take(&mut self.dirty) {
            let end = range.end.min(self.seen.len());
            let start = range.start.min(end);
            self.durable.resize(self.durable.len().max(end), 0);
            self.durable[start..end].copy_from_slice(&self.seen[start..end]);
        }
        self.durable.resize(self.seen.len(), 0);
    }

    /// After a power cut.
    fn cut(&mut self, cut: Cut) {
        for range in std::mem::take(&mut self.dirty) {
            let end = range.end.min(self.seen.len());
            let start = range.start.min(end);
            let middle = start + (end - start) / 2;
            let survives = match cut {
                Cut::Lost => start..start,
                Cut::Kept => start..end,
                Cut::FirstHalf => start..middle,
                Cut::SecondHalf => middle..end,
            };
            if !survives.is_empty() {
                self.durable.resize(self.durable.len().max(survives.end), 0);
                self.durable[survives.clone()].copy_from_slice(&self.seen[survives]);
            }
        }
        if cut == Cut::Kept {
            self.durable.resize(self.seen.len(), 0);
        }
        self.seen.clone_from(&self.durable);
    }
}

impl Sim {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call of this number, counted from 0, goes wrong.
    pub(super) fn fail(&self, call: usize, how: How) {
        self.world().fault = Some((call, how));
    }

    /// Calls so far that change something.
    pub(super) fn calls(&self) -> Vec<String> {
        self.world().calls.clone()
    }

    /// Bytes that are free from now on.
    pub(super) fn set_free(&self, free: u64) {
        self.world().free = free;
    }

    pub(super) fn set_read_only(&self, read_only: bool) {
        self.world().read_only = read_only;
    }

    /// A disk like this one, for another try.
    pub(super) fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.world().clone())))
    }

    /// The disk after a power cut; `names` says whether names that were not synced survive.
    pub(super) fn after_power_cut(&self, cut: Cut, names: bool) -> Self {
        let mut world = self.world().clone();
        world.inodes.iter_mut().for_each(|inode| inode.cut(cut));
        if !names {
            world.names = reachable(&world.durable_names);
        }
        world.durable_names = world.names.clone();
        world.fault = None;
        Self(Arc::new(Mutex::new(world)))
    }

    /// The disk after the process was killed: everything written is there, synced or not.
    pub(super) fn after_kill(&self) -> Self {
        let mut world = self.world().clone();
        world.fault = None;
        Self(Arc::new(Mutex::new(world)))
    }

    /// The names of all files.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let world = self.world();
        let files = world.names.iter().filter(|(_, node)| **node != Node::Dir);
        files.map(|(path, _)| path.clone()).collect()
    }

    /// Somebody changes the bytes of a file behind the ledger's back.
    pub(super) fn tamper(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut world = self.world();
        let inode = world.file(path).expect("the file is there");
        change(&mut world.inodes[inode].seen);
        let seen = world.inodes[inode].seen.clone();
        world.inodes[inode].durable = seen;
    }
}

/// What can be found from the top.
fn reachable(names: &BTreeMap<PathBuf, Node>) -> BTreeMap<PathBuf, Node> {
    let found = |path: &Path| {
        let above = path
            .ancestors()
            .skip(1)
            .filter(|dir| dir.parent().is_some());
        above
            .into_iter()
            .all(|dir| names.get(dir) == Some(&Node::Dir))
    };
    let kept = names.iter().filter(|(path, _)| found(path));
    kept.map(|(path, node)| (path.clone(), *node)).collect()
}

impl World {
    fn file(&self, path: &Path) -> io::Result<usize> {
        match self.names.get(path) {
            Some(Node::File(inode)) => Ok(*inode),
            _ => Err(ErrorKind::NotFound.into()),
        }
    }

    /// Counts a call; answers how it goes wrong, if it does.
    fn call(&mut self, what: &str, path: &Path) -> io::Result<Option<How>> {
        let number = self.calls.len();
        self.calls.push(format!("{what} {}", path.display()));
        if self.read_only {
            return Err(ErrorKind::ReadOnlyFilesystem.into());
        }
        match self.fault {
            Some((at, How::Stop)) if number >= at => Err(broken()),
            Some((at, how)) if number == at => Ok(Some(how)),
            _ => Ok(None),
        }
    }

    fn write(&mut self, inode: usize, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let grows = (offset + bytes.len()).saturating_sub(self.inodes[inode].seen.len());
        if grows as u64 > self.free {
            let fits = bytes.len() - (grows - self.free as usize);
            self.inodes[inode].write(offset, &bytes[..fits]);
            self.free = 0;
            return Err(ErrorKind::StorageFull.into());
        }
        self.free -= grows as u64;
        self.inodes[inode].write(offset, bytes);
        Ok(())
    }
}

fn broken() -> io::Error {
    io::Error::other("input/output error")
}

/// Does it, or not, and says so, or not.
fn go(how: Option<How>, act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    match how {
        None => act(),
        Some(How::Landed) => act().and(Err(broken())),
        Some(_) => Err(broken()),
    }
}

impl Disk for Sim {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let mut world = self.world();
        let how = world.call("open", path)?;
        let inode = world.file(path)?;
        go(how, || Ok(()))?;
        let (sim, path) = (self.clone(), path.to_owned());
        Ok(Box::new(SimHandle { sim, path, inode }))
    }

    fn create(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut world = self.world();
        let how = world.call("create", path)?;
        if how == Some(How::Clean) {
            return Err(broken());
        }
        let dir = path.parent().expect("a file is in a folder");
        if world.names.get(dir) != Some(&Node::Dir) {
            return Err(ErrorKind::NotFound.into());
        }
        // What an existing file had is cut at once, and it may be written over in place.
        let inode = match world.file(path) {
            Ok(inode) => inode,
            Err(_) => {
                world.inodes.push(Inode::default());
                world.inodes.len() - 1
            }
        };
        world.names.insert(path.to_owned(), Node::File(inode));
        world.free += world.inodes[inode].seen.len() as u64;
        world.inodes[inode].seen.clear();
        let half = if how == Some(How::Torn) {
            bytes.len() / 2
        } else {
            bytes.len()
        };
        world.write(inode, 0, &bytes[..half])?;
        go(how.filter(|how| *how != How::Landed), || Ok(()))?;
        go(how, || Ok(()))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let world = self.world();
        let inode = world.file(path)?;
        Ok(world.inodes[inode].seen.clone())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let world = self.world();
        if world.names.get(dir) != Some(&Node::Dir) {
            return Err(ErrorKind::NotFound.into());
        }
        let inside = world.names.keys().filter(|path| path.parent() == Some(dir));
        let names = inside.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
        Ok(names.collect())
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        let how = world.call("sync", path)?;
        let node = world.names.get(path).copied();
        match node {
            Some(Node::File(inode)) => {
                if how.is_some_and(|how| how != How::Landed) {
                    world.inodes[inode].dirty.clear();
                }
                go(how, || {
                    world.inodes[inode].sync();
                    Ok(())
                })
            }
            Some(Node::Dir) => go(how, || {
                world
                    .durable_names
                    .retain(|name, _| name.parent() != Some(path));
                let inside: Vec<_> = world
                    .names
                    .iter()
                    .filter(|(name, _)| name.parent() == Some(path))
                    .map(|(name, node)| (name.clone(), *node))
                    .collect();
                world.durable_names.extend(inside);
                Ok(())
            }),
            // The root.
            None => go(how, || Ok(())),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.world();
        let how = world.call("rename", to)?;
        let inode = world.file(from)?;
        go(how, || {
            world.names.remove(from);
            world.names.insert(to.to_owned(), Node::File(inode));
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        let how = world.call("remove", path)?;
        go(how, || {
            let gone = world
                .names
                .iter()
                .filter(|(name, _)| name.starts_with(path));
            let gone: Vec<_> = gone.map(|(name, node)| (name.clone(), *node)).collect();
            for (name, node) in gone {
                world.names.remove(&name);
                if let Node::File(inode) = node {
                    let inode = &world.inodes[inode];
                    world.free += inode.seen.len() as u64 + inode.allocated;
                }
            }
            Ok(())
        })
    }

    fn make_dirs(&self, dir: &Path) -> io::Result<()> {
        let mut world = self.world();
        let how = world.call("make", dir)?;
        go(how, || {
            for one in dir.ancestors().filter(|one| one.parent().is_some()) {
                world.names.insert(one.to_owned(), Node::Dir);
            }
            Ok(())
        })
    }

    fn allocate(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let mut world = self.world();
        let how = world.call("allocate", path)?;
        if world.free < bytes {
            return Err(ErrorKind::StorageFull.into());
        }
        go(how, || {
            world.free -= bytes;
            world.inodes.push(Inode {
                allocated: bytes,
                ..Inode::default()
            });
            let inode = world.inodes.len() - 1;
            world.names.insert(path.to_owned(), Node::File(inode));
            Ok(())
        })
    }

    fn free(&self, _dir: &Path) -> io::Result<u64> {
        Ok(self.world().free)
    }
}

struct SimHandle {
    sim: Sim,
    path: PathBuf,
    inode: usize,
}

impl Handle for SimHandle {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut world = self.sim.world();
        let how = world.call("write", &self.path)?;
        let offset = usize::try_from(offset).expect("it fits memory");
        if how == Some(How::Torn) {
            world.write(self.inode, offset, &bytes[..bytes.len() / 2])?;
        }
        go(how, || world.write(self.inode, offset, bytes))
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut world = self.sim.world();
        let how = world.call("sync", &self.path)?;
        if how.is_some_and(|how| how != How::Landed) {
            world.inodes[self.inode].dirty.clear();
        }
        go(how, || {
            world.inodes[self.inode].sync();
            Ok(())
        })
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let mut world = self.sim.world();
        let how = world.call("cut", &self.path)?;
        let len = usize::try_from(len).expect("it fits memory");
        go(how, || {
            let had = world.inodes[self.inode].seen.len();
            world.free += had.saturating_sub(len) as u64;
            world.inodes[self.inode].seen.resize(len, 0);
            Ok(())
        })
    }
}
