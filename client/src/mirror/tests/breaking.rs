//! Every call to the disk is once the last one of a run.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::*;

/// A disk on which the call of some number fails, in some way; the program ends with it, so that no
/// call after it happens either.
struct Breaking {
    calls: Arc<AtomicUsize>,
    fails_at: usize,
    how: How,
}

#[derive(Debug, Clone, Copy)]
enum How {
    /// Nothing happens.
    Cleanly,
    /// It happens, and fails all the same.
    Landed,
    /// Half of a file is written.
    Torn,
}

impl Breaking {
    fn call(&self, half: impl FnOnce(), whole: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        if number < self.fails_at {
            return whole();
        }
        if number == self.fails_at {
            match self.how {
                How::Cleanly => {}
                How::Landed => whole()?,
                How::Torn => half(),
            }
        }
        Err(io::Error::other("the disk of the story"))
    }
}

impl Disk for Breaking {
    fn create(&self, folder: &Path, mode: u32) -> io::Result<()> {
        self.call(|| (), || System.create(folder, mode))
    }
    fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        let half = || System.write(path, &bytes[..bytes.len() / 2], mode).unwrap();
        self.call(half, || System.write(path, bytes, mode))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(|| (), || System.rename(from, to))
    }
    fn sync(&self, folder: &Path) -> io::Result<()> {
        self.call(|| (), || System.sync(folder))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(|| (), || System.remove(path))
    }
}

/// From nothing, and from an older head, each call to the disk is the last one of a run.
#[tokio::test]
async fn a_run_that_ends_at_any_call_leaves_a_whole_mirror_and_the_next_goes_on() {
    for (old, new) in [(0, 300), (200, 530)] {
        for how in [How::Cleanly, How::Landed, How::Torn] {
            let mut broken = 0;
            for fails_at in 0.. {
                let host = Host::new();
                let served = Served::of(600).at(old);
                if old > 0 {
                    host.keeps(&served).await.unwrap();
                }
                let served = served.at(new);
                let calls = Arc::new(AtomicUsize::new(0));
                let disk = Breaking {
                    calls: Arc::clone(&calls),
                    fails_at,
                    how,
                };
                let run = host.keeps_on(Box::new(disk), &served).await;
                if calls.load(Ordering::Relaxed) <= fails_at {
                    run.unwrap();
                    break;
                }
                broken += 1;
                let what = format!("call {fails_at} from {old} {how:?}");
                assert_eq!(run.unwrap_err().reason(), "FILE", "{what}");
                let whole_for = host.is_whole_for();
                assert!(whole_for == old || whole_for == new, "{what}: {whole_for}");
                let kept = host.keeps(&served).await.unwrap();
                assert_eq!(kept.mended, Vec::<String>::new(), "{what}");
                let (found, wanted) = (host.files(), served.files(new));
                for (name, bytes) in &wanted {
                    assert_eq!(found.get(name), Some(bytes), "{what}: {name}");
                }
                assert_eq!(host.is_whole_for(), new);
            }
            assert!(broken > 20, "{broken}");
        }
    }
}

/// Keeps account of what is done, in order.
struct Recording(Arc<Mutex<Vec<(&'static str, PathBuf)>>>);

impl Recording {
    fn did(&self, what: &'static str, path: &Path) {
        self.0.lock().unwrap().push((what, path.to_owned()));
    }
}

impl Disk for Recording {
    fn create(&self, folder: &Path, mode: u32) -> io::Result<()> {
        System.create(folder, mode)
    }
    fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        self.did("write", path);
        System.write(path, bytes, mode)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.did("rename", to);
        System.rename(from, to)
    }
    fn sync(&self, folder: &Path) -> io::Result<()> {
        self.did("sync", folder);
        System.sync(folder)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.did("remove", path);
        System.remove(path)
    }
}

/// What a power cut could undo is done again before the checkpoint says that it is there.
#[tokio::test]
async fn every_name_is_durable_before_the_checkpoint_is_there_and_nothing_is_removed_before() {
    let host = Host::new();
    let served = Served::of(600).at(300);
    host.keeps(&served).await.unwrap();
    let done = Arc::new(Mutex::default());
    let disk = Box::new(Recording(Arc::clone(&done)));
    host.keeps_on(disk, &served.at(600)).await.unwrap();
    let done = done.lock().unwrap();
    let checkpoint = host.mirror().join("checkpoint");
    let at = |wanted: (&str, &Path)| {
        let mut all = done.iter().enumerate().rev();
        all.find(|(_, (what, path))| (*what, path.as_path()) == wanted)
            .map(|(at, _)| at)
    };
    let head = at(("rename", &checkpoint)).unwrap();
    let tiles: Vec<_> = done
        .iter()
        .filter(|(what, path)| *what == "rename" && *path != checkpoint)
        .collect();
    assert_eq!(
        tiles.len(),
        5,
        "a full tile of two rows, and three at the edge"
    );
    for (_, tile) in tiles {
        let renamed = at(("rename", tile)).unwrap();
        assert!(renamed < head, "{}", tile.display());
        let above = tile.ancestors().skip(1);
        for folder in above.take_while(|folder| folder.starts_with(host.mirror())) {
            let synced = done[renamed..head]
                .iter()
                .any(|(what, path)| *what == "sync" && path == folder);
            assert!(synced, "{} of {}", folder.display(), tile.display());
        }
    }
    let synced = done[head..]
        .iter()
        .position(|(what, path)| *what == "sync" && *path == host.mirror());
    let removed = done.iter().position(|(what, _)| *what == "remove").unwrap();
    assert!(head + synced.unwrap() < removed);
}
